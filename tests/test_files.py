"""Files are there whole or not at all."""

from __future__ import annotations

import errno

import pytest

from curation.errors import BadInput
from curation.files import whole, write_whole


def test_a_file_takes_the_place_of_the_old_one_only_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "facts.json"
    write_whole(path, "one")
    with pytest.raises(KeyError), whole(path) as part:
        part.write_text("half")
        assert path.read_text() == "one"
        raise KeyError
    assert path.read_text() == "one"
    write_whole(path, "two")
    assert [one.name for one in path.parent.iterdir()] == ["facts.json"]
    assert path.read_text() == "two"


def test_a_full_disk_is_one_line_and_leaves_the_old_file(tmp_path):
    path = tmp_path / "facts.json"
    write_whole(path, "one")
    with pytest.raises(BadInput, match="no space on the disk: free some"), whole(path) as part:
        part.write_text("hal")
        raise OSError(errno.ENOSPC, "no space")
    assert path.read_text() == "one" and len(list(tmp_path.iterdir())) == 1
    with pytest.raises(PermissionError), whole(path):
        raise PermissionError
