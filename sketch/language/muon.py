"""Muon: momentum whose matrices are made orthogonal before the step (Jordan et al. 2024).

torch has it too, but works in bfloat16, which is eight times slower than float32 on a CPU without
instructions for it. Here precision is an argument, and matrices of one shape are made orthogonal
together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor

_STEPS = 5
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)


class Muon(torch.optim.Optimizer):
    """For the matrices inside blocks; embeddings, heads, norms and biases belong to AdamW.

    Args:
        lr: size of a step, in units of the matrix's spectral norm.
        momentum: share of the last step's direction that stays (Nesterov).
        weight_decay: share of a weight that goes at each step, times ``lr``.
        precision: of the iteration that makes matrices orthogonal.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 0.02,
        momentum: float = 0.95,
        weight_decay: float = 0.01,
        precision: torch.dtype = torch.float32,
    ) -> None:
        self.precision = precision
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            by_shape: dict[tuple[int, ...], list[Tensor]] = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    by_shape[tuple(weight.shape)].append(weight)
            for weights in by_shape.values():
                self._step_together(weights, group)

    def _step_together(self, weights: list[Tensor], group: dict[str, float]) -> None:
        directions = []
        for weight in weights:
            grad = weight.grad
            assert grad is not None
            momentum = self.state[weight].setdefault("momentum", torch.zeros_like(weight))
            momentum.lerp_(grad, 1 - group["momentum"])
            directions.append(grad.lerp(momentum, group["momentum"]))
        rows, columns = weights[0].shape
        updates = orthogonal(torch.stack(directions).to(self.precision)).to(weights[0].dtype)
        size = group["lr"] * max(1.0, rows / columns) ** 0.5
        for weight, update in zip(weights, updates, strict=True):
            weight.mul_(1 - group["lr"] * group["weight_decay"]).sub_(update, alpha=size)


def orthogonal(matrices: Tensor) -> Tensor:
    """Matrices ``[M, R, C]`` with all singular values near 1, by Newton-Schulz iteration."""
    wide = matrices.mT if matrices.shape[-2] > matrices.shape[-1] else matrices
    wide = wide / (torch.linalg.matrix_norm(wide, keepdim=True) + 1e-7)
    a, b, c = _COEFFICIENTS
    for _ in range(_STEPS):
        gram = wide @ wide.mT
        wide = a * wide + (b * gram + c * gram @ gram) @ wide
    return wide.mT if matrices.shape[-2] > matrices.shape[-1] else wide
