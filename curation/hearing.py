"""Labels heard again from the sound alone: pitch class, tempo, triad and key.

Nothing here is trained and nothing knows how a clip was made, so a label that a listener agrees
with is in the sound. One front end serves the three listeners for pitch, the A-weighted
log-frequency spectrum of `_spectrum`; the tempo listener has its own, the onset curve of `_onsets`.
Every listener raises `ValueError` for sound that is not ``[N]`` or not finite.
"""

from __future__ import annotations

from functools import cache

import librosa
import numpy as np
from librosa.filters import mel

from curation.levels import SILENT_DBFS
from curation.theory import PITCH_CLASSES, TRIADS

SILENCE = 10 ** (SILENT_DBFS / 20)
"""Peak below which a clip counts as silent; full scale is 1.0."""

BINS = 5
LOWEST, HIGHEST = 22, 129
"""The spectrum runs from MIDI 22 to 129 (29 Hz to 14 kHz), `BINS` bins a semitone."""

_WINDOW_SECONDS = 0.5
_LOW_PITCH, _HIGH_PITCH = 24, 108
_HARMONICS = 10
_NOTES = np.arange(33, 104)
_UPDATES = 30
_KEY_PROFILES = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}

_ONSET_RATE = 250
_SLOWEST, _FASTEST = 40.0, 240.0
_USUAL_BPM, _PRIOR_OCTAVES = 120.0, 1.2
_SUBDIVIDED = 0.85


class NothingHeard(ValueError):
    """There is nothing in the sound that a listener could name: silence, or no pulse."""


def hear_pitch_class(audio: np.ndarray, sample_rate: int) -> str:
    """The pitch class of the one note that sounds, however often it is struck.

    Each frame's spectrum is matched with cosine-lobed combs that also count against a pitch
    what lies between its harmonics (SWIPE: Camacho and Harris, JASA 124, 2008); the squared
    strengths of all octaves then vote for their pitch class, so that the octave need not be right.

    Args:
        audio: float ``[N]``, full scale 1.0.
        sample_rate: Hz, 8,000 or more.

    Raises:
        NothingHeard: the sound is silent.

    >>> time = np.arange(16_000) / 16_000
    >>> hear_pitch_class(np.sin(2 * np.pi * 440 * time), 16_000)
    'A'
    """
    strength = np.maximum(_combs() @ _frames(audio, sample_rate), 0).sum(axis=1)
    pitches, best = _best_of_semitones(strength)
    return PITCH_CLASSES[int(_octaves_apart(best**2, pitches).argmax())]


def hear_bpm(audio: np.ndarray, sample_rate: int) -> float:
    """The tempo in beats per minute, 40 to 240.

    The autocorrelation of an onset curve at 250 Hz is read at one, two and three times each
    candidate period (a comb, as in Klapuri et al., IEEE TASLP 14, 2006), weighed with a broad
    log-normal preference (Moelants, ICMPC 2002), and the best period is halved or cut in three as
    long as the faster pulse is about as regular. The last step is a parabola through the peak.

    Args:
        audio: float ``[N]``, at least two seconds for slow tempos.
        sample_rate: Hz, 8,000 or more.

    Raises:
        NothingHeard: the sound is silent, or has no two onsets.
    """
    echo = _autocorrelation(_onsets(audio, sample_rate))
    lags = np.geomspace(60 / _FASTEST, 60 / _SLOWEST, 1200) * _ONSET_RATE
    lags = lags[lags < 0.8 * len(echo)]
    support = _comb(echo, lags)
    if not len(lags) or support.max() < 0.05:
        raise NothingHeard("no pulse: the clip needs at least two onsets")
    octaves = np.log2(60 * _ONSET_RATE / lags / _USUAL_BPM)
    lag = float(lags[np.argmax(support * np.exp(-0.5 * (octaves / _PRIOR_OCTAVES) ** 2))])
    lag = _summit(echo, lag)
    while faster := _subdivision(echo, lag):
        lag = faster
    return 60 * _ONSET_RATE / lag


def hear_chord(audio: np.ndarray, sample_rate: int) -> tuple[str, str]:
    """Root and quality of the one triad that sounds, in any inversion.

    The spectrum is explained as a sum of notes (non-negative least squares, as in NNLS chroma:
    Mauch and Dixon, ISMIR 2010), the notes are folded into one octave, and the triad wins whose
    three tones hold most of them. The roots of an augmented triad sound alike: the lowest note
    decides among them.

    Args:
        audio: float ``[N]``, full scale 1.0.
        sample_rate: Hz, 8,000 or more.

    Returns:
        A pitch class and a quality out of `TRIADS`.

    Raises:
        NothingHeard: the sound is silent.
    """
    notes = _notes(_frames(audio, sample_rate).mean(axis=1, keepdims=True), sample_rate)[:, 0]
    chroma = _octaves_apart(notes, _NOTES)
    score = {
        (root, quality): chroma[[(root + step) % 12 for step in steps]].sum()
        for quality, steps in TRIADS.items()
        for root in range(12)
    }
    root, quality = max(score, key=lambda triad: score[triad])
    if quality == "aug":
        bass = _NOTES[int(np.argmax(notes > 0.4 * notes.max()))] % 12
        root = next((r for r in (root, (root + 4) % 12, (root + 8) % 12) if r == bass), root)
    return PITCH_CLASSES[root], quality


def hear_key(audio: np.ndarray, sample_rate: int) -> tuple[str, str]:
    """Tonic and mode of the piece, by how much each pitch class sounds.

    The square root of the notes' chroma is correlated with the probe-tone profiles of Krumhansl
    and Kessler (Psychological Review 89, 1982) in 12 transpositions. Order is not heard: chords
    that are at home in two keys are given to the more usual one.

    Args:
        audio: float ``[N]``, full scale 1.0.
        sample_rate: Hz, 8,000 or more.

    Returns:
        A pitch class and ``"major"`` or ``"minor"``.

    Raises:
        NothingHeard: the sound is silent.
    """
    notes = _notes(_frames(audio, sample_rate), sample_rate)
    notes = notes / (notes.max(axis=0) + 1e-9)
    chroma = np.sqrt(_octaves_apart(notes.sum(axis=1), _NOTES))
    match = {
        (tonic, mode): np.corrcoef(np.roll(profile, tonic), chroma)[0, 1]
        for mode, profile in _KEY_PROFILES.items()
        for tonic in range(12)
    }
    tonic, mode = max(match, key=lambda key: match[key])
    return PITCH_CLASSES[tonic], mode


def _audible(audio: np.ndarray) -> np.ndarray:
    if audio.ndim != 1:
        raise ValueError(f"audio has shape {audio.shape}: mix it down to [N] first")
    peak = np.abs(audio).max(initial=0)
    if not np.isfinite(peak):
        raise ValueError("audio holds NaN or infinity: render it again")
    if peak < SILENCE:
        raise NothingHeard("the clip is silent")
    return np.asarray(audio, dtype=np.float32)


def _frames(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """The square root of the spectrum, each frame as loud as the next: ``[bins, frames]``."""
    root = np.sqrt(_spectrum(audio, sample_rate))
    loudness = np.linalg.norm(root, axis=0)
    frames: np.ndarray = root / (loudness + 1e-3 * loudness.max())
    return frames


def _spectrum(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """A-weighted magnitudes on a log-frequency axis: ``[bins, frames]``."""
    size = _window(sample_rate)
    hop = size // 4
    audio = _audible(audio)
    audio = np.pad(audio, (0, max(0, size - len(audio))))
    magnitudes = np.abs(librosa.stft(audio, n_fft=size, hop_length=hop))
    low, share, weight = _log_axis(sample_rate)
    spectrum: np.ndarray = (magnitudes[low] * (1 - share) + magnitudes[low + 1] * share) * weight
    return spectrum


def _window(sample_rate: int) -> int:
    return int(2 ** np.round(np.log2(_WINDOW_SECONDS * sample_rate)))


@cache
def _log_axis(sample_rate: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lower neighbour, share of the upper one and A-weight (at most 1) of each bin."""
    hertz = librosa.midi_to_hz(_grid())
    size = _window(sample_rate)
    place = np.minimum(hertz * size / sample_rate, size // 2 - 1e-3)
    low = place.astype(int)
    weight = 10 ** (np.minimum(librosa.A_weighting(hertz), 0) / 20)
    weight[hertz > sample_rate / 2] = 0
    return low, (place - low)[:, None].astype(np.float32), weight[:, None].astype(np.float32)


def _grid() -> np.ndarray:
    return np.arange(LOWEST * BINS, HIGHEST * BINS + 1) / BINS


@cache
def _combs() -> np.ndarray:
    """One comb per candidate pitch, `BINS` a semitone: ``[candidates, bins]``."""
    candidates = np.arange(_LOW_PITCH * BINS, _HIGH_PITCH * BINS + 1) / BINS
    ratio = 2 ** ((_grid()[None] - candidates[:, None]) / 12)
    wave = np.cos(2 * np.pi * ratio)
    wave[ratio < 0.75] /= 2
    combs = np.where((ratio > 0.25) & (ratio < _HARMONICS + 0.75), wave / np.sqrt(ratio), 0)
    combs /= np.linalg.norm(np.maximum(combs, 0), axis=1, keepdims=True)
    return combs.astype(np.float32)


def _best_of_semitones(strength: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The semitones that the candidates surround, and the best candidate of each."""
    semitone = (np.arange(len(strength)) + BINS // 2) // BINS
    best = np.zeros(semitone[-1] + 1)
    np.maximum.at(best, semitone, strength)
    return np.arange(len(best)) + _LOW_PITCH, best


def _octaves_apart(amounts: np.ndarray, pitches: np.ndarray) -> np.ndarray:
    """Amounts summed over the octaves: ``[12]``."""
    chroma: np.ndarray = np.bincount(pitches % 12, weights=amounts, minlength=12)
    return chroma


def _notes(frames: np.ndarray, sample_rate: int) -> np.ndarray:
    """How much of each of `_NOTES` explains the frames: non-negative ``[notes, frames]``.

    Multiplicative updates for least squares (Lee and Seung, NIPS 2000).
    """
    templates = _templates(sample_rate)
    target, overlap = templates.T @ frames, templates.T @ templates
    amounts: np.ndarray = target + 1e-9
    for _ in range(_UPDATES):
        amounts = amounts * target / (overlap @ amounts + 1e-9)
    return amounts


@cache
def _templates(sample_rate: int) -> np.ndarray:
    """What `_frames` shows of each note: ``[bins, notes]``.

    Eight partials, each half as strong as the last, as wide as the window or a semitone.
    """
    hertz = librosa.midi_to_hz(_grid())[:, None]
    partials = np.arange(1, 9)
    width = sample_rate / _window(sample_rate)
    templates = np.zeros((len(hertz), len(_NOTES)))
    for place, note in enumerate(_NOTES):
        centres = librosa.midi_to_hz(note) * partials
        off = np.minimum(
            np.abs(hertz - centres) / (2 * width), np.abs(np.log2(hertz / centres)) * 12 / 0.4
        )
        shape = np.cos(np.pi / 2 * np.minimum(off, 1)) ** 2
        templates[:, place] = shape @ 0.5 ** (partials - 1)
    templates = np.sqrt(templates * _log_axis(sample_rate)[2])
    unit: np.ndarray = (templates / np.linalg.norm(templates, axis=0)).astype(np.float32)
    return unit


def _onsets(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """How much louder the bands grow from moment to moment, 250 values a second: ``[frames]``."""
    audio = _audible(audio)
    if len(audio) < sample_rate:
        raise NothingHeard("no pulse: the clip is shorter than a second")
    hop = round(sample_rate / _ONSET_RATE)
    bands = _bands(sample_rate) @ np.abs(librosa.stft(audio, n_fft=8 * hop, hop_length=hop))
    level = np.log1p(100 * bands / bands.max())
    rise = np.maximum(level[:, 2:] - level[:, :-2], 0).mean(axis=0)
    rise = np.maximum(rise - np.median(rise), 0)
    smooth = np.hanning(11)[1:-1]
    curve: np.ndarray = np.convolve(rise, smooth / smooth.sum(), "same")
    return curve


@cache
def _bands(sample_rate: int) -> np.ndarray:
    size = 8 * round(sample_rate / _ONSET_RATE)
    top = min(11_000, sample_rate / 2)
    bands: np.ndarray = mel(sr=sample_rate, n_fft=size, n_mels=40, fmin=30, fmax=top)
    return bands


def _autocorrelation(curve: np.ndarray) -> np.ndarray:
    """Unbiased autocorrelation, 1 at lag 0: ``[frames]``."""
    power = np.abs(np.fft.rfft(curve, 2 * len(curve))) ** 2
    echo: np.ndarray = np.fft.irfft(power)[: len(curve)]
    if echo[0] <= 0:
        raise NothingHeard("no onsets: the sound never grows louder")
    echo *= len(curve) / (len(curve) - np.arange(len(curve))) / echo[0]
    return echo


def _comb(echo: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Mean autocorrelation at one, two and three periods, as far as the clip reaches."""
    reach = 0.8 * len(echo)
    multiples = lags[None] * np.array([[1], [2], [3]])
    values = np.interp(multiples, np.arange(len(echo)), echo)
    inside = multiples < reach
    mean: np.ndarray = (values * inside).sum(axis=0) / np.maximum(inside.sum(axis=0), 1)
    return mean


def _subdivision(echo: np.ndarray, lag: float) -> float | None:
    """The pulse twice or three times as fast, if it is about as regular."""
    for parts in (2, 3):
        faster = lag / parts
        if faster >= 60 / _FASTEST * _ONSET_RATE:
            faster = _summit(echo, faster)
            if _height(echo, faster) > _SUBDIVIDED * _height(echo, lag):
                return faster
    return None


def _height(echo: np.ndarray, lag: float) -> float:
    return float(np.interp(lag, np.arange(len(echo)), echo))


def _summit(echo: np.ndarray, lag: float) -> float:
    """The autocorrelation's peak within 4 % of ``lag``, between the samples."""
    first = max(1, int(lag * 0.96))
    last = min(len(echo) - 2, int(np.ceil(lag * 1.04)))
    peak = first + int(np.argmax(echo[first : last + 1]))
    left, middle, right = echo[peak - 1 : peak + 2]
    bend = left - 2 * middle + right
    return peak + float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5)) if bend < 0 else peak
