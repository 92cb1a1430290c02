"""The one error that a user can mend: its message says what is wrong and what to do."""

import re

LONGEST = 800
"""Characters of a message."""


class BadInput(ValueError):
    """Something the user gave cannot be used. One line: the fault, then the fix.

    It may quote what was given, and is one line of plain text all the same.
    """

    def __str__(self) -> str:
        said = plain(" ".join(super().__str__().split()))
        return said if len(said) <= LONGEST else f"{said[: LONGEST - 4]} ..."


_NAMED = re.compile(r"\b\w+(Error|Exception): ?")
"""An exception inside another library's words."""


def first_line(error: BaseException) -> str:
    """What another library's error says, cut to stand inside a line of ours."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    said = _NAMED.sub("", lines[0]).strip().rstrip(".:")
    return plain(said[:200])


def plain(text: str) -> str:
    """A text out of a file that may be anything, fit to stand in a line."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
