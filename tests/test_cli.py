"""The command line as a user meets it: one line per error, exit codes, help that teaches."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from curation.build import read_recipe
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
        (["build", "songs", "--clips", "1000000000000"], "songs has 10000000 clips and no more"),
        (["card"], "give the command at the root of the clone"),
        (["card", "--check"], "give the command at the root of the clone"),
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["build", "notes", "--workers", "0"], "0 is no whole number from 1 on"),
        (["build", "notes", "--seed", "1.5"], "invalid int value: '1.5'"),
        (["check", "folder", "--listen", "-1"], "-1 is no whole number from 0 on"),
        (["check", "two\nlines"], r"'two\nlines' has characters that no name may have"),
        (["check", "\udcff"], "has characters that no name may have"),
        (["sing"], "invalid choice: 'sing'"),
        (["build"], "the following arguments are required"),
    ],
)
def test_an_option_that_makes_no_sense_is_one_line(arguments, message, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    error = capsys.readouterr().err
    assert stop.value.code == 2
    assert error.startswith("curation: ") and error.count("\n") == 1 and message in error


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'family = "notes"\nclips = 5.5', "the recipe's clips must be a whole number"),
        (b'family = "notes"\nclips = true', "the recipe's clips must be a whole number"),
        (b'family = "notes"\nseed = "x"', "the recipe's seed must be a whole number"),
        (b'family = "notes"\nseed = 1.5', "the recipe's seed must be a whole number"),
        (b'family = "notes"\nvary = "all"', "the recipe's vary must be a list"),
        (b'family = "notes"\nvary = [1]', "the recipe's vary[0] must be text"),
        (b'family = "notes"\ncolour = 1', "the recipe has an unknown entry 'colour': take it out"),
        (b'family = "../notes"', "there is no concept family '../notes'"),
        (b"clips = 5", "the recipe has no family: add it"),
        (b'family = "n\xf6tes"', "is not UTF-8: save it as UTF-8"),
        (b"family = " + b"[" * 10_000, "is no recipe"),
        (b"seed = 1" + b"0" * 5000, "is no recipe"),
    ],
)
def test_a_recipe_that_is_none_is_one_line(text, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.toml").write_bytes(text)
    assert main(["build", "recipe.toml", "--preset", "tiny"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("curation: recipe.toml") and error.count("\n") == 1
    assert message in error and [path.name for path in tmp_path.iterdir()] == ["recipe.toml"]


def test_a_recipe_and_the_options_beside_it_build_the_same_as_options_alone(tmp_path):
    (tmp_path / "one.toml").write_text('family = "notes"\npreset = "tiny"\nvary = ["tuning"]\n')
    asked = ["--seed", "3", "--workers", "1", "--clips", "2", "--out"]
    assert main(["build", str(tmp_path / "one.toml"), *asked, str(tmp_path / "one")]) == 0
    options = ["notes", "--preset", "tiny", "--vary", "tuning"]
    assert main(["build", *options, *asked, str(tmp_path / "two")]) == 0
    assert read_recipe(tmp_path / "one") == read_recipe(tmp_path / "two")


@pytest.mark.parametrize("command", ["check", "preview", "classify", "card", "publish", "export"])
@pytest.mark.parametrize("kind", ["file", "pipe", "loop", "other", "pipe inside"])
def test_what_is_no_built_folder_is_one_line(command, kind, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "place"
    if kind == "file":
        place.touch()
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "loop":
        place.symlink_to("place")
    else:
        place.mkdir()
        (os.mkfifo if kind == "pipe inside" else Path.touch)(place / "build.json")
    more = {"publish": ["--to", "a/b"], "export": ["--as", "mirdata"]}.get(command, [])
    assert main([command, "place", *more]) == 2
    error = capsys.readouterr().err
    assert error.startswith("curation: place") and error.count("\n") == 1


@pytest.mark.parametrize("command", ["preview", "classify", "card"])
def test_a_damaged_shard_is_named_by_every_command(command, notes_build, capsys, tmp_path):
    folder = tmp_path / "set"
    shutil.copytree(notes_build.folder, folder)
    for shard in notes_build.shards:
        path = folder / shard.file_name
        content = path.read_bytes()
        half = len(content) // 2
        path.write_bytes(content[:half] + b"\0" * 64 + content[half + 64 :])
    assert main([command, str(folder)]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("curation: ") and "is damaged (" in error
    assert error.endswith("remove its shard and build again")


def test_a_folder_that_cannot_be_written_is_refused_before_work(capsys, tmp_path):
    (tmp_path / "file").touch()
    assert main(["build", "notes", "--out", str(tmp_path / "file" / "below")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "cannot be written (Not a directory)" in error


def test_a_terminal_without_our_letters_gets_escapes(notes_build, tmp_path):
    folder = tmp_path / "Prélude ♯"
    shutil.copytree(notes_build.folder, folder)
    done = subprocess.run(
        [sys.executable, "-m", "curation", "check", str(folder), "--listen", "0"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
    )
    assert done.returncode == 0 and rb"Pr\xe9lude \u266f" in done.stdout


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
    "command", ["", "build", "check", "preview", "publish", "classify", "card", "export"]
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
