"""Studies tried out: by simulated listeners, and by browsers."""
