"""A message is one line of plain text, whatever it quotes."""

from __future__ import annotations

import zlib

import pytest

from curation.errors import LONGEST, BadInput, first_line


@pytest.mark.parametrize("quoted", ["a\nb", "a\r\n\tb", "a\x00b", "a\u2028b", "a\ud800b"])
def test_what_is_quoted_breaks_no_line(quoted):
    said = str(BadInput(f"no preset '{quoted}': choose one"))
    assert said.isprintable() and said.startswith("no preset 'a") and said.endswith("choose one")


def test_a_message_has_an_end():
    assert len(str(BadInput("x" * 10_000))) == LONGEST


def test_another_librarys_words_name_no_exception():
    assert first_line(OSError("TProtocolException: Invalid data\nmore")) == "Invalid data"
    assert first_line(zlib.error()) == "error"
