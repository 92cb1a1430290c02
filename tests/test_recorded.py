"""Recorded corpora as the Hub has them, in small: read, cut, split by artist, refused in one line."""

from __future__ import annotations

import io
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from curation.errors import BadInput
from steering.activations.corpora import corpora, corpus_of
from steering.activations.corpora.corpus import tonality
from steering.activations.sources import SECONDS, RecordedSource, open_source

RATE = 8_000


def tone(hertz: float, seconds: float = 10.0) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype("f4")


def wav(hertz: float, seconds: float = 10.0) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, tone(hertz, seconds), RATE, format="WAV")
    return file.getvalue()


def put(path: Path, content: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def labelled(folder: Path) -> None:
    """Ten recordings by five artists, a key in words, a tempo, one of them unknown."""
    lines = ["file,artist,key,bpm"]
    for n in range(10):
        put(folder / f"audio/{n}.wav", wav(220 + n))
        lines.append(f"{n}.wav,artist {n % 5},{'Ab minor' if n % 2 else 'F# major'},{90 + n}")
    lines[-1] = lines[-1].rsplit(",", 1)[0] + ","
    put(folder / "labels.csv", "\n".join(lines))


def musicbench(folder: Path) -> None:
    """Three videos, two of them with a shifted copy, in JSON lines as the Hub has them."""
    rows = []
    for place in ("data/-0SdAVK79lg.wav", "data_aug2/-0SdAVK79lg_1.wav", "data/ckOe-8qdaew.wav",
                  "data_aug2/ckOe-8qdaew_2.wav", "data/sUjAb0SfppQ.wav"):  # fmt: skip
        put(folder / "datashare" / place, wav(330))
        rows.append({"dataset": "MusicBench", "location": place, "main_caption": "a tune",
                     "beats": [[0.4, 0.9, 1.4], [1.0, 2.0, 3.0]], "bpm": 120.0, "chords": ["Am"],
                     "key": ["Ab", "minor"], "keyprob": [0.8]})  # fmt: skip
    rows[-1] |= {"bpm": None, "beats": [[], []]}
    put(folder / "MusicBench_train.json", "\n".join(map(json.dumps, rows)))


def magnatagatune(folder: Path) -> None:
    """Tab-separated, quoted, as the original and the Hub have them."""
    info, tags = ['"clip_id"\t"artist"\t"mp3_path"'], ['"clip_id"\t"flute"\t"slow"\t"mp3_path"']
    for n in range(6):
        put(folder / f"mp3/f/{n}.mp3", wav(440))
        info.append(f'"{n}"\t"artist {n % 3}"\t"f/{n}.mp3"')
        tags.append(f'"{n}"\t"{n % 2}"\t"0"\t"f/{n}.mp3"')
    put(folder / "clip_info_final.csv", "\n".join(info))
    put(folder / "annotations_final.csv", "\n".join(tags))


def fma(folder: Path) -> None:
    """Genres are a list of classes whose names stand in the file's own description, as on the Hub."""
    names = {"names": ["Folk", "Rock"], "_type": "ClassLabel"}
    told = {"info": {"features": {"genres": {"feature": names, "_type": "Sequence"}}}}
    rows = [
        {"audio": {"bytes": wav(200 + n, 20), "path": f"{n}.mp3"}, "title": "t", "artist": f"a {n % 3}",
         "genres": [n % 2, 0]} for n in range(7)
    ]  # fmt: skip
    table = pa.Table.from_pylist(rows).replace_schema_metadata({b"huggingface": json.dumps(told)})
    (folder / "data").mkdir(parents=True)
    pq.write_table(table, folder / "data/train-00000-of-00001.parquet", row_group_size=3)


def gtzan_parquet(folder: Path) -> None:
    """Columns file, audio and genre; no artist is named."""
    told = {"info": {"features": {"genre": {"names": ["blues", "jazz"], "_type": "ClassLabel"}}}}
    rows = [
        {"file": f"{n}", "audio": {"bytes": wav(300), "path": f"{n}.wav"}, "genre": n % 2}
        for n in range(4)
    ]
    table = pa.Table.from_pylist(rows).replace_schema_metadata({b"huggingface": json.dumps(told)})
    folder.mkdir()
    pq.write_table(table, folder / "0000.parquet")


def gtzan(folder: Path) -> None:
    """The archive's folders, and a table of artists that somebody made."""
    for n, genre in enumerate(("blues", "blues", "jazz", "jazz")):
        put(folder / f"genres/{genre}/{genre}.{n:05d}.wav", wav(250))
    put(folder / "genres/jazz/jazz.00054.wav", b"not audio at all")
    put(folder / "artists.csv", "file,artist\nblues.00000.wav,B\nblues.00001.wav,B\n")


MADE = {
    "labelled": labelled,
    "MusicBench": musicbench,
    "MagnaTagATune": magnatagatune,
    "Parquet": fma,
    "GTZAN": gtzan,
}


@pytest.fixture(scope="module", params=MADE)
def recorded(request, tmp_path_factory) -> tuple[str, RecordedSource]:
    folder = tmp_path_factory.mktemp("recorded") / request.param
    MADE[request.param](folder)
    source = open_source(str(folder))
    assert isinstance(source, RecordedSource)
    return request.param, source


def test_every_corpus_has_a_stand_in_here():
    assert set(MADE) == set(corpora())


def test_a_corpus_is_known_by_its_files_and_read_in_one_order(recorded):
    name, source = recorded
    clips = list(source.read(0))
    assert source.corpus.name == name and len(clips) == source.clips
    assert [c.labels["clip_id"] for c in source.read(2)] == [c.labels["clip_id"] for c in clips[2:]]
    assert len({clip.labels["clip_id"] for clip in clips}) == len(clips)
    assert len({tuple(clip.labels) for clip in clips}) == 1
    assert all(len(clip.audio) == SECONDS * clip.sample_rate for clip in clips)


def test_no_artist_is_in_two_splits(recorded):
    splits = defaultdict(set)
    for clip in recorded[1].read(0):
        splits[clip.labels["split_group"]].add(clip.labels["split"])
    assert all(len(one) == 1 for one in splits.values()) and len(splits) > 1


def test_labels_are_what_the_corpora_say(tmp_path):
    def first(make, place=0):
        make(tmp_path / make.__name__)
        return list(open_source(str(tmp_path / make.__name__)).read(0))[place].labels

    assert {"key": "G#", "mode": "minor", "bpm": 91.0}.items() <= first(labelled, 1).items()
    said = first(musicbench)
    assert (said["key"], said["mode"], said["bpm"]) == ("G#", "minor", 120.0)
    assert said["time_signature"] == "3/4" and said["split_group"] == "-0SdAVK79lg"
    assert {"flute": "yes", "slow": "no"}.items() <= first(magnatagatune, 1).items()
    assert first(fma, 2)["genre"] == "Rock" and first(gtzan_parquet, 1)["genre"] == "jazz"
    said = first(gtzan)
    assert said["genre"] == "blues" and said["split_group"] == "B"


def test_shifted_copies_of_a_recording_stay_with_it(tmp_path):
    musicbench(tmp_path)
    groups = [clip.labels["split_group"] for clip in open_source(str(tmp_path)).read(0)]
    assert len(groups) == 5 and len(set(groups)) == 3


def test_a_long_recording_gives_the_middle_of_each_half(tmp_path):
    sound = np.concatenate([tone(400, 16), tone(1600, 16)])
    soundfile.write(tmp_path / "a.wav", sound, RATE)
    put(tmp_path / "labels.csv", "file,mood\na.wav,calm\n")
    strongest = [
        np.abs(np.fft.rfft(clip.audio)).argmax() / SECONDS
        for clip in open_source(str(tmp_path)).read(0)
    ]
    assert strongest == pytest.approx([400, 1600], abs=1)


def test_what_is_too_short_is_left_out_and_counted(tmp_path):
    for name, seconds in (("a", 9), ("b", 3)):
        put(tmp_path / f"{name}.wav", wav(200, seconds))
    put(tmp_path / "labels.csv", "file,mood\na.wav,calm\nb.wav,calm\n")
    source = open_source(str(tmp_path))
    assert (source.clips, source.short) == (1, 1)
    put(tmp_path / "labels.csv", "file,mood\nb.wav,calm\n")
    with pytest.raises(BadInput, match="no recording of 8 s or more"):
        open_source(str(tmp_path))


def test_other_labels_are_another_dataset(tmp_path):
    put(tmp_path / "a.wav", wav(200))
    put(tmp_path / "labels.csv", "file,mood\na.wav,calm\n")
    before = open_source(str(tmp_path)).fingerprint
    put(tmp_path / "labels.csv", "file,mood\na.wav,wild\n")
    assert open_source(str(tmp_path)).fingerprint != before


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ("file,mood\ngone.wav,calm\n", "has no gone.wav: unpack the dataset's archives there"),
        ("name,mood\na.wav,calm\n", "has no column 'file': it has name, mood"),
        ("file,mood\n", "holds no row"),
        ("file,mood\nbad.wav,calm\n", "bad.wav does not decode"),
        ("file,mood\na.wav,calm,wild\n", "rows that are not one entry a column"),
        ("file,mood\n../a.wav,calm\n", "lies outside"),
        ("file,mood\n" + "a" * 300 + ".wav,calm\n", "has no aaa"),
    ],
)
def test_what_is_missing_is_named_in_one_line(tmp_path, table, fault):
    put(tmp_path / "a.wav", wav(200))
    put(tmp_path / "bad.wav", b"no audio")
    put(tmp_path / "labels.csv", table)
    with pytest.raises(BadInput, match=fault) as told:
        open_source(str(tmp_path))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("row", [{"key": 3}, {"bpm": "fast"}, {"beats": 7}])
def test_rows_that_are_not_musicbenchs_are_refused(tmp_path, row):
    musicbench(tmp_path)
    first = json.loads((tmp_path / "MusicBench_train.json").read_text().splitlines()[0])
    put(tmp_path / "MusicBench_train.json", json.dumps(first | row))
    with pytest.raises(BadInput, match="otherwise than MusicBench does: download it again"):
        open_source(str(tmp_path))
    put(tmp_path / "MusicBench_train.json", "[1, 2]")
    with pytest.raises(BadInput, match="rows that are not one entry a column"):
        open_source(str(tmp_path))


def test_a_number_that_is_none_is_unknown(tmp_path):
    put(tmp_path / "a.wav", wav(200))
    put(tmp_path / "labels.csv", "file,bpm\na.wav,nan\n")
    assert [c.labels["bpm"] for c in open_source(str(tmp_path)).read(0)] == [None]


def test_tables_that_are_none_are_refused(tmp_path):
    put(tmp_path / "labels.parquet", b"PAR1 or not")
    with pytest.raises(BadInput, match="does not read as a table"):
        open_source(str(tmp_path))
    put(tmp_path / "other/a.parquet", b"PAR1 or not")
    with pytest.raises(BadInput, match="does not read as Parquet"):
        open_source(str(tmp_path / "other"))


def test_mere_audio_is_no_corpus(tmp_path):
    put(tmp_path / "a.wav", wav(200))
    assert corpus_of(tmp_path) is None


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("Bb", ("A#", None)),
        ("e minor", ("E", "minor")),
        ("C# maj", ("C#", "major")),
        ("E#", ("F", None)),
        ("", (None, None)),
        ("H major", (None, None)),
    ],
)
def test_keys_are_spelled_in_sharps(said, heard):
    assert tonality(said) == heard
