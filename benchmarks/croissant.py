"""mlcroissant's own command on what every family's build says of itself.

    python -m benchmarks.croissant                     a tiny build of each family
    python -m benchmarks.croissant --preset small      larger ones
    python -m benchmarks.croissant --only scores

Each family is built, checked and given its card; `mlcroissant validate` reads its description, as it was
built and again as it would be published with an address and a DOI; and `mlcroissant load` reads clips
through it. Clean is a command that ends well and says nothing of a warning.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from curation.build import build
from curation.card import OVERVIEW_FILE
from curation.card_files import release, write_card
from curation.checks import check
from curation.concepts import families
from curation.croissant import CROISSANT_FILE
from curation.folder import Built, open_built
from curation.recipe import make_recipe
from curation.release import Release

PUBLISHED = Release("1.0.1", "you/clips", "10.57967/hf/1234", "2027-01-31")
READ = 2
"""Clips of each split that are read through a description."""

COLUMNS = ("family", "clips", "as built", "as published", "clips read")


def main() -> int:
    """Print the table and whatever was objected to; 1 where anything was."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.croissant",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--preset", default="tiny", help="of each build; default tiny")
    parser.add_argument("--only", nargs="+", choices=families(), default=list(families()))
    options = parser.parse_args()
    print(f"mlcroissant {version('mlcroissant')}, builds of the preset {options.preset}\n")
    print(_row(COLUMNS), flush=True)
    objections: list[str] = []
    for name in options.only:
        with tempfile.TemporaryDirectory() as folder:
            built = _made(name, options.preset, Path(folder) / name)
            objections += _tell(built)
    print("\n" + ("\n".join(objections) or f"all {len(options.only)} families are clean"))
    return int(bool(objections))


def _made(name: str, preset: str, folder: Path) -> Built:
    recipe, fonts = make_recipe(name, preset)
    build(recipe, folder, fonts, workers=1)
    (folder / OVERVIEW_FILE).touch()  # or it would be drawn
    built = open_built(folder)
    check(built, listen=READ)
    write_card(built)
    return built


def _tell(built: Built) -> list[str]:
    """A row of the table; what was objected to."""
    name, file = built.family.name, str(built.folder / CROISSANT_FILE)
    rows = sum(report.rows for report in built.reports)
    found = [_objections("validate", file)]
    splits = dict.fromkeys(shard.split for shard in built.shards)
    read = [
        _objections("load", file, "--record_set", split, "--num_records", str(READ))
        for split in splits
    ]
    release(built, PUBLISHED)
    found.append(_objections("validate", file))
    loaded = [line for lines in read for line in lines]
    words = [f"{len(lines)} objections" if lines else "clean" for lines in (*found, loaded)]
    print(_row((name, f"{rows:,}", *words)), flush=True)
    return [f"{name}: {line}" for lines in (*found, loaded) for line in lines]


def _objections(command: str, file: str, *options: str) -> list[str]:
    """What the command said that it should not; its last line where it did not end well."""
    program = Path(sysconfig.get_path("scripts")) / "mlcroissant"
    done = subprocess.run(
        [sys.executable, program, command, "--jsonld", file, *options],
        capture_output=True,
        text=True,
        check=False,
    )
    told = [line for line in done.stderr.splitlines() if line.strip()]
    wrong = [line for line in told if line[0] in "WEF" or "warning" in line.lower()]
    return wrong or (
        told[-1:] if done.returncode or "Done." not in done.stdout + done.stderr else []
    )


def _row(cells: Sequence[str]) -> str:
    return f"{cells[0]:17}{cells[1]:>7}  {cells[2]:>13}  {cells[3]:>13}  {cells[4]:>13}"


if __name__ == "__main__":
    sys.exit(main())
