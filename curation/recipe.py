"""A recipe says everything that decides the bytes of a dataset; a plan says which shard holds what."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from curation import nuisance
from curation.concepts import get_family
from curation.entries import read_fields
from curation.errors import BadInput
from curation.sound_fonts import DEFAULT, SECOND, find_sound_font
from curation.spec import ClipSpec, seed_for
from curation.splits import SPLITS, grouped_split, grouped_splits, random_split

FORMAT = 1
"""Raised whenever the same recipe would give other bytes than before."""

PRESETS = {
    "full": "the whole grid, plain, comparable with SynTheory",
    "small": "a stratified sample that builds in about a minute on two cores",
    "tiny": "two dozen clips, for tests",
    "varied": "the whole grid with every kind of nuisance variation",
}
SPLIT_KINDS = ("grouped", "random")
TINY_CLIPS = 24
MOST_CLIPS = 10_000_000
"""A plan of so many takes a quarter of an hour and a gigabyte; `Outline` keeps it for the tasks."""

SHARD_SECONDS = 1024
"""Of sound in a shard; doubled until no folder has too many."""

MOST_SHARDS = 9_000
"""The Hub takes under 10,000 entries a folder."""


@dataclass(frozen=True)
class BuildRecipe:
    """Everything that decides the bytes of a dataset.

    Attributes:
        family: name of the concept family.
        preset: name of the preset that it was made from.
        clips: how many clips; fewer than the family has are a stratified sample.
        seed: decides all that is left to chance.
        sample_rate: Hz.
        split: ``grouped`` (no group in two splits) or ``random``.
        vary: the kinds of nuisance variation, a subset of `nuisance.KINDS`.
        sound_fonts: name and SHA-256 of each font; the first is the main one.

    Raises:
        BadInput: there is no such family, preset, split or variation, the sample rate lies outside
            8 to 96 kHz, or the family has no such number of clips.
    """

    family: str
    preset: str
    clips: int
    seed: int = 0
    sample_rate: int = 32_000
    split: str = "grouped"
    vary: tuple[str, ...] = ()
    sound_fonts: tuple[tuple[str, str], ...] = ()
    format: int = FORMAT

    def __post_init__(self) -> None:
        grid = get_family(self.family)
        if self.preset not in PRESETS:
            raise BadInput(f"there is no preset {self.preset!r}: choose from {', '.join(PRESETS)}")
        if self.split not in SPLIT_KINDS:
            raise BadInput(
                f"there is no split {self.split!r}: choose from {', '.join(SPLIT_KINDS)}"
            )
        if not 8_000 <= self.sample_rate <= 96_000:
            raise BadInput(f"sample rate {self.sample_rate} Hz: choose one from 8000 to 96000")
        if unknown := sorted(set(self.vary) - set(nuisance.KINDS)):
            raise BadInput(
                f"no variation {', '.join(unknown)}: choose from {', '.join(nuisance.KINDS)}"
            )
        if self.clips < 1:
            raise BadInput(f"{self.clips} clips: ask for at least one")
        most = MOST_CLIPS if grid.open_ended else grid.size
        if self.clips > most:
            raise BadInput(
                f"{self.family} has {most} clips and no more: ask for fewer than {self.clips}"
            )

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=2, sort_keys=True) + "\n"

    @staticmethod
    def from_json(text: str) -> BuildRecipe:
        """What `to_json` wrote.

        Raises:
            BadInput: an entry is not of its type, unknown or missing, or such a recipe cannot be.
        """
        return read_fields(BuildRecipe, json.loads(text))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the recipe: two builds with one fingerprint hold the same bytes."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def differences(self, other: BuildRecipe) -> list[str]:
        """In words, where two recipes part."""
        mine, theirs = dataclasses.asdict(self), dataclasses.asdict(other)
        return [f"{k} {theirs[k]!r} instead of {mine[k]!r}" for k in mine if mine[k] != theirs[k]]


def make_recipe(
    family: str,
    preset: str = "small",
    *,
    clips: int | None = None,
    seed: int = 0,
    sample_rate: int = 32_000,
    split: str = "grouped",
    vary: tuple[str, ...] | None = None,
    sound_font: str = DEFAULT,
    second_sound_font: str = SECOND,
) -> tuple[BuildRecipe, Mapping[str, str]]:
    """Check the options and fill in the rest: what a recipe.toml may say.

    Returns:
        the recipe, and the path of each sound font by its SHA-256.

    Raises:
        BadInput: `BuildRecipe` refuses the options, or there is no such sound font.
    """
    usual = usual_options(family, preset)
    vary = usual["vary"] if vary is None else vary
    clips = usual["clips"] if clips is None else clips
    fonts = [find_sound_font(sound_font)]
    if "sound_font" in vary:
        fonts.append(find_sound_font(second_sound_font))
    recipe = BuildRecipe(
        family=family,
        preset=preset,
        clips=clips,
        seed=seed,
        sample_rate=sample_rate,
        split=split,
        vary=tuple(sorted(set(vary), key=lambda kind: (*nuisance.KINDS, kind).index(kind))),
        sound_fonts=tuple((font.name, font.sha256) for font in fonts),
    )
    return recipe, {font.sha256: font.path for font in fonts}


def usual_options(family: str, preset: str) -> dict[str, Any]:
    """What a preset asks for where nothing else is said.

    Raises:
        BadInput: there is no such family.
    """
    grid = get_family(family)
    return {
        "clips": {"small": grid.small, "tiny": TINY_CLIPS}.get(preset, grid.size),
        "sample_rate": 32_000,
        "split": "grouped",
        "vary": nuisance.KINDS if preset == "varied" else (),
    }


@dataclass(frozen=True)
class Shard:
    """One Parquet file of a dataset: its split, its place in the split, and its clips' indices."""

    split: str
    place: int
    count: int
    indices: tuple[int, ...]

    @property
    def file_name(self) -> str:
        return f"data/{self.split}-{self.place:05d}-of-{self.count:05d}.parquet"


@cache
def plan(recipe: BuildRecipe) -> tuple[Shard, ...]:
    """All shards of a dataset, in order; a pure function of the recipe."""
    family = get_family(recipe.family)
    per_shard = clips_per_shard(recipe.clips, family.spec(recipe.seed, 0).seconds)
    shards: list[Shard] = []
    for split, indices in _sample(recipe).items():
        count = -(-len(indices) // per_shard)
        shards += [
            Shard(split, place, count, tuple(indices[place * per_shard : (place + 1) * per_shard]))
            for place in range(count)
        ]
    return tuple(shards)


def clips_per_shard(clips: int, seconds: float) -> int:
    """How many clips of this length stand in one file.

    >>> clips_per_shard(1_000, 12.0), clips_per_shard(10_000_000, 12.0)
    (85, 1360)
    """
    most = max(1, round(SHARD_SECONDS / seconds))
    while clips > most * MOST_SHARDS:
        most *= 2
    return most


def split_of(recipe: BuildRecipe, spec: ClipSpec) -> str:
    """The split in which a recipe puts a clip."""
    if recipe.split == "random":
        return random_split(spec.clip_id, recipe.seed)
    return grouped_split(spec, _split_table(recipe.family, recipe.seed), recipe.seed)


@cache
def _split_table(family: str, seed: int) -> dict[tuple[str, str], str]:
    return grouped_splits(get_family(family), seed)


def _sample(recipe: BuildRecipe) -> dict[str, list[int]]:
    """The indices of the dataset's clips by split, shuffled.

    A sample keeps the splits' proportions and takes from each label of the family's target and
    each split group in turn.
    """
    family = get_family(recipe.family)
    pool = max(recipe.clips, family.size)
    drawn: dict[str, dict[tuple[Any, str], list[int]]] = {
        split: defaultdict(list) for split in SPLITS
    }
    for index in range(pool):
        spec = family.spec(recipe.seed, index)
        stratum = (spec.labels[family.target], spec.group if not family.open_ended else "")
        drawn[split_of(recipe, spec)][stratum].append(index)
    present = {s: sum(map(len, strata.values())) for s, strata in drawn.items() if strata}
    share = recipe.clips / pool
    sizes = {split: round(count * share) for split, count in present.items()}
    largest = max(sizes, key=lambda split: sizes[split])
    sizes[largest] += recipe.clips - sum(sizes.values())

    def shuffle_key(index: int) -> int:
        return seed_for(recipe.seed, "order", recipe.family, index)

    chosen = {}
    for split, size in sizes.items():
        picked = _take_in_turn(drawn[split], size, shuffle_key, recipe.seed)
        chosen[split] = sorted(picked, key=shuffle_key)
    return chosen


def _take_in_turn(
    strata: Mapping[tuple[Any, str], list[int]], size: int, shuffle_key: Any, seed: int
) -> list[int]:
    """``size`` indices, one from each stratum in turn until there are enough."""
    queues = [
        sorted(strata[key], key=shuffle_key)
        for key in sorted(strata, key=lambda key: seed_for(seed, "stratum", *key))
    ]
    picked: list[int] = []
    depth = 0
    while len(picked) < size:
        picked += [queue[depth] for queue in queues if depth < len(queue)]
        depth += 1
    return picked[:size]
