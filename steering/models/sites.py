"""Where in a block the residual stream is read and changed.

A block adds to the stream three times, and each time the stream stands at a site of its own: what its
sublayer added is the output of a module, so that adding to that output is adding to the stream there.
"""

from __future__ import annotations

from typing import Literal, get_args

Sublayer = Literal["self-attention", "cross-attention", "feed-forward"]
Site = Literal["block output", "self-attention", "cross-attention", "feed-forward"]

SUBLAYERS: tuple[Sublayer, ...] = get_args(Sublayer)
"""In the order in which a block has them. Cross-attention is the only one that reads the prompt."""

SITES: tuple[Site, ...] = get_args(Site)
