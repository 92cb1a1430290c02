"""Probes across corpora: what is shared is found, what differs is told, and luck is not transfer."""

from __future__ import annotations

from argparse import Namespace

import numpy as np
import pytest
import torch

from curation.errors import BadInput
from steering.evaluation.studies import get_study, transfer
from steering.evaluation.transfer import Read, entries, load, page, pairs, save, shared

LAYERS, SIZE, CLIPS = 2, 12, 240
NAMES = ("C", "D", "E")
SPLITS = ("train", "train", "validation", "test")


def corpus(name: str, seed: int, turned: bool = False, offset: float = 0.0) -> Read:
    """Clips with a class along an axis of its own and a tempo along another; two clips a group.

    ``turned`` takes other axes, ``offset`` moves the whole corpus.
    """
    rng = np.random.default_rng(seed)
    classes = rng.integers(len(NAMES), size=CLIPS)
    bpm = rng.uniform(60, 140, CLIPS)
    x = rng.normal(0, 0.5, (CLIPS, LAYERS, SIZE))
    first = 6 if turned else 0
    x[np.arange(CLIPS), :, first + classes] += 2.0
    x[:, :, first + 3] += (bpm[:, None] - 100) / 20
    x[:, :, 4] += offset
    x[:, :, 0] += offset
    rows = [
        {"key": NAMES[k], "bpm": float(b), "clip_id": str(n), "split_group": f"g{n // 2}",
         "split": SPLITS[n // 2 % 4], "random_split": SPLITS[rng.integers(4)]}
        for n, (k, b) in enumerate(zip(classes, bpm, strict=True))
    ]  # fmt: skip
    return Read(name, torch.from_numpy(x.astype(np.float32)), rows)


def cells(one: Read, other: Read, label: str = "key", method: str = "ridge") -> dict:
    return {(e.trained, e.tested): e for e in entries(one, other, label, "split", method)}


@pytest.mark.parametrize("method", ["ridge", "logistic", "mean_difference"])
def test_what_two_corpora_share_is_told_in_both_directions(method):
    found = cells(corpus("a", 0), corpus("b", 1), method=method)
    assert len(found) == 4
    for (trained, tested), one in found.items():
        assert one.found.mean > 0.85 and one.found.low > one.chance
        assert one.shuffled.mean < 0.6
        assert one.clips == (60 if trained == tested else CLIPS)
        assert one.groups == one.clips // 2


def test_what_stands_elsewhere_does_not_transfer_though_each_tells_its_own():
    found = cells(corpus("a", 0), corpus("b", 1, turned=True))
    assert found["a", "a"].found.mean > 0.85 and found["b", "b"].found.mean > 0.85
    assert found["a", "b"].found.mean < 0.55 and found["b", "a"].found.mean < 0.55


def test_a_corpus_that_is_merely_moved_is_told_once_it_is_centred():
    one = cells(corpus("a", 0), corpus("b", 1, offset=8.0), method="mean_difference")["a", "b"]
    assert one.found.mean < 0.6 and one.centred.mean > 0.85


def test_numbers_are_told_by_rank_and_in_their_own_unit():
    found = cells(corpus("a", 0), corpus("b", 1), "bpm")
    assert found["a", "b"].found.mean > 0.8 and found["a", "b"].explained > 0.6
    assert abs(found["a", "b"].shuffled.mean) < 0.5 and found["a", "b"].concepts == 0
    assert not cells(corpus("a", 0), corpus("b", 1), "bpm", "logistic")


def test_only_classes_that_both_have_enough_of_are_asked():
    one, other = corpus("a", 0), corpus("b", 1)
    for row in other.rows:
        row["key"] = None if row["key"] == "E" else row["key"]
    assert shared(one, other, "key", "split") == ("C", "D")
    found = cells(one, other)["a", "b"]
    assert found.concepts == 2
    assert found.clips == sum(row["key"] is not None for row in other.rows)
    assert shared(one, other, "mode", "split") is None and not cells(one, other, "mode")


def test_the_report_says_the_within_figure_beside_and_is_found_again(tmp_path):
    one, other = corpus("a", 0), corpus("b", 1)
    found = list(entries(one, other, "key", "split", "ridge"))
    save(tmp_path / "report.json", found, {"model": "toy"})
    assert load(tmp_path / "report.json", {"model": "toy"}) == found
    assert load(tmp_path / "report.json", {"model": "other"}) == []
    text = page(found)
    assert text.count("| key |") == 2 and " of 60 |" in text
    assert [(a.name, b.name) for a, b in pairs([one, other, corpus("c", 2)])] == [
        ("a", "b"), ("a", "c"), ("b", "c"),
    ]  # fmt: skip


def test_one_corpus_is_too_few():
    options = Namespace(methods=None, datasets=["build/songs-small"])
    with pytest.raises(BadInput, match="two --datasets or more"):
        transfer.report(lambda: None, options, print)
    assert get_study("transfer").alone is transfer.report
