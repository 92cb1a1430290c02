"""Judges on music by people: measured once, said in every report; and what recordings can tell."""

from __future__ import annotations

from argparse import Namespace
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from curation.errors import BadInput
from steering.activations.sources import open_source
from steering.evaluation import facts, truth
from steering.evaluation.studies import get_study, judges
from steering.evaluation.truth import kept_lines, trials
from steering.families import get_family
from steering.metrics.verdict import OwnError
from tests.test_judges import RATE, chords, clicks

MODEL = SimpleNamespace(origin=SimpleNamespace(model="toy", revision="1"))


def cadence(tonic: int, seconds: float = 16.0) -> np.ndarray:
    """I IV V I over and over."""
    steps = ((0, "major"), (5, "major"), (7, "major"), (0, "major"))
    once = chords(*((60 + tonic + step, kind) for step, kind in steps))
    return np.tile(once, round(seconds / 4))


def given(folder, **options) -> Namespace:
    return Namespace(**{"datasets": None, "truth_clips": 10, "out": folder, **options})


@pytest.fixture
def counted(monkeypatch):
    """Judges that are right on 9 of 10 of our songs and on 6 of 10 clips by people, decoded one less."""
    asked = []

    def tried(trial, clips, model=None):
        asked.append((trial.name, trial.dataset, trial.seconds, model is not None))
        right = (6 if trial.dataset == "scores" else 9) - (model is not None)
        return OwnError(right, clips, f"rendered {trial.dataset}")

    monkeypatch.setattr(judges, "tried", tried)
    return asked


def test_each_judge_is_tried_on_both_kinds_of_music_equally_long(counted, tmp_path):
    text = judges.report(lambda: MODEL, given(tmp_path), lambda line: None)
    kept = [name for name, trial in trials().items() if trial.kept]
    assert len(kept) >= 5 and text.count("| 60% (31% to 83%) | 90% (60% to 98%) |") == len(kept)
    for name in kept:
        rows = {(dataset, decoded) for n, dataset, _, decoded in counted if n == name}
        assert rows == {(d, c) for d in ("scores", "songs") for c in (False, True)}
        assert len({seconds for n, _, seconds, _ in counted if n == name}) == 1
    assert (tmp_path / "report.md").read_text() == text
    assert get_study("judges").alone is judges.report


def test_every_report_says_what_was_found(counted, tmp_path, monkeypatch):
    judges.report(lambda: MODEL, given(tmp_path), lambda line: None)
    monkeypatch.setattr(truth, "KEPT", tmp_path / "report.json")
    truth._kept.cache_clear()
    line = kept_lines(["key of music by people"])["key of music by people"]
    assert line.startswith(
        "60% (31% to 83%) right on 10 clips of 8 s, 50% (24% to 76%) through the codec"
    )
    assert "on our songs, equally long, 90% (60% to 98%)" in line
    family = get_family("keys")
    setting = SimpleNamespace(
        origin=MODEL.origin,
        asks=[SimpleNamespace(text={"plain": "calm jazz"})],
        seconds=4.0,
        clap="",
    )
    evaluation = SimpleNamespace(
        setting=setting, family=family, without=(), held_out=None, judges=SimpleNamespace(errors={})
    )
    said = facts.facts(SimpleNamespace(trials=()), evaluation, "test", 0)
    assert said["the judge of key of music by people"] == line
    truth._kept.cache_clear()


def test_where_nothing_was_measured_nothing_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(truth, "KEPT", tmp_path / "none.json")
    truth._kept.cache_clear()
    assert kept_lines(["key of music by people"]) == {}
    truth._kept.cache_clear()


def test_recordings_are_judged_by_their_labels_and_by_their_halves(tmp_path):
    """Of four cadences one is labelled wrongly; every one keeps its key, and no two have the same."""
    lines = ["file,artist,key"]
    for place, (tonic, said) in enumerate(((0, "C"), (4, "E"), (7, "G"), (2, "F#"))):
        soundfile.write(tmp_path / f"{place}.wav", cadence(tonic), RATE)
        lines.append(f"{place}.wav,artist {place},{said} major")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    about, *found = judges.recorded(open_source(str(tmp_path)))
    assert "8 clips of 4 recordings, grouped by the artist" in about
    assert found[0] == "key as labelled: 75% of 8 (41% to 93%)"
    assert found[1].startswith("the same key heard in both halves: 100% of 4")
    assert found[3].startswith("the same key heard in halves of two recordings: 0% of 4")


def test_a_tempo_is_heard_again_in_the_other_half(tmp_path):
    for name, bpm in (("a", 90.0), ("b", 130.0)):
        soundfile.write(tmp_path / f"{name}.wav", clicks(bpm, 16.0), RATE)
    (tmp_path / "labels.csv").write_text("file,bpm\na.wav,90\nb.wav,100\n")
    found = judges.recorded(open_source(str(tmp_path)))
    assert "tempo as labelled: 50% of 4 (15% to 85%)" in found
    assert "the same tempo heard in both halves: 100% of 2 (34% to 100%)" in found


def test_what_is_no_corpus_is_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", clicks(100), RATE)
    with pytest.raises(BadInput, match=r"is no recorded corpus: give a folder with labels.csv"):
        judges.report(lambda: MODEL, given(tmp_path, datasets=[str(tmp_path)]), print)
