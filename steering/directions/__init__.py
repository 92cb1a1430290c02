"""Directions of concepts, banks of them, and where banks are found."""
