"""Files are there whole or not at all."""

from __future__ import annotations

import errno
import os

import pytest

from curation.errors import BadInput
from curation.files import check_writable, in_bytes, read_kept, read_text, whole, write_whole


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


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_place_that_takes_no_files_is_one_line(number, tmp_path):
    path = tmp_path / "facts.json"
    with (
        pytest.raises(
            BadInput, match=r"facts\.json cannot be written \(.*make its folder writable"
        ),
        whole(path),
    ):
        raise OSError(number, os.strerror(number))
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "loop"):
        with pytest.raises(BadInput, match=r"cannot be written .*or choose another"):
            check_writable(folder)
    check_writable(tmp_path / "new")
    assert not list((tmp_path / "new").iterdir())


def test_what_is_no_text_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "latin").write_bytes("Chopin, Préludes".encode("latin-1"))
    with pytest.raises(BadInput, match="pipe is no plain file"):
        read_text(tmp_path / "pipe")
    with pytest.raises(BadInput, match="latin is not UTF-8: save it"):
        read_text(tmp_path / "latin")
    with pytest.raises(BadInput, match="pipe is damaged or of another version: make it again"):
        read_kept(tmp_path / "pipe", dict, "make it again")
    assert read_kept(tmp_path / "nothing", dict, "make it again") is None


@pytest.mark.parametrize("count", [1, 999, 1000, 60_000, 4_000_000, 5 * 10**9, 3 * 10**12])
def test_a_size_is_never_nothing_nor_a_thousand(count):
    number, unit = in_bytes(count).split()
    assert 1 <= float(number) < 1000
    assert float(number) * 1000 ** ["B", "kB", "MB", "GB", "TB"].index(unit) == count
