"""How fast activations are read and probes are trained, against a plain loop of single fits.

    python -m benchmarks.probes                                 synthetic activations, a few minutes
    python -m benchmarks.probes --store build/activations --dataset build/notes-small
    python -m benchmarks.probes --synthetic 9936 --layers 48 --size 2048 --device cuda
    python -m benchmarks.probes --read                          the sketch: sound to activations
    python -m benchmarks.probes --large --device cuda           reading, in musicgen-large's shape

The bank: all concepts at all layers by `steering.probes.rfm`, searched by successive halving. The
loop: xrfm's own `RFM`, one concept and one layer at a time, for every draw of the same search, on
the same activations; it is timed on some of the pairs, and the whole is their mean times their
number. Between them stands the bank with draws in full, timed on some draws at one layer: it shares
kernels and halves nothing, and so tells what each of the two saves. Bank and loop are scored by the
AUC of their predictors on the same validation clips. Nothing is downloaded; synthetic activations
have a planted direction for every concept.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from xrfm import RFM
from xrfm.rfm_src.kernels import LaplaceKernel

from steering.probes import ProbeData, rfm
from steering.probes.fitted import Fitted
from steering.probes.scores import auc

Lines = list[tuple[str, str]]
CONCEPTS = 12
FULL_DRAWS = 20
"""Draws that are timed in full; the whole is their mean times the number of all."""

PLANTED = 2.0
"""Length of a planted direction, in standard deviations of the noise along it."""


def synthetic(clips: int, layers: int, size: int, device: str) -> ProbeData:
    """Clips of twelve concepts ``[N, L, D]``, each along a direction of its own in every layer."""
    generator = torch.Generator(device).manual_seed(0)
    train = round(clips * 0.82)
    directions = torch.randn(CONCEPTS, layers, size, generator=generator, device=device)
    directions /= directions.norm(dim=-1, keepdim=True)
    classes = torch.randint(CONCEPTS, (clips,), generator=generator, device=device)
    x = torch.randn(clips, layers, size, generator=generator, device=device)
    x += PLANTED * directions[classes]
    y = torch.nn.functional.one_hot(classes, CONCEPTS).float()
    names = tuple(f"concept {number}" for number in range(CONCEPTS))
    return ProbeData(x[:train], y[:train], x[train:], y[train:], names)


def from_store(dataset: str, store: Path, model: str) -> ProbeData:
    """A build's target label, its activations read by an earlier run or now."""
    from curation.concepts import get_family
    from steering.activations.reader import read_source
    from steering.activations.sources import open_source
    from steering.models import load_model
    from steering.training.banks import table

    source = open_source(dataset)
    activations = read_source(load_model(model), source, store)
    return table(activations, get_family(source.name).target).probe_data()


def bank_part(data: ProbeData, draws: int, pairs: int) -> Lines:
    """The bank together, and the loop on some pairs of concept and layer."""
    search = rfm.Search(draws=draws)
    start, before = time.perf_counter(), _memory_start(data.x)
    fitted = rfm.fit(data, search, torch.Generator().manual_seed(0))
    _settle(data.x)
    together = time.perf_counter() - start
    peak = _memory_peak(data.x, before)
    count = len(data.concepts) * data.layers
    chosen = [(n % len(data.concepts), n % data.layers) for n in range(pairs)]
    start = time.perf_counter()
    scores = [single(data, concept, layer, draws) for concept, layer in chosen]
    _settle(data.x)
    loop = (time.perf_counter() - start) / pairs * count
    start, looked = time.perf_counter(), min(draws, FULL_DRAWS)
    in_full(data, looked)
    _settle(data.x)
    full = (time.perf_counter() - start) * data.layers * draws / looked
    ours = float(torch.stack([fitted.scores[c, la] for c, la in chosen]).mean())
    theirs = sum(scores) / len(scores)
    return [
        ("activations", f"{len(data.x):,} + {len(data.x_val):,} clips, {tuple(data.x.shape[1:])}"),
        (f"bank of {count} directions, {draws} draws", f"{together:.1f} s"),
        (f"loop of single fits, from {pairs} of them", f"{loop:.0f} s"),
        (f"the bank with draws in full, from {looked} at a layer", f"{full:.0f} s"),
        ("speed-up", f"{loop / together:.3g} x"),
        ("of it by training concepts together", f"{loop / full:.3g} x"),
        ("of it by successive halving", f"{full / together:.3g} x"),
        ("AUC on the same pairs, bank and loop", f"{ours:.4f}, {theirs:.4f}"),
        *peak,
    ]


def in_full(data: ProbeData, draws: int) -> Fitted:
    """The first layer's concepts together, no draw cut short: all clips, xrfm's 15 iterations.

    Gradients are taken at no more than 2,000 of them: a GPU's memory is not asked for more.
    """
    everything = len(data.x)
    search = rfm.Search(draws, (rfm.Rung(draws, everything, 15),), min(everything, 2_000))
    first = replace(data, x=data.x[:, :1], x_val=data.x_val[:, :1])
    return rfm.fit(first, search, torch.Generator().manual_seed(0))


def single(data: ProbeData, concept: int, layer: int, draws: int) -> float:
    """One concept at one layer as the paper does it: every draw in full, the best by AUC."""
    generator = torch.Generator().manual_seed(0)
    centre = data.x[:, layer].mean(0)
    x, x_val = data.x[:, layer] - centre, data.x_val[:, layer] - centre
    scale = rfm.SCALE / (2**0.5 * x.square().sum(1).mean().sqrt())
    best = 0.0
    for _ in range(draws):
        one = rfm.draw(generator)
        kernel = LaplaceKernel(bandwidth=one.bandwidth, exponent=one.exponent)
        model = RFM(kernel, iters=15, device=data.x.device, verbose=False, tuning_metric="mse")
        truth, truth_val = data.y[:, concept, None], data.y_val[:, concept, None]
        model.fit(
            (x * scale, truth),
            (x_val * scale, truth_val),
            reg=one.ridge,
            center_grads=one.centred,
            early_stop_rfm=True,
        )
        predicted = model.predict(x_val * scale).reshape(-1, 1, 1)
        best = max(best, float(auc(predicted, truth_val)))
    return best


def sketch_part(name: str, device: str, clips: int, seconds: float) -> Lines:
    """A model's activations from sound, in batches of 16 and one by one, taking turns."""
    from steering.activations.reader import read_activations
    from steering.models import load_model

    model = load_model(name, device=device)
    audio = torch.randn(16, round(seconds * model.sample_rate)).mul(0.1).to(model.device)
    times: dict[str, list[float]] = {"sound, batches of 16": [], "sound, one by one": []}
    times |= {"codes, batches of 16": [], "codes, one by one": []}
    codes = model.encode(audio)
    for turn in range(1 + max(1, clips // 16)):
        for what, spent in times.items():
            size = 16 if "16" in what else 1
            start = time.perf_counter()
            for first in range(0, 16, size):
                rows = slice(first, first + size)
                read = model.encode(audio[rows]) if "sound" in what else codes[rows]
                read_activations(model, read)
            if turn:  # the first one warms up
                spent.append(time.perf_counter() - start)
    rates = {what: 16 / statistics.median(spent) for what, spent in times.items()}
    lines = [
        (f"clips of {seconds:g} s a second, from {what}", f"{r:.1f}") for what, r in rates.items()
    ]
    ratio = rates["sound, batches of 16"] / rates["sound, one by one"]
    return [*lines, ("batches by one by one, from sound", f"{ratio:.1f} x")]


def reading_part(device: str, clips: int, seconds: float) -> Lines:
    """A random-weight decoder in musicgen-large's shape: batches in bf16, and one by one in fp32."""
    lines: Lines = []
    frames = round(50 * seconds)
    for name, dtype, batch in (("bf16, batches of 16", torch.bfloat16, 16), ("fp32, one", None, 1)):
        decoder = _large(device, dtype or torch.float32)
        codes = torch.randint(2048, (batch, 4, frames), device=device)
        _read(decoder, codes)
        start = time.perf_counter()
        rounds = max(1, clips // batch)
        for _ in range(rounds):
            _read(decoder, codes)
        rate = rounds * batch / (time.perf_counter() - start)
        lines.append((f"clips of {seconds:g} s a second, {name}", f"{rate:.1f}"))
        del decoder
    return lines


def _large(device: str, dtype: torch.dtype) -> torch.nn.Module:
    from transformers import MusicgenDecoderConfig, MusicgenForCausalLM

    config = MusicgenDecoderConfig(
        vocab_size=2048, num_hidden_layers=48, hidden_size=2048, num_attention_heads=32,
        ffn_dim=8192, num_codebooks=4,
    )  # fmt: skip
    with torch.device(device):
        model = MusicgenForCausalLM(config)
    model.set_attn_implementation("sdpa")
    return model.to(dtype).eval()


@torch.inference_mode()
def _read(decoder: torch.nn.Module, codes: Tensor) -> Tensor:
    """Every block's mean over the frames: ``[B, 48, 2048]`` on the CPU."""
    means: list[Tensor] = []

    def take(_: object, __: object, output: Tensor | tuple[Tensor, ...]) -> None:
        stream = output[0] if isinstance(output, tuple) else output
        means.append(stream.float().mean(1))

    blocks = decoder.model.decoder.layers  # type: ignore[union-attr]
    handles = [block.register_forward_hook(take) for block in blocks]  # type: ignore[union-attr]
    try:
        decoder.model(input_ids=codes.flatten(0, 1), use_cache=False)  # type: ignore[operator]
    finally:
        for handle in handles:
            handle.remove()
    return torch.stack(means, 1).cpu()


def _settle(like: Tensor) -> None:
    if like.is_cuda:
        torch.cuda.synchronize()


def _memory_start(like: Tensor) -> int:
    if not like.is_cuda:
        return 0
    torch.cuda.reset_peak_memory_stats()
    return torch.cuda.memory_allocated()


def _memory_peak(like: Tensor, before: int) -> Lines:
    if not like.is_cuda:
        return []
    return [
        (
            "peak memory of the bank",
            f"{(torch.cuda.max_memory_allocated() - before) / 2**30:.1f} GiB",
        )
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--synthetic", type=int, default=1_600, metavar="CLIPS")
    parser.add_argument("--layers", type=int, default=2, help="of synthetic activations")
    parser.add_argument("--size", type=int, default=256, help="of synthetic activations")
    parser.add_argument("--dataset", help="a build whose activations are taken instead")
    parser.add_argument("--store", type=Path, default=Path("build/activations"))
    parser.add_argument("--model", default="sketch")
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--pairs", type=int, default=1, help="of the loop that are timed")
    parser.add_argument("--read", action="store_true", help="time reading, not training")
    parser.add_argument(
        "--large", action="store_true", help="time reading, by random weights in that shape"
    )
    parser.add_argument("--seconds", type=float, default=4.0, help="of a clip that is read")
    parser.add_argument("--clips", type=int, default=64, help="that are read")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--json", type=Path, help="write the table there too")
    options = parser.parse_args(arguments)
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        parser.exit(2, "benchmarks.probes: there is no GPU here: leave --device out\n")
    if options.large:
        lines = reading_part(options.device, options.clips, options.seconds)
    elif options.read:
        lines = sketch_part(options.model, options.device, options.clips, options.seconds)
    else:
        if options.dataset:
            data = from_store(options.dataset, options.store, options.model)
        else:
            data = synthetic(options.synthetic, options.layers, options.size, options.device)
        lines = bank_part(data, options.draws, options.pairs)
    for what, figure in lines:
        print(f"  {what:54}{figure}")
    if options.json:
        options.json.write_text(json.dumps(dict(lines), indent=1) + "\n")


if __name__ == "__main__":
    main()
