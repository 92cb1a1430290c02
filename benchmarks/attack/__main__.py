"""Attacks on a page that it starts itself, on the commands and on the files: what held, what fell.

    python -m benchmarks.attack                     all of them
    python -m benchmarks.attack --only 3 7          those of these points
    python -m benchmarks.attack --root ../before    the same attacks on another checkout's code

Each attack has an empty folder and, if it needs one, a page in a process of its own, on the sketch.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks.attack import Attack, Outcome, attacks
from benchmarks.attack.target import Target

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Run them; 1 if one fell."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.attack",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", type=int, nargs="*", default=[], help="points to attack")
    parser.add_argument("--root", type=Path, default=ROOT, help="checkout that is attacked")
    options = parser.parse_args()
    chosen = [one for one in attacks() if not options.only or one.point in options.only]
    fell = 0
    for attack in chosen:
        began = time.perf_counter()
        outcome = attempt(attack, options.root)
        fell += not outcome.held
        took = time.perf_counter() - began
        word = "held" if outcome.held else "FELL"
        print(
            f"{word}  {attack.point:2}  {attack.name}: {outcome.figures} ({took:.0f} s)", flush=True
        )
    print(f"{len(chosen) - fell} of {len(chosen)} attacks were held off")
    return int(fell > 0)


def attempt(attack: Attack, root: Path) -> Outcome:
    """What came of an attack; one that breaks down itself has not been held off."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            return attack.run(Target(Path(folder), root.resolve()))
        except Exception as error:  # noqa: BLE001  whatever breaks, the others go on
            return Outcome(False, f"broke down: {type(error).__name__}: {error}")


if __name__ == "__main__":
    raise SystemExit(main())
