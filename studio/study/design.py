"""What a study is, before anybody has listened: read from TOML, checked to the last entry.

How many listeners there are, how many trials each has, and what leaves a listener out is said here, so
that none of it can be chosen when the answers are known.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

from curation.entries import WrongEntry, read_fields
from curation.errors import BadInput, first_line
from curation.files import read_text

UNSTEERED, RANDOM, BROKEN = "unsteered", "random", "broken"
"""The hidden anchors: the copy that is left alone, a push in a random direction, and the clip of catch
trials, which no ear takes for a good one."""

SCALES = ("strength", "quality")
"""What is rated from 0 to 100: how much of the concept there is, and how good it sounds."""

MOST_ITEMS, MOST_CONDITIONS, MOST_TRIALS, MOST_LISTENERS = 200, 8, 200, 10_000
LONGEST = 400
SECONDS = (2.0, 12.0)

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


@dataclass(frozen=True)
class Item:
    """One prompt and one noise: what all conditions have in common.

    Attributes:
        concept: what is pushed, as its bank calls it, and as listeners are asked for it.
        asked: the same in words, where the bank's name would not be understood.
    """

    name: str
    prompt: str
    concept: str
    seed: int = 0
    asked: str = ""

    @property
    def word(self) -> str:
        """The concept, as listeners read it."""
        return self.asked or self.concept


@dataclass(frozen=True)
class Condition:
    """One way of steering.

    Attributes:
        bank, strength: where each item's concept is looked up, and its relative coefficient.
        monitored: whether the strength lets go of what is heard already.
        prompt: asks for it in words, as ``{prompt}, {concept}``; the item's own where nothing is said.
        folder: has a clip of each item instead, as ``ITEM.wav``, ``ITEM.flac`` or, of a recipe to be
            played, ``ITEM.json``; seen from the design's folder.
    """

    name: str
    bank: str = ""
    strength: float = 0.0
    monitored: bool = False
    prompt: str = "{prompt}"
    folder: str = ""


@dataclass(frozen=True)
class Abx:
    """Which of A and B is X? Each condition is told from the unsteered copy.

    Attributes:
        trials: of each listener, beside ``catch`` trials in which the difference is plain.
        compare: names of conditions; all that are designed where none is named.
    """

    trials: int
    compare: tuple[str, ...] = ()
    catch: int = 3


@dataclass(frozen=True)
class Preference:
    """Which of two sounds better? There is no reference.

    Attributes:
        compare: every two of them meet; all conditions and anchors where none is named.
        ties: whether "no difference" is an answer.
    """

    trials: int
    compare: tuple[str, ...] = ()
    catch: int = 2
    ties: bool = True


@dataclass(frozen=True)
class Ratings:
    """All clips of an item beside each other, rated from 0 to 100, the anchors hidden among them.

    Attributes:
        trials: pages of each listener on each scale.
        catch: pages of quality on which a broken clip stands among the others.
    """

    trials: int
    scales: tuple[str, ...] = SCALES
    compare: tuple[str, ...] = ()
    catch: int = 2


@dataclass(frozen=True)
class Headphones:
    """The check by Huggins pitch: rounds of three intervals, and how many must be right."""

    rounds: int = 6
    needed: int = 5


@dataclass(frozen=True)
class Design:
    """A study.

    Attributes:
        listeners: how many the analysis is planned with.
        model: that plays the clips; the built-in one where none is named.
        training: the item that is heard on the training page, and in no trial.
        seed: of all lots. Without the secret that is made with the clips nobody can work them out.
        most_missed: catch trials that a listener may have wrong and still count.
        random_like: the condition whose strength the random direction is pushed with; the first one
            that has a bank where none is named.

    Raises:
        BadInput: it cannot be carried out; the message says why.
    """

    name: str
    title: str
    listeners: int
    training: str
    items: tuple[Item, ...]
    conditions: tuple[Condition, ...]
    seed: int = 0
    about: str = ""
    model: str = ""
    seconds: float = 6.0
    most_missed: int = 1
    random_like: str = ""
    headphones: Headphones = field(default_factory=Headphones)
    abx: Abx | None = None
    preference: Preference | None = None
    ratings: Ratings | None = None

    def __post_init__(self) -> None:
        self._check_names()
        self._check_numbers()
        for part in (self.abx, self.preference, self.ratings):
            compare = part.compare if part else ()
            for name in compare:
                if name not in self.compared:
                    raise BadInput(f"no condition {name!r:.40}: take {', '.join(self.compared)}")
            if len(set(compare)) < len(compare):
                raise BadInput(f"compare names {compare[0]} or another one twice: take it out")
        if UNSTEERED in self.told_apart or not self.told_apart:
            raise BadInput("[abx] tells conditions from the unsteered copy: name others")
        if self.preference and len(self.preferred) < 2:
            raise BadInput("[preference] compares one condition with nothing: name two or more")

    @property
    def heard(self) -> tuple[Item, ...]:
        """The items of trials: all but the training page's."""
        return tuple(one for one in self.items if one.name != self.training)

    @property
    def pushed(self) -> Condition | None:
        """The condition whose strength the random direction has; None where nothing is pushed."""
        banks = [one for one in self.conditions if one.bank]
        if not self.random_like:
            return banks[0] if banks else None
        return next(one for one in banks if one.name == self.random_like)

    @property
    def compared(self) -> tuple[str, ...]:
        """Names of all conditions, the anchors last."""
        named = tuple(one.name for one in self.conditions)
        anchors = (UNSTEERED, RANDOM) if self.pushed else (UNSTEERED,)
        return named + tuple(one for one in anchors if one not in named)

    @property
    def told_apart(self) -> tuple[str, ...]:
        """Conditions of ABX trials."""
        named = self.abx.compare if self.abx else ()
        return named or tuple(
            one.name for one in self.conditions if one.name not in (UNSTEERED, RANDOM)
        )

    @property
    def preferred(self) -> tuple[str, ...]:
        """Conditions of preference trials."""
        return (self.preference.compare if self.preference else ()) or self.compared

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every two of them."""
        return list(combinations(self.preferred, 2))

    @property
    def rated(self) -> tuple[str, ...]:
        """Conditions of rating pages; the unsteered copy is always among them."""
        named = (self.ratings.compare if self.ratings else ()) or self.compared
        return tuple(dict.fromkeys((*named, UNSTEERED)))

    @property
    def counts(self) -> dict[str, int]:
        """Trials of each listener by kind, catch trials among them, the headphone check not."""
        pairs = {"abx": self.abx, "preference": self.preference}
        counts = {kind: one.trials + one.catch for kind, one in pairs.items() if one}
        scales = self.ratings.scales if self.ratings else ()
        return counts | {scale: self.ratings.trials for scale in scales if self.ratings}

    @property
    def trials(self) -> int:
        """All of them."""
        return sum(self.counts.values())

    def _check_names(self) -> None:
        for what, names in (
            ("name", [self.name]),
            ("items", [one.name for one in self.items]),
            ("conditions", [one.name for one in self.conditions]),
        ):
            for name in names:
                if not _NAME.fullmatch(name):
                    raise BadInput(f"{what}: {name!r:.60} is no name: take a to z, 0 to 9, - and _")
            if len(set(names)) < len(names):
                raise BadInput(f"{what}: two have one name: give each its own")
        if BROKEN in (one.name for one in self.conditions):
            raise BadInput(f"no condition may be called {BROKEN}: give it another name")
        if self.training not in (one.name for one in self.items):
            raise BadInput(
                f"training: there is no item {self.training!r:.40}: name one of the items"
            )
        prompts = [one.prompt for one in self.items] + [one.prompt for one in self.conditions]
        texts = [self.title, self.about, *prompts, *(one.asked for one in self.items)]
        if any(len(text) > LONGEST for text in texts):
            raise BadInput(f"a text has more than {LONGEST} characters: cut it")
        for one in self.conditions:
            _check_condition(one)
        if self.random_like and self.random_like not in (o.name for o in self.conditions if o.bank):
            raise BadInput(
                f"random_like: no condition {self.random_like!r:.40} has a bank: name one"
            )

    def _check_numbers(self) -> None:
        least, most = SECONDS
        rounds = self.headphones
        counts = [
            (part.trials, part.catch) for part in (self.abx, self.preference, self.ratings) if part
        ]
        if not counts:
            raise BadInput("the design has no trials: add [abx], [preference] or [ratings]")
        for holds, said in (
            (len(self.items) >= 2, "one item for training and one for trials at least"),
            (len(self.items) <= MOST_ITEMS, f"{MOST_ITEMS} items at most"),
            (1 <= len(self.conditions) <= MOST_CONDITIONS, f"1 to {MOST_CONDITIONS} conditions"),
            (1 <= self.listeners <= MOST_LISTENERS, f"1 to {MOST_LISTENERS} listeners"),
            (least <= self.seconds <= most, f"{least:g} to {most:g} seconds"),
            (0 <= self.seed < 2**63, "a seed from 0 to 2^63 - 1"),
            (self.most_missed >= 0, "most_missed from 0 on"),
            (0 <= rounds.needed <= rounds.rounds <= 24, "headphones: needed <= rounds <= 24"),
            (all(t >= 1 and c >= 0 for t, c in counts), "trials from 1 on, catch from 0 on"),
            (self.trials <= MOST_TRIALS, f"{MOST_TRIALS} trials of a listener at most"),
        ):
            if not holds:
                raise BadInput(f"the design cannot be: give {said}")
        if self.ratings:
            unknown = sorted(set(self.ratings.scales) - set(SCALES))
            if unknown or not self.ratings.scales:
                raise BadInput(f"[ratings] scales: give some of {', '.join(SCALES)}")
            if self.ratings.catch > self.ratings.trials * ("quality" in self.ratings.scales):
                raise BadInput("[ratings] catch: no more than there are pages of quality")


def _check_condition(one: Condition) -> None:
    """Refuse a condition of which a part would not be heard."""
    for wrong, said in (
        (one.bank and one.folder, "give a bank or a folder, not both"),
        (one.bank and not one.strength, "its bank is pushed with no strength: give one, as 0.06"),
        (one.strength and not one.bank, "a strength is of a bank: name one, or take it out"),
        (one.monitored and not one.bank, "monitored is of a bank: name one, or take it out"),
    ):
        if wrong:
            raise BadInput(f"condition {one.name}: {said}")


def read_design(path: Path) -> Design:
    """The design in a TOML file.

    Raises:
        BadInput: there is no such file, an entry is wrong, unknown or missing, or it cannot be carried out.
    """
    try:
        record = tomllib.loads(read_text(path))
    except OSError:
        raise BadInput(f"{path} cannot be read: give a design.toml") from None
    except ValueError as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"{path} is no TOML ({first_line(error)}): mend it") from None
    return design_of(record, path.name)


def design_of(record: object, name: str = "the design") -> Design:
    """The design in a record, as TOML or JSON hold it.

    Raises:
        BadInput: an entry is wrong, unknown or missing, or it cannot be carried out.
    """
    try:
        return read_fields(Design, record)
    except WrongEntry as wrong:
        raise BadInput(str(wrong).replace("the recipe", name)) from None
