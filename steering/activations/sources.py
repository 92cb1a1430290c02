"""Where clips come from: a folder that curation built, a dataset on the Hub, audio files."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import librosa
import numpy as np
import soundfile

from curation.build import RECIPE_FILE
from curation.errors import BadInput
from curation.extras import need
from curation.folder import open_built

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")


@dataclass(frozen=True)
class SourceClip:
    """One clip: mono float32 ``[N]``, its rate, and its labels with ``split`` and ``clip_id``."""

    audio: np.ndarray
    sample_rate: int
    labels: dict[str, Any]


class Source(Protocol):
    """Clips in a fixed order.

    Attributes:
        name: what it is called. fingerprint: says which clips these are. clips: how many.
    """

    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def clips(self) -> int: ...

    def read(self, start: int) -> Iterator[SourceClip]:
        """The clips from number ``start`` on."""


class BuiltSource:
    """A folder that `python -m curation build` made."""

    def __init__(self, folder: Path) -> None:
        self.built = open_built(folder)
        self.name = self.built.recipe.family
        self.fingerprint = self.built.recipe.fingerprint
        self.clips = sum(report.rows for report in self.built.reports)

    def read(self, start: int) -> Iterator[SourceClip]:
        wanted = ["audio", "clip_id", "split_group", "random_split", *self.built.family.labels]
        first, before = self._shard_of(start)
        rest = replace(self.built, shards=self.built.shards[first:])
        for number, (split, row) in enumerate(rest.rows(wanted), before):
            if number >= start:
                audio = row.pop("audio")
                samples, rate = decode(audio["bytes"], str(row["clip_id"]))
                yield SourceClip(samples, rate, row | {"split": split})

    def _shard_of(self, clip: int) -> tuple[int, int]:
        """The shard in which a clip stands, and how many clips stand before that."""
        before = 0
        for place, report in enumerate(self.built.reports):
            if before + report.rows > clip:
                return place, before
            before += report.rows
        return len(self.built.shards), before


class HubSource:
    """A dataset on the Hub, with a column ``audio``; read as a stream.

    Raises:
        BadInput: the Hub does not give it.
    """

    def __init__(self, name: str) -> None:
        need("curation", "datasets")
        import huggingface_hub

        import datasets

        try:
            info = huggingface_hub.HfApi().dataset_info(name)
            self.data = {
                split: datasets.load_dataset(name, split=split, streaming=True).cast_column(
                    "audio", datasets.Audio(decode=False)
                )
                for split in datasets.get_dataset_split_names(name)
            }
        except (OSError, ValueError, datasets.exceptions.DatasetsError):
            raise BadInput(
                f"{name} is no folder with a build, and the Hub does not give it: look at the "
                "name, connect to the internet, or build it with 'python -m curation build'"
            ) from None
        self.name, self.fingerprint = name, str(info.sha)
        self.clips = sum(part.info.splits[split].num_examples for split, part in self.data.items())

    def read(self, start: int) -> Iterator[SourceClip]:
        number = 0
        for split, part in self.data.items():
            names = {
                column: feature.names
                for column, feature in (part.features or {}).items()
                if hasattr(feature, "names")
            }
            for row in part:
                if number >= start:
                    audio = row.pop("audio")
                    samples, rate = decode(audio["bytes"], str(row.get("clip_id", number)))
                    labels = {k: names[k][v] if k in names else v for k, v in row.items()}
                    yield SourceClip(
                        samples, rate, {"clip_id": str(number), **labels, "split": split}
                    )
                number += 1


class FilesSource:
    """Audio files in a folder, in the order of their names; their only label is the folder's name.

    Raises:
        BadInput: the folder holds no audio.
    """

    def __init__(self, folder: Path) -> None:
        self.paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
        if not self.paths:
            raise BadInput(f"{folder} holds no audio: {', '.join(SUFFIXES)} are read")
        digest = blake2b(digest_size=10)
        for path in self.paths:
            stat = path.stat()
            digest.update(f"{path.relative_to(folder)} {stat.st_size} {stat.st_mtime_ns}".encode())
        self.name, self.fingerprint, self.clips = folder.name, digest.hexdigest(), len(self.paths)

    def read(self, start: int) -> Iterator[SourceClip]:
        for path in self.paths[start:]:
            samples, rate = decode(path.read_bytes(), path.name)
            labels = {"clip_id": path.name, "folder": path.parent.name, "split": "train"}
            yield SourceClip(samples, rate, labels)


@dataclass(frozen=True)
class Excerpt:
    """Some clips of a source that follow each other: from number ``start`` on, so many."""

    source: Source
    start: int
    clips: int

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def fingerprint(self) -> str:
        return f"{self.source.fingerprint} from {self.start}, {self.clips}"

    def read(self, start: int) -> Iterator[SourceClip]:
        return islice(self.source.read(self.start + start), self.clips - start)


def open_source(name: str) -> Source:
    """A source by the name of a folder or of a dataset on the Hub."""
    folder = Path(name)
    if (folder / RECIPE_FILE).exists():
        return BuiltSource(folder)
    if folder.is_dir():
        return FilesSource(folder)
    return HubSource(name)


MOST_SAMPLES = 2**28
"""Of one clip, of all its channels: an hour and a half of stereo, 1 GB."""


def decode(content: bytes, name: str) -> tuple[np.ndarray, int]:
    """An audio file's bytes to mono float32 ``[N]`` and its rate.

    Raises:
        BadInput: it does not decode, or holds no sound or what is no number; it names the clip.
    """
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            if file.frames * file.channels > MOST_SAMPLES:
                raise BadInput(f"{name} says that it holds {file.frames:,} samples: cut it up")
            samples, rate = file.read(dtype="float32", always_2d=True), file.samplerate
    except (soundfile.LibsndfileError, RuntimeError):
        raise BadInput(f"{name} does not decode as audio: replace it or take it out") from None
    if not len(samples):
        raise BadInput(f"{name} holds no sound: take it out")
    if not np.isfinite(samples).all():
        raise BadInput(f"{name} holds samples that are no numbers: replace it or take it out")
    return samples.mean(axis=1), int(rate)


def resampled(clip: SourceClip, rate: int) -> np.ndarray:
    """The clip's samples at another rate, float32 ``[N]``."""
    if clip.sample_rate == rate:
        return clip.audio
    return librosa.resample(clip.audio, orig_sr=clip.sample_rate, target_sr=rate)
