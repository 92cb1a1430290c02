"""The page's panels, one module each: a module that defines ``panel`` is found by itself."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

import gradio as gr

from studio.services import Services


@dataclass(frozen=True)
class Panel:
    """A part of the page, and where it stands.

    Attributes:
        tab: title of the tab that it stands in.
        order: among all panels; a tab stands where its first panel does.
        draw: puts it on the page.
        endpoints: offers what programs can do there.
        column: of its tab, from the left.
    """

    tab: str
    order: int
    draw: Callable[[Services], gr.HTML]
    endpoints: Callable[[Services], None]
    column: int = 0


def panels() -> list[Panel]:
    """Every panel of this package, in their order."""
    found = []
    for module in pkgutil.iter_modules(__path__):
        panel = getattr(importlib.import_module(f"{__name__}.{module.name}"), "panel", None)
        if isinstance(panel, Panel):
            found.append(panel)
    return sorted(found, key=lambda panel: panel.order)
