"""Where a model holds what its prompt names: what patching restores, and what it takes.

Clips are played under a prompt that names the concept. The same codes are then read under that prompt
and under another one, and what a place gives in one of the two runs is put into the other. Of how much
likelier the naming prompt makes the codes, a place *restores* the share that comes back when its output
goes into the other run, and *takes* the share that is lost when the other's goes into the naming run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from torch import Tensor

from steering.activations.patching import (
    Place,
    log_likelihood,
    outputs,
    patched,
    stream_places,
    sublayer_places,
)
from steering.evaluation.statistics import UNKNOWN, Estimate, ratio
from steering.models.interface import MusicModel
from steering.models.sites import SUBLAYERS

Sets = Mapping[str, Sequence[Place]]
"""Places that are patched together, by the name of their set."""

UNPATCHED, SOURCE = "unpatched", "source"
"""The run that is patched as it is, and the run that the patches come from."""

WHOLE, STREAM = "all three", "stream after it"


def single_sets(layers: int) -> dict[str, list[Place]]:
    """Every place by itself, the three of every block together, and the stream after every block."""
    places = sublayer_places(layers)
    found = {str(place): [place] for place in places}
    for layer in range(layers):
        found[f"{WHOLE} {layer}"] = [place for place in places if place.layer == layer]
    return found | {f"{STREAM} {place.layer}": [place] for place in stream_places(layers)}


def site_sets(layers: int) -> dict[str, list[Place]]:
    """One kind of sublayer in every block, and all of all kinds."""
    places = sublayer_places(layers)
    found = {f"every {one}": [p for p in places if p.site == one] for one in SUBLAYERS}
    return found | {"every site": places}


def likelihoods(
    model: MusicModel,
    codes: Tensor,
    prompts: Sequence[str],
    source: Sequence[str],
    sets: Sets,
    batch: int,
) -> dict[str, np.ndarray]:
    """How likely codes are under prompts, with each set of places out of the run of other prompts.

    Args:
        codes: ``[B, K, T]``. prompts, source: one of each for every clip.
        batch: clips that are read side by side.

    Returns:
        Nats a second, float64 ``[B]``, by set; also of the `UNPATCHED` run and of the `SOURCE`.
    """
    found: dict[str, list[np.ndarray]] = {}
    for start in range(0, len(codes), batch):
        some = slice(start, start + batch)
        part = codes[some].to(model.device)
        into, other = (model.condition(texts[some]) for texts in (prompts, source))
        given = outputs(model, model.delayed(part), other)
        runs = {UNPATCHED: log_likelihood(model, part, into)}
        runs[SOURCE] = log_likelihood(model, part, other)
        for name, places in sets.items():
            with patched(model, {place: given[place] for place in places}):
                runs[name] = log_likelihood(model, part, into)
        for name, values in runs.items():
            found.setdefault(name, []).append(values.double().cpu().numpy())
    return {name: np.concatenate(parts) for name, parts in found.items()}


@dataclass(frozen=True)
class Located:
    """What patching found of one family, against one kind of other prompt.

    Attributes:
        effect: how much likelier the naming prompt makes the codes, nats a second.
        restored: by set, shares of the effect. taken: likewise, as far as it was measured.
        unrelated: restored by a third prompt, which names neither: nothing is expected.
    """

    clips: int
    effect: Estimate
    restored: Mapping[str, Estimate]
    taken: Mapping[str, Estimate]
    unrelated: Mapping[str, Estimate]

    def record(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return asdict(self)


def shares(
    found: Mapping[str, np.ndarray], effect: np.ndarray, prompts: np.ndarray, sign: float = 1.0
) -> dict[str, Estimate]:
    """What each set changed, as a share of the effect: a ratio of means, each draw the same for both.

    Args:
        found: as `likelihoods` gives it. effect: ``[B]``. prompts: ``[B]``, which clips are resampled
            together. sign: -1 for what is taken.

    Returns:
        By set; unknown where the naming prompt does not make the codes likelier, of which nothing is a
        share.
    """
    if effect.mean() <= 0:
        return dict.fromkeys(found.keys() - {UNPATCHED, SOURCE}, UNKNOWN)
    return {
        name: ratio(sign * (values - found[UNPATCHED]), effect, prompts)
        for name, values in found.items()
        if name not in (UNPATCHED, SOURCE)
    }


def ranked(restored: Mapping[str, np.ndarray], sets: Sets, clips: np.ndarray) -> list[str]:
    """Names of the sets, the one that restores most first, by some of the clips, bool ``[B]``."""
    gains = {name: float((restored[name] - restored[UNPATCHED])[clips].mean()) for name in sets}
    return sorted(sets, key=lambda name: -gains[name])


def as_places(names: Sequence[str], sets: Sets) -> list[Place]:
    """All places of some sets."""
    return [place for name in names for place in sets[name]]
