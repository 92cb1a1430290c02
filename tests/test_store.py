"""One writer to a store, and what became of its files told and mended."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path

import numpy as np
import pytest

from curation.errors import BadInput
from steering.activations.reader import read_source
from steering.activations.sources import BuiltSource
from steering.activations.store import Damaged, Writer, find, key_of, writing

FACTS = {"model": "toy", "dataset": "d", "pooling": "mean"}
VALUES = np.random.default_rng(0).standard_normal((10, 1, 2, 4)).astype(np.float16)
LABELS = [{"clip_id": str(n), "note": "CDE"[n % 3]} for n in range(10)]
DATA, INDEX = "activations.f16", "labels.jsonl"


def fill(folder: Path, batch: int = 3, stop: int = 10) -> Writer:
    """Append what is missing, in batches."""
    writer = Writer(folder, FACTS, 10)
    for start in range(writer.done, stop, batch):
        writer.append(VALUES[start : start + batch], LABELS[start : start + batch])
    return writer


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / key_of(FACTS)).iterdir()}


@pytest.fixture
def whole(tmp_path) -> dict[str, bytes]:
    """The bytes of a store that nothing befell."""
    fill(tmp_path / "whole").finish()
    return bytes_of(tmp_path / "whole")


def twice(data: bytes) -> bytes:
    return data + data


def swapped(data: bytes) -> bytes:
    """The first two labels in each other's place."""
    lines = data.splitlines(keepends=True)
    return b"".join([lines[1], lines[0], *lines[2:]])


def flipped(data: bytes) -> bytes:
    """One bit of a clip in the middle."""
    return data[:81] + bytes([data[81] ^ 1]) + data[82:]


DAMAGE = {
    "doubled": ({DATA: twice, INDEX: twice}, 10),
    "doubled values": ({DATA: twice}, 10),
    "doubled labels": ({INDEX: twice}, 10),
    "short values": ({DATA: lambda data: data[:-1]}, 9),
    "short labels": ({INDEX: lambda data: data[:-1]}, 9),
    "no values": ({DATA: lambda data: b""}, 0),
    "no labels": ({INDEX: lambda data: b""}, 0),
    "wrong labels": ({INDEX: swapped}, 0),
    "another label": ({INDEX: lambda data: data.replace(b'"C"', b'"B"', 1)}, 0),
    "a flipped bit": ({DATA: flipped}, 3),
    "another shape": ({"facts.json": lambda data: data.replace(b"[1, 2, 4]", b"[1, 4, 2]"),
                       "shape.json": lambda data: b"[1, 4, 2]"}, 0),
}  # fmt: skip


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_broken_store_is_told_in_a_line_and_what_does_not_fit_is_read_anew(
    kind, tmp_path, whole, caplog
):
    changes, fit = DAMAGE[kind]
    home = tmp_path / "whole" / key_of(FACTS)
    for name, change in changes.items():
        (home / name).write_bytes(change((home / name).read_bytes()))
    with pytest.raises(Damaged, match=rf"{fit} of 10 clips fit: read the dataset again, with '"):
        find(tmp_path / "whole", FACTS)
    assert Writer(tmp_path / "whole", FACTS, 10).done == fit
    (line,) = caplog.messages
    assert f"{fit} of 10 clips fit, the others are read anew" in line
    fill(tmp_path / "whole").finish()
    assert bytes_of(tmp_path / "whole") == whole


def test_a_store_that_two_of_the_older_code_wrote_to_is_read_anew(tmp_path, whole):
    """20 of 10 clips were there, for ever: sums there were none."""
    home = tmp_path / "old" / key_of(FACTS)
    home.mkdir(parents=True)
    (home / "shape.json").write_text("[1, 2, 4]")
    (home / DATA).write_bytes(twice(VALUES.tobytes()))
    (home / INDEX).write_text(2 * "".join(json.dumps(row) + "\n" for row in LABELS))
    assert find(tmp_path / "old", FACTS) is None
    fill(tmp_path / "old").finish()
    assert bytes_of(tmp_path / "old") == whole


def test_a_finished_store_of_before_there_were_sums_is_not_read_again(tmp_path, whole):
    home = tmp_path / "whole" / key_of(FACTS)
    (home / INDEX).write_text("".join(json.dumps(row) + "\n" for row in LABELS))
    store = find(tmp_path / "whole", FACTS)
    assert store is not None and list(store.labels) == LABELS


@pytest.mark.parametrize("name", ["facts.json", "shape.json", INDEX, DATA])
def test_a_file_that_is_gone_or_is_nonsense_costs_no_more_than_reading(tmp_path, whole, name):
    home = tmp_path / "whole" / key_of(FACTS)
    for content in (b"\xff{nonsense", b"[]", None):
        (home / name).unlink()
        if content is not None:
            (home / name).write_bytes(content)
        fill(tmp_path / "whole").finish()
        assert bytes_of(tmp_path / "whole") == whole


@pytest.mark.parametrize("fault", ["values", "labels", "half of the labels"])
def test_a_batch_that_was_cut_short_is_written_again_whole(tmp_path, whole, fault, monkeypatch):
    """The bytes are those of a run that was not stopped: batches end where they ended there."""
    writer = fill(tmp_path / "cut", stop=3)
    write = Writer._write

    def dies(self: Writer, name: str, data: bytes) -> None:
        if (name == DATA) == (fault == "values"):
            write(self, name, data[: len(data) // 2 if fault != "labels" else 0])
            raise KeyboardInterrupt
        write(self, name, data)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Writer, "_write", dies)
        writer.append(VALUES[3:6], LABELS[3:6])
    assert Writer(tmp_path / "cut", FACTS, 10).done == 3
    fill(tmp_path / "cut").finish()
    assert bytes_of(tmp_path / "cut") == whole


def test_two_readers_of_one_dataset_read_it_once_and_both_have_it(
    model, notes_build, tmp_path, monkeypatch, caplog
):
    """The second waits, says for whom, and finds what the first has read."""
    source, passes = BuiltSource(notes_build.folder), []
    alone = read_source(model, source, tmp_path / "alone", batch=5)
    encode = model.encode
    monkeypatch.setattr(model, "encode", lambda audio: passes.append(len(audio)) or encode(audio))
    found = []

    def read() -> None:
        found.append(read_source(model, source, tmp_path / "both", batch=5))

    threads = [threading.Thread(target=read) for _ in range(2)]
    facts = alone.facts
    with caplog.at_level(logging.WARNING), writing(tmp_path / "both", facts):
        for thread in threads:
            thread.start()
        while len(caplog.messages) < 2:
            threads[0].join(0.01)
        assert not passes
    for thread in threads:
        thread.join()
    assert sum(passes) == source.clips
    assert all("is reading notes: waiting for it" in line for line in caplog.messages)
    for store in found:
        assert np.array_equal(store.values, alone.values) and store.labels == alone.labels


def test_a_run_that_dies_in_a_batch_goes_on_to_the_same_bytes(
    model, notes_build, tmp_path, monkeypatch
):
    source = BuiltSource(notes_build.folder)
    facts = read_source(model, source, tmp_path / "one", batch=5).facts
    write = Writer._write
    for victim in (DATA, INDEX):
        for place in (1, 3):
            written = []

            def dies(self, name, data, written=written, victim=victim, place=place):
                written.append(name)
                half = name == victim and written.count(victim) == place
                write(self, name, data[: len(data) // 2] if half else data)
                if half:
                    raise KeyboardInterrupt

            with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
                patch.setattr(Writer, "_write", dies)
                read_source(model, source, tmp_path / f"{victim}-{place}", batch=5)
            read_source(model, source, tmp_path / f"{victim}-{place}", batch=5)
            for path in (tmp_path / "one" / key_of(facts)).iterdir():
                other = tmp_path / f"{victim}-{place}" / key_of(facts) / path.name
                assert other.read_bytes() == path.read_bytes()


def test_clips_that_are_not_equally_long_have_no_store_by_seconds(tmp_path):
    writer = Writer(tmp_path, FACTS, 2)
    writer.append(np.zeros((1, 3, 2, 4), np.float32), [{"clip_id": "a"}])
    with pytest.raises(BadInput, match="use the pooling mean or last"):
        writer.append(np.zeros((1, 2, 2, 4), np.float32), [{"clip_id": "b"}])
    with pytest.raises(BadInput, match="1 of 2 clips are there"):
        writer.finish()
