"""Ways in, a module for each kind: a function ``targets`` that makes them for a place."""
