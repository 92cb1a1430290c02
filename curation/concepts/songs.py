"""Songs: short captioned pieces, any key at any tempo in any genre, led by any of twenty voices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pretty_midi

from curation.arrangement.bands import BANDS, Band
from curation.arrangement.ensemble import Ensemble
from curation.arrangement.grid import BAR_STEPS, Clock, tempo_word
from curation.arrangement.harmony import lay_out
from curation.arrangement.melody import Manner
from curation.arrangement.song_styles import (
    CALM_CELLS,
    CELLS_IN,
    HARMONY,
    LEADS,
    MOODS,
    SIXES,
    SOFT_LEADS,
    SUSTAINING,
    WALTZES,
    Mood,
)
from curation.arrangement.styles import GENRES, STYLES
from curation.general_midi import INSTRUMENT_FAMILIES, instrument_family
from curation.spec import ClipSpec, Family, Label, seed_for
from listening.theory import PITCH_CLASSES

SECONDS = 12.0
MODES = ("major", "minor")
SIGNATURES = ("4/4", "4/4", "4/4", "3/4", "6/8")
SLOWEST, FASTEST, FASTEST_SIX = 60, 180, 120
BACKINGS = ("chords", "bass and chords", "band")
_DRUMLESS = {"classical"}
_BUSY = {"funk", "hip-hop", "metal", "reggae", "bossa nova"}
_SPARSE = {"charleston", "scratch", "skank", "bubble", "loop", "stabs"}
_HALF_TIME_FROM = 138
_PENTATONIC = {"rock", "country", "funk", "house", "hip-hop", "ambient"}
_SPOKEN = {"jazz swing": "jazz"}
_SHAPES = {"4/4": "piece", "3/4": "waltz", "6/8": "piece in 6/8"}
CAPTIONS = (
    "{mood} {genre} {shape} led by {a_lead} in {key} {mode}, {bpm:.0f} bpm",
    "{a_mood} {genre} {shape} led by {a_lead}, {bpm:.0f} bpm",
    "{lead} melody over {genre} {backing}, {mood}, {tempo}, {bpm:.0f} bpm",
    "{tempo} {genre} {shape} with {lead}, {drums}",
    "{mood} {genre}, {lead}, {key} {mode}, {bpm:.0f} bpm, {signature}",
    "{mood} {lead} tune in {key} {mode}",
    "{mood} {genre}",
    "{genre} with {a_lead}",
    "{genre}",
    "{lead}",
)


def compose(spec: ClipSpec) -> pretty_midi.PrettyMIDI:
    """As long as the spec says, from a first downbeat: a melody over chords, maybe bass and drums."""
    labels, rng = spec.labels, spec.rng()
    genre, signature, mode = labels["genre"], labels["time_signature"], labels["mode"]
    style, mood = STYLES[genre], MOODS[labels["mood"]]
    straight = signature == "6/8"
    swing = 0.5 if straight else float(rng.uniform(*style.swing))
    clock = Clock(labels["bpm"], signature, swing, style.swung_steps)
    bars = clock.bars(spec.seconds)
    tonic = PITCH_CLASSES.index(labels["key"])
    chords = lay_out(_pick(rng, HARMONY[genre][mode]), tonic, bars, clock.bar)
    half_time = genre in _BUSY and signature == "4/4" and labels["bpm"] >= _HALF_TIME_FROM
    piece = Ensemble(
        clock,
        chords,
        bars,
        rng,
        reverb=max(mood.reverb, style.reverb[0] // 2),
        loose=style.loose,
        drive=mood.drive + 15,
        stretch=2 if half_time else 1,
        exact=spec.exact,
    )
    _accompany(piece, labels, _pick(rng, BANDS[genre]))
    piece.lead(
        _manner(genre, signature, mood),
        LEADS[labels["lead"]],
        tonic,
        mode,
        volume=1.7,
        velocity=108 if LEADS[labels["lead"]] in SOFT_LEADS else 96,
        gate=mood.gate,
        around=mood.around,
        span=15,
    )
    return piece.score()


def _accompany(piece: Ensemble, labels: Mapping[str, Any], band: Band) -> None:
    """Chords, and bass and drums if the labels say so, below the lead in level."""
    genre, signature, backing = labels["genre"], labels["time_signature"], labels["backing"]
    rng, style = piece.rng, STYLES[genre]
    under = SOFT_LEADS.get(LEADS[labels["lead"]], 1.0)
    own = {"3/4": WALTZES, "6/8": SIXES}.get(signature)
    band = _pick(rng, [b for b in BANDS[genre] if b.signature == "4/4"]) if own is None else band
    comp = own[genre].comp if own else band.comp
    bass = own[genre].bass if own else band.bass or "long"
    if labels["drums"] == "drums":
        with_drums = _pick(rng, [b for b in BANDS[genre] if b.grooves])
        groove = own[genre].groove if own else _pick(rng, with_drums.grooves)
        kit = _pick(rng, with_drums.kits)
        piece.drums(groove, kit, 0.7 * under, fills=style.fills / 2, crash=style.crash / 2)
    if backing != "chords":
        piece.bass(bass, _pick(rng, band.basses or (32, 33)), 0.8 * under)
    others = [program for program in band.comps if program != LEADS[labels["lead"]]]
    if backing == "chords" and band.comp in _SPARSE and rng.random() < 0.5:
        comp = "chorale" if own is None else "x" + "-" * (piece.clock.bar - 1)
    program = _pick(rng, others)
    volume = 0.24 if program in SUSTAINING else 0.5
    if genre == "ambient":
        volume *= 0.7
    piece.comp(comp, program, volume * under, low=50, gate=style.comp_gate)


def _manner(genre: str, signature: str, mood: Mood) -> Manner:
    """The genre's way of moving, in the metre and at the density of the mood."""
    if mood.calm:
        cells = CALM_CELLS[signature]
    else:
        cells = CELLS_IN.get(signature, STYLES[genre].manner.cells)
    return replace(
        STYLES[genre].manner,
        cells=cells,
        scale="pentatonic" if genre in _PENTATONIC else "diatonic",
        leap=mood.leap,
        least=mood.density[0],
        most=mood.density[1],
        phrase=4,
        exact=False,
    )


def _pick(rng: np.random.Generator, among: Sequence[Any]) -> Any:
    return among[int(rng.integers(len(among)))]


def spec(seed: int, index: int) -> ClipSpec:
    clip_seed = seed_for(seed, "songs", index)
    draws = iter(np.random.default_rng(seed_for(clip_seed, "labels")).random(10).tolist())
    genre = GENRES[index % len(GENRES)]

    def draw(among: Sequence[Any]) -> Any:
        return among[int(next(draws) * len(among))]

    signature, backing = draw(SIGNATURES), draw(BACKINGS)
    fastest = FASTEST_SIX if signature == "6/8" else FASTEST
    lead = draw(tuple(LEADS))
    labels = {
        "genre": genre,
        "lead": lead,
        "lead_family": instrument_family(LEADS[lead]),
        "mood": draw(tuple(MOODS)),
        "key": draw(PITCH_CLASSES),
        "mode": draw(MODES),
        "bpm": float(draw(range(SLOWEST, fastest + 1))),
        "time_signature": signature,
        "backing": backing,
        "drums": "drums" if backing == "band" and genre not in _DRUMLESS else "no drums",
    }
    return ClipSpec(
        family="songs",
        index=index,
        labels=labels,
        seed=clip_seed,
        source_id=f"songs-{index}",
        group=f"songs-{index}",
        stratum=genre,
        caption=caption(labels, draw(CAPTIONS)),
        seconds=SECONDS,
        compose=compose,
    )


def caption(labels: Mapping[str, Any], phrasing: str) -> str:
    """The labels in words.

    >>> labels = {"genre": "jazz swing", "mood": "calm", "lead": "oboe", "time_signature": "3/4",
    ...     "bpm": 96.0, "key": "D", "mode": "minor", "backing": "chords", "drums": "no drums"}
    >>> caption(labels, "{a_mood} {genre} {shape} led by {a_lead}, {bpm:.0f} bpm")
    'a calm jazz waltz led by an oboe, 96 bpm'
    """
    return phrasing.format(
        genre=_SPOKEN.get(labels["genre"], labels["genre"]),
        mood=labels["mood"],
        a_mood=_with_article(labels["mood"]),
        lead=labels["lead"],
        a_lead=_with_article(labels["lead"]),
        shape=_SHAPES[labels["time_signature"]],
        signature=labels["time_signature"],
        tempo=tempo_word(labels["bpm"]),
        bpm=labels["bpm"],
        key=labels["key"],
        mode=labels["mode"],
        backing=labels["backing"],
        drums="with drums" if labels["drums"] == "drums" else "without drums",
    )


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


family = Family(
    name="songs",
    title="Songs",
    summary="Short captioned pieces: a melody over chords, with or without bass and drums.",
    labels={
        "genre": Label("genre of the accompaniment", GENRES),
        "lead": Label("instrument of the melody", tuple(LEADS)),
        "lead_family": Label(
            "General MIDI family of the melody's instrument",
            tuple(
                f for f in INSTRUMENT_FAMILIES if f in set(map(instrument_family, LEADS.values()))
            ),
        ),
        "mood": Label("mood: acts on register, loudness, length and number of notes", tuple(MOODS)),
        "key": Label("pitch class of the tonic", PITCH_CLASSES, heard_by="key"),
        "mode": Label("mode of the key", MODES),
        "bpm": Label(
            "beats per minute, of dotted quarters in 6/8", dtype="float32", heard_by="bpm"
        ),
        "time_signature": Label("the metre", tuple(BAR_STEPS)),
        "backing": Label("what goes with the melody", BACKINGS),
        "drums": Label("whether there are drums", ("drums", "no drums")),
    },
    target="genre",
    grouping="the piece itself: every song is a source of its own",
    size=6_000,
    small=480,
    spec=spec,
    open_ended=True,
    limits=(
        "Composed by rule and played on samples: clean material for a small model, not recordings.",
        "6/8 goes no faster than 120 dotted quarters a minute, the other metres reach 180 beats.",
    ),
)
