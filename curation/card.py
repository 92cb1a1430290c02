"""The dataset card: a pure function of a family and the facts of a build."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from curation import answers
from curation.checks import Audit, tables
from curation.checksums import SUMS_FILE
from curation.croissant import CROISSANT_FILE
from curation.datasheet import DATASHEET_FILE
from curation.files import in_bytes
from curation.release import release_of
from curation.snippets import snippets
from curation.spec import Family
from curation.splits import SPLITS

LICENCE = "cc-by-4.0"
OVERVIEW_FILE = "overview.png"
CONFUSION_FILE = "confusion.png"
MANY_CLASSES = 40
_SIZES = ("1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T")
"""Where the Hub's size tags end: 1,000 clips, and ten times as many each time."""


def card(family: Family, facts: dict[str, Any]) -> str:
    """The card as Markdown with the Hub's YAML head; ``facts`` as `curation.facts.gather` counts."""
    sections = [
        _head(family, facts),
        _introduction(family, facts),
        _loading(family, facts),
        _splits(family, facts),
        _labels(family, facts),
        _making(family, facts),
        _hearing(facts),
        _classifier(family, facts),
        _limits(family),
        _licence(family, facts),
        _citation(family, facts),
    ]
    return "\n\n".join(section.strip() for section in sections if section.strip()) + "\n"


def _head(family: Family, facts: dict[str, Any]) -> str:
    clips = sum(facts["clips"].values())
    files = "\n".join(
        f"      - split: {split}\n        path: data/{split}-*.parquet"
        for split in SPLITS
        if facts["clips"][split]
    )
    return f"""---
pretty_name: {family.title}
license: {LICENCE}
language:
  - en
task_categories:
  - audio-classification
tags:
  - music
  - synthetic
  - midi
  - music-theory
  - interpretability
size_categories:
  - {size_category(clips)}
configs:
  - config_name: default
    data_files:
{files}
---"""


def _introduction(family: Family, facts: dict[str, Any]) -> str:
    clips = sum(facts["clips"].values())
    minutes = clips * facts["seconds"] / 60
    length = f"{minutes / 60:.1f} hours" if minutes > 60 else f"{minutes:.1f} minutes"
    recipe = facts["recipe"]
    return f"""# {family.title}

{family.summary}

{clips:,} clips of {facts["seconds"]:g} s ({length}, {in_bytes(facts["bytes"])}), \
{recipe["sample_rate"]:,} Hz mono FLAC, each with its MIDI file, a caption and exact labels. \
Preset `{recipe["preset"]}`, seed {recipe["seed"]}.

![Log-mel spectrograms, one column a label]({OVERVIEW_FILE})"""


def _loading(family: Family, facts: dict[str, Any]) -> str:
    blocks = [
        f"With {library}:\n\n```python\n{code}\n```"
        for library, code in snippets(family, facts).items()
    ]
    return "\n\n".join(
        [
            "## Load it",
            *blocks,
            'Without an audio decoder: `clips.cast_column("audio", datasets.Audio(decode=False))` gives '
            'the FLAC bytes, which `soundfile` reads. `clip["midi"]` is a standard MIDI file. Beside '
            f"the shards, `{CROISSANT_FILE}` describes them to machines, and `sha256sum -c {SUMS_FILE}` "
            "says whether they came whole. `python -m curation export` writes them as WebDataset tars, "
            "or as files that mirdata reads.",
        ]
    )


def _splits(family: Family, facts: dict[str, Any]) -> str:
    grouped = facts["recipe"]["split"] == "grouped"
    rows = []
    for split in SPLITS:
        groups = facts["groups"].get(split, [])
        names = f"{groups:,} groups" if isinstance(groups, int) else ", ".join(groups) or "-"
        rows.append((split, f"{facts['clips'][split]:,}", names))
    how = (
        f"No split group stands in two splits. A group is {family.grouping}: a probe cannot score "
        "on test clips by leaning on it."
        if grouped
        else "The split is plainly random: groups do cross, as in published work."
    )
    random = ", ".join(f"{facts['random_split'][split]:,} {split}" for split in SPLITS)
    return f"""## Splits

{how} The column `split_group` records it. The column `random_split` holds a plain random division \
({random}), for comparison with published numbers: \
`clips.filter(lambda c: c["random_split"] == 0)`.

{_table(("split", "clips", "groups"), rows)}"""


def _labels(family: Family, facts: dict[str, Any]) -> str:
    rows = []
    for name, label in family.labels.items():
        if label.classes:
            kind = f"{len(label.classes)} classes"
        else:
            low, high = facts["ranges"].get(name, (0, 0))
            kind = f"{low:g} to {high:g}"
        rows.append((f"`{name}`", label.description, kind))
    parts = ["## Labels", _table(("column", "meaning", "values"), rows)]
    for name in _counted(family, facts):
        counts = facts["counts"][name]
        body = [(value, *(f"{n:,}" for n in by_split)) for value, by_split in counts.items()]
        parts.append(
            f"<details><summary>Clips per <code>{name}</code> and split</summary>\n\n"
            f"{_table((name, *SPLITS), body)}\n\n</details>"
        )
    return "\n\n".join(parts)


def _counted(family: Family, facts: dict[str, Any]) -> list[str]:
    names = [n for n, counts in facts["counts"].items() if 1 < len(counts) <= MANY_CLASSES]
    return sorted(names, key=lambda name: name != family.target)


def _making(family: Family, facts: dict[str, Any]) -> str:
    recipe = facts["recipe"]
    fonts = "\n".join(f"- {name}, SHA-256 `{sha256}`" for name, sha256 in recipe["sound_fonts"])
    varied = (
        f"Nuisance variation is on: {', '.join(recipe['vary'])}."
        if recipe["vary"]
        else "Nuisance variation is off."
    )
    dropped = facts["dropped"]
    return f"""## How it was made

{family.making.notes}

{fonts}

{varied} {dropped["silent"]:,} clips were silent and {dropped["incomplete"]:,} had notes that the \
sound font cannot play; both were dropped (`dropped.json` lists them). {dropped["clipped"]:,} clips \
were turned down so as not to clip (`gain_db`). Made again with

```sh
{answers.command(facts)}
```

which gives the same bytes (recipe fingerprint `{facts["fingerprint"][:16]}`)."""


def _hearing(facts: dict[str, Any]) -> str:
    if not facts["check"]:
        return ""
    audit = Audit(**facts["check"])
    rows = [
        (name, outcome, str(trials), f"{rate:.1%}", f"{low:.1%} to {high:.1%}")
        for name, outcome, trials, rate, (low, high) in tables(audit)
    ]
    faults = "\n".join(f"- {fault}" for fault in audit.faults) or "- No fault found."
    notes = "\n".join(f"- {note}" for note in audit.notes)
    text = f"""## Checked

`python -m curation check` read all {audit.clips:,} clips:

{faults}
{notes}"""
    if rows:
        text += f"""

Labels heard again from the sound alone, on a random sample (`octave`: the tempo is off by a factor \
of 2 or 3), with 95 % intervals. This is the error of the ear as much as of the labels:

{_table(("label", "heard", "clips", "rate", "interval"), rows)}"""
    return text


def _classifier(family: Family, facts: dict[str, Any]) -> str:
    result = facts.get("classifier")
    if not result:
        return ""
    low, high = result["interval"]
    return f"""## How far plain audio statistics go

A linear classifier of log-mel statistics, trained on the train split, names `{family.target}` on \
{result["accuracy"]:.1%} of the {result["clips"]:,} test clips (95 % interval {low:.1%} to \
{high:.1%}; chance {result["chance"]:.1%}), none of whose groups it has seen \
(`python -m curation classify`).

![Confusion matrix]({CONFUSION_FILE})"""


def _limits(family: Family) -> str:
    lines = "\n".join(f"- {limit}" for limit in answers.limits(family))
    return f"## Known limits\n\n{lines}\n\nWhat it is for and what not: [the datasheet]({DATASHEET_FILE})."


def _licence(family: Family, facts: dict[str, Any]) -> str:
    text = f"""## Licence

The clips, labels and captions are under CC BY 4.0. Sound fonts: {"; ".join(answers.fonts(facts))}."""
    if family.sources:
        text += f" The clips follow {'; '.join(family.sources)}, and were made anew."
    return text


def _citation(family: Family, facts: dict[str, Any]) -> str:
    return f"## Cite it\n\n```bibtex\n{release_of(facts).bibtex(family)}\n```"


def size_category(clips: int) -> str:
    """The Hub's tag for so many clips.

    >>> size_category(999), size_category(1_000_000), size_category(2 * 10**12)
    ('n<1K', '1M<n<10M', 'n>1T')
    """
    reached = min(max(0, len(str(clips)) - 3), len(_SIZES))
    if reached in (0, len(_SIZES)):
        return f"n>{_SIZES[-1]}" if reached else f"n<{_SIZES[0]}"
    return f"{_SIZES[reached - 1]}<n<{_SIZES[reached]}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
