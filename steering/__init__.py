"""Musical concepts as directions in MusicGen's residual stream: find them, steer with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steering.api import generate

__all__ = ["generate"]


def __getattr__(name: str) -> Any:
    """`generate`, imported when it is asked for, so that the package itself is quick to import."""
    if name == "generate":
        from steering.api import generate

        return generate
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
