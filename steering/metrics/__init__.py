"""Judges that train on nothing of ours: one module a measurement, sound in, numbers out."""
