"""Probes across corpora: what is shared is found, what differs is told, and luck is not transfer."""

from __future__ import annotations

from argparse import Namespace

import numpy as np
import pytest
import torch

from curation.errors import BadInput
from steering.evaluation.studies import get_study, transfer
from steering.evaluation.transfer import Read, draws, entries, pairs, shared
from steering.evaluation.transfer_table import draw, in_order, load, page, save

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
        assert np.mean(one.shuffled) < 0.5 and len(one.shuffled) == 5
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
    assert found["a", "b"].classes == ()
    assert not cells(corpus("a", 0), corpus("b", 1), "bpm", "logistic")


@pytest.mark.parametrize("method", ["ridge", "mean_difference"])
def test_shuffled_probes_rank_numbers_either_way_round(method):
    """Validation's own labels turned every shuffled direction round to where it tells something."""
    found = cells(corpus("a", 0), corpus("b", 1), "bpm", method)
    drawn = [one for cell in found.values() for one in cell.shuffled]
    assert min(drawn) < 0 < max(drawn) and abs(np.mean(drawn)) < 0.35


def test_what_takes_minutes_is_shuffled_less_often():
    assert len(draws("ridge")) == 5 and 1 <= len(draws("rfm")) < 5


def test_a_piece_on_both_sides_is_told_by_itself():
    """Nothing is shared but a sound of each piece's own: at random it tells its other clip's label."""
    rng, count = np.random.default_rng(5), 48
    pieces, said = rng.integers(count, size=CLIPS), np.arange(count) // 4 % 3
    x = rng.normal(0, 2, (count, 1, count))[pieces] + rng.normal(0, 0.1, (CLIPS, LAYERS, count))
    rows = [
        {"key": NAMES[said[piece]], "clip_id": str(n), "split_group": f"g{piece}",
         "split": SPLITS[piece % 4], "random_split": SPLITS[rng.integers(4)]}
        for n, piece in enumerate(pieces)
    ]  # fmt: skip
    one, other = (Read(name, torch.from_numpy(x.astype(np.float32)), rows) for name in "ab")
    apart, at_random = (
        next(entry for entry in entries(one, other, "key", by, "ridge") if entry.tested == "a")
        for by in ("split", "random_split")
    )
    assert at_random.found.mean > apart.found.mean + 0.2


def test_classes_that_count_alike_do_not_reward_naming_the_commonest():
    one, other = corpus("a", 0), corpus("b", 1, turned=True)
    kept = [n for n, row in enumerate(other.rows) if row["key"] == "C" or n % 3 == 0]
    few = Read("b", other.x[kept] * 0, [other.rows[n] for n in kept])
    found = cells(one, few)["a", "b"]
    assert len(found.classes) > 1
    assert found.balanced.mean == pytest.approx(1 / len(found.classes), abs=1e-6)
    named = [row["key"] for row in few.rows if row["key"] in found.classes]
    shares = [pytest.approx(named.count(one) / len(named)) for one in found.classes]
    assert found.found.mean in shares and found.chance == max(shares, key=lambda s: s.expected)


def test_only_classes_that_both_have_enough_of_are_asked():
    one, other = corpus("a", 0), corpus("b", 1)
    for row in other.rows:
        row["key"] = None if row["key"] == "E" else row["key"]
    assert shared(one, other, "key") == ("C", "D")
    found = cells(one, other)["a", "b"]
    assert found.classes == ("C", "D")
    assert found.clips == sum(row["key"] is not None for row in other.rows)
    for row in one.rows:
        row["random_split"] = None  # a corpus of somebody else's may have no such column
    assert not list(entries(one, other, "key", "random_split", "ridge"))
    assert cells(one, other)["a", "b"].classes == ("C", "D")
    assert shared(one, other, "mode") is None and not cells(one, other, "mode")


def test_the_report_says_the_within_figure_beside_and_is_found_again(tmp_path):
    one, other = corpus("a", 0), corpus("b", 1)
    found = [e for by in ("random_split", "split") for e in entries(one, other, "key", by, "ridge")]
    found = in_order(found, ("key",))
    assert [e.split for e in found][:2] == ["split", "random_split"]
    save(tmp_path / "report.json", found, {"model": "toy"})
    assert load(tmp_path / "report.json", {"model": "toy"}) == found
    assert load(tmp_path / "report.json", {"model": "other"}) == []
    draw(found, tmp_path)
    text = page(found)
    across, within = text.split("## Groups apart")
    assert across.count("| key |") == 4 and " of 60 |" in across and " of 5 |" in across
    assert within.count("| key |") == 2 and (tmp_path / "transfer.png").exists()
    assert [(a.name, b.name) for a, b in pairs([one, other, corpus("c", 2)])] == [
        ("a", "b"), ("a", "c"), ("b", "c"),
    ]  # fmt: skip


def test_of_three_corpora_each_pair_has_the_within_figure_of_its_own_classes():
    one, other, third = corpus("a", 0), corpus("b", 1), corpus("c", 2)
    for row in third.rows:
        row["key"] = None if row["key"] == "E" else row["key"]
    found = [
        e for pair in ((one, other), (one, third)) for e in entries(*pair, "key", "split", "ridge")
    ]
    rows = [line.split(" | ") for line in page(found).split("## Groups")[0].splitlines()]
    within = {tuple(row[1:3]): (row[5], row[10]) for row in rows if row[0] == "| key"}
    assert within["b", "a"][0] == "3" and within["b", "a"][1].endswith(" of 60")
    fewer = sum(row["key"] != "E" and row["split"] == "test" for row in one.rows)
    assert within["c", "a"][0] == "2" and within["c", "a"][1].endswith(f" of {fewer}")


def test_one_corpus_is_too_few():
    options = Namespace(methods=None, datasets=["build/songs-small"])
    with pytest.raises(BadInput, match="two --datasets or more"):
        transfer.report(lambda: None, options, print)
    assert get_study("transfer").alone is transfer.report
