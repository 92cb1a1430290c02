"""One client takes all the time there is: posts that nobody reads, checks and verdicts without end, retries."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.attack import Attack, Outcome
from benchmarks.attack.target import Page, Target

POSTS, VERDICTS, RETRIERS = 28, 24, 30
CHECKERS, RETRY_SECONDS = 6, 20.0
SLOWEST, LONGEST_STOP, LONGEST_WAIT = 2.0, 1.0, 10.0
"""Times as long as alone; seconds of a call of `stop`; seconds that an honest clip of 1 s may take."""

ATTACKER = "203.0.113.7"
"""Behind a proxy, as a page on the network is, so that the attacker is somebody else."""


def _post(page: Page, endpoint: str, *arguments: Any) -> int:
    """Ask and never read; the status."""
    try:
        body = json.dumps({"data": arguments}).encode()
        page.fetch(f"/gradio_api/call/{endpoint}", body, timeout=20, x_forwarded_for=ATTACKER)
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return 0
    return 200


def _clip(page: Page, recipe: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    """Seconds that an honest clip takes, and its last event."""
    began = time.monotonic()
    events = list(page.client.submit(recipe, api_name="/generate"))
    return time.monotonic() - began, events[-1] if events else {}


@contextmanager
def _meanwhile(job: Callable[[], None], threads: int) -> Iterator[list[int]]:
    """A number of threads that do it again and again; how often they did."""
    over, count = threading.Event(), [0]

    def work() -> None:
        while not over.is_set():
            job()
            count[0] += 1

    working = [threading.Thread(target=work) for _ in range(threads)]
    for one in working:
        one.start()
    try:
        yield count
    finally:
        over.set()
        for one in working:
            one.join()


def _recipe(page: Page) -> dict[str, Any]:
    recipe: dict[str, Any] = page.client.predict(api_name="/presets")[0]["recipe"]
    _clip(page, recipe | {"seconds": 1.0})
    return recipe


def _unread(target: Target) -> Outcome:
    with target.page(*_behind(target)) as page:
        recipe = _recipe(page)
        codes = [
            _post(page, "generate", recipe | {"seconds": 30.0, "seed": n}) for n in range(POSTS)
        ]
        took, last = _clip(page, recipe | {"seconds": 1.0, "seed": 99})
    figures = f"{codes.count(200)} of {POSTS} posts of 30 s that nobody reads were taken, an honest clip of 1 s took {took:.1f} s"
    return Outcome(last.get("event") == "done" and took < LONGEST_WAIT, figures)


def _checks(target: Target) -> Outcome:
    with target.page(*_behind(target)) as page:
        recipe = _recipe(page) | {"seconds": 8.0}
        alone, _ = _clip(page, recipe | {"seed": 5})
        with _meanwhile(lambda: _read_check(page, recipe), CHECKERS) as count:
            time.sleep(1.0)
            beside, last = _clip(page, recipe | {"seed": 6})
            rate = count[0] / (beside + 1.0)
    return Outcome(
        last.get("event") == "done" and beside < max(SLOWEST * alone, recipe["seconds"]),
        f"beside {rate:.0f} calls of check_recipe a second a clip of 8 s took {beside:.1f} s, alone {alone:.1f} s",
    )


def _read_check(page: Page, recipe: dict[str, Any]) -> None:
    there = "/gradio_api/call/check_recipe"
    try:
        asked = page.fetch(there, json.dumps({"data": [recipe]}).encode(), x_forwarded_for=ATTACKER)
        page.fetch(f"{there}/{json.loads(asked)['event_id']}", x_forwarded_for=ATTACKER)
    except OSError:
        return


def _verdicts(target: Target) -> Outcome:
    with target.page(*_behind(target)) as page:
        recipe = _recipe(page)
        _, kept = _clip(page, recipe | {"seconds": 8.0, "seed": 7})
        for _ in range(VERDICTS):
            _post(page, "verdict", kept["clip"])
        time.sleep(0.5)
        began = time.monotonic()
        page.client.predict("nobody", api_name="/stop")
        stop = time.monotonic() - began
        took, _ = _clip(page, recipe | {"seconds": 1.0, "seed": 8})
    return Outcome(
        stop < LONGEST_STOP and took < LONGEST_WAIT,
        f"beside {VERDICTS} verdicts that nobody reads `stop` took {stop:.2f} s, a clip of 1 s {took:.1f} s",
    )


def _retries(target: Target) -> Outcome:
    with target.page(*_behind(target)) as page:
        recipe = _recipe(page) | {"seconds": 8.0}

        def again() -> None:
            _post(page, "generate", recipe | {"seed": time.monotonic_ns() % 1_000_000})

        with _meanwhile(again, RETRIERS) as count:
            time.sleep(2.0)
            waits, until = list[float](), time.monotonic() + RETRY_SECONDS
            while time.monotonic() < until:
                took, last = _clip(page, recipe | {"seconds": 1.0, "seed": len(waits)})
                waits.append(took if last.get("event") == "done" else 1e3)
    longest = max(waits)
    return Outcome(
        longest < LONGEST_WAIT,
        f"beside {RETRIERS} clients that retry without a pause ({count[0]} posts) {len(waits)} honest clips of "
        f"1 s took {longest:.1f} s at most",
    )


def _behind(target: Target) -> tuple[str, ...]:
    """Options of a page behind one proxy; none for a page of before, which knew nothing of them."""
    return ("--proxies", "1") if "--proxies" in target.command("studio", "--help").stdout else ()


attacks = (
    Attack(11, "shut others out by posts that nobody reads", _unread),
    Attack(11, "slow others down by checking recipes without end", _checks),
    Attack(11, "let others wait to stop by verdicts that nobody reads", _verdicts),
    Attack(11, "shut others out by retrying without a pause", _retries),
)
