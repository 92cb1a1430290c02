"""What people would rather see than read: a bank's layers and likenesses."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import torch

from steering.directions.bank import Bank

matplotlib.use("Agg")


def draw_bank(bank: Bank, path: Path) -> None:
    """Scores of every concept at every layer, and the directions' cosines at the best layer."""
    from matplotlib import pyplot

    names = list(bank)
    scores = np.stack([bank[name].scores.numpy() for name in names])
    best = int(scores.mean(axis=0).argmax())
    vectors = torch.stack([bank[name].vectors[best] for name in names])
    likeness = (vectors @ vectors.T).numpy()
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 0.28 * len(names) + 2.4))
    image = left.imshow(scores, aspect="auto", cmap="viridis", vmin=min(0.5, scores.min()), vmax=1)
    left.set_title(f"{bank.family} by {bank.method}: validation score", parse_math=False)
    left.set_xlabel("layer")
    figure.colorbar(image, ax=left)
    image = right.imshow(likeness, cmap="RdBu_r", vmin=-1, vmax=1)
    right.set_title(f"cosine of directions at layer {best}")
    right.set_xticks(range(len(names)), names, rotation=90, parse_math=False)
    figure.colorbar(image, ax=right)
    for axis in (left, right):
        axis.set_yticks(range(len(names)), names, parse_math=False)
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    pyplot.close(figure)
