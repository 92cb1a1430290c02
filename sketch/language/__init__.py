"""The language model: captions in, codes out, in the shape of MusicGen."""
