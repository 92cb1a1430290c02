"""What it costs that music goes on past the window, on the sketch: a steered clip and its twin, one thread.

    python -m benchmarks.window

In the processor's time, so that other programs disturb it less: a second of music before the window is
full and while the next one is read slice by slice, the slowest step, and the same columns read in one go,
which would hold up who listens. Memory is what the generation holds after one window and after two.
"""

from __future__ import annotations

import math
import statistics
import time
from unittest.mock import patch

import torch

from benchmarks.decoder import clips, fused, plan_for, sketch
from benchmarks.parts import Lines, print_parts
from steering.decoding import generation
from steering.decoding.generation import Generation

FEW = 150
"""Steps of which the plain ones are measured."""


def figures(nothing: None) -> Lines:
    """The table's lines."""
    plan = plan_for(sketch(), 60.0)
    run = fused().start([*clips(1, plan), *clips(1)], math.inf)
    window = run.window
    slow = window.length - generation.EVERY * -(-window.kept // generation.SLICE)
    times = [_step(run) for _ in range(window.length + 1)]
    plain, ahead = times[slow - FEW : slow], times[slow : window.length]
    held = _bytes(run)
    with patch.object(generation, "EVERY", 1 << 30):
        while run.step - run.base < window.length:
            run.advance()
        at_once = _step(run)
    rate = sketch().frame_rate
    return [
        (
            "window, and what stays of it",
            f"{window.length / rate:.1f} s, {window.kept / rate:.1f} s",
        ),
        ("a second of music", f"{rate * statistics.mean(plain):.2f} s"),
        ("the same while the next window is read", f"{rate * statistics.mean(ahead):.2f} s"),
        ("the slowest step of it", f"{1000 * max(ahead):.0f} ms"),
        ("the step that slides", f"{1000 * times[window.length]:.0f} ms"),
        ("all that stays read in one go", f"{1000 * at_once:.0f} ms"),
        ("held after one window, after two", f"{held / 1e6:.1f} MB, {_bytes(run) / 1e6:.1f} MB"),
    ]


def _step(run: Generation) -> float:
    began = time.process_time()
    run.advance()
    return time.process_time() - began


def _bytes(run: Generation) -> int:
    kept = [run.cache.all, run.columns, run.known, *(one.all for one in [run.next] if one)]
    return sum(tensor.nbytes for tensor in kept)


if __name__ == "__main__":
    torch.set_num_threads(1)
    print_parts({"window": figures}, None, None, None)
