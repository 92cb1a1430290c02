"""A simple classifier's accuracy and confusion on a build's test split, as numbers and a picture."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from curation.card import CONFUSION_FILE
from curation.errors import BadInput
from curation.extras import need
from curation.files import check_writable, read_kept, write_whole
from curation.folder import Built, decode
from curation.splits import SPLITS
from listening.classifier import confusion, fit
from listening.features import features
from listening.intervals import interval

RESULT_FILE = "classify.json"


@dataclass(frozen=True)
class Classified:
    """How far a classifier got on the test split.

    Attributes:
        accuracy: share of clips; interval: its 95 % interval, clips taken as independent.
        chance: share of the commonest class.
        clips: number of test clips.
        classes: names of the rows and columns of ``matrix``; its rows are the true classes.
    """

    accuracy: float
    interval: tuple[float, ...]
    chance: float
    clips: int
    classes: tuple[str, ...]
    matrix: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        if len(self.interval) != 2:
            raise BadInput(
                f"an interval has two ends, this one {len(self.interval)}: classify again"
            )


def classify_built(
    built: Built, progress: Callable[[int], None] = lambda clips: None
) -> Classified:
    """Train on the train split, choose on validation, try the test split once.

    Raises:
        BadInput: a split has no clips, a shard is damaged, or the folder does not take the result.
    """
    need("curation", "matplotlib")
    check_writable(built.folder)
    target = built.family.target
    if any(not any(s.split == split for s in built.shards) for split in SPLITS):
        raise BadInput(f"{built.folder} lacks a split: build more clips with --clips")
    heard: dict[str, list[np.ndarray]] = {}
    labels: dict[str, list[str]] = {}
    for split, row in built.rows([target, "audio"]):
        audio, rate = decode(row["audio"])
        vector = features(audio.astype(np.float32) / 32767, rate)
        heard.setdefault(split, []).append(vector)
        labels.setdefault(split, []).append(row[target])
        progress(1)
    model = fit(
        np.stack(heard["train"]),
        labels["train"],
        (np.stack(heard["validation"]), labels["validation"]),
    )
    truth = labels["test"]
    classes = list(built.family.labels[target].classes)
    matrix = confusion(truth, list(model.predict(np.stack(heard["test"]))), classes)
    hits = int(np.trace(matrix))
    result = Classified(
        accuracy=hits / len(truth),
        interval=interval(hits, len(truth)),
        chance=max(truth.count(c) for c in classes) / len(truth),
        clips=len(truth),
        classes=tuple(classes),
        matrix=tuple(map(tuple, matrix.tolist())),
    )
    write_whole(built.folder / RESULT_FILE, json.dumps(asdict(result)) + "\n")
    draw_confusion(result, target, built.folder / CONFUSION_FILE)
    return result


def read_result(folder: Path) -> Classified | None:
    """The last classification's result; None where there is none.

    Raises:
        BadInput: it is damaged.
    """
    return read_kept(folder / RESULT_FILE, Classified, "classify the folder again")


def draw_confusion(result: Classified, target: str, path: Path) -> None:
    """Draw the confusion matrix, in percent of each true class, and save it as a PNG."""
    from matplotlib.figure import Figure

    counts = np.array(result.matrix)
    rates = 100 * counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    size = 1.8 + 0.45 * len(rates)
    figure = Figure(figsize=(size + 1, size), layout="constrained")
    axis = figure.subplots()
    axis.imshow(rates, cmap="Blues", vmin=0, vmax=100)
    for row, column in np.ndindex(rates.shape):
        if rates[row, column] >= 0.5:
            colour = "white" if rates[row, column] > 55 else "black"
            axis.text(
                column, row, f"{rates[row, column]:.0f}", ha="center", va="center", color=colour
            )
    axis.set_xticks(range(len(rates)), result.classes, rotation=45, ha="right")
    axis.set_yticks(range(len(rates)), result.classes)
    axis.set_xlabel(f"{target} as classified")
    axis.set_ylabel(f"true {target}")
    axis.set_title(f"test clips, % of each row; accuracy {result.accuracy:.1%}", fontsize=10)
    figure.savefig(path, dpi=90, metadata={"Software": None})
