"""The quick start of steering/README.md, word for word, with an untrained model and few clips."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import soundfile

import curation.cli
import sketch.loading
import steering.cli

README = Path(steering.cli.__file__).parent / "README.md"
FEWER = {"curation": ("--clips", "600", "--workers", "1"), "generate": ("--seconds", "1")}


def commands() -> list[list[str]]:
    block = re.search(r"```sh\n(.*?)```", README.read_text(), re.DOTALL)
    assert block is not None
    return [shlex.split(line) for line in block[1].strip().splitlines()]


def test_three_commands_give_a_steered_clip(place, tmp_path, monkeypatch):
    load = sketch.loading.load_sketch
    monkeypatch.setattr(sketch.loading, "load_sketch", lambda **o: load(place / "model", **o))
    monkeypatch.chdir(tmp_path)
    lines = commands()
    assert len(lines) == 3 and all(line[:2] == ["python", "-m"] for line in lines)
    for _, _, package, *arguments in lines:
        tool = {"curation": curation.cli.main, "steering": steering.cli.main}[package]
        fewer = FEWER.get(package, ()) or FEWER.get(arguments[0], ())
        assert tool([*arguments, *fewer]) == 0
    steered, rate = soundfile.read(tmp_path / "build" / "steered" / "steered.wav")
    assert rate == 32_000 and len(steered) == 32_000


@pytest.mark.parametrize("command", re.findall(r"python -m steering (\w+)", README.read_text()))
def test_every_command_that_is_named_is_there(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        steering.cli.main([command, "--help"])
    assert stopped.value.code == 0 and "usage: python -m steering" in capsys.readouterr().out
