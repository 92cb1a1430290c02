"""Fit listeners to prompts on rendered songs, and keep them for the page."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from curation.errors import BadInput
from steering.commands.shared import teller

FEWEST_HOURS = 0.5
"""Of songs, so that every class is there in every split."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--hours", type=float, default=2.0, help="of rendered songs to fit on")
    parser.add_argument("--seconds", type=float, default=8.0, help="of a clip, as the page's")
    parser.add_argument("--out", type=Path, help="default: where the page finds them")
    parser.add_argument(
        "--features",
        type=Path,
        default=Path("build/evaluation/features"),
        help="where they are kept",
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)


def run(options: argparse.Namespace) -> None:
    """Render, fit, and say how often they are right on songs of the test split."""
    from curation.concepts.songs import SECONDS
    from steering.evaluation.fitted_judges import Amounts, make_judges
    from steering.metrics.kept_listeners import LISTENERS, KeptListeners

    tell, hours = teller(), options.hours
    if hours < FEWEST_HOURS or not 1 <= options.seconds <= SECONDS:
        raise BadInput(
            f"{options.hours:g} hours of clips of {options.seconds:g} s: give {FEWEST_HOURS:g} hours "
            f"or more, and 1 to {SECONDS:g} s"
        )
    judges = make_judges(
        options.features,
        options.seconds,
        Amounts(hours, hours / 5, hours / 5),
        options.workers,
        lambda done, total: tell("listening to real songs", done, total),
    )
    out = options.out or LISTENERS
    KeptListeners(judges.listeners, options.seconds, judges.errors).save(out)
    for name, error in judges.errors.items():
        print(f"  {name:12} {error}")
    print(f"{out}: {len(judges.errors)} listeners to clips of {options.seconds:g} s")
