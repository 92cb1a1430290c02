"""A study's answers in the forms of others: webMUSHRA's CSV, Music Arena's JSON, Parquet for the Hub.

Listeners are salted hashes in all of them. webMUSHRA's two files have the columns that its
``service/write.php`` writes, with one field of the participant: that hash. Music Arena's are one
``Battle`` a line, as its ``music_arena.dataclass.arena`` reads them.
"""

from __future__ import annotations

import csv
import json
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from curation.files import check_writable, whole, write_whole
from studio.study.design import UNSTEERED
from studio.study.lots import TIE
from studio.study.report import read_kept_trials
from studio.study.stimuli import Stimuli, read_stimuli
from studio.study.tables import hashed, tables
from studio.study.trials import Kept

MUSHRA = ["session_test_id", "listener", "session_uuid", "trial_id", "rating_stimulus", "rating_score",
          "rating_time", "rating_comment"]  # fmt: skip
PAIRED = ["session_test_id", "listener", "trial_id", "choice_reference", "choice_non_reference",
          "choice_answer", "choice_time", "choice_comment"]  # fmt: skip
_PREFERENCES = {"a": "A", "b": "B", TIE: "TIE"}


def export(folder: Path, out: Path) -> Iterator[str]:
    """Write all forms of the study in a folder; a line of each file.

    Raises:
        BadInput: it is no study, nobody has begun it, or nothing may be written there.
    """
    stimuli, kept = read_stimuli(folder), read_kept_trials(folder)
    check_writable(out)
    for name, heads, rows in (
        ("mushra.csv", MUSHRA, list(_mushra(stimuli, kept))),
        ("paired_comparison.csv", PAIRED, list(_paired(stimuli, kept))),
    ):
        path = out / "webmushra" / stimuli.design.name / name
        with whole(path) as part, part.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([heads, *rows])
        yield f"{path}: {len(rows)} rows"
    battles = [json.dumps(_battle(stimuli, one)) for one in kept if one.asked.kind == "preference"]
    path = out / "music-arena" / "battles.jsonl"
    write_whole(path, "".join(f"{one}\n" for one in battles))
    yield f"{path}: {len(battles)} battles"
    yield _dataset(stimuli, kept, out / "hub")


def _mushra(stimuli: Stimuli, kept: Sequence[Kept]) -> Iterator[list[Any]]:
    """A row a rating; the unsteered copy is webMUSHRA's hidden reference."""
    for one in kept:
        if one.asked.kind not in ("strength", "quality"):
            continue
        name = hashed(stimuli, one.listener)
        for label, condition in zip(one.asked.labels, one.asked.shown, strict=True):
            stimulus = "reference" if condition == UNSTEERED else condition
            yield [
                stimuli.design.name, name, _uuid(stimuli, one.listener), f"{one.asked.item}/{one.asked.kind}",
                stimulus, round(one.said["scores"][label]), round(1000 * one.seconds), "",
            ]  # fmt: skip


def _paired(stimuli: Stimuli, kept: Sequence[Kept]) -> Iterator[list[Any]]:
    """A row a pair. ``correct`` is, as there, who chose what X was; of preferences, the unsteered side."""
    for one in kept:
        if one.asked.kind not in ("abx", "preference"):
            continue
        shown = dict(zip(one.asked.labels, one.asked.shown, strict=True))
        if one.asked.kind == "abx":
            reference, chosen = shown["x"], shown[one.said["x"]]
            other = next((name for name in one.asked.shown if name != reference), reference)
        else:
            sides = sorted(one.asked.shown, key=lambda name: name != UNSTEERED)
            reference, other = sides
            chosen = shown.get(one.said["prefer"], TIE)
        answer = "undecided" if chosen == TIE else "correct" if chosen == reference else "incorrect"
        yield [
            stimuli.design.name, hashed(stimuli, one.listener), f"{one.asked.item}/{one.asked.kind}",
            reference, other, answer, round(1000 * one.seconds), "",
        ]  # fmt: skip


def _battle(stimuli: Stimuli, one: Kept) -> dict[str, Any]:
    """A preference as Music Arena keeps it."""
    shown, item = one.at - one.seconds, stimuli.of_item(one.asked.item)
    who = hashed(stimuli, one.listener)

    def heard(label: str) -> list[list[Any]]:
        spans = [(began, ended) for name, began, ended in one.heard if name == label]
        return [
            [event, round(shown + at, 3)]
            for began, ended in spans
            for event, at in (("PLAY", began), ("PAUSE", ended))
        ]

    def side(place: int) -> dict[str, Any]:
        name = one.asked.shown[place]
        return {
            "system_key": {"system_tag": name, "variant_tag": stimuli.design.name},
            "system_git_hash": stimuli.version, "sample_rate": stimuli.sample_rate, "num_channels": 1,
            "duration": stimuli.design.seconds, "checksum": stimuli.files[item.name][name],
        }  # fmt: skip

    return {
        "uuid": _uuid(stimuli, one.trial),
        "prompt": {"prompt": item.prompt},
        "prompt_detailed": {
            "overall_prompt": item.prompt, "instrumental": True, "lyrics": None,
            "duration": stimuli.design.seconds, "bpm": None,
        },
        "prompt_user": {"salted_ip": who},
        "prompt_session": {"uuid": _uuid(stimuli, one.listener), "create_time": round(shown, 3)},
        "prompt_prebaked": True,
        "prompt_routed": False,
        "a_metadata": side(0),
        "b_metadata": side(1),
        "vote": {
            "a_listen_data": heard("a"), "b_listen_data": heard("b"),
            "preference": _PREFERENCES[one.said["prefer"]], "preference_time": round(one.at, 3),
        },
        "vote_user": {"salted_ip": who},
        "vote_session": {"uuid": _uuid(stimuli, one.listener), "create_time": round(shown, 3)},
    }  # fmt: skip


def _dataset(stimuli: Stimuli, kept: Sequence[Kept], out: Path) -> str:
    """Every trial a row of ``data/trials.parquet``, with a card that the Hub shows."""
    from pyarrow import Table, parquet

    counted = set(tables(stimuli, kept).counted)
    rows = [_row(stimuli, one, counted) for one in kept]
    path = out / "data" / "trials.parquet"
    with whole(path) as part:
        parquet.write_table(Table.from_pylist(rows), part, compression="zstd")
    write_whole(out / "README.md", _card(stimuli, len(rows), len(counted)))
    return f"{path}: {len(rows)} trials"


def _row(stimuli: Stimuli, one: Kept, counted: set[str]) -> dict[str, Any]:
    name = hashed(stimuli, one.listener)
    return {
        "listener": name, "counted": name in counted, "place": one.place, "kind": one.asked.kind,
        "item": one.asked.item, "catch": one.asked.catch,
        "shown": [{"label": label, "condition": condition}
                  for label, condition in zip(one.asked.labels, one.asked.shown, strict=False)],
        "said": json.dumps(one.said, sort_keys=True), "seconds": one.seconds, "givings": one.givings,
        "plays": one.plays, "switches": one.switches,
        "heard": [{"label": label, "from": began, "to": ended} for label, began, ended in one.heard],
        "version": one.version,
    }  # fmt: skip


def _card(stimuli: Stimuli, rows: int, counted: int) -> str:
    design = stimuli.design
    return f"""---
pretty_name: {json.dumps(design.title)}
license: cc-by-4.0
tags: [music, listening-test, preference, audio]
configs:
  - config_name: default
    data_files: data/trials.parquet
---

# {design.title}

{rows} answered trials of a blind listening study; {counted} of {design.listeners} planned listeners count by the
rules that its design had fixed. One row a trial: what stood under each label, what was said, after how many
seconds, what was played from when to when. Listeners are salted hashes; nothing else about them was kept.
"""


def _uuid(stimuli: Stimuli, name: str) -> str:
    """A stable random-looking id of something that is itself a secret."""
    return str(uuid.uuid5(uuid.UUID(bytes=stimuli.secret[:16]), name))
