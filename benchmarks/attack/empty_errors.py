"""Malformed calls of every endpoint, and options that no page can be started with: what is answered."""

from __future__ import annotations

import copy
import json
import threading
from typing import Any

from benchmarks.attack import Attack, Outcome
from benchmarks.attack.target import Page, Target, lines_of

HUGE = 10**400
LONGEST_ANSWER = 1000
START_SECONDS = 600.0
STARTED = "the page is at"

CALLS: tuple[tuple[Any, ...], ...] = (
    ("catalogue", []),
    ("catalogue", None),
    ("catalogue", "\ud800"),
    ("catalogue", "sketch", 1, 2),
    ("check_recipe",),
    ("check_recipe", []),
    ("check_recipe", {"path": "/etc/hostname", "meta": {"_type": "gradio.FileData"}}),
    ("schedule_curve", {"shape": "pulse", "period": "x"}, 4),
    ("schedule_curve", {"shape": "breakpoints"}, 4),
    ("schedule_curve", {"shape": "breakpoints", "points": [1]}, 4),
    ("schedule_curve", {"shape": []}, 4),
    ("schedule_curve", {"shape": "sine", "period": [[]]}, 4),
    ("schedule_curve", {"shape": "constant"}, HUGE),
    ("schedule_curve", 7, 4),
    ("generate", 7),
    ("generate",),
    ("play_live", []),
    ("stop", []),
    ("stop",),
    ("move", "nobody", HUGE, 0.1),
    ("move", [], [], []),
    ("analyse", []),
    ("verdict", {}),
    ("download", [], [], []),
    ("download", "nothing", "steered", []),
    ("download", "nothing"),
    ("permalink", []),
    ("open_permalink", []),
    ("open_permalink", "\ud800"),
    ("new_listener", 1),
    ("blind_trial", [], []),
    ("blind_answer", [], []),
    ("blind_answer", "nothing", {}),
    ("rate", [], [], [], []),
    ("rate", "listener-1", "nothing", [], {"quality": []}),
    ("dataset_clips", [], 0),
    ("dataset_clips", "notes", HUGE),
    ("dataset_clips", "notes", []),
    ("bank", [], []),
    ("bank", "notes"),
    ("nothing", 1),
)
"""Each an endpoint and what it is called with."""

PARTS: dict[str, tuple[Any, ...]] = {
    "unit": ([], {}, HUGE),
    "coefficient": (HUGE, [], "1"),
    "layers": ({"weighting": "top", "k": "x"}, {"weighting": []}, {"weighting": "only"},
               {"weighting": "only", "layers": [0.5]}, {"weighting": "top", "k": HUGE}),
    "schedule": ({"shape": "breakpoints"}, {"shape": "sine", "period": 1e-320}, {"shape": {}}),
    "gate": ({"seed": HUGE}, {"probability": []}, []),
    "operator": ([], "\ud800"),
    "rows": ([],),
    "bank": ([],),
    "concept": ([], "C\nC", "\ud800"),
    "unknown": (1,),
}  # fmt: skip
"""What an intervention of a recipe is given, one at a time."""


def _call(target: Target) -> Outcome:
    with target.page() as page:
        recipe = page.client.predict(api_name="/presets")[0]["recipe"]
        calls = [*CALLS, *(("check_recipe", bad) for bad in _recipes(recipe))]
        wrong = [call for call in calls if not _is_told(page.call(call[0], *call[1:]))]
        tracebacks = page.tracebacks
        alive = _is_right(page, recipe)
    return Outcome(
        not wrong and not tracebacks and alive,
        f"{len(wrong)} of {len(calls)} malformed calls got no line of text, {tracebacks} tracebacks, "
        f"first {str(wrong[:1])[:120]}",
    )


def _recipes(recipe: dict[str, Any]) -> list[dict[str, Any]]:
    changes: tuple[dict[str, Any], ...] = ({"seed": HUGE}, {"device": "\ud800"}, {"sampling": []})
    found = [recipe | change for change in changes]
    for name, values in PARTS.items():
        for value in values:
            bad = copy.deepcopy(recipe)
            bad["interventions"][0][name] = value
            found.append(bad)
    return found


def _is_told(answer: dict[str, Any]) -> bool:
    """Whether an answer is a line of text, or the result of a call that was harmless after all."""
    if answer["event"] == "complete":
        return True
    said = answer["data"]
    if isinstance(answer["event"], int):
        return answer["event"] < 500 and _is_line(said)
    return isinstance(said, dict) and _is_line(said.get("error")) and "reference" not in str(said)


def _is_line(said: Any) -> bool:
    return isinstance(said, str) and 0 < len(said) < LONGEST_ANSWER and "\n" not in said.strip()


def _is_right(page: Page, recipe: dict[str, Any]) -> bool:
    """Whether a good recipe is still taken."""
    return page.call("check_recipe", recipe)["event"] == "complete"


def _start(target: Target) -> Outcome:
    text = target.folder / "letter.txt"
    text.write_text("Dear listener, this is no database. " * 100)
    with target.page() as page:
        options = (
            ("--port", page.address.rsplit(":", 1)[1]),
            ("--port", "99999"),
            ("--playing", "0"),
            ("--waiting", "-1"),
            ("--banks", "nowhere"),
            ("--answers", str(target.folder)),
            ("--answers", str(text)),
            ("--host", "nobody.invalid"),
        )
        said = {option: _end_of(target, *option) for option in options}
    wrong = [f"{' '.join(option)[-40:]}: {line[-80:]}" for option, line in said.items() if line]
    return Outcome(
        not wrong,
        f"{len(wrong)} of {len(options)} impossible starts ended otherwise than in one line, first "
        f"{json.dumps(wrong[:1])}",
    )


def _end_of(target: Target, *option: str) -> str:
    """What was wrong with how a page that cannot start ended; empty if it was one line and a 2."""
    process = target.start("studio", *option)
    late = threading.Timer(START_SECONDS, process.kill)
    late.start()
    lines: list[str] = []
    for line in process.stdout or ():
        lines.append(line.strip())
        if STARTED in line:
            process.kill()
    late.cancel()
    text = "\n".join(lines)
    last = (lines_of(text) or [""])[-1]
    told = last.startswith(("studio: ", "python -m studio: error: "))
    return "" if process.wait() == 2 and told and "Traceback" not in text else last


attacks = (
    Attack(9, "get an empty error or a traceback out of the page", _call),
    Attack(9, "start a page with options that cannot be", _start),
)
