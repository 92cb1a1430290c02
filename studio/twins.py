"""Unsteered twins that were played before: their codes, so that nobody has to play them again."""

from __future__ import annotations

import threading
from collections import OrderedDict

import torch
from torch import Tensor

from steering.recipes import Recipe

MOST_TWINS = 2000
"""Of 30 s each they take 40 MB."""

Key = tuple[object, ...]


class Twins:
    """Codes by what decides them; those that were not asked for longest go first."""

    def __init__(self, most: int = MOST_TWINS) -> None:
        self._most, self._codes = most, OrderedDict[Key, Tensor]()
        self._lock = threading.Lock()

    def add(self, recipe: Recipe, codes: Tensor) -> None:
        """Keep the codes ``[K, T]`` of a recipe's twin."""
        with self._lock:
            self._codes[_key(recipe)] = codes.to(torch.int16)
            while len(self._codes) > self._most:
                self._codes.popitem(last=False)

    def __len__(self) -> int:
        return len(self._codes)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._codes.clear()

    def of(self, recipe: Recipe) -> Tensor | None:
        """The codes of a recipe's twin, where it was played; it is now the last to go."""
        with self._lock:
            found = self._codes.get(_key(recipe))
            if found is not None:
                self._codes.move_to_end(_key(recipe))
            return None if found is None else found.long()


def _key(recipe: Recipe) -> Key:
    return (
        *(recipe.model, recipe.revision, recipe.device, recipe.dtype),
        *(recipe.prompt, recipe.seed, recipe.seconds, recipe.sampling),
    )
