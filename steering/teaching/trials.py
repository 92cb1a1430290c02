"""How strongly to push: a few short clips at rising strength, read again from their sound."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from curation.spec import seed_for
from listening.chroma import profile
from listening.levels import rms_dbfs
from listening.onsets import onset_rate
from steering.activations.reader import read_activations
from steering.decoding.clip import Clip
from steering.decoding.decoder import Decoder
from steering.decoding.generation import Generation
from steering.directions.direction import Direction
from steering.evaluation.life import USUAL
from steering.interventions.intervention import Intervention
from steering.interventions.monitor import Monitor
from steering.interventions.plan import compile_plan
from steering.models.interface import MusicModel
from steering.teaching.material import Material, Step, Use, at_once, untold
from steering.teaching.verdict import PENALTY, flattened

STRENGTHS = (0.03, 0.06, 0.09, 0.12)
"""Relative coefficients, the most that a strength that sets itself may reach."""
SECONDS = 4.0
STEPS = 4
"""Of the decoder that are done in one go, where others wait for the model."""
PROMPTS = ("calm jazz with a flute", "energetic rock", "gentle folk led by a guitar", "funk with drums",
           "slow classical piece", "bright pop")  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """A ridge on all layers: 0 for what the clips without the concept read in the mean, 1 for the others.

    It is no part of the push: it goes by all layers together, and hears clips anew from their sound.

    Attributes:
        weights: float64 ``[L * D]``. size: of the activations, by layer ``[1, L, 1]``.
    """

    weights: np.ndarray
    offset: float
    size: Tensor

    @staticmethod
    def of(material: Material) -> Reading:
        """Fitted on all clips of the material."""
        clips = material.by_clip()
        size = clips.x.square().mean((0, 2), keepdim=True).sqrt().clamp_min(1e-12)
        x = flattened(clips.x)
        centred = x - x.mean(0)
        gram = centred @ centred.T
        penalty = PENALTY * float(np.mean(np.diag(x @ x.T)))
        labels = clips.has - clips.has.mean()
        weights = centred.T @ np.linalg.solve(gram + penalty * np.eye(len(x)), labels)
        told = x @ weights
        low, high = told[~clips.has].mean(), told[clips.has].mean()
        scale = 1 / max(high - low, 1e-12)
        return Reading(weights * scale, -float(low * scale), size)

    def __call__(self, x: Tensor) -> np.ndarray:
        """Activations ``[N, L, D]`` to readings ``[N]``."""
        return (x / self.size).flatten(1).double().numpy() @ self.weights + self.offset


@dataclass(frozen=True)
class Trial:
    """What came of one strength, beside the same clips without a push.

    Attributes:
        reading, unsteered: mean of the readings. gained: share of clips that read more than their twin.
        entropy, onsets, level: times the twins'.
    """

    strength: float
    reading: float
    unsteered: float
    gained: float
    entropy: float
    onsets: float
    level: float

    @property
    def moved(self) -> float:
        """How much of the way from the clips without the concept to those with it."""
        return self.reading - self.unsteered

    def lives(self, belongs: Collection[str] = ()) -> bool:
        """Whether the music is still within the limits of `evaluation.life`.

        Args:
            belongs: parts of the concept, see `variants.PARTS`: what it is about may change.
        """
        return (
            self.entropy >= USUAL.entropy
            and ("tempo" in belongs or abs(self.onsets - 1) <= USUAL.onsets)
            and ("level" in belongs or abs(self.level - 1) <= USUAL.level)
        )


@dataclass(frozen=True)
class Trials:
    """All strengths, and a random direction at the chosen one.

    Attributes:
        by_strength: from weak to strong. chosen: of them. random: at the chosen strength.
        clips: of each. lives: whether the music does at the chosen strength.
    """

    by_strength: tuple[Trial, ...]
    chosen: Trial
    random: Trial
    clips: int
    lives: bool

    @property
    def works(self) -> bool:
        """Whether the push is read again, and more than a random one's."""
        return self.chosen.moved > max(0.1, 2 * self.random.moved)

    def __str__(self) -> str:
        word = "the push is heard" if self.works else "the push is hardly heard"
        life = "the music lives" if self.lives else "the music suffers"
        return (
            f"{word}: at {self.chosen.strength:g} the readings of {self.clips} clips go "
            f"{self.chosen.moved:+.0%} of the way from clips without it to clips with it (a random "
            f"direction {self.random.moved:+.0%}), {life}; whether ears hear it, listen"
        )


def try_strengths(
    decoder: Decoder,
    direction: Direction,
    material: Material,
    prompts: Sequence[str] = (),
    belongs: Collection[str] = (),
    step: Step = untold,
    use: Use = at_once,
) -> Trials:
    """Play, read again, choose: the strongest reading of those whose music lives.

    Args:
        belongs: parts of the concept, which a push may change. use: does what needs the model, in jobs
            of a moment.
    """
    reading, total, prompts = Reading.of(material), len(STRENGTHS) + 2, prompts or PROMPTS

    def heard(one: Direction | None, strength: float) -> Mapping[str, np.ndarray]:
        return _heard(decoder, one, direction, strength, prompts, reading, use)

    twin, made = heard(None, 0.0), []
    for strength in STRENGTHS:
        made.append(_trial(strength, heard(direction, strength), twin))
        step(len(made) + 1, total)
    chosen = _chosen(made, belongs)
    random = _trial(chosen.strength, heard(_random(direction), chosen.strength), twin)
    step(total, total)
    return Trials(tuple(made), chosen, random, len(prompts), chosen.lives(belongs))


def _chosen(trials: Sequence[Trial], belongs: Collection[str]) -> Trial:
    living = [one for one in trials if one.lives(belongs)]
    return max(living or trials[:1], key=lambda one: one.moved)


def _random(direction: Direction) -> Direction:
    generator = torch.Generator().manual_seed(seed_for("taught", direction.name) % 2**31)
    return direction.like(torch.randn(direction.vectors.shape, generator=generator))


def _heard(
    decoder: Decoder,
    direction: Direction | None,
    concept: Direction,
    strength: float,
    prompts: Sequence[str],
    reading: Reading,
    use: Use,
) -> Mapping[str, np.ndarray]:
    """Clips of all prompts: what their sound reads, and what is heard in it, ``[B]`` each."""
    model, plan = decoder.model, None
    if direction is not None:
        push = Intervention(direction, strength, monitor=Monitor(), heard=concept)
        plan = compile_plan([push], SECONDS, model.frame_rate)
    clips = [Clip(prompt, 7_000 + place, plan) for place, prompt in enumerate(prompts)]
    codes = _generated(decoder, clips, use)
    sound = torch.cat([use(partial(model.decode, one)) for one in codes.split(1)])
    again = torch.cat([_read_again(model, one, use) for one in sound.split(1)])
    audio, rate = sound.cpu().numpy(), model.sample_rate
    return {
        "reading": reading(again),
        "entropy": np.array([profile(one, rate).entropy for one in audio]),
        "onsets": np.array([onset_rate(one, rate) for one in audio]),
        "loudness": np.array([rms_dbfs(one) for one in audio]),
    }


def _generated(decoder: Decoder, clips: Sequence[Clip], use: Use) -> Tensor:
    """Codes ``[B, K, T]``, as `Decoder.generate` makes them, a few steps at a time."""
    run: Generation = use(partial(decoder.start, clips, SECONDS))

    def advance() -> None:
        for _ in range(min(STEPS, run.steps - run.step)):
            run.advance()

    while run.step < run.steps:
        use(advance)
    return run.codes(0, run.frames)


def _read_again(model: MusicModel, sound: Tensor, use: Use) -> Tensor:
    """A clip's samples ``[1, N]`` to activations ``[1, L, D]``."""
    codes = use(partial(model.encode, sound))
    return use(partial(read_activations, model, codes))[:, 0]


def _trial(
    strength: float, pushed: Mapping[str, np.ndarray], twin: Mapping[str, np.ndarray]
) -> Trial:
    def times(name: str) -> float:
        return float(pushed[name].mean() / max(twin[name].mean(), 1e-9))

    return Trial(
        strength,
        float(pushed["reading"].mean()),
        float(twin["reading"].mean()),
        float((pushed["reading"] > twin["reading"]).mean()),
        times("entropy"),
        times("onsets"),
        float(10 ** ((pushed["loudness"] - twin["loudness"]).mean() / 20)),
    )
