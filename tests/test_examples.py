"""The tutorials run as they stand, with less to play, and what comes of them is musically true."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile

import steering

EXAMPLES = Path(steering.__file__).parents[1] / "examples"


def example(name: str, **constants: Any) -> Callable[..., Any]:
    """An example's `main`, with other constants than it has."""
    main: Callable[..., Any] = runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"]
    unknown = set(constants) - set(main.__globals__)
    assert not unknown, f"{name}.py has no {unknown}"
    main.__globals__.update(constants)
    return main


def test_every_example_is_tried_and_says_what_one_learns():
    scripts = {path.stem: path.read_text() for path in EXAMPLES.glob("*.py")}
    assert set(scripts) == {"steer", "find_direction", "judge", "make_dataset"}
    assert all("What one learns:" in text for text in scripts.values())
    assert all(25 <= len(text.splitlines()) <= 60 for text in scripts.values())


def test_a_steered_clip_has_the_note_and_its_twin_has_not(tmp_path):
    shares = example("steer", SECONDS=3.0)(tmp_path)
    assert shares["steered"] > 0.4 > 0.2 > shares["unsteered"]
    for name in ("steered", "unsteered"):
        sound, rate = soundfile.read(tmp_path / f"{name}.wav")
        assert rate == 32_000 and len(sound) == 3 * rate and sound.std() > 1e-3


def test_a_direction_of_few_clips_points_where_that_of_many_does(tmp_path):
    bank = example("find_direction", FAMILY="tempos", LABEL="bpm", CLIPS=48)(tmp_path)
    found = steering.load_bank(str(tmp_path / "bank"), model := steering.load_model())["bpm"]
    shipped = steering.load_bank("tempos/ridge", model)["bpm"]
    assert found.vectors.equal(bank["bpm"].vectors)
    best = int(found.scores.argmax())
    cosine = float(found.vectors[best] @ shipped.vectors[best])
    assert found.scores[best] > 0.5
    assert cosine > 5 / found.vectors.shape[1] ** 0.5  # five deviations of a random direction's


def test_the_direction_does_it_and_pushing_as_such_does_not():
    shares = example("judge", SECONDS=2.0, SEEDS=(0,))()
    assert shares["steered"].low > max(shares["twin"].high, shares["random"].high)


def test_a_clip_is_heard_as_what_its_label_says(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["make_dataset.py", str(tmp_path / "new")])
    runpy.run_path(str(EXAMPLES / "make_dataset.py"), run_name="__main__")
    assert (tmp_path / "new" / "chord.wav").exists() and "train" in capsys.readouterr().out
    label, heard = example("make_dataset")(tmp_path / "new")
    assert label == " ".join(heard)


@pytest.mark.parametrize("name", ["steer", "find_direction", "make_dataset"])
def test_the_folder_is_the_only_argument(name):
    text = (EXAMPLES / f"{name}.py").read_text()
    assert "sys.argv[1]" in text and "argparse" not in text
