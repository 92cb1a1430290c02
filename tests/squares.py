"""Pieces of nothing but a number, in a module that worker processes can import by itself."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from curation.errors import BadInput
from curation.files import write_whole


@dataclass(frozen=True)
class Squares:
    """A file a number. One may be refused, and one may kill who makes it, once."""

    folder: Path
    count: int = 4
    refused: int = -1
    deadly: int = -1

    def path(self, number: int) -> Path:
        return self.folder / f"{number}.txt"

    def there(self, number: int) -> bool:
        return self.path(number).exists()

    def make(self, number: int) -> None:
        killed = self.folder / "killed"
        if number == self.refused:
            raise BadInput(f"{number} cannot be squared: ask for another")
        if number == self.deadly and not killed.exists():
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        write_whole(self.path(number), str(number**2))
