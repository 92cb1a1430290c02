"""A page of another name reaches a listener's own page, by a name that is made to lead there."""

from __future__ import annotations

import json
import urllib.error

from benchmarks.attack import Attack, Outcome
from benchmarks.attack.target import Page, Target

FOREIGN = "evil.example"


def _rebind(target: Target) -> Outcome:
    port_free_names = (FOREIGN, f"{FOREIGN}:7860", f"localhost.{FOREIGN}", "[::1", "")
    with target.page() as page:
        reached = [name for name in port_free_names if _reaches(page, host=name)]
        asked = _reaches(page, origin=f"http://{FOREIGN}")
        own = page.address.removeprefix("http://")
        local = [
            _reaches(page, host=own),
            _reaches(page, host=own.replace("127.0.0.1", "localhost")),
        ]
        local.append(_reaches(page, origin=page.address))
    named = f"--allow-host of {FOREIGN} is not known"
    held = not reached and not asked and all(local)
    if held:
        with target.page("--allow-host", FOREIGN) as page:
            held = _reaches(page, host=FOREIGN) and not _reaches(page, host=f"x.{FOREIGN}")
            named = f"with --allow-host it answers to {FOREIGN} alone: {held}"
    return Outcome(
        held,
        f"{len(reached)} of {len(port_free_names)} foreign hosts reached it, a foreign page's script "
        f"{'too' if asked else 'did not'}, its own names {sum(local)} of {len(local)}; {named}",
    )


def _reaches(page: Page, **headers: str) -> bool:
    """Whether a call is taken that comes under this name, or from this page."""
    try:
        body = json.dumps({"data": []}).encode()
        page.fetch("/gradio_api/call/presets", body, timeout=30, **headers)
    except urllib.error.HTTPError:
        return False
    return True


attacks = (Attack(9, "reach a listener's page by another name (DNS rebinding)", _rebind),)
