"""Recipes that are accepted: they sound, they sound the same again, and all that shows them can."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.fuzz import Target, Wrong
from benchmarks.fuzz.place import Place
from benchmarks.fuzz.values import nearly
from steering.api import twins
from steering.recipes import Recipe
from studio import permalink
from studio.analysis import chromagrams, curves, pitch_rows, probe_readings
from studio.clips import Pair
from studio.playback import as_int16
from studio.verdict_rows import verdict

LONGEST_SECONDS = 2.0
"""Of what is played to its end; of longer clips the first chunks are heard."""


def targets(place: Place) -> Iterator[Target]:
    """One: a recipe nearly as the page sends it."""

    def give(raw: Any) -> None:
        recipe = place.engine.check(raw)
        sound, codes = _played(place, recipe)
        whole = recipe.seconds <= LONGEST_SECONDS
        if whole:
            _check_length(place, recipe, sound, codes)
            again = place.engine.check(permalink.decode(permalink.encode(recipe.record())))
            if again != recipe or not torch.equal(_played(place, again)[1], codes):
                raise Wrong("the recipe that comes back plays another clip")
        _show(place, Pair(recipe.record(), as_int16(sound), codes, _rate(place), whole))

    yield Target("sound", nearly(place.recipes), give, 0.25)


def _played(place: Place, recipe: Recipe) -> tuple[Tensor, Tensor]:
    """Samples ``[2, N]`` and codes ``[2, K, T]`` of a recipe and its twin."""
    clips = twins(recipe, place.loaded.model, place.loaded.bank)
    chunks = []
    with place.loaded.session(clips, recipe.seconds, recipe.sampling) as session:  # type: ignore[union-attr]
        for chunk in session.stream():
            chunks.append(chunk)
            if recipe.seconds > LONGEST_SECONDS and chunk.start > LONGEST_SECONDS / 4:
                break
    sound = torch.cat([chunk.audio for chunk in chunks], dim=1)
    if not bool(torch.isfinite(sound).all()):
        raise Wrong("samples that are not finite")
    return sound, torch.cat([chunk.codes for chunk in chunks], dim=-1)


def _check_length(place: Place, recipe: Recipe, sound: Tensor, codes: Tensor) -> None:
    model = place.loaded.model
    frames = round(recipe.seconds * model.frame_rate)
    if codes.shape[-1] != frames or sound.shape[1] != frames * _rate(place) / model.frame_rate:
        raise Wrong("a clip of another length than was asked for")


def _show(place: Place, pair: Pair) -> None:
    """All that the page shows of a clip, as it is sent."""
    shown = {
        "curves": curves(pair, place.loaded),
        "chroma": chromagrams(pair),
        "targets": pitch_rows(pair),
        "probes": probe_readings(pair, place.loaded),
        "verdict": verdict(pair),
        "match": pair.match_db,
        "concepts": pair.concepts,
    }
    try:
        json.dumps(shown, allow_nan=False)
    except ValueError:
        broken = [name for name, one in shown.items() if not _finite(one)]
        raise Wrong(f"numbers that are not finite in {', '.join(broken)}") from None


def _finite(value: Any) -> bool:
    if isinstance(value, dict | list):
        return all(map(_finite, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float) or bool(np.isfinite(value))


def _rate(place: Place) -> int:
    return place.loaded.model.sample_rate
