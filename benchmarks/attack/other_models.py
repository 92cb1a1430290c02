"""A visitor names another model, and whoever wants to play waits for its loading."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from functools import partial
from http.client import HTTPException
from unittest.mock import patch

from benchmarks.attack import Attack, Outcome
from benchmarks.attack.target import Page, Target

HONEST_SECONDS, CALLERS = 3.0, 12
OTHER = "facebook/musicgen-large"
OFFER = {"STEERING_MODELS": f"sketch {OTHER}"}
"""So a host offers it; older pages do without being told."""


def _freeze(target: Target, offered: bool) -> Outcome:
    with patch.dict(os.environ, OFFER if offered else {}), target.page() as page:
        page.client.predict(api_name="/presets")
        bad = [threading.Thread(target=_name_it, args=(page,), daemon=True) for _ in range(CALLERS)]
        for thread in bad:
            thread.start()
        time.sleep(0.5)
        slowest = _presets(page)
        while slowest < HONEST_SECONDS and any(thread.is_alive() for thread in bad):
            slowest = max(slowest, _presets(page))
        held = slowest < HONEST_SECONDS
        heard = page.call("catalogue", OTHER)["data"] if held else "nothing yet"
    return Outcome(
        held,
        f"{CALLERS} calls, somebody else's took {slowest:.1f} s{'' if held else ' or longer'}, "
        f"the attackers heard {str(heard)[:120]!r}",
    )


def _name_it(page: Page) -> None:
    with suppress(OSError, HTTPException):  # the page is stopped when enough was seen
        page.call("catalogue", OTHER)


def _presets(page: Page) -> float:
    """Seconds that somebody else's call takes, as far as they are waited for."""
    began = time.perf_counter()
    with suppress(OSError):
        if page.call("presets", timeout=3 * HONEST_SECONDS)["event"] != "complete":
            return 3 * HONEST_SECONDS
    return time.perf_counter() - began


attacks = (
    Attack(7, "freeze everybody by naming another model", partial(_freeze, offered=False)),
    Attack(7, "the same where the host offers it", partial(_freeze, offered=True)),
)
