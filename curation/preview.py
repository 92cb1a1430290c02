"""An overview picture of a build, and a few of its clips as WAV files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import soundfile

from curation.extras import need
from curation.folder import Built, decode

COLUMNS = 6
MEL_BANDS = 96


@dataclass(frozen=True)
class Pick:
    """A clip chosen for the picture: ``audio`` is int16 ``[N]``, ``rate`` in Hz."""

    label: str
    scene: str
    caption: str
    clip_id: str
    audio: np.ndarray
    rate: int


def pick_clips(built: Built, rows: int = 2) -> list[list[Pick]]:
    """``rows`` clips for each of up to six labels of the target, spread over its classes.

    Along a row everything else stays the same (`Family.backdrop`), as far as the build has it.
    """
    target, backdrop = built.family.target, built.family.backdrop
    found: dict[str, dict[tuple[Any, ...], str]] = {}
    for _, row in built.rows():
        scene = tuple(row[name] for name in backdrop)
        found.setdefault(row[target], {}).setdefault(scene, row["clip_id"])
    present = [c for c in built.family.labels[target].classes if c in found]
    spread = np.linspace(0, len(present) - 1, min(COLUMNS, len(present))).round().astype(int)
    shown = [present[i] for i in spread]
    wanted: dict[str, tuple[int, str]] = {}
    for place, scene in enumerate(_scenes(found, shown, rows)):
        for label in shown:
            left = {there: clip for there, clip in found[label].items() if clip not in wanted}
            if left:
                closest = max(left, key=lambda there: (_alike(there, scene), there))
                wanted[left[closest]] = (place, label)
    grid: list[list[Pick]] = [[] for _ in range(rows)]
    for _, row in built.rows(["clip_id", "caption", *dict.fromkeys([*backdrop, target]), "audio"]):
        if row["clip_id"] in wanted:
            place, label = wanted[row["clip_id"]]
            audio, rate = decode(row["audio"])
            held = ", ".join(str(row[name]) for name in backdrop)
            grid[place].append(Pick(label, held, row["caption"], row["clip_id"], audio, rate))
    return [sorted(picks, key=lambda pick: shown.index(pick.label)) for picks in grid if picks]


def _scenes(
    found: dict[str, dict[tuple[Any, ...], str]], shown: list[str], rows: int
) -> list[tuple[Any, ...]]:
    """Backdrops that most of the shown labels have, spread over what there is."""
    cover = {
        scene: sum(scene in found[label] for label in shown)
        for label in shown
        for scene in found[label]
    }
    best = sorted(scene for scene, labels in cover.items() if labels == max(cover.values()))
    spread = (np.arange(rows) + 0.5) / rows * len(best)
    return [best[int(place)] for place in spread]


def _alike(one: tuple[Any, ...], other: tuple[Any, ...]) -> int:
    """How many labels agree before the first that does not."""
    return next(
        (i for i, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1]), len(one)
    )


def log_mel(audio: np.ndarray, rate: int) -> np.ndarray:
    """Log-mel spectrogram in dB below its maximum, ``[bands, frames]``, 50 frames a second."""
    power = librosa.feature.melspectrogram(
        y=audio.astype(np.float32) / 32767,
        sr=rate,
        n_fft=2048 * max(1, round(rate / 32_000)),
        hop_length=rate // 50,
        n_mels=MEL_BANDS,
        fmin=40,
    )
    return librosa.power_to_db(power, ref=np.max, top_db=70)


def draw_overview(built: Built, grid: list[list[Pick]], path: Path) -> None:
    """Draw the picked clips' spectrograms, a column a label, and save them as a PNG."""
    need("curation", "matplotlib")
    from matplotlib.figure import Figure

    columns = max(len(picks) for picks in grid)
    figure = Figure(figsize=(2.1 * columns + 0.6, 1.9 * len(grid) + 0.8), layout="constrained")
    axes: Any = figure.subplots(len(grid), columns, squeeze=False, sharex=True, sharey=True)
    target = built.family.target
    for row, (line, picks) in enumerate(zip(axes, grid, strict=True)):
        for axis in line[len(picks) :]:
            axis.set_axis_off()
        for axis, pick in zip(line, picks, strict=False):
            picture = log_mel(pick.audio, pick.rate)
            seconds = len(pick.audio) / pick.rate
            axis.imshow(
                picture,
                origin="lower",
                aspect="auto",
                cmap="magma",
                extent=(0, seconds, 0, MEL_BANDS),
                vmin=-70,
                vmax=0,
            )
            axis.set_yticks([])
            axis.set_title(pick.label if row == 0 else "", fontsize=10)
            axis.set_xlabel("s" if row == len(grid) - 1 else "", fontsize=8)
            axis.tick_params(labelsize=7)
            axis.text(
                0.02,
                0.97,
                pick.scene if len(pick.scene) < 48 else pick.clip_id,
                transform=axis.transAxes,
                va="top",
                fontsize=6.5,
                color="white",
            )
    figure.suptitle(f"{built.family.title}: {target.replace('_', ' ')}", fontsize=11)
    figure.supylabel("mel band", fontsize=8)
    figure.savefig(path, dpi=100, metadata={"Software": None})


def write_wavs(grid: list[list[Pick]], folder: Path) -> list[Path]:
    """Write the picked clips as WAV files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for pick in (pick for picks in grid for pick in picks):
        name = "".join(c if c.isalnum() or c in "#-" else "_" for c in pick.label)
        path = folder / f"{name}-{pick.clip_id}.wav"
        soundfile.write(path, pick.audio, pick.rate)
        paths.append(path)
    return paths
