"""The benchmark of probes in miniature: it runs, and both ways find what was planted."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from benchmarks import probes
from steering.evaluation.probe_table import page
from steering.evaluation.studies.probes import entry
from steering.probes.mean_difference import fit
from steering.probes.multiclass import aggregate, discriminant
from steering.training.banks import Table
from tests.toy import save_small_sketch


def test_bank_and_loop_tell_the_planted_concepts(tmp_path, capsys):
    out = tmp_path / "table.json"
    small = ["--synthetic", "400", "--layers", "1", "--size", "12", "--draws", "3"]
    probes.main([*small, "--pairs", "1", "--device", "cpu", "--json", str(out)])
    table = json.loads(out.read_text())
    ours, theirs = map(float, table["AUC on the same pairs, bank and loop"].split(", "))
    assert min(ours, theirs) > 0.8 and abs(ours - theirs) < 0.1
    total, shared, halved = (
        float(table[name].removesuffix(" x"))
        for name in (
            "speed-up",
            "of it by training concepts together",
            "of it by successive halving",
        )
    )
    assert shared * halved == pytest.approx(total, rel=0.03)
    assert "speed-up" in capsys.readouterr().out


def test_reading_is_timed_in_batches_and_one_by_one(tmp_path, capsys):
    save_small_sketch(tmp_path / "model")
    reading = ["--read", "--model", str(tmp_path / "model"), "--clips", "16", "--seconds", "0.5"]
    probes.main(reading)
    shown = capsys.readouterr().out
    assert shown.count("clips of 0.5 s a second") == 4 and "batches by one by one" in shown


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_it_says_so(capsys):
    with pytest.raises(SystemExit) as stopped:
        probes.main(["--device", "cuda"])
    assert stopped.value.code == 2 and "no GPU here" in capsys.readouterr().err


def test_layers_together_tell_more_than_one_of_them():
    """Three layers, each with its own noise on twelve planted concepts."""
    data = probes.synthetic(900, 3, 24, "cpu")
    fitted = fit(data)
    together = aggregate(fitted, data, torch.Generator().manual_seed(0), draws=12)
    alone = (fitted.decide(data.x_val).argmax(1) == data.y_val.argmax(-1)[:, None]).float().mean(0)
    assert together.accuracy(data.x_val, data.y_val) > float(alone.max()) + 0.05
    assert together.name(data.x_val[:2]) == [
        data.concepts[int(p)] for p in together.scores(data.x_val[:2]).argmax(-1)
    ]


def test_the_probe_table_reads_what_was_planted():
    data = probes.synthetic(2000, 2, 24, "cpu")
    half = len(data.x_val) // 2
    parts = {"train": (data.x, data.y)}
    parts["validation"], parts["test"] = (
        (data.x_val[rows], data.y_val[rows]) for rows in (slice(half), slice(half, None))
    )
    table = Table(
        {split: x for split, (x, _) in parts.items()},
        {split: y for split, (_, y) in parts.items()},
        data.concepts,
        "classification",
    )
    found = entry(table, ("planted", "concept", "mean", "split", "ridge"))
    assert found.best > 0.5 and found.together > found.best - 0.05
    assert found.chance < 0.2 < found.best and found.clips == half
    shown = page([found])
    assert f"| ridge | mean | leak-free | {found.together:.3f} (" in shown
    assert f"| planted | concept | leak-free | {half} | {found.chance:.3f} |" in shown
    number = replace(found, dataset="planted tempos", together=None, chance=0.0, best=0.987)
    assert "| 0.987 |" in page([found, number])


def test_the_held_out_probe_finds_planted_concepts_and_nothing_in_noise():
    data = probes.synthetic(900, 2, 24, "cpu")
    probe = discriminant(data.x, data.y, data.concepts)
    assert probe.accuracy(data.x_val, data.y_val) > 0.6
    noise = torch.randn(data.x_val.shape, generator=torch.Generator().manual_seed(1))
    assert probe.accuracy(noise, data.y_val) < 0.25
