"""What `pip install steering-music` leaves out unless it is asked for, and a word to who lacks it."""

from __future__ import annotations

from importlib.util import find_spec

from curation.errors import BadInput

EXTRAS = {
    "curation": ("datasets", "fluidsynth", "matplotlib"),
    "cluster": ("datatrove", "ray"),
    "page": ("gradio",),
    "rivals": ("peft",),
    "scores": ("music21",),
    "study": ("statsmodels",),
}
"""Modules that each extra of pyproject.toml brings; code that imports one asks for it first."""


def need(extra: str, *modules: str) -> None:
    """Refuse to begin what cannot be ended.

    Args:
        modules: of the extra, where not all of them are needed.

    Raises:
        BadInput: a module of this extra is not installed; it says how to install it.
    """
    missing = [name for name in modules or EXTRAS[extra] if not _installed(name)]
    if missing:
        raise BadInput(f"{', '.join(missing)} not installed: pip install 'steering-music[{extra}]'")


def there(extra: str) -> bool:
    """Whether all that an extra brings is installed."""
    return all(map(_installed, EXTRAS[extra]))


def _installed(name: str) -> bool:
    """Whether there is such a module; a mere folder of that name, as a clone's, is none."""
    spec = find_spec(name)
    return spec is not None and spec.origin is not None
