"""Judges of chords, keys, tempos and prompts on sounds whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from transformers import ClapConfig, ClapFeatureExtractor, ClapModel, ClapProcessor

from curation.errors import BadInput
from listening.chroma import profile
from listening.theory import PITCH_CLASSES, TRIADS
from sketch.language.text import make_tokenizer
from sketch.measures.adherence import Listener
from steering.evaluation.heard import entropies, hear_all
from steering.evaluation.studies.schedules import correlation, curves, per_second
from steering.evaluation.studies.tempos import tracking
from steering.evaluation.truth import own_errors
from steering.interventions.schedules import Schedule
from steering.metrics import embeddings
from steering.metrics.adherence import PromptListeners, find_clap
from steering.metrics.judges import (
    hear_tempo,
    hear_tonality,
    hear_triad,
    key_nearness,
    triad_quality,
)
from steering.metrics.verdict import OwnError, Verdict, own_error

RATE = 32_000


def tone(midi: float, seconds: float) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    partials = [np.sin(2 * np.pi * h * 440 * 2 ** ((midi - 69) / 12) * time) / h for h in (1, 2, 3)]
    return 0.05 * sum(partials) * np.minimum(1, 50 * (seconds - time))


def chords(*triads: tuple[int, str], seconds: float = 1.0) -> np.ndarray:
    return np.concatenate(
        [sum(tone(root + step, seconds) for step in TRIADS[name]) for root, name in triads]
    ).astype(np.float32)


def clicks(bpm: float, seconds: float = 8.0) -> np.ndarray:
    audio = np.zeros(round(seconds * RATE), np.float32)
    for beat in np.arange(0, seconds - 0.05, 60 / bpm):
        start = round(beat * RATE)
        audio[start : start + 640] += np.random.default_rng(0).standard_normal(640) * 0.3
    return audio


def test_seconds_of_chords_are_counted():
    heard = hear_triad(chords((60, "major"), (62, "minor"), (65, "minor"), (67, "minor")), RATE)
    assert heard.share("minor") == pytest.approx(0.75) and heard.share("dim") == 0
    assert heard.share("C major") == heard.share("F minor") == pytest.approx(0.25)
    assert triad_quality(heard) == "minor"
    assert hear_triad(chords((60, "major"), (62, "minor"), (62, "minor")), RATE).heard == "D minor"
    assert hear_triad(np.zeros(RATE, np.float32), RATE).heard is None


def test_a_cadence_has_a_key_and_its_relative_is_near():
    heard = hear_tonality(chords((60, "major"), (65, "major"), (67, "major"), (60, "major")), RATE)
    assert heard.heard == "C major" and heard.share("C") == heard.share("major") == 1
    assert key_nearness(heard, "C major") == 1
    assert 0 < key_nearness(heard, "A minor") < 1
    assert key_nearness(Verdict(None), "A minor") == 0


@pytest.mark.parametrize("bpm", [90.0, 120.0])
def test_clicks_have_a_tempo(bpm):
    audio = clicks(bpm)
    assert hear_tempo(audio, RATE).number == pytest.approx(bpm, rel=0.02)
    assert hear_tempo(np.zeros(RATE * 3, np.float32), RATE).number is None


def test_a_judge_is_judged():
    clips = [(chords((60 + n, "major")), RATE, PITCH_CLASSES[n]) for n in (0, 4)]
    found = own_error(lambda audio, rate: Verdict("C"), clips, "chords")
    assert (found.right, found.clips) == (1, 2) and "50.0% right on 2 chords" in str(found)
    assert OwnError(0, 0, "nothing").share == 0


def test_the_judge_of_notes_is_right_on_rendered_notes():
    found = own_errors(["pitch class, single notes"], 6)["pitch class, single notes"]
    assert found.clips == 6 and found.share >= 0.8


def test_what_is_heard_at_once_is_what_each_judge_hears():
    clips = [chords((60, "major"), (60, "major"))[:64_000], clicks(120, 2.0)]
    heard = hear_all(clips, RATE)
    assert heard["energy"].shape == (2, 12) and heard["counts"].shape == (2, 2, 12)
    seen = profile(clips[0], RATE)
    assert np.allclose(heard["energy"][0], seen.energy)
    assert entropies(heard)[0] == pytest.approx(seen.entropy)
    assert heard["chords"].shape == (2, 12, 4) and heard["chords"][0, 0, 0] == 1


def test_a_broken_clip_is_refused_with_its_fault():
    with pytest.raises(BadInput, match="finite and mono"):
        hear_all([np.full(RATE, np.nan, np.float32)], RATE)


def listener() -> tuple[Listener, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(
        x, np.where(x[:, 0] > 0, "rock", "jazz")
    )
    return Listener("genre", model, 0.5), np.array([[3.0, 0, 0], [-3.0, 0, 0], [3.0, 0, 0]])


def test_adherence_is_the_probability_of_what_was_asked():
    one, heard = listener()
    asked = [{"genre": "rock"}, {"genre": "rock"}, {"mood": "calm"}]
    scores = PromptListeners({"genre": one}).score(heard, asked)
    assert scores[0] > 0.95 and scores[1] < 0.05 and np.isnan(scores[2])
    with pytest.raises(BadInput, match="3 clips for 1 prompts"):
        PromptListeners({"genre": one}).score(heard, asked[:1])


def test_clap_is_never_downloaded(monkeypatch):
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("the network was used"))
    assert find_clap("nobody/clap-that-is-not-here") is None


def tiny_clap(folder):
    torch.manual_seed(0)
    words = make_tokenizer(hours=0.5)
    text = {"vocab_size": len(words), "hidden_size": 16, "num_hidden_layers": 1,
            "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 80,
            "pad_token_id": words.pad_token_id}  # fmt: skip
    audio = {"patch_embeds_hidden_size": 16, "hidden_size": 128, "depths": [1] * 4,
             "num_attention_heads": [2] * 4}  # fmt: skip
    ClapModel(ClapConfig(text_config=text, audio_config=audio, projection_dim=8)).save_pretrained(
        folder
    )
    ClapProcessor(ClapFeatureExtractor(truncation="rand_trunc"), words).save_pretrained(folder)


def test_clap_hears_each_clip_with_its_own_prompt(tmp_path):
    tiny_clap(tmp_path)
    clap = find_clap(str(tmp_path))
    clips = [tone(midi, 1.0).astype(np.float32) for midi in (60, 84)]
    prompts = ["calm jazz", "energetic rock with drums, no lead"]
    both = clap.score(clips, RATE, prompts)
    alone = [
        clap.score([clip], RATE, [prompt])[0] for clip, prompt in zip(clips, prompts, strict=True)
    ]
    assert both == pytest.approx(alone, abs=1e-5)
    assert both != pytest.approx(clap.score(clips, RATE, prompts[::-1]), abs=1e-5)
    assert np.all(np.abs(both) <= 1)


def test_real_clips_have_variance_one_on_every_axis():
    x = np.random.default_rng(0).normal(size=(300, 40)) * np.linspace(0.1, 5, 40)
    points = embeddings.fit(x, axes=8)(x)
    assert points.shape == (300, 8)
    assert np.allclose(np.cov(points, rowvar=False, bias=True), np.eye(8), atol=1e-6)
    with pytest.raises(BadInput, match="more real clips"):
        embeddings.fit(x[:5], axes=8)


def test_tempos_that_rise_with_the_coefficient_are_tracked_and_others_are_not():
    rng = np.random.default_rng(0)
    prompts = np.repeat(np.arange(10), 2)
    follows = {c: 120 * 2 ** (4 * c) + rng.normal(size=20) for c in (-0.1, 0.0, 0.1)}
    deaf = {c: rng.uniform(60, 180, size=20) for c in (-0.1, 0.0, 0.1)}
    deaf[0.0][3] = np.nan
    assert tracking(follows, prompts)["spearman"] > 0.9
    lost = tracking(deaf, prompts)
    assert abs(lost["spearman"]) < 0.4 and lost["low"] < 0 < lost["high"]


def test_curves_per_second_are_means_of_the_schedule():
    assert per_second(Schedule("linear_rise"), 4.0, 4) == pytest.approx(
        [0.1225, 0.3725, 0.6225, 0.8725]
    )
    for schedule in curves(12.0).values():
        assert per_second(schedule, 12.0, 12).std() > 0.1
    assert correlation(np.arange(4.0), np.arange(4.0) ** 2) > 0.9
    assert correlation(np.arange(4.0), np.ones(4)) == 0
