"""The one error that a user can mend: its message says what is wrong and what to do."""


class BadInput(ValueError):
    """Something the user gave cannot be used. One line: the fault, then the fix."""
