"""Cells: the same prompts and noise without a push, and pushed in one direction, each heard by its listener."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import torch

from benchmarks.taught import clips
from benchmarks.taught.concepts import CONCEPTS, Concept
from benchmarks.taught.ears import EARS
from benchmarks.taught.lessons import FORMAT, KINDS, Case, Said, digest, lesson_of
from listening.chroma import profile
from listening.levels import rms_dbfs
from listening.onsets import onset_rate
from steering.decoding.clip import Clip
from steering.decoding.decoder import Decoder
from steering.directions.direction import Direction
from steering.evaluation.cells import Result, Shelf
from steering.evaluation.life import Limits
from steering.evaluation.statistics import Estimate
from steering.interventions.intervention import Intervention
from steering.interventions.monitor import Monitor
from steering.interventions.plan import compile_plan

SECONDS, BATCH, FIRST_SEED = 4.0, 16, 60_000
DRAWS = 999


@dataclass(frozen=True)
class Bench:
    """What all cells share: who plays, where finished cells are kept, how many clips a cell has."""

    decoder: Decoder
    home: Path
    clips: int = 100

    def shelf(self) -> Shelf:
        return Shelf(self.home / "cells")

    def key(self, *more: object) -> str:
        origin = asdict(self.decoder.model.origin)
        return digest([FORMAT, origin, self.clips, SECONDS, FIRST_SEED, *more])


@dataclass(frozen=True)
class Pushed:
    """A cell beside its twin.

    Attributes:
        heard, unsteered: mean of what the listener hears. moved: share of clips that went the wanted way.
        auc: chance that a pushed clip has more of it than one that is not, by 95 % interval.
        beyond: how much more than the better of the controls; None of a control.
        entropy, onsets, level: times the twin's. lives: whether they are within the limits.
    """

    kind: str
    heard: float
    unsteered: float
    moved: float
    auc: Estimate
    beyond: Estimate | None
    entropy: float
    onsets: float
    level: float
    lives: bool


@dataclass(frozen=True)
class Judged:
    """What was said of a case beforehand, and what came of it, by what was pushed."""

    case: Case
    said: Said
    rows: dict[str, Pushed]

    @property
    def moves(self) -> bool:
        """Whether the push is heard, and more than the pushes that mean nothing."""
        taught = self.rows["taught"]
        assert taught.beyond is not None, "what was taught has controls"
        return taught.auc.low > 0.5 and taught.beyond.low > 0

    @property
    def outcome(self) -> str:
        """In a word or three."""
        if not self.moves:
            return "cannot"
        return "can" if self.rows["taught"].lives else "can, the music suffers"


def judged(bench: Bench, case: Case) -> Judged:
    """Teach, push, hear; whatever is kept already is not done again."""
    lesson, concept = lesson_of(bench.decoder, case, bench.home), case.known
    twin, said = unsteered(bench, concept.ear), lesson.said
    concept_heard = lesson.pushed("taught")
    cells = {
        kind: cell_of(bench, concept, lesson.pushed(kind), concept_heard, said.strength)
        for kind in KINDS
    }
    draws = {kind: drawn_aucs(cell, twin, concept) for kind, cell in cells.items()}
    controls = [draws[kind] for kind in KINDS[1:]]
    better = max(controls, key=lambda one: float(one[0]))
    rows = {kind: _beside(kind, cell, twin, concept, draws[kind]) for kind, cell in cells.items()}
    rows["taught"] = _beside(
        "taught", cells["taught"], twin, concept, draws["taught"], draws["taught"] - better
    )
    return Judged(case, said, rows)


def unsteered(bench: Bench, ear: str) -> Result:
    """The twin of all cells, heard by one listener."""
    return _kept(bench, bench.key("unsteered", ear), None, None, 0.0, ear)


def cell_of(
    bench: Bench, concept: Concept, direction: Direction, heard: Direction, strength: float
) -> Result:
    """A cell: a strength that sets itself by the taught concept, whichever direction is pushed."""
    sums = [
        blake2b(one.vectors.numpy().tobytes(), digest_size=10).hexdigest()
        for one in (direction, heard)
    ]
    key = bench.key(concept.name, concept.ear, strength, *sums)
    return _kept(bench, key, direction, heard, strength, concept.ear)


def _kept(
    bench: Bench,
    key: str,
    direction: Direction | None,
    heard: Direction | None,
    strength: float,
    ear: str,
) -> Result:
    shelf = bench.shelf()
    found = shelf.find(key)
    if found is None:
        found = hear(play(bench, direction, heard, strength), bench.decoder.model.sample_rate, ear)
        shelf.keep(key, found)
    return found


def play(
    bench: Bench, direction: Direction | None, heard: Direction | None, strength: float
) -> np.ndarray:
    """Sound ``[B, N]`` of all prompts."""
    model, plan, made = bench.decoder.model, None, []
    if direction is not None:
        push = Intervention(direction, strength, monitor=Monitor(), heard=heard)
        plan = compile_plan([push], SECONDS, model.frame_rate)
    asked = [
        Clip(prompt, FIRST_SEED + place, plan)
        for place, prompt in enumerate(clips.prompts(bench.clips))
    ]
    with torch.inference_mode():
        for start in range(0, len(asked), BATCH):
            codes = bench.decoder.generate(asked[start : start + BATCH], SECONDS)
            made.append(model.decode(codes).cpu().numpy())
    return np.concatenate(made)


def hear(sound: np.ndarray, rate: int, ear: str) -> Result:
    """What the listener hears in clips ``[B, N]``, and whether they live: ``[B]`` each."""
    return {
        "heard": np.array([EARS[ear](one, rate) for one in sound]),
        "entropy": np.array([profile(one, rate).entropy for one in sound]),
        "onsets": np.array([onset_rate(one, rate) for one in sound]),
        "loudness": np.array([rms_dbfs(one) for one in sound]),
    }


def _beside(
    kind: str,
    cell: Result,
    twin: Result,
    concept: Concept,
    draws: np.ndarray,
    beyond: np.ndarray | None = None,
) -> Pushed:
    def times(name: str) -> float:
        return float(cell[name].mean() / max(twin[name].mean(), 1e-9))

    with np.errstate(invalid="ignore"):
        moved = concept.sign * (cell["heard"] - twin["heard"]) > 0
    level = float(10 ** ((cell["loudness"] - twin["loudness"]).mean() / 20))
    entropy, onsets = times("entropy"), times("onsets")
    return Pushed(
        kind,
        float(np.nanmean(cell["heard"])),
        float(np.nanmean(twin["heard"])),
        float(moved.mean()),
        interval_of(draws),
        None if beyond is None else interval_of(beyond),
        entropy,
        onsets,
        level,
        _lives(entropy, onsets, level, concept.limits),
    )


def _lives(entropy: float, onsets: float, level: float, limits: Limits) -> bool:
    return (
        entropy >= limits.entropy
        and abs(onsets - 1) <= limits.onsets
        and abs(level - 1) <= limits.level
    )


def drawn_aucs(cell: Result, twin: Result, concept: Concept) -> np.ndarray:
    """The AUC of pushed clips against their twins, and of clips that are drawn anew: ``[1 + DRAWS]``."""
    return aucs(concept.sign * cell["heard"], concept.sign * twin["heard"], paired=True)


def aucs(having: np.ndarray, lacking: np.ndarray, paired: bool = False) -> np.ndarray:
    """Chance that one that has it is the larger, ties a half: as it is, and drawn anew ``[1 + DRAWS]``.

    Args:
        having, lacking: ``[A]``, ``[B]``; what is nan is neither larger nor smaller.
        paired: one clip of the two is drawn with the other.
    """
    larger = (having[:, None] > lacking) + 0.5 * ~(
        (having[:, None] > lacking) | (having[:, None] < lacking)
    )
    rng, found = np.random.default_rng(0), [larger.mean()]
    for _ in range(DRAWS):
        rows = rng.integers(len(having), size=len(having))
        columns = rows if paired else rng.integers(len(lacking), size=len(lacking))
        found.append(larger[np.ix_(rows, columns)].mean())
    return np.array(found)


def interval_of(draws: np.ndarray) -> Estimate:
    """The first, and the middle 95 % of the rest."""
    low, high = np.quantile(draws[1:], [0.025, 0.975])
    return Estimate(float(draws[0]), float(low), float(high))


def ear_errors(bench: Bench, names: Collection[str], count: int) -> dict[str, list[Estimate]]:
    """How well each listener tells clips with the concept from the same pieces without: AUC.

    As they are played, and as the model's codec holds them.
    """
    found = {}
    for name in names:
        concept, key = CONCEPTS[name], bench.key("ear", name, count)
        kept = bench.shelf().find(key)
        if kept is None:
            kept = _known_answers(bench, concept, count)
            bench.shelf().keep(key, kept)
        found[name] = [
            interval_of(
                aucs(concept.sign * kept[f"with{how}"], concept.sign * kept[f"without{how}"])
            )
            for how in ("", ", held")
        ]
    return found


def _known_answers(bench: Bench, concept: Concept, count: int) -> Result:
    model, ear, found = bench.decoder.model, EARS[concept.ear], {}
    for word, has in (("with", True), ("without", False)):
        sounds = [s.at(model.sample_rate) for s in clips.sounds(concept, has, count, clips.HEARD)]
        found[word] = np.array([ear(audio, model.sample_rate) for audio in sounds])
        with torch.inference_mode():
            held = [model.decode(model.encode(_batch(audio, model.device)))[0] for audio in sounds]
        found[f"{word}, held"] = np.array([ear(a.cpu().numpy(), model.sample_rate) for a in held])
    return found


def _batch(audio: np.ndarray, device: torch.device) -> torch.Tensor:
    return torch.from_numpy(audio)[None].to(device)
