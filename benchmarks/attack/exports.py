"""Somebody reads the exported answers and tries what an id is good for on every id in there."""

from __future__ import annotations

import csv
import io
from typing import Any

from benchmarks.attack import Attack, Outcome
from benchmarks.attack.target import Page, Target
from studio.self_check import play

SECONDS = 2.0
MOST_ROUNDS = 12
RATED, ATTACKED = 90.0, 0.0
ADDRESSES = (
    "/config", "/gradio_api/info", "/gradio_api/startup-events", "/gradio_api/app_id",
    "/gradio_api/openapi.json", "/gradio_api/runs", "/gradio_api/run-history/records",
    "/monitoring", "/monitoring/summary", "/gradio_api/mcp/schema", "/gradio_api/profiling/traces",
)  # fmt: skip
"""What Gradio itself tells anybody."""


def _exports(target: Target) -> Outcome:
    with target.page() as page:
        ids = _owner(page)
        spoils, looked = _stranger(page)
        mean = _ratings(page)
        told = [name for name, text in _public(page).items() if any(one in text for one in ids)]
    seen = f"{looked} ids tried; " + ", ".join(f"{what} {count}" for what, count in spoils.items())
    return Outcome(
        not any(spoils.values()) and mean == RATED and not told,
        f"{seen}; the owner's rating {RATED:g} is now {mean:g}; ids told by {told or 'nothing'}",
    )


def _owner(page: Page) -> list[str]:
    """A listener with a clip, a rating, a whole test and a trial that is open; all their ids."""
    recipe = page.client.predict(api_name="/presets")[0]["recipe"] | {"seconds": SECONDS}
    clip = play(page.client, recipe)[1]["clip"]
    listener = page.client.predict(api_name="/new_listener")
    page.client.predict(listener, clip, "steered", {"quality": RATED}, api_name="/rate")
    for _ in range(MOST_ROUNDS):
        trial = page.client.predict(listener, clip, api_name="/blind_trial")
        said = "a" if "round" in trial else "steered"
        page.client.predict(trial["trial"], said, api_name="/blind_answer")
    trial = page.client.predict(listener, clip, api_name="/blind_trial")
    return [clip, listener, trial["trial"]]


def _stranger(page: Page) -> tuple[dict[str, int], int]:
    """Another client with the export alone: how often each thing worked, and how many ids it tried."""
    table = page.another_client().predict(api_name="/answers_csv")
    rows = list(csv.DictReader(io.StringIO(table)))
    known = {(row["listener"], row["clip"]) for row in rows}
    names = {name for pair in known for name in pair}
    spoils = dict.fromkeys(("downloaded", "judged", "analysed", "drawn", "answered", "rated"), 0)
    for listener in names:
        for clip in names:
            spoils["rated"] += _works(
                page, "rate", listener, clip, "steered", {"quality": ATTACKED}
            )
            trial = page.call("blind_trial", listener, clip)
            if trial["event"] == "complete":
                spoils["drawn"] += 1
                said = "a" if "round" in trial["data"][0] else "steered"
                spoils["answered"] += _works(page, "blind_answer", trial["data"][0]["trial"], said)
    for name in names:
        spoils["downloaded"] += _works(page, "download", name, "steered", "wav")
        spoils["judged"] += _works(page, "verdict", name)
        spoils["analysed"] += _works(page, "analyse", name)
        spoils["answered"] += _works(page, "blind_answer", name, "a")
    return spoils, len(names)


def _works(page: Page, endpoint: str, *arguments: Any) -> bool:
    return page.call(endpoint, *arguments)["event"] == "complete"


def _ratings(page: Page) -> float:
    (rated,) = page.client.predict(api_name="/blind_results")["ratings"]
    return float(rated["mean"])


def _public(page: Page) -> dict[str, str]:
    """What anybody is told, by where."""
    texts = {name: str(page.call(name)) for name in ("answers_csv", "blind_results", "catalogue")}
    for address in ADDRESSES:
        try:
            texts[address] = page.fetch(address).decode(errors="replace")
        except OSError:
            texts[address] = ""
    return texts


attacks = (Attack(1, "use the ids of an export", _exports),)
