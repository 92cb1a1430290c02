"""Where the sound fonts are, which bytes they hold and under which licence."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pretty_midi

from curation.errors import BadInput

DEFAULT = "FluidR3_GM.sf2"
SECOND = "TimGM6mb.sf2"
LICENCES = {
    DEFAULT: "MIT (Frank Wen, Toby Smithe)",
    SECOND: "GPL-2.0 (Tim Brechbill)",
}
FOLDERS = (
    Path("/usr/share/sounds/sf2"),
    Path("/usr/share/soundfonts"),
    Path("/opt/homebrew/share/sounds/sf2"),
    Path(pretty_midi.__file__).parent,
)
_INSTALL = {
    DEFAULT: "install the Debian package fluid-soundfont-gm, or give a path with --sound-font",
    SECOND: "it comes with pretty_midi: reinstall that package",
}


@dataclass(frozen=True)
class SoundFont:
    """A sound font on this machine. Recipes record its ``name`` and ``sha256``, never its path."""

    name: str
    sha256: str
    path: str

    @property
    def licence(self) -> str:
        return LICENCES.get(self.name, "unknown: look at the font's own page before you publish")

    def record(self) -> dict[str, str]:
        """What a recipe keeps of the font."""
        return {"name": self.name, "sha256": self.sha256}


@cache
def find_sound_font(name_or_path: str = DEFAULT) -> SoundFont:
    """The sound font of this name or at this path.

    Raises:
        BadInput: it is missing or damaged.
    """
    path = _locate(name_or_path)
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:12] != b"sfbk":
            raise BadInput(f"{path} is not a SoundFont 2 file: download it again or choose another")
        stated = int.from_bytes(head[4:8], "little") + 8
        actual = os.fstat(file.fileno()).st_size
        if actual < stated:
            raise BadInput(
                f"{path} is cut short ({actual} of {stated} bytes): download or install it again"
            )
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return SoundFont(name=path.name, sha256=digest, path=str(path))


def _locate(name_or_path: str) -> Path:
    given = Path(name_or_path)
    if given.is_file():
        return given
    if given.parent == Path():
        for folder in FOLDERS:
            if (folder / name_or_path).is_file():
                return folder / name_or_path
    fix = _INSTALL.get(name_or_path, "check the path, or leave out --sound-font for the default")
    raise BadInput(f"no sound font {name_or_path}: {fix}")
