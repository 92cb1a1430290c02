"""What a card says of a build, as plain numbers: counted from the data, kept as JSON."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from curation.checks import Audit
from curation.errors import BadInput
from curation.folder import Built
from curation.splits import SPLITS


def gather(built: Built, audit: Audit | None) -> dict[str, Any]:
    """Count a build's rows by split, label class and group.

    Raises:
        BadInput: a label of a clip is missing or no number.
    """
    family = built.family
    clips: Counter[str] = Counter()
    random: Counter[str] = Counter()
    groups: dict[str, set[str]] = defaultdict(set)
    counts: dict[str, dict[str, Counter[str]]] = {
        name: defaultdict(Counter) for name, label in family.labels.items() if label.classes
    }
    spans: dict[str, list[float]] = {}
    for split, row in built.rows():
        clips[split] += 1
        random[row["random_split"]] += 1
        groups[split].add(row["split_group"])
        for name, label in family.labels.items():
            if label.classes:
                counts[name][row[name]][split] += 1
            else:
                value = _number(row, name)
                low, high = spans.get(name, (value, value))
                spans[name] = [min(low, value), max(high, value)]
    return {
        "recipe": {**built.recipe.__dict__},
        "fingerprint": built.recipe.fingerprint,
        "seconds": family.spec(built.recipe.seed, 0).seconds,
        "bytes": built.bytes,
        "clips": {split: clips[split] for split in SPLITS},
        "random_split": {split: random[split] for split in SPLITS},
        "groups": {
            split: sorted(names) if len(names) <= 100 else len(names)
            for split, names in sorted(groups.items())
        },
        "counts": {
            name: {
                value: [by_value[value][split] for split in SPLITS]
                for value in family.labels[name].classes
                if value in by_value
            }
            for name, by_value in counts.items()
        },
        "ranges": spans,
        "dropped": {reason: len(ids) for reason, ids in built.dropped.items()},
        "check": audit.__dict__ if audit else None,
    }


def _number(row: dict[str, Any], name: str) -> float:
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput(f"a clip has {value!r:.40} for a {name}: build the dataset again")
    return value
