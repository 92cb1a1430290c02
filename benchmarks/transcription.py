"""How far the piano roll is right: notes that the transcriber hears in clips whose scores are known.

    python -m benchmarks.transcription               48 test clips of each family
    python -m benchmarks.transcription --clips 200

A note is right when one of the same pitch (50 cents) began within 50 ms of it (mir_eval, ends are not
looked at). Drums are no notes; two instruments that strike one key together are one. Each clip is heard as
FluidSynth plays it, and as the sketch's codec holds it, which is the best that the sketch could play.
Figures are means over clips, with 95 % intervals of clips drawn anew.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import mir_eval
import numpy as np

from benchmarks.parts import Lines, print_parts
from listening.transcription import Note, transcribe
from sketch.material import SAMPLE_RATE, Piece, Share, on_frames, pieces, render
from sketch.measures.decoded import decoded
from steering.evaluation.statistics import estimate

CLIPS = 48
SECONDS = {"notes": 4.0, "chords": 4.0, "scales": 4.0, "songs": 12.0, "genres": 12.0}
ONSET_SECONDS, PITCH_CENTS = 0.05, 50.0
FIGURES = ("precision", "recall", "F")


def score_of(piece: Piece) -> list[tuple[float, float, int]]:
    """The notes that are played: start and end in seconds, MIDI number; no drums, no note twice."""
    found: dict[tuple[int, int], tuple[float, float, int]] = {}
    for part in on_frames(piece.spec().score()).instruments:
        for note in [] if part.is_drum else part.notes:
            if note.start < piece.seconds:
                place = (round(note.start / ONSET_SECONDS), note.pitch)
                found[place] = (note.start, min(note.end, piece.seconds), note.pitch)
    return sorted(found.values())


def right(score: list[tuple[float, float, int]], heard: list[Note]) -> tuple[float, float, float]:
    """Precision, recall and F of what was heard; of no notes at all, nothing is right."""
    if not heard:
        return 0.0, 0.0, 0.0
    truth = np.array(score).reshape(-1, 3)
    notes = np.array([(n.start, n.end, n.pitch) for n in heard]).reshape(-1, 3)
    return mir_eval.transcription.precision_recall_f1_overlap(
        truth[:, :2],
        mir_eval.util.midi_to_hz(truth[:, 2]),
        notes[:, :2],
        mir_eval.util.midi_to_hz(notes[:, 2]),
        onset_tolerance=ONSET_SECONDS,
        pitch_tolerance=PITCH_CENTS,
        offset_ratio=None,
    )[:3]


def played(piece: Piece) -> np.ndarray | None:
    """As FluidSynth plays it, float ``[N]``."""
    audio = render(piece)
    return None if audio is None else audio / np.float32(32_768)


def held(piece: Piece) -> np.ndarray | None:
    """As the sketch's codec holds it, float ``[N]``."""
    found = decoded(piece)
    return None if found is None else found[0]


def scores(
    family: str, sound: Callable[[Piece], np.ndarray | None]
) -> Iterator[tuple[float, float, float]]:
    """Precision, recall and F of one test clip after the other that can be played and has notes."""
    share = Share(family, SECONDS[family], 1.0)
    for piece in pieces("test", 2.0, [share]):
        score, audio = score_of(piece), sound(piece)
        if score and audio is not None:
            yield right(score, transcribe(audio, SAMPLE_RATE))


def lines(clips: int, sound: Callable[[Piece], np.ndarray | None]) -> Lines:
    """The figures of every family."""
    found: Lines = []
    for family in SECONDS:
        values = np.array(list(islice(scores(family, sound), clips)))
        for name, column in zip(FIGURES, values.T, strict=True):
            figure = estimate(column, np.arange(len(column)))
            found.append((f"{family}, {name}", f"{figure}, n = {len(column)}"))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.transcription", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--clips", type=int, default=CLIPS, help="of each family")
    parser.add_argument("--only", choices=("played", "held"))
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    options = parser.parse_args()
    parts = {"played": partial(lines, sound=played), "held": partial(lines, sound=held)}
    print_parts(parts, options.clips, options.only, options.json)


if __name__ == "__main__":
    main()
