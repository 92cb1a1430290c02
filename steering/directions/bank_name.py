"""How a bank is called in recipes, folders and tables: its family and its method."""

from __future__ import annotations

from dataclasses import dataclass

from curation.errors import BadInput

TAUGHT = "own"
"""The family of banks that were taught; none that comes with a model is of it."""


@dataclass(frozen=True, order=True)
class BankName:
    """A bank's name: ``family/method``.

    >>> str(BankName("notes", "ridge"))
    'notes/ridge'
    >>> BankName.parse("notes/ridge").method
    'ridge'

    Attributes:
        family: the concept family; method: the probe, with what else tells two banks of it apart.
    """

    family: str
    method: str

    def __str__(self) -> str:
        return f"{self.family}/{self.method}"

    @staticmethod
    def parse(text: str) -> BankName:
        """The name that is written so; `BadInput` for what is none, as a folder's path."""
        family, _, method = text.partition("/")
        if not family or not method or "/" in method:
            raise BadInput(f"{text!r:.60} is no bank's name: write it as family/method")
        return BankName(family, method)
