"""A band plays a style: drums, bass, accompaniment, held chords and lead, as one score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pretty_midi

from curation.arrangement.bass import play_bass
from curation.arrangement.comping import play_chords
from curation.arrangement.drums import play_drums
from curation.arrangement.grid import Clock, Tone
from curation.arrangement.harmony import Chord
from curation.arrangement.melody import Manner, play_melody
from curation.arrangement.sound import TOUCH, compass, into_compass, perform

DRUMS, BASS, COMP, PAD, LEAD = "drums", "bass", "comp", "pad", "lead"


@dataclass
class Ensemble:
    """Collects the parts of a piece.

    Attributes:
        clock: tempo, metre and swing.
        chords: the harmony, laid out over the bars.
        bars: bars to play.
        rng: what the parts leave to chance.
        reverb: reverb send of the band.
        loose: standard deviation of the timing, seconds.
        drive: added to all velocities.
        stretch: 2 plays patterns at half time.
        exact: no reverb, and nothing loose in time or velocity.
    """

    clock: Clock
    chords: Sequence[Chord]
    bars: int
    rng: np.random.Generator
    reverb: int = 0
    loose: float = 0.006
    drive: float = 0.0
    stretch: int = 1
    exact: bool = False
    parts: list[pretty_midi.Instrument] = field(default_factory=list)

    def _add(
        self, name: str, tones: list[Tone], program: int, volume: float, **how: float | bool
    ) -> None:
        driven = [t._replace(velocity=t.velocity + 8 + self.drive) for t in tones]
        part = perform(
            driven,
            program,
            self.clock,
            self.rng,
            volume=volume,
            loose=0.0 if self.exact else self.loose,
            touch=0.0 if self.exact else TOUCH,
            reverb=0 if self.exact else self.reverb,
            **how,  # type: ignore[arg-type]
        )
        part.name = name
        self.parts.append(part)

    def drums(
        self, groove: str | dict[str, str], kit: int, volume: float = 0.8, **how: float
    ) -> None:
        tones = play_drums(groove, self.clock, self.bars, self.rng, stretch=self.stretch, **how)
        self._add(DRUMS, tones, kit, volume, is_drum=True)

    def bass(self, line: str, program: int, volume: float = 0.9, low: int = 28) -> None:
        if program in (42, 70):  # a cello or a bassoon plays the bass in its own octave
            low = 36
        tones = play_bass(
            line, self.chords, self.clock, self.bars, self.rng, low=low, stretch=self.stretch
        )
        self._add(BASS, tones, program, volume)

    def comp(
        self, comp: str, program: int, volume: float = 0.6, low: int = 52, gate: float = 1.0
    ) -> None:
        tones = play_chords(
            comp, self.chords, self.clock, self.bars, self.rng, low=low, stretch=self.stretch
        )
        self._add(COMP, tones, program, volume, gate=gate)

    def pad(self, program: int, volume: float = 0.35, low: int = 55, swell: bool = False) -> None:
        tones = [
            Tone(chord.at, chord.length, pitch, 72)
            for chord in self.chords
            for pitch in sorted({low + (chord.root + i - low) % 12 for i in chord.intervals})
        ]
        self._add(PAD, tones, program, volume, swell=swell)

    def lead(
        self,
        manner: Manner,
        program: int,
        tonic: int,
        mode: str,
        *,
        volume: float = 1.0,
        gate: float = 0.9,
        around: int = 72,
        span: int = 17,
        velocity: float = 96,
    ) -> None:
        """The melody, around a pitch and inside the instrument's compass."""
        lowest, highest = compass(program)
        low = int(np.clip(around - span // 2, lowest, max(lowest, highest - span)))
        tones = play_melody(
            manner,
            self.chords,
            tonic,
            mode,
            self.clock,
            self.bars,
            self.rng,
            low=low,
            high=min(low + span, highest),
            velocity=velocity,
            stretch=self.stretch,
        )
        tones = [t._replace(pitch=into_compass(t.pitch, program)) for t in tones]
        self._add(LEAD, tones, program, volume, gate=gate)

    def score(self) -> pretty_midi.PrettyMIDI:
        score = pretty_midi.PrettyMIDI(resolution=480, initial_tempo=self.clock.bpm)
        score.instruments.extend(part for part in self.parts if part.notes)
        return score
