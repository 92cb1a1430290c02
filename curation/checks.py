"""Audit a built folder: files, sound, duplicates, splits, and the labels heard from the sound."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from curation.checksums import SUMS_FILE, changed, read_sums
from curation.files import check_writable, read_kept, write_whole
from curation.folder import Built, Damaged, decode
from curation.spec import seed_for
from curation.splits import leaks
from curation.verdicts import verdict
from listening.intervals import interval
from listening.levels import SILENT_DBFS, dbfs

CHECK_FILE = "check.json"
FULL_SCALE_RUN = 3
"""This many samples in a row at full scale count as clipping."""


@dataclass
class Audit:
    """What a check found.

    Attributes:
        clips: number of clips that were read.
        faults: what must not be, in words, with an example each.
        notes: what a reader should know but need not mend.
        heard: per label, how many clips gave each outcome; pitch classes a second time for the
            notes from MIDI 36 to 96, where instruments have a clear pitch.
        sha256: of the shards that were read; a check says nothing of others.
    """

    clips: int = 0
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    heard: dict[str, dict[str, int]] = field(default_factory=dict)
    sha256: str = ""

    @property
    def passed(self) -> bool:
        return not self.faults


def check(
    built: Built, *, listen: int = 500, progress: Callable[[int], None] = lambda clips: None
) -> Audit:
    """Read every clip of a build and listen to some.

    Args:
        listen: clips to listen to, picked at random with the recipe's seed.
        progress: called with the number of clips that were just read.

    Raises:
        BadInput: the folder does not take the findings, or its SHA256SUMS is damaged; it is said
            before a clip is read.
    """
    check_writable(built.folder)
    audit = Audit()
    others = changed(built.folder)
    rows: list[tuple[str, dict[str, Any]]] = []
    sounds: dict[str, list[int]] = defaultdict(list)
    to_hear = _pick(built, listen)
    problems: dict[str, list[str]] = defaultdict(list)
    for split, row, audio, rate in _clips(built, problems):
        for problem in _faults_of(audio, rate, built):
            problems[problem].append(row["clip_id"])
        sounds[hashlib.sha256(audio.tobytes()).hexdigest()].append(len(rows))
        if row["clip_id"] in to_hear:
            _listen(audit, built, row, audio, rate)
        rows.append((split, row))
        progress(1)
    audit.clips = len(rows)
    audit.faults += [f"{len(ids)} {problem}, such as {ids[0]}" for problem, ids in problems.items()]
    _check_duplicates(audit, built, rows, list(sounds.values()))
    _check_splits(audit, built, rows)
    _check_counts(audit, built, rows)
    _check_sums(audit, built, others)
    audit.sha256 = built.sha256()
    write_whole(built.folder / CHECK_FILE, json.dumps(audit.__dict__, indent=1) + "\n")
    return audit


def read_audit(built: Built) -> Audit | None:
    """The last check's findings; None where none was made, or the shards are others by now.

    Raises:
        BadInput: the findings are damaged.
    """
    audit = read_kept(built.folder / CHECK_FILE, Audit, "check the folder again")
    return audit if audit and audit.sha256 == built.sha256() else None


def _clips(
    built: Built, problems: dict[str, list[str]]
) -> Iterator[tuple[str, dict[str, Any], np.ndarray, int]]:
    rows = built.rows([*_light_columns(built), "audio"])
    while True:
        try:
            split, row = next(rows)
        except StopIteration:
            return
        except Damaged as error:
            problems["damaged shards"].append(str(error))
            return
        try:
            audio, rate = decode(row.pop("audio"))
        except Damaged:
            problems["clips that do not decode"].append(row["clip_id"])
            continue
        yield split, row, audio, rate


def _light_columns(built: Built) -> list[str]:
    return ["clip_id", "source_id", "split_group", "random_split", *built.family.labels]


def _faults_of(audio: np.ndarray, rate: int, built: Built) -> Iterator[str]:
    seconds = built.family.spec(built.recipe.seed, 0).seconds
    if rate != built.recipe.sample_rate:
        yield "clips at another sample rate"
    if len(audio) != round(seconds * rate):
        yield "clips of another duration"
    full = np.abs(audio.astype(np.int32)) >= 32767
    if np.convolve(full, np.ones(FULL_SCALE_RUN), "valid").max(initial=0) >= FULL_SCALE_RUN:
        yield "clipped clips"
    if dbfs(float(np.abs(audio.astype(np.int32)).max(initial=0)) / 32767) < SILENT_DBFS:
        yield "silent clips"


def _pick(built: Built, count: int) -> set[str]:
    try:
        ids = [row["clip_id"] for _, row in built.rows(["clip_id"])] if count else []
    except Damaged:  # which is told when every clip is read
        return set()
    ids.sort(key=lambda clip: seed_for(built.recipe.seed, "listen", clip))
    return set(ids[:count])


def _listen(audit: Audit, built: Built, row: dict[str, Any], audio: np.ndarray, rate: int) -> None:
    sound = audio.astype(np.float32) / 32767
    for name, label in built.family.labels.items():
        if label.heard_by is None:
            continue
        outcome = verdict(name, label, row, sound, rate).outcome
        tallies = [name]
        if label.heard_by == "pitch_class" and 36 <= row.get("pitch", 60) <= 96:
            tallies.append(f"{name}, MIDI 36 to 96")
        for tally in tallies:
            counts = audit.heard.setdefault(tally, {})
            counts[outcome] = counts.get(outcome, 0) + 1


def _check_duplicates(
    audit: Audit, built: Built, rows: list[tuple[str, dict[str, Any]]], sounds: list[list[int]]
) -> None:
    twins = [places for places in sounds if len(places) > 1]
    across = [places for places in twins if len({rows[place][0] for place in places}) > 1]
    if across:
        example = " and ".join(rows[place][1]["clip_id"] for place in across[0])
        audit.faults.append(f"{len(across)} sounds stand in two splits, such as {example}")
    if twins:
        names = list(built.family.labels)
        differing = sum(
            len({tuple(rows[place][1][name] for name in names) for place in places}) > 1
            for places in twins
        )
        audit.notes.append(
            f"{len(twins)} sounds occur more than once within a split, "
            f"{differing} of them with different labels"
        )


def _check_splits(audit: Audit, built: Built, rows: list[tuple[str, dict[str, Any]]]) -> None:
    for column in ("split_group", "source_id"):
        crossing = leaks((row[column], split) for split, row in rows)
        if not crossing:
            continue
        words = f"{len(crossing)} values of {column} stand in two splits, such as {min(crossing)}"
        if built.recipe.split == "grouped":
            audit.faults.append(words)
        else:
            audit.notes.append(words + " (the split is random by choice)")


def _check_counts(audit: Audit, built: Built, rows: list[tuple[str, dict[str, Any]]]) -> None:
    target = built.family.target
    found = Counter((split, row[target]) for split, row in rows)
    if built.recipe.clips < len(built.family.labels[target].classes) * 10:
        return  # too few clips for every class to be in every split
    for split in {shard.split for shard in built.shards}:
        absent = [c for c in built.family.labels[target].classes if not found[split, c]]
        if absent:
            audit.faults.append(f"the {split} split has no {target} {', '.join(absent)}")


def _check_sums(audit: Audit, built: Built, others: list[str]) -> None:
    if others:
        audit.faults.append(
            f"{len(others)} files are not what {SUMS_FILE} says, such as {others[0]}: remove it and "
            "build again"
        )
    elif not read_sums(built.folder):
        audit.notes.append(f"there is no {SUMS_FILE}: the build command writes it")


def tables(audit: Audit) -> Iterator[tuple[str, str, int, float, tuple[float, float]]]:
    """Each heard label's outcomes: label, outcome, clips, rate and its 95 % interval."""
    for name, outcomes in audit.heard.items():
        trials = sum(outcomes.values())
        for outcome in ("same", "octave", "wrong", "not heard"):
            if hits := outcomes.get(outcome, 0):
                yield name, outcome, trials, hits / trials, interval(hits, trials)
