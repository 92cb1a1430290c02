"""The cards: one in each built folder, and the published sets' own in ``datasets/<name>/``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from curation.card import CONFUSION_FILE, OVERVIEW_FILE, card
from curation.checks import read_audit
from curation.concepts import families
from curation.confusion import read_result
from curation.errors import BadInput
from curation.facts import gather
from curation.files import check_writable, read_text, write_whole
from curation.folder import Built, Damaged, open_built
from curation.hub import CARD_FILE
from curation.preview import draw_overview, pick_clips
from curation.recipe import BuildRecipe

FACTS_FILE = "facts.json"


def write_card(built: Built) -> None:
    """Write the card and its picture into a built folder.

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
    write_whole(built.folder / FACTS_FILE, json.dumps(facts, indent=1) + "\n")
    write_whole(built.folder / CARD_FILE, _text(facts))


def adopt(folder: Path, cards: Path) -> None:
    """Take a built folder's facts, pictures and card over into ``datasets/<family>/``.

    Raises:
        BadInput: there is no sound build, or one of the two folders takes no files.
    """
    built = open_built(folder)
    check_writable(cards / built.family.name)
    write_card(built)
    home = cards / built.family.name
    for name in (FACTS_FILE, CARD_FILE, OVERVIEW_FILE, CONFUSION_FILE):
        if (folder / name).exists():
            shutil.copyfile(folder / name, home / name)
    recipe = built.recipe
    (home / "recipe.toml").write_text(
        f'family = "{recipe.family}"\npreset = "{recipe.preset}"\nseed = {recipe.seed}\n'
        f'sample_rate = {recipe.sample_rate}\nsplit = "{recipe.split}"\n'
        f'sound_font = "{recipe.sound_fonts[0][0]}"\n'
    )


def rewrite(cards: Path) -> None:
    """Make every card in ``datasets/`` anew from its facts.

    Raises:
        BadInput: the facts of a card are damaged.
    """
    for name, facts in _facts(cards):
        write_whole(cards / name / CARD_FILE, _text_of(cards / name, facts))


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
        text = _text_of(cards / name, facts)
        recipe = BuildRecipe.from_json(json.dumps(facts["recipe"]))
        card_file = cards / name / CARD_FILE
        if not card_file.exists() or read_text(card_file) != text:
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


def _text_of(home: Path, facts: dict[str, Any]) -> str:
    """The card of facts that were read, which may be anything."""
    try:
        return _text(facts)
    except (AttributeError, LookupError, TypeError, ValueError):
        raise _damaged(home) from None


def _damaged(home: Path) -> BadInput:
    return BadInput(f"{home / FACTS_FILE} is damaged: restore it from git")


def _text(facts: dict[str, Any]) -> str:
    return card(families()[facts["recipe"]["family"]], facts)
