"""Several pages: what is refused before Ray starts, and what watches over one of them."""

from __future__ import annotations

import threading
import time
from importlib import import_module
from pathlib import Path

import pytest

from curation import extras
from studio.cluster import actors
from studio.cluster.actors import Replica
from studio.cluster.cli import main


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--study", "here"], "cluster: --study, --check and --open are of one page alone: python -m studio"),
        (["--check"], "cluster: --study, --check and --open are of one page alone: python -m studio"),
        (["--host", "203.0.113.1"], "cluster: --host 203.0.113.1 is no address of this machine:"),
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_told_in_one_line_before_ray_starts(arguments, line, capsys):
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith(line) and said.count("\n") == 1


def test_who_lacks_ray_is_told_the_extra(monkeypatch, capsys):
    there = extras._installed
    monkeypatch.setattr(extras, "_installed", lambda name: name != "ray" and there(name))
    assert main([]) == 2
    assert (
        capsys.readouterr().err
        == "cluster: ray not installed: pip install 'steering-music[cluster]'\n"
    )


@pytest.mark.parametrize("arguments", [["--replicas", "0"], ["--models"], ["--nonsense"]])
def test_options_of_the_pages_are_read_before_they_start(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2 and arguments[0] in capsys.readouterr().err


@pytest.fixture
def stand_in(monkeypatch) -> None:
    """In place of the page; its process finds it as a module of its own."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    monkeypatch.setattr(actors, "page", import_module("stand_in_page").page)
    monkeypatch.setattr(Replica, "_beat", lambda self: None)
    monkeypatch.setenv(actors.MARK_VARIABLE, "")


@pytest.mark.usefixtures("stand_in")
def test_a_page_is_watched_over_from_its_first_moment_to_its_last(tmp_path):
    line = tmp_path / "line"
    line.write_text("no model is loaded yet: wait a minute")
    began = time.monotonic()
    threading.Timer(1.5, line.write_text, [""]).start()
    one = Replica([str(line)], "127.0.0.1", ["localhost"])
    assert time.monotonic() - began >= 1.5
    one.check_health()
    line.write_text("what plays is gone: start the page again")
    with pytest.raises(RuntimeError, match=r"^what plays is gone: start the page again$"):
        one.check_health()
    one._page.kill()
    one._page.join()
    with pytest.raises(RuntimeError, match=r"^the page ended with -9$"):
        one.check_health()


@pytest.mark.usefixtures("stand_in")
def test_a_page_that_does_not_start_is_told_by_what_it_ended_with(tmp_path):
    with pytest.raises(RuntimeError, match=r"^the page ended with 2$"):
        Replica([str(tmp_path / "nothing")], "127.0.0.1", [])
