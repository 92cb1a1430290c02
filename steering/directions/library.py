"""What comes with the built-in model: its banks, and what evaluating them found."""

from __future__ import annotations

from pathlib import Path

from curation.errors import BadInput
from steering.directions.bank import FACTS, Bank, load_bank
from steering.models.interface import MusicModel

BANKS = Path(__file__).parents[1] / "banks"
RESULTS = Path(__file__).parents[1] / "results"
"""A folder for each evaluation, as 'python -m steering evaluate' wrote it, and ``strengths``."""

REMAKE = "make them anew with 'python -m steering banks --model"


def shipped_banks(model: MusicModel, root: Path = BANKS) -> dict[str, dict[str, Bank]]:
    """All banks of a model by family and method, as ``banks["notes"]["ridge"]["C"]``.

    `BadInput` where there are none for this model, or where they belong to other weights of it.
    """
    home = root / folder_name(model.origin.model)
    folders = sorted(path.parent for path in home.glob(f"*/*/{FACTS}"))
    if not folders:
        raise BadInput(
            f"no banks are shipped for {model.origin.model}: {REMAKE} {model.origin.model}'"
        )
    banks: dict[str, dict[str, Bank]] = {}
    for folder in folders:
        bank = load_bank(folder)
        if bank.origin.revision != model.origin.revision:
            raise BadInput(
                f"the shipped banks are for revision {bank.origin.revision} of "
                f"{bank.origin.model}, this is {model.origin.revision}: {REMAKE} "
                f"{model.origin.model}'"
            )
        banks.setdefault(folder.parent.name, {})[folder.name] = load_bank(folder, model.origin)
    return banks


def find_bank(name: str, model: MusicModel, root: Path = BANKS) -> Bank:
    """The bank in a folder, or a shipped one by its name, as ``notes/logistic``."""
    shipped = root / folder_name(model.origin.model) / name
    there = (Path(name) / FACTS).exists() or not (shipped / FACTS).exists()
    return load_bank(Path(name) if there else shipped, model.origin)


def folder_name(model: str) -> str:
    """A model's name as a folder's.

    >>> folder_name("facebook/musicgen-small")
    'facebook--musicgen-small'
    """
    return model.replace("/", "--")
