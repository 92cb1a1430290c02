"""Studies by simulated listeners of known ability: the report finds what was put in, and how often.

    python -m benchmarks.study                         1,000 studies, all parts
    python -m benchmarks.study --studies 100           fewer
    python -m benchmarks.study --only cheat            a program that compares bytes takes ABX trials
    python -m benchmarks.study --keep studies.jsonl    go on where an earlier run was killed

Coverage: in how many studies each 95 % interval holds the truth, by which every answer was drawn. What a
large sample alone can say (what differing tastes leave of a worth, what the ends of a scale leave of a
rating) is found by 20,000 listeners beforehand. Power: in how many studies a difference of 15 points was
found, beside what ``python -m studio study power`` foretold. Found out: how many of who guesses are left
out by the rules, and how many of the honest. Cheat: the trials are a real study's, as its endpoint sends
them. A share of 1,000 has a standard error of 0.007.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binomtest

from studio.study.design import Abx, Condition, Design, Item, Preference, Ratings
from studio.study.lots import Asked, Lots
from studio.study.report.bradley_terry import worths
from studio.study.report.identification import identified, told_apart
from studio.study.report.mixed import mixed
from studio.study.report.power import USUAL, middle_of, powers, worth_of
from studio.study.report.rating import rated
from studio.study.simulated import Kind, Truth, answers
from studio.study.stimuli import Stimuli
from studio.study.tables import Identified, Tables, tables

STUDIES, LISTENERS, SPARE, ITEMS = 1000, 20, 3, 8
POINTS = 15.0
MANY = 20_000
RESAMPLINGS = 400
PARTS = ("coverage", "guessers", "cheat")
CHEATED = 200

DESIGN = Design(
    "simulated", "Simulated", LISTENERS, "training",
    items=tuple(Item(name, name, "C") for name in ("training", *(f"item-{n}" for n in range(ITEMS)))),
    conditions=(Condition("push", bank="b", strength=0.1), Condition("words", prompt="{prompt}, C")),
    abx=Abx(12), preference=Preference(12), ratings=Ratings(2),
)  # fmt: skip

TRUTH = Truth(
    told={"push": middle_of(0.5 + POINTS / 100, USUAL)},
    worth={"push": worth_of(POINTS / 100, USUAL)},
    scores={
        "strength": {"push": 60.0, "words": 45.0, "random": 45.0, "unsteered": 45.0},
        "quality": {"push": 45.0, "words": 60.0, "random": 52.0, "unsteered": 60.0},
    },
)
"""A push is told, preferred and rated by 15 points more; words cannot be told from the unsteered copy."""


def main() -> int:
    """Run the parts and print their tables; 1 where one is not what it ought to be."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.study",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--keep", type=Path, help="studies that are done, one a line")
    options = parser.parse_args()
    began, right = time.process_time(), True
    if "coverage" in options.only:
        done = list(_studies(options.studies, options.keep))
        right &= _tell_coverage(done)
        _tell_power(done)
    if "guessers" in options.only:
        right &= _tell_guessers(options.studies)
    if "cheat" in options.only:
        right &= _tell_cheat()
    print(f"\n{time.process_time() - began:.0f} s of processor time, without what was kept")
    return int(not right)


def _stimuli(number: int) -> Stimuli:
    return Stimuli(Path(), f"{number}", number.to_bytes(32, "big"), "", DESIGN, 32_000, -23.0, {})


def simulated(
    number: int,
    kinds: Sequence[Kind] = (),
    truth: Truth = TRUTH,
    chances: dict[str, float] | None = None,
    people: int = LISTENERS + SPARE,
) -> Tables:
    """One study's answers."""
    stimuli = _stimuli(number)
    lots = Lots(DESIGN, stimuli.secret)
    plans: list[list[Asked]] = [lots.plan(one) for one in range(people)]
    lot = np.random.default_rng([number, 1])
    return tables(stimuli, answers(DESIGN, plans, truth, lot, kinds, chances))


# ---- coverage and power ------------------------------------------------------------------------


def _studies(count: int, keep: Path | None) -> Iterator[dict[str, Any]]:
    done = keep.read_text().splitlines() if keep and keep.exists() else []
    yield from (json.loads(line) for line in done[:count])
    for number in range(len(done), count):
        found = study(number)
        if keep:
            with keep.open("a") as file:
                file.write(json.dumps(found) + "\n")
        yield found


def study(number: int) -> dict[str, Any]:
    """What the report finds in one study: intervals, each with the study's own truth where it has one."""
    chances: dict[str, float] = {}
    found = simulated(number, chances=chances)
    names = found.conditions
    place = {name: n for n, name in enumerate(names)}
    heard = identified(found.abx)
    push = heard[place["push"]]
    those = found.abx.condition == place["push"]
    part = Identified(*(getattr(found.abx, name)[those] for name in ("listener", "item", "condition", "right")))  # fmt: skip
    model = mixed(part)
    own = _mean_chance(number, chances, found)
    preferred = worths(found.preference, len(names), RESAMPLINGS, number)
    intervals = {
        "abx, exact, of these listeners": (push.low, push.high, own),
        "abx, mixed, log odds": (model.low, model.high, None),
        "abx, mixed, share of others like these": (model.share(model.low), model.share(model.high), None),
    }  # fmt: skip
    for name in ("push", "words", "random"):
        _, low, high = preferred.difference(place[name], place["unsteered"])
        intervals[f"Bradley-Terry, {name} - unsteered"] = (low, high, None)
    p = {"abx, push": push.p, "abx, words": heard[place["words"]].p}
    for scale, table in found.ratings.items():
        for condition, one in rated(table, place["unsteered"]).items():
            intervals[f"{scale}, {names[condition]} - unsteered"] = (one.low, one.high, None)
            p[f"{scale}, {names[condition]}"] = one.p
    return {"intervals": intervals, "p": p, "listeners": len(found.counted)}


def _mean_chance(number: int, chances: dict[str, float], found: Tables) -> float:
    """How often these listeners tell a push in the very trials that they had."""
    lots, kept = Lots(DESIGN, _stimuli(number).secret), []
    by_name = [one.name for one in found.people]
    for person in found.counted:
        listener = by_name.index(person)
        for place, asked in enumerate(lots.plan(listener)):
            if asked.kind == "abx" and not asked.catch and "push" in asked.shown:
                kept.append(chances[f"t{listener}-{place}"])
    return float(np.mean(kept))


def truths() -> dict[str, float]:
    """What 20,000 listeners say of what no formula does."""
    lot = np.random.default_rng(7)
    spread, names = TRUTH.spread, ("push", "words", "unsteered", "random")
    own = np.array([TRUTH.worth.get(name, 0.0) for name in names])
    tastes = own + spread.taste * lot.standard_normal((MANY, len(names)))
    found = {"abx, mixed, log odds": TRUTH.told["push"],
             "abx, mixed, share of others like these": 0.5 + POINTS / 100}  # fmt: skip
    worth = _worths_of(tastes, lot)
    for name in ("push", "words", "random"):
        at = worth[names.index(name)] - worth[names.index("unsteered")]
        found[f"Bradley-Terry, {name} - unsteered"] = float(at)
    for scale, means in TRUTH.scores.items():
        scores = {name: _rated_by_many(mean, lot) for name, mean in means.items()}
        for name in ("push", "words", "random"):
            difference = scores[name] - scores["unsteered"]
            pairs = (difference + lot.permutation(difference)) / 2
            found[f"{scale}, {name} - unsteered"] = float(np.median(pairs))
    return found


def _worths_of(tastes: np.ndarray, lot: np.random.Generator) -> np.ndarray:
    from studio.study.report.bradley_terry import fit, pairs_of

    pairs = pairs_of(tastes.shape[1])
    first, second = tastes[:, pairs[:, 0]], tastes[:, pairs[:, 1]]
    scores = np.exp(np.stack([first, second, (first + second) / 2 + TRUTH.spread.tie], axis=-1))
    shares = (scores / scores.sum(-1, keepdims=True)).mean(axis=0)
    return fit(1e6 * shares[None], tastes.shape[1])[0, :-1]


def _rated_by_many(mean: float, lot: np.random.Generator) -> np.ndarray:
    spread = TRUTH.spread
    opinion = mean + spread.opinion * lot.standard_normal((MANY, 1))
    pages = DESIGN.ratings.trials if DESIGN.ratings else 1
    scores = opinion + spread.noise * lot.standard_normal((MANY, pages))
    return np.clip(np.round(scores), 0, 100).mean(axis=1)


def _tell_coverage(done: Sequence[dict[str, Any]]) -> bool:
    right, known = True, truths()
    print(f"95 % intervals that hold the truth, of {len(done)} studies of {LISTENERS} listeners")
    print(f"{'interval':42} {'truth':>7} {'covered':>8}  of that share (95 %)   mean width")
    for name in done[0]["intervals"]:
        rows = np.array(
            [
                [*one["intervals"][name][:2], _own(one["intervals"][name], known.get(name))]
                for one in done
            ]
        )
        holds = (rows[:, 0] <= rows[:, 2]) & (rows[:, 2] <= rows[:, 1])
        share = binomtest(int(holds.sum()), len(holds)).proportion_ci(0.95)
        right &= share.high >= 0.95
        width = (rows[:, 1] - rows[:, 0]).mean()
        print(
            f"{name:42} {rows[:, 2].mean():7.3f} {holds.mean():8.3f}  "
            f"({share.low:.3f} to {share.high:.3f})     {width:9.3f}"
        )
    return right


def _own(interval: Sequence[float | None], known: float | None) -> float:
    own = interval[2] if known is None else known
    assert own is not None
    return own


def _tell_power(done: Sequence[dict[str, Any]]) -> None:
    foretold = {kind: of(LISTENERS) for kind, of in powers(DESIGN, POINTS).items()}
    abx, preference, rating = foretold.values()
    print(
        f"\nstudies that find a difference at 5 %, of {len(done)}, and what was foretold for {POINTS:g} points"
    )
    print(f"{'question':42} {'found':>7}  foretold")
    for name, share, said in (
        ("abx, push", _found(done, "abx, push"), abx),
        ("Bradley-Terry, push - unsteered", _parted(done, "Bradley-Terry, push - unsteered"), preference),
        ("strength, push", _found(done, "strength, push"), rating),
        ("abx, words (cannot be told)", _found(done, "abx, words"), 0.05),
        ("Bradley-Terry, words - unsteered (alike)", _parted(done, "Bradley-Terry, words - unsteered"), 0.05),
        ("strength, words (alike)", _found(done, "strength, words"), 0.05),
    ):  # fmt: skip
        print(f"{name:42} {share:7.3f}  {said:.3f}")


def _found(done: Sequence[dict[str, Any]], name: str) -> float:
    return float(np.mean([one["p"][name] < 0.05 for one in done]))


def _parted(done: Sequence[dict[str, Any]], name: str) -> float:
    """Of how many studies the interval leaves 0 out."""
    return float(
        np.mean([not one["intervals"][name][0] <= 0 <= one["intervals"][name][1] for one in done])
    )


# ---- who does not listen -----------------------------------------------------------------------


def _tell_guessers(studies: int) -> bool:
    """Who is left out, one listener of each kind a study; and studies of idlers alone."""
    people, count = LISTENERS, max(studies // LISTENERS, 1)
    print(f"\nwho is left out by the rules of the design, of {count * people} listeners each")
    print(f"{'listener':42} {'left out':>8}  why")
    shares = {}
    for kind in ("honest", "guesser", "idler"):
        why: dict[str, int] = {}
        for number in range(count):
            found = simulated(100_000 + number, [kind] * people, people=people)
            for name, times in found.left_out.items():
                why[name] = why.get(name, 0) + times
        shares[kind] = sum(why.values()) / (count * people)
        told = ", ".join(f"{name} {times}" for name, times in sorted(why.items()))
        print(f"{_KINDS[kind]:42} {shares[kind]:8.3f}  {told}")
    return shares["guesser"] > 0.95 and shares["idler"] > 0.9 and shares["honest"] < 0.05


_KINDS = {
    "honest": "honest",
    "guesser": "guesses everything",
    "idler": "has headphones on, and then guesses",
}


# ---- who compares bytes ------------------------------------------------------------------------


def _tell_cheat() -> bool:
    """A program takes a real study's ABX trials as the endpoint sends them, and goes by their bytes."""
    from benchmarks.study.cheat import cheated

    with tempfile.TemporaryDirectory() as folder:
        right = cheated(Path(folder), CHEATED)
    found = told_apart(right, CHEATED)
    print(f"\na program that compares bytes: {right} of {CHEATED} ABX trials right, "
          f"{found.share:.3f} ({found.low:.3f} to {found.high:.3f}), p = {found.p:.2f}")  # fmt: skip
    return found.p > 0.01


if __name__ == "__main__":
    sys.exit(main())
