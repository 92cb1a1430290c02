"""A shipped bank that was tampered with: it plays other notes than it names, or breaks whoever loads it."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from benchmarks.attack import Attack, Outcome
from benchmarks.attack.target import Target, lines_of

SHIPPED = "steering/banks/sketch/notes/ridge"
FACTS, TENSORS = "directions.json", "directions.safetensors"
Lie = Callable[[Path], object]

READER = """
import sys
import steering
from curation.errors import BadInput
model = steering.load_model()
for name in sys.argv[1:]:
    try:
        steering.load_bank(name, model)
        print(name, "accepted", sep="\\t")
    except BadInput as error:
        print(name, "refused" if "\\n" not in str(error) else "refused in many lines", sep="\\t")
    except Exception as error:
        print(name, "broke with " + type(error).__name__, sep="\\t")
"""


def _facts(change: Callable[[dict[str, Any]], object]) -> Lie:
    def lie(folder: Path) -> None:
        facts = json.loads((folder / FACTS).read_text())
        change(facts)
        (folder / FACTS).write_text(json.dumps(facts))

    return lie


def _said(**entries: Any) -> Lie:
    return _facts(lambda facts: facts.update(entries))


def _tensors(change: Callable[[dict[str, torch.Tensor]], object]) -> Lie:
    """Other tensors, under the header that the file had."""

    def lie(folder: Path) -> None:
        with safe_open(folder / TENSORS, "pt") as file:
            header = file.metadata()
        tensors = {name: tensor.clone() for name, tensor in load_file(folder / TENSORS).items()}
        change(tensors)
        save_file(tensors, folder / TENSORS, header)

    return lie


def _other_bank(folder: Path) -> None:
    shutil.copyfile(folder.parent / "shipped-rfm" / TENSORS, folder / TENSORS)


def _a_folder(folder: Path) -> None:
    (folder / TENSORS).unlink()
    (folder / TENSORS).mkdir()


LIES: dict[str, Lie] = {
    "reordered": _facts(lambda facts: facts["concepts"].reverse()),
    "doubled": _facts(lambda facts: facts["concepts"].__setitem__(0, facts["concepts"][1])),
    "renamed": _facts(lambda facts: facts["concepts"].__setitem__(0, "H")),
    "no-family": _facts(lambda facts: facts.pop("family")),
    "no-format": _facts(lambda facts: facts.pop("format")),
    "origin-a-list": _said(origin=[1, 2]),
    "concepts-a-text": _said(concepts="CCCCCCCCCCCC"),
    "concepts-numbers": _said(concepts=list(range(12))),
    "a-list": lambda folder: (folder / FACTS).write_text("[]"),
    "nested": lambda folder: (folder / FACTS).write_text("[" * 100_000),
    "vectors-reordered": _tensors(lambda t: t.update(vectors=t["vectors"].flip(0).contiguous())),
    "another-banks-vectors": _other_bank,
    "long-vectors": _tensors(lambda t: t["vectors"].mul_(1000)),
    "zero-vectors": _tensors(lambda t: t["vectors"].zero_()),
    "few-scores": _tensors(lambda t: t.update(scores=t["scores"][:2].clone())),
    "scores-not-finite": _tensors(lambda t: t["scores"].fill_(torch.nan)),
    "norms-not-finite": _tensors(lambda t: t["norms"].fill_(torch.nan)),
    "norms-below-zero": _tensors(lambda t: t["norms"].mul_(-1)),
    "norms-misshapen": _tensors(lambda t: t.update(norms=t["norms"][:1].clone())),
    "whole-numbers": _tensors(lambda t: t.update(vectors=t["vectors"].long())),
    "empty": lambda folder: (folder / TENSORS).write_bytes(b""),
    "absurd-header": lambda folder: (folder / TENSORS).write_bytes(b"\xff" * 64),
    "a-folder": _a_folder,
}


def _lie(target: Target) -> Outcome:
    shutil.copytree(target.root / SHIPPED, target.folder / "shipped")
    shutil.copytree(target.root / SHIPPED.replace("ridge", "rfm"), target.folder / "shipped-rfm")
    for name, lie in LIES.items():
        folder = target.folder / name
        shutil.copytree(target.folder / "shipped", folder)
        lie(folder)
    (target.folder / "reader.py").write_text(READER)
    run = target.command("reader", "shipped", *LIES)
    answers = dict(line.split("\t", 1) for line in lines_of(run.stdout))
    honest = answers.pop("shipped", "") == "accepted"
    said = target.command("steering", "inspect", "reordered")
    told = said.returncode == 2 and len(lines_of(said.stderr)) == 1
    counted = Counter(answers.get(name, "never answered") for name in LIES)
    taken = [name for name in LIES if answers.get(name) != "refused"]
    return Outcome(
        honest and told and not taken,
        f"{', '.join(f'{count} {word}' for word, count in counted.items())}; inspect ended with "
        f"{said.returncode}; not refused: {', '.join(taken) or 'none'}",
    )


attacks = (Attack(4, "play other concepts than a bank names", _lie),)
