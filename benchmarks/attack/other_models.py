"""A visitor names another model, and whoever wants to play waits for its loading."""

from __future__ import annotations

import threading
import time

from benchmarks.attack import Attack, Outcome
from benchmarks.attack.target import Target

HONEST_SECONDS = 3.0
OTHER = "facebook/musicgen-large"


def _freeze(target: Target) -> Outcome:
    with target.page() as page:
        page.client.predict(api_name="/presets")
        bad = threading.Thread(target=page.call, args=("catalogue", OTHER))
        bad.start()
        time.sleep(0.5)
        began = time.perf_counter()
        answer = page.call("presets")
        took = time.perf_counter() - began
        bad.join()
        said = page.call("catalogue", OTHER)
    return Outcome(
        answer["event"] == "complete" and took < HONEST_SECONDS,
        f"somebody else's call took {took:.1f} s, the attacker heard {str(said['data'])[:120]!r}",
    )


attacks = (Attack(7, "freeze everybody by naming another model", _freeze),)
