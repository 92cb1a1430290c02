"""What the benchmark of teaching rests on: scores altered in one thing, listeners that tell it, kept cells."""

from __future__ import annotations

import itertools
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pretty_midi
import pytest
import torch

from benchmarks import teaching
from benchmarks.taught import cells, clips, lessons, scores, voter
from benchmarks.taught.cells import Bench, aucs, interval_of, judged
from benchmarks.taught.concepts import CONCEPTS, FIRST
from benchmarks.taught.ears import EARS, flutter, gaps, register, strokes, thickness
from benchmarks.taught.lessons import Case, Said, Taught, lesson_of, shuffled
from benchmarks.taught.report import foretold_lines, page
from curation.arrangement.ensemble import LEAD
from sketch.material import Piece
from steering.decoding.decoder import Decoder
from steering.directions.direction import Direction
from steering.teaching import trials
from steering.teaching.material import Example
from tests.sounds import NOTE_RATE, RATE, clicks, notes, together, tone
from tests.toy import toy_model

SONG = next(Piece("songs", n, 8.0) for n in range(99) if clips.has_drums(Piece("songs", n, 8.0)))


def before_and_after(alteration) -> tuple[pretty_midi.PrettyMIDI, pretty_midi.PrettyMIDI]:
    own, altered = SONG.spec().score(), SONG.spec().score()
    alteration(altered)
    return own, altered


def as_rows(part: pretty_midi.Instrument) -> list[tuple[float, float, int, int]]:
    return [(note.start, note.end, note.pitch, note.velocity) for note in part.notes]


@pytest.mark.parametrize(
    "alteration",
    [scores.staccato, scores.legato, scores.high, scores.low, scores.tremolo, scores.thick],
)
def test_who_plays_and_what_is_drummed_stays_as_it_is(alteration):
    own, altered = before_and_after(alteration)
    assert [p.program for p in own.instruments] == [p.program for p in altered.instruments]
    drums = [[as_rows(p) for p in one.instruments if p.is_drum] for one in (own, altered)]
    assert drums[0] == drums[1] and drums[0][0]
    told = [[as_rows(p) for p in scores.pitched(one)] for one in (own, altered)]
    assert told[0] != told[1]


def pairs(alteration):
    """Each pitched note, and what it became."""
    own, altered = before_and_after(alteration)
    for part, other in zip(scores.pitched(own), scores.pitched(altered), strict=True):
        yield from zip(part.notes, other.notes, strict=True)


def test_staccato_shortens_notes_and_alters_nothing_else():
    for own, short in pairs(scores.staccato):
        length = own.end - own.start
        assert short.end - short.start == pytest.approx(min(length, max(0.05, length / 4)))
        assert (own.start, own.pitch, own.velocity) == (short.start, short.pitch, short.velocity)


def test_legato_notes_reach_to_the_next():
    own, altered = before_and_after(scores.legato)
    for part, other in zip(scores.pitched(own), scores.pitched(altered), strict=True):
        assert [n.start for n in part.notes] == [n.start for n in other.notes]
        starts = sorted({note.start for note in other.notes})
        reached = dict(pairwise(starts))
        assert all(n.end == reached[n.start] for n in other.notes if n.start in reached)


@pytest.mark.parametrize(("alteration", "sign"), [(scores.high, 1), (scores.low, -1)])
def test_register_moves_by_octaves_and_stays_on_the_keys(alteration, sign):
    moved = [(own, other) for own, other in pairs(alteration)]
    by = {sign * (other.pitch - own.pitch) for own, other in moved}
    assert 24 in by and by <= {0, 12, 24}
    assert all(21 <= other.pitch <= 108 for _, other in moved)
    assert all((own.start, own.end) == (other.start, other.end) for own, other in moved)


def test_a_tremolo_strikes_twelve_times_a_second_within_its_note():
    score = pretty_midi.PrettyMIDI()
    part = pretty_midi.Instrument(0)
    part.notes = [pretty_midi.Note(90, 60, 1.0, 2.0), pretty_midi.Note(90, 64, 2.0, 2.05)]
    score.instruments = [part]
    scores.tremolo(score)
    struck = [note.start for note in part.notes if note.pitch == 60]
    assert len(struck) == 12 and np.allclose(np.diff(struck), 1 / 12)
    assert max(note.end for note in part.notes if note.pitch == 60) <= 2.0
    assert sum(note.pitch == 64 for note in part.notes) == 1


def test_textures_and_drums_come_and_go():
    own, bare = before_and_after(scores.without_drums)
    assert clips.has_drums(SONG) and not any(part.is_drum for part in bare.instruments)
    assert [as_rows(p) for p in scores.pitched(own)] == [as_rows(p) for p in bare.instruments]
    _, thin = before_and_after(scores.thin)
    assert [part.name for part in thin.instruments] == [LEAD]
    _, thick = before_and_after(scores.thick)
    for part, other in zip(scores.pitched(own), scores.pitched(thick), strict=True):
        known = {(note.start, note.pitch) for note in other.notes}
        for note in part.notes:
            wanted = {note.pitch + by for by in (-12, 12)} & set(range(21, 109))
            assert {(note.start, pitch) for pitch in (note.pitch, *wanted)} <= known
        assert len(known) == len(other.notes)


def test_clips_to_teach_by_and_clips_to_judge_by_are_other_pieces():
    def named(first: int) -> set[str]:
        return {one.name for one in clips.sounds(CONCEPTS["staccato"], True, 3, first)}

    assert len(named(clips.TAUGHT)) == 3 and not named(clips.TAUGHT) & named(clips.HEARD)
    assert set(FIRST) <= set(CONCEPTS) and len({CONCEPTS[one].ear for one in FIRST}) == len(EARS)


def swelling(hertz: float) -> np.ndarray:
    time = np.arange(3 * RATE) / RATE
    return (tone(60, 3.0) * (1 + np.cos(2 * np.pi * hertz * time))).astype(np.float32)


def faded(pitch: int, seconds: float) -> np.ndarray:
    """A note with an end that is no click, in half a second."""
    note = tone(pitch, seconds) * np.minimum(
        1, np.linspace(seconds / 0.03, 0, round(seconds * RATE))
    )
    return np.pad(note, (0, RATE // 2 - len(note))).astype(np.float32)


def test_gaps_are_heard_between_short_notes():
    held, short = (
        np.concatenate([faded(pitch, seconds) for pitch in (60, 62, 64, 65)])
        for seconds in (0.5, 0.15)
    )
    assert gaps(short, RATE) > 0.4 > 0.1 > gaps(held, RATE)


def test_a_register_is_the_pitch_of_what_is_heard():
    assert register(notes(60, 62, 64), NOTE_RATE) == pytest.approx(62, abs=1)
    assert register(notes(84, 86, 88), NOTE_RATE) == pytest.approx(86, abs=1)
    assert np.isnan(register(np.zeros(RATE, np.float32), RATE))


def test_a_flutter_is_quicker_than_a_swell_and_is_heard_beside_drums():
    beat = clicks(120, 3.0)
    assert flutter(swelling(12), RATE) > 0.8 > 0.1 > flutter(swelling(3), RATE)
    assert flutter(swelling(12) + beat, RATE) > flutter(swelling(3) + beat, RATE) + 0.3


def test_strokes_of_noise_are_no_notes():
    struck = clicks(120, 4.0)
    assert strokes(struck, RATE) > 10 * strokes(notes(60, 64, 67, 72), NOTE_RATE)
    assert strokes(np.zeros(RATE, np.float32), RATE) == 0.0


def test_a_chord_is_thicker_than_a_note():
    assert thickness(together([60, 64, 67], 2.0), RATE) > 2 * thickness(together([60], 2.0), RATE)


def test_the_chance_of_being_larger():
    low, high = np.arange(10.0), np.arange(20.0, 30.0)
    assert interval_of(aucs(high, low)).low == 1.0 and interval_of(aucs(low, high)).high == 0.0
    equal = interval_of(aucs(low, low, paired=True))
    assert equal.mean == equal.low == equal.high == 0.5
    assert aucs(np.full(4, np.nan), low)[0] == 0.5


def test_dealing_labels_out_anew_keeps_their_number_and_what_is_of_one_clip_together():
    codes = torch.zeros(1, 1)
    examples = [Example(codes, clip < 4, clip) for clip in range(12) for _ in range(3)]
    dealt = shuffled(examples, 1)
    has = {one.clip: {other.has for other in dealt if other.clip == one.clip} for one in dealt}
    assert all(len(kinds) == 1 for kinds in has.values())
    assert sum(True in kinds for kinds in has.values()) == 4
    assert [one.has for one in dealt] != [one.has for one in examples]


def test_of_a_piece_with_and_without_one_has_the_concept_however_labels_are_dealt():
    codes = torch.zeros(1, 1)
    pairs = [Example(codes, has, clip) for clip in range(12) for has in (True, True, False, False)]
    dealt = [one.has for one in shuffled(pairs, 1)]
    assert all(dealt[n : n + 4] in ([1, 1, 0, 0], [0, 0, 1, 1]) for n in range(0, 48, 4))
    assert dealt != [one.has for one in pairs]


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    return Decoder(toy_model())


def forbidden(*_: object) -> None:
    raise AssertionError("this was done before")


def test_a_cell_that_is_kept_is_not_played_again(decoder, tmp_path, monkeypatch):
    monkeypatch.setattr(cells, "SECONDS", 1.0)
    first = cells.unsteered(Bench(decoder, tmp_path, 2), "gaps")
    monkeypatch.setattr(cells, "play", forbidden)
    again = cells.unsteered(Bench(decoder, tmp_path, 2), "gaps")
    assert all(np.array_equal(first[name], again[name]) for name in first) and len(first) == 4
    with pytest.raises(AssertionError, match="done before"):
        cells.unsteered(Bench(decoder, tmp_path, 3), "gaps")


def test_a_lesson_goes_on_only_where_it_was_finished(decoder, tmp_path, monkeypatch):
    def examples_of(model, *_: object) -> list[Example]:
        generator = torch.Generator().manual_seed(0)
        shape = (model.codebooks, 200)
        return [
            Example(torch.randint(model.vocabulary, shape, generator=generator), n < 4, n)
            for n in range(9)
        ]

    monkeypatch.setattr(lessons.clips, "sounds", lambda *_: [])
    monkeypatch.setattr(lessons, "examples_of", examples_of)
    monkeypatch.setattr(trials, "SECONDS", 0.5)
    case = Case("high", 4)
    first = lesson_of(decoder, case, tmp_path)
    assert set(first.directions) == {"taught", "random", "shuffled"}
    monkeypatch.setattr(lessons, "_teach", forbidden)
    again = lesson_of(decoder, case, tmp_path)
    assert again.said == first.said
    for kind, direction in first.directions.items():
        assert torch.allclose(direction.vectors, again.directions[kind].vectors)
    next(tmp_path.rglob("said.json")).unlink()  # what is written last
    with pytest.raises(AssertionError, match="done before"):
        lesson_of(decoder, case, tmp_path)


def test_of_two_variations_the_one_with_more_goes_up_and_what_is_alike_gets_no_vote(
    decoder, monkeypatch
):
    heard = itertools.cycle([1.0, 1.0, 2.0, 3.0, 5.0, 4.0, np.nan, 7.0])
    monkeypatch.setattr(voter, "SECONDS", 0.2)
    monkeypatch.setitem(voter.EARS, "register", lambda *_: next(heard))
    examples = voter.voted(decoder, CONCEPTS["low"], 8)
    assert [one.has for one in examples] == [True, False, False, True] * 2
    assert [one.clip for one in examples] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert not torch.equal(examples[0].codes, examples[1].codes)


SAID = Said(1.0, 0.001, True, True, 0.5, True, True, 0.06, "ridge", False, True, 1.0, "it is known")


def planted(monkeypatch, decoder, moved: dict[str, float], **life: float):
    """A case whose clips are heard to differ from their twins by so much, by what is pushed."""
    shape = (decoder.model.origin.layers, decoder.model.origin.size)
    own = Direction("high", torch.ones(shape), torch.ones(shape[0]), decoder.model.origin)
    kinds = {kind: own.like(torch.randn(shape)) for kind in moved}
    named = {id(direction): kind for kind, direction in kinds.items()}
    noise = np.random.default_rng(0).normal(size=40)

    def kept(bench, key, direction, heard, strength, ear):
        kind = named.get(id(direction), "")
        other = life if kind == "taught" else {}
        return {
            "heard": noise + moved.get(kind, 0.0) * (1 + 0.1 * noise),
            "entropy": np.full(40, other.get("entropy", 1.0)),
            "onsets": np.full(40, other.get("onsets", 1.0)),
            "loudness": np.zeros(40),
        }

    monkeypatch.setattr(cells, "lesson_of", lambda *_: Taught(kinds, SAID))
    monkeypatch.setattr(cells, "_kept", kept)


@pytest.mark.parametrize(
    ("moved", "life", "outcome"),
    [
        ({"taught": 2.0, "random": 0.0, "shuffled": 0.1}, {}, "can"),
        (
            {"taught": 2.0, "random": 0.0, "shuffled": 0.1},
            {"entropy": 0.3},
            "can, the music suffers",
        ),
        ({"taught": 2.0, "random": 2.0, "shuffled": 0.0}, {}, "cannot"),
        ({"taught": -2.0, "random": 0.0, "shuffled": 0.0}, {}, "cannot"),
        ({"taught": 0.0, "random": 0.0, "shuffled": 0.0}, {}, "cannot"),
    ],
)
def test_a_concept_is_moved_where_it_is_heard_and_more_than_controls_are(
    decoder, tmp_path, monkeypatch, moved, life, outcome
):
    planted(monkeypatch, decoder, moved, **life)
    one = judged(Bench(decoder, tmp_path, 40), Case("high", 10))
    assert one.outcome == outcome
    lines = dict(foretold_lines([one]))
    right = "1 of 1" if outcome.startswith("can,") or outcome == "can" else "0 of 1"
    assert lines["'the model knows it' was right"].startswith(right)
    assert lines["shuffled labels that were told all the same"].startswith("0 of 1")
    assert lines["shuffled labels whose push was 'heard'"].startswith("1 of 1")
    shown = page({}, [one], [("model", "toy")])
    assert f"| high, 10 clips, first font | it is known | {outcome} |" in shown


def test_a_second_font_is_taught_by_one_number_of_clips():
    course = teaching.Course(
        "sketch", None, 9, ("high",), (5, 10, 20), ("first", "second"), ("neutral",), 4
    )
    assert [(c.clips, c.font) for c in course.cases()] == [
        (5, "first"), (10, "first"), (20, "first"), (10, "second"),
    ]  # fmt: skip
    voted = replace(course, against=("votes",)).cases()
    assert [str(case) for case in voted] == ["high, 10 votes", "high, 20 votes"]


def test_numbers_that_are_not_possible_are_refused_in_a_line(capsys):
    for wrong in (["--taught", "2"], ["--clips", "1"]):
        with pytest.raises(SystemExit) as stopped:
            teaching.main(wrong)
        assert stopped.value.code == 2
    assert capsys.readouterr().err.count("benchmarks.teaching: ") == 2
