"""Training that survives a kill: one file, written whole or not at all, with all that goes on.

One process at a time trains a part in a folder.
"""

from __future__ import annotations

import logging
import pickle
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from curation.errors import BadInput
from curation.files import whole
from curation.locks import locked

log = logging.getLogger(__name__)

SAVE_SECONDS = 120.0
"""Of training, after which the checkpoint is written again."""


@dataclass(frozen=True)
class Amount:
    """How much a training is in all, over all its sessions: minutes, or steps.

    Rates fall with the share that is done. Minutes are never the same twice; a training of so many
    steps ends with the same weights however often it was stopped, with as many cores of one processor.

    Raises:
        BadInput: neither is given or both are, or it is not above 0.
    """

    minutes: float | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        given = {"--minutes": self.minutes, "--steps": self.steps}
        said = {name: number for name, number in given.items() if number is not None}
        if len(said) != 1:
            raise BadInput("say how much to train: give --minutes or --steps")
        ((name, number),) = said.items()
        if not 0 < number < float("inf"):
            raise BadInput(f"{name} {number:g}: give a number above 0")

    def done(self, step: int, seconds: float) -> float:
        """The share that is done after so many steps and seconds; 1 at the end."""
        if self.steps is not None:
            return step / self.steps
        assert self.minutes is not None
        return seconds / (60 * self.minutes)


@contextmanager
def training(folder: Path, part: str) -> Iterator[None]:
    """Be the only one that trains a part in a folder.

    Raises:
        BadInput: another process does.
    """

    def refuse(holder: str) -> None:
        raise BadInput(
            f"another training of the {part} is at work in {folder} ({holder}): wait for it, or "
            "stop it, or choose another --work"
        )

    with locked(folder / f".{part}.lock", refuse):
        yield


@contextmanager
def preparing(home: Path) -> Iterator[None]:
    """Be the only one that makes what all trainings of a folder share; another one is waited for."""

    def tell(holder: str) -> None:
        log.info("%s is making %s: waiting for it", holder, home)

    with locked(home.with_name(f".{home.name}.lock"), tell):
        yield


class Checkpoint:
    """Named parts with ``state_dict`` and ``load_state_dict``, and the numbers of the run.

    Args:
        path: the file.
        recipe: what the training was asked to do; another recipe cannot resume it.
        parts: what is saved: modules, optimisers.
    """

    def __init__(self, path: Path, recipe: Mapping[str, Any], parts: Mapping[str, Any]) -> None:
        self.path, self.recipe, self.parts = path, dict(recipe), parts

    def load(self) -> dict[str, Any]:
        """Put every part back and return the run's numbers; empty where there is nothing yet.

        Raises:
            BadInput: the file is damaged, or of another recipe.
        """
        if not self.path.exists():
            return {}
        saved = read_checkpoint(self.path)
        with _readable(self.path):
            self._check_recipe(saved["recipe"])
            self._check_parts(saved["states"])
            for name, part in self.parts.items():
                if name in saved["states"]:
                    part.load_state_dict(saved["states"][name])
            torch.set_rng_state(saved["random"])
            return dict(saved["numbers"])

    def save(self, numbers: Mapping[str, Any]) -> None:
        """Write all parts, the random state and the run's numbers; the old file stays until then."""
        states = {
            "recipe": self.recipe,
            "states": {name: one.state_dict() for name, one in self.parts.items()},
            "numbers": dict(numbers),
            "random": torch.get_rng_state(),
        }
        with whole(self.path) as part:
            torch.save(states, part)

    def _check_parts(self, states: Mapping[str, Any]) -> None:
        """Files of before a part was kept do not have it; a name that nobody knows is damage."""
        unknown = sorted(set(states) - set(self.parts))
        if unknown:
            raise ValueError(f"no part is called {unknown[0]!r:.40}")

    def _check_recipe(self, recipe: Mapping[str, Any]) -> None:
        if recipe != self.recipe:
            changed = sorted(
                k for k in {*recipe, *self.recipe} if recipe.get(k) != self.recipe.get(k)
            )
            raise BadInput(
                f"{self.path} was trained with another {', '.join(changed)}: "
                "give the same again, or delete it to begin anew"
            )


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What `Checkpoint.save` wrote, read without running code.

    Raises:
        BadInput: the file is missing, damaged or no checkpoint.
    """
    with _readable(path):
        saved = torch.load(path, weights_only=True, map_location="cpu")
        return {name: saved[name] for name in ("recipe", "states", "numbers", "random")}


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Whatever a file that is not as it was written may break, in one line."""
    try:
        yield
    except BadInput:
        raise
    except (
        OSError,
        RuntimeError,
        LookupError,
        EOFError,
        TypeError,
        ValueError,
        AttributeError,
        pickle.UnpicklingError,
    ):
        raise BadInput(f"{path} is damaged or no checkpoint: delete it to begin again") from None


class Stopwatch:
    """Seconds of training so far, over all sessions, and whether something is due.

    Args:
        before: seconds that earlier sessions took.
        clock: tells the time in seconds.
    """

    def __init__(self, before: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = clock() - before
        self._last: dict[str, float] = {}

    @property
    def seconds(self) -> float:
        return self._clock() - self._start

    def due(self, name: str, every: float) -> bool:
        """Whether ``every`` seconds have passed since this last said so of this name."""
        now = self.seconds
        if now - self._last.setdefault(name, now) < every:
            return False
        self._last[name] = now
        return True
