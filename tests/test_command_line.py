"""Every command ends with its job done or with one line, whoever stops it or stops to read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import curation.cli
import sketch.cli
import steering.cli
import studio.cli
import studio.study.cli
from curation.command_line import STOPPED, ended
from curation.errors import BadInput

ROOT = Path(__file__).parents[1]
DESIGN = str(ROOT / "examples" / "study.toml")
LINES = {
    "curation": (curation.cli.main, ["list"], "curation.cli.families"),
    "steering": (steering.cli.main, ["inspect", "bank"], "steering.commands.inspect.need"),
    "sketch": (sketch.cli.main, ["gallery", "pictures"], "sketch.cli.need"),
    "studio": (studio.cli.main, [], "studio.cli.need"),
    "studio study": (studio.study.cli.main, ["power", DESIGN], "studio.study.design.read_design"),
}
"""Each command line with arguments, and what they call first."""


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (BadInput("no such thing: give another"), 2, "no such thing: give another"),
        (OSError(28, "No space left on device", "a/b"), 2, "a/b cannot be used (No space left"),
        (BrokenPipeError(32, "Broken pipe"), 2, "cannot be used (Broken pipe)"),
        (KeyboardInterrupt(), STOPPED, "stopped"),
    ],
)
def test_whatever_stops_a_command_is_told_in_one_line(
    name, error, status, said, monkeypatch, capsys
):
    main, arguments, called = LINES[name]

    def stop(*_arguments, **_options):
        raise error

    monkeypatch.setattr(called, stop)
    assert main(arguments) == status
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{name}: ") and said in line


@pytest.mark.parametrize("name", LINES)
def test_a_wrong_option_is_told_in_one_line(name, capsys):
    with pytest.raises(SystemExit) as stop:
        LINES[name][0](["--no-such-option"])
    (line,) = capsys.readouterr().err.splitlines()
    assert stop.value.code == 2 and line.endswith("--help`")


GONE = """
import sys
from curation.command_line import ended
raise SystemExit(ended("it", lambda: print("x\\n" * {lines})))
"""


@pytest.mark.parametrize("lines", [1, 100_000])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_who_stops_to_read_is_no_fault(lines, unbuffered):
    """As ``| head`` does: before the last byte, whether it is written at once or at the end."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", GONE.format(lines=lines)],
        stdout=writer, stderr=subprocess.PIPE, cwd=ROOT, check=False,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
    )  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_status_is_handed_on():
    assert [ended("it", lambda status=status: status) for status in (None, 0, 1)] == [0, 0, 1]
