"""Recorded corpora, one module each, found by walking this package.

A module declares ``corpus``, a `Corpus`: how to know its folder, and what its recordings are. A folder
is as the Hub has the dataset, downloaded (``hf download NAME --repo-type dataset --local-dir FOLDER``)
and its archives unpacked.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from steering.activations.corpora.corpus import Corpus, Recording
from steering.declarations import declarations

__all__ = ["Corpus", "Recording", "corpora", "corpus_of"]


@cache
def corpora() -> dict[str, Corpus]:
    """Every recorded corpus by its name."""
    return {one.name: one for one in declarations(__name__, "corpus")}


def corpus_of(folder: Path) -> Corpus | None:
    """What a folder holds, by the files that tell of it; None for mere audio."""
    return next((one for one in corpora().values() if one.known(folder)), None)
