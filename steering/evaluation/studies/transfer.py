"""Transfer: probes of one corpus tested on another, beside the corpus's own and a shuffled control."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

from curation.errors import BadInput
from steering.activations.reader import read_source
from steering.activations.sources import open_source
from steering.evaluation.probe_table import SPLITS, compared
from steering.evaluation.study import Study
from steering.evaluation.transfer import LABELS, Read, entries, pairs
from steering.evaluation.transfer_table import Entry, draw, in_order, load, page, save
from steering.models.interface import MusicModel
from steering.probes import get_method


def run(
    model: MusicModel,
    datasets: Sequence[str],
    store: Path,
    path: Path,
    batch: int,
    told: Callable[[str], None],
    tried: Sequence[str],
) -> list[Entry]:
    """Every pair of corpora, label, split and method; those in ``path`` already are not made again.

    Raises:
        BadInput: no two of the corpora share a label that probes can be fitted on.
    """
    sources = [open_source(name) for name in datasets]
    facts = {"model": model.origin.model, "revision": model.origin.revision}
    facts |= {one.name: f"{one.clips} clips, {one.fingerprint[:16]}" for one in sources}
    read = [Read.of(one.name, read_source(model, one, store, "second", batch)) for one in sources]
    found = load(path, facts)
    known = {one.kind for one in found}
    for one, other in pairs(read):
        for label in LABELS:
            for by in SPLITS:
                for method in tried:
                    if (one.name, other.name, label, by, method) in known:
                        continue
                    for entry in entries(one, other, label, by, method):
                        found.append(entry)
                        told(f"{' '.join(entry.kind)}: {entry.found}")
                    found = in_order(found, LABELS)
                    save(path, found, facts)
    if not found:
        raise BadInput(
            f"{', '.join(one.name for one in read)} share no label of {', '.join(LABELS)} with "
            "enough clips: name corpora that do"
        )
    draw(found, path.parent)
    return found


def report(
    loaded: Callable[[], MusicModel], options: Namespace, told: Callable[[str], None]
) -> str:
    """The table of the corpora that the options name.

    Raises:
        BadInput: they name fewer than two, or a method that is no probe.
    """
    for method in options.methods or ():
        get_method(method)
    if len(options.datasets or ()) < 2:
        raise BadInput(
            "evaluate transfer needs two --datasets or more: builds, or recorded corpora"
        )
    path = (options.out or options.home / "transfer") / "report.json"
    tried = [method for method in compared() if method in (options.methods or compared())]
    store = options.builds / "activations"
    return page(run(loaded(), options.datasets, store, path, options.batch, told, tried))


study = Study("transfer", alone=report)
