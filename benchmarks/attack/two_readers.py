"""Two readers of one dataset into one store at once, who used to destroy it for ever."""

from __future__ import annotations

import subprocess

from benchmarks.attack import Attack, Outcome
from benchmarks.attack.target import Target, lines_of

CLIPS, MOST_SECONDS = "96", 900.0
BUILD = ("curation", "build", "chords", "--clips", CLIPS, "--out", "clips", "--workers", "1")
READ = ("steering", "activations", "clips", "--store", "store", "--batch", "4", "--device", "cpu")


def _read_at_once(target: Target) -> Outcome:
    built = target.command(*BUILD, timeout=MOST_SECONDS)
    if built.returncode:
        return Outcome(False, f"no clips: {_last(built.stderr)}")
    readers = [target.start(*READ) for _ in range(2)]
    ends = [_end(reader) for reader in readers]
    third = target.command(*READ, timeout=MOST_SECONDS)
    ends.append((third.returncode, third.stdout + third.stderr))
    clear = all(code == 0 or (code == 2 and "Traceback" not in said) for code, said in ends)
    told = ", ".join(f"{code} {_last(said)[:100]!r}" for code, said in ends)
    return Outcome(clear and third.returncode == 0, f"two at once and a third ended with {told}")


def _end(reader: subprocess.Popen[str]) -> tuple[int, str]:
    said, _ = reader.communicate(timeout=MOST_SECONDS)
    return reader.returncode, said


def _last(said: str) -> str:
    return (lines_of(said) or ["nothing"])[-1]


attacks = (Attack(2, "destroy a store by reading a dataset twice at once", _read_at_once),)
