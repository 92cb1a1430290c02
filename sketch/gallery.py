"""Twelve test prompts to look at and listen to, one a genre: the corpus beside what the sketch makes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib
import numpy as np
import soundfile
from matplotlib.axes import Axes

from curation.preview import log_mel
from listening.pulse import keeping_time, onset_envelope
from sketch.loading import Sketch
from sketch.material import SAMPLE_RATE, Piece, Share, pieces, render

matplotlib.use("Agg")

SECONDS = 8.0
PROMPTS = 12


def make_gallery(sketch: Sketch, folder: Path, seed: int = 0) -> tuple[Path, Path]:
    """WAVs of both into ``folder``; the pictures of their spectrograms and of their onsets.

    Raises:
        ValueError: the sound font lacks notes of a piece.
    """
    folder.mkdir(parents=True, exist_ok=True)
    chosen = _choose()
    prompts = [piece.spec().caption for piece in chosen]
    made = sketch.play(prompts, SECONDS, seed)
    real = [_real(piece) for piece in chosen]
    for number, (original, copy) in enumerate(zip(real, made, strict=True), start=1):
        soundfile.write(folder / f"{number}-corpus.wav", original, SAMPLE_RATE, subtype="PCM_16")
        soundfile.write(folder / f"{number}-sketch.wav", copy, SAMPLE_RATE, subtype="PCM_16")
    (folder / "prompts.txt").write_text("".join(f"{n}. {p}\n" for n, p in enumerate(prompts, 1)))
    pairs = list(zip(real, made, strict=True))
    spectrograms, onsets = folder / "gallery.png", folder / "onsets.png"
    _draw(prompts, pairs, _draw_spectrogram, "mel bands upwards", spectrograms)
    _draw(prompts, pairs, _draw_onsets, "onset strength upwards", onsets)
    return spectrograms, onsets


def _choose() -> list[Piece]:
    """Test pieces with drums, one of each genre, whose captions say something of them."""
    chosen: dict[str, Piece] = {}
    for piece in pieces("test", 4.0, (Share("genres", 12.0, 1.0),)):
        labels = piece.spec().labels
        kept = chosen.get(str(labels["genre"]))
        if kept is None or (labels["drums"] == "drums" and not _has_drums(kept)):
            chosen[str(labels["genre"])] = piece
    return [chosen[genre] for genre in sorted(chosen)][:PROMPTS]


def _has_drums(piece: Piece) -> bool:
    return bool(piece.spec().labels["drums"] == "drums")


def _real(piece: Piece) -> np.ndarray:
    sound = render(piece)
    if sound is None:
        raise ValueError(f"{piece} has notes that the sound font lacks: genres have none")
    return sound[: round(SECONDS * SAMPLE_RATE)].astype(np.float32) / 32767


def _draw(
    prompts: Sequence[str],
    pairs: Sequence[tuple[np.ndarray, np.ndarray]],
    draw: Callable[[Axes, np.ndarray], None],
    upwards: str,
    path: Path,
) -> None:
    """A row a prompt: left the corpus, right the sketch."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        len(prompts), 2, figsize=(12, 1.6 * len(prompts)), sharex=True, squeeze=False
    )
    for row, (prompt, pair) in enumerate(zip(prompts, pairs, strict=True)):
        for axis, audio in zip(axes[row], pair, strict=True):
            draw(axis, audio)
            axis.set_yticks([])
        axes[row, 0].set_title(prompt, fontsize=9, loc="left")
    axes[0, 1].set_title("the sketch", fontsize=9, loc="right")
    axes[-1, 0].set_xlabel(f"seconds ({upwards}), corpus on the left")
    axes[-1, 1].set_xlabel("seconds")
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def _draw_spectrogram(axis: Axes, audio: np.ndarray) -> None:
    axis.imshow(
        log_mel(audio, SAMPLE_RATE),
        origin="lower",
        aspect="auto",
        cmap="magma",
        extent=(0, len(audio) / SAMPLE_RATE, 0, 1),
    )


def _draw_onsets(axis: Axes, audio: np.ndarray) -> None:
    envelope = onset_envelope(audio, SAMPLE_RATE)
    seconds = np.linspace(0, len(audio) / SAMPLE_RATE, len(envelope), endpoint=False)
    axis.fill_between(seconds, envelope, linewidth=0, color="#33658a")
    pulse = keeping_time(audio, SAMPLE_RATE)["pulse"]
    axis.text(0.995, 0.86, f"pulse {pulse:.2f}", transform=axis.transAxes, ha="right", fontsize=8)
