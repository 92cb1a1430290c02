"""An operator's eyes: what listeners met with is counted as they met with it, and said as Prometheus reads it."""

from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from curation.errors import BadInput
from studio.asked import Busy
from studio.engine import Engine
from studio.eyes import PATIENCE, STUCK_SECONDS, Eyes
from studio.ids import MARK_VARIABLE
from studio.logs import Objects
from studio.sights import FAMILIES, as_text, figures, memory_bytes, sights, unwell
from tests.studio_toy import Listener, toy_models, toy_recipe

RATE = 32_000


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Stage:
    """An engine whose events the test sends."""

    def open(self, recipe: Any, listen: Any, live: bool = False) -> str:
        if isinstance(recipe, BadInput):
            raise recipe
        self.tell = listen
        return "a"


def opened(eyes: Eyes, engine: Any, recipe: Any, listen: Any, live: bool = False) -> Any:
    with eyes.watching(recipe, live, listen) as seen:
        return engine.open(recipe, seen, live)


def heard(clock: Clock, eyes: Eyes, pieces: list[tuple[float, float]]) -> list[dict[str, Any]]:
    """A session whose pieces came so long after the one before, and are so long."""
    stage, events = Stage(), list[dict[str, Any]]()
    opened(eyes, stage, toy_recipe(prompt="a secret"), events.append)
    stage.tell({"event": "waiting", "session": "a session", "place": 1})
    clock.now += 3.0
    stage.tell({"event": "started", "session": "a session", "sample_rate": RATE})
    for after, seconds in pieces:
        clock.now += after
        sound = base64.b64encode(bytes(2 * round(RATE * seconds))).decode()
        stage.tell({"event": "audio", "steered": sound, "unsteered": sound})
    stage.tell({"event": "done"})
    return events


def test_a_gap_is_a_piece_that_comes_after_the_player_ran_dry():
    clock = Clock()
    eyes = Eyes(clock)
    events = heard(
        clock, eyes, [(1.0, 0.5), (0.5, 0.5), (0.7, 0.5), (1.5 + PATIENCE, 0.5), (0.1, 1)]
    )
    assert len(events) == 8
    # the first three are played out 1.75 s after the first came, and the fourth came after 2.95 s
    assert eyes.counts["gaps"] == 1
    assert eyes.counts["missing"] == pytest.approx(1.2)
    assert (eyes.counts["begun"], eyes.counts["waited"]) == (1, 3.0)
    assert eyes.counts["ended done"] == 1 and eyes.longest_wait == 0


def test_whoever_waits_for_longest_is_known_and_who_is_refused_waits_no_more():
    clock = Clock()
    eyes, stage = Eyes(clock), Stage()
    opened(eyes, stage, {}, lambda event: None)
    clock.now += 4.0
    for refusal in (Busy("full"), BadInput("no"), BadInput("no")):
        with pytest.raises(BadInput):
            opened(eyes, stage, refusal, lambda event: None)
    assert eyes.longest_wait == 4.0
    stage.tell({"event": "stopped", "clip": None})
    assert eyes.longest_wait == 0.0
    assert (eyes.counts["refused busy"], eyes.counts["refused recipe"]) == (1, 2)


def test_silence_is_a_fault_only_where_somebody_listens():
    clock = Clock()
    eyes = Eyes(clock)
    models = SimpleNamespace(loaded=["toy"])
    engine: Any = SimpleNamespace(alive=True, models=models, eyes=eyes)
    clock.now += 2 * STUCK_SECONDS
    assert unwell(engine) == ""
    stage = Stage()
    opened(eyes, stage, {}, lambda event: None)
    assert unwell(engine) == ""
    clock.now += STUCK_SECONDS - 1
    stage.tell({"event": "waiting", "session": "a session"})
    clock.now += STUCK_SECONDS - 1
    assert unwell(engine) == ""
    clock.now += 2
    assert "nobody was played anything for 121 s" in unwell(engine)
    models.loaded = []
    assert "no model is loaded" in unwell(engine)


@pytest.fixture(scope="module")
def engine(model: Any) -> Iterator[Engine]:
    models = toy_models(model)
    models.load("toy")
    engine = Engine(models)
    yield engine
    engine.close()


def metrics(text: str) -> dict[str, float]:
    """As a program of Prometheus reads them."""
    parser = pytest.importorskip("prometheus_client.parser", reason="comes with the extra cluster")
    families = list(parser.text_string_to_metric_families(text))
    assert len({one.name for one in families}) == len(families)
    samples = [sample for family in families for sample in family.samples]
    return {"/".join([one.name, *one.labels.values()]): one.value for one in samples}


def test_figures_are_those_of_what_was_played(engine):
    stage: Any = SimpleNamespace(open=partial(opened, engine.eyes, engine))
    listener = Listener(stage, toy_recipe(seconds=1.0))
    done = listener.end()
    with pytest.raises(BadInput):
        opened(engine.eyes, engine, toy_recipe(seconds=-1), print)
    answer = TestClient(Starlette(routes=sights(engine))).get("/metrics")
    found = metrics(answer.text)
    assert found["steering_ended_total/done"] == found["steering_begun_total"] == 1
    assert found["steering_refused_total/recipe"] == 1
    pair = engine.clips[done["clip"]]
    assert found["steering_steps_total"] == 50 + pair.codes.shape[1] - 1
    assert found["steering_rows_total"] == 4 * found["steering_steps_total"]
    assert found["steering_clip_bytes"] == pair.sound.nbytes and found["steering_twins"] == 1
    assert found["process_resident_memory_bytes"] > 50e6


def test_every_figure_is_said_once_with_its_meaning_and_its_page(engine):
    found = figures(engine)
    assert {name.partition("{")[0] for name in found} == set(FAMILIES)
    text = as_text([({"replica": one}, found) for one in "ab"])
    assert text.count("# TYPE") == text.count("# HELP") == len(FAMILIES)
    assert len(metrics(text)) == 2 * len(found)


def test_a_page_that_plays_nothing_any_more_says_so(model):
    models = toy_models(model)
    models.load("toy")
    over = Engine(models)
    visitor = TestClient(Starlette(routes=sights(over)))
    well = {"well": True, "playing": 0, "waiting": 0, "models": ["toy"]}
    assert visitor.get("/healthz").json() == well
    over.close()
    answer = visitor.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["line"] == "what plays is gone: start the page again"


def test_memory_is_this_processes_and_its_childrens():
    import subprocess
    import sys

    before = memory_bytes()
    hold = "import sys; held = bytearray(200_000_000); print(flush=True); sys.stdin.read()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", hold], **pipes) as child:
        child.stdout.readline()
        assert memory_bytes() - before > 190e6
        child.stdin.close()


def written(prompts: bool, level: int = logging.INFO) -> list[dict[str, Any]]:
    """What is written down of a session."""
    log, out = logging.getLogger("studio.eyes"), io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(Objects(prompts))
    log.addHandler(handler)
    before = log.level
    log.setLevel(level)
    try:
        heard(Clock(), Eyes(Clock()), [(0.0, 0.5), (0.0, 1.5)])
        try:
            raise KeyError("two\nlines")
        except KeyError:
            log.exception("it broke")
    finally:
        log.removeHandler(handler)
        log.setLevel(before)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_of_the_log_is_one_object_without_what_was_asked_for(monkeypatch):
    done, broke = written(prompts=False)
    assert (done["event"], done["level"], done["seconds"], done["gaps"]) == ("done", "info", 2.0, 0)
    assert "a secret" not in json.dumps(done) and "a session" not in json.dumps(done)
    assert len(done["session"]) == 8 and done["time"].endswith("Z")
    assert broke["event"] == "it broke" and "two\\nlines" in broke["traceback"]
    assert written(prompts=True)[0]["prompt"] == "a secret" and "replica" not in done
    monkeypatch.setenv(MARK_VARIABLE, "0a0b0c0d")
    assert written(prompts=False)[0]["replica"] == "0a0b0c0d"
