"""Files of sound that somebody brings: decoded in a process of its own, within limits, or one line why not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import librosa
import numpy as np

from curation.errors import BadInput
from listening.levels import rms_dbfs
from steering.activations.sources import SUFFIXES

MOST_BYTES, MOST_BYTES_IN_ALL = 20_000_000, 120_000_000
SHORTEST_SECONDS, LONGEST_SECONDS = 0.5, 60.0
"""Of a clip."""
HEARD_SECONDS = 12.0
"""From a clip's beginning: what is longer is cut."""
SILENT_DBFS = -60.0
DECODING_SECONDS = 20
"""Of processor time; four times as long on the clock."""
_CHILD = Path(__file__).with_name("decode_apart.py")


@dataclass(frozen=True)
class Sound:
    """Mono samples float32 ``[N]`` and their rate in Hz. name: as messages call it."""

    name: str
    audio: np.ndarray
    sample_rate: int

    def at(self, rate: int) -> np.ndarray:
        """The samples at another rate."""
        if rate == self.sample_rate:
            return self.audio
        return librosa.resample(self.audio, orig_sr=self.sample_rate, target_sr=rate)


def read_folder(folder: Path) -> list[Sound]:
    """The sounds of a folder, in the order of their names.

    Raises:
        BadInput: it is not there, holds no sound, or one of them cannot be taken.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder} is no folder: give one with sounds ({', '.join(SUFFIXES)})")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise BadInput(f"{folder} holds no sound: {', '.join(SUFFIXES)} are read")
    for path in paths:
        if path.stat().st_size > MOST_BYTES:
            raise _too_large(path.name, path.stat().st_size)
    return list(read_sounds({path.name: path.read_bytes() for path in paths}))


def read_sounds(files: Mapping[str, bytes]) -> Iterator[Sound]:
    """Sounds out of files' bytes, by the names that they came with.

    Raises:
        BadInput: one cannot be taken, or all are too large together; the message names it.
    """
    total = sum(map(len, files.values()))
    if total > MOST_BYTES_IN_ALL:
        raise BadInput(
            f"the files have {total / 1e6:.0f} MB together, {MOST_BYTES_IN_ALL / 1e6:.0f} are taken: "
            "give fewer, or as FLAC"
        )
    for name, content in files.items():
        yield read_sound(name, content)


def read_sound(name: str, content: bytes) -> Sound:
    """One file's sound.

    Raises:
        BadInput: it is too large, no sound, cut off, silent, too short or too long, or what it holds
            is no numbers.
    """
    name = shown(name)
    if len(content) > MOST_BYTES:
        raise _too_large(name, len(content))
    if not content:
        raise BadInput(f"{name} is empty: choose another file")
    said, samples = _decoded(name, content)
    seconds = float(said["seconds"])
    if seconds > LONGEST_SECONDS:
        raise BadInput(
            f"{name} lasts {seconds:,.0f} s: cut it to {LONGEST_SECONDS:g} s or less, of what you mean"
        )
    if seconds < SHORTEST_SECONDS:
        raise BadInput(f"{name} lasts {seconds:.2g} s: give {SHORTEST_SECONDS:g} s or more")
    if not np.isfinite(samples).all():
        raise BadInput(f"{name} holds samples that are no numbers: save it anew")
    rate = int(said["rate"])
    heard = samples[: round(HEARD_SECONDS * rate)]
    if rms_dbfs(heard) < SILENT_DBFS:
        raise BadInput(f"{name} is silent in its first {HEARD_SECONDS:g} s: choose another clip")
    return Sound(name, heard, rate)


def shown(name: str) -> str:
    """A file's own name as messages show it: no folder, nothing that cannot be printed.

    >>> shown("../../etc/passwd"), shown(""), shown("a" * 99)[-3:]
    ('passwd', 'a clip', 'aa…')
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = "".join(one for one in last if one.isprintable()).strip()
    return (plain[:60] + "…" if len(plain) > 60 else plain) or "a clip"


def _too_large(name: str, size: int) -> BadInput:
    return BadInput(
        f"{name} has {size / 1e6:.0f} MB, {MOST_BYTES / 1e6:.0f} are taken: cut it, or give it as FLAC"
    )


def _decoded(name: str, content: bytes) -> tuple[dict[str, float], np.ndarray]:
    """What the child says, and the samples; a child that dies is a file that cannot be read."""
    command = [sys.executable, "-I", str(_CHILD), str(LONGEST_SECONDS), str(DECODING_SECONDS)]
    try:
        done = subprocess.run(
            command, input=content, capture_output=True, timeout=4 * DECODING_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise BadInput(f"{name} takes too long to decode: save it anew as WAV or FLAC") from None
    line, _, rest = done.stdout.partition(b"\n")
    if done.returncode or not line:
        raise BadInput(f"{name} broke the decoder: save it anew as WAV or FLAC")
    said = json.loads(line)
    if "error" in said:
        raise BadInput(f"{name} cannot be taken, {said['error']}: give WAV, FLAC, OGG or MP3")
    return said, np.frombuffer(rest, dtype=np.float32)


def levelled(sounds: Sequence[np.ndarray], dbfs: float) -> list[np.ndarray]:
    """Samples at one level, no sample beyond full scale."""
    made = []
    for audio in sounds:
        gain = 10 ** ((dbfs - rms_dbfs(audio)) / 20)
        most = float(np.abs(audio).max(initial=1e-9))
        made.append((audio * min(gain, 1 / most)).astype(np.float32))
    return made
