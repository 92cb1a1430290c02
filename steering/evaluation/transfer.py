"""Do probes of one corpus tell another: fitted on one's train split, tested on the other's clips.

Both corpora carry the same label. A probe is chosen, its layer too, on validation clips of the corpus
that it was fitted on. Of the other corpus every clip is a test clip; of its own, those of the test split.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import torch
from scipy.stats import rankdata

from steering.activations.store import Activations
from steering.evaluation.probe_table import SPLITS
from steering.evaluation.statistics import Estimate, resampled_means
from steering.evaluation.transfer_table import Entry
from steering.probes import Fitted, ProbeData, get_method
from steering.probes.fitted import FEWEST
from steering.probes.scores import r_squared
from steering.training.banks import SplitColumn

LABELS = ("key", "mode", "time_signature", "genre", "bpm")
"""Labels that are tried where two corpora have them; the last is a number."""

NUMBERS = ("bpm",)
RESAMPLINGS = 1_000
USUAL_DRAWS = 5
DRAWS = {"rfm": 1}
"""Of the shuffled control, by method."""


@dataclass(frozen=True)
class Read:
    """A corpus as the model reads it.

    Attributes:
        x: float32 ``[N, L, D]``, the mean of each clip. rows: labels of each, None where unknown.
        group: what stands in one split only: a piece, an artist.
    """

    name: str
    x: torch.Tensor
    rows: Sequence[Mapping[str, Any]]

    @staticmethod
    def of(name: str, store: Activations) -> Read:
        """Out of a store of seconds."""
        values = store.values.astype(np.float32).mean(1)
        return Read(name, torch.from_numpy(values), store.labels)

    @property
    def groups(self) -> np.ndarray:
        """A number for each clip's group: int ``[N]``."""
        names = [str(row.get("split_group", row["clip_id"])) for row in self.rows]
        return np.unique(names, return_inverse=True)[1]

    def column(self, name: str) -> list[Any]:
        return [row.get(name) for row in self.rows]

    def at(self, by: SplitColumn, split: str, label: str, concepts: Sequence[Any]) -> np.ndarray:
        """Places of the clips of a split that have one of the concepts, or any number."""
        pairs = zip(self.column(by), self.column(label), strict=True)
        known = [s == split and _fits(one, concepts) for s, one in pairs]
        return np.flatnonzero(known)


def _fits(value: Any, concepts: Sequence[Any]) -> bool:
    return value in concepts if concepts else value is not None


def shared(one: Read, other: Read, label: str) -> tuple[Any, ...] | None:
    """Classes that probes can be fitted on in both corpora; () for numbers, None where nothing is.

    They are the same ones by groups and at random, so that the two can be compared.
    """
    parts = [
        (corpus, by, split)
        for corpus in (one, other)
        for by in SPLITS
        if any(corpus.column(by))
        for split in _FITTED
    ]
    if label in NUMBERS:
        there = all(len(c.at(by, split, label, ())) >= FEWEST for c, by, split in parts)
        return () if there else None
    kept = [
        {k for k, n in Counter(_of_split(c, label, by, split)).items() if n >= FEWEST}
        for c, by, split in parts
    ]
    found = tuple(sorted(set.intersection(*kept) - {None}))
    return found if len(found) > 1 else None


_FITTED = ("train", "validation")


def _of_split(corpus: Read, label: str, by: SplitColumn, split: str) -> list[Any]:
    pairs = zip(corpus.column(by), corpus.column(label), strict=True)
    return [value for place, value in pairs if place == split]


def entries(one: Read, other: Read, label: str, by: SplitColumn, method: str) -> Iterator[Entry]:
    """A label's four cells of two corpora: each probe on its own corpus and on the other."""
    concepts = shared(one, other, label)
    task = "regression" if label in NUMBERS else "classification"
    divided = all(any(corpus.column(by)) for corpus in (one, other))
    if not divided or concepts is None or task not in get_method(method).tasks:
        return
    for home in (one, other):
        data = probe_data(home, label, by, concepts)
        dealt = [data.shuffled(torch.Generator().manual_seed(draw)) for draw in draws(method)]
        probes = Probes(home, label, by, method, concepts, data, fit(data, method))
        blind = [fit(known, method) for known in dealt]
        for tested in (one, other):
            yield _entry(probes, blind, tested)


Layered = tuple[Fitted, int]
"""A probe, and the layer that it is asked at."""


@dataclass(frozen=True)
class Probes:
    """A probe of a corpus, and what it was fitted on."""

    home: Read
    label: str
    by: SplitColumn
    method: str
    concepts: Sequence[Any]
    data: ProbeData
    fitted: Layered


def draws(method: str) -> range:
    """Seeds of the shuffled control: fewer where a probe takes minutes."""
    return range(1, 1 + DRAWS.get(method, USUAL_DRAWS))


def probe_data(corpus: Read, label: str, by: SplitColumn, concepts: Sequence[Any]) -> ProbeData:
    """What probes of a corpus are fitted on; numbers in units of the train clips' spread."""
    at = [corpus.at(by, split, label, concepts) for split in _FITTED]
    y = [targets(corpus, label, concepts, rows) for rows in at]
    if not concepts:
        mean, spread = y[0].mean(), y[0].std().clamp_min(1e-9)
        y = [(one - mean) / spread for one in y]
    names = tuple(map(str, concepts)) or (label,)
    task = "classification" if concepts else "regression"
    return ProbeData(corpus.x[at[0]], y[0], corpus.x[at[1]], y[1], names, task)  # type: ignore[arg-type]


def targets(corpus: Read, label: str, concepts: Sequence[Any], rows: np.ndarray) -> torch.Tensor:
    """One column a concept, or the number: float32 ``[N, C]``."""
    values = corpus.column(label)
    if not concepts:
        return torch.tensor([[float(values[row])] for row in rows])
    return torch.tensor([[float(values[row] == one) for one in concepts] for row in rows])


def fit(data: ProbeData, method: str) -> tuple[Fitted, int]:
    """A probe, and the layer at which it tells validation clips best."""
    fitted = get_method(method).fit(data, None, torch.Generator().manual_seed(0))
    decided = fitted.decide(data.x_val)
    if data.task == "regression":
        return fitted, int(r_squared(decided, data.y_val).mean(0).argmax())
    right = decided.argmax(1) == data.y_val.argmax(-1)[:, None]
    return fitted, int(right.float().mean(0).argmax())


def _entry(probes: Probes, blind: Sequence[Layered], tested: Read) -> Entry:
    home, label, by, concepts = probes.home, probes.label, probes.by, probes.concepts
    splits = ("test",) if tested is home else ("train", "validation", "test")
    rows = np.concatenate([tested.at(by, split, label, concepts) for split in splits])
    x, y, groups = tested.x[rows], targets(tested, label, concepts, rows), tested.groups[rows]
    fitted, layer = probes.fitted
    said = fitted.decide(x)[..., layer]
    moved = fitted.decide(x - x.mean(0) + probes.data.x.mean(0))[..., layer]
    share = y.mean(0)
    return Entry(
        *(home.name, tested.name, label, by, probes.method),
        *(tuple(map(str, concepts)), len(rows), len(np.unique(groups)), layer),
        found=_mark(said, y, groups),
        centred=_mark(moved, y, groups),
        balanced=_mark(said, y, groups, balanced=True),
        shuffled=tuple(_point(one.decide(x)[..., at], y) for one, at in blind),
        chance=float(share.max()) if concepts else 0.0,
        explained=None if concepts else _explained(home, label, by, said, y),
    )


def _mark(
    decided: torch.Tensor, y: torch.Tensor, groups: np.ndarray, balanced: bool = False
) -> Estimate:
    """Accuracy of classes, rank correlation of numbers: ``decided`` and ``y`` are ``[N, C]``.

    Args:
        balanced: each class counts as much as the others that are there.
    """
    parts = _parts(decided, y, balanced)
    drawn = _figure([resampled_means(one, groups, RESAMPLINGS) for one in parts])
    return _estimate(_figure([one.mean() for one in parts]), drawn)


def _point(decided: torch.Tensor, y: torch.Tensor) -> float:
    """The same without an interval."""
    return float(_figure([one.mean() for one in _parts(decided, y)]))


def _parts(decided: torch.Tensor, y: torch.Tensor, balanced: bool = False) -> list[np.ndarray]:
    """What a figure is made of by its means: hits ``[N]``; of numbers all that a correlation takes."""
    if y.shape[1] > 1:
        hits = (decided.argmax(-1) == y.argmax(-1)).numpy().astype(float)
        if balanced:
            counts = y.sum(0)
            hits *= (len(y) / (counts > 0).sum() / counts)[y.argmax(-1)].numpy()
        return [hits]
    a, b = (rankdata(one[:, 0].numpy()) / len(one) for one in (decided, y))
    a, b = a - a.mean(), b - b.mean()
    return [a, b, a * b, a * a, b * b]


def _figure(means: Sequence[Any]) -> Any:
    """Accuracy out of the mean of hits, or the correlation of two variables out of their means."""
    if len(means) == 1:
        return means[0]
    a, b, ab, aa, bb = means
    return (ab - a * b) / np.sqrt(np.maximum((aa - a * a) * (bb - b * b), 1e-18))


def _estimate(mean: float, drawn: np.ndarray) -> Estimate:
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Estimate(float(mean), float(low), float(high))


def _explained(
    home: Read, label: str, by: SplitColumn, decided: torch.Tensor, y: torch.Tensor
) -> float:
    """R squared in the label's own unit."""
    known = targets(home, label, (), home.at(by, "train", label, ()))
    said = decided * known.std().clamp_min(1e-9) + known.mean()
    return float(r_squared(said[..., None], y)[0, 0])


def pairs(corpora: Sequence[Read]) -> list[tuple[Read, Read]]:
    """Every two of them once."""
    return [(a, b) for a, b in permutations(corpora, 2) if corpora.index(a) < corpora.index(b)]
