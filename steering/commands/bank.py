"""Push banks to the Hugging Face Hub, pull them from there, rename a concept, or keep what a recipe carries."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from curation.errors import BadInput

if TYPE_CHECKING:
    from steering.directions.bank import Bank

WHAT = {"push": "owner/name", "pull": "owner/name", "rename": "NAME", "keep": "recipe.json"}
"""What stands after the folder."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=(*WHAT, "bind"))
    parser.add_argument("folder", type=Path, help="a bank, or a folder of banks")
    parser.add_argument(
        "what",
        nargs="?",
        help="for push and pull: owner/name on the Hub; for rename: the concept's new name; for keep: a "
        "recipe, whose banks are written into the folder",
    )
    parser.add_argument("--concept", help="for rename: which, in a bank of several")
    parser.add_argument("--private", action="store_true", help="for push: not for all to see")
    parser.add_argument("--revision", help="for pull: a commit or tag")


def run(options: argparse.Namespace) -> None:
    """One folder up, one repository down, a name changed, or all banks of a folder bound as they are."""
    from steering.directions import hub

    action, folder, what = options.action, options.folder, options.what
    if action != "bind" and what is None:
        raise BadInput(f"there is no {WHAT[action]}: bank {action} FOLDER {WHAT[action]}")
    if action == "push":
        count = len(hub.banks_in(folder))
        print(f"{hub.push(folder, what, private=options.private)}: {count} banks")
    elif action == "rename":
        print(_rename(folder, options.concept, what))
    elif action == "keep":
        for path, bank in _keep(Path(what), folder).items():
            print(f"{path}: {_line(bank)}")
    else:
        found = hub.bind(folder) if action == "bind" else hub.pull(what, folder, options.revision)
        print(*map(_line, found), sep="\n")


def _rename(folder: Path, concept: str | None, name: str) -> str:
    """Give a concept of a bank another name, in its place."""
    from steering.directions.bank import load_bank
    from steering.teaching.lesson import check_name

    bank, name = load_bank(folder), check_name(name)
    if concept is None and len(bank) > 1:
        raise BadInput(f"the bank has {len(bank)} concepts: say which with --concept")
    old = concept or next(iter(bank))
    renamed = bank.renamed(old, name)
    renamed.save(folder)
    return f"{folder}: {name}, once {old}; vectors {renamed.fingerprint} as before"


def _keep(recipe: Path, folder: Path) -> dict[Path, Bank]:
    """Write the banks that a recipe carries, each into a folder of its name.

    Raises:
        BadInput: it carries none, one is damaged, or another bank is there already.
    """
    from curation.files import check_writable, is_there
    from steering.directions.bank import FACTS, load_bank
    from steering.directions.bank_name import BankName
    from steering.directions.packed import unpack
    from steering.recipes import read_recipe
    from steering.teaching.lesson import check_name

    carried = {name: text for name, text in read_recipe(recipe).banks.items() if "." in text}
    if not carried:
        raise BadInput(
            f"{recipe} carries no bank: its concepts come with the model, or from a folder"
        )
    found = {
        folder / check_name(BankName.parse(name).method): unpack(text, name)
        for name, text in carried.items()
    }
    for path, bank in found.items():
        if is_there(path / FACTS) and load_bank(path).seal != bank.seal:
            raise BadInput(f"{path} holds another bank: choose another folder")
    for path, bank in found.items():
        check_writable(path)
        bank.save(path)
    return found


def _line(bank: Bank) -> str:
    return f"{bank.family} by {bank.method}: {', '.join(bank)} ({bank.origin.model})"
