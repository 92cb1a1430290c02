"""What a recipe keeps of banks that do not come with its model: their seals, and small taught ones whole.

A bank that a recipe carries is called ``own/<name>``, so that it stands in for none that comes with a
model, and is taken before any of that name that is there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from curation.errors import BadInput
from curation.files import is_there
from steering.directions.bank import FACTS, Bank
from steering.directions.bank_name import TAUGHT, BankName
from steering.directions.packed import pack, unpack

MOST_CARRIED, MOST_CHARACTERS = 6, 40_000
"""Banks that a recipe carries, and of them all: as many concepts as the page plays at once."""
_SEAL = re.compile(r"[0-9a-f]{64}")


def named(bank: Bank) -> Bank:
    """A bank under the name that recipes have for it, wherever it was read from.

    One that was taught, and is small enough to be carried, is ``own/<concept>``; any other stays as it is.
    """
    if _whole(bank) is None:
        return bank
    return replace(bank, source=str(BankName(TAUGHT, next(iter(bank)))))


def carried(banks: Iterable[Bank]) -> dict[str, str]:
    """A recipe's `banks`: by name a seal, and where the bank is taught and small, the bank as text.

    Those that come with the model are left out.

    Raises:
        BadInput: two banks have one name.
    """
    kept: dict[str, str] = {}
    for bank in banks:
        if bank.family != TAUGHT and not is_there(Path(bank.source, FACTS)):
            continue
        text = _whole(bank) or bank.seal
        if kept.setdefault(bank.source, text) != text:
            raise BadInput(
                f"two banks are called {bank.source!r:.60}: rename one with 'python -m steering bank "
                "rename FOLDER NAME'"
            )
    return kept


def check_carried(kept: Mapping[str, str]) -> None:
    """Check what a recipe keeps of banks, short of unpacking any.

    Raises:
        BadInput: they are too many or too long, one has no seal, or is carried under a name that a
            bank of the model may have.
    """
    whole = {name: text for name, text in kept.items() if "." in text}
    if len(whole) > MOST_CARRIED or sum(map(len, whole.values())) > MOST_CHARACTERS:
        raise BadInput(
            f"the recipe carries more than {MOST_CARRIED} banks or {MOST_CHARACTERS:,} characters of "
            "them: take concepts out of it"
        )
    for name, text in kept.items():
        if not _SEAL.fullmatch(text.partition(".")[0]):
            raise BadInput(f"the recipe's bank {name!r:.60} has no seal: ask for the recipe again")
        if name in whole and BankName.parse(name).family != TAUGHT:
            raise BadInput(
                f"the recipe carries a bank called {name!r:.60}: only taught ones are carried, call it "
                f"{TAUGHT}/NAME"
            )


def bank_of(name: str, kept: Mapping[str, str], banks: Callable[[str], Bank]) -> Bank:
    """The bank that a recipe names: the one that it carries, or else the one that is here.

    Args:
        kept: as `carried` has it. banks: those that are here.

    Raises:
        BadInput: it is damaged, not here, or not the one that the recipe was played with.
    """
    text = kept.get(name)
    if text is not None and "." in text:
        return unpack(text, name)
    found = banks(name)
    if text is not None and found.seal != text:
        raise BadInput(
            f"the bank {name!r:.60} is not the one that the recipe was played with (its seal is "
            f"{found.seal[:12]}, not {text[:12]}): give that one"
        )
    return found


def _whole(bank: Bank) -> str | None:
    """A taught bank as text; None for one that is another's, or too large to be carried."""
    try:
        return pack(bank) if bank.family == TAUGHT else None
    except BadInput:
        return None
