"""Recipes as text and as links."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator

from hypothesis import strategies as st

from benchmarks.fuzz import Target, Wrong
from benchmarks.fuzz.place import Place
from benchmarks.fuzz.values import as_text, damaged, nearly, nonsense
from steering.recipes import Recipe
from studio import permalink


def targets(place: Place) -> Iterator[Target]:
    """A recipe's file, and a link's code."""
    recipes = nearly(place.recipes)
    file = as_text(place.recipes[1])
    code = permalink.encode(place.recipes[1])

    def read(content: bytes) -> None:
        recipe = Recipe.from_json(content.decode(errors="replace"))
        recipe.check(place.loaded.bank)
        if Recipe.from_json(recipe.to_json()) != recipe:
            raise Wrong("a recipe that is written as another one")

    def follow(link: str) -> None:
        found = permalink.decode(link)
        if permalink.decode(permalink.encode(found)) != found:
            raise Wrong("a link that carries another recipe")

    yield Target("recipe file", st.one_of(recipes.map(as_text), damaged(file)), read, 3)
    texts = damaged(code.encode()).map(lambda one: one.decode("latin1"))
    packed = st.one_of(recipes, nonsense()).map(_packed)
    yield Target("link", st.one_of(texts, packed, damaged(file).map(_packed_text)), follow, 3)


def _packed(value: object) -> str:
    return _packed_text(json.dumps(value).encode())


def _packed_text(text: bytes) -> str:
    """As `permalink.encode` packs, whatever it is."""
    return base64.urlsafe_b64encode(zlib.compress(text)).decode().rstrip("=")
