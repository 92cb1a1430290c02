"""Musical concepts as directions in MusicGen's residual stream: find them, steer with them."""
