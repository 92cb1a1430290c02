"""A model ready to play: its decoder and the banks of directions that fit it."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from torch import Tensor

from curation.errors import BadInput
from steering.decoding.cache import Spare
from steering.decoding.clip import Clip
from steering.decoding.decoder import Decoder
from steering.decoding.sampling import Sampling
from steering.decoding.session import Session
from steering.decoding.slots import Slots
from steering.directions.bank import Bank
from steering.directions.library import BANKS, Library
from steering.models.interface import MusicModel
from steering.models.loading import SKETCH, load_model
from steering.recipes import played_on
from studio.limits import MOST_MOVES, MOVES_A_SECOND
from studio.zero_gpu import DEVICE_AND_DTYPE, ZeroGpuSession, plays_on_zero_gpu

PATIENCE_SECONDS = 5.0
"""How long whoever asks for a model first waits for it; all others are told at once."""

RETRY_SECONDS = 60.0
"""How long a model that could not be loaded is not tried again."""

log = logging.getLogger(__name__)


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

    @cached_property
    def slots(self) -> Slots:
        """Where the sessions of all listeners step together."""
        assert self.decoder is not None
        return Slots(self.decoder.fused)

    def session(
        self,
        clips: Sequence[Clip],
        seconds: float,
        sampling: Sampling,
        known: Sequence[Tensor] = (),
    ) -> Session | ZeroGpuSession:
        """A session that plays clips, here or on a hired GPU; here some may be known already."""
        if self.decoder is None:
            return ZeroGpuSession(self.name, clips, seconds, sampling)
        return Session(
            self.decoder,
            clips,
            seconds,
            sampling,
            most_moves=MOST_MOVES,
            moves_a_second=MOVES_A_SECOND,
            known=known,
        )

    def live_session(self, clips: Sequence[Clip], sampling: Sampling) -> Session:
        """A session here that goes on until it is stopped; its own memory bounds its moves."""
        assert self.decoder is not None
        return Session(self.decoder, clips, math.inf, sampling, moves_a_second=MOVES_A_SECOND)

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
    decoder = None if plays_on_zero_gpu(name) else Decoder(model)
    if decoder is not None and model.device.type == "cpu":
        decoder.fused.spare = Spare()
    return LoadedModel(name, model, decoder, banks)


@dataclass(frozen=True)
class Failed:
    """A model that could not be loaded, and when."""

    at: float = field(default_factory=time.monotonic)

    @property
    def lately(self) -> bool:
        return time.monotonic() - self.at < RETRY_SECONDS


class LoadedModels:
    """The models that the page offers, each loaded once, when first asked for, and then kept.

    Loading has a thread of its own and takes one model after another: nobody who plays another
    model waits for it, and whoever asks for the same one is told.

    Args:
        names: what is offered, the first one to begin with: the bound on what stays in memory.
    """

    def __init__(self, load: Loader = load_with_banks, names: Sequence[str] = (SKETCH,)) -> None:
        self._load, self.names = load, tuple(dict.fromkeys(names))
        self._loads: dict[str, Future[LoadedModel | Failed]] = {}
        self._lock, self._loading = threading.Lock(), threading.Lock()

    def __reduce__(self) -> tuple[type[LoadedModels], tuple[Loader, tuple[str, ...]]]:
        """In another process it loads its models itself."""
        return LoadedModels, (self._load, self.names)

    def __getitem__(self, name: object) -> LoadedModel:
        """A model, for a visitor.

        Raises:
            BadInput: it is not offered, is being loaded, or could not be loaded lately.
        """
        self.check(name)
        assert isinstance(name, str)
        load, begun = self._begun(name)
        try:
            found = load.result(PATIENCE_SECONDS if begun else 0)
        except TimeoutError:
            raise BadInput(f"{name} is being loaded: try again in a minute") from None
        if isinstance(found, Failed):
            raise BadInput(f"{name} cannot be played here now: try again later{self._or_another}")
        return found

    def load(self, name: str) -> LoadedModel:
        """A model, for the host: loaded in this thread, however long it takes.

        Raises:
            BadInput: it cannot be loaded.
        """
        with self._loading:
            found = self._load(name)
        with self._lock:
            self._loads[name] = Future()
            self._loads[name].set_result(found)
        return found

    @property
    def loaded(self) -> list[str]:
        """Names of those that can be played now."""
        with self._lock:
            done = [(name, load) for name, load in self._loads.items() if load.done()]
        return [name for name, load in done if isinstance(load.result(), LoadedModel)]

    def check(self, name: object) -> None:
        """Check that a model is offered; a path, above all, is not.

        Raises:
            BadInput: it is not.
        """
        if name not in self.names:
            words = ["the sketch" if one == SKETCH else one for one in self.names]
            only = "" if len(words) > 1 else " only"
            raise BadInput(f"no model of this name: this page plays {' and '.join(words)}{only}")

    @property
    def _or_another(self) -> str:
        return ", or choose another model" if len(self.names) > 1 else ""

    def _begun(self, name: str) -> tuple[Future[LoadedModel | Failed], bool]:
        """The loading of a model, and whether it was begun by this call."""
        with self._lock:
            known = self._loads.get(name)
            if known is not None and not _worth_another_try(known):
                return known, False
            load = self._loads[name] = Future()
        threading.Thread(
            target=self._fill, args=(name, load), name=f"loading {name}", daemon=True
        ).start()
        return load, True

    def _fill(self, name: str, load: Future[LoadedModel | Failed]) -> None:
        with self._loading:
            try:
                load.set_result(self._load(name))
            except BadInput as error:
                log.warning("%s was not loaded: %s", name, error)
                load.set_result(Failed())
            except Exception:
                log.exception("%s was not loaded", name)
                load.set_result(Failed())


def _worth_another_try(load: Future[LoadedModel | Failed]) -> bool:
    found = load.result(0) if load.done() else None
    return isinstance(found, Failed) and not found.lately
