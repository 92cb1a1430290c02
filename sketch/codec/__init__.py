"""The codec: sound to four codes per frame of 20 ms and back, all of it at frame rate."""
