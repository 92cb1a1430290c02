"""The codec: what its bands hear, what its oscillators hold, and that each stem has codes of its own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sketch.codec import features, losses
from sketch.codec.features import HOP, SAMPLE_RATE, FrameFeatures, Spectrum
from sketch.codec.model import SketchCodec, SketchCodecConfig
from sketch.codec.rhythm import counted
from sketch.codec.stems import STEMS
from sketch.codec.stream import ChunkedDecoder
from sketch.codec.synthesis import KNEE, Synthesis, oscillator_frequencies, within_full_scale
from sketch.codec.train import perplexity
from sketch.export import save_halved

SMALL = {
    "codebook_size": 32,
    "codebook_stems": ("drums", "bass", "chords", "lead"),
    "encoder_size": 16,
    "encoder_blocks": 1,
    "decoder_size": 16,
    "decoder_blocks": 2,
}


@pytest.fixture
def codec() -> SketchCodec:
    """An untrained codec whose layers say something else of every frame."""
    torch.manual_seed(0)
    codec = SketchCodec(SketchCodecConfig(**SMALL)).eval()
    for weight in codec.parameters():
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.3)
    return codec


def tone(hz: float, seconds: float = 1.0, amplitude: float = 0.5) -> torch.Tensor:
    time = torch.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return amplitude * torch.sin(2 * torch.pi * hz * time)[None]


@pytest.mark.parametrize(("hop", "bins"), [(4, 9), (5, 4), (16, 8)])
def test_the_spectrum_has_the_gradient_of_its_definition(hop, bins):
    window = torch.hann_window(16, dtype=torch.float64)
    audio = torch.randn(2, 50, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda x: features._Amplitudes.apply(x, window, hop, bins), audio
    )


def test_a_tone_at_a_bin_keeps_its_amplitude():
    audio = tone(84 * SAMPLE_RATE / 6_144, amplitude=0.5)
    assert Spectrum(6_144)(audio)[0, 20].max() == pytest.approx(0.5, rel=0.01)


@pytest.mark.parametrize("midi", [48, 61, 69, 82, 95])
def test_chroma_of_a_tone_is_its_pitch_class(midi):
    hz = 440 * 2 ** ((midi - 69) / 12)
    chroma = losses.chroma(FrameFeatures().all(tone(hz)))[0, 20]
    assert int(chroma.argmax()) == midi % 12
    assert chroma.max() > 0.6 * chroma.sum()


def test_pitch_distance_tells_a_semitone_from_a_change_of_level():
    bands = FrameFeatures().all
    c, quieter, c_sharp = bands(tone(261.6)), bands(tone(261.6) * 0.5), bands(tone(277.2))
    assert losses.pitch_distance(c, quieter) < 0.01
    assert losses.pitch_distance(c, c_sharp) > 1.0


@pytest.mark.parametrize("midi", [45, 69, 81])
def test_oscillators_hold_a_tone_that_is_no_multiple_of_the_frame_rate(midi):
    """The same controls in every frame give a clean tone, with no sidebands 50 Hz away."""
    synthesis = Synthesis()
    hz = 440 * 2 ** ((midi - 69) / 12)
    place = int(np.abs(oscillator_frequencies() - hz).argmin())
    controls = torch.full((1, 100, sum(synthesis.sizes)), -30.0)
    controls[..., place] = 3.0
    sound = synthesis(controls)[0, HOP:-HOP]
    spectrum = torch.fft.rfft(sound * torch.hann_window(len(sound))).abs()
    frequencies = torch.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE)
    assert frequencies[spectrum.argmax()] == pytest.approx(hz, abs=1.0)
    beside = (frequencies - hz).abs() > 10
    assert spectrum[beside].max() < 0.01 * spectrum.max()


def test_oscillators_lie_on_the_tempered_scale():
    midi = 69 + 12 * np.log2(oscillator_frequencies() / 440)
    for note in range(24, 120):
        assert np.abs(midi - note).min() < 0.01


@pytest.mark.parametrize("sizes", [[120], [1] * 60, [7, 50, 3, 40], [59, 1]])
def test_chunks_put_together_are_the_whole_clip(codec, sizes):
    codes = torch.randint(32, (2, 5, sum(sizes)))
    whole = codec.decode(codes[None]).audio_values[:, 0]
    decoder = ChunkedDecoder(codec)
    parts = [decoder.push(part) for part in codes.split(sizes, dim=-1)]
    chunks = torch.cat([*parts, decoder.finish()], dim=-1)
    assert chunks.shape == whole.shape
    assert torch.allclose(chunks, whole, atol=1e-5 * float(whole.abs().max()))


def test_a_chunk_waits_no_longer_than_the_codec_says(codec):
    decoder = ChunkedDecoder(codec)
    frames = codec.config.decoder_future + 5
    assert decoder.push(torch.zeros(1, 5, frames, dtype=torch.long)).shape == (1, 5 * HOP)


def test_a_stream_without_codes_says_so(codec):
    with pytest.raises(ValueError, match="push"):
        ChunkedDecoder(codec).finish()


def test_codes_have_the_shape_that_musicgen_expects(codec):
    encoded = codec.encode(torch.randn(2, 1, 10 * HOP + 1))
    assert encoded.audio_codes.shape == (1, 2, 5, 11)
    assert encoded.audio_codes.max() < 32
    assert codec.decode(encoded.audio_codes).audio_values.shape == (2, 1, 11 * HOP)


def test_padding_is_heard_as_silence(codec):
    audio = torch.randn(1, 1, 20 * HOP)
    mask = torch.ones(1, 20 * HOP)
    mask[:, 10 * HOP :] = 0
    silenced = audio.clone()
    silenced[..., 10 * HOP :] = 0
    codes = codec.encode(audio, mask).audio_codes
    assert torch.equal(codes, codec.encode(silenced).audio_codes)


def test_a_stem_sounds_as_its_own_strokes_and_codes_say_whatever_the_others_play(codec):
    codes = torch.randint(32, (2, 5, 30))
    other = torch.randint(32, (2, 5, 30))
    other[:, 3] = codes[:, 3]
    bit = 1 << STEMS.index("chords")
    strokes = torch.randint(16, (2, 30)), torch.randint(16, (2, 30)) & ~bit
    codes[:, 0] = counted(strokes[0], 32)
    other[:, 0] = counted(strokes[1] | (strokes[0] & bit), 32)
    alone, beside = (codec.stem("chords", part) for part in (codes, other))
    assert torch.equal(alone, beside)
    assert not torch.equal(codec.stem("lead", codes), codec.stem("lead", other))
    other[:, 0] = counted(strokes[1], 32)
    assert not torch.equal(alone, codec.stem("chords", other))


def test_what_is_decoded_is_the_sum_of_the_stems(codec):
    codes = torch.randint(32, (1, 5, 30))
    stems = [codec.stem(stem, codes) for stem in codec.config.codebook_stems]
    whole = codec.decode(codes[None]).audio_values[:, 0]
    assert torch.equal(whole, within_full_scale(torch.stack(stems).sum(0)))


def test_perplexity_counts_the_entries_in_use():
    assert perplexity(torch.arange(8).repeat(5), 32) == pytest.approx(8)
    assert perplexity(torch.zeros(40, dtype=torch.long), 32) == pytest.approx(1)


def test_a_saved_codec_is_loaded_with_all_its_tables(codec, tmp_path):
    save_halved(codec, tmp_path)
    loaded = SketchCodec.from_pretrained(tmp_path)
    for name, table in codec.named_buffers():
        assert torch.equal(loaded.get_buffer(name), table), name
    codes = torch.randint(32, (1, 1, 5, 30))
    again = SketchCodec.from_pretrained(tmp_path).decode(codes).audio_values
    assert torch.equal(loaded.decode(codes).audio_values, again)
    assert loaded.dtype == torch.float32


def test_loud_samples_are_bent_and_soft_ones_left_alone():
    samples = torch.linspace(-3, 3, 6001)
    bent = within_full_scale(samples)
    soft = samples.abs() <= KNEE
    assert torch.equal(bent[soft], samples[soft])
    assert bent.abs().max() < 1 and (bent.diff() >= 0).all()
    assert (bent.diff() <= samples.diff() + 1e-6).all()
