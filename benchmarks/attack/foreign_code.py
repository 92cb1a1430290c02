"""A recipe or a model's folder that brings code along, typed a yes to, and files chosen by a recipe."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.attack import Attack, Outcome
from benchmarks.attack.target import Target, lines_of

MARKER = "planted"
MODULE = "planted_model"
YES = "y\n" * 8


class _Planted:
    """A pickle that makes the marker when it is read."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {MARKER}",)


def _whole_model(target: Target) -> Outcome:
    folder = _folder(target)
    auto_map = {"AutoConfig": f"{MODULE}.Config", "AutoModel": f"{MODULE}.Model"}
    (folder / "config.json").write_text(json.dumps({"model_type": "planted", "auto_map": auto_map}))
    return _outcome(target, _by_recipe(target, str(folder)))


def _part_of_a_model(target: Target) -> Outcome:
    folder = _folder(target)
    config = json.loads((folder / "config.json").read_text())
    config["text_encoder"] = {
        "model_type": "gpt2",
        "_name_or_path": str(folder),
        "auto_map": {"AutoModelForTextEncoding": f"{MODULE}.Model"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    return _outcome(target, _by_name(target, folder))


def _pickle(target: Target) -> Outcome:
    folder = _folder(target)
    for weights in folder.glob("model*"):
        weights.unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(_Planted()))
    return _outcome(target, _by_name(target, folder))


def _folder_of_a_bank(target: Target) -> Outcome:
    bank = target.folder / "bank"
    shutil.copytree(target.root / "steering/banks/sketch/notes/ridge", bank)
    return _outcome(target, _by_recipe(target, "sketch", str(bank)))


def _folder(target: Target) -> Path:
    """A copy of the sketch, with a module beside it that makes the marker when it is imported."""
    folder = target.folder / "model"
    folder.mkdir()
    for path in (target.root / "sketch/weights").iterdir():
        if path.suffix == ".safetensors":
            (folder / path.name).symlink_to(path)
        else:
            shutil.copyfile(path, folder / path.name)
    marker = target.folder / MARKER
    (folder / f"{MODULE}.py").write_text(f"open({str(marker)!r}, 'w').close()\n")
    return folder


def _by_recipe(target: Target, model: str, bank: str = "") -> subprocess.CompletedProcess[str]:
    push = {"concept": "C", "bank": bank, "coefficient": 0.03}
    recipe = {
        "format": 1,
        "model": model,
        "revision": _revision(target),
        "prompt": "calm jazz",
        "seconds": 0.2,
        "interventions": [push] if bank else [],
    }
    (target.folder / "recipe.json").write_text(json.dumps(recipe))
    return target.command("steering", "generate", "--recipe", "recipe.json", typed=YES)


def _revision(target: Target) -> str:
    facts = target.root / "steering/banks/sketch/notes/ridge/directions.json"
    return str(json.loads(facts.read_text())["origin"]["revision"])


def _by_name(target: Target, folder: Path) -> subprocess.CompletedProcess[str]:
    said = ("calm jazz", "--model", str(folder), "--bank", "notes", "--steer", "C=0.03")
    return target.command("steering", "generate", *said, typed=YES)


def _outcome(target: Target, run: subprocess.CompletedProcess[str]) -> Outcome:
    """Held off if nothing planted ran, and the command ended with 2 and said why in one line."""
    ran = (target.folder / MARKER).exists()
    last = (lines_of(run.stderr) or [""])[-1]
    told = run.returncode == 2 and last.startswith("steering: ") and "Traceback" not in run.stderr
    return Outcome(
        told and not ran,
        f"planted code {'ran' if ran else 'did not run'}, exit code {run.returncode}, {last[:160]!r}",
    )


attacks = (
    Attack(3, "run code by the model of a recipe", _whole_model),
    Attack(3, "run code by a part of a model", _part_of_a_model),
    Attack(3, "run code by weights that are a pickle", _pickle),
    Attack(3, "choose a folder to read by the bank of a recipe", _folder_of_a_bank),
)
