"""Sessions: heard while made, steered while heard, and repeated exactly."""

from __future__ import annotations

import gc
import weakref
from threading import Event, Thread

import pytest
import torch

from curation.errors import BadInput
from steering.decoding.clip import Clip
from steering.decoding.decoder import Decoder
from steering.decoding.injections import AHEAD, Injections
from steering.decoding.reference import generate
from steering.decoding.session import Session
from steering.decoding.sound import Chunk
from steering.interventions.plan import Move
from steering.models.interface import MusicModel
from tests.test_decoder import in_two_threads, plan, steer


@pytest.fixture(scope="module")
def decoder(model) -> Decoder:
    return Decoder(model)


def pair(model, seconds=1.0):
    both = plan(model, steer(model, 0.4), steer(model, 0.0, seed=1, name="D"), seconds=seconds)
    return [Clip("calm jazz", 1, both), Clip("calm jazz", 1)]


def whole(chunks: list[Chunk]) -> tuple[torch.Tensor, torch.Tensor]:
    return tuple(torch.cat([getattr(c, part) for c in chunks], -1) for part in ("audio", "codes"))


def test_chunks_put_together_are_the_clip(model, decoder):
    steps = []
    with Session(decoder, pair(model), 1.0, progress=lambda *s: steps.append(s)) as session:
        chunks = list(session.stream())
    audio, codes = whole(chunks)
    expected = decoder.generate(pair(model), 1.0)
    assert torch.equal(codes, expected)
    assert torch.equal(audio, model.decode(expected))
    assert len(chunks) > 2 and chunks[0].audio.shape[-1] < chunks[1].audio.shape[-1]
    starts = [chunk.start for chunk in chunks]
    assert starts == [0, *(chunk.done / 50 for chunk in chunks[:-1])]
    assert all(c.audio.shape[-1] == 640 * c.codes.shape[-1] and c.total == 50 for c in chunks)
    assert steps == [(n, 53) for n in range(1, 54)]


def test_clips_of_several_lengths_end_in_silence(model, decoder):
    seconds = [1.0, 0.3]
    with Session(decoder, pair(model), seconds) as session:
        audio, codes = whole(list(session.stream()))
    short = decoder.generate(pair(model)[1:], 0.3)
    assert torch.allclose(audio[1, : 15 * 640], model.decode(short)[0], atol=1e-5)
    assert not audio[1, 15 * 640 :].any() and audio[0, 40 * 640 :].any()
    assert torch.equal(codes[1, :, :15], short[0]) and (codes[1, :, 15:] == model.blank).all()


def test_any_codec_streams_by_overlap(model, decoder, monkeypatch):
    monkeypatch.setattr(type(model), "stream", MusicModel.stream)
    with Session(decoder, pair(model), 1.0, chunk_seconds=0.2) as session:
        audio, codes = whole(list(session.stream()))
    assert audio.shape == (2, 50 * 640)
    assert torch.equal(codes, decoder.generate(pair(model), 1.0))


def test_live_moves_change_what_follows_and_replay_exactly(model, decoder):
    clips = pair(model)
    with Session(decoder, clips, 1.0, chunk_seconds=0.1) as session:
        chunks = []
        for chunk in session.stream():
            chunks.append(chunk)
            if len(chunks) == 2:
                session.set("D", 2.0)
                session.set(0, -0.7)
            if len(chunks) == 4:
                session.set("D", 0.1)
    _, codes = whole(chunks)
    assert [(move.concept, move.coefficient) for move in session.moves] == [
        (1, 2.0), (0, -0.7), (1, 0.1)
    ]  # fmt: skip
    assert session.moves_of(1) == ()
    replayed = [Clip("calm jazz", 1, clips[0].plan.moved(*session.moves)), clips[1]]
    assert torch.equal(decoder.generate(replayed, 1.0), codes)
    assert torch.equal(generate(model, replayed, 1.0), codes)
    unmoved = decoder.generate(clips, 1.0)
    first = session.moves[0].step
    assert 0 < first < 40
    assert torch.equal(unmoved[..., : first - 3], codes[..., : first - 3])
    assert not torch.equal(unmoved[0], codes[0]) and torch.equal(unmoved[1], codes[1])


def test_a_coefficient_that_was_zero_can_be_moved_and_back(model, decoder):
    silent = [Clip("calm jazz", 1, plan(model, steer(model, 0.0), seconds=1.0))]
    with Session(decoder, silent, 1.0, chunk_seconds=0.1) as session:
        session.set("C", 3.0)
        session.set("C", 0.0)
        _, codes = whole(list(session.stream()))
    assert torch.equal(codes, decoder.generate([Clip("calm jazz", 1)], 1.0))


def test_planned_moves_stay_when_live_ones_come(model, decoder):
    planned = plan(model, steer(model, 0.4), seconds=1.0).moved(Move(30, 0, 1.5))
    with Session(decoder, [Clip("jazz", 1, planned)], 1.0, chunk_seconds=0.1) as session:
        stream = session.stream()
        next(stream)
        session.set("C", -1.0)
        list(stream)
    assert [move.coefficient for move in session.moves] == [-1.0, 1.5]


def test_of_moves_between_two_steps_the_last_counts_and_none_that_changes_nothing_is_kept(
    model, decoder
):
    clips = pair(model)
    with Session(decoder, clips, 1.0, chunk_seconds=0.1) as session:
        for number, _ in enumerate(session.stream()):
            for value in (0.9, -0.9, 0.1 * number):
                session.set("C", value)
                session.set("D", 0.0)
    steps = [move.step for move in session.moves]
    assert len(steps) > 5 and steps == sorted(set(steps))
    assert {move.concept for move in session.moves} == {0}
    assert session.moves[0].coefficient == 0.0 and session.moves[1].coefficient == 0.1


def moved_at_every_step(model, decoder, seconds=1.0, **limits):
    """The codes and the moves of a clip both of whose faders move without end."""

    def progress(done: int, total: int) -> None:
        if done < 40:
            session.set("C", 0.01 * done)
            session.set("D", -0.01 * done)

    clips = pair(model, seconds)
    with Session(decoder, clips, seconds, progress=progress, **limits) as session:
        _, codes = whole(list(session.stream()))
    replayed = [Clip("calm jazz", 1, clips[0].plan.moved(*session.moves)), clips[1]]
    assert torch.equal(decoder.generate(replayed, seconds), codes)
    return session.moves


def test_faders_that_move_at_every_step_replay_exactly(model, decoder):
    moves = moved_at_every_step(model, decoder)
    assert [move.step for move in moves if move.concept == 0] == list(range(1, 40))


def test_moves_beyond_the_rate_wait_and_the_last_ones_arrive(model, decoder):
    moves = moved_at_every_step(model, decoder, moves_a_second=20)
    assert 8 + 16 <= len(moves) <= 8 + 20
    for concept, last in ((0, 0.39), (1, -0.39)):
        one = [move for move in moves if move.concept == concept]
        assert one[-1].coefficient == last and 10 < len(one) < 16


def test_a_clip_has_so_many_moves_and_then_says_so(model, decoder):
    planned = plan(model, steer(model, 0.4), seconds=1.0).moved(Move(30, 0, 1.5))
    with Session(decoder, [Clip("jazz", 1, planned)], 1.0, most_moves=3) as session:
        stream = session.stream()
        for value in (0.25, 0.5):
            session.set("C", -value)
            session.set("C", value)
            next(stream)
        with pytest.raises(BadInput, match="has had its 3 moves: play it again"):
            session.set("C", 0.75)
        list(stream)
    assert [move.coefficient for move in session.moves] == [0.25, 0.5, 1.5]


def test_little_is_worked_out_for_a_step_that_is_moved(model, decoder, monkeypatch):
    """Never a whole block for each move, and whole blocks again when the faders rest."""
    counts: list[int] = []
    coefficients = Injections._coefficients

    def counted(self, first, count):
        counts.append(count)
        return coefficients(self, first, count)

    monkeypatch.setattr(Injections, "_coefficients", counted)
    run = decoder.start(pair(model, 4.0), 4.0)
    for step in range(150):
        if 1 <= step <= 20:
            run.move(0, 0, 0.01 * step)
        run.advance()
    assert counts == [AHEAD] + [1] * 20 + [2, 4, 8, 16, 32, 64, 64]


def test_another_thread_sets_a_coefficient_at_the_next_step(model, decoder):
    reached, moved = Event(), Event()
    seen = []

    def progress(done: int, total: int) -> None:
        if done == 20:
            reached.set()
            assert moved.wait(30)

    def turn() -> None:
        assert reached.wait(30)
        session.set("C", 2.0)
        moved.set()

    with Session(decoder, pair(model), 1.0, progress=progress) as session:
        other = Thread(target=turn)
        other.start()
        seen = list(session.stream())
        other.join(30)
    assert session.moves == (Move(20, 0, 2.0),)
    assert seen[-1].done == 50


def test_two_sessions_in_two_threads_equal_each_alone(model, decoder):
    sets = [[pair(model)[0]], [Clip("sad violin tune", 9, plan(model, steer(model, -0.8, seed=5)))]]
    expected = [decoder.generate(clips, 0.8) for clips in sets]
    made: dict[int, torch.Tensor] = {}

    def play(place: int) -> None:
        with Session(decoder, sets[place], 0.8, chunk_seconds=0.1) as session:
            made[place] = whole(list(session.stream()))[1]

    in_two_threads(play)
    for place in (0, 1):
        assert torch.equal(made[place], expected[place])


def test_sessions_step_by_step_in_turn_equal_each_alone(model, decoder):
    clips = [[clip] for clip in pair(model)]
    one, two = (Session(decoder, each, 0.6, chunk_seconds=0.1) for each in clips)
    chunks: tuple[list[Chunk], list[Chunk]] = ([], [])
    for a, b in zip(one.stream(), two.stream(), strict=True):
        chunks[0].append(a)
        chunks[1].append(b)
    for each, made in zip(clips, chunks, strict=True):
        assert torch.equal(whole(made)[1], decoder.generate(each, 0.6))


@pytest.mark.parametrize("way", ["stop", "leave", "keep", "end", "fail", "wait", "never begin"])
def test_the_memory_is_free_however_a_session_ends(model, decoder, way):
    def fail(done: int, total: int) -> None:
        if way == "fail" and done == 20:
            raise RuntimeError("on purpose")

    session = Session(decoder, pair(model), 1.0, chunk_seconds=0.1, progress=fail)
    cache = weakref.ref(session._run.cache.all)
    try:
        with session:
            stream = session.stream() if way != "never begin" else iter(())
            for _ in stream if way != "wait" else ():
                if way == "stop":
                    session.stop()
                if way in ("leave", "keep"):
                    break
            if way == "leave":
                del stream
    except RuntimeError:
        assert way == "fail"
    if way == "fail":
        gc.collect()
    assert cache() is None
    for use in (lambda: session.set("C", 1.0), session.stream):
        with pytest.raises(BadInput, match="the session is over"):
            use()
    session.stop()


def test_stop_from_another_thread_ends_the_stream(model, decoder):
    def progress(done: int, total: int) -> None:
        if done == 30:
            other = Thread(target=session.stop)
            other.start()
            other.join(30)

    with Session(decoder, pair(model), 1.0, chunk_seconds=0.1, progress=progress) as session:
        chunks = list(session.stream())
    assert 0 < chunks[-1].done < 30


def test_what_a_session_cannot_do_is_said(model, decoder):
    with Session(decoder, pair(model), 1.0) as session:
        for concept, value, clip, message in (
            ("C", float("nan"), 0, "coefficient of C is nan"),
            ("E", 1.0, 0, "not steered by 'E': it has C, D"),
            ("C", 1.0, 1, "it has none"),
            (2, 1.0, 0, "no concept 2: it has 2"),
            (0, 1.0, 2, "no clip 2: the session has 2"),
        ):
            with pytest.raises(BadInput, match=message):
                session.set(concept, value, clip)
        assert session.moves == ()
        session.stream()
        with pytest.raises(BadInput, match="streaming already"):
            session.stream()
    with pytest.raises(BadInput, match="chunks of 0 s"):
        Session(decoder, pair(model), 1.0, chunk_seconds=0.0)


def test_a_twin_that_is_known_is_heard_and_not_played(model, decoder):
    clips = pair(model)
    steered, twin = decoder.generate(clips, 1.0)
    with Session(decoder, clips[:1], 1.0, known=[twin]) as session:
        assert session._run.rows == 2
        audio, codes = whole(list(session.stream()))
    assert torch.equal(codes, torch.stack([steered, twin]))
    assert torch.equal(audio, model.decode(codes))
    with pytest.raises(BadInput, match="another length"):
        Session(decoder, clips[:1], 0.5, known=[twin])
