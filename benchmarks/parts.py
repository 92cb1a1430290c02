"""A benchmark's parts as one table: printed, and written as JSON where that is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

Lines = list[tuple[str, str]]
"""What was measured and its figure."""

Given = TypeVar("Given")


def print_parts(
    parts: Mapping[str, Callable[[Given], Iterable[tuple[str, str]]]],
    given: Given,
    only: str | None,
    path: Path | None,
) -> None:
    """Run all parts, or the one named, with what they are given; a line is printed once it is there."""
    table: dict[str, dict[str, str]] = {}
    for name in [only] if only else parts:
        print(f"\n{name}", flush=True)
        table[name] = {}
        for what, figure in parts[name](given):
            table[name][what] = figure
            print(f"  {what:52}{figure}", flush=True)
    if path:
        path.write_text(json.dumps(table, indent=1) + "\n")
