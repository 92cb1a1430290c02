"""A visitor names another model, and whoever wants to play waits for its loading."""

from __future__ import annotations

import os
import threading
import time
from functools import partial
from unittest.mock import patch

from benchmarks.attack import Attack, Outcome
from benchmarks.attack.target import Target

HONEST_SECONDS, CALLERS = 3.0, 12
OTHER = "facebook/musicgen-large"
OFFER = {"STEERING_MODELS": f"sketch {OTHER}"}
"""So a host offers it; older pages do without being told."""


def _freeze(target: Target, offered: bool) -> Outcome:
    with patch.dict(os.environ, OFFER if offered else {}), target.page() as page:
        page.client.predict(api_name="/presets")
        bad = [
            threading.Thread(target=page.call, args=("catalogue", OTHER)) for _ in range(CALLERS)
        ]
        for thread in bad:
            thread.start()
        time.sleep(0.5)
        slowest, right = 0.0, True
        while any(thread.is_alive() for thread in bad) or not slowest:
            began = time.perf_counter()
            right = right and page.call("presets")["event"] == "complete"
            slowest = max(slowest, time.perf_counter() - began)
        said = page.call("catalogue", OTHER)
    return Outcome(
        right and slowest < HONEST_SECONDS,
        f"{CALLERS} calls, somebody else's took {slowest:.1f} s, "
        f"the attackers heard {str(said['data'])[:120]!r}",
    )


attacks = (
    Attack(7, "freeze everybody by naming another model", partial(_freeze, offered=False)),
    Attack(7, "the same where the host offers it", partial(_freeze, offered=True)),
)
