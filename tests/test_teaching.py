"""A concept of one's own: what is told, how surely, and what is said of it."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
import torch

import steering
from curation.errors import BadInput
from listening.levels import rms_dbfs
from listening.pitch import hear_pitch_class
from steering.cli import main
from steering.commands import teach as teach_command
from steering.directions.packed import pack, unpack
from steering.teaching import finding, sounds, trials
from steering.teaching import lesson as lesson_of
from steering.teaching.lesson import teach
from steering.teaching.material import Example, Material, check_counts, read
from steering.teaching.neutral import load_neutral
from steering.teaching.sounds import read_sound
from steering.teaching.variants import PARTS, variant
from steering.teaching.verdict import judge
from tests.toy import toy_model

LAYERS, SIZE = 2, 16


def material(having: int, lacking: int, shift: float, seed: int = 0, parts: int = 4) -> Material:
    """Clips whose activations lie apart by a shift along one axis, and differ by chance otherwise."""
    generator = torch.Generator().manual_seed(seed)
    count = having + lacking
    centres = torch.randn(count, 1, LAYERS, SIZE, generator=generator)
    centres[:having, ..., 0] += shift
    x = centres + 0.3 * torch.randn(count, parts, LAYERS, SIZE, generator=generator)
    clip = np.repeat(np.arange(count), parts)
    return Material(x.flatten(0, 1), clip < having, clip)


def test_what_differs_is_told_and_what_does_not_is_not():
    sure, nothing = judge(material(10, 20, 6.0)), judge(material(10, 20, 0.0))
    assert sure.known and sure.auc.low > 0.9 and sure.p <= 0.002
    assert "the model knows it: AUC" in str(sure) and "of 10 clips against 20" in str(sure)
    assert not nothing.told and str(nothing).startswith("cannot be told from the neutral clips")


def test_labels_that_mean_nothing_are_believed_in_one_lesson_of_twenty():
    """The chance is exact: of 60 lessons without a concept about three are told (0 to 8)."""
    told = [judge(material(5, 10, 0.0, seed)).told for seed in range(60)]
    assert sum(told) <= 8


def test_three_clips_are_enough_for_what_is_plain():
    assert judge(material(3, 12, 8.0)).told


def test_spans_are_told_from_the_rest_of_their_own_clips():
    """Clips differ by more than the concept does: within a clip it is plain all the same."""
    generator = torch.Generator().manual_seed(0)
    centres = 5 * torch.randn(8, 1, LAYERS, SIZE, generator=generator)
    x = centres + 0.3 * torch.randn(8, 4, LAYERS, SIZE, generator=generator)
    x[:, :2, :, 0] += 3.0
    has = np.tile([True, True, False, False], 8)
    marked = Material(x.flatten(0, 1), has, np.repeat(np.arange(8), 4))
    assert marked.mixed and judge(marked).told


def test_parts_are_seconds_and_a_span_holds_those_that_lie_in_it_by_half():
    model = toy_model()
    codes = torch.randint(0, model.vocabulary, (model.codebooks, 170))  # 3.4 s
    clips = [Example(codes, True, n, ((0.6, 2.4),)) for n in range(3)]
    found = read(model, clips)
    assert len(found.x) == 9 and found.has.tolist() == 3 * [False, True, False]
    assert read(model, [Example(codes[:, :75], n < 3, n) for n in range(6)]).has.sum() == 6


@pytest.mark.parametrize(
    ("having", "lacking", "message"),
    [(2, 5, "2 clips have the concept"), (51, 5, "51 clips"), (5, 2, "2 clips are without")],
)
def test_too_few_and_too_many_are_refused(having, lacking, message):
    codes = torch.zeros(2, 50)
    with pytest.raises(BadInput, match=message):
        check_counts([Example(codes, n < having, n) for n in range(having + lacking)])


def test_too_few_seconds_to_hold_some_out_are_refused_in_words_of_the_lesson():
    """Three clips are taken, but not of two seconds each: the line names no split of a probe."""
    with pytest.raises(BadInput, match=r"has 2 s with the concept .* give more clips or longer"):
        finding.find(toy_model(), material(3, 12, 8.0, parts=2), "it")


@pytest.mark.parametrize("methods", [["ridge", "nope"], []])
def test_an_unknown_method_is_refused_before_anything_is_listened_to(methods):
    with pytest.raises(BadInput, match="method"):
        teach(None, [], methods=methods)


RATE = 32_000


def tone(hz: float = 440.0, seconds: float = 2.0, level: float = 0.2) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return (level * np.sin(2 * np.pi * hz * time)).astype(np.float32)


def as_file(audio: np.ndarray, kind: str = "WAV", **how) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, audio, RATE, format=kind, **how)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3"])
def test_a_sound_is_what_was_written(kind):
    sound = read_sound(f"a.{kind.lower()}", as_file(tone(), kind))
    assert sound.sample_rate == RATE and abs(len(sound.audio) - 2 * RATE) < 3_000
    assert hear_pitch_class(sound.at(16_000), 16_000) == "A"


def damaged(at: int, by: bytes) -> bytes:
    whole = as_file(tone())
    return whole[:at] + by + whole[at + len(by) :]


BAD = {
    "empty": (b"", "is empty"),
    "text": (b"hello" * 100, "does not decode"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(500), "does not decode"),
    "zip": (b"PK\x03\x04" + bytes(500), "does not decode"),
    "cut off in its head": (as_file(tone())[:20], "does not decode|lasts|broke"),
    "flac cut off": (as_file(tone(), "FLAC")[:60], "does not decode|lasts|broke"),
    "silent": (as_file(np.zeros(RATE, np.float32)), "is silent"),
    "short": (as_file(tone(seconds=0.1)), "lasts 0.1 s"),
    "ten hours": (as_file(np.zeros(4_000 * 600, np.float32), "FLAC"), "lasts|silent"),
    "not numbers": (as_file(np.full(RATE, np.nan), subtype="FLOAT"), "no numbers"),
    "no rate": (damaged(24, bytes(4)), "does not decode|broke|lasts"),
    "very many channels": (damaged(22, b"\xff\xff"), "does not decode|broke|lasts"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_sound_gets_one_line_with_its_name(case):
    content, message = BAD[case]
    with pytest.raises(BadInput, match=message) as refused:
        read_sound("../../x.wav", content)
    assert str(refused.value).startswith("x.wav ") and "\n" not in str(refused.value)


def test_too_many_bytes_are_refused_before_they_are_decoded(monkeypatch):
    monkeypatch.setattr(sounds, "MOST_BYTES", 1_000)
    monkeypatch.setattr(sounds, "MOST_BYTES_IN_ALL", 1_500)
    monkeypatch.setattr(sounds, "_decoded", None)
    with pytest.raises(BadInput, match="cut it, or give it as FLAC"):
        read_sound("x.wav", bytes(1_001))
    with pytest.raises(BadInput, match="together"):
        next(sounds.read_sounds({"a": bytes(800), "b": bytes(800)}))


def test_a_decoder_that_takes_too_long_is_ended(monkeypatch, tmp_path):
    sleeper = tmp_path / "sleeper.py"
    sleeper.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(sounds, "_CHILD", sleeper)
    monkeypatch.setattr(sounds, "DECODING_SECONDS", 0.2)
    with pytest.raises(BadInput, match="takes too long"):
        read_sound("x.wav", as_file(tone()))


def test_variants_are_moved_and_what_belongs_to_the_concept_is_not():
    up = variant(tone(), RATE, {"pitch": 0.8})
    assert hear_pitch_class(up, RATE) == "C#"  # four semitones above A
    faster = variant(tone(), RATE, {"tempo": 1.0, "level": -1.0})
    assert len(faster) == pytest.approx(2 * RATE / 1.12, rel=0.01)
    assert rms_dbfs(faster) == pytest.approx(rms_dbfs(tone()) - 6, abs=0.3)
    still = variant(tone(), RATE, dict.fromkeys(PARTS, 1.0), PARTS)
    assert np.array_equal(still, tone())


def written(folder, pitches, **how):
    folder.mkdir()
    for number, hz in enumerate(pitches):
        (folder / f"{number}.wav").write_bytes(as_file(tone(hz, 1.5), **how))
    return folder


def test_a_lesson_from_files_to_a_bank_that_steers(tmp_path, monkeypatch):
    monkeypatch.setattr(trials, "PROMPTS", ("calm jazz", "rock"))
    monkeypatch.setattr(trials, "STRENGTHS", (0.05, 0.1))
    model = toy_model()
    high = written(tmp_path / "high", (900.0, 1000.0, 1100.0))
    low = written(tmp_path / "low", (150.0, 160.0, 170.0))
    told = []
    lesson = steering.teach(
        model, high, low, "high", ("pitch",), told=lambda what, done, total: told.append(what)
    )
    assert list(lesson.bank) == ["high"] and lesson.strength in (0.05, 0.1)
    assert lesson.verdict.against == "the clips without it"
    assert lesson.bank.facts["verdict"]["having"] == 3
    assert set(told) == {
        "listening to the clips", "reading the clips", "looking for the direction", "trying strengths",
    }  # fmt: skip
    lesson.bank.save(tmp_path / "bank")
    again = steering.load_bank(str(tmp_path / "bank"), model)["high"]
    assert torch.equal(again.vectors, lesson.bank["high"].vectors)
    carried = unpack(pack(lesson.bank), lesson.bank.source, model.origin)
    assert carried.source == "own/high" and torch.equal(carried["high"].vectors, again.vectors)
    push = steering.Intervention(again, 2.0, monitor=steering.Monitor())
    pushed, still = (steering.generate(model, "jazz", one, seconds=0.5) for one in ([push], []))
    assert not torch.equal(pushed, still)


def test_a_lesson_can_be_stopped():
    def stop(what, done, total):
        raise KeyboardInterrupt

    clips = [sounds.Sound(str(n), tone(), RATE) for n in range(3)]
    with pytest.raises(KeyboardInterrupt):
        steering.teach(toy_model(), clips, clips, told=stop)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "2 clips have the concept: give 3 to 50"),
        (("--belongs", "colour"), "'colour' is no part of a concept"),
        (("--against", "{home}/nowhere"), "nowhere is no folder"),
        (("--name", "../x"), "is no name"),
        (("--name", ".."), "it begins with a dot"),
        (("--name", "a@b"), "none of / : = @"),
        (("--methods", "magic"), "no method 'magic'"),
    ],
)
def test_what_cannot_be_taught_is_refused_in_one_line(
    tmp_path, capsys, monkeypatch, arguments, message
):
    monkeypatch.setattr(teach_command, "model_of", lambda options: toy_model())
    two = written(tmp_path / "two", (400.0, 500.0))
    given = [part.format(home=tmp_path) for part in arguments]
    assert main(["teach", str(two), "--name", "x", *given]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1


def test_neutral_clips_are_matched_in_what_does_not_belong_to_the_concept():
    neutral = load_neutral()
    assert len(neutral) >= 100 and neutral.frames.min() >= 150
    loud = neutral.qualities[np.argsort(neutral.qualities[:, 0])[-5:]]
    chosen = neutral.qualities[neutral.matched(loud)]
    assert len(chosen) == 30
    assert chosen[:, 0].mean() > neutral.qualities[:, 0].mean() + neutral.qualities[:, 0].std()
    free = neutral.qualities[neutral.matched(loud, ("level",))]
    assert free[:, 0].mean() < chosen[:, 0].mean()


def test_a_piece_with_and_without_is_one_clip():
    with_it, without = ([sounds.Sound(n, tone(), RATE) for n in names] for names in ("abc", "cde"))
    assert lesson_of.numbered([with_it, without]) == [[0, 1, 2], [2, 3, 4]]
