"""Teach a concept of one's own from a few clips, and keep it as a bank."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from curation.errors import BadInput
from curation.files import check_writable
from steering.commands.shared import add_model, model_of, teller

if TYPE_CHECKING:
    from steering.teaching.sounds import Sound

HOME = Path("build/taught")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from steering.teaching.variants import PARTS

    add_model(parser)
    parser.add_argument(
        "clips", help="folder of sounds that have the concept; with --label a dataset"
    )
    parser.add_argument(
        "--label",
        metavar="NAME=VALUE",
        help="of a dataset that was built or is on the Hub: clips with it against clips with another",
    )
    parser.add_argument(
        "--against", type=Path, help="folder of sounds without; default: neutral ones"
    )
    parser.add_argument("--name", required=True, help="of the concept, as staccato")
    parser.add_argument(
        "--belongs",
        nargs="*",
        default=(),
        metavar="PART",
        help=f"what is part of the concept and stays as it is: {', '.join(PARTS)}",
    )
    parser.add_argument(
        "--methods", nargs="*", help="probes that are tried; default: the quick ones"
    )
    parser.add_argument("--out", type=Path, help=f"folder of the bank; default: {HOME}/NAME")


def _sounds(
    options: argparse.Namespace,
) -> tuple[Path | Sequence[Sound], Path | Sequence[Sound] | None]:
    from steering.teaching.labelled import check_pair, labelled

    if options.label is None:
        return Path(options.clips), options.against
    if options.against:
        raise BadInput("--label says what to compare with: leave out --against")
    return labelled(options.clips, *check_pair(options.label))


def run(options: argparse.Namespace) -> None:
    """Listen, find, try; say whether the model knows it, and write the bank."""
    from steering.teaching.finding import METHODS
    from steering.teaching.lesson import check_name, teach

    name = check_name(options.name)
    out = options.out or HOME / name
    check_writable(out)
    clips, against = _sounds(options)
    lesson = teach(
        model_of(options),
        clips,
        against,
        name,
        options.belongs,
        options.methods or METHODS,
        teller(),
    )
    print(lesson)
    lesson.bank.save(out)
    push = f"--bank {quote(str(out))} --steer {quote(f'{name}={lesson.strength:g}')} --monitor"
    print(f"{out}: python -m steering generate 'calm jazz' {push}")
