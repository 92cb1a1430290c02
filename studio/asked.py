"""What is asked of an engine, before it is one's turn: a recipe within all limits, or a word why not."""

from __future__ import annotations

from dataclasses import replace

from curation.errors import BadInput
from steering.recipes import Recipe
from studio.limits import check_request
from studio.loaded_models import LoadedModels

CLOSING = "the page is shutting down: come back in a minute"


class Busy(BadInput):
    """The line is full."""


def checked(raw: object, models: LoadedModels) -> Recipe:
    """A client's recipe within all limits, with the model's revision.

    Raises:
        BadInput: it breaks a limit, names something that is not here, or is for another revision.
    """
    if not isinstance(raw, dict):
        raise BadInput("the recipe is not a JSON object: send what 'Keep' gives as recipe.json")
    loaded = models[raw.get("model", models.names[0])]
    here = loaded.model.origin.revision
    recipe = check_request(raw, loaded.banks)
    if recipe.revision not in ("", here):
        raise BadInput(
            f"the recipe is for revision {recipe.revision!r:.40} of {loaded.name}, here is "
            f"{here}: it would not give the same clip; "
            "take 'revision' out of it to play it all the same"
        )
    recipe = replace(recipe, model=loaded.name, revision=here)
    recipe.check(loaded.bank)
    loaded.model.frames(recipe.seconds)
    return recipe
