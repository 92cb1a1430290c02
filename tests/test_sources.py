"""Clips out of builds and files, read into activations that survive a kill."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import soundfile

from curation.errors import BadInput
from steering.activations.reader import read_source, read_source_pooled
from steering.activations.sources import (
    BuiltSource,
    FilesSource,
    SourceClip,
    open_source,
    resampled,
)
from steering.activations.store import key_of
from tests.toy import MODEL_LAYERS, SIZE


def test_a_build_is_read_with_its_labels_and_splits(notes_build):
    source = open_source(str(notes_build.folder))
    clips = list(source.read(0))
    assert isinstance(source, BuiltSource) and len(clips) == source.clips
    assert {clip.labels["split"] for clip in clips} <= {"train", "validation", "test"}
    assert clips[0].audio.dtype == np.float32 and clips[0].sample_rate == 32_000
    assert clips[0].labels["pitch_class"] in [
        "C",
        "C#",
        "D",
        "D#",
        "E",
        "F",
        "F#",
        "G",
        "G#",
        "A",
        "A#",
        "B",
    ]
    tail = list(source.read(3))
    assert [c.labels["clip_id"] for c in tail] == [c.labels["clip_id"] for c in clips[3:]]


def test_files_are_read_in_order_and_known_by_what_they_hold(tmp_path):
    for name in ("b/two.wav", "a/one.flac"):
        (tmp_path / name).parent.mkdir()
        soundfile.write(tmp_path / name, np.full((800, 2), 0.25), 8_000)
    source = open_source(str(tmp_path))
    assert isinstance(source, FilesSource)
    clips = list(source.read(0))
    assert [clip.labels["clip_id"] for clip in clips] == ["one.flac", "two.wav"]
    assert clips[0].audio.shape == (800,) and clips[0].audio[0] == pytest.approx(0.25, abs=1e-3)
    before = source.fingerprint
    soundfile.write(tmp_path / "b/two.wav", np.full(900, 0.5), 8_000)
    assert FilesSource(tmp_path).fingerprint != before


def test_what_would_fill_the_memory_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("steering.activations.sources.MOST_SAMPLES", 1000)
    soundfile.write(tmp_path / "long.wav", np.zeros((501, 2)), 8_000)
    with pytest.raises(BadInput, match=r"long.wav says that it holds 501 samples: cut it up"):
        list(open_source(str(tmp_path)).read(0))


def test_what_does_not_decode_is_named(tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"RIFF and nothing more")
    with pytest.raises(BadInput, match=r"broken.wav does not decode"):
        list(open_source(str(tmp_path)).read(0))
    soundfile.write(tmp_path / "broken.wav", np.zeros(0), 8_000)
    with pytest.raises(BadInput, match=r"broken.wav holds no sound"):
        list(open_source(str(tmp_path)).read(0))
    soundfile.write(tmp_path / "broken.wav", np.array([0, np.nan, 0]), 8_000, subtype="FLOAT")
    with pytest.raises(BadInput, match=r"broken.wav holds samples that are no numbers"):
        list(open_source(str(tmp_path)).read(0))
    with pytest.raises(BadInput, match="holds no audio"):
        FilesSource(tmp_path / "none")


def test_a_tone_keeps_its_pitch_at_another_rate():
    time = np.arange(16_000) / 16_000
    clip = SourceClip(np.sin(2 * np.pi * 440 * time).astype(np.float32), 16_000, {})
    moved = resampled(clip, 32_000)
    assert len(moved) == 32_000
    assert np.abs(np.fft.rfft(moved)).argmax() == 440


def test_activations_of_a_build_survive_a_kill_and_are_not_read_twice(
    model,
    notes_build,
    tmp_path,
    monkeypatch,
):
    source = open_source(str(notes_build.folder))
    whole = read_source(model, source, tmp_path / "one", batch=5)
    assert whole.values.shape == (source.clips, 1, MODEL_LAYERS, SIZE)

    def dies(done: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_source(model, source, tmp_path / "two", batch=5, progress=dies)
    seen: list[int] = []
    again = read_source(model, source, tmp_path / "two", batch=5, progress=seen.append)
    assert seen[0] == 5 and sum(seen) == source.clips
    assert np.allclose(again.values, whole.values, atol=1e-2)
    assert again.column("clip_id").tolist() == whole.column("clip_id").tolist()

    monkeypatch.setattr(model, "encode", None)
    reused = read_source(model, source, tmp_path / "two")
    assert np.array_equal(reused.values, again.values)


def test_two_poolings_share_a_pass_wherever_each_was_stopped(
    model,
    notes_build,
    tmp_path,
    monkeypatch,
):
    """The store of means is further on than the other, and no clip is in it twice."""
    source = open_source(str(notes_build.folder))
    alone = {
        pooling: read_source(model, source, tmp_path / "alone", pooling)
        for pooling in ("mean", "last")
    }

    def dies(done: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_source(model, source, tmp_path / "both", batch=5, progress=dies)
    passes = []
    run = model.run
    monkeypatch.setattr(model, "run", lambda *given: passes.append(1) or run(*given))
    both = read_source_pooled(model, source, tmp_path / "both", ["mean", "last"], batch=3)
    assert len(passes) == -(-source.clips // 3)
    for pooling, store in alone.items():
        assert np.allclose(both[pooling].values, store.values, atol=1e-2)
        assert both[pooling].labels == store.labels
    read_source_pooled(model, source, tmp_path / "both", ["last", "mean"])
    assert len(passes) == -(-source.clips // 3)


def test_a_run_that_died_after_its_last_clip_is_finished(model, notes_build, tmp_path):
    source = open_source(str(notes_build.folder))
    whole = read_source(model, source, tmp_path, batch=8)
    (tmp_path / key_of(whole.facts) / "facts.json").unlink()
    assert np.array_equal(read_source(model, source, tmp_path, batch=8).values, whole.values)
    shutil.rmtree(tmp_path)
