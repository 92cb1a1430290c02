"""A page that cannot be started says so in one line, before a model is loaded for it."""

from __future__ import annotations

import socket

import pytest

from studio.cli import main


@pytest.fixture(autouse=True)
def nothing_is_loaded(monkeypatch):
    def load(*_arguments, **_options):
        raise AssertionError("it went on to load")

    monkeypatch.setattr("studio.cli.load_listeners", load)


@pytest.mark.parametrize(
    "options",
    [
        ["--playing", "0"], ["--playing", "many"], ["--waiting", "-1"], ["--port", "0"],
        ["--port", "99999"],
    ],
)  # fmt: skip
def test_a_number_that_cannot_be_is_refused(options, capsys):
    with pytest.raises(SystemExit) as ended:
        main(options)
    assert ended.value.code == 2
    assert f"{options[1]!r}: give a whole number from" in capsys.readouterr().err


def test_a_link_to_the_source_is_an_address(capsys):
    with pytest.raises(SystemExit):
        main(["--code", "javascript:alert(1)"])
    assert "give an address that begins with https://" in capsys.readouterr().err


def refused(capsys, *options: str) -> str:
    assert main(options) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_port_in_use_is_named(capsys):
    with socket.create_server(("127.0.0.1", 0)) as there:
        port = str(there.getsockname()[1])
        line = refused(capsys, "--port", port)
    assert line == f"studio: port {port} is in use: choose another with --port"


@pytest.mark.parametrize("host", ["nobody.invalid", "192.0.2.1"])
def test_a_host_that_is_not_here_is_refused(host, capsys):
    assert f"--host {host} is no address of this machine" in refused(capsys, "--host", host)


def test_banks_that_are_not_there_are_refused(capsys, tmp_path):
    assert "is no folder" in refused(capsys, "--banks", str(tmp_path / "nowhere"))


def test_answers_that_cannot_be_kept_are_refused(capsys, tmp_path):
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear listener, this is no database.")
    for path in (tmp_path, letter, letter / "below.sqlite"):
        assert f"--answers {path} cannot be used" in refused(capsys, "--answers", str(path))
    assert letter.read_text().startswith("Dear listener")


def test_a_folder_for_answers_is_made(tmp_path):
    with pytest.raises(AssertionError, match="went on to load"):
        main(["--answers", str(tmp_path / "new" / "answers.sqlite")])
    assert (tmp_path / "new" / "answers.sqlite").exists()
