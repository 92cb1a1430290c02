"""Genres: twelve ways of playing, six bands each, at any tempo and in any key of the genre."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pretty_midi

from curation.arrangement.bands import BANDS, COUNT
from curation.arrangement.ensemble import Ensemble
from curation.arrangement.grid import BAR_STEPS, Clock, tempo_word
from curation.arrangement.harmony import lay_out
from curation.arrangement.styles import GENRES, STYLES
from curation.general_midi import INSTRUMENT_FAMILIES, instrument_family, spoken_name
from curation.spec import ClipSpec, Family, Label, seed_for
from listening.theory import PITCH_CLASSES

SECONDS = 8.0
VARIATIONS = 60
MODES = ("major", "minor")
LEADS = tuple(
    sorted({program for bands in BANDS.values() for band in bands for program in band.leads})
)
LEAD_NAMES = {spoken_name(program): program for program in LEADS}
CAPTIONS = (
    "{genre} in {key} {mode} at {bpm:.0f} bpm, {lead} in front, {drums}.",
    "A {tempo} {genre} piece led by {lead}, {bpm:.0f} bpm, {drums}.",
    "{genre} with {lead} and {drums}, {bpm:.0f} beats per minute.",
    "{tempo} {genre}, {key} {mode}.",
    "{genre}",
)


def compose(spec: ClipSpec) -> pretty_midi.PrettyMIDI:
    """A band at its groove, as long as the spec says, from a downbeat of its progression."""
    labels, rng = spec.labels, spec.rng()
    style = STYLES[labels["genre"]]
    band = BANDS[labels["genre"]][int(labels["band"].rsplit("/", 1)[1]) - 1]
    clock = Clock(
        labels["bpm"], band.signature, float(rng.uniform(*style.swing)), style.swung_steps
    )
    bars = clock.bars(spec.seconds)
    progression = str(rng.choice(style.progressions[labels["mode"]]))
    tonic = PITCH_CLASSES.index(labels["key"])
    first = 4 * int(rng.integers(max(1, len(progression.split()) // 4)))
    reverb = int(rng.integers(style.reverb[0], style.reverb[1] + 1))
    touch = float(rng.uniform(-4, 4))
    piece = Ensemble(
        clock,
        lay_out(progression, tonic, bars, clock.bar, first),
        bars,
        rng,
        reverb=reverb,
        loose=style.loose,
        drive=style.drive + (0.0 if spec.exact else touch),
        exact=spec.exact,
    )
    if labels["drums"] == "drums":
        groove, kit = str(rng.choice(band.grooves)), int(rng.choice(band.kits))
        piece.drums(groove, kit, fills=style.fills, crash=style.crash)
    if band.bass:
        piece.bass(band.bass, int(rng.choice(band.basses)), low=style.bass_low)
    piece.comp(band.comp, int(rng.choice(band.comps)), low=style.low, gate=style.comp_gate)
    if band.pads:
        ambient = labels["genre"] == "ambient"
        piece.pad(int(rng.choice(band.pads)), 0.7 if ambient else 0.2, swell=ambient)
    piece.lead(
        style.manner,
        LEAD_NAMES[labels["lead"]],
        tonic,
        labels["mode"],
        gate=style.gate,
        around=int(rng.integers(67, 77)),
    )
    return piece.score()


def spec(seed: int, index: int) -> ClipSpec:
    genre = GENRES[index % len(GENRES)]
    number = index // len(GENRES) % COUNT
    style, band = STYLES[genre], BANDS[genre][number]
    clip_seed = seed_for(seed, "genres", index)
    draws = iter(np.random.default_rng(seed_for(clip_seed, "labels")).random(6).tolist())

    def draw(among: Sequence[Any]) -> Any:
        return among[int(next(draws) * len(among))]

    lead = draw(band.leads)
    labels = {
        "genre": genre,
        "band": f"{genre}/{number + 1}",
        "bpm": round(style.bpm[0] + (style.bpm[1] - style.bpm[0]) * next(draws), 1),
        "key": draw(PITCH_CLASSES),
        "mode": draw(tuple(style.progressions)),
        "time_signature": band.signature,
        "drums": "drums" if band.grooves and next(draws) >= band.drumless else "no drums",
        "lead": spoken_name(lead),
        "lead_family": instrument_family(lead),
    }
    return ClipSpec(
        family="genres",
        index=index,
        labels=labels,
        seed=clip_seed,
        source_id=f"genres-{index}",
        group=labels["band"],
        stratum=genre,
        caption=caption(labels, draw(CAPTIONS)),
        seconds=SECONDS,
        compose=compose,
    )


def caption(labels: Mapping[str, Any], phrasing: str) -> str:
    """The labels in words.

    >>> labels = {"genre": "funk", "key": "D", "mode": "minor", "bpm": 107.1}
    >>> caption(labels, "{tempo} {genre}, {key} {mode}.")
    'Medium tempo funk, D minor.'
    """
    words = phrasing.format(**labels, tempo=tempo_word(labels["bpm"]))
    return words[0].upper() + words[1:]


family = Family(
    name="genres",
    title="Genres",
    summary="Twelve genres, each played by six bands that share their instruments with the others.",
    labels={
        "genre": Label("genre", GENRES),
        "band": Label(
            "the band: a groove and a set of instruments",
            tuple(f"{genre}/{number + 1}" for genre in GENRES for number in range(COUNT)),
        ),
        "bpm": Label(
            "beats per minute, of dotted quarters in 6/8", dtype="float32", heard_by="bpm"
        ),
        "key": Label("pitch class of the tonic", PITCH_CLASSES),
        "mode": Label("mode of the key", MODES),
        "time_signature": Label("the metre", tuple(BAR_STEPS)),
        "drums": Label("whether there are drums", ("drums", "no drums")),
        "lead": Label("General MIDI instrument of the melody", tuple(LEAD_NAMES)),
        "lead_family": Label("General MIDI family of the melody's instrument", INSTRUMENT_FAMILIES),
    },
    target="genre",
    grouping="the band: a groove and a set of instruments within a genre",
    size=len(GENRES) * COUNT * VARIATIONS,
    small=720,
    spec=spec,
    open_ended=True,
    limits=(
        "Sampled instruments playing to a pattern: an idea of each genre, not recordings of it.",
        "Some keys are ambiguous: a vamp on one chord, blues thirds, riffs without a third.",
    ),
)
