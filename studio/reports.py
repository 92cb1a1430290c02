"""The evaluation's reports and pictures: what there is, and one at a time."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from curation.errors import BadInput
from steering.directions.library import RESULTS

REPORTS = (RESULTS, Path("build/evaluation"))
"""The shipped results, and where 'python -m steering evaluate' writes: only PNG and report.md files in
folders right below these are shown, of two folders of one name the latter's."""

REPORT, PICTURES = "report.md", "*.png"
MOST_REPORTS = 48
LARGEST = 1_000_000


def reports(homes: Sequence[Path] = REPORTS) -> list[dict[str, str | list[str]]]:
    """Name, text and names of pictures of every report."""
    return [
        {
            "name": name,
            "text": _text(folder / REPORT),
            "pictures": [path.stem for path in _pictures(folder)],
        }
        for name, folder in list(_folders(homes).items())[:MOST_REPORTS]
        if _fit(folder / REPORT) or _pictures(folder)
    ]


def picture(report: str, name: str, homes: Sequence[Path] = REPORTS) -> str:
    """A report's picture: PNG in base64.

    Raises:
        BadInput: there is none of this name.
    """
    for path in _pictures(_folders(homes).get(report)):
        if path.stem == name:
            return base64.b64encode(path.read_bytes()).decode()
    raise BadInput(f"no picture {name!r:.40} of {report!r:.40}: 'reports' names those there are")


def _folders(homes: Sequence[Path]) -> dict[str, Path]:
    return {one.name: one for home in homes for one in sorted(home.glob("*")) if one.is_dir()}


def _pictures(folder: Path | None) -> list[Path]:
    return [path for path in sorted(folder.glob(PICTURES)) if _fit(path)] if folder else []


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if _fit(path) else ""


def _fit(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.stat().st_size <= LARGEST
