"""Clips of a dataset that have a label, and clips that have another: what a concept is taught by."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np

from curation.errors import BadInput
from steering.activations.sources import Source, SourceClip, open_source
from steering.teaching.material import FEWEST
from steering.teaching.sounds import Sound

CLIPS, LOOKED_AT = 20, 2_000
"""That a lesson takes of each kind, and that are looked at in the order of the dataset."""
SHOWN = 12


def labelled(
    dataset: str | Source, label: str, value: str, clips: int = CLIPS, seed: int = 0
) -> tuple[list[Sound], list[Sound]]:
    """Training clips whose label has a value, and as many that have another, by lot.

    Args:
        dataset: a folder that curation built, a dataset on the Hub, or a source that is open.
        label: a column, as ``pitch_class``. value: as it is written, as ``C``.
        clips: of each kind at most.

    Raises:
        BadInput: there is no such label, or too few clips have it, or have it not.
    """
    source = open_source(dataset) if isinstance(dataset, str) else dataset
    rng, values = np.random.default_rng(seed), Counter[str]()
    drawn: dict[bool, list[SourceClip]] = {True: [], False: []}
    for clip in itertools.islice(source.read(0), LOOKED_AT):
        if label not in clip.labels:
            known = ", ".join(sorted(clip.labels))
            raise BadInput(f"clips of {source.name} have no label '{label}': choose among {known}")
        if clip.labels["split"] != "train":
            continue
        has = str(clip.labels[label]) == value
        values[str(clip.labels[label])] += 1
        _draw(
            drawn[has], clip, clips, values[value] if has else values.total() - values[value], rng
        )
    for has, found in drawn.items():
        if len(found) < FEWEST:
            shown = ", ".join(sorted(values)[:SHOWN])
            raise BadInput(
                f"{len(found)} training clips of {source.name} have {label} {'' if has else 'other than '}"
                f"'{value}', {FEWEST} are needed: choose among {shown}"
            )
    having, lacking = ([_sound(clip) for clip in drawn[has]] for has in (True, False))
    return having, lacking


def _draw(
    kept: list[SourceClip], clip: SourceClip, most: int, seen: int, rng: np.random.Generator
) -> None:
    """Keep a clip so that each of those seen is kept with the same chance (Vitter 1985, algorithm R)."""
    if len(kept) < most:
        kept.append(clip)
    elif (place := int(rng.integers(seen))) < most:
        kept[place] = clip


def _sound(clip: SourceClip) -> Sound:
    return Sound(str(clip.labels["clip_id"]), clip.audio, clip.sample_rate)


def check_pair(text: str) -> tuple[str, str]:
    """``NAME=VALUE`` in two.

    Raises:
        BadInput: it is not written so.
    """
    name, sign, value = text.partition("=")
    if not (name and sign and value):
        raise BadInput(f"--label {text}: write NAME=VALUE, as --label pitch_class=C")
    return name, value
