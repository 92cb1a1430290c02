"""What independent ears say of a pair: heard in the sound alone, steered beside unsteered.

What was asked for is heard only while it is pushed, and says in how much sound; it comes first, and
in one sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from listening.chroma import profile
from listening.features import features
from listening.key import hear_key
from listening.loudness import loudness
from listening.onsets import onset_rate
from listening.spans import Span, length, whole_seconds
from listening.spectrum import NothingHeard
from listening.tempo import hear_bpm
from listening.theory import PITCH_CLASSES, TRIADS
from steering.directions.bank_name import BankName
from steering.families.labels import TRIAD_NAMES
from steering.metrics.adherence import GENRE_WORDS, asked_in
from steering.metrics.judges import hear_triad
from steering.metrics.kept_listeners import KeptListeners
from studio.clips import SIDES, Pair
from studio.pushed import pushed_away, pushed_spans

CHORDS = (*TRIAD_NAMES, *TRIADS)
NOT_CHORDS = ("keys", "modes")
"""Families whose concepts have the names of chords, and are none."""

MOST_SENTENCES = 2

Ear = Callable[[np.ndarray, int], Any]
Row = dict[str, Any]


def verdict(pair: Pair, listeners: KeptListeners | None = None) -> dict[str, Any]:
    """One sentence, and the rows of a table: what was asked for first.

    A row says what is heard, its unit, what it is in each clip; and of a concept that was pushed its
    name as ``target`` and ``of``, the seconds that were listened to.

    Args:
        listeners: where they are there, whether the clips are what the prompt asks for is heard too.
    """
    targets = [
        row
        for place in range(len(pair.recipe["interventions"]))
        for row in _target_rows(pair, place, listeners)
    ]
    return {"headline": headline(targets), "rows": [*targets, *_other_rows(pair, listeners)]}


def headline(targets: Sequence[Row]) -> str:
    """What came of the concepts that were pushed, in a sentence or two; empty where there is none.

    >>> headline([{"what": "C is the loudest note", "unit": "%", "of": 4.8, "steered": 67, "unsteered": 0}])
    'C is the loudest note in 67 % of the 4.8 s in which it is pushed; unsteered: 0 %.'
    """
    counted = [row for row in targets if row["unit"] == "s"]
    if len(counted) > MOST_SENTENCES:
        right, unsteered, of = (
            sum(row[x] for row in counted) for x in ("steered", "unsteered", "of")
        )
        return f"The chord that is pushed is heard in {right:g} of {of:g} seconds; unsteered: {unsteered:g}."
    return " ".join(_sentence(row) for row in targets[:MOST_SENTENCES])


def _sentence(row: Row) -> str:
    what, steered, unsteered, of = row["what"], row["steered"], row["unsteered"], row["of"]
    pushed = "pushed away" if row.get("away") else "pushed"
    if row["unit"] == "s":
        return f"{what} in {steered} of the {of:g} seconds in which it is {pushed}; unsteered: {unsteered}."
    if row["unit"] == "%":
        return f"{what} in {steered:g} % of the {of:g} s in which it is {pushed}; unsteered: {unsteered:g} %."
    if row["unit"] == "chance":
        return (
            f"{what}, says a listener, with a chance of {steered:g} %; unsteered: {unsteered:g} %."
        )
    return f"{what} {steered:g} times a second while that is pushed; unsteered: {unsteered:g}."


def _target_rows(pair: Pair, place: int, listeners: KeptListeners | None) -> list[Row]:
    """What is heard of one concept while it is pushed; nothing where no judge knows it."""
    record = pair.recipe["interventions"][place]
    concept, family = record["concept"], BankName.parse(str(record["bank"])).family
    spans = pushed_spans(pair.recipe, place, pair.sound.shape[1] / pair.sample_rate)
    if not spans:
        return []
    rows: list[Row] = []
    if concept in PITCH_CLASSES and family not in NOT_CHORDS:
        rows = [_note_row(pair, concept, spans)]
    elif concept in CHORDS and family not in NOT_CHORDS:
        rows = [_chord_row(pair, concept, whole_seconds(spans))]
    elif family.startswith("tempos"):
        rows = [_onset_row(pair, whole_seconds(spans))]
    elif concept in GENRE_WORDS.values() and listeners:
        rows = _heard_as(pair, listeners, {"genre": concept}, "It sounds like {}")
    away = pushed_away(pair.recipe, place)
    return [row | {"target": concept, "away": away} for row in rows if row.get("of", 1)]


def _note_row(pair: Pair, concept: str, spans: Sequence[Span]) -> Row:
    """The share of sounding frames, while it is pushed, in which a pitch class is the strongest."""
    row: Row = {
        "what": f"{concept} is the loudest note",
        "unit": "%",
        "of": round(length(spans), 1),
    }
    for side in SIDES:
        heard = profile(pair.floating(side), pair.sample_rate, spans)
        row[side] = round(100 * heard.share(concept))
    return row


def _chord_row(pair: Pair, concept: str, seconds: list[int]) -> Row:
    """In how many of the seconds in which a chord is pushed it is the one that is heard."""
    row: Row = {"what": f"{concept} is heard", "unit": "s", "of": len(seconds)}
    for side in SIDES:
        parts = _parts(pair, side, seconds)
        row[side] = sum(_is_heard(part, pair.sample_rate, concept) for part in parts)
    return row


def _is_heard(audio: np.ndarray, rate: int, chord: str) -> bool:
    return hear_triad(audio, rate).share(chord) > 0.5


def _onset_row(pair: Pair, seconds: list[int]) -> Row:
    """Beginnings of notes a second, which a push of the tempo changes first."""
    row: Row = {"what": "Notes begin", "unit": "a second", "of": len(seconds)}
    for side in SIDES:
        parts = _parts(pair, side, seconds)
        row[side] = _onsets(np.concatenate(parts), pair.sample_rate) if parts else 0.0
    return row


def _other_rows(pair: Pair, listeners: KeptListeners | None) -> list[Row]:
    """What else there is to hear, in the whole clip."""
    seen = {side: profile(pair.floating(side), pair.sample_rate) for side in SIDES}
    rows: list[Row] = [
        {"what": "Most prominent note", "unit": ""}
        | {side: one.most_prominent for side, one in seen.items()},
        {"what": "Variety of notes", "unit": "bits"}
        | {side: round(abs(one.entropy), 1) for side, one in seen.items()},
        _row(pair, "Most frequent chord", lambda audio, rate: hear_triad(audio, rate).heard),
        _row(pair, "Key", lambda audio, rate: " ".join(hear_key(audio, rate))),
        _row(pair, "Tempo", lambda audio, rate: round(hear_bpm(audio, rate)), "bpm"),
        _row(pair, "Notes begin", _onsets, "a second"),
    ]
    if listeners:
        rows += _heard_as(
            pair, listeners, asked_in(pair.recipe["prompt"]), "Sounds like the prompt's '{}'"
        )
    rows.append(_row(pair, "Loudness", lambda a, r: round(loudness(a, r), 1), "LUFS"))
    return rows


def _heard_as(pair: Pair, kept: KeptListeners, asked: dict[str, str], what: str) -> list[Row]:
    """How likely the clips are what is asked, to listeners that know clips as long as theirs."""
    known = kept.listeners.listeners
    asked = {n: v for n, v in asked.items() if n in known and v in known[n].model.classes_}
    span = round(kept.seconds * pair.sample_rate)
    if not asked or pair.sound.shape[1] < span or not pair.sound.any(axis=1).all():
        return []
    heard = np.stack([features(pair.floating(side)[:span], pair.sample_rate) for side in SIDES])
    return [
        {"what": what.format(value), "unit": "chance", "of": kept.seconds}
        | {"about": f"This listener is {kept.errors.get(name, 'untested')}"}
        | {
            side: round(100 * float(one))
            for side, one in zip(
                SIDES, kept.listeners.probabilities(name, heard)[value], strict=True
            )
        }
        for name, value in asked.items()
    ]


def _parts(pair: Pair, side: str, seconds: Sequence[int]) -> list[np.ndarray]:
    """Some seconds of one side."""
    audio, rate = pair.floating(side), pair.sample_rate
    return [audio[rate * one : rate * (one + 1)] for one in seconds]


def _onsets(audio: np.ndarray, rate: int) -> float:
    return round(onset_rate(audio, rate), 1)


def _row(pair: Pair, what: str, hear: Ear, unit: str = "") -> Row:
    heard = partial(_heard, hear, rate=pair.sample_rate)
    return {"what": what, "unit": unit} | {side: heard(pair.floating(side)) for side in SIDES}


def _heard(hear: Ear, audio: np.ndarray, rate: int) -> Any:
    try:
        return hear(audio, rate)
    except NothingHeard:
        return None
