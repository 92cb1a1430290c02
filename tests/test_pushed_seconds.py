"""What is left of the music in the very seconds that are pushed, in sounds that are known."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from curation.errors import BadInput
from listening.chroma import profile
from listening.levels import rms_dbfs
from listening.onsets import onset_rate
from listening.spans import cut, inside, length, spans_where, whole_seconds
from listening.theory import PITCH_CLASSES
from steering.decoding.sampling import Sampling
from steering.evaluation.asks import asks
from steering.evaluation.cells import Cell, Setting, Shelf, Steer
from steering.evaluation.evaluation import Evaluation
from steering.evaluation.fitted_judges import Judges
from steering.evaluation.heard import entropies, hear_all, hear_clip
from steering.evaluation.life import USUAL, Limits, life
from steering.evaluation.runner import Runner
from steering.evaluation.scoring import Scores
from steering.evaluation.sections import Section, unsteered
from steering.evaluation.spans import pushed_spans, whole
from steering.evaluation.statistics import ratio, resampled_means
from steering.families import get_family
from steering.families.family import PULSES
from steering.models.origin import Origin
from tests.sounds import NOTE_RATE, notes

SECONDS = 4.0
HALVES = PULSES | {"width": 1.0}
PULSED = ((0.0, 1.0), (2.0, 3.0))
STEER = Steer("notes/ridge", 0.03, schedule=HALVES)
UP = (60, 62, 64, 65, 67, 69, 71, 72, 74, 76, 77, 79, 81, 83, 84, 62)
"""A quarter of a second each: four seconds that move."""


def moving(shift: int = 0) -> np.ndarray:
    return notes(*(one + shift for one in UP), seconds=0.25)


def droning_where_pushed(pitch: int, shift: int = 0) -> np.ndarray:
    """The same pace and level, and one note alone in 1 s of every 2 s."""
    drone = notes(*[pitch] * len(UP), seconds=0.25)
    times = np.arange(len(drone)) / NOTE_RATE
    return np.where(inside(PULSED, times), drone, moving(shift)).astype(np.float32)


def test_a_push_in_pulses_is_there_in_its_pulses_and_a_steady_one_in_the_whole_clip():
    assert pushed_spans(Cell("pulses", (STEER,)), SECONDS) == PULSED
    assert pushed_spans(Cell("steady", (replace(STEER, schedule={}),)), SECONDS) == whole(SECONDS)
    assert pushed_spans(unsteered(), SECONDS) == ()
    for still in ({"coefficient": 0.0}, {"gate": 0.0}):
        assert pushed_spans(Cell("still", (replace(STEER, **still),)), SECONDS) == ()
    late = replace(STEER, target=1, schedule=HALVES | {"start": 1.0})
    assert pushed_spans(Cell("both", (STEER, late)), SECONDS) == ((0.0, 4.0),)
    brief = replace(STEER, schedule={"shape": "constant", "end": 0.1})
    with pytest.raises(BadInput, match=r"brief is pushed for 0\.1 s: push"):
        pushed_spans(Cell("brief", (brief,)), SECONDS)
    rise = replace(STEER, schedule={"shape": "linear_rise"}, coefficient=-0.03)
    assert pushed_spans(Cell("rise", (rise,)), SECONDS) == ((2.0, 4.0),)


def test_spans_are_cut_and_counted_by_the_clock():
    assert spans_where(np.array([False, True, True, False]), 2.0) == [(0.5, 1.5)]
    assert length(PULSED) == 2.0
    assert cut(np.arange(8), 2, [(0.0, 1.0), (3.0, 4.0)]).tolist() == [0, 1, 6, 7]
    assert cut(np.arange(8), 2, []).size == 0
    assert whole_seconds(PULSED) == [0, 2]


def test_what_is_heard_in_all_of_a_clip_is_what_is_heard_in_the_clip():
    clip = moving()
    heard, there = (hear_clip(clip, NOTE_RATE, spans) for spans in (None, whole(SECONDS)))
    by_frame = ("energy", "counts")  # of which the last stands where the clip ends
    assert np.abs(heard["counts"] - there["counts"]).sum() <= 1
    for name in set(heard) - set(by_frame):
        assert np.array_equal(heard[name], there[name], equal_nan=True)


def test_notes_onsets_and_level_are_those_of_the_spans():
    clip = np.concatenate([notes(60, 60), notes(64, 67, 64, 67, seconds=0.25) / 4, notes(60, 60)])
    late = [(1.0, 2.0)]
    seen = profile(clip, NOTE_RATE, late)
    assert seen.share("C") < 0.2 and seen.most_prominent in ("E", "G")
    assert profile(clip, NOTE_RATE).most_prominent == "C"
    assert onset_rate(clip, NOTE_RATE, late) > 1.5 * onset_rate(clip, NOTE_RATE, [(0, 1), (2, 3)])
    heard = hear_clip(clip, NOTE_RATE, late)
    assert heard["loudness"] == pytest.approx(rms_dbfs(clip[NOTE_RATE : 2 * NOTE_RATE]))
    chords = np.concatenate([notes(62, 62), sum(notes(one, one) for one in (60, 64, 67))])
    assert hear_clip(chords, NOTE_RATE, late)["chords"][0, 0] == 1  # C major
    half = hear_clip(chords, NOTE_RATE, [(1.0, 1.5), (1.5, 1.9)])  # fills no second by itself
    assert half["chords"][0, 0] == 1


class Codec:
    """Stands for a model whose codes are numbers of sounds."""

    sample_rate, device = NOTE_RATE, "cpu"

    def __init__(self, sounds: list[np.ndarray]) -> None:
        self.sounds, self.decoded = sounds, 0

    def decode(self, codes: torch.Tensor) -> torch.Tensor:
        self.decoded += len(codes)
        return torch.from_numpy(np.stack([self.sounds[int(one)] for one in codes[:, 0, 0]]))


def heard(sounds: list[np.ndarray], first: int) -> dict[str, np.ndarray]:
    numbers = np.arange(first, first + len(sounds), dtype=np.int16)
    return {"codes": numbers[:, None, None]} | hear_all(sounds, NOTE_RATE)


@pytest.fixture(scope="module")
def clips() -> tuple:
    """Asks, unsteered clips, and those that drone on their target where it is pushed."""
    chosen = tuple(asks("validation", 2, PITCH_CLASSES, "notes"))
    twins = [moving(shift) for shift in range(2)]
    steered = [
        droning_where_pushed(60 + PITCH_CLASSES.index(ask.targets[0]), shift)
        for shift, ask in enumerate(chosen)
    ]
    return chosen, twins, steered


def judged(clips: tuple, folder, schedule: dict) -> tuple[dict, Codec]:
    """The rows of a twin and of a cell that is said to be pushed by a schedule."""
    chosen, twins, steered = clips
    codec = Codec([*twins, *steered])
    listeners = SimpleNamespace(score=lambda features, asked: np.full(len(asked), 0.5))
    cells = (unsteered(), Cell("steered", (replace(STEER, schedule=schedule),)))
    section = Section("Strengths", "", cells)
    evaluation = Evaluation(
        get_family("notes"),
        Setting(Origin("toy", "abc", 2, 32), chosen, SECONDS, Sampling()),
        Runner(codec, Shelf(folder), None, batch=3, workers=0),
        None,
        Judges(listeners, lambda features: features[:, :4].astype(float), {}),
        None,
        folder,
    )  # fmt: skip
    played = {"Strengths: unsteered": heard(twins, 0), "Strengths: steered": heard(steered, 2)}
    return {row.label: row for row in evaluation.table(section, played)}, codec


def told(rows: dict) -> str:
    return json.dumps(rows["steered"].record())


def test_a_drone_between_pauses_is_alive_by_the_clip_and_not_where_it_is_pushed(clips, tmp_path):
    rows, _ = judged(clips, tmp_path, HALVES)
    row = rows["steered"]
    assert row.life.within(USUAL)
    assert row.pushed.seconds == 2.0
    assert row.pushed.life.entropy.mean < 0.3 < 0.6 <= row.life.entropy.mean
    assert row.pushed.accuracy.mean == 1 > row.pushed.unsteered.mean
    assert not row.lives and not row.record()["lives"]
    assert row.excess == pytest.approx(row.pushed.life.excess(USUAL)) and row.excess > 0.2
    assert rows["unsteered"].pushed is None and rows["unsteered"].record()["lives"] is None


def test_a_steady_push_is_judged_once_and_its_pushed_seconds_are_the_clip(clips, tmp_path):
    rows, codec = judged(clips, tmp_path, {})
    row = rows["steered"]
    assert row.pushed.life == row.life and row.pushed.accuracy == row.accuracy
    assert row.pushed.seconds == SECONDS and codec.decoded == 0 and not list(tmp_path.iterdir())


def test_what_is_heard_in_spans_is_made_from_kept_codes_once(clips, tmp_path):
    """A cell of an earlier run has no such arrays: it is heard anew, and not played anew."""
    first, codec = judged(clips, tmp_path, HALVES)
    assert codec.decoded == 4 and len(list(tmp_path.glob("*.npz"))) == 2
    again, other = judged(clips, tmp_path, HALVES)
    assert other.decoded == 0 and told(again) == told(first)
    judged(clips, tmp_path, PULSES)
    assert len(list(tmp_path.glob("*.npz"))) == 4
    next(tmp_path.glob("*.npz")).write_bytes(b"cut")
    mended, _ = judged(clips, tmp_path, HALVES)
    assert told(mended) == told(first)


def test_a_steady_clip_has_the_same_entropy_in_any_of_its_seconds():
    clip = notes(*[60, 64, 67, 71] * 4, seconds=0.25)
    there, all_of_it = (
        hear_clip(clip, NOTE_RATE, spans) for spans in (((1.0, 2.0), (3.0, 4.0)), None)
    )
    found = [entropies({n: v[None] for n, v in one.items()})[0] for one in (there, all_of_it)]
    assert found[0] == pytest.approx(found[1], abs=0.1)
    assert there["onsets"] == pytest.approx(all_of_it["onsets"], rel=0.2)


SPREAD = 0.3
"""Standard deviation of a clip's adherence: 48 clips' mean changes by 0.04 to 0.05 with other seeds."""


def by_chance(rng: np.random.Generator, clips: int, lost: float = 0.0) -> tuple[Scores, np.ndarray]:
    """Scores of clips of which only the adherence is left to chance."""
    ones, none = np.ones(clips), np.full(clips, np.nan)
    told = rng.normal(0.3 - lost, SPREAD / np.sqrt(2), clips)
    points = np.random.default_rng(0).normal(size=(clips, 3))
    return Scores(ones, ones, none, ones, ones, -20 * ones, told, points)


@pytest.mark.parametrize(("clips", "lost"), [(48, 0.2), (108, 0.13)])
def test_what_changes_nothing_is_alive_nearly_always_and_a_real_loss_is_found(clips, lost):
    rng = np.random.default_rng(0)
    prompts = np.repeat(np.arange(clips // 2), 2)
    same, worse = (
        [life(by_chance(rng, clips, loss), by_chance(rng, clips), prompts) for _ in range(100)]
        for loss in (0.0, lost)
    )
    by_the_mean = np.mean([one.adherence.mean >= -USUAL.adherence for one in same])
    assert by_the_mean < 0.85  # the mean alone calls the untouched dead by chance
    assert np.mean([one.within(USUAL) for one in same]) >= 0.94
    assert np.mean([one.within(USUAL) for one in worse]) <= 0.3


def test_limits_say_in_words_what_they_are():
    assert str(USUAL).startswith("entropy 0.6 or more, onsets within 20 %, level within 20 %")
    assert "onsets" not in str(Limits(onsets=float("inf")))
    assert "0.02" in str(USUAL) and "pushed seconds" in str(USUAL)


def test_a_ratio_is_drawn_on_the_same_clips():
    rng = np.random.default_rng(0)
    prompts = np.arange(30)
    twin = rng.uniform(1, 3, 30)
    found = ratio(0.5 * twin, twin, prompts)
    assert (found.mean, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))
    assert resampled_means(twin, prompts).std() > 0.05
