"""Which model something was made for, and so the only place where it means anything."""

from __future__ import annotations

from dataclasses import dataclass

from curation.errors import BadInput

SITE = "block output"
"""The residual stream after a decoder block, before any final norm: read there, written there."""


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
