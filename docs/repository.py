"""The repository's own prose in the site: READMEs, cards and reports, at the places that they have.

They stand under ``repository/``, so that their links to each other and to pictures hold there too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PLACE = "repository"
ROOMS = ("benchmarks", "curation", "datasets", "listening", "sketch", "steering", "studio")
SUFFIXES = (".md", ".png", ".jpg")
SCRIPTS = "examples"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add them to what the site is built from; called by MkDocs."""
    root = Path(config.config_file_path).parent
    for path in _prose(root):
        place = f"{PLACE}/{path.relative_to(root).as_posix()}"
        files.append(File.generated(config, place, abs_src_path=str(path)))
    return files


def _prose(root: Path) -> Iterator[Path]:
    yield from (root / "README.md", root / "CONTRIBUTING.md")
    for room in ROOMS:
        yield from (path for path in sorted((root / room).rglob("*")) if path.suffix in SUFFIXES)
    yield from sorted((root / SCRIPTS).glob("*.py"))
