"""Two pages behind one address against one, and one of them killed while listeners hear it; needs the extra `cluster`.

    python -m benchmarks.replicas                one page, two pages, and one of the two killed
    python -m benchmarks.replicas --pages 2      with two alone

Listeners without cookies (`benchmarks/crowd.py`) hear clips of 8 s, steered and twin, one after another, and press play
again a second after one was cut off. All pages are on this machine, each with one core of it, and so are the
listeners and Ray, so what a second page brings here is less than on a machine of its own. What was heard must be,
sample by sample, what its recipe gives when it is asked for afterwards by one who is alone.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import sys
import threading
import time
import urllib.request
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from gradio_client import Client

from benchmarks.crowd import Visit, visit
from benchmarks.page import CROWD_SECONDS, one_recipe
from curation.errors import BadInput
from studio.cluster.serving import Pages, opened
from studio.cluster.streams import GONE
from studio.ids import MARK_VARIABLE

CLIENTS, SEEDS, SECONDS = 8, 12, 60.0
PORT = 7874
PATIENCE = 300.0


def listen(address: str, recipe: dict[str, Any], seconds: float) -> tuple[list[list[Visit]], float]:
    """What each listener heard, one clip after another, none begun later; and the seconds until the last ended."""
    heard: list[list[Visit]] = [[] for _ in range(CLIENTS)]
    began = time.monotonic()
    until = began + seconds

    def come(number: int) -> None:
        while time.monotonic() < until:
            seed = (number + CLIENTS * len(heard[number])) % SEEDS
            try:
                one = visit(address, recipe | {"seed": seed})
            except (OSError, ValueError) as error:
                one = Visit(seed, end=f"failed: {error}"[:120])
            heard[number].append(one)
            if one.end != "done":
                time.sleep(1)

    threads = [threading.Thread(target=come, args=(n,)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return heard, time.monotonic() - began


def figures(heard: list[list[Visit]], seconds: float, right: dict[int, Any]) -> list[str]:
    """What listeners met with, in lines."""
    visits = [one for visits in heard for one in visits]
    done = [one for one in visits if one.digests]
    cut = [one for one in visits if GONE in one.end]
    again = [after for own in heard for one, after in pairwise(own) if GONE in one.end]
    others = sorted({one.end for one in visits} - {"done"} - {one.end for one in cut})
    waits = [one.wait for one in done] or [0.0]
    return [
        f"{len(done)} clips, {60 * len(done) / seconds:.1f} a minute; "
        f"{sum(one.gaps == 0 for one in done)} without a gap",
        f"first sound after {statistics.median(waits):.1f} s (median), {max(waits):.1f} s at most",
        f"cut off with the line that says so {len(cut)}, of whom {sum(one.end == 'done' for one in again)} "
        f"of {len(again)} heard the next clip to its end; ended otherwise: {others or 'none'}",
        f"wrong clips {sum(one.digests != right[one.seed] for one in done)} of {len(done)}",
    ]


def marks(address: str) -> set[str]:
    """Of the pages that are there."""
    with urllib.request.urlopen(f"{address}metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return {line.split('"')[1] for line in lines if line.startswith("steering_playing{")}


def kill(mark: str) -> None:
    """Kill a page and what watches over it, as if its machine had lost power."""
    wanted = f"{MARK_VARIABLE}={mark}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            ours = wanted in (process / "environ").read_bytes().split(b"\0")
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # it ended, or is another user's
            continue
        if ours and parent > 1:
            os.kill(parent, signal.SIGKILL)
            os.kill(int(process.name), signal.SIGKILL)
            return


def one_killed(
    address: str, recipe: dict[str, Any], seconds: float
) -> tuple[list[list[Visit]], float, str]:
    """As `listen`, of two pages of which one is killed after a third of the time; and when another was there."""
    before, back = marks(address), list[float]()

    def strike() -> None:
        time.sleep(seconds / 3)
        began = time.monotonic()
        kill(sorted(before)[0])
        while len(marks(address) - {sorted(before)[0]}) < len(before):
            if time.monotonic() - began > PATIENCE:
                return
            time.sleep(0.5)
        back.append(time.monotonic() - began)

    thread = threading.Thread(target=strike)
    thread.start()
    heard, took = listen(address, recipe, seconds)
    thread.join()
    told = f"another page was there {back[0]:.0f} s later" if back else "no other page came"
    return heard, took, told


def settled(address: str, count: int) -> None:
    """Wait until all pages are known at the door."""
    last = time.monotonic() + PATIENCE
    while len(marks(address)) < count:
        if time.monotonic() > last:
            raise BadInput(f"{count} pages did not come within {PATIENCE:.0f} s")
        time.sleep(0.5)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.replicas", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--pages", type=int, nargs="+", default=(1, 2))
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each run")
    options = parser.parse_args(arguments)
    try:
        for count in options.pages:
            began = time.monotonic()
            with opened(Pages(count, port=PORT)) as address:
                settled(address, count)
                print(f"{count} pages, there after {time.monotonic() - began:.0f} s", flush=True)
                _measure(address, count, options.seconds)
    except BadInput as error:
        print(f"replicas: {error}", file=sys.stderr)
        return 2
    return 0


def _measure(address: str, count: int, seconds: float) -> None:
    recipe = one_recipe(Client(address, verbose=False), CROWD_SECONDS)
    for _ in range(2 * count):
        visit(address, recipe | {"seconds": 1.0})
    runs = {f"{CLIENTS} listeners for {seconds:.0f} s": (*listen(address, recipe, seconds), "")}
    if count > 1:
        runs["the same, one page killed amid it"] = one_killed(address, recipe, seconds)
    right = {seed: visit(address, recipe | {"seed": seed}).digests for seed in range(SEEDS)}
    for name, (heard, took, told) in runs.items():
        print(f"  {name}", flush=True)
        for line in figures(heard, took, right) + ([told] if told else []):
            print(f"    {line}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
