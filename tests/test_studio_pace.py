"""How many may listen at once: what was measured decides, and who waits is told for how long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from studio.engine import Engine
from studio.pace import SAFE_SECONDS, Pace, told, waits
from tests.studio_toy import Listener, toy_models, toy_recipe


def measured(**steps: float) -> Pace:
    pace = Pace()
    for rows, seconds in steps.items():
        pace.stepped(int(rows.removeprefix("rows_")), seconds)
    return pace


def test_nobody_joins_before_anything_was_measured_and_then_as_many_as_fit():
    assert not Pace().holds(8, 2, 50)
    pace = measured(rows_4=0.003, rows_32=0.014)
    assert pace.step_seconds(16) == pytest.approx(0.003 + 12 * 0.011 / 28)
    held = [count for count in range(1, 20) if pace.holds(4 * count, count, 50)]
    assert held == list(range(1, 11))  # 42 rows would take 17.4 ms, of 20 ms by 1.15


def test_one_number_of_rows_is_taken_to_grow_with_them():
    pace = measured(rows_4=0.004)
    assert pace.step_seconds(8) == pytest.approx(0.008) and pace.step_seconds(2) == 0.004


def test_a_machine_that_gets_busy_takes_fewer():
    pace = measured(rows_4=0.003, rows_8=0.004)
    assert pace.holds(16, 4, 50)
    for _ in range(100):
        pace.stepped(8, 0.016)
    assert not pace.holds(12, 3, 50)
    assert pace.step_seconds(4) > 0.0055  # what was not measured lately is taken to be slower, too


def test_a_hiccup_or_a_compilation_closes_no_door():
    pace = measured(rows_4=0.003)
    pace.stepped(4, 20.0)
    pace.stepped(4, 0.9)
    assert pace.step_seconds(4) < 0.005


def test_sound_that_is_made_slowly_takes_fewer():
    pace = measured(rows_4=0.001, rows_32=0.002)
    pace.sounded(1.0, 0.25)
    pace.sounded(0.1, 0.09)  # mostly what is sounded twice: it tells nothing
    assert pace.holds(12, 3, 50) and not pace.holds(16, 4, 50)


@dataclass
class Fake:
    """Plays on a clock of the test's own: 8 s of music at 50 frames a second, in pieces of half a second."""

    made: float = 0.0
    began: float | None = None
    least: float = 1.0
    rows: int = 4
    frame_rate: float = 50.0
    safe: float = SAFE_SECONDS

    @property
    def steps(self) -> float:
        return 50 * (8 - self.made)

    def in_hand(self, now: float) -> float:
        return 0.0 if self.began is None else self.made // 0.5 * 0.5 - (now - self.began)


def crowd(coming: int, seconds: float, admits: Callable[..., bool]) -> tuple[int, list[Fake]]:
    """Most who played at once, and all, where so many come in one instant.

    Args:
        seconds: of a step of 4 rows more, on a machine that was measured to be twice as fast.
    """
    pace, now, most = measured(rows_4=seconds / 2, rows_16=2 * seconds), 0.0, 0
    waiting, playing, over = [Fake() for _ in range(coming)], list[Fake](), list[Fake]()
    while waiting or playing:
        while waiting and (not playing or admits(pace, waiting[0], playing, now)):
            playing.append(waiting.pop(0))
        most = max(most, len(playing))
        took = seconds * len(playing)
        pace.stepped(4 * len(playing), took)
        now += took
        for one in playing:
            one.made = round(one.made + 0.02, 2)
            one.began = now if one.began is None and one.made >= 0.5 else one.began
            one.least = min(one.least, one.in_hand(now))
        over += [one for one in playing if one.steps <= 0]
        playing = [one for one in playing if one.steps > 0]
    return most, over


def test_who_is_let_in_hears_no_gap_though_all_come_at_once_and_the_estimate_is_wrong():
    most, all_of_them = crowd(16, 0.002, Pace.admits)
    assert most >= 7 and min(one.least for one in all_of_them) >= 0
    most, all_of_them = crowd(
        16,
        0.002,
        lambda pace, one, playing, now: pace.holds(
            one.rows * (len(playing) + 1), len(playing) + 1, 50
        ),
    )
    assert most > 10 and min(one.least for one in all_of_them) < -1  # by the estimate alone


def test_nobody_joins_while_one_who_plays_has_little_in_hand():
    pace, well, badly = measured(rows_4=0.001), Fake(made=4.0, began=0.0), Fake(made=4.0, began=0.0)
    assert pace.admits(Fake(), [well, badly], 3.0)
    badly.made = 3.5
    assert not pace.admits(Fake(), [well, badly], 3.0)
    badly.made = 8.0  # all of it is there, and what is not yet heard no step can change
    assert pace.admits(Fake(), [well, badly], 3.0)


def test_the_line_moves_up_as_those_before_it_end():
    assert waits([4.0, 1.0], [2.0, 9.0, 2.0]) == [1.0, 3.0, 4.0]
    assert waits([], [3.0, 3.0]) == [0.0, 3.0]
    assert [told(one) for one in (0.2, float("inf"))] == [1, None]


def test_as_many_play_as_the_machine_holds_and_the_rest_hear_for_how_long(model, monkeypatch):
    monkeypatch.setattr(Pace, "holds", lambda pace, rows, listeners, rate: rows <= 8)
    monkeypatch.setattr(Pace, "step_seconds", lambda pace, rows: 0.02)
    monkeypatch.setattr("studio.engine.TELLING_SECONDS", 0.0)
    engine = Engine(toy_models(model))
    live = [Listener(engine, toy_recipe(n), live=True) for n in range(2)]
    for one in live:
        one.until("started")
    line = [Listener(engine, toy_recipe(n)) for n in (2, 3)]
    assert [one.until("waiting")["place"] for one in line] == [1, 2]
    assert engine.busy == {"playing": 2, "waiting": 2}
    engine.stop(live[0].session)
    assert line[0].end()["event"] == "done"
    while (seconds := line[1].until("waiting")["seconds"]) is None:
        pass  # told while nobody was about to end
    assert 0 < seconds <= 2
    engine.stop(live[1].session)
    assert line[1].end()["event"] == "done"
    engine.close()


@pytest.mark.parametrize(("apart", "places"), [(0.0, [3, 2, 1]), (1e9, [3])])
def test_how_often_the_line_is_told_that_it_moved(model, monkeypatch, apart, places):
    monkeypatch.setattr("studio.engine.TELLING_SECONDS", apart)
    engine = Engine(toy_models(model), playing=1)
    Listener(engine, toy_recipe(0), live=True).until("started")
    line = [Listener(engine, toy_recipe(n)) for n in (1, 2, 3)]
    for one in line[:2]:
        engine.stop(one.session)
        assert one.end()["event"] == "stopped"
    engine.errand(lambda: None).result(10)
    told = [line[2].queue.get() for _ in range(line[2].queue.qsize())]
    assert [event["place"] for event in told] == places
    engine.close()


def test_a_twin_that_was_played_before_is_not_played_again(model):
    engine = Engine(toy_models(model))
    first, again, other = (Listener(engine, toy_recipe(1, name)) for name in ("C", "C", "G"))
    ends = [one.end() for one in (first, again, other)]
    cached = Listener(engine, toy_recipe(1, "E"))
    rows = [one.rows for one in engine._open.values()]
    end = cached.end()
    assert rows in ([2], [])
    assert {one["sha256"]["unsteered"] for one in (*ends, end)} == {end["sha256"]["unsteered"]}
    assert len({one["sha256"]["steered"] for one in (*ends, end)}) == 3
    assert len(cached.sound["unsteered"]) == 32_000
    engine.twins.clear()
    alone = Listener(engine, toy_recipe(1, "E"))
    assert alone.end()["sha256"] == end["sha256"]
    assert np.array_equal(alone.sound["steered"], cached.sound["steered"])
    engine.close()
