"""The codec's training: codebooks by k-means, then decoders of stems and the encoder of mixtures.

Decoders and encoder need only the codebooks, so each can have a core of its own.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from listening.agreement import chroma_agreement
from sketch.checkpoints import (
    SAVE_SECONDS,
    Amount,
    Checkpoint,
    Stopwatch,
    preparing,
    read_checkpoint,
    training,
)
from sketch.codec.books import Codebooks, book_features, learn_book
from sketch.codec.losses import WEIGHTS, Losses, chroma
from sketch.codec.model import SketchCodec, SketchCodecConfig
from sketch.codec.rhythm import strikes, strokes_in
from sketch.codec.stems import BOOKS_FILE, CODEBOOK_STEMS, SILENCE, STEMS
from sketch.loading import load_codec
from sketch.material import CODEC_MIX, Piece, pieces
from sketch.parallel import spread
from sketch.rendered import Crops, RenderedShard, describe, prepare

log = logging.getLogger(__name__)

BOOK_HOURS, HOURS, VALIDATION_HOURS = 2.0, 4.0, 0.15
BOOK_SHARE = 0.6
"""Of the frames that a stem is heard in, how many the codebooks learn from."""

LEARNING_RATE, WARM_UP_STEPS = 1.5e-3, 100
DECODER_FRAMES, DECODER_BATCH = 64, 3
"""Crops of 1.3 s, so many of each stem a step."""

ENCODER_FRAMES, ENCODER_BATCH = 150, 16
UNHEARD_WEIGHT = 0.3
"""Of a stem's frames of silence in the encoder's loss: there are many, and they are easy."""


def learn_codebooks(folder: Path, hours: float = BOOK_HOURS, cores: int = 1) -> Codebooks:
    """Codebooks of a corpus of so many hours, kept in ``folder``; read from there if they are."""
    path = folder / BOOKS_FILE
    with preparing(path):
        if not path.exists():
            _learn_codebooks(hours, cores).save(path)
    return Codebooks.load(path)


def _learn_codebooks(hours: float, cores: int) -> Codebooks:
    corpus = pieces("train", hours, CODEC_MIX)
    jobs = [(corpus[i : i + 20],) for i in range(0, len(corpus), 20)]
    found = list(spread(_book_frames, jobs, cores))
    centres = []
    for book, stem in enumerate(CODEBOOK_STEMS):
        frames = np.concatenate([part[book] for part in found]).astype(np.float32)
        learned, left = learn_book(frames)
        log.info("%s: %d frames, %.1f %% of variance left", stem, len(frames), 100 * left)
        centres.append(learned)
    return Codebooks(centres)


def _book_frames(batch: Sequence[Piece]) -> list[np.ndarray]:
    rng = np.random.default_rng(batch[0].index)
    found: list[list[np.ndarray]] = [[np.zeros((0, 0))] * 0 for _ in CODEBOOK_STEMS]
    for piece in batch:
        clip = describe(piece)
        if clip is None:
            continue
        for book, stem in enumerate(CODEBOOK_STEMS):
            described = clip[1][STEMS.index(stem)]
            heard = book_features(book, described)[~described.silent]
            found[book].append(heard[rng.random(len(heard)) < BOOK_SHARE].astype(np.float16))
    return [np.concatenate(parts) for parts in found]


@dataclass
class CodecTraining:
    """Everything that the training of one part holds."""

    codec: SketchCodec
    losses: Losses
    optimiser: torch.optim.Optimizer
    device: torch.device
    precision: torch.dtype


def train(
    folder: Path,
    part: str,
    amount: Amount,
    device: str = "cpu",
    precision: torch.dtype = torch.float32,
    begin: Path | None = None,
    cores: int = 1,
    seed: int = 0,
) -> SketchCodec:
    """Train the ``decoders`` or the ``encoder`` for this long in all, from its checkpoint.

    Args:
        folder: the codebooks, the sound and the checkpoint are kept there.
        precision: of the encoder's matrix products.
        begin: folder of a sketch of these codebooks to begin with, where there is no checkpoint.
        cores: processes that render.

    Raises:
        BadInput: another process trains it there.
    """
    with training(folder, part):
        return _train(folder, part, amount, device, precision, begin, cores, seed)


def _train(
    folder: Path,
    part: str,
    amount: Amount,
    device: str,
    precision: torch.dtype,
    begin: Path | None,
    cores: int,
    seed: int,
) -> SketchCodec:
    learn_codebooks(folder, cores=cores)
    books = folder / BOOKS_FILE
    shards = prepare(folder / "sound", books, "train", HOURS, cores, _rendering)
    held_out = prepare(folder / "sound", books, "validation", VALIDATION_HOURS, cores)
    torch.manual_seed(seed)
    run = _start(part, torch.device(device), precision)
    step_of, frames, check = PARTS[part]
    recipe = {"config": run.codec.config.to_diff_dict(), "hours": HOURS}
    crops = Crops(shards, frames, seed)
    parts = {"codec": getattr(run.codec, part), "optimiser": run.optimiser, "crops": crops}
    checkpoint = Checkpoint(folder / checkpoint_name(part), recipe, parts)
    numbers = checkpoint.load() or {"step": 0, "seconds": 0.0}
    step, watch = numbers["step"], Stopwatch(numbers["seconds"])
    if not step and begin:
        getattr(run.codec, part).load_state_dict(getattr(load_codec(begin), part).state_dict())
    while (done := amount.done(step, watch.seconds)) < 1:
        _set_rate(run.optimiser, step, done)
        losses = step_of(run, crops)
        _descend(run, losses)
        step += 1
        if watch.due("log", 30):
            log.info("%s: step %d, %.1f min: %s", part, step, watch.seconds / 60, _line(losses))
        if watch.due("save", SAVE_SECONDS):
            checkpoint.save({"step": step, "seconds": watch.seconds})
        if watch.due("validate", 300):
            log.info("validation %s", _line(check(run, held_out)))
    checkpoint.save({"step": step, "seconds": watch.seconds})
    log.info("validation %s", _line(check(run, held_out)))
    return run.codec


def checkpoint_name(part: str) -> str:
    return f"{part}.pt"


def assemble(folder: Path) -> SketchCodec:
    """The codec out of the checkpoints of its parts."""
    codec = SketchCodec(SketchCodecConfig())
    for part in PARTS:
        saved = read_checkpoint(folder / checkpoint_name(part))
        getattr(codec, part).load_state_dict(saved["states"]["codec"])
    return codec.eval()


def _start(part: str, device: torch.device, precision: torch.dtype) -> CodecTraining:
    codec = SketchCodec(SketchCodecConfig()).to(device)
    weights = getattr(codec, part).parameters()
    optimiser = torch.optim.AdamW(
        weights, LEARNING_RATE, betas=(0.9, 0.98), weight_decay=1e-3, fused=True
    )
    return CodecTraining(codec, Losses().to(device), optimiser, device, precision)


def _set_rate(optimiser: torch.optim.Optimizer, step: int, done: float) -> None:
    """Linear warm-up by steps, cosine decay by time."""
    rate = min(1.0, (step + 1) / WARM_UP_STEPS) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    for group in optimiser.param_groups:
        group["lr"] = LEARNING_RATE * max(rate, 0.01)


def _descend(run: CodecTraining, losses: dict[str, Tensor]) -> None:
    weights = next(group["params"] for group in run.optimiser.param_groups)
    run.optimiser.zero_grad(set_to_none=True)
    torch.stack([WEIGHTS.get(name, 1.0) * loss for name, loss in losses.items()]).sum().backward()
    torch.nn.utils.clip_grad_norm_(weights, 3.0)
    run.optimiser.step()


def _decoder_step(run: CodecTraining, crops: Crops) -> dict[str, Tensor]:
    """Each stem's sound from its own codes, against the stem alone."""
    sounds, made = [], []
    for stem in STEMS:
        audio, codes = (part.to(run.device) for part in crops.stems(DECODER_BATCH, stem))
        sounds.append(audio)
        made.append(run.codec.stem(stem, codes))
    return run.losses(torch.cat(sounds), torch.cat(made))


def _encoder_step(run: CodecTraining, crops: Crops) -> dict[str, Tensor]:
    """Codes of the stems, out of their mixture: cross-entropy, which is 0 for a certain encoder."""
    bands, codes = (part.to(run.device) for part in crops.mixtures(ENCODER_BATCH))
    narrow = run.precision != torch.float32
    with torch.autocast(run.device.type, run.precision if narrow else None, enabled=narrow):
        begins, logits = run.codec.encoder(bands)
    struck = torch.stack([strikes(codes[:, 0], stem) for stem in STEMS], dim=1)
    heard = functional.binary_cross_entropy_with_logits(begins.float(), struck.float())
    codes = codes[:, 1:]
    loss = functional.cross_entropy(logits.flatten(0, 2).float(), codes.flatten(), reduction="none")
    weight = torch.where(codes == SILENCE, UNHEARD_WEIGHT, 1.0)
    means = (loss.view_as(weight) * weight).sum((0, 2)) / weight.sum((0, 2))
    named = {f"{stem} {book + 1}": means[book] for book, stem in enumerate(CODEBOOK_STEMS)}
    return {"strokes": heard} | named


@torch.no_grad()
def _check_decoders(
    run: CodecTraining, shards: Sequence[RenderedShard], batches: int = 6
) -> dict[str, float]:
    """Mean losses of mixtures decoded from their stems' codes, and how often pitch agrees."""
    crops = Crops(shards, 3 * DECODER_FRAMES, seed=0)
    rows = []
    for _ in range(batches):
        audio, codes = (part.to(run.device) for part in crops.whole(8))
        made = torch.stack([run.codec.stem(stem, codes) for stem in STEMS]).sum(0)
        losses = {name: float(loss) for name, loss in run.losses(audio, made).items()}
        rows.append(losses | _pitch_agreement(run, audio, made))
    return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}


def _pitch_agreement(run: CodecTraining, true: Tensor, made: Tensor) -> dict[str, float]:
    """`chroma_agreement` by the codec's own bands, over the frames that sound."""
    a, b = (chroma(run.codec.features.all(sound)).flatten(0, 1).sqrt() for sound in (true, made))
    loud = a.norm(dim=-1) > 1e-3
    found = chroma_agreement(a[loud].T.cpu().numpy(), b[loud].T.cpu().numpy())
    return {name: float(values.mean()) for name, values in found.items()}


@torch.no_grad()
def _check_encoder(
    run: CodecTraining, shards: Sequence[RenderedShard], batches: int = 10
) -> dict[str, float]:
    """How often the encoder gives a sounding stem's code, by codebook, and hears that it sounds.

    Strokes are right where both have the same, of the frames in which either has one.
    """
    crops = Crops(shards, ENCODER_FRAMES, seed=0)
    right, heard, strokes = [], [], []
    for _ in range(batches):
        bands, codes = (part.to(run.device) for part in crops.mixtures(ENCODER_BATCH))
        found = run.codec.encoder.codes(bands)
        pair = strokes_in(found[:, 0]), strokes_in(codes[:, 0])
        either = (pair[0] | pair[1]) > 0
        strokes.append(float(((pair[0] == pair[1]) & either).sum() / either.sum().clamp_min(1)))
        found, codes = found[:, 1:], codes[:, 1:]
        sounding = codes != SILENCE
        counts = sounding.sum((0, 2)).clamp_min(1)
        right.append(((found == codes) & sounding).sum((0, 2)) / counts)
        heard.append(((found != SILENCE) == sounding).float().mean((0, 2)))
    means = torch.stack(right).mean(0), torch.stack(heard).mean(0)
    return {"strokes": sum(strokes) / len(strokes)} | {
        f"{stem} {book + 1} {what}": float(mean[book])
        for what, mean in zip(("right", "heard"), means, strict=True)
        for book, stem in enumerate(CODEBOOK_STEMS)
    }


def perplexity(codes: Tensor, entries: int) -> float:
    """How many entries are in use, as the exponential of the codes' entropy."""
    share = torch.bincount(codes.flatten(), minlength=entries) / codes.numel()
    return float(torch.special.entr(share).sum().exp())


_Step = Callable[[CodecTraining, Crops], dict[str, Tensor]]
_Check = Callable[[CodecTraining, Sequence[RenderedShard]], dict[str, float]]
PARTS: dict[str, tuple[_Step, int, _Check]] = {
    "decoders": (_decoder_step, DECODER_FRAMES, _check_decoders),
    "encoder": (_encoder_step, ENCODER_FRAMES, _check_encoder),
}


def _rendering(done: int, total: int) -> None:
    log.info("rendering: %d of %d shards", done, total)


def _line(numbers: dict[str, Tensor] | dict[str, float]) -> str:
    return ", ".join(
        f"{name} {torch.as_tensor(value).item():.3g}" for name, value in numbers.items()
    )
