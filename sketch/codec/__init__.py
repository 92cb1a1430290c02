"""The codec: sound to the codes of its stems, 50 times a second, and back, all of it at frame rate."""
