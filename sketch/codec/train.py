"""The codec's training: a short warm-up without codes, k-means, then everything together."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from sketch.checkpoints import Checkpoint, Stopwatch
from sketch.codec.losses import WEIGHTS, Losses, chroma
from sketch.codec.model import SketchCodec, SketchCodecConfig
from sketch.measures.pitch import agreement
from sketch.rendered import Crops, Shard, prepare

log = logging.getLogger(__name__)

CHECKPOINT = "codec.pt"
HOURS, VALIDATION_HOURS = 6.0, 0.12
FRAMES, BATCH = 100, 10
LEARNING_RATE = 1e-3
WARM_UP_STEPS = 200
KMEANS_STEP = 150
"""Steps without quantisation; then the codebooks begin from what the encoder gives."""


@dataclass
class Run:
    """Everything that one training holds."""

    codec: SketchCodec
    losses: Losses
    optimiser: torch.optim.Optimizer
    device: torch.device


def train(folder: Path, minutes: float, device: str = "cpu", seed: int = 0) -> SketchCodec:
    """Train for this many minutes in all, from the checkpoint in ``folder`` if there is one."""
    torch.manual_seed(seed)
    workers = os.cpu_count() or 1
    shards = prepare(folder / "sound", "train", HOURS, workers, _progress("rendering"))
    held_out = prepare(folder / "sound", "validation", VALIDATION_HOURS, workers)
    run = _start(torch.device(device))
    recipe = {"config": run.codec.config.to_diff_dict(), "hours": HOURS, "batch": [BATCH, FRAMES]}
    parts = {"codec": run.codec, "optimiser": run.optimiser, "codebooks": _Averages(run.codec)}
    checkpoint = Checkpoint(folder / CHECKPOINT, recipe, parts)
    numbers = checkpoint.load() or {"step": 0, "seconds": 0.0}
    step, watch = numbers["step"], Stopwatch(numbers["seconds"])
    crops = Crops(shards, FRAMES, seed + step)
    while watch.seconds < minutes * 60:
        _set_rate(run.optimiser, step, watch.seconds / (minutes * 60))
        if step == KMEANS_STEP:
            _start_codebooks(run, crops)
        losses = _step(run, crops, quantise=step >= KMEANS_STEP)
        step += 1
        if watch.due("log", 30):
            _report(step, watch.seconds, losses)
        if watch.due("save", 120):
            checkpoint.save({"step": step, "seconds": watch.seconds})
        if watch.due("validate", 300):
            log.info("validation %s", _line(validate(run, held_out)))
    checkpoint.save({"step": step, "seconds": watch.seconds})
    log.info("validation %s", _line(validate(run, held_out)))
    return run.codec


def _start(device: torch.device) -> Run:
    codec = SketchCodec(SketchCodecConfig()).to(device)
    optimiser = torch.optim.AdamW(
        codec.parameters(), LEARNING_RATE, betas=(0.9, 0.98), weight_decay=1e-3
    )
    return Run(codec, Losses().to(device), optimiser, device)


def _set_rate(optimiser: torch.optim.Optimizer, step: int, done: float) -> None:
    """Linear warm-up by steps, cosine decay by time."""
    rate = min(1.0, (step + 1) / WARM_UP_STEPS) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    for group in optimiser.param_groups:
        group["lr"] = LEARNING_RATE * max(rate, 0.01)


def _start_codebooks(run: Run, crops: Crops) -> None:
    with torch.no_grad():
        latents = [
            run.codec.encoder(crops.batch(BATCH)[1].to(run.device)).flatten(0, 1) for _ in range(20)
        ]
    run.codec.quantiser.start_from(torch.cat(latents))


def _step(run: Run, crops: Crops, quantise: bool) -> dict[str, Tensor]:
    audio, bands = (part.to(run.device) for part in crops.batch(BATCH))
    latent = run.codec.encoder(bands)
    quantised = run.codec.quantiser(latent)[0] if quantise else latent
    made = run.codec.synthesis(run.codec.decoder(quantised))
    losses = run.losses(audio, made)
    losses["commit"] = functional.mse_loss(latent, quantised.detach())
    run.optimiser.zero_grad(set_to_none=True)
    torch.stack([WEIGHTS[name] * loss for name, loss in losses.items()]).sum().backward()
    torch.nn.utils.clip_grad_norm_(run.codec.parameters(), 3.0)
    run.optimiser.step()
    return {name: loss.detach() for name, loss in losses.items()}


@torch.no_grad()
def validate(run: Run, shards: Sequence[Shard], batches: int = 8) -> dict[str, float]:
    """Mean losses, how often pitch classes agree, and how many entries each codebook uses."""
    crops = Crops(shards, 4 * FRAMES // 2, seed=0)
    rows, codes = [], []
    for _ in range(batches):
        audio, bands = (part.to(run.device) for part in crops.batch(8))
        code = run.codec.quantiser.encode(run.codec.encoder(bands))
        made = run.codec.synthesis(run.codec.decoder(run.codec.quantiser.decode(code)))
        losses = {name: float(loss) for name, loss in run.losses(audio, made).items()}
        rows.append(losses | _pitch_agreement(run, audio, made))
        codes.append(code)
    means = {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}
    for k, code in enumerate(torch.cat(codes).unbind(1)):
        means[f"perplexity {k + 1}"] = perplexity(code, run.codec.config.codebook_size)
    return means


def _pitch_agreement(run: Run, true: Tensor, made: Tensor) -> dict[str, float]:
    """`agreement` by the codec's own bands, over the frames that sound."""
    a, b = (chroma(run.codec.features.all(sound)).flatten(0, 1).sqrt() for sound in (true, made))
    loud = a.norm(dim=-1) > 1e-3
    found = agreement(a[loud].T.cpu().numpy(), b[loud].T.cpu().numpy())
    return {name: float(values.mean()) for name, values in found.items()}


def perplexity(codes: Tensor, entries: int) -> float:
    """How many entries are in use, as the exponential of the codes' entropy."""
    share = torch.bincount(codes.flatten(), minlength=entries) / codes.numel()
    return float(torch.special.entr(share).sum().exp())


class _Averages:
    """The codebooks' moving averages, which are not part of the shipped weights."""

    def __init__(self, codec: SketchCodec) -> None:
        self.books = codec.quantiser.books

    def state_dict(self) -> dict[str, Any]:
        return {str(k): (book.counts, book.sums) for k, book in enumerate(self.books)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for k, book in enumerate(self.books):
            book.counts.copy_(state[str(k)][0])
            book.sums.copy_(state[str(k)][1])


def _progress(what: str) -> Any:
    return lambda done, total: log.info("%s: %d of %d shards", what, done, total)


def _report(step: int, seconds: float, losses: dict[str, Tensor]) -> None:
    numbers = {name: float(loss) for name, loss in losses.items()}
    log.info("step %d, %.1f min: %s", step, seconds / 60, _line(numbers))


def _line(numbers: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in numbers.items())
