"""Recipes, folders and options that make no sense, and a build that is damaged and mended."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from benchmarks.attack import Attack, Outcome
from benchmarks.attack.target import Target, lines_of

PATIENCE = 8
"""A command that takes so many times as long as one that finds nothing has hung."""

RECIPES = {
    "clips 5.5": b'family = "notes"\nclips = 5.5\n',
    "clips true": b'family = "notes"\nclips = true\n',
    "seed 'x'": b'family = "notes"\nseed = "x"\n',
    "seed 1.5": b'family = "notes"\nseed = 1.5\n',
    "an unknown key": b'family = "notes"\ncolour = "red"\n',
    "Latin-1": 'family = "nötes"\n'.encode("latin-1"),
    "brackets": b"family = " + b"[" * 20_000,
}
TINY = ("--preset", "tiny", "--workers", "1")


def _nonsense(target: Target) -> Outcome:
    asked: dict[str, tuple[str, ...]] = {
        name: ("build", _recipe(target, name), *TINY, "--out", f"set-{number}")
        for number, name in enumerate(RECIPES)
    }
    asked |= _places(target)
    asked |= {
        "no workers": ("build", "notes", *TINY, "--workers", "0"),
        "too many clips": ("build", "songs", "--clips", "1000000000000"),
        "two lines": ("check", "two\nlines"),
    }
    began = time.perf_counter()
    target.command("curation", "preview", "nowhere")
    patience = PATIENCE * (time.perf_counter() - began)
    told = {name: _fault(target, arguments, patience) for name, arguments in asked.items()}
    fell = {name: fault for name, fault in told.items() if fault}
    words = "; ".join(f"{name}: {fault}" for name, fault in fell.items())
    return Outcome(not fell, f"{len(asked) - len(fell)} of {len(asked)} in one line. {words}")


def _recipe(target: Target, name: str) -> str:
    path = target.folder / f"{name.replace(' ', '-')}.toml"
    path.write_bytes(RECIPES[name])
    return path.name


def _places(target: Target) -> dict[str, tuple[str, ...]]:
    """Commands whose files and folders are something else."""
    os.mkfifo(target.folder / "pipe.toml")
    (target.folder / "loop").symlink_to("loop")
    (target.folder / "file").touch()
    closed = target.folder / "closed"
    closed.mkdir(mode=0o555)
    if os.access(closed, os.W_OK):  # an administrator may write anywhere but there
        closed = Path("/proc")
    return {
        "a pipe": ("build", "pipe.toml", *TINY),
        "a read-only folder": ("build", "notes", *TINY, "--out", str(closed / "set")),
        "a loop": ("check", "loop"),
        "below a file": ("preview", "file/below"),
    }


def _fault(target: Target, arguments: tuple[str, ...], patience: float) -> str:
    """What is wrong with the answer to a command that must be refused; empty if nothing is."""
    try:
        done = target.command("curation", *arguments, timeout=patience)
    except subprocess.TimeoutExpired:
        return f"no answer in {patience:.0f} s"
    lines = lines_of(done.stderr)
    if done.returncode == 2 and len(lines) == 1:
        return ""
    return f"exit code {done.returncode}, {lines[-1][:60] if lines else 'no word'}"


def _mended(target: Target) -> Outcome:
    def ask(*arguments: str) -> subprocess.CompletedProcess[str]:
        return target.command("curation", *arguments)

    ask("build", "notes", *TINY, "--out", "set")
    shard = target.folder / "set" / "data" / "train-00000-of-00001.parquet"
    content = shard.read_bytes()
    place = content.index(b"fLaC") + 5000
    shard.write_bytes(content[:place] + b"\0" * 64 + content[place + 64 :])
    checked, drawn = ask("check", "set", "--listen", "0"), ask("preview", "set")
    shard.unlink()
    ask("build", "notes", *TINY, "--out", "set")
    card = (target.folder / "set" / "README.md").read_text()
    named = ask("publish", "set", "--to", "../set", "--dry-run")
    again = ask("check", "set", "--listen", "0")
    seen = {
        "the damage is found": checked.returncode == 1,
        "a picture of it is refused in one line": drawn.returncode == 2
        and len(lines_of(drawn.stderr)) == 1,
        "the mended card has no fault": shard.read_bytes() == content and "damaged" not in card,
        "../set is no name": named.returncode == 2 and "owner/name" in named.stderr,
        "the next check passes": again.returncode == 0,
    }
    words = ", ".join(f"{name}: {'yes' if so else 'NO'}" for name, so in seen.items())
    return Outcome(all(seen.values()), words)


attacks = (
    Attack(9, "break the builder by what it reads", _nonsense),
    Attack(9, "damage a build, mend it, and have its card still say so", _mended),
)
