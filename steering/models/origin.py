"""Which model something was made for, and so the only place where it means anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from curation.errors import BadInput
from steering.models.sites import Site

SITE: Site = "block output"
"""The residual stream after a decoder block, before any final norm: read there, written there."""


MOST_LAYERS, MOST_SIZE = 1000, 100_000


@dataclass(frozen=True)
class Origin:
    """Where directions come from, and so the only place where they mean anything.

    Attributes:
        model: name or folder name of the model.
        revision: fingerprint of its decoder's weights.
        site: where in the block activations were read.
        layers, size: of the decoder.
    """

    model: str
    revision: str
    layers: int
    size: int
    site: str = SITE

    @staticmethod
    def from_record(record: Any) -> Origin:
        """What `dataclasses.asdict` made of one.

        Raises:
            ValueError: it is no such record, or speaks of no decoder that there could be.
        """
        known = {one.name for one in fields(Origin)}
        if not isinstance(record, Mapping) or set(record) != known:
            raise ValueError(f"its origin is no object with {', '.join(sorted(known))}")
        if not all(isinstance(record[name], str) for name in ("model", "revision", "site")):
            raise ValueError("its origin's model, revision or site is no text")
        for name, most in (("layers", MOST_LAYERS), ("size", MOST_SIZE)):
            if type(record[name]) is not int or not 1 <= record[name] <= most:
                raise ValueError(f"its origin's {name} is no whole number from 1 to {most:,}")
        return Origin(**record)

    def check(self, other: Origin, what: str) -> None:
        """Refuse to use what comes from ``other`` here.

        Raises:
            BadInput: the weights or the site are other ones.
        """
        if (self.revision, self.site, self.layers, self.size) != (
            other.revision,
            other.site,
            other.layers,
            other.size,
        ):
            raise BadInput(
                f"{what} was made for {other.model} ({other.revision}, {other.layers} layers of "
                f"{other.size}), this is {self.model} ({self.revision}, {self.layers} layers of "
                f"{self.size}): train a bank for this model with 'python -m steering train'"
            )
