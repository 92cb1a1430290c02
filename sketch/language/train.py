"""The language model's training: captions and codes to the next codes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from transformers import MusicgenForConditionalGeneration, PreTrainedTokenizerFast

from sketch.checkpoints import SAVE_SECONDS, Amount, Checkpoint, Stopwatch, training
from sketch.codec.books import Codebooks
from sketch.codec.stems import BOOKS_FILE, CODEBOOKS, ENTRIES
from sketch.language.batches import IGNORED, LOOPED, Batch, Batches, Length
from sketch.language.corpus import Song, encode_corpus, fingerprint
from sketch.language.model import LanguageModel, LookBack, set_temperatures
from sketch.language.muon import Muon
from sketch.language.text import make_tokenizer
from sketch.language.words import learn_words, whiten
from sketch.loading import load_sketch

log = logging.getLogger(__name__)

CHECKPOINT = "lm.pt"
HOURS, VALIDATION_HOURS = 10.0, 0.8
VALIDATION = Length(400, 8, 1.0)
WARM_UP_STEPS = 60
DECAY_FROM = 0.5
"""Share of the time after which the learning rate falls, linearly, to nothing."""

EARLY, EARLY_FRAMES = 4.0, 15.0
"""A clip's first frames count five times as much, the 15th two and a half times: it is there, before
there is music to go on from, that the caption is needed."""

BOOK_WEIGHTS = {"rhythm": 4.0, "drums": 1.5, "bass": 1.0, "chords": 0.75, "lead": 0.75}
"""How much each codebook counts: of the rhythm most frames are certain, and the rest keep the time."""

MUON_RATE, ADAM_RATE, EMBEDDING_RATE, TEXT_RATE = 0.012, 1.5e-3, 2e-3, 3e-4


@dataclass
class LanguageTraining:
    """Everything that one training holds.

    Attributes:
        precision: of the matrix products.
        clock: what stays as it is.
        side_by_side: into how many parts a batch is cut, each learned by a thread of its own. Two
            cores so do nearly twice the work of one; two threads in every product do a sixth more.
    """

    model: LanguageModel
    tokenizer: PreTrainedTokenizerFast
    optimisers: list[torch.optim.Optimizer]
    device: torch.device
    precision: torch.dtype
    clock: LookBack
    side_by_side: int = 1


def train(
    folder: Path,
    amount: Amount,
    device: str = "cpu",
    precision: torch.dtype = torch.float32,
    begin: Path | None = None,
    cores: int = 1,
    seed: int = 0,
) -> LanguageModel:
    """Train for this long in all, from the checkpoint in ``folder`` if there is one.

    Args:
        folder: of the codebooks; the codes and the checkpoint are kept there.
        begin: folder of a sketch of these codebooks to begin with, where there is no checkpoint.
        precision: of the matrix products; weights and sums are float32 always.
        cores: processes that render and encode, and, on the CPU, parts of a batch side by side.

    Raises:
        BadInput: another process trains it there.
    """
    with training(folder, "lm"):
        return _train(folder, amount, device, precision, begin, cores, seed)


def _train(
    folder: Path,
    amount: Amount,
    device: str,
    precision: torch.dtype,
    begin: Path | None,
    cores: int,
    seed: int,
) -> LanguageModel:
    books = folder / BOOKS_FILE
    songs = encode_corpus(folder / "codes", books, "train", HOURS, cores, _encoding)
    held_out = encode_corpus(folder / "codes", books, "validation", VALIDATION_HOURS, cores)
    torch.manual_seed(seed)
    run = start(Codebooks.load(books), torch.device(device), precision)
    run.side_by_side = cores if device == "cpu" else 1
    recipe = {"books": fingerprint(books), "decoder": run.model.decoder.config.to_diff_dict()}
    parts = {"decoder": run.model.decoder, "text": run.model.text_encoder}
    parts |= {"projection": run.model.enc_to_dec_proj}
    parts |= {f"optimiser {i}": optimiser for i, optimiser in enumerate(run.optimisers)}
    batches = Batches(songs, run.tokenizer, ENTRIES, seed)
    checkpoint = Checkpoint(folder / CHECKPOINT, recipe, parts | {"batches": batches})
    numbers = checkpoint.load()
    if not numbers:
        _begin(run, songs, begin)
        numbers = {"step": 0, "seconds": 0.0, "tokens": 0}
        checkpoint.save(numbers)
    tests = list(_validation_batches(Batches(held_out, run.tokenizer, ENTRIES, 0, (VALIDATION,))))
    watch = Stopwatch(numbers["seconds"])
    while (done := amount.done(numbers["step"], watch.seconds)) < 1:
        _set_rates(run.optimisers, numbers["step"], done)
        batches.looped = LOOPED * max(0.0, 1 - done)
        batch = batches.next()
        losses = step(run, batch)
        numbers["step"] += 1
        numbers["tokens"] += batch.inputs.shape[0] * batch.inputs.shape[2]
        numbers["seconds"] = watch.seconds
        if watch.due("log", 30):
            log.info("%s: training %s", _where(numbers), _line(losses))
        if watch.due("save", SAVE_SECONDS):
            checkpoint.save(numbers)
        if watch.due("validate", 420):
            _log_validation(run, tests, numbers)
    checkpoint.save(numbers)
    _log_validation(run, tests, numbers)
    return run.model


def _begin(run: LanguageTraining, songs: Sequence[Song], begin: Path | None) -> None:
    """What comes before the first step: another sketch's weights, or what the words mean."""
    if begin:
        _take_over(run.model, load_sketch(begin).model)
        run.clock.keep()
    else:
        learn_words(run.model.text_encoder, run.tokenizer, songs, ENTRIES)
        whiten(run.model.enc_to_dec_proj, run.model.text_encoder, run.tokenizer, songs)


@torch.no_grad()
def _take_over(model: LanguageModel, whole: MusicgenForConditionalGeneration) -> None:
    """Weights of an exported sketch's parts, its heads at their own temperature."""
    set_temperatures(whole, [1.0] * len(whole.decoder.lm_heads))
    for part in ("decoder", "text_encoder", "enc_to_dec_proj"):
        getattr(model, part).load_state_dict(getattr(whole, part).state_dict())


def start(
    books: Codebooks, device: torch.device, precision: torch.dtype = torch.float32
) -> LanguageTraining:
    """An untrained model with its optimisers: Muon for matrices inside blocks, AdamW for the rest."""
    tokenizer = make_tokenizer()
    model = LanguageModel(tokenizer, books.places).to(device)
    inner = model.decoder.model.decoder
    matrices = [weight for weight in inner.layers.parameters() if weight.ndim == 2]
    embeddings = list(inner.embed_tokens.parameters())
    text = list(model.text_encoder.parameters())
    taken = {id(weight) for weight in [*matrices, *embeddings, *text]}
    others = [weight for weight in model.parameters() if id(weight) not in taken]
    adam = torch.optim.AdamW(
        [
            {"params": embeddings, "lr": EMBEDDING_RATE},
            {"params": others, "lr": ADAM_RATE},
            {"params": text, "lr": TEXT_RATE},
        ],
        betas=(0.9, 0.98),
        weight_decay=0.0,
        fused=True,
    )
    muon = Muon(matrices, lr=MUON_RATE, precision=precision)
    optimisers: list[torch.optim.Optimizer] = [muon, adam]
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["full_rate"] = group["lr"]
    return LanguageTraining(
        model, tokenizer, optimisers, device, precision, LookBack(model.decoder)
    )


def step(run: LanguageTraining, batch: Batch) -> list[float]:
    """One step on one batch; cross-entropy per codebook, in nats."""
    run.model.train()
    learned = [w for o in run.optimisers for g in o.param_groups for w in g["params"]]
    losses, gradients = _descent(run, batch.to(run.device), learned)
    for weight, gradient in zip(learned, gradients, strict=True):
        weight.grad = gradient
    torch.nn.utils.clip_grad_norm_(learned, 1.0)
    for optimiser in run.optimisers:
        optimiser.step()
    run.clock.keep()
    return losses.tolist()


def _descent(
    run: LanguageTraining, batch: Batch, learned: Sequence[Tensor]
) -> tuple[Tensor, list[Tensor | None]]:
    """Mean losses ``[K]`` of the batch's parts, and the mean of the gradients of all weights."""
    frames = torch.arange(batch.targets.shape[-1], device=run.device)
    weights = 1 + EARLY * torch.exp(-frames / EARLY_FRAMES)
    books = torch.tensor([BOOK_WEIGHTS[book] for book in CODEBOOKS], device=run.device)
    books = books[: batch.targets.shape[1]]

    def descend(part: Batch) -> tuple[Tensor, tuple[Tensor | None, ...]]:
        losses = cross_entropy(run.model, part, weights, run.precision)
        total = (losses * books).sum() / books.sum()
        return losses.detach(), torch.autograd.grad(total, learned, allow_unused=True)

    parts = batch.split(run.side_by_side)
    if len(parts) == 1:
        losses, gradients = descend(batch)
        return losses, list(gradients)
    with ThreadPoolExecutor(len(parts), initializer=_one_thread) as pool:
        found = list(pool.map(descend, parts))
    columns = zip(*(gradients for _, gradients in found), strict=True)
    return torch.stack([losses for losses, _ in found]).mean(0), [_mean(c) for c in columns]


def _one_thread() -> None:
    torch.set_num_threads(1)  # of products begun by this very thread


def _mean(gradients: Sequence[Tensor | None]) -> Tensor | None:
    known = [gradient for gradient in gradients if gradient is not None]
    return torch.stack(known).mean(0) if known else None


def cross_entropy(
    model: LanguageModel | MusicgenForConditionalGeneration,
    batch: Batch,
    weights: Tensor | None = None,
    precision: torch.dtype = torch.float32,
) -> Tensor:
    """Mean cross-entropy of each codebook, ``[K]``, in nats.

    A dropped caption is a text of zeros, which is also what `generate` guides away from.

    Args:
        weights: ``[S]``, how much each step counts; all alike by default.
        precision: of the matrix products; the cross-entropy itself is taken in float32.
    """
    narrow = precision != torch.float32
    with torch.autocast(batch.inputs.device.type, precision if narrow else None, enabled=narrow):
        text = model.text_encoder(batch.text, attention_mask=batch.mask).last_hidden_state
        shown = batch.mask[..., None] * batch.prompted[:, None, None]
        hidden = model.decoder.model(
            input_ids=batch.inputs.flatten(0, 1),
            encoder_hidden_states=model.enc_to_dec_proj(text) * shown,
            encoder_attention_mask=batch.mask,
            use_cache=False,
        ).last_hidden_state
        logits = [head(hidden) for head in model.decoder.lm_heads]
    known = batch.targets != IGNORED
    share = known * (1.0 if weights is None else weights)
    losses = [
        functional.cross_entropy(
            books.flatten(0, 1).float(), batch.targets[:, k].flatten(), reduction="none"
        )
        for k, books in enumerate(logits)
    ]
    total = torch.stack([loss.view_as(share[:, 0]) for loss in losses], dim=1) * share
    return total.sum((0, 2)) / share.sum((0, 2))


def fast_precision(device: str) -> torch.dtype:
    """bfloat16 where the processor or the GPU has instructions for it, else float32."""
    if device == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if fast else torch.float32


def _validation_batches(batches: Batches) -> Iterable[Batch]:
    batches.no_prompt = batches.spliced = 0.0
    for _ in range(10):
        yield batches.next()


@torch.no_grad()
def validate(run: LanguageTraining, tests: Iterable[Batch], prompted: bool = True) -> list[float]:
    """Cross-entropy per codebook on held-out clips, with or without their captions."""
    run.model.eval()
    rows = []
    for batch in tests:
        shown = torch.full_like(batch.prompted, float(prompted))
        parts = Batch(batch.inputs, batch.targets, batch.text, batch.mask, shown)
        rows.append(cross_entropy(run.model, parts.to(run.device), None, run.precision))
    return torch.stack(rows).mean(0).tolist()


def _log_validation(run: LanguageTraining, tests: list[Batch], numbers: dict[str, float]) -> None:
    log.info("%s: validation %s", _where(numbers), _line(validate(run, tests)))
    log.info("%s: without captions %s", _where(numbers), _line(validate(run, tests, False)))


def _set_rates(optimisers: list[torch.optim.Optimizer], step: int, done: float) -> None:
    rate = min(1.0, (step + 1) / WARM_UP_STEPS, max(0.0, 1 - done) / (1 - DECAY_FROM))
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = group["full_rate"] * rate


def _encoding(done: int, total: int) -> None:
    log.info("rendering and encoding: %d of %d shards", done, total)


def _where(numbers: dict[str, float]) -> str:
    return (
        f"step {numbers['step']}, {numbers['seconds'] / 60:.1f} min, "
        f"{numbers['tokens'] / 1e6:.2f} M frames"
    )


def _line(losses: list[float]) -> str:
    return f"{sum(losses) / len(losses):.3f} ({' '.join(f'{loss:.2f}' for loss in losses)})"
