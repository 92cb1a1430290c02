"""Make a dataset: labelled clips out of nothing, opened and looked at.

What one learns: a recipe says which clips there are, a build renders them by FluidSynth, the same recipe
gives the same bytes. Labels are exact, because a clip is composed from them; a listener that was trained
on nothing of it can hear them again.

    python examples/make_dataset.py [FOLDER]     writes chords/ and a WAV of one clip, by default into build/
"""

import sys
from collections import Counter
from pathlib import Path

import soundfile

from curation.build import build
from curation.folder import decode, open_built
from curation.recipe import make_recipe
from listening.chord import hear_chord

CLIPS = 48


def main(folder: Path) -> tuple[str, tuple[str, str]]:
    """Build chords, count their labels, and write the first clip; what it is, and what is heard."""
    recipe, sound_fonts = make_recipe("chords", clips=CLIPS)
    build(recipe, folder / "chords", sound_fonts)

    built = open_built(folder / "chords")
    print("\n".join(f"{name}: {label.description}" for name, label in built.family.labels.items()))
    for label in ("split", built.family.target):
        rows = [row | {"split": split} for split, row in built.rows()]
        print(label, dict(Counter(row[label] for row in rows)))

    _, row = next(built.rows(["audio", "caption", "root", "quality"]))
    samples, rate = decode(row["audio"])  # int16 [N]
    soundfile.write(folder / "chord.wav", samples, rate)
    heard = hear_chord(samples / 32_768, rate)
    print(f"chord.wav: {row['caption']!r}; heard: {heard[0]} {heard[1]}")
    return f"{row['root']} {row['quality']}", heard


if __name__ == "__main__":
    place = Path(sys.argv[1] if len(sys.argv) > 1 else "build")
    place.mkdir(parents=True, exist_ok=True)
    main(place)
