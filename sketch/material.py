"""What the sketch is trained on: clips of our own families, rendered when they are needed.

A piece is known by its family, index and length alone, so a corpus of any size is a list of
pieces, and the same list on every machine. Splits are those of the published datasets.

Pieces are played to the grid of frames, dry, in a few steps of velocity, at tempi whose sixteenth is
a whole number of frames: a bar that comes again is the same codes again. What a human touch adds is,
in codes, noise that no model can predict; the published datasets keep it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pretty_midi

from curation.arrangement.ensemble import BASS, COMP, DRUMS, LEAD, PAD
from curation.arrangement.grid import BAR_STEPS, BEAT_STEPS
from curation.concepts import genres, get_family, songs
from curation.sound_fonts import find_sound_font
from curation.spec import ClipSpec, seed_for
from curation.splits import grouped_split, grouped_splits
from curation.synth import Renderer
from listening.levels import Levels, settle
from sketch.codec.stems import STEMS

SAMPLE_RATE = 32_000
DATASET_SEED = 0
"""The seed of the published datasets: what is test there is test here."""


@dataclass(frozen=True)
class Share:
    """A part of the corpus: clips of ``family``, ``seconds`` long, from ``first`` on.

    ``portion`` is its part of the hours.
    """

    family: str
    seconds: float
    portion: float
    first: int = 0


MIX = (
    Share("genres", 12.0, 0.50),
    Share("songs", 12.0, 0.26),
    Share("genres", 30.0, 0.06, first=1_000_000),
    Share("songs", 30.0, 0.06, first=1_000_000),
    Share("notes", 4.0, 0.04),
    Share("chords", 4.0, 0.05),
    Share("progressions", 4.0, 0.03),
)
"""Long pieces are other pieces than the short ones: no index stands in both."""

CODEC_MIX = (
    Share("genres", 12.0, 0.38),
    Share("songs", 12.0, 0.22),
    Share("notes", 4.0, 0.12),
    Share("chords", 4.0, 0.10),
    Share("progressions", 4.0, 0.05),
    Share("intervals", 4.0, 0.05),
    Share("scales", 4.0, 0.04),
    Share("tempos", 4.0, 0.02),
    Share("time_signatures", 4.0, 0.02),
)
"""The codec is to read every family that probes are trained on."""

FRAMES_PER_SECOND = 50
STEP_FRAMES = (5, 12)
"""Fewest and most frames of a sixteenth: 150 to 62.5 beats a minute."""

VELOCITY_STEP = 8

_STEM_OF = {DRUMS: 0, BASS: 1, COMP: 2, PAD: 2, LEAD: 3}
_STEM_OF_FAMILY = {
    "notes": 3,
    "scales": 3,
    "intervals": 2,
    "chords": 2,
    "progressions": 2,
    "tempos": 0,
    "time_signatures": 0,
}
PHRASINGS = {"genres": (genres.CAPTIONS, genres.caption), "songs": (songs.CAPTIONS, songs.caption)}


@dataclass(frozen=True, order=True)
class Piece:
    """One clip of the corpus, before it sounds."""

    family: str
    index: int
    seconds: float

    def spec(self) -> ClipSpec:
        """The clip's spec at this piece's length, to be played exactly.

        Genres and songs take the nearest tempo whose sixteenth is a whole number of frames, and
        songs of chords alone get the band that their genre is heard by.
        """
        spec = get_family(self.family).spec(DATASET_SEED, self.index)
        spec = replace(spec, seconds=self.seconds, exact=True)
        if self.family not in PHRASINGS:
            return spec
        phrasings, in_words = PHRASINGS[self.family]
        phrasing = next(p for p in phrasings if in_words(spec.labels, p) == spec.caption)
        labels = {**spec.labels, "bpm": whole_frames(spec.labels)[1]}
        if labels.get("backing") == "chords":
            labels["backing"] = "band"
            labels["drums"] = "no drums" if labels["genre"] == "classical" else "drums"
        return replace(spec, labels=labels, caption=in_words(labels, phrasing))

    @property
    def bar_frames(self) -> int:
        """Frames from one downbeat to the next; a second where there is no metre."""
        if self.family not in PHRASINGS:
            return FRAMES_PER_SECOND
        labels = get_family(self.family).spec(DATASET_SEED, self.index).labels
        return whole_frames(labels)[0] * BAR_STEPS[labels["time_signature"]]


def whole_frames(labels: Mapping[str, Any]) -> tuple[int, float]:
    """Frames of a sixteenth at the nearest tempo that has whole ones, and that tempo in bpm.

    >>> whole_frames({"bpm": 120.0, "time_signature": "4/4"})
    (6, 125.0)
    """
    beat = BEAT_STEPS[labels["time_signature"]]
    frames = round(60 * FRAMES_PER_SECOND / labels["bpm"] / beat)
    frames = min(max(frames, STEP_FRAMES[0]), STEP_FRAMES[1])
    return frames, round(60 * FRAMES_PER_SECOND / frames / beat, 2)


@cache
def _split_table(family: str) -> dict[tuple[str, str], str]:
    return grouped_splits(get_family(family), DATASET_SEED)


def split_of(piece: Piece) -> str:
    """The split that the published dataset has this clip in."""
    return grouped_split(piece.spec(), _split_table(piece.family), DATASET_SEED)


def pieces(split: str, hours: float, mix: Sequence[Share] = MIX) -> list[Piece]:
    """A corpus of about this many hours out of one split, in a shuffled but fixed order.

    It is laid out in blocks of an hour, so that a longer corpus begins with the shorter one. Grids
    are taken at most once through.
    """
    sources = [_of_share(share, split) for share in mix]
    taken = [0] * len(mix)
    corpus: list[Piece] = []
    for end in [*np.arange(1.0, hours), hours]:
        block: list[Piece] = []
        for place, share in enumerate(mix):
            total = round(end * 3600 * share.portion / share.seconds)
            block += itertools.islice(sources[place], total - taken[place])
            taken[place] = total
        corpus += sorted(block, key=lambda piece: seed_for(DATASET_SEED, "corpus", piece))
    return corpus


def _of_share(share: Share, split: str) -> Iterator[Piece]:
    family = get_family(share.family)
    indices: Iterator[int]
    if family.open_ended:
        indices = itertools.count(share.first)
    else:
        indices = iter(
            np.random.default_rng(seed_for(DATASET_SEED, share.family))
            .permutation(family.size)
            .tolist()
        )
    for index in indices:
        piece = Piece(share.family, index, share.seconds)
        if split_of(piece) == split:
            yield piece


@cache
def _renderer(sound_font: str) -> Renderer:
    return Renderer(find_sound_font(sound_font), SAMPLE_RATE)


def render(
    piece: Piece, sound_font: str = "FluidR3_GM.sf2", exact: bool = True
) -> np.ndarray | None:
    """The piece as int16 ``[N]`` at 32 kHz; None where the font cannot play all of its notes.

    Args:
        exact: as the corpus is played; else the same notes with a human touch and with reverb, as
            the published datasets have them.
    """
    score = replace(piece.spec(), exact=exact).score()
    played = on_frames(score) if exact else score
    performance = _renderer(sound_font).render(played, piece.seconds)
    audio, levels = settle(performance.audio)
    return None if performance.unsounded or levels.silent else audio


@dataclass(frozen=True)
class Stems:
    """A piece apart: what each stem sounds like, and where its notes begin.

    Attributes:
        audio: float32 ``[4, N]``, which add up to the piece.
        onsets: frames of each stem at which notes begin, in order.
    """

    audio: np.ndarray
    onsets: tuple[np.ndarray, ...]

    def giving_way(self, other: Stems, frame: int) -> Stems:
        """This music until a frame, and other music of the same length from there on."""
        sample = frame * SAMPLE_RATE // FRAMES_PER_SECOND
        audio = np.concatenate([self.audio[:, :sample], other.audio[:, sample:]], axis=1)
        begins = zip(self.onsets, other.onsets, strict=True)
        onsets = (np.union1d(a[a < frame], np.append(b[b > frame], frame)) for a, b in begins)
        return Stems(audio, tuple(onsets))


def render_stems(piece: Piece, sound_font: str = "FluidR3_GM.sf2") -> Stems | None:
    """The piece stem by stem, at the level of `render`; None where that gives none."""
    score = on_frames(piece.spec().score())
    renderer = _renderer(sound_font)
    audio = np.zeros((len(STEMS), round(piece.seconds * SAMPLE_RATE)), np.float32)
    onsets: list[np.ndarray] = []
    for stem in range(len(STEMS)):
        parts = [part for part in score.instruments if stem_of(piece.family, part) == stem]
        starts = {round(n.start * FRAMES_PER_SECOND) for part in parts for n in part.notes}
        onsets.append(np.array(sorted(starts), dtype=int))
        if parts:
            alone = pretty_midi.PrettyMIDI(resolution=480)
            alone.instruments = parts
            performance = renderer.render(alone, piece.seconds)
            if performance.unsounded:
                return None
            audio[stem] = performance.audio
    levels: Levels = settle(audio.sum(axis=0))[1]
    gain = np.float32(10 ** (levels.gain_db / 20))
    return None if levels.silent else Stems(audio * gain, tuple(onsets))


def stem_of(family: str, part: pretty_midi.Instrument) -> int:
    """Which of `STEMS` a part of a score belongs to; families with one part have one stem."""
    return _STEM_OF[part.name] if part.name in _STEM_OF else _STEM_OF_FAMILY[family]


def on_frames(score: pretty_midi.PrettyMIDI) -> pretty_midi.PrettyMIDI:
    """The score with all notes on whole frames, a frame long at least, in few steps of velocity."""
    for part in score.instruments:
        for note in part.notes:
            start = round(note.start * FRAMES_PER_SECOND)
            end = max(start + 1, round(note.end * FRAMES_PER_SECOND))
            note.start, note.end = start / FRAMES_PER_SECOND, end / FRAMES_PER_SECOND
            steps = min(max(round(note.velocity / VELOCITY_STEP), 3), 15)
            note.velocity = VELOCITY_STEP * steps
    return score
