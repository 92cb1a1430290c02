"""A lesson from end to end: examples in, a bank of one concept and an honest word on it out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from curation.errors import BadInput
from steering.decoding.decoder import Decoder
from steering.directions.bank import Bank
from steering.directions.bank_name import TAUGHT, BankName
from steering.directions.direction import Direction
from steering.directions.library import Library
from steering.directions.packed import rounded
from steering.families import families
from steering.models.interface import MusicModel
from steering.probes import preferred
from steering.teaching import finding, trials
from steering.teaching.material import (
    Example,
    Material,
    Use,
    at_once,
    check_counts,
    read,
    renumbered,
)
from steering.teaching.neutral import load_neutral, qualities
from steering.teaching.sounds import Sound, levelled, read_folder
from steering.teaching.trials import Trials
from steering.teaching.variants import check_parts, drawn, how_many, variant
from steering.teaching.verdict import Verdict, judge

NEUTRAL, OWN = "the neutral clips", "the clips without it"

Told = Callable[[str, int, int], None]
"""What is being done, how much of it is done, of how much; what it raises ends the lesson."""


def quiet(what: str, done: int, total: int) -> None:
    """A progress that says nothing."""


@dataclass(frozen=True)
class Lesson:
    """What was taught, and what came of it.

    Attributes:
        bank: of the one concept, under the name ``own/<concept>``; its vectors are exact in float16, so
            that a recipe may carry it. verdict: whether the model tells it. trials: whether pushing is heard;
            None where none were made.
        overlaps: cosine with concepts that come with the model, the largest first.
    """

    name: str
    bank: Bank
    verdict: Verdict
    trials: Trials | None
    overlaps: tuple[tuple[str, float], ...]

    @property
    def strength(self) -> float:
        """The coefficient that the trials chose."""
        return self.trials.chosen.strength if self.trials else trials.STRENGTHS[1]

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.verdict}"]
        if self.trials:
            lines.append(str(self.trials) if self.verdict.told else UNTOLD)
        near = [f"{name} {cosine:+.2f}" for name, cosine in self.overlaps if abs(cosine) > NEAR]
        lines.append(f"it overlaps with {', '.join(near)}" if near else "it overlaps with no other")
        return "\n".join(lines)


UNTOLD = "what a push of it does is no sign of the concept: give more clips, or clips without it to compare with"
LONGEST_NAME = 50
"""Of a concept: it is a folder's name, too."""
OTHER_USES = frozenset("/\\:=@")
"""What parts names from one another in paths and in ``--steer``."""
NEAR = 0.3
"""Cosine from which two concepts overlap."""
SHOWN = 3


def check_name(name: str) -> str:
    """A concept's name.

    Raises:
        BadInput: it is none that a bank can hold.
    """
    plain = name.strip()
    if not plain.isprintable() or not 0 < len(plain) <= LONGEST_NAME or OTHER_USES & set(plain):
        raise BadInput(
            f"{name!r:.40} is no name: give 1 to {LONGEST_NAME} letters, none of "
            f"{' '.join(sorted(OTHER_USES))}"
        )
    if plain.startswith("."):
        raise BadInput(f"{name!r:.40} is no name: it begins with a dot, give one that does not")
    return plain


def teach(
    model: MusicModel | Decoder,
    clips: str | Path | Sequence[Sound],
    against: str | Path | Sequence[Sound] | None = None,
    name: str = "mine",
    belongs: Collection[str] = (),
    methods: Sequence[str] = finding.METHODS,
    told: Told = quiet,
) -> Lesson:
    """A concept out of clips of sound.

    Args:
        clips: that have it: a folder, or sounds. against: that have not, under the same name where it is
            the same piece without; None for neutral ones that come with the project, matched in
            level, register and density.
        belongs: what is part of the concept, of ``pitch``, ``level`` and ``tempo``: all else is moved
            about, so that a few clips do not teach a key.
        methods: probes that are tried.
        told: progress; what it raises ends the lesson.

    Raises:
        BadInput: too few clips or too many, one of them is no sound, or a name or method is unknown.
    """
    check_parts(belongs)
    finding.check_methods(methods)
    name = check_name(name)
    having = _sounds(clips)
    lacking = None if against is None else _sounds(against)
    decoder = model if isinstance(model, Decoder) else Decoder(model)
    examples = examples_of(decoder.model, having, lacking, belongs, told)
    return teach_examples(
        decoder,
        examples,
        name,
        NEUTRAL if lacking is None else OWN,
        methods,
        told,
        belongs=belongs,
    )


def _sounds(clips: str | Path | Sequence[Sound]) -> Sequence[Sound]:
    return read_folder(Path(clips)) if isinstance(clips, str | Path) else clips


def examples_of(
    model: MusicModel,
    having: Sequence[Sound],
    lacking: Sequence[Sound] | None,
    belongs: Collection[str] = (),
    told: Told = quiet,
) -> list[Example]:
    """Sounds, with their variants, as codes; neutral ones beside them where none are without the concept."""
    _check_sounds(having, lacking)
    neutral, rate = load_neutral(), model.sample_rate
    groups = [having] if lacking is None else [having, lacking]
    total, made, numbers = sum(map(len, groups)), 0, numbered(groups)
    examples: list[Example] = []
    seen = []
    for place, group in enumerate(groups):
        heard = [sound.at(rate) for sound in group]
        heard = heard if "level" in belongs else levelled(heard, neutral.dbfs)
        variants = how_many(len(group))
        for number, audio in enumerate(heard):
            seen += [qualities(audio, rate)] if place == 0 else []
            clip = numbers[place][number]
            rng = np.random.default_rng([place, number])
            codes = codes_of(model, audio, variants, rng, belongs)
            examples += [Example(one, place == 0, clip) for one in codes]
            made += 1
            told("listening to the clips", made, total)
    if lacking is None:
        places = neutral.matched(np.stack(seen), belongs)
        others = neutral.for_model(model, places)
        examples += renumbered(
            [Example(one, False, n) for n, one in enumerate(others)], len(having)
        )
    return examples


def codes_of(
    model: MusicModel,
    audio: np.ndarray,
    variants: int,
    rng: np.random.Generator,
    belongs: Collection[str] = (),
    use: Use = at_once,
) -> list[Tensor]:
    """Codes ``[K, T]`` of a clip at the model's rate, and of variants of it."""
    found = []
    for take in range(variants):
        moved = variant(audio, model.sample_rate, drawn(rng), belongs) if take else audio
        samples = torch.from_numpy(moved)[None].to(model.device)
        found.append(use(partial(model.encode, samples))[0].cpu())
    return found


class Named(Protocol):
    """What has the name of the piece that it is of."""

    @property
    def name(self) -> str:
        """The name."""


def numbered(groups: Sequence[Sequence[Named]]) -> list[list[int]]:
    """Numbers of the clips, by group; two of one name are one piece with the concept and without.

    Such a pair is held out together: whoever knows one of them would take the other for its like.
    """
    known: dict[tuple[str, int], int] = {}
    found: list[list[int]] = []
    for group in groups:
        seen: dict[str, int] = {}
        found.append([])
        for sound in group:
            seen[sound.name] = seen.get(sound.name, -1) + 1
            found[-1].append(known.setdefault((sound.name, seen[sound.name]), len(known)))
    return found


def _check_sounds(having: Sequence[Sound], lacking: Sequence[Sound] | None) -> None:
    """Counts, before anything is encoded."""
    nothing = torch.zeros(1, 1)
    known = [Example(nothing, True, n) for n in range(len(having))]
    others = range(3) if lacking is None else range(len(lacking))
    check_counts([*known, *(Example(nothing, False, -1 - n) for n in others)])


def teach_examples(
    model: MusicModel | Decoder,
    examples: Sequence[Example],
    name: str,
    against: str = OWN,
    methods: Sequence[str] = finding.METHODS,
    told: Told = quiet,
    tried: bool = True,
    belongs: Collection[str] = (),
    facts: Mapping[str, object] | None = None,
    use: Use = at_once,
    batch: int = 16,
) -> Lesson:
    """A concept out of clips that are codes already: takes, spans of them, neutral ones.

    Args:
        tried: whether strengths are tried, which takes the longest. belongs: as `teach` has it.
        facts: what else the bank is to say of where it is from. use: does what needs the model, in jobs
            of a moment. batch: clips that are read together.
    """
    finding.check_methods(methods)
    decoder = model if isinstance(model, Decoder) else Decoder(model)

    def step(what: str) -> Callable[[int, int], None]:
        return lambda done, total: told(what, done, total)

    material = read(decoder.model, examples, batch, step("reading the clips"), use)
    verdict = judge(material, against)
    found = finding.find(
        decoder.model, material, name, methods, step=step("looking for the direction")
    )
    bank = _bank(found, material, verdict, facts or {})
    direction = bank[name]
    made = None
    if tried:
        made = trials.try_strengths(
            decoder, direction, material, (), belongs, step("trying strengths"), use
        )
        bank = replace(bank, facts={**bank.facts, "trials": asdict(made)})
    return Lesson(name, bank, verdict, made, overlaps(direction, decoder.model))


def _bank(
    found: finding.Found, material: Material, verdict: Verdict, facts: Mapping[str, object]
) -> Bank:
    direction = replace(found.direction, vectors=rounded(found.direction.vectors))
    assert direction.norms is not None, "a direction that was found here has its material's norms"
    said = {
        **facts,
        "taught": True,
        "clips": verdict.having,
        "against": f"{verdict.lacking} of {verdict.against}",
        "parts": len(material.x),
        "scores": found.scores,
        "verdict": asdict(verdict),
    }
    return Bank(
        TAUGHT,
        found.method,
        direction.origin,
        {direction.name: direction},
        direction.norms,
        said,
        str(BankName(TAUGHT, direction.name)),
    )


def overlaps(direction: Direction, model: MusicModel) -> tuple[tuple[str, float], ...]:
    """Cosine with every concept of the preferred bank of each family, the mean over layers."""
    library = Library(model)
    names, found = set(library), {}
    for family in families():
        name = next((f"{family}/{m}" for m in preferred() if f"{family}/{m}" in names), None)
        if name is None:
            continue
        for concept, other in library[name].items():
            cosine = torch.nn.functional.cosine_similarity(direction.vectors, other.vectors, dim=-1)
            found[f"{concept} ({family})"] = float(cosine.mean())
    ranked = sorted(found.items(), key=lambda pair: -abs(pair[1]))
    return tuple(ranked[:SHOWN])
