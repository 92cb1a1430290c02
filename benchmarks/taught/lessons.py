"""What is taught and what is said of it beforehand: each lesson is kept, so that a run that was killed goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
import torch

from benchmarks.taught import clips
from benchmarks.taught.concepts import CONCEPTS, Concept
from benchmarks.taught.voter import voted
from curation.files import is_there, read_object, write_whole
from curation.spec import seed_for
from steering.decoding.decoder import Decoder
from steering.directions.bank import load_bank
from steering.directions.direction import Direction
from steering.teaching.lesson import NEUTRAL, OWN, Lesson, examples_of, teach_examples
from steering.teaching.material import Example

FORMAT = 1
"""Of lessons and cells; one that was kept by other code is no longer found when this is raised."""
KINDS = ("taught", "random", "shuffled")
"""What is pushed: what was taught, a random direction, what was found where labels mean nothing."""
AGAINST = {"neutral": NEUTRAL, "pairs": OWN, "votes": "takes that were voted down"}
"""What clips with the concept are compared with, and how a lesson calls it."""


@dataclass(frozen=True)
class Case:
    """A concept, by how many clips of which sound font it is taught, against what.

    Attributes:
        clips: or votes. against: of `AGAINST`: the neutral clips, the same pieces without the concept, or
            takes of the model that were voted down, beside those that were voted up.
    """

    concept: str
    clips: int
    font: str = "first"
    against: str = "neutral"

    @property
    def known(self) -> Concept:
        return CONCEPTS[self.concept]

    def __str__(self) -> str:
        if self.against == "votes":
            return f"{self.concept}, {self.clips} votes"
        pairs = "" if self.against == "neutral" else ", pairs"
        return f"{self.concept}, {self.clips} clips, {self.font} font{pairs}"


@dataclass(frozen=True)
class Said:
    """What a lesson said before anything was judged.

    Attributes:
        auc, p: of the verdict. told, known: whether it is told at all, and surely. works, lives: of the
            trials. told_by_chance, works_by_chance: the same of these clips with shuffled labels.
        seconds: that the lesson took.
    """

    auc: float
    p: float
    told: bool
    known: bool
    moved: float
    works: bool
    lives: bool
    strength: float
    method: str
    told_by_chance: bool
    works_by_chance: bool
    seconds: float
    words: str

    @property
    def verdict(self) -> str:
        """In the words of the verdict."""
        if not self.told:
            return "cannot be told"
        return "the model knows it" if self.known else "the model hears something of it"

    @property
    def trials(self) -> str:
        """In the words of the trials."""
        return "the push is heard" if self.works else "the push is hardly heard"


@dataclass(frozen=True)
class Taught:
    """Directions by what is pushed, and what was said."""

    directions: dict[str, Direction]
    said: Said

    def pushed(self, kind: str) -> Direction:
        """The direction of one of `KINDS`."""
        return self.directions[kind]


def lesson_of(decoder: Decoder, case: Case, home: Path) -> Taught:
    """The lesson that is kept, or a new one."""
    folder = home / "lessons" / digest([FORMAT, asdict(decoder.model.origin), asdict(case)])
    if not is_there(folder / "said.json"):
        _teach(decoder, case, folder)
    said = Said(**read_object(folder / "said.json"))
    own, other = (
        load_bank(folder / kind, decoder.model.origin)[case.concept]
        for kind in ("taught", "shuffled")
    )
    made = torch.Generator().manual_seed(seed_for("taught", str(case)) % 2**31)
    noise = torch.randn(own.vectors.shape, generator=made)
    return Taught(
        {"taught": own, "random": own.like(noise), "shuffled": own.like(other.vectors)}, said
    )


def _teach(decoder: Decoder, case: Case, folder: Path) -> None:
    concept, against = case.known, AGAINST[case.against]
    start = time.perf_counter()
    examples = _examples(decoder, case)
    lesson = teach_examples(decoder, examples, case.concept, against, belongs=concept.belongs)
    seconds = time.perf_counter() - start
    dealt = shuffled(examples, seed_for("dealt", str(case)))
    other = teach_examples(decoder, dealt, case.concept, against, belongs=concept.belongs)
    lesson.bank.save(folder / "taught")
    other.bank.save(folder / "shuffled")
    said = asdict(_said(lesson, other, seconds))
    write_whole(folder / "said.json", json.dumps(said, indent=1) + "\n")


def _examples(decoder: Decoder, case: Case) -> list[Example]:
    concept = case.known
    if case.against == "votes":
        return voted(decoder, concept, case.clips)
    having, lacking = (
        clips.sounds(concept, has, case.clips, clips.TAUGHT, case.font) for has in (True, False)
    )
    pairs = case.against == "pairs"
    return examples_of(decoder.model, having, lacking if pairs else None, concept.belongs)


def _said(lesson: Lesson, other: Lesson, seconds: float) -> Said:
    verdict, trials = lesson.verdict, lesson.trials
    assert trials is not None and other.trials is not None, "strengths were tried"
    return Said(
        verdict.auc.mean,
        verdict.p,
        verdict.told,
        verdict.known,
        trials.chosen.moved,
        trials.works,
        trials.lives,
        lesson.strength,
        lesson.bank.method,
        other.verdict.told,
        other.trials.works,
        round(seconds, 1),
        str(lesson),
    )


def shuffled(examples: Sequence[Example], seed: int) -> list[Example]:
    """The same clips with their labels dealt out anew; variants of one clip stay together.

    A piece with the concept and the same one without change labels, or do not, by a coin.
    """
    rng, kinds = np.random.default_rng(seed), {(one.clip, one.has) for one in examples}
    both = sorted(clip for clip, has in kinds if has and (clip, False) in kinds)
    turned = dict(zip(both, (rng.random(len(both)) < 0.5).tolist(), strict=True))
    alone = {clip: has for clip, has in sorted(kinds) if clip not in turned}
    order = rng.permutation(list(alone)).tolist()
    dealt = dict(zip(order, alone.values(), strict=True))
    return [
        replace(one, has=one.has != turned[one.clip] if one.clip in turned else dealt[one.clip])
        for one in examples
    ]


def digest(record: object) -> str:
    """Twenty hexadecimal digits of what can be written as JSON."""
    return blake2b(json.dumps(record, sort_keys=True).encode(), digest_size=10).hexdigest()
