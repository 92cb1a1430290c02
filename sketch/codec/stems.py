"""How the sound is divided: its stems, and which of them each codebook belongs to."""

STEMS = ("drums", "bass", "chords", "lead")
CODEBOOK_STEMS = ("drums", "bass", "chords", "chords", "lead", "lead")
"""Of chords and lead the first says what sounds and the second how it sounds."""

CODEBOOKS = ("rhythm", *CODEBOOK_STEMS)
"""All codebooks, in order. Of the rhythm only 0 is silence: nothing has begun yet."""

ENTRIES = 1024
SILENCE = 0
"""The code of a stem that is not heard, in each of its codebooks."""

BOOKS_FILE = "books.safetensors"
"""Where the codebooks are kept, beside the weights: what they tell apart, by which stems are read."""
