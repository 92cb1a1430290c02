"""What librosa compiles when it is first imported, compiled by one process at a time.

numba keeps a compiled ufunc in two files. Where two processes import librosa for the first time side by
side, each may write one of them, and whoever loads the two crashes (numba's issue 10128).
"""

from __future__ import annotations

import importlib
import os
import tempfile
from pathlib import Path

from curation.locks import locked


def compile_librosa() -> None:
    """Import what librosa compiles, or wait while another process does; to be called before a pool."""
    path = Path(tempfile.gettempdir()) / f"librosa-{os.getuid()}.lock"
    with locked(path, lambda holder: None):
        importlib.import_module("librosa.beat")
