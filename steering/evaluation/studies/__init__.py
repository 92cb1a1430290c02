"""Kinds of evaluation, one module each."""
