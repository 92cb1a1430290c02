"""Logistic regression, one concept against the rest; the penalty is chosen on validation clips.

All concepts of a layer are fitted together: their losses are independent, so one run of L-BFGS on
their sum finds each one's minimum. Activations are brought to one size as a whole, not axis by axis:
that would turn the directions.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from curation.errors import BadInput
from steering.probes.fitted import Fitted, ProbeData, finish, simplest
from steering.probes.method import Method
from steering.probes.scores import auc

PENALTIES = (1.0, 1e-1, 1e-2, 1e-3, 1e-4)
_STEPS = 200


def fit(data: ProbeData, search: object = None, generator: torch.Generator | None = None) -> Fitted:
    """Directions ``[C, L, D]`` of all concepts at all layers; they are for classes, not numbers.

    Raises:
        BadInput: the concepts are numbers.
    """
    if data.task != "classification":
        raise BadInput("logistic regression tells classes: use ridge or rfm for numbers")
    chosen_vectors, chosen_scores, chosen = [], [], []
    for layer in range(data.layers):
        mean = data.x[:, layer].mean(0)
        spread = (data.x[:, layer] - mean).square().mean().sqrt().clamp_min(1e-12)
        x, x_val = ((part[:, layer] - mean) / spread for part in (data.x, data.x_val))
        weights, start = [], None
        for penalty in PENALTIES:
            start = solution(x, data.y, penalty, start)
            weights.append(start)
        candidates = torch.stack(weights)  # [P, C, D + 1]
        predicted = torch.einsum("nd,pcd->ncp", x_val, candidates[..., :-1])
        scores = auc(predicted, data.y_val)
        best = simplest(scores)
        rows = torch.arange(len(best))
        chosen_vectors.append(candidates[best, rows, :-1] / spread)
        chosen_scores.append(scores[rows, best])
        chosen.append([PENALTIES[place] for place in best.tolist()])
    settings: dict[str, object] = {"penalties": chosen}
    return finish(data, torch.stack(chosen_vectors, 1), torch.stack(chosen_scores, 1), settings)


method = Method("logistic", fit, "linear (logistic)", ("classification",), order=3, preference=1)


def solution(x: Tensor, y: Tensor, penalty: float, start: Tensor | None = None) -> Tensor:
    """Weights and intercepts ``[C, D + 1]`` for ``x [N, D]`` and ``y [N, C]`` of 0 and 1.

    Minimises the mean cross-entropy plus ``penalty / 2 |w|^2``; intercepts are not penalised.
    """
    size = (y.shape[1], x.shape[1] + 1)
    weights = torch.zeros(size, device=x.device) if start is None else start.clone()
    weights.requires_grad_(True)
    optimiser = torch.optim.LBFGS(
        [weights], max_iter=_STEPS, history_size=20, line_search_fn="strong_wolfe",
        tolerance_grad=1e-6, tolerance_change=1e-10,
    )  # fmt: skip

    def loss() -> Tensor:
        optimiser.zero_grad()
        logits = x @ weights[:, :-1].T + weights[:, -1]
        entropy = functional.binary_cross_entropy_with_logits(logits, y, reduction="none")
        total = entropy.mean(0).sum() + penalty / 2 * weights[:, :-1].square().sum()
        total.backward()
        return total

    with torch.enable_grad():
        optimiser.step(loss)
    return weights.detach()
