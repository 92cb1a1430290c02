"""Whether the model tells examples of a concept from others: cross-validated, against chance.

A ridge regression on the activations of all layers at once names clips that it was not fitted on. Its
predictions are linear in the labels: so the same is done for a thousand dealings of the labels to the
clips at the price of one, and the chance of so good a score is known exactly, however few the clips are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata
from torch import Tensor

from steering.evaluation.statistics import Estimate
from steering.teaching.material import Material

FOLDS, REPEATS, DEALINGS, DRAWS = 5, 8, 999, 999
PENALTY = 0.1
"""Of the ridge, times the mean squared length of the activations."""
SURE, HEARD = 0.9, 0.05
"""AUC from which the model knows a concept; chance below which it hears anything of it."""


@dataclass(frozen=True)
class Verdict:
    """How well clips that have the concept are told from others.

    Attributes:
        auc: of clips that were held out, with its 95 % interval (clips drawn anew).
        p: chance of it where labels mean nothing. null: AUC below which 95 % of such dealings lie.
        having, lacking: clips.
    """

    auc: Estimate
    p: float
    null: float
    having: int
    lacking: int
    against: str = "the neutral clips"

    @property
    def told(self) -> bool:
        """Whether it is told at all."""
        return self.p < HEARD

    @property
    def known(self) -> bool:
        """Whether it is told surely."""
        return self.told and self.auc.mean >= SURE

    def __str__(self) -> str:
        figures = (
            f"AUC {self.auc.mean:.2f} ({self.auc.low:.2f} to {self.auc.high:.2f}) of {self.having} clips "
            f"against {self.lacking}; by chance up to {self.null:.2f}, p {self.p:.2g}"
        )
        if not self.told:
            return f"cannot be told from {self.against}: {figures}"
        word = "the model knows it" if self.known else "the model hears something of it"
        return f"{word}: {figures}"


def judge(material: Material, against: str = "the neutral clips", seed: int = 0) -> Verdict:
    """Hold clips out, tell them, and compare with labels that were dealt out anew."""
    clips = material.by_clip()
    rng = np.random.default_rng(seed)
    dealt = _dealings(clips, rng)
    told = _held_out(clips, dealt, rng)  # [N, 1 + DEALINGS]
    scores = _aucs(told, dealt)
    own = float(scores[0])
    p = float((1 + (scores[1:] >= own - 1e-12).sum()) / len(scores))
    low, high = _interval(told[:, 0], clips, rng)
    having = len(set(clips.clip[clips.has].tolist()))
    lacking = len(set(clips.clip[~clips.has].tolist()))
    null = float(np.quantile(scores[1:], 0.95))
    return Verdict(Estimate(own, low, high), p, null, having, lacking, against)


def flattened(x: Tensor) -> np.ndarray:
    """Activations ``[N, L, D]`` as float64 ``[N, L * D]``, every layer of mean squared length 1 a number."""
    size = x.square().mean((0, 2), keepdim=True).sqrt().clamp_min(1e-12)
    return (x / size).flatten(1).double().numpy()


def _dealings(clips: Material, rng: np.random.Generator) -> np.ndarray:
    """The labels, and `DEALINGS` other dealings of them: float ``[N, 1 + DEALINGS]``.

    Of clips with marked spans labels are dealt out within each clip.
    """
    own = clips.has.astype(float)
    dealt = [own]
    for _ in range(DEALINGS):
        one = own.copy()
        if clips.mixed:
            for clip in set(clips.clip.tolist()):
                rows = np.flatnonzero(clips.clip == clip)
                one[rows] = own[rng.permutation(rows)]
        else:
            one = own[rng.permutation(len(own))]
        dealt.append(one)
    return np.stack(dealt, axis=1)


def _held_out(clips: Material, dealt: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What is told of every clip by those it was not among, over `REPEATS` divisions: ``[N, P]``."""
    x = _apart(flattened(clips.x), clips)
    gram = x @ x.T
    penalty = PENALTY * float(np.mean(np.diag(gram)))
    total = np.zeros_like(dealt)
    for _ in range(REPEATS):
        folds = _folds(clips, rng)
        for fold in set(folds.tolist()):
            out, rest = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
            total[out] += _told(gram, rest, out, penalty) @ (dealt[rest] - dealt[rest].mean(0))
    return total / REPEATS


def _apart(x: np.ndarray, clips: Material) -> np.ndarray:
    """Activations ``[N, F]`` less the mean of their own clip, where clips have parts of both kinds."""
    if not clips.mixed:
        return x
    same = np.equal.outer(clips.clip, clips.clip).astype(float)
    means: np.ndarray = same @ x / same.sum(1, keepdims=True)
    return np.where(same.sum(1, keepdims=True) > 1, x - means, x - x.mean(0))


def _told(gram: np.ndarray, rest: np.ndarray, out: np.ndarray, penalty: float) -> np.ndarray:
    """What makes predictions of centred labels ``[rest]``: ``[out, rest]``."""
    inner, outer = gram[np.ix_(rest, rest)], gram[np.ix_(out, rest)]
    mean = inner.mean(0)
    outer = outer - outer.mean(1, keepdims=True) - mean + mean.mean()
    inner = inner - mean - mean[:, None] + mean.mean()
    return np.linalg.solve(inner + penalty * np.eye(len(rest)), outer.T).T


def _folds(clips: Material, rng: np.random.Generator) -> np.ndarray:
    """A fold for every row; rows of one clip share it, and both kinds are in all folds where they can."""
    kinds = {clip: clips.has[clips.clip == clip].mean() >= 0.5 for clip in set(clips.clip.tolist())}
    most = min(
        FOLDS, *(max(2, sum(k == kind for k in kinds.values())) for kind in set(kinds.values()))
    )
    fold_of: dict[int, int] = {}
    for kind in sorted(set(kinds.values())):
        names = np.array([clip for clip, one in kinds.items() if one == kind])
        for place, clip in enumerate(rng.permutation(names)):
            fold_of[int(clip)] = place % most
    return np.array([fold_of[clip] for clip in clips.clip.tolist()])


def _aucs(told: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """AUC of every column ``[P]``."""
    ranks = rankdata(told, axis=0)
    positive = labels.sum(0)
    negative = len(labels) - positive
    return ((ranks * labels).sum(0) - positive * (positive + 1) / 2) / (positive * negative)


def _interval(told: np.ndarray, clips: Material, rng: np.random.Generator) -> tuple[float, float]:
    """The middle 95 % of the AUC where clips of both kinds are drawn anew, each among its own."""
    groups = [np.flatnonzero(clips.has), np.flatnonzero(~clips.has)]
    labels = np.concatenate([np.ones(len(groups[0])), np.zeros(len(groups[1]))])
    drawn = np.stack(
        [
            told[np.concatenate([rng.choice(group, len(group)) for group in groups])]
            for _ in range(DRAWS)
        ],
        axis=1,
    )
    scores = _aucs(drawn, np.tile(labels[:, None], (1, DRAWS)))
    low, high = np.quantile(scores, [0.025, 0.975])
    return float(low), float(high)
