"""Folders of which one file is damaged, given to whatever reads them."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path

from hypothesis.strategies import SearchStrategy

from benchmarks.fuzz import Target
from benchmarks.fuzz.values import damaged, json_files
from curation.errors import BadInput

Read = Callable[[Path], object]


def file_target(
    name: str,
    folder: Path,
    file: str,
    read: Read,
    share: float = 1.0,
    inputs: SearchStrategy[bytes] | None = None,
) -> Target:
    """What reads a folder is given it with one file changed.

    Args:
        folder: the target's own, whole; the file is as it was when nothing is given.
        inputs: of the file's bytes; as its name's ending says where there are none.
    """
    path = folder / file
    whole = path.read_bytes()
    if inputs is None:
        inputs = json_files(whole) if path.suffix == ".json" else damaged(whole)

    def give(content: bytes) -> None:
        path.write_bytes(content)
        try:
            read(folder)
        finally:
            path.write_bytes(whole)

    return Target(f"{name} {path.name}", inputs, give, share)


def command(main: Callable[[list[str]], int], *arguments: str) -> str:
    """What a command prints.

    Raises:
        BadInput: it refused its input, with its line.
    """
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(list(arguments))
    if code == 2:
        said = err.getvalue().rsplit("\r", 1)[-1].strip()
        raise BadInput(said)
    return out.getvalue()
