"""The clips that were made lately, in memory, under ids that cannot be guessed."""

from __future__ import annotations

import hashlib
import math
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from torch import Tensor

from curation.errors import BadInput
from steering.directions.bank_name import BankName
from studio.ids import new_id
from studio.levels import level_db, match_of

SIDES = ("steered", "unsteered")
"""The rows of every session, in this order."""

MOST_BYTES = 96_000_000
LONGEST_TITLE = 80


@dataclass(frozen=True)
class Pair:
    """A steered clip and its unsteered twin.

    Attributes:
        recipe: makes both again.
        sound: int16 ``[2, N]``, in the order of `SIDES`.
        codes: ``[2, K, T]``.
        whole: whether it was played to its end.
        strengths: ``[S, M]``, what monitors made of each concept's coefficient at every step; None
            where there were none.
    """

    recipe: dict[str, Any]
    sound: np.ndarray
    codes: Tensor
    sample_rate: int
    whole: bool = True
    strengths: np.ndarray | None = None
    id: str = field(default_factory=lambda: new_id(9))

    def side(self, name: object) -> np.ndarray:
        """The samples of one side, int16 ``[N]``.

        Raises:
            BadInput: there is no such side.
        """
        if name not in SIDES:
            raise BadInput(f"side {name!r:.40}: choose steered or unsteered")
        return self.sound[SIDES.index(str(name))]

    def floating(self, name: str) -> np.ndarray:
        """The same as float32 with full scale 1."""
        return self.side(name).astype(np.float32) / 32768

    @cached_property
    def match_db(self) -> float:
        """What the steered clip is turned up by to sound as loud as its twin."""
        return round(match_of(self.sound, self.sample_rate), 2)

    @cached_property
    def level_db(self) -> float:
        """What both sides are turned up by to stand at -16 LUFS together, without clipping."""
        return math.floor(100 * level_db(self.sound, self.sample_rate)) / 100

    def levelled(self, name: object) -> np.ndarray:
        """One side by that gain, int16 ``[N]``.

        Raises:
            BadInput: there is no such side.
        """
        raised = self.side(name) * 10 ** (self.level_db / 20)
        return np.round(raised).clip(-32768, 32767).astype(np.int16)

    @property
    def hashes(self) -> dict[str, str]:
        """SHA-256 of each side's samples, little-endian: equal sound, equal hash."""
        return {side: hashlib.sha256(self.side(side).tobytes()).hexdigest() for side in SIDES}

    @property
    def concepts(self) -> str:
        """What it was steered by, in words: for the tables of a blind test."""
        named = [
            f"{BankName.parse(one['bank']).family} {one['concept']}"
            for one in self.recipe["interventions"]
        ]
        return " + ".join(named) or "nothing"

    @property
    def title(self) -> str:
        """What it is, as the name of a file: "C in calm jazz with a flute, seed 7"."""
        named = " + ".join(one["concept"] for one in self.recipe["interventions"])
        prompt = re.sub(r"[^\w#+,-]+", " ", self.recipe["prompt"])
        words = re.sub(r"[^\w#+,-]+", " ", f"{named} in {prompt}" if named else prompt)
        return f"{words[:LONGEST_TITLE].strip(' ,')}, seed {self.recipe['seed']}"


class Clips:
    """Pairs by id; the oldest go when there are too many bytes."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most, self._pairs = most_bytes, OrderedDict[str, Pair]()
        self._lock = threading.RLock()

    def add(self, pair: Pair) -> None:
        """Keep one more, and let go of the oldest that no longer fit."""
        with self._lock:
            self._pairs[pair.id] = pair
            while self.bytes > self._most and len(self._pairs) > 1:
                self._pairs.popitem(last=False)

    def __getitem__(self, name: object) -> Pair:
        """A pair by its id; it is now the last to go.

        Raises:
            BadInput: it is no longer kept.
        """
        with self._lock:
            if not isinstance(name, str) or name not in self._pairs:
                raise BadInput(
                    "this clip is no longer kept here: generate it again from its recipe"
                )
            self._pairs.move_to_end(name)
            return self._pairs[name]

    def __len__(self) -> int:
        return len(self._pairs)

    @property
    def bytes(self) -> int:
        """Of all sound that is kept."""
        with self._lock:
            return sum(pair.sound.nbytes for pair in self._pairs.values())
