"""Variation that a probe should learn to ignore: it changes the sound and none of the labels."""

from __future__ import annotations

import numpy as np
import pretty_midi

from curation.concepts import get_family
from curation.spec import ClipSpec, seed_for

KINDS = ("velocity", "timing", "register", "tuning", "reverb", "sound_font")
TIMING_SECONDS = 0.012
TUNING_CENTS = 30
_BEND_PER_CENT = 8192 / 200
_REVERB_SEND = 91


def vary(spec: ClipSpec, kinds: tuple[str, ...]) -> pretty_midi.PrettyMIDI:
    """The score of a clip with these kinds of variation, a pure function of the spec.

    - velocity: the clip 20 % softer or louder, each note up to 6 steps more.
    - timing: each note up to 12 ms early or late.
    - register: an octave up or down, where the family's labels allow it.
    - tuning: up to 30 cents sharp or flat, as a pitch bend.
    - reverb: a reverb send of 0 to 100, unless reverb is a label.
    - sound_font: chosen in `sound_font_choice`, not in the score.
    """
    score = spec.score()
    rng = np.random.default_rng(seed_for(spec.seed, "nuisance"))
    # Every kind draws its numbers whether it is on or not: turning one off moves no other.
    loudness, octave = rng.uniform(0.8, 1.2), int(rng.integers(-1, 2)) * 12
    cents, send = rng.uniform(-TUNING_CENTS, TUNING_CENTS), int(rng.integers(0, 101))
    if "register" not in kinds or not _may_move(spec, score, octave):
        octave = 0
    for instrument in score.instruments:
        for note in instrument.notes:
            touch, shift = rng.uniform(-6, 6), rng.uniform(-TIMING_SECONDS, TIMING_SECONDS)
            if "velocity" in kinds:
                note.velocity = int(np.clip(round(note.velocity * loudness + touch), 1, 127))
            if "timing" in kinds:
                shift = max(shift, -note.start)
                note.start, note.end = note.start + shift, note.end + shift
            if not instrument.is_drum:
                note.pitch += octave
        if "tuning" in kinds and not instrument.is_drum:
            _detune(instrument, cents)
        if "reverb" in kinds and "reverb" not in spec.labels:
            instrument.control_changes.append(pretty_midi.ControlChange(_REVERB_SEND, send, 0.0))
    return score


def sound_font_choice(spec: ClipSpec, fonts: int) -> int:
    """Which of several sound fonts plays this clip, from 0."""
    return int(np.random.default_rng(seed_for(spec.seed, "sound font")).integers(fonts))


def _may_move(spec: ClipSpec, score: pretty_midi.PrettyMIDI, octave: int) -> bool:
    pitches = [n.pitch for i in score.instruments if not i.is_drum for n in i.notes]
    return get_family(spec.family).register_free and all(0 <= p + octave <= 127 for p in pitches)


def _detune(instrument: pretty_midi.Instrument, cents: float) -> None:
    offset = round(cents * _BEND_PER_CENT)
    for bend in instrument.pitch_bends:
        bend.pitch = int(np.clip(bend.pitch + offset, -8192, 8191))
    if not any(bend.time == 0 for bend in instrument.pitch_bends):
        instrument.pitch_bends.insert(0, pretty_midi.PitchBend(offset, 0.0))
