"""Ridge regression on the labels: the genre paper's linear probe (arXiv 2506.10225).

One eigendecomposition per layer gives every penalty and every concept; the penalty is chosen on
validation clips.
"""

from __future__ import annotations

import torch
from torch import Tensor

from steering.probes.fitted import Fitted, ProbeData, finish, simplest
from steering.probes.method import Method
from steering.probes.scores import auc, r_squared

PENALTIES = tuple(10.0**power for power in range(2, -7, -1))
"""Times the mean eigenvalue of the layer's covariance."""


def fit(data: ProbeData, search: object = None, generator: torch.Generator | None = None) -> Fitted:
    """Directions ``[C, L, D]`` of all concepts at all layers."""
    chosen_vectors, chosen_scores, chosen = [], [], []
    for layer in range(data.layers):
        candidates = solutions(data.x[:, layer], data.y, PENALTIES)  # [P, C, D]
        centred = data.x_val[:, layer] - data.x[:, layer].mean(0)
        predicted = torch.einsum("nd,pcd->ncp", centred, candidates) + data.y.mean(0)[:, None]
        score = auc if data.task == "classification" else r_squared
        scores = score(predicted, data.y_val)  # [C, P]
        best = simplest(scores)
        rows = torch.arange(len(best))
        chosen_vectors.append(candidates[best, rows])
        chosen_scores.append(scores[rows, best])
        chosen.append([PENALTIES[place] for place in best.tolist()])
    settings: dict[str, object] = {"penalties": chosen}
    return finish(data, torch.stack(chosen_vectors, 1), torch.stack(chosen_scores, 1), settings)


method = Method("ridge", fit, "linear (ridge)", order=2, preference=3)


def solutions(x: Tensor, y: Tensor, penalties: tuple[float, ...]) -> Tensor:
    """Ridge weights ``[P, C, D]`` for ``x [N, D]`` and ``y [N, C]``, both centred here.

    Minimises ``|y - x w|^2 / N + p s |w|^2`` with ``s`` the mean eigenvalue of the covariance.
    """
    x, y = (x - x.mean(0)).double(), (y - y.mean(0)).double()
    values, vectors = torch.linalg.eigh(x.T @ x / len(x))
    rotated = vectors.T @ (x.T @ y / len(x))  # [D, C]
    values = values.clamp_min(0)
    scale = values.mean().clamp_min(1e-30)
    weights = [vectors @ (rotated / (values + p * scale)[:, None]) for p in penalties]
    return torch.stack([w.T for w in weights]).float()
