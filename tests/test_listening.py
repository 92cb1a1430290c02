"""`listening` is the lowest room: it knows of sound alone, and each of its functions has its name."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import listening

FOLDER = Path(listening.__file__).parent
FILES = sorted(FOLDER.rglob("*.py"))
OURS = {path.parent.name for path in FOLDER.parent.glob("*/__init__.py")} | {"app", "tests"}


def imported(path: Path) -> Iterator[str]:
    """Top-level packages that a file imports anywhere, also within functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "listening" if node.level else str(node.module).split(".")[0]


def functions(path: Path) -> list[str]:
    """A file's own functions, underscores aside."""
    body = ast.parse(path.read_text()).body
    return [node.name.lstrip("_") for node in body if isinstance(node, ast.FunctionDef)]


def test_the_other_rooms_are_known():
    assert {"curation", "sketch", "steering", "studio", "benchmarks", "listening"} <= OURS


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_is_imported_from_the_other_rooms(path):
    assert not set(imported(path)) & (OURS - {"listening"})


def test_no_two_functions_have_one_name():
    found = Counter(name for path in FILES for name in functions(path))
    assert len(found) > 40
    assert [name for name, count in found.items() if count > 1] == []
