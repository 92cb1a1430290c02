"""Listening studies: a design as TOML, clips made beforehand, a page for listeners, and a report."""
