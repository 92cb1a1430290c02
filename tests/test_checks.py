"""The audit finds what is planted, and passes what is sound."""

from __future__ import annotations

import errno
import io
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from curation.checks import check, read_audit
from curation.checksums import SUMS_FILE, read_sums, write_sums
from curation.errors import BadInput
from curation.folder import Built, open_built


@pytest.fixture
def copy(notes_build: Built, tmp_path: Path) -> Built:
    shutil.copytree(notes_build.folder, tmp_path / "copy")
    return open_built(tmp_path / "copy")


def plant(built: Built, shard: int, change) -> None:
    """Rewrite a shard with ``change(rows)`` applied to its rows, and its digest."""
    path = built.folder / built.shards[shard].file_name
    with pq.ParquetFile(path) as file:
        table, metadata = file.read(), file.metadata.metadata[b"curation"]
    rows = table.to_pylist()
    change(rows)
    with pq.ParquetWriter(path, table.schema, write_page_checksum=True) as writer:
        writer.write_table(pa.Table.from_pylist(rows, schema=table.schema))
        writer.add_key_value_metadata({"curation": metadata.decode()})
    write_sums(built.folder, read_sums(built.folder))


def flac(audio: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, audio.astype(np.int16), 32_000, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def test_a_sound_build_passes_and_its_labels_are_heard(copy):
    audit = check(copy)
    assert audit.passed, audit.faults
    assert audit.clips == sum(report.rows for report in copy.reports)
    heard = audit.heard["pitch_class, MIDI 36 to 96"]
    assert heard["same"] >= 0.8 * sum(heard.values())
    assert read_audit(copy) == audit


@pytest.mark.parametrize(
    ("audio", "fault"),
    [
        (np.zeros(128_000), "silent clips"),
        (np.full(64_000, 1000), "another duration"),
        (np.full(128_000, 32767), "clipped clips"),
    ],
)
def test_bad_sound_is_found(copy, audio, fault):
    plant(copy, 0, lambda rows: rows[3]["audio"].update(bytes=flac(audio)))
    faults = check(copy, listen=0).faults
    assert len(faults) == 1
    assert fault in faults[0]


def test_a_check_says_nothing_of_shards_that_changed_since(copy):
    paths = [copy.folder / name for name in (copy.shards[0].file_name, SUMS_FILE)]
    sound = [path.read_bytes() for path in paths]
    plant(copy, 0, lambda rows: rows[3]["audio"].update(bytes=flac(np.zeros(128_000))))
    assert read_audit(copy) is None
    assert not check(copy, listen=0).passed
    assert not read_audit(copy).passed
    for path, content in zip(paths, sound, strict=True):
        path.write_bytes(content)
    assert read_audit(copy) is None
    assert check(copy, listen=0).passed and read_audit(copy).passed


def test_a_label_that_is_no_class_is_found(copy):
    plant(copy, 0, lambda rows: rows[0].update(pitch_class=-1))
    assert "has -1 for a pitch_class: build it again" in check(copy, listen=0).faults[0]


def test_a_folder_that_takes_no_findings_is_refused_before_a_clip_is_read(copy, monkeypatch):
    def refuse(dir):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    monkeypatch.setattr(Built, "rows", lambda *arguments: pytest.fail("read"))
    with pytest.raises(BadInput, match=r"cannot be written \(Read-only.*choose another"):
        check(copy, listen=0)


def test_damaged_findings_are_one_line(copy):
    (copy.folder / "check.json").write_text('{"clips": "many"}')
    with pytest.raises(BadInput, match=r"check\.json is damaged.*check the folder again"):
        read_audit(copy)


def test_a_clip_that_does_not_decode_is_found(copy):
    plant(copy, 0, lambda rows: rows[0]["audio"].update(bytes=b"fLaC and then nothing"))
    assert "do not decode" in check(copy, listen=0).faults[0]


def test_the_same_sound_in_two_splits_is_found(copy):
    path = copy.folder / copy.shards[0].file_name
    stolen = pq.read_table(path, columns=["audio"]).to_pylist()[0]["audio"]["bytes"]
    plant(copy, 2, lambda rows: rows[0]["audio"].update(bytes=stolen))
    assert "stand in two splits" in check(copy, listen=0).faults[0]


def test_a_group_in_two_splits_is_found(copy):
    train = pq.read_table(copy.folder / copy.shards[0].file_name, columns=["split_group"])
    group = train.to_pylist()[0]["split_group"]
    plant(copy, 2, lambda rows: rows[0].update(split_group=group))
    assert any("split_group stand in two splits" in fault for fault in check(copy, listen=0).faults)


def test_a_flipped_byte_in_a_shard_is_found(copy):
    path = copy.folder / copy.shards[0].file_name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))
    faults = check(copy, listen=0).faults
    assert faults and ("damaged" in faults[0] or "do not decode" in faults[0])


def test_damage_among_the_names_is_a_fault_and_no_end(copy):
    path = copy.folder / copy.shards[0].file_name
    with pq.ParquetFile(path) as file:
        columns = file.metadata.row_group(0)
        (start,) = (
            columns.column(number).data_page_offset
            for number in range(columns.num_columns)
            if columns.column(number).path_in_schema == "clip_id"
        )
    content = bytearray(path.read_bytes())
    content[start + 40] ^= 0xFF
    path.write_bytes(bytes(content))
    assert "damaged shards" in check(copy, listen=5).faults[0]


def test_a_wrong_label_is_not_heard(copy):
    def shift(rows):
        for row in rows:
            row["pitch_class"] = (row["pitch_class"] + 1) % 12

    for shard in range(len(copy.shards)):
        plant(copy, shard, shift)
    heard = check(copy).heard["pitch_class"]
    assert heard.get("same", 0) < 0.3 * sum(heard.values())


def test_a_missing_shard_names_the_fix(copy):
    (copy.folder / copy.shards[1].file_name).unlink()
    with pytest.raises(BadInput, match=r"1 of 3 shards are missing or damaged.*build notes into"):
        open_built(copy.folder)
