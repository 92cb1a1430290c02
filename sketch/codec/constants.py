"""Tables that a module computes and never learns: windows, filters, random phases.

They are not stored with the weights. transformers builds models without memory first and fills in
what it loads; `Constants.refill` is what fills in the rest.
"""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn


class Constants(nn.Module):
    """A module with buffers out of `tables`, the same wherever and however it is made."""

    @abstractmethod
    def tables(self) -> dict[str, Tensor]:
        """The tables by name, computed anew."""

    def register_tables(self) -> None:
        """Make the buffers; call this once whatever `tables` needs is there."""
        place = torch.empty(0).device
        for name, table in self._computed().items():
            self.register_buffer(name, table.to(place), persistent=False)

    @torch.no_grad()
    def refill(self) -> None:
        """Write the tables into the buffers."""
        for name, table in self._computed().items():
            getattr(self, name).copy_(table)

    def _computed(self) -> dict[str, Tensor]:
        with torch.device("cpu"):
            return self.tables()
