"""Activations: the residual stream, read and changed at one place, and kept on disk."""
