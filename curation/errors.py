"""The one error that a user can mend: its message says what is wrong and what to do."""

import re


class BadInput(ValueError):
    """Something the user gave cannot be used. One line: the fault, then the fix."""


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
