"""Clips and recipes to codes and sound, by either decoder."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from torch import Tensor

from curation.errors import BadInput
from steering.decoding.clip import Clip, Progress
from steering.decoding.decoder import Decoder
from steering.decoding.reference import generate as generate_by_hooks
from steering.decoding.sampling import Sampling
from steering.directions.bank import Bank
from steering.directions.library import Library
from steering.families import usual_methods
from steering.interventions.intervention import Intervention
from steering.interventions.plan import Plan, compile_plan
from steering.models import MusicModel, load_model
from steering.recipes import DECODERS, Banks, Recipe, played_on

log = logging.getLogger(__name__)


def generate(
    model: MusicModel | Decoder | str,
    prompts: str | Sequence[str],
    interventions: Sequence[Intervention] = (),
    seconds: float = 10.0,
    seeds: int | Sequence[int] = 0,
    sampling: Sampling | None = None,
    orthogonalise: bool = False,
    decoder: str = "fused",
    progress: Progress = lambda done, total: None,
) -> Tensor:
    """Music to prompts, steered: float32 samples ``[B, N]`` at the model's rate, on the CPU.

    Args:
        model: a loaded model, its `Decoder` where one is at hand, or a name for `load_model`.
        interventions: done to every clip; none for music that is left alone.
        seeds: one for all clips, or one each.
        decoder: ``fused``, or ``hooks`` for the library's own.

    Raises:
        BadInput: no prompt, other counts of seeds than of prompts, a direction of another model, a
            length beyond the model's.
    """
    owner = load_model(model) if isinstance(model, str) else model
    loaded = owner.model if isinstance(owner, Decoder) else owner
    texts = [prompts] if isinstance(prompts, str) else list(prompts)
    numbers = [seeds] * len(texts) if isinstance(seeds, int) else list(seeds)
    if len(numbers) != len(texts):
        raise BadInput(f"{len(numbers)} seeds for {len(texts)} prompts: give one each, or one")

    @cache
    def plan(seed: int) -> Plan | None:
        if not interventions:
            return None
        return compile_plan(interventions, seconds, loaded.frame_rate, orthogonalise, seed)

    clips = [Clip(text, seed, plan(seed)) for text, seed in zip(texts, numbers, strict=True)]
    return loaded.decode(play(owner, clips, seconds, sampling, decoder, progress)).cpu()


def play(
    model: MusicModel | Decoder,
    clips: Sequence[Clip],
    seconds: float,
    sampling: Sampling | None = None,
    decoder: str = "fused",
    progress: Progress = lambda done, total: None,
) -> Tensor:
    """Codes ``[B, K, T]`` of clips, by the decoder of this name.

    Raises:
        BadInput: there is no such decoder, or the clips cannot be played.
    """
    if decoder not in DECODERS:
        raise BadInput(f"no decoder {decoder!r}: choose one of {', '.join(DECODERS)}")
    if decoder == "hooks":
        owner = model.model if isinstance(model, Decoder) else model
        return generate_by_hooks(owner, clips, seconds, sampling, progress)
    fused = model if isinstance(model, Decoder) else Decoder(model)
    return fused.generate(clips, seconds, sampling, progress)


def clip_of(recipe: Recipe, model: MusicModel, banks: Banks) -> Clip:
    """The clip of a recipe, its moves included.

    Raises:
        BadInput: it was made by other weights.
    """
    if recipe.revision != model.origin.revision:
        raise BadInput(
            f"the recipe was played by {recipe.model} ({recipe.revision}), this is "
            f"{model.origin.model} ({model.origin.revision}): load the model that it names"
        )
    here = played_on(model)
    there = recipe.device or here[0], recipe.dtype or here[1]
    if there != here:
        log.warning(
            "the recipe was played on %s in %s, this is %s in %s: noise and rounding differ, so that "
            "the clip will be another one",
            *there,
            *here,
        )
    return Clip(recipe.prompt, recipe.seed, recipe.plan(banks, model.frame_rate))


def twins(recipe: Recipe, model: MusicModel, banks: Banks) -> list[Clip]:
    """The clip of a recipe, and the same without its plan."""
    clip = clip_of(recipe, model, banks)
    return [clip, replace(clip, plan=None)]


def load_bank(name: str, model: MusicModel | Decoder, within: Sequence[Path] | None = None) -> Bank:
    """A bank of directions for a model.

    Args:
        name: of one that comes with the model, as ``notes`` or ``notes/ridge``, or a folder that
            training wrote.
        within: where such a folder may be, for names out of somebody else's recipe; None for
            anywhere.

    Raises:
        BadInput: there is none of this name, it may not be taken, or it was made for other weights.
    """
    library = Library(model.model if isinstance(model, Decoder) else model)
    return library.find(name, usual_methods(name), within)
