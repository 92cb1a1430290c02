"""The engine in a process of its own has the engine's face, and whoever listens is told when it dies."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import numpy as np
import pytest

from curation.errors import BadInput
from studio.asked import Busy
from studio.engine import Engine
from studio.engine_apart import DIED, EngineApart
from studio.loaded_models import LoadedModels
from studio.presets import intervention
from tests.studio_toy import Listener, toy_recipe


@pytest.fixture(scope="module")
def models():
    loaded = LoadedModels()
    loaded.load("sketch")
    return loaded


@pytest.fixture(scope="module")
def apart(models):
    running = EngineApart(models)
    yield running
    running.close()


def asked(seed: int = 1, concept: str = "C", **change: Any) -> dict[str, Any]:
    part = intervention("notes", concept, 0.3, {"shape": "constant"}, "notes/ridge")
    return toy_recipe(seed, model="sketch", interventions=[part.record()], **change)


def test_it_plays_what_an_engine_in_this_process_plays(models, apart):
    here = Engine(models)
    for recipe in (asked(3), asked(3, "G")):  # the second one's twin is known
        mine, far = Listener(here, recipe), Listener(apart, recipe)
        assert mine.end()["sha256"] == far.end()["sha256"]
        assert np.array_equal(mine.sound["steered"], far.sound["steered"])
        pair = apart.clips[far.events[-1]["clip"]]
        assert np.array_equal(pair.side("unsteered"), far.sound["unsteered"])
    assert len(apart.twins) == 1
    apart.twins.clear()
    assert len(apart.twins) == 0
    here.close()


def test_live_controls_reach_it_and_it_refuses_in_the_same_words(apart):
    one = Listener(apart, asked(), live=True)
    one.until("audio")
    assert apart.busy == {"playing": 1, "waiting": 0}
    apart.move(one.session, 0, 0.25)
    assert apart.add(one.session, asked(concept="E")["interventions"][0]) == 1
    apart.hear_of(one.session)
    with pytest.raises(BadInput, match="concept 7: this session has 2"):
        apart.move(one.session, 7, 0.1)
    last = one.stopped_after(1.5)
    assert 0.25 in [move["coefficient"] for move in last["recipe"]["moves"]]
    with pytest.raises(BadInput, match="this session is over"):
        apart.move(one.session, 0, 0.1)
    assert not apart.stop(one.session)
    with pytest.raises(BadInput, match="this page plays the sketch only"):
        apart.check(toy_recipe())


def test_a_lock_that_is_held_here_stops_no_music(apart):
    """Python that never rests in this process takes no step of who plays."""
    listener = Listener(apart, asked(seconds=4.0))
    alone = listener.end()["took"]
    over = threading.Event()

    def never_rests() -> None:
        while not over.is_set():
            sum(range(1000))

    busy = [threading.Thread(target=never_rests) for _ in range(4)]
    for one in busy:
        one.start()
    beside = Listener(apart, asked(1, seconds=4.0)).end()["took"]
    over.set()
    for one in busy:
        one.join()
    assert beside < 4 * alone + 1


def test_errands_have_the_models_of_this_process(apart):
    where = apart.errand(os.getpid)
    assert where.result(10) == os.getpid() != apart.process
    with pytest.raises(ZeroDivisionError):
        apart.errand(lambda: 1 // 0, patient=True).result(10)


def test_who_listens_is_told_that_it_died_and_the_next_one_plays(apart):
    one = Listener(apart, asked(seconds=30.0), live=True)
    one.until("audio")
    before = apart.process
    os.kill(before, signal.SIGKILL)
    assert one.end() == {"event": "error", "message": DIED}
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            assert Listener(apart, asked()).end()["event"] == "done"
            break
        except Busy as busy:
            assert str(busy) == DIED and apart.busy == {"playing": 0, "waiting": 0}
            time.sleep(0.5)
    assert apart.process != before and apart.alive
