"""What the codec is trained to keep: bands, attacks, peaks and, above all, which notes sound."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from sketch.codec.features import (
    BANDS_PER_OCTAVE,
    Bands,
    FrameFeatures,
    Spectrum,
    compress,
    log_frequency_bands,
    mel_bands,
)

WEIGHTS = {
    "bands": 12.0,
    "peaks": 2.0,
    "pitch": 3.0,
    "mel": 6.0,
    "convergence": 0.5,
    "strokes": 4.0,
}
_QUIET = 1e-3


class Losses(nn.Module):
    """Named distances between a clip and its decoding, each a scalar."""

    def __init__(self) -> None:
        super().__init__()
        self.bands = nn.ModuleList(
            Bands(log_frequency_bands, window, bands, window // 4)
            for window, bands in ((12_288, FrameFeatures.LOW), (6_144, FrameFeatures.ALL))
        )
        self.mels = nn.ModuleList(
            Bands(mel_bands, window, bands, window // 4)
            for window, bands in ((512, 40), (1_280, 64), (2_048, 100))
        )
        self.spectra = nn.ModuleList(Spectrum(window, window // 2) for window in (2_048, 8_192))

    def forward(self, true: Tensor, made: Tensor) -> dict[str, Tensor]:
        """Both float ``[B, N]``."""
        bands = [_pair(part, true, made) for part in self.bands]
        mels = [_pair(part, true, made) for part in self.mels]
        spectra = [_pair(part, true, made) for part in self.spectra]
        return {
            "bands": _mean(functional.l1_loss(compress(b), compress(a)) for a, b in bands),
            "peaks": _mean(_relative(a.sqrt(), b.sqrt()) for a, b in bands),
            "pitch": _mean(pitch_distance(a, b) for a, b in bands),
            "mel": _mean(functional.l1_loss(compress(b), compress(a)) for a, b in mels),
            "convergence": _mean((a - b).norm() / a.norm() for a, b in spectra),
        }


def _pair(part: nn.Module, true: Tensor, made: Tensor) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        target = part(true)
    return target, part(made)


def _mean(values: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(values)).mean()


def _relative(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).abs().mean() / a.mean()


def chroma(bands: Tensor) -> Tensor:
    """Log-frequency amplitudes ``[..., octaves * 24]`` to energy per pitch class ``[..., 12]``.

    A class gathers its own band and half of the quarter tones on either side.
    """
    energy = bands.square().unflatten(-1, (-1, BANDS_PER_OCTAVE)).sum(-2)
    beside = energy[..., 1::2]
    return energy[..., ::2] + 0.5 * (beside + beside.roll(1, -1))


def pitch_distance(true: Tensor, made: Tensor) -> Tensor:
    """Kullback-Leibler distance of the frames' chroma, each frame weighed by its loudness."""
    true_energy, made_energy = chroma(true), chroma(made)
    loudness = true_energy.sum(-1).sqrt()
    weight = loudness / (loudness + 10 * _QUIET)
    p = (true_energy + 1e-9) / (true_energy + 1e-9).sum(-1, keepdim=True)
    q = (made_energy + 1e-9) / (made_energy + 1e-9).sum(-1, keepdim=True)
    return (weight * (p * (p / q).log()).sum(-1)).mean()
