"""How fast the steered decoder is, beside the libraries' own, on the same weights in one run.

    python -m benchmarks.decoder                   all parts, one CPU thread, about a quarter of an hour
    python -m benchmarks.decoder --only speed      one: speed, rows, costs, latency, gpu, memory, profile
    python -m benchmarks.decoder --only gpu        on a GPU, batches 1 to 256 in the shape of large: four minutes

Speed: steps per second on the sketch, 50 of which are a second of music; contestants take turns, the
median of the rounds counts, by the clock and by the processor's time, which other programs on the
machine disturb less. Rows: the same over how many clips play at once, in one batch and in slots, where each
comes and goes as it likes; by the processor's time and beside transformers. Costs: what steering adds to a step, in the processor's time. Latency: from prompt and from a moved coefficient to sound. GPU: random weights in
the shapes of the published models, no download; says so where there is no GPU. Memory: of the
process. Profile: what a step spends its time on.
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from threading import Thread
from typing import Any
from unittest.mock import patch

import torch

from benchmarks.other_decoders import (
    PROMPT,
    Player,
    audiocraft_player,
    by_transformers,
    by_transformers_steered,
)
from benchmarks.parts import Lines, print_parts
from benchmarks.shapes import PUBLISHED, random_musicgen
from steering.decoding.cache import Words
from steering.decoding.clip import Clip
from steering.decoding.decoder import Decoder
from steering.decoding.generation import Generation
from steering.decoding.reference import generate as by_hooks
from steering.decoding.sampling import Sampling
from steering.decoding.session import Session
from steering.decoding.slots import Slots, side_by_side
from steering.decoding.sound import Chunk
from steering.directions.direction import Direction
from steering.interventions.intervention import Intervention
from steering.interventions.monitor import Monitor
from steering.interventions.operators import OPERATORS
from steering.interventions.plan import Plan, compile_plan
from steering.models import MusicModel, load_model
from steering.models.transformers_backend import TransformersModel

SECONDS, ROUNDS, COST_ROUNDS, CONCEPTS = 4.0, 5, 15, 3
BATCHES, ROW_BATCHES = (1, 2, 8), (1, 2, 4, 8, 16)
GPU_BATCHES, MOST_IN_SLOTS, LIBRARY_SECONDS = (1, 2, 4, 8, 16, 32, 64, 128, 256), 32, 1.0
TRIALS, SESSIONS = 20, 100
WAYS: dict[str, dict[str, Any]] = {
    f"{CONCEPTS} concepts": {},
    f"{CONCEPTS} concepts, by themselves": {"monitor": Monitor()},
    **{f"{CONCEPTS} concepts, {name}": {"operator": name} for name in OPERATORS if name != "add"},
}
"""Ways of steering whose cost is told."""


def plan_for(model: MusicModel, seconds: float, way: dict[str, Any] | None = None) -> Plan:
    """Three random concepts at every layer, pushed in this way."""
    generator = torch.Generator().manual_seed(0)
    shape = (model.origin.layers, model.origin.size)
    made = []
    for number in range(CONCEPTS):
        vectors = torch.randn(shape, generator=generator)
        one = Direction(str(number), vectors, torch.ones(shape[0]), model.origin).unit()
        norms, calibration = torch.full(shape[:1], 10.0), torch.tensor([[0.3, 0.0]] * shape[0])
        known = replace(one, norms=norms, calibration=calibration)
        made.append(Intervention(known, 0.02, **(way or {})))
    return compile_plan(made, seconds, model.frame_rate)


@cache
def sketch() -> TransformersModel:
    model = load_model("sketch", device="cpu")
    assert isinstance(model, TransformersModel)
    return model


@cache
def fused() -> Decoder:
    return Decoder(sketch())


def clips(count: int, plan: Plan | None = None) -> list[Clip]:
    return [Clip(PROMPT, seed, plan) for seed in range(count)]


def timed(players: dict[str, Player], rounds: int, steps: int) -> dict[str, tuple[float, float]]:
    """Steps a second by the clock and by the processor's time: the median of rounds in turn."""
    for play in players.values():
        play()
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in players}
    for _ in range(rounds):
        for name, play in players.items():
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            clock, processor = time.perf_counter(), time.process_time()
            play()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            taken[name].append((time.perf_counter() - clock, time.process_time() - processor))
    return {
        name: (
            steps / statistics.median(clock for clock, _ in times),
            steps / statistics.median(processor for _, processor in times),
        )
        for name, times in taken.items()
    }


def speed_part(options: argparse.Namespace) -> Lines:
    model, decoder, seconds = sketch(), fused(), options.seconds
    lines = floor_lines(decoder, seconds, copied_per_second(torch.device("cpu")))
    steps = round(seconds * model.frame_rate) + model.codebooks - 1
    plan = plan_for(model, seconds)
    plans = {name: plan_for(model, seconds, way) for name, way in WAYS.items()}
    for count in BATCHES:
        others: dict[str, Player] = {
            "transformers": partial(by_transformers, model, count, seconds),
            "transformers, hooks": partial(by_transformers_steered, model, count, seconds, plan),
            "a plain loop, hooks": partial(by_hooks, model, clips(count, plan), seconds),
        }
        audiocraft = audiocraft_player(model, count, seconds)
        if audiocraft is not None:
            others["audiocraft"] = audiocraft
        ours: dict[str, Player] = {
            "ours": partial(decoder.generate, clips(count), seconds),
            **{
                f"ours, {name}": partial(decoder.generate, clips(count, one), seconds)
                for name, one in plans.items()
            },
        }
        rates = timed({**others, **ours}, options.rounds, steps)
        for name, (clock, processor) in rates.items():
            lines.append((f"batch {count}: {name}", f"{clock:.0f} (processor: {processor:.0f})"))
        bare = rates["ours"]
        best = [max(rates[name][place] for name in others) for place in (0, 1)]
        lines += [
            (
                f"batch {count}: ours by the fastest other",
                f"{bare[0] / best[0]:.2f} (processor: {bare[1] / best[1]:.2f})",
            ),
        ]
    return lines


def rows_part(options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Steps a second, each of which is one of all clips, over how many there are."""
    model, decoder, seconds = sketch(), fused(), options.seconds
    steps = round(seconds * model.frame_rate) + model.codebooks - 1
    plan = plan_for(model, seconds)
    for count in options.batches or ROW_BATCHES:
        players: dict[str, Player] = {
            "transformers": partial(by_transformers, model, count, seconds),
            "a batch": partial(decoder.generate, clips(count), seconds),
            "slots": partial(side_by_side, decoder, clips(count), seconds),
            "slots, steered": partial(side_by_side, decoder, clips(count, plan), seconds),
        }
        rates = timed(players, options.rounds, steps)
        theirs = rates["transformers"]
        for name, (clock, processor) in rates.items():
            times = f"{clock / theirs[0]:.2f} and {processor / theirs[1]:.2f} times transformers"
            said = f"{clock:.0f} (processor: {processor:.0f}), {times}"
            yield f"{count} clips, {(2 * count)} rows: {name}", said


def costs_part(options: argparse.Namespace) -> Lines:
    """What each way of steering adds to a step: every round is its own comparison, the median counts."""
    model, decoder, seconds, lines = sketch(), fused(), options.seconds, []
    ways: dict[str, dict[str, Any] | None] = {"nothing, once more": None, **WAYS}
    plans = {n: None if way is None else plan_for(model, seconds, way) for n, way in ways.items()}
    for count in (1, 8):
        played = {n: partial(decoder.generate, clips(count, p), seconds) for n, p in plans.items()}
        players = {"nothing": partial(decoder.generate, clips(count), seconds), **played}
        for play in players.values():
            play()
        found: dict[str, list[float]] = {name: [] for name in plans}
        for _ in range(COST_ROUNDS):
            order = random.sample(list(players), len(players))
            taken = {name: _processor_seconds(players[name]) for name in order}
            for name, costs in found.items():
                costs.append(taken[name] / taken["nothing"] - 1)
        for name, costs in found.items():
            low, middle, high = statistics.quantiles(costs, n=4)
            said = f"{middle:+.1%} (half of the rounds {low:+.1%} to {high:+.1%})"
            lines.append((f"batch {count}: {name}", said))
    return lines


def _processor_seconds(play: Player) -> float:
    start = time.process_time()
    play()
    return time.process_time() - start


def copied_per_second(device: torch.device) -> float:
    """Bytes that a plain copy reads and writes in a second: the best of ten."""
    size = 1 << (31 if device.type == "cuda" else 27)
    source = torch.ones(size // 4, device=device)
    target = torch.empty_like(source)
    best = float("inf")
    for _ in range(10):
        if device.type == "cuda":
            torch.cuda.synchronize()
        start = time.perf_counter()
        target.copy_(source)
        if device.type == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return 2 * size / best


def bytes_per_step(
    decoder: Decoder, count: int, seconds: float, words: Sequence[Words] | None = None
) -> tuple[int, int]:
    """Bytes of matrices that a step reads, and of keys and values half-way through the clip.

    Args:
        words: of the prompt, which stand for two matrices of each block.
    """
    fused, item = decoder.fused, decoder.fused.embeddings.element_size()
    matrices: list[Any] = [fused.all_heads]
    for block in fused.blocks:
        matrices += [block.query_key_value, block.out, block.up, block.down]
        matrices += [] if words else [block.cross_query, block.cross_out]
    matrices += [part for one in words or () for part in (one.scores, one.adds)]
    positions = round(seconds * decoder.model.frame_rate) // 2
    past = 2 * len(fused.blocks) * 2 * count * positions * fused.size * item
    return sum(one.nbytes for one in matrices), past


def floor_lines(decoder: Decoder, seconds: float, bandwidth: float) -> Lines:
    weights, past = bytes_per_step(decoder, 1, seconds)
    item = decoder.fused.embeddings.element_size()
    operations = 2 * 2 * weights / item + past / item * 2
    return [
        ("floor: bytes a step, weights and past", f"{weights / 1e6:.1f} + {past / 1e6:.1f} MB"),
        ("floor: operations a step, batch 1", f"{operations / 1e6:.1f} million"),
        ("floor: a plain copy", f"{bandwidth / 1e9:.1f} GB/s"),
        ("floor: steps a second at that", f"{bandwidth / (weights + past):.0f}"),
    ]


def latency_part(options: argparse.Namespace) -> Lines:
    model, decoder = sketch(), fused()
    firsts: list[float] = []
    turns: list[float] = []
    margins: list[float] = []
    dry = 0
    for trial in range(TRIALS):
        began = time.perf_counter()
        clip = Clip(PROMPT, trial, plan_for(model, 6.0))
        with Session(decoder, [clip], 6.0) as session:
            arrivals: list[tuple[float, Chunk]] = []
            asked: list[float] = []

            def turn(session: Session = session, asked: list[float] = asked) -> None:
                time.sleep(random.Random(len(firsts)).uniform(0.1, 0.6))
                asked.append(time.perf_counter())
                session.set(0, 0.05)

            thread = Thread(target=turn)
            for chunk in session.stream():
                arrivals.append((time.perf_counter(), chunk))
                if len(arrivals) == 1:
                    thread.start()
            thread.join()
            step = session.moves[0].step if session.moves else None
        firsts.append(arrivals[0][0] - began)
        changed = [when for when, chunk in arrivals if step is not None and chunk.done > step]
        if changed:
            turns.append(changed[0] - asked[0])
        slack = [arrivals[0][0] + chunk.start - when for when, chunk in arrivals]
        margins.append(min(slack[1:]))
        dry += min(slack[1:]) < 0
    return [
        ("prompt to first sound", _spread(firsts)),
        (f"set() to the sound that it changed, {len(turns)} of {TRIALS}", _spread(turns)),
        ("least time that a chunk came before it was due", _spread(margins, worst=min)),
        ("streams that ran dry", f"{dry} of {TRIALS}"),
    ]


def _spread(values: list[float], worst: Callable[[list[float]], float] = max) -> str:
    return f"median {statistics.median(values):.3f} s, worst {worst(values):.3f} s"


def gpu_part(options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    if not torch.cuda.is_available():
        yield "not measured", "there is no GPU here: run it on a machine that has one"
        return
    bandwidth = copied_per_second(torch.device("cuda"))
    yield (
        "the GPU, and a plain copy on it",
        (f"{torch.cuda.get_device_name()}, {bandwidth / 1e9:.0f} GB/s"),
    )
    for name, shape in PUBLISHED.items():
        yield from gpu_lines(name, random_musicgen(*shape), bandwidth, options)
        gc.collect()
        torch.cuda.empty_cache()


def gpu_lines(
    name: str, model: TransformersModel, bandwidth: float, options: argparse.Namespace
) -> Iterator[tuple[str, str]]:
    """Each player at each batch; steps a second times what a step reads, by what a copy reads and writes."""
    decoder = Decoder(model)
    slots = Slots(decoder.fused)
    for count in options.batches or GPU_BATCHES:
        seconds = options.seconds if count <= 32 else options.seconds / 2
        plan = plan_for(model, seconds)
        rates, words = {"transformers": _library_rate(model, count)}, {}
        for who, one in {"ours": None, "ours, steered": plan}.items():
            run = decoder.start(clips(count, one), seconds)
            rates[who], words[who] = _rate(run, run.advance), run.prompts.words
            if count <= MOST_IN_SLOTS:
                runs = [decoder.start([clip], seconds) for clip in clips(count, one)]
                rates[f"{who}, in slots"] = _rate(runs[0], partial(slots.step, runs))
        for who, rate in rates.items():
            share = rate * sum(bytes_per_step(decoder, count, seconds, words.get(who))) / bandwidth
            figure = f"{rate:.0f} steps/s, {rate / 50:.1f}x real time, {share:.0%} of the copy"
            yield f"{name}, batch {count}: {who}", figure


def _library_rate(model: TransformersModel, count: int) -> float:
    """Steps a second of a short clip, the second time."""
    steps = round(LIBRARY_SECONDS * model.frame_rate) + model.codebooks - 1
    play = partial(by_transformers, model, count, LIBRARY_SECONDS)
    return timed({"transformers": play}, 1, steps)["transformers"][0]


def _rate(run: Generation, step: Player) -> float:
    """Steps a second after the first, which captures."""
    step()
    torch.cuda.synchronize()
    began, first = time.perf_counter(), run.step
    while run.step < run.steps:
        step()
    torch.cuda.synchronize()
    return (run.steps - first) / (time.perf_counter() - began)


def resident() -> int:
    """Bytes of memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def memory_part(options: argparse.Namespace) -> Lines:
    model = sketch()
    gc.collect()
    before = resident()
    decoder = fused()
    built = resident()
    weights, _ = bytes_per_step(decoder, 1, 10.0)
    weights += decoder.fused.embeddings.nbytes
    peak, sizes = built, []
    clip = Clip(PROMPT, 0, plan_for(model, 10.0))
    decoder.generate([clip], 0.5)
    for _ in range(SESSIONS):
        with Session(decoder, [clip], 10.0) as session:
            for chunk in session.stream():
                if chunk.done > 50:
                    peak = max(peak, resident())
                    break
        sizes.append(resident())
    needed = decoder.bytes_per_clip(500, Sampling())
    return [
        ("weights, copied and fused", f"{weights / 1e6:.1f} MB"),
        ("building the decoder took", f"{(built - before) / 1e6:.1f} MB"),
        ("a clip of 10 s is said to need", f"{needed / 1e6:.1f} MB"),
        ("peak over what was there before", f"{(peak - before) / 1e6:.1f} MB"),
        (f"growth from session 10 to {SESSIONS}", f"{(sizes[-1] - sizes[9]) / 1e6:.1f} MB"),
    ]


def profile_part(options: argparse.Namespace) -> Lines:
    """What each part of a step takes, timed around the calls that a run makes."""
    decoder = fused()
    decoder.generate(clips(1), 0.5)
    run = decoder.start(clips(1, plan_for(sketch(), options.seconds)), options.seconds)
    parts = {
        "embeddings": (decoder.fused, "embed"),
        "blocks, steered": (decoder.fused, "step"),
        "heads": (decoder.fused, "logits"),
        "injections of the step": (run.injections, "at"),
        "noise": (run.noise, "next"),
        "choice of the codes": (decoder.fused, "choose"),
    }
    spent = dict.fromkeys(parts, 0.0)
    with ExitStack() as patches:
        for what, (owner, name) in parts.items():
            call = _clocked(getattr(owner, name), spent, what)
            patches.enter_context(patch.object(owner, name, call))
        began = time.perf_counter()
        while run.step < run.steps:
            run.advance()
        total = time.perf_counter() - began
    spent["the rest"] = total - sum(spent.values())
    return [
        (what, f"{seconds / run.steps * 1e6:.0f} us a step, {seconds / total:.0%}")
        for what, seconds in spent.items()
    ]


def _clocked(function: Callable[..., Any], spent: dict[str, float], what: str) -> Player:
    def inside(*arguments: Any) -> Any:
        began = time.perf_counter()
        made = function(*arguments)
        spent[what] += time.perf_counter() - began
        return made

    return inside


PARTS: dict[str, Callable[[argparse.Namespace], Iterable[tuple[str, str]]]] = {
    "memory": memory_part,
    "speed": speed_part,
    "rows": rows_part,
    "costs": costs_part,
    "latency": latency_part,
    "gpu": gpu_part,
    "profile": profile_part,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=PARTS, help="one part of the table")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of music a clip")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--batches", type=int, nargs="+", help="clips at once, of rows and of gpu")
    parser.add_argument("--json", type=Path, help="write the table there too")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print_parts(PARTS, options, options.only, options.json)


if __name__ == "__main__":
    main()
