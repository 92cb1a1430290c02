"""Judges on music by people: on rendered scores beside our songs, and on recordings of a corpus.

Of each judge the error on clips whose score is known, plain and through the codec, on our songs of the
same length. Of recordings with labels, how often a judge agrees with them; of all recordings that are
long enough, how often it says the same of both halves, beside halves of different recordings.
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from curation.errors import BadInput
from curation.extras import need
from curation.files import write_whole
from listening.agreement import tempo_agreement
from listening.intervals import interval
from steering.activations.sources import STRETCHES, RecordedSource, open_source
from steering.evaluation.study import Study
from steering.evaluation.truth import trials, tried
from steering.metrics.judges import hear_tempo, hear_tonality
from steering.metrics.verdict import OwnError, Verdict
from steering.models.interface import MusicModel

ABOUT = (
    "How often each judge is right, with Wilson's 95 % interval: on clips of scores by people (Bach's "
    "chorales, fiddle tunes; the test split), and on clips of our songs, equally long. Through the codec: "
    "encoded and decoded, as generated clips are."
)


@dataclass(frozen=True)
class Row:
    """A judge in one trial: on music by people and on our songs, plain and through the codec."""

    name: str
    seconds: float
    people: OwnError
    ours: OwnError
    people_decoded: OwnError
    ours_decoded: OwnError

    @property
    def line(self) -> str:
        """As a report says it."""
        return (
            f"{_rate(self.people)} right on {self.people.clips} clips of {self.seconds:g} s, "
            f"{_rate(self.people_decoded)} through the codec; on our songs, equally long, "
            f"{_rate(self.ours)} and {_rate(self.ours_decoded)}"
        )


def rows(
    model: MusicModel, clips: int, told: Callable[[str], None] = lambda line: None
) -> Iterator[Row]:
    """Every trial that is kept, beside the same on our songs."""
    for name, trial in trials().items():
        if trial.kept:
            own = replace(trial, dataset="songs")
            pair = [tried(one, clips, through) for through in (None, model) for one in (trial, own)]
            row = Row(name, trial.seconds, *pair)
            told(f"{name}: {row.line}")
            yield row


@dataclass(frozen=True)
class Heard:
    """A clip of a recording: its labels, and what the judges of key and tempo say of it."""

    labels: Mapping[str, Any]
    key: Verdict
    tempo: Verdict


def recorded(source: RecordedSource) -> list[str]:
    """What can be told of recordings: agreement with labels, and between two halves."""
    heard: dict[str, list[Heard]] = {}
    for clip in source.read(0):
        name = str(clip.labels["clip_id"]).rpartition("-")[0]
        sound = (clip.audio, clip.sample_rate)
        one = Heard(clip.labels, hear_tonality(*sound), hear_tempo(*sound))
        heard.setdefault(name, []).append(one)
    clips = [one for several in heard.values() for one in several]
    whole = [several for several in heard.values() if len(several) == STRETCHES]
    pairs = [(one[0], one[-1]) for one in whole]
    turned = [(a[0], b[1]) for a, b in zip(pairs, pairs[1:] + pairs[:1], strict=True)]
    by = source.corpus.grouping
    lines = [f"{source.name}: {len(clips)} clips of {len(heard)} recordings, grouped by {by}"]
    keys = [one.key.heard == said for one in clips if (said := _key_said(one.labels))]
    tempi = [_tempo_agrees(one) for one in clips if one.labels.get("bpm") is not None]
    for what, agreed in (("key", keys), ("tempo", tempi)):
        lines += [f"{what} as labelled: {_share(agreed)}"] if agreed else []
    for halves, which in ((pairs, "both halves"), (turned, "halves of two recordings")):
        if len(halves) > 1:
            same = [_alike(a.key, b.key) for a, b in halves]
            lines.append(f"the same key heard in {which}: {_share(same)}")
            same = [_alike(a.tempo, b.tempo) for a, b in halves]
            lines.append(f"the same tempo heard in {which}: {_share(same)}")
    return lines


def _key_said(labels: Mapping[str, Any]) -> str | None:
    tonic, mode = labels.get("key"), labels.get("mode")
    return f"{tonic} {mode}" if tonic and mode else None


def _tempo_agrees(one: Heard) -> bool:
    heard = one.tempo.number
    return heard is not None and tempo_agreement(heard, float(one.labels["bpm"])) == "same"


def _alike(one: Verdict, other: Verdict) -> bool:
    """Whether a judge says the same twice; what it hears nothing in is like nothing."""
    if one.number is not None and other.number is not None:
        return tempo_agreement(one.number, other.number) == "same"
    return one.heard is not None and one.heard == other.heard


def _share(hits: Sequence[bool]) -> str:
    low, high = interval(sum(hits), len(hits))
    return f"{sum(hits) / len(hits):.0%} of {len(hits)} ({low:.0%} to {high:.0%})"


def _rate(one: OwnError) -> str:
    low, high = interval(one.right, one.clips)
    return f"{one.share:.0%} ({low:.0%} to {high:.0%})"


def page(made: Sequence[Row], recordings: Sequence[Sequence[str]]) -> str:
    """The report in Markdown."""
    lines = ["# Judges on music by people", "", ABOUT, ""]
    head = ("judge of", "s", "clips", "by people", "ours", "by people, decoded", "ours, decoded")
    lines += ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for row in made:
        four = (row.people, row.ours, row.people_decoded, row.ours_decoded)
        counts = f"{row.people.clips}, {row.ours.clips}"
        cells = [row.name, f"{row.seconds:g}", counts, *map(_rate, four)]
        lines.append("| " + " | ".join(cells) + " |")
    for about, *found in recordings:
        lines += ["", f"## {about}", "", *(f"- {line}" for line in found)]
    return "\n".join(lines) + "\n"


def report(
    loaded: Callable[[], MusicModel], options: Namespace, told: Callable[[str], None]
) -> str:
    """The page, kept with its numbers; `truth.KEPT` is where a clone keeps it.

    Raises:
        BadInput: a dataset is no folder of recordings, or music21 is not installed.
    """
    need("scores")
    sources = [open_source(name) for name in options.datasets or ()]
    for source in sources:
        if not isinstance(source, RecordedSource):
            raise BadInput(f"{source.name} is no recorded corpus: give a folder with labels.csv")
    model = loaded()
    made = list(rows(model, options.truth_clips, told))
    recordings = [recorded(one) for one in sources if isinstance(one, RecordedSource)]
    text = page(made, recordings)
    folder = options.out or options.home / "judges"
    folder.mkdir(parents=True, exist_ok=True)
    kept = {
        "facts": {"model": model.origin.model, "revision": model.origin.revision},
        "lines": {row.name: row.line for row in made},
        "recordings": recordings,
    }
    write_whole(folder / "report.json", json.dumps(kept, indent=1) + "\n")
    write_whole(folder / "report.md", text)
    return text


study = Study("judges", alone=report)
