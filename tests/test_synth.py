"""Sound: in tune, alike in any order, and honest about what the font cannot play."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pretty_midi
import pytest

from curation import synth
from curation.concepts import get_family
from curation.errors import BadInput
from curation.sound_fonts import find_sound_font
from curation.synth import Renderer


def tone(pitch: int, program: int = 73, **changes: int) -> pretty_midi.PrettyMIDI:
    score = pretty_midi.PrettyMIDI()
    instrument = pretty_midi.Instrument(program)
    instrument.notes.append(pretty_midi.Note(100, pitch, 0.0, 2.0))
    score.instruments.append(instrument)
    return score


def frequency(audio: np.ndarray, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), 4 * len(audio)))
    return float(np.argmax(spectrum)) * rate / (4 * len(audio))


@pytest.mark.parametrize("rate", [16_000, 32_000, 44_100])
def test_a_flute_on_a4_sounds_440_hz_at_any_sample_rate(rate):
    audio = Renderer(find_sound_font(), rate).render(tone(69), 2.0).audio
    assert len(audio) == 2 * rate
    assert audio.dtype == np.float32
    assert frequency(audio, rate) == pytest.approx(440, rel=0.005)


def test_a_pitch_bend_of_half_its_range_is_a_semitone(renderer):
    score = tone(69)
    score.instruments[0].pitch_bends.append(pretty_midi.PitchBend(4096, 0.0))
    audio = renderer.render(score, 2.0).audio
    assert frequency(audio, 32_000) == pytest.approx(440 * 2 ** (1 / 12), rel=0.005)


def test_clips_are_the_same_bytes_in_any_order(renderer):
    specs = [
        get_family(name).spec(0, index)
        for name in ("chords", "notes", "time_signatures", "scales")
        for index in (0, 301, 1100)
    ]
    forward = [renderer.render(spec.score(), 1.5).audio.tobytes() for spec in specs]
    backward = [renderer.render(spec.score(), 1.5).audio.tobytes() for spec in reversed(specs)]
    assert forward == backward[::-1]
    assert len(set(forward)) == len(specs)


def test_the_number_of_voices_changes_no_sample(renderer, monkeypatch):
    family = get_family("chords")
    spec = family.spec(0, family.size // 2)
    few = renderer.render(spec.score(), spec.seconds).audio
    assert np.abs(few).max() > 0
    for name, number in (("FEW_VOICES", 2), ("FEW_NOTES", 0)):  # too few, and none at first
        monkeypatch.setattr(synth, name, number)
        assert np.array_equal(renderer.render(spec.score(), spec.seconds).audio, few)


def test_an_empty_score_is_silent_after_a_loud_one(renderer):
    renderer.render(tone(60, program=19), 0.5)
    assert not renderer.render(pretty_midi.PrettyMIDI(), 1.0).audio.any()


def test_reverb_rings_on_only_where_it_is_asked_for(renderer):
    dry, wet = tone(72, program=115), tone(72, program=115)
    wet.instruments[0].control_changes.append(pretty_midi.ControlChange(91, 127, 0.0))
    dry_tail, wet_tail = (
        np.abs(renderer.render(score, 2.0).audio[16_000:48_000]).max() for score in (dry, wet)
    )
    assert wet_tail > 10 * max(dry_tail, 1e-5)


def test_notes_that_the_font_lacks_are_counted(renderer):
    contrabass = 43  # FluidR3 stops at A3
    assert renderer.render(tone(40, contrabass), 0.2).unsounded == 0
    assert renderer.render(tone(90, contrabass), 0.2).unsounded == 1


def test_the_end_fades_out(renderer):
    audio = renderer.render(tone(69), 1.0).audio
    assert np.abs(audio[-4:]).max() < 0.02 * np.abs(audio[-2000:-400]).max()


def test_a_score_with_too_many_parts_is_refused(renderer):
    score = pretty_midi.PrettyMIDI()
    score.instruments += [pretty_midi.Instrument(0) for _ in range(40)]
    with pytest.raises(ValueError, match="40 instruments"):
        renderer.render(score, 1.0)


def test_sample_rates_out_of_range_are_refused():
    with pytest.raises(BadInput, match="8000 to 96000"):
        Renderer(find_sound_font(), 1_000)


def test_a_missing_sound_font_names_the_fix():
    with pytest.raises(BadInput, match=r"no sound font Grand\.sf2: check the path"):
        find_sound_font("Grand.sf2")


def test_a_broken_sound_font_is_refused(tmp_path):
    text = tmp_path / "text.sf2"
    text.write_text("not a sound font at all")
    with pytest.raises(BadInput, match="not a SoundFont 2 file"):
        find_sound_font(str(text))
    whole = find_sound_font("TimGM6mb.sf2")
    cut = tmp_path / "cut.sf2"
    cut.write_bytes(Path(whole.path).read_bytes()[:100_000])
    with pytest.raises(BadInput, match="cut short"):
        find_sound_font(str(cut))
