"""Labelled music clips out of nothing: spec -> score -> audio -> checks -> splits -> dataset -> Hub."""
