"""Train, validation and test, shared out by groups so that a probe cannot lean on the group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from curation.spec import ClipSpec, Family, seed_for

SPLITS = ("train", "validation", "test")
FRACTIONS = (0.70, 0.15, 0.15)
MANY_GROUPS = 200
"""Past this many groups in a stratum a group goes where its own hash says, whatever the others."""


def assign_groups(sizes: Mapping[str, int], seed: int) -> dict[str, str]:
    """Give every group to one split, so that the splits come near 70, 15 and 15 % of the clips.

    Groups are taken in a random order; each goes to the split that is furthest below its share.

    >>> splits = assign_groups({"a": 1, "b": 1, "c": 1, "d": 1, "e": 1}, seed=0)
    >>> sorted(splits.values())
    ['test', 'train', 'train', 'train', 'validation']
    """
    total = sum(sizes.values())
    filled = np.zeros(len(SPLITS))
    order = sorted(sizes, key=lambda group: seed_for(seed, "group order", group))
    chosen = {}
    for group in order:
        place = int(np.argmax(np.asarray(FRACTIONS) * total - filled))
        chosen[group] = SPLITS[place]
        filled[place] += sizes[group]
    return chosen


def grouped_splits(family: Family, seed: int) -> dict[tuple[str, str], str]:
    """The split of every (stratum, group), from the whole grid: the same in all presets."""
    sizes: dict[str, dict[str, int]] = {}
    for index in range(family.size):
        spec = family.spec(seed, index)
        stratum = sizes.setdefault(spec.stratum, {})
        stratum[spec.group] = stratum.get(spec.group, 0) + 1
    return {
        (stratum, group): split
        for stratum, groups in sizes.items()
        if len(groups) <= MANY_GROUPS
        for group, split in assign_groups(groups, seed).items()
    }


def grouped_split(spec: ClipSpec, table: Mapping[tuple[str, str], str], seed: int) -> str:
    """The split of a clip by its group."""
    known = table.get((spec.stratum, spec.group))
    return known or _by_hash(seed_for(seed, "group", spec.group))


def random_split(clip_id: str, seed: int) -> str:
    """The split of a clip in a plain random division, for comparison with published numbers."""
    return _by_hash(seed_for(seed, "random split", clip_id))


def leaks(rows: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """Groups that stand in more than one split, out of pairs of (group, split).

    >>> leaks([("piano", "train"), ("reed", "test"), ("piano", "train")])
    {}
    """
    seen: dict[str, set[str]] = {}
    for group, split in rows:
        seen.setdefault(group, set()).add(split)
    return {group: splits for group, splits in seen.items() if len(splits) > 1}


def _by_hash(number: int) -> str:
    place = np.searchsorted(np.cumsum(FRACTIONS), number / 2**63, side="right")
    return SPLITS[min(int(place), len(SPLITS) - 1)]
