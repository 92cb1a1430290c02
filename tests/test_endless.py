"""Music that goes on until it is stopped: past the window, in the same memory, and repeated exactly."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from curation.errors import BadInput
from steering.decoding import generation
from steering.decoding.clip import Clip
from steering.decoding.cuda_graph import StaticStep
from steering.decoding.decoder import Decoder
from steering.decoding.reference import generate
from steering.decoding.sampling import Sampling
from steering.decoding.session import Session
from steering.interventions.gate import Gate
from steering.interventions.plan import Faders, Move, compile_plan
from steering.interventions.schedules import SHAPES, Schedule
from tests.test_decoder import steer
from tests.test_session import whole

WINDOW = 0.5


@pytest.fixture(scope="module")
def decoder(model) -> Decoder:
    return Decoder(model, window_seconds=WINDOW)


@pytest.fixture(autouse=True)
def little_is_kept(monkeypatch):
    """Slices of a window and columns behind it as small for the toy as they are for a model."""
    monkeypatch.setattr(generation, "SLICE", 3)
    monkeypatch.setattr(generation, "EVERY", 2)
    monkeypatch.setattr(generation, "BEHIND", 64)


def pushes(model):
    beat = Schedule("pulse", {"period": 0.3, "width": 0.2})
    return [
        steer(model, 0.4, schedule=beat),
        steer(model, 0.3, seed=1, name="D", gate=Gate(0.6, per_layer=True)),
    ]


def pair(model, seconds=math.inf, moves=(), more=()):
    plan = compile_plan([*pushes(model), *more], seconds, seed=1).moved(*moves)
    return [Clip("calm jazz", 1, plan), Clip("calm jazz", 1)]


def played(decoder, clips, chunks, moves=None):
    """The sound and codes of a session that is ended after so many chunks."""
    heard = []
    with Session(decoder, clips, math.inf, chunk_seconds=0.2) as session:
        for chunk in session.stream():
            heard.append(chunk)
            if moves:
                moves(session, len(heard))
            if len(heard) == chunks:
                session.end()
    return session, *whole(heard)


def test_what_is_ended_is_the_clip_of_that_length(model, decoder):
    """Sound, too; and its first window is what a decoder with a longer one plays."""
    session, audio, codes = played(decoder, pair(model), 14)
    seconds = codes.shape[-1] / 50
    assert seconds > 4 * WINDOW
    finite = decoder.generate(pair(model, seconds), seconds)
    assert torch.equal(codes, finite)
    assert torch.equal(audio, model.decode(finite))
    longer = Decoder(model).generate(pair(model, 0.4), 0.4)
    assert torch.equal(codes[..., :17], longer[..., :17])
    assert not torch.equal(codes[0], codes[1]) and session.moves == ()


def test_the_hooks_play_the_same_past_the_window(model, decoder):
    for sampling in (Sampling(), Sampling(guidance=1.0, temperature=0.0)):
        moved = pair(model, 1.7, [Move(9, 0, 1.5), Move(40, 1, -0.8)])
        fused = decoder.generate(moved, 1.7, sampling)
        assert torch.equal(fused, generate(model, moved, 1.7, sampling, window=decoder.window))


def test_live_moves_and_a_concept_that_joins_replay_exactly(model, decoder):
    third = steer(model, 0.6, seed=2, name="E", operator="add_keeping_norm")

    def change(session, chunk):
        if chunk == 3:
            session.set("D", 1.4)
            assert session.add(third) == 2
        if chunk == 8:
            session.set("E", -0.9)
        made.update({(move.step, move.concept): move for move in session.moves})

    made = {}
    _, _, codes = played(decoder, pair(model), 14, change)
    changed = [(move.concept, move.coefficient) for move in made.values()]
    assert changed == [(1, 1.4), (2, 0.6), (2, -0.9)]
    seconds = codes.shape[-1] / 50
    resting = steer(model, 0.0, seed=2, name="E", operator="add_keeping_norm")
    again = pair(model, seconds, made.values(), [resting])
    assert torch.equal(decoder.generate(again, seconds), codes)
    still = decoder.generate(pair(model, seconds), seconds)
    assert not torch.equal(still[0], codes[0]) and torch.equal(still[1], codes[1])


def test_a_clip_that_is_left_alone_can_be_steered_later(model, decoder):
    def join(session, chunk):
        if chunk == 2:
            session.add(steer(model, 3.0))

    alone = [Clip("calm jazz", 1)]
    _, _, codes = played(decoder, alone, 6, join)
    _, _, still = played(decoder, alone, 6)
    assert torch.equal(codes[..., :5], still[..., :5]) and not torch.equal(codes, still)


def test_a_step_by_tensors_alone_takes_a_concept_that_joins(model, decoder):
    runs = [decoder.start(pair(model), math.inf) for _ in range(2)]
    runs[0].make_step = StaticStep(runs[0], reach=8)
    more = pair(model)[0].plan.joined_by(steer(model, 0.9, seed=2))
    for run in runs:
        for step in range(90):
            if step == 12:
                run.join(0, more)
            run.advance()
    assert torch.equal(runs[0].codes(60, 80), runs[1].codes(60, 80))


def test_it_takes_the_same_memory_however_long_it_goes_on(model, decoder):
    run = decoder.start(pair(model), math.inf)

    def held():
        faders = run.injections.faders[0]
        return run.columns.shape, run.known.shape, run.cache.all.shape, run.next.all.shape, (
            len(faders) < 3 * decoder.window.length)  # fmt: skip

    sizes = set()
    for step in range(900):
        run.move(0, 0, math.sin(step))
        run.advance()
        if step > 100:
            sizes.add(held())
            run.codes(run.settled - 10, run.settled)
    assert len(sizes) == 1 and sizes.pop()[-1]
    assert decoder.bytes_per_clip(generation.ENDLESS, Sampling()) < 2e6


def test_a_window_is_read_ahead_in_slices(model, decoder, monkeypatch):
    """No step has more to read than a slice, or the rest of one."""
    read = []
    fill = type(decoder.fused).fill

    def counted(self, x, *others):
        read.append(x.shape[1])
        fill(self, x, *others)

    monkeypatch.setattr(type(decoder.fused), "fill", counted)
    run = decoder.start(pair(model), math.inf)
    for _ in range(decoder.window.length + 1):
        run.advance()
    assert sum(read) == decoder.window.kept and max(read) <= 4 and len(read) > 3


def test_levels_that_are_worked_out_as_needed_are_those_of_a_clip(model):
    length = 2.0
    settings = {"breakpoints": {"points": [(0, 0), (1, 1), (1.5, 0.2)]}}
    for shape in SHAPES:
        given = Schedule(shape, settings.get(shape, {}))
        lasting = given.lasting(length)
        gate = Gate(0.5, per_layer=True, seed=3)
        ones = [steer(model, 0.4, schedule=one, gate=gate) for one in (given, lasting)]
        endless = compile_plan(ones[1:], math.inf)
        wanted = compile_plan(ones[:1], length).levels
        parts = [endless.lasting.between(first, 20) for first in range(0, 100, 20)]
        assert torch.equal(torch.cat(parts), wanted), shape
        later = compile_plan(ones[1:], 3 * length).levels[100:]
        assert torch.equal(endless.lasting.between(100, 200), later)
    assert (compile_plan([steer(model)], math.inf).between(10**6, 1) != 0).any()


def test_what_is_forgotten_has_done_its_work():
    faders = Faders(torch.tensor([0.5, 0.25]), [Move(3, 0, 1.0), Move(7, 1, 2.0), Move(9, 0, 3.0)])
    before = faders.between(7, 10)
    faders.forget(7)
    assert torch.equal(faders.between(7, 10), before)
    assert [move.step for move in faders.moves] == [9]


def test_what_an_endless_clip_cannot_be_is_said(model, decoder):
    rise = steer(model, schedule=Schedule("linear_rise"))
    with pytest.raises(BadInput, match="without an end: give its own 'end'"):
        compile_plan([rise], math.inf)
    with pytest.raises(BadInput, match="some clips have an end"):
        Session(decoder, pair(model), [math.inf, 1.0])
    with pytest.raises(BadInput, match="chunks of 1000 s"):
        Session(decoder, pair(model), math.inf, chunk_seconds=1000.0)
    with pytest.raises(BadInput, match="clips that have an end"):
        generate(model, pair(model, 1.0), math.inf)
    session = Session(decoder, pair(model, 1.0), 1.0)
    with pytest.raises(BadInput, match="keep their concepts"):
        session.add(steer(model, 0.5))
    session.stop()
    with pytest.raises(BadInput, match="the session is over"):
        session.add(steer(model, 0.5))


def test_ending_before_there_is_a_sound_gives_the_shortest_clip(model, decoder):
    with Session(decoder, pair(model), math.inf) as session:
        session.end()
        audio, codes = whole(list(session.stream()))
    assert codes.shape[-1] == 1 and np.isfinite(audio.numpy()).all()
