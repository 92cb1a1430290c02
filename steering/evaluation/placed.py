"""The chosen push, spent at some layers and sites: where patching, probes or chance say.

A choice spends the same sum of coefficients as the push at all layers does, evenly; two are played at
another strength, too, since what pushes harder has another place on the same curve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from steering.activations.patching import Place
from steering.evaluation.cells import Cell, Steer
from steering.evaluation.sections import Section, unsteered
from steering.models.sites import SUBLAYERS, Site

ALL = "all layers"
QUARTER, HALF = 0.25, 0.5


def part_of(count: int, share: float) -> int:
    """How many a share of some things is: no fewer.

    >>> part_of(18, 0.25), part_of(6, 0.5)
    (5, 3)
    """
    return int(np.ceil(share * count))


def section(best: Steer, by_layer: Sequence[int], by_site: Sequence[Place]) -> Section:
    """The table.

    Args:
        by_layer, by_site: all of them, the one that restores most first.
    """
    chosen = choices(best, by_layer, by_site)
    about = (
        f"{best.bank} at a sum of {best.coefficient * len(by_layer):.3g} over all the places of a choice "
        "where nothing else is said. Layers are pushed after the block, sites after the sublayer, with the vector of the layer's "
        "output."
    )
    cells = (unsteered(), *(Cell(name, steers) for name, steers in chosen.items()))
    return Section("Steer there", about, cells)


def choices(
    best: Steer, by_layer: Sequence[int], by_site: Sequence[Place]
) -> dict[str, tuple[Steer, ...]]:
    """By name, the pushes that together are one choice of places."""
    layers, sites, chance = len(by_layer), len(by_site), np.random.default_rng(0)
    some = [sorted(by_layer)[place] for place in chance.permutation(layers)]
    any_site = [sorted(by_site)[place] for place in chance.permutation(sites)]
    quarter, half = (part_of(layers, share) for share in (QUARTER, HALF))
    top = {"weighting": "top", "k": half}
    by_kind = {one: [place for place in by_site if place.site == one] for one in SUBLAYERS}
    entries = at_sites(best, by_kind["cross-attention"], layers)
    return {
        ALL: (best,),
        f"{ALL}, half as much again": times((best,), 1.5),
        "layers, quarter by patching": at_layers(best, _only(by_layer[:quarter]), quarter, layers),
        "layers, half by patching": at_layers(best, _only(by_layer[:half]), half, layers),
        "layers, half by the probe": at_layers(best, top, half, layers),
        "layers, half at random": at_layers(best, _only(some[:half]), half, layers),
        "all sites": at_sites(best, by_site, layers),
        "sites, quarter by patching": at_sites(best, by_site[: part_of(sites, QUARTER)], layers),
        "sites, half by patching": at_sites(best, by_site[: part_of(sites, HALF)], layers),
        "sites, quarter at random": at_sites(best, any_site[: part_of(sites, QUARTER)], layers),
        "after every cross-attention": entries,
        "after every cross-attention, two thirds of it": times(entries, 2 / 3),
        "after every self-attention": at_sites(best, by_kind["self-attention"], layers),
    }


def times(steers: Sequence[Steer], amount: float) -> tuple[Steer, ...]:
    """More or less of a push."""
    return tuple(replace(one, coefficient=amount * one.coefficient) for one in steers)


def at_layers(
    best: Steer, weights: Mapping[str, Any], count: int, layers: int
) -> tuple[Steer, ...]:
    """The push at some of the layers, as much of it as at all."""
    return (replace(best, coefficient=best.coefficient * layers / count, layers=weights),)


def at_sites(best: Steer, places: Sequence[Place], layers: int) -> tuple[Steer, ...]:
    """The push inside the blocks, as much of it as after all: a part for each kind of site.

    Args:
        layers: how many the model has.
    """
    each = best.coefficient * layers / len(places)
    by_site: dict[Site, list[int]] = {}
    for place in places:
        by_site.setdefault(place.site, []).append(place.layer)
    return tuple(
        replace(best, coefficient=each, layers=_only(there), site=site)
        for site, there in sorted(by_site.items())
    )


def _only(layers: Sequence[int]) -> dict[str, Any]:
    return {"weighting": "only", "layers": sorted(layers)}
