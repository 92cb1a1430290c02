"""The cards: one in each built folder, and the published sets' own in ``datasets/<name>/``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from curation.card import CONFUSION_FILE, OVERVIEW_FILE, card
from curation.checks import read_audit
from curation.checksums import read_sums, sha256
from curation.concepts import families
from curation.confusion import read_result
from curation.croissant import CROISSANT_FILE, DataFile, croissant
from curation.datasheet import DATASHEET_FILE, datasheet
from curation.errors import BadInput
from curation.facts import gather
from curation.files import check_writable, read_text, write_whole
from curation.folder import Built, Damaged, open_built
from curation.hub import CARD_FILE
from curation.preview import draw_overview, pick_clips
from curation.recipe import BuildRecipe
from curation.release import RELEASE_FILE, Release, read_release
from curation.spec import Family

FACTS_FILE = "facts.json"
RECIPE_NAME = "recipe.toml"
PAGES: dict[str, Callable[[Family, dict[str, Any]], str]] = {
    CARD_FILE: card,
    DATASHEET_FILE: datasheet,
}
"""Texts that facts give, wherever they are."""


def write_card(built: Built) -> None:
    """Write the card, its picture, the datasheet and Croissant's description into a built folder.

    Raises:
        Damaged: a shard cannot be read. The card, which tells of other clips, is taken away.
        BadInput: the folder takes no files, or the last check or classification in it is damaged.
    """
    check_writable(built.folder)
    try:
        facts = gather(built, read_audit(built))
        if not (built.folder / OVERVIEW_FILE).exists():
            draw_overview(built, pick_clips(built), built.folder / OVERVIEW_FILE)
    except Damaged:
        (built.folder / CARD_FILE).unlink(missing_ok=True)
        raise
    result = read_result(built.folder)
    facts["classifier"] = asdict(result) if result else None
    facts["release"] = asdict(read_release(built.folder))
    write_whole(built.folder / FACTS_FILE, json.dumps(facts, indent=1) + "\n")
    write_whole(built.folder / CROISSANT_FILE, croissant(built.family, facts, _data_files(built)))
    for name, page in PAGES.items():
        write_whole(built.folder / name, page(built.family, facts))


def release(built: Built, release: Release) -> None:
    """Write into a built folder that it is published so, and every page that says so.

    Raises:
        Damaged: a shard cannot be read.
        BadInput: the folder takes no files, or what was found of it is damaged.
    """
    check_writable(built.folder)
    write_whole(built.folder / RELEASE_FILE, json.dumps(asdict(release), indent=1) + "\n")
    write_card(built)


def adopt(folder: Path, cards: Path) -> None:
    """Take a built folder's facts, pictures and card over into ``datasets/<family>/``.

    Raises:
        BadInput: there is no sound build, or one of the two folders takes no files.
    """
    built = open_built(folder)
    check_writable(cards / built.family.name)
    write_card(built)
    home = cards / built.family.name
    for name in (FACTS_FILE, *PAGES, OVERVIEW_FILE, CONFUSION_FILE):
        if (folder / name).exists():
            shutil.copyfile(folder / name, home / name)
    (home / RECIPE_NAME).write_text(_toml(built.recipe))


def _toml(recipe: BuildRecipe) -> str:
    """The options that make the same recipe again."""
    said = {
        "family": recipe.family,
        "preset": recipe.preset,
        "clips": recipe.clips,
        "seed": recipe.seed,
        "sample_rate": recipe.sample_rate,
        "split": recipe.split,
        "vary": list(recipe.vary),
        "sound_font": recipe.sound_fonts[0][0],
    }
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in said.items())


def rewrite(cards: Path) -> None:
    """Make every card in ``datasets/`` anew from its facts.

    Raises:
        BadInput: the facts of a card are damaged.
    """
    for name, facts in _facts(cards):
        for page, text in _texts(cards / name, facts).items():
            write_whole(cards / name / page, text)


def stale(cards: Path) -> list[tuple[str, str]]:
    """The families whose card is missing or not what their facts give, with the reason.

    Raises:
        BadInput: the facts of a card are damaged.
    """
    found = dict(_facts(cards))
    faults = [
        (name, "no card: build the family and run `python -m curation card FOLDER`")
        for name in families()
        if name not in found
    ]
    for name, facts in found.items():
        texts = _texts(cards / name, facts)
        recipe = BuildRecipe.from_json(json.dumps(facts["recipe"]))
        if any(_differs(cards / name / page, text) for page, text in texts.items()):
            faults.append((name, "the card is stale: run `python -m curation card`"))
        elif recipe.fingerprint != facts["fingerprint"]:
            faults.append((name, "the facts are of another recipe format: build the family anew"))
    return faults


def _facts(cards: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    if not cards.is_dir():
        raise BadInput(
            f"there is no folder {cards} here: give the command at the root of the clone"
        )
    for path in sorted(cards.glob(f"*/{FACTS_FILE}")):
        try:
            yield path.parent.name, json.loads(read_text(path))
        except (ValueError, RecursionError):
            raise _damaged(path.parent) from None


def _differs(path: Path, text: str) -> bool:
    return not path.exists() or read_text(path) != text


def _data_files(built: Built) -> list[DataFile]:
    """The shards with their digests: as they were written, or else as they are."""
    sums = read_sums(built.folder)
    return [
        DataFile(name, shard.split, path.stat().st_size, sums.get(name) or sha256(path))
        for shard in built.shards
        if (path := built.folder / (name := shard.file_name))
    ]


def _texts(home: Path, facts: dict[str, Any]) -> dict[str, str]:
    """The pages of facts that were read, which may be anything."""
    try:
        family = families()[facts["recipe"]["family"]]
        return {name: page(family, facts) for name, page in PAGES.items()}
    except (AttributeError, LookupError, TypeError, ValueError):
        raise _damaged(home) from None


def _damaged(home: Path) -> BadInput:
    return BadInput(f"{home / FACTS_FILE} is damaged: restore it from git")
