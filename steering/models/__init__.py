"""MusicGens behind one interface, whichever library they come from."""

from steering.models.interface import Condition, Decoding, MusicModel
from steering.models.loading import load_model

__all__ = ["Condition", "Decoding", "MusicModel", "load_model"]
