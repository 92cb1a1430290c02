"""Where clips come from: a folder that curation built, a recorded corpus, a dataset on the Hub, files."""

from __future__ import annotations

import io
from collections import Counter
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
from curation.spec import seed_for
from curation.splits import assign_groups, random_split
from steering.activations.corpora import Corpus, Recording, corpus_of

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


SECONDS = 8.0
"""Of a clip that is cut out of a recording."""

STRETCHES = 2
"""Clips of one recording, one from the middle of each half; of a short recording one."""


class RecordedSource:
    """Clips of eight seconds out of a recorded corpus, divided so that no artist is in two splits.

    Attributes:
        short: recordings that are left out, under eight seconds.

    Raises:
        BadInput: the folder lacks files or labels, or no recording is long enough.
    """

    def __init__(self, folder: Path, corpus: Corpus) -> None:
        self.corpus, self.short = corpus, 0
        self.cuts: list[tuple[Recording, int, int]] = []
        sizes: Counter[str] = Counter()
        digest = blake2b(corpus.name.encode(), digest_size=10)
        for one in corpus.recordings(folder):
            count = min(STRETCHES, int(_seconds_of(one) / SECONDS))
            self.short += not count
            self.cuts += [(one, place, count) for place in range(count)]
            sizes[one.group] += count
            digest.update(repr((one.name, one.group, count, sorted(one.labels.items()))).encode())
        if not self.cuts:
            raise BadInput(f"{folder} holds no recording of {SECONDS:g} s or more: add longer ones")
        self.splits = assign_groups(sizes, seed_for("recorded", corpus.name))
        self.name, self.fingerprint = f"{corpus.name} {folder.name}", digest.hexdigest()
        self.clips = len(self.cuts)

    def read(self, start: int) -> Iterator[SourceClip]:
        for one, place, count in self.cuts[start:]:
            samples, rate = decode(one.content(), one.name)
            length, clip_id = round(SECONDS * rate), f"{one.name}-{place}"
            middle = (2 * place + 1) * len(samples) // (2 * count)
            begin = min(max(middle - length // 2, 0), len(samples) - length)
            labels = {
                **one.labels,
                "clip_id": clip_id,
                "split_group": one.group,
                "split": self.splits[one.group],
                "random_split": random_split(clip_id, 0),
            }
            yield SourceClip(samples[begin : begin + length], rate, labels)


def _seconds_of(one: Recording) -> float:
    """How long a recording says that it is.

    Raises:
        BadInput: it does not decode as audio.
    """
    try:
        with soundfile.SoundFile(io.BytesIO(one.content())) as file:
            return float(file.frames / file.samplerate)
    except (soundfile.LibsndfileError, RuntimeError):
        raise _undecodable(one.name) from None


def open_source(name: str) -> Source:
    """A source by the name of a folder or of a dataset on the Hub."""
    folder = Path(name)
    if (folder / RECIPE_FILE).exists():
        return BuiltSource(folder)
    if folder.is_dir() and (corpus := corpus_of(folder)) is not None:
        return RecordedSource(folder, corpus)
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
        raise _undecodable(name) from None
    if not len(samples):
        raise BadInput(f"{name} holds no sound: take it out")
    if not np.isfinite(samples).all():
        raise BadInput(f"{name} holds samples that are no numbers: replace it or take it out")
    return samples.mean(axis=1), int(rate)


def _undecodable(name: str) -> BadInput:
    return BadInput(f"{name} does not decode as audio: replace it or take it out")


def resampled(clip: SourceClip, rate: int) -> np.ndarray:
    """The clip's samples at another rate, float32 ``[N]``."""
    if clip.sample_rate == rate:
        return clip.audio
    return librosa.resample(clip.audio, orig_sr=clip.sample_rate, target_sr=rate)
