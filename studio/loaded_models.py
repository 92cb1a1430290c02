"""A model ready to play: its decoder and the banks of directions that fit it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from curation.errors import BadInput
from steering.decoding.clip import Clip
from steering.decoding.decoder import Decoder
from steering.decoding.sampling import Sampling
from steering.decoding.session import Session
from steering.directions.bank import Bank
from steering.directions.library import BANKS, Library
from steering.models.interface import MusicModel
from steering.models.loading import load_model
from steering.recipes import played_on
from studio.presets import MODELS
from studio.zero_gpu import DEVICE_AND_DTYPE, ZeroGpuSession, plays_on_zero_gpu

MOST_MODELS = 2
"""Kept in memory at once; the one used longest ago makes room."""


@dataclass(frozen=True)
class LoadedModel:
    """What one model needs to play.

    Attributes:
        name: as recipes call the model.
        decoder: none where a GPU is hired for each clip.
        banks: by ``family/method``.
    """

    name: str
    model: MusicModel
    decoder: Decoder | None
    banks: Mapping[str, Bank]

    @property
    def played_on(self) -> tuple[str, str]:
        """Device and dtype of clips, as recipes keep them."""
        return DEVICE_AND_DTYPE if self.decoder is None else played_on(self.model)

    def session(
        self, clips: Sequence[Clip], seconds: float, sampling: Sampling
    ) -> Session | ZeroGpuSession:
        """A session that plays clips, here or on a hired GPU."""
        if self.decoder is None:
            return ZeroGpuSession(self.name, clips, seconds, sampling)
        return Session(self.decoder, clips, seconds, sampling)

    def bank(self, name: str) -> Bank:
        """The bank that a recipe names.

        Raises:
            BadInput: there is none of this name.
        """
        try:
            return self.banks[name]
        except KeyError:
            raise BadInput(
                f"no bank {name!r:.60} for {self.name}: choose one of {', '.join(self.banks) or 'none'}"
            ) from None


Loader = Callable[[str], LoadedModel]


def load_with_banks(name: str, folder: Path | None = None) -> LoadedModel:
    """A model by name with the banks that are shipped for it, and those of a folder.

    Args:
        folder: banks as ``<model>/<family>/<method>/`` that come before the shipped ones.
    """
    model = load_model(name, device="cpu" if plays_on_zero_gpu(name) else None)
    banks = Library(model, (folder, BANKS) if folder else (BANKS,)).fitting()
    return LoadedModel(name, model, None if plays_on_zero_gpu(name) else Decoder(model), banks)


class LoadedModels:
    """The models that the page offers, loaded when first asked for."""

    def __init__(self, load: Loader = load_with_banks, names: tuple[str, ...] = MODELS) -> None:
        self._load, self.names = load, names
        self._loaded: dict[str, LoadedModel] = {}
        self._lock = threading.Lock()

    def __getitem__(self, name: object) -> LoadedModel:
        """A model, loaded if need be.

        Raises:
            BadInput: it is not offered, or cannot be loaded.
        """
        self.check(name)
        assert isinstance(name, str)
        with self._lock:
            wanted = self._loaded.pop(name, None) or self._load(name)
            self._loaded[name] = wanted
            while len(self._loaded) > MOST_MODELS:
                self._loaded.pop(next(iter(self._loaded)))
            return wanted

    def check(self, name: object) -> None:
        """Check that a model is offered; a path, above all, is not.

        Raises:
            BadInput: it is not.
        """
        if name not in self.names:
            raise BadInput(f"no model {name!r:.60}: choose one of {', '.join(self.names)}")
