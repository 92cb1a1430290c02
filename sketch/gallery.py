"""Eight test prompts to look at and listen to: the corpus beside what the sketch makes of them."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import soundfile

from curation.preview import log_mel
from sketch.loading import Sketch
from sketch.material import SAMPLE_RATE, Piece, Share, pieces, render

matplotlib.use("Agg")

SECONDS = 8.0
PROMPTS = 8


def make_gallery(sketch: Sketch, folder: Path, seed: int = 0) -> Path:
    """WAVs of both into ``folder``, and the path of the picture of their spectrograms."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = _choose()
    prompts = [piece.spec().caption for piece in chosen]
    made = sketch.play(prompts, SECONDS, seed)
    real = [_real(piece) for piece in chosen]
    for number, (original, copy) in enumerate(zip(real, made, strict=True), start=1):
        soundfile.write(folder / f"{number}-corpus.wav", original, SAMPLE_RATE, subtype="PCM_16")
        soundfile.write(folder / f"{number}-sketch.wav", copy, SAMPLE_RATE, subtype="PCM_16")
    (folder / "prompts.txt").write_text("".join(f"{n}. {p}\n" for n, p in enumerate(prompts, 1)))
    picture = folder / "gallery.png"
    _draw(prompts, real, list(made), picture)
    return picture


def _choose() -> list[Piece]:
    """Test songs of different genres whose captions say something of them."""
    chosen: dict[str, Piece] = {}
    for piece in pieces("test", 2.0, (Share("songs", 12.0, 1.0),)):
        spec = piece.spec()
        if len(spec.caption.split()) >= 5:
            chosen.setdefault(str(spec.labels["genre"]), piece)
    return [chosen[genre] for genre in sorted(chosen)][:PROMPTS]


def _real(piece: Piece) -> np.ndarray:
    sound = render(piece)
    if sound is None:
        raise ValueError(f"{piece} has notes that the sound font lacks: songs have none")
    audio: np.ndarray = sound[: round(SECONDS * SAMPLE_RATE)].astype(np.float32) / 32767
    return audio


def _draw(prompts: list[str], real: list[np.ndarray], made: list[np.ndarray], path: Path) -> None:
    """Log-mel spectrograms, a row a prompt: left the corpus, right the sketch."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(len(prompts), 2, figsize=(12, 1.6 * len(prompts)), sharex=True)
    for row, (prompt, *pair) in enumerate(zip(prompts, real, made, strict=True)):
        for axis, audio in zip(axes[row], pair, strict=True):
            axis.imshow(
                log_mel(audio, SAMPLE_RATE),
                origin="lower",
                aspect="auto",
                cmap="magma",
                extent=(0, len(audio) / SAMPLE_RATE, 0, 1),
            )
            axis.set_yticks([])
        axes[row, 0].set_title(prompt, fontsize=9, loc="left")
    axes[0, 1].set_title("the sketch", fontsize=9, loc="right")
    axes[-1, 0].set_xlabel("seconds (mel bands upwards), corpus on the left")
    axes[-1, 1].set_xlabel("seconds")
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    pyplot.close(figure)
