"""The command line as a user meets it: one line per error, exit codes, help that teaches."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from curation.cli import main


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["build", "note"], "there is no concept family 'note'"),
        (["build", "notes", "--clips", "0"], "ask for at least one"),
        (["build", "notes", "--sound-font", "no.sf2"], "no sound font no.sf2"),
        (["build", "notes", "--vary", "wobble"], "no variation wobble"),
        (["build", "notes", "chords", "--out", "x"], "--out takes one dataset"),
        (["build", "missing.toml"], "missing.toml is no recipe"),
        (["check", "nowhere"], "nowhere holds no build"),
        (["preview", "nowhere"], "nowhere holds no build"),
        (["publish", "nowhere", "--to", "a/b"], "nowhere holds no build"),
    ],
)
def test_bad_input_is_one_line_that_names_the_fix(
    arguments, message, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("curation: ")
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_build_check_preview_and_a_dry_run_in_a_row(tmp_path, capsys):
    folder = str(tmp_path / "set")
    assert main(["build", "chords", "--preset", "tiny", "--out", folder, "--workers", "1"]) == 0
    assert main(["check", folder, "--listen", "4"]) == 0
    assert main(["preview", folder]) == 0
    capsys.readouterr()
    assert main(["publish", folder, "--to", "someone/chords", "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "someone/chords" in shown and "data/train-00000-of-00001.parquet" in shown
    assert "nothing was sent" in shown
    assert len(list((tmp_path / "set" / "preview").glob("*.wav"))) >= 4


def test_check_fails_with_one_when_there_is_a_fault(tmp_path, capsys):
    folder = tmp_path / "set"
    main(["build", "notes", "--preset", "tiny", "--out", str(folder), "--workers", "1"])
    shard = folder / "data" / "train-00000-of-00001.parquet"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 0xFF
    shard.write_bytes(bytes(content))
    assert main(["check", str(folder), "--listen", "0"]) == 1
    assert "FAULT" in capsys.readouterr().out


def test_list_shows_every_family(capsys):
    assert main(["list", "--labels"]) == 0
    shown = capsys.readouterr().out
    assert "39,744 clips" in shown and "pitch_class" in shown


@pytest.mark.parametrize(
    "command", ["", "build", "check", "preview", "publish", "classify", "card"]
)
def test_help_teaches(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command.split(), "--help"])
    assert stop.value.code == 0
    assert len(capsys.readouterr().out.splitlines()) >= 8


def test_without_the_fluidsynth_library_the_fix_is_named(tmp_path):
    blocker = tmp_path / "fluidsynth.py"
    blocker.write_text('raise ImportError("Couldn\'t find the FluidSynth library.")\n')
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "curation",
            "build",
            "notes",
            "--preset",
            "tiny",
            "--workers",
            "1",
            "--out",
            str(tmp_path / "out"),
        ],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}."},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "install the Debian package libfluidsynth3" in done.stderr
    assert "Traceback" not in done.stderr
