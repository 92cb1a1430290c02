"""Somebody else's code comes in under a name that is already trusted: what is installed unpinned."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.attack import Attack, Outcome
from benchmarks.attack.target import Target

_INSTALL = re.compile(r"pip[^\n&|]*? install (?:[^&|\n\\]|\\\n)*")
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}\b")


def unpinned(root: Path) -> list[str]:
    """What the image, the Makefile and CI of a checkout take as it comes, in words."""
    image, make = (root / "Dockerfile").read_text(), (root / "Makefile").read_text()
    runs = "\n".join(path.read_text() for path in _scripts(root))
    faults = {
        "the base image has no digest": all(map(_DIGEST.search, _lines("FROM", image))),
        "the image installs without hashes": _hashed(image),
        "the image is not installed from the lock": re.search(
            r"uv sync[^&]*--locked|--require-hashes -r requirements", image
        ),
        "the image runs as root": _lines("USER", image)[-1:] not in ([], ["root"]),
        "the image has no HEALTHCHECK": _lines("HEALTHCHECK", image),
        "the image's command is a shell's": all(one[0] == "[" for one in _lines("CMD", image)),
        "the Makefile installs without hashes": _hashed(make),
        "the Makefile takes any uv that it finds": "command -v uv" not in make + runs,
        "CI looks for no known vulnerabilities": re.search(r"\baudit\b", runs),
        "CI runs an action that can change": all(
            re.search(r"@[0-9a-f]{40}\b", used) for used in re.findall(r"uses: *(\S+)", runs)
        ),
    }
    return [fault for fault, sound in faults.items() if not sound]


def _scripts(root: Path) -> list[Path]:
    places = (".ci/run", ".ci/wheel", ".github/workflows/*.y*ml")
    return [path for place in places for path in sorted(root.glob(place))]


def _lines(word: str, text: str) -> list[str]:
    return re.findall(rf"^{word} +(.*)$", text, re.MULTILINE)


def _hashed(text: str) -> bool:
    return all("--require-hashes" in line for line in _INSTALL.findall(text))


def _look(target: Target) -> Outcome:
    faults = unpinned(target.root)
    return Outcome(not faults, "; ".join(faults) or "everything has a digest or hashes")


attacks = (Attack(10, "bring in another package, image or tool under a trusted name", _look),)
