"""A visitor's faders never rest, to hold the one thread that plays and to break the clip's link."""

from __future__ import annotations

import http.client
import itertools
import json
import math
import threading
import time
from typing import Any
from urllib.parse import urlparse

from benchmarks.attack import Attack, Outcome
from benchmarks.attack.target import Page, Target

SECONDS, THREADS, SLOWEST = 10.0, 8, 1.7
"""Of the clip; who move its faders; and how many times as long it may take as beside as many threads that
move a session that is over: calls take their share of the machine, moves have none to take."""

NOBODY = "nobody"


def _play(
    page: Page, recipe: dict[str, Any], moved: str | None = None
) -> tuple[dict[str, Any], int]:
    """The last event of a clip, and how many moves were sent meanwhile.

    Args:
        moved: the session that they are sent to; "" for the clip's own, None for no moves.
    """
    sent, over = itertools.count(), threading.Event()
    threads: list[threading.Thread] = []
    last: dict[str, Any] = {}
    for last in page.client.submit(recipe, api_name="/generate"):
        if last["event"] == "started" and moved is not None:
            arguments = (page, moved or last["session"], len(recipe["interventions"]), sent, over)
            threads = [threading.Thread(target=_move, args=arguments) for _ in range(THREADS)]
            for thread in threads:
                thread.start()
    over.set()
    for thread in threads:
        thread.join()
    return last, next(sent)


def _move(
    page: Page, session: str, concepts: int, sent: itertools.count[int], over: threading.Event
) -> None:
    line = http.client.HTTPConnection(urlparse(page.address).netloc, timeout=60)
    while not over.is_set():
        number = next(sent)
        data = [session, number % concepts, 0.05 * math.sin(number)]
        body = json.dumps({"data": data})
        try:
            line.request("POST", "/gradio_api/run/move", body, {"Content-Type": "application/json"})
            line.getresponse().read()
        except (OSError, http.client.HTTPException):
            line.close()
            time.sleep(0.1)


def _hold(target: Target) -> Outcome:
    with target.page() as page:
        presets = {one["name"]: one["recipe"] for one in page.client.predict(api_name="/presets")}
        recipe = presets["C fades into G"] | {"seconds": SECONDS}
        _play(page, recipe | {"seconds": 1.0})
        alone, _ = _play(page, recipe)
        beside, idle = _play(page, recipe, NOBODY)
        moved, sent = _play(page, recipe, "")
        opened = page.call("open_permalink", moved["permalink"])
        again: dict[str, Any] = {}
        if opened["event"] == "complete":
            again, _ = _play(page, opened["data"][0])
    same = again.get("sha256") == moved["sha256"]
    kept = len(moved["recipe"]["moves"])
    slower = moved["took"] / beside["took"]
    return Outcome(
        same and slower < SLOWEST,
        f"{sent} moves sent and {kept} kept, the clip took {moved['took']:.0f} s, beside {idle} calls that "
        f"move nothing {beside['took']:.0f} s, alone {alone['took']:.0f} s; its link of {len(moved['permalink'])} characters "
        + ("plays it again" if same else f"does not play it again ({str(opened['data'])[:80]})"),
    )


attacks = (Attack(5, "hold the engine, and break the link, by moving without end", _hold),)
