"""Mean activation of clips with a concept, less that of clips without (arXiv 2504.04479).

For numbers it is the covariance with them. Nothing is chosen: the baseline that others must beat.
"""

from __future__ import annotations

import torch

from steering.probes.fitted import Fitted, ProbeData, finish
from steering.probes.method import Method


def fit(data: ProbeData, search: object = None, generator: torch.Generator | None = None) -> Fitted:
    """Directions ``[C, L, D]`` of all concepts at all layers."""
    weight = data.y - data.y.mean(0)
    vectors = torch.einsum("nc,nld->cld", weight, data.x - data.x.mean(0))
    return finish(data, vectors, None, {})


method = Method("mean_difference", fit, "difference of means", order=1, preference=4)
