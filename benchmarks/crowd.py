"""Listeners by the page's plain HTTP, in a process of their own, so that the server's figures are its own.

    python -m benchmarks.crowd http://127.0.0.1:7860/ --clients 8             each hears one clip of 8 s
    python -m benchmarks.crowd http://127.0.0.1:7860/ --clients 100 --minutes 5

Each listener begins to play `PATIENCE` after its first sound came; a gap is a piece that came later than the end of
what was there. With minutes they come back again and again, and every fifth visit is broken off amid a clip.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import math
import statistics
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

SIDES = ("steered", "unsteered")
PATIENCE, TIMEOUT, RATE = 0.25, 600.0, 32_000
LEAVING = 5
"""Every so many visits one is broken off."""


@dataclass
class Visit:
    """What a listener met with.

    Attributes:
        seed: of its recipe. wait: seconds to the first sound. gaps, missing: how often the player ran dry, and
            for how many seconds in all. digests: SHA-256 by side of a clip that was heard to its end.
        place: the worst that it was told of its place in the line. end: the last event, or what was refused.
    """

    seed: int
    wait: float = 0.0
    gaps: int = 0
    missing: float = 0.0
    place: int = 0
    end: str = ""
    digests: dict[str, str] = field(default_factory=dict)


def events(address: str, recipe: dict[str, Any], who: str) -> Iterator[dict[str, Any]]:
    """A clip's events, for who comes from an address of their own; whoever stops asking for them hangs up."""
    call = f"{address}gradio_api/call/generate"
    body = json.dumps({"data": [recipe]}).encode()
    headers = {"Content-Type": "application/json", "X-Forwarded-For": who}
    request = urllib.request.Request(call, body, headers)
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        name = json.load(answer)["event_id"]
    with urllib.request.urlopen(f"{call}/{name}", timeout=TIMEOUT) as stream:
        kind = ""
        for raw in stream:
            line = raw.decode().strip()
            if line.startswith("event:"):
                kind = line.removeprefix("event:").strip()
            elif line.startswith("data:") and kind in ("generating", "error"):
                found = json.loads(line.removeprefix("data:"))
                if kind == "error":
                    yield {"event": "error", "message": str(found)}
                    return
                if found:
                    yield found[0]


def visit(
    address: str,
    recipe: dict[str, Any],
    leave: bool = False,
    who: str = "",
    until: float = math.inf,
) -> Visit:
    """Hear a clip to its end, or leave amid it, or where one is when the time is over."""
    one, begun, start, ready = Visit(recipe["seed"]), time.monotonic(), 0.0, 0.0
    digests = {side: hashlib.sha256() for side in SIDES}
    for event in events(address, recipe, who):
        one.end = event["event"] if event["event"] != "error" else event["message"][:120]
        if event["event"] == "waiting":
            one.place = max(one.place, event["place"])
        if time.monotonic() > until:
            one.end = "left"
            return one
        if event["event"] != "audio":
            continue
        sound = {side: base64.b64decode(event[side]) for side in SIDES}
        for side, samples in sound.items():
            digests[side].update(samples)
        length = len(sound[SIDES[0]]) / 2 / RATE
        if not length:
            continue
        now = time.monotonic()
        if not start:
            one.wait, start = now - begun, now + PATIENCE
        late = now - (start + ready)
        if late > 0:
            one.gaps, one.missing, start = one.gaps + 1, one.missing + late, start + late
        ready += length
        if leave and ready > recipe["seconds"] / 3:
            one.end = "left"
            return one
    if one.end == "done":
        one.digests = {side: digest.hexdigest() for side, digest in digests.items()}
    return one


def crowd(
    address: str, recipe: dict[str, Any], clients: int, minutes: float, first: int, pool: int
) -> list[Visit]:
    """All visits of so many clients at once; seeds from ``first`` on, ``pool`` of them."""
    visits: list[Visit] = []
    until, lock = time.monotonic() + 60 * minutes, threading.Lock()

    def come(number: int) -> None:
        while True:
            with lock:
                count = len(visits) + number
            own = recipe | {"seed": first + (number if not minutes else count) % pool}
            try:
                left = bool(minutes) and count % LEAVING == 0
                one = visit(
                    address,
                    own,
                    left,
                    f"10.0.{number // 256}.{number % 256}",
                    until if minutes else math.inf,
                )
            except (OSError, urllib.error.URLError, ValueError) as error:
                one = Visit(own["seed"], end=f"failed: {error}"[:120])
            with lock:
                visits.append(one)
            if time.monotonic() > until:
                return
            if one.end not in ("done", "left"):
                time.sleep(1)

    threads = [threading.Thread(target=come, args=(n,)) for n in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return visits


def figures(visits: list[Visit], right: dict[int, dict[str, str]]) -> dict[str, Any]:
    """What visits come to, where the right clips are known by their seeds."""
    heard = [one for one in visits if one.digests]
    waits = [one.wait for one in heard] or [0.0]
    ends = [one.end for one in visits if not one.digests]
    return {
        "clips_heard": len(heard),
        "without_a_gap": sum(one.gaps == 0 for one in heard),
        "gaps": sum(one.gaps for one in heard),
        "longest_gaps_s": round(max((one.missing for one in heard), default=0.0), 2),
        "wrong_clips": sum(one.digests != right[one.seed] for one in heard if one.seed in right),
        "clips_checked": sum(one.seed in right for one in heard),
        "median_wait_s": round(statistics.median(waits), 2),
        "longest_wait_s": round(max(waits), 2),
        "longest_line": max((one.place for one in visits), default=0),
        "left": ends.count("left"),
        "others": sorted(set(ends) - {"left"})[:3],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("address")
    parser.add_argument("--recipe", type=json.loads, required=True, help="as JSON, without a seed")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--first", type=int, default=0, help="seed of the first")
    parser.add_argument("--pool", type=int, default=1000, help="how many seeds there are")
    options = parser.parse_args()
    given = (options.clients, options.minutes, options.first, options.pool)
    print(json.dumps([asdict(one) for one in crowd(options.address, options.recipe, *given)]))


if __name__ == "__main__":
    main()
