"""The loader for mirdata keeps mirdata's contract on a built sample.

`python -m benchmarks.mirdata_suite CLONE` runs mirdata's own tests on it.
"""

from __future__ import annotations

import importlib
import inspect
import json
import runpy
from pathlib import Path
from types import FunctionType, ModuleType

import mirdata
import numpy as np
import pytest
from mirdata import annotations, core
from smart_open import open as smart_open

from curation.build import build
from curation.concepts import get_family
from curation.exports import export
from curation.exports.clip_files import index_file
from curation.folder import Built, decode, open_built
from curation.recipe import make_recipe

HOME = Path(__file__).parents[1] / "loaders" / "mirdata"
NAME = "steering_music"


@pytest.fixture(scope="module")
def loader() -> ModuleType:
    """The module, found where mirdata finds its own."""
    with pytest.MonkeyPatch.context() as patch:
        import mirdata.datasets as home

        patch.setattr(home, "__path__", [*home.__path__, str(HOME / "mirdata" / "datasets")])
        patch.setattr(mirdata, "DATASETS", [*mirdata.DATASETS, NAME])
        yield importlib.import_module(f"mirdata.datasets.{NAME}")


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Built:
    folder = tmp_path_factory.mktemp("loader") / "chords"
    recipe, fonts = make_recipe("chords", "tiny", clips=8)
    build(recipe, folder, fonts)
    export(open_built(folder), "mirdata", folder.with_name("chords-mirdata"))
    return open_built(folder)


@pytest.fixture
def chords(loader, built) -> core.Dataset:
    return mirdata.initialize(NAME, str(built.folder) + "-mirdata", version="chords")


def parts(track: core.Track) -> tuple[list[str], list[str]]:
    """Names of a track's attributes, and of what is read from files."""
    public = [name for name in dir(type(track)) if not name.startswith("_")]
    read = [
        name
        for name in public
        if isinstance(inspect.getattr_static(type(track), name), property | core.cached_property)
    ]
    methods = [n for n in public if isinstance(getattr(type(track), n), FunctionType)]
    return [n for n in vars(track) if not n.startswith("_")], sorted(set(read) - set(methods))


def test_the_dataset_has_what_mirdata_asks_of_one(chords, capsys):
    assert chords.name == NAME and chords.remotes is None
    assert chords.bibtex.startswith("@misc") and "CC BY 4.0" in chords._license_info
    assert issubclass(chords._track_class, core.Track)
    expected = {"partial_download": None, "force_overwrite": False, "cleanup": False}
    given = inspect.signature(chords.download).parameters
    assert {name: given[name].default for name in expected} == expected
    chords.cite()
    chords.license()
    assert "steering_music" in capsys.readouterr().out
    chords.download()


def test_its_versions_are_families_of_the_size_that_it_says(loader):
    assert loader.INDEXES["test"] == "sample" and loader.INDEXES["default"] in loader.FAMILIES
    for name in loader.FAMILIES:
        assert loader.INDEXES[name].filename == index_file(name)
        assert f"- {name}: {get_family(name).size:,}" in loader.__doc__


def test_the_clips_are_valid_until_one_changes(chords):
    empty = {"metadata": {}, "tracks": {}}
    assert chords.validate(verbose=False) == (empty, empty)
    track = chords.track(chords.track_ids[0])
    path, sound = Path(track.audio_path), Path(track.audio_path).read_bytes()
    path.write_bytes(sound[:-1])
    try:
        missing, wrong = chords.validate(verbose=False)
    finally:
        path.write_bytes(sound)
    assert missing == empty and wrong["tracks"] == {track.track_id: [track.audio_path]}


def test_every_track_is_the_clip_that_was_built(chords, built):
    tracks = chords.load_tracks()
    rows = {
        row["clip_id"]: (s.split, row) for s in built.shards for row in built.rows_of(s, heavy=True)
    }
    assert list(tracks) == list(rows) == chords.track_ids
    assert chords.choice_track().track_id in tracks
    for name, track in tracks.items():
        split, row = rows[name]
        assert (track.split, track.caption, track.group) == (
            split,
            row["caption"],
            row["split_group"],
        )
        assert track.labels == {label: row[label] for label in built.family.labels}
        sound, rate = track.audio
        expected, sample_rate = decode(row["audio"])
        assert rate == sample_rate and np.array_equal(sound * 32768, expected)
        assert track.tempo is None and track.genre is None and track.key is None
        (chord,) = track.chord.labels
        assert chord.startswith(f"{row['root']}:{row['quality'][:3]}")
        assert ("/" in chord) == (row["inversion"] != "root position")
        lowest = int(track.notes.pitches.min())
        assert len(track.notes.pitches) == 12 and isinstance(track.notes, annotations.NoteData)
        assert (lowest % 12 == row["root_pitch"] % 12) == ("/" not in chord)
        assert f"{name}.flac" in repr(track)


def test_splits_are_those_of_the_build(chords, built):
    splits = chords.get_track_splits()
    assert {name: len(ids) for name, ids in splits.items()} == {
        shard.split: report.rows for shard, report in zip(built.shards, built.reports, strict=True)
    }
    parted = chords.get_random_track_splits([0.9, 0.1])
    assert sum(map(len, parted.values())) == len(chords.track_ids)


def test_an_unknown_track_and_clips_that_are_not_there_are_told(loader, chords, built):
    with pytest.raises(ValueError, match="not a valid track_id"):
        chords.track("~no such track~")
    nowhere = mirdata.initialize(NAME, "not/a/real/path", version="chords")
    with pytest.raises(FileNotFoundError):
        _ = nowhere.track_ids
    index = json.loads(
        (built.folder.with_name("chords-mirdata") / index_file("chords")).read_text()
    )
    track = loader.Track(chords.track_ids[0], "not/a/path", NAME, index, lambda: nowhere._metadata)
    attributes, read = parts(track)
    assert {"track_id", "audio_path", "midi_path"} == set(attributes)
    assert {"audio", "chord", "key", "labels", "midi", "notes", "split"} <= set(read)
    for name in read:
        with pytest.raises(FileNotFoundError):
            getattr(track, name)


def test_loaders_are_documented_open_remote_files_and_take_none(loader):
    assert loader.open is smart_open and "os.path.exists" not in inspect.getsource(loader)
    loads = [getattr(loader, name) for name in dir(loader) if name.startswith("load_")]
    assert len(loads) == 2
    for load in loads:
        assert load.__doc__ and load(None) is None
        with pytest.raises(OSError):
            load("a/fake/filepath")


def test_mirdatas_own_way_of_making_the_index_gives_the_same(built, tmp_path):
    home = built.folder.with_name("chords-mirdata")
    script = runpy.run_path(str(HOME / "scripts" / f"make_{NAME}_index.py"))
    script[f"make_{NAME}_index"](str(home), str(tmp_path / "index.json"), "1.0.0")
    assert json.loads((tmp_path / "index.json").read_text()) == json.loads(
        (home / index_file("chords")).read_text()
    )


@pytest.mark.parametrize(
    ("labels", "key"),
    [
        ({"key": "D", "mode": "minor"}, "D:minor"),
        ({"root": "F#", "mode": "lydian"}, "F#:lydian"),
        ({"root": "C", "quality": "aug"}, None),
    ],
)
def test_a_key_is_that_of_songs_progressions_and_scales(labels, key, loader, chords):
    track = chords.track(chords.track_ids[0])
    track.__dict__["_track_metadata"] = {"labels": labels}
    assert (track.key.keys if track.key else [None]) == [key]
