"""Strengths that follow the music, for all clips of a batch, step by step."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from steering.interventions.monitor import Ear, average, follow
from steering.interventions.plan import Faders, Plan


class Followers:
    """What every concept's strength is at a step: 1 for those that follow nothing.

    Each step `hear` is given the streams before anything is added to them, and `settle` makes the
    strengths of the next step of it. Tensors are ``[M, B]``: M concepts at most, of B clips.

    Args:
        plans: one per clip, None for a clip that is left alone.
        like: where the residual stream is.

    Attributes:
        heard_at: the layer that each concept is heard at, -1 where it is not followed. vectors: that it
            is heard by ``[M, B, D]``. read: the projection on them.
        numbers: target, gain, weight of a step in the mean, slope and intercept ``[5, M, B]``.
        mean: of the probabilities heard so far. now: the strengths.
    """

    def __init__(self, plans: Sequence[Plan | None], like: Tensor) -> None:
        self.clips = len(plans)
        ears = [
            (concept, clip, ear)
            for clip, plan in enumerate(plans)
            for concept, ear in enumerate(() if plan is None else plan.ears)
            if ear is not None
        ]
        self.places = [(concept, clip) for concept, clip, _ in ears]
        self.layers = sorted({ear.layer for *_, ear in ears})
        most = max((plan.concepts for plan in plans if plan is not None), default=0)
        self._like, self._device, self._shape = like, like.device, (most, self.clips)
        self.now = self._filled(1.0)
        self.past: list[Tensor] = []
        self.first = 0
        if ears:
            self._prepare(ears, 1 / next(filter(None, plans)).frame_rate)

    def _prepare(self, ears: Sequence[tuple[int, int, Ear]], seconds: float) -> None:
        """Args: seconds: of a step."""
        self.read, self.mean = self._filled(0.0), self._filled(0.0)
        vectors = torch.zeros(*self._shape, len(ears[0][2].vector))
        layer, numbers = torch.full(self._shape, -1), torch.zeros(5, *self._shape)
        for concept, clip, ear in ears:
            vectors[concept, clip], layer[concept, clip] = ear.vector, ear.layer
            one = ear.monitor
            weight = min(1.0, seconds / one.memory)
            numbers[:, concept, clip] = torch.tensor(
                [one.target, seconds * one.rate, weight, ear.slope, ear.intercept]
            )
        self._gain, self.numbers = numbers[1], numbers.to(self._device)
        self._target, _, self._weight, self._slope, self._intercept = self.numbers
        self._followed = layer >= 0
        self.vectors, self.heard_at = vectors.to(self._device), layer.to(self._device)

    def _filled(self, value: float) -> Tensor:
        return torch.full(self._shape, value, device=self._device)

    def __bool__(self) -> bool:
        """Whether anything is followed at all."""
        return bool(self.places)

    def hear(self, layer: int, x: Tensor) -> None:
        """Read the streams ``[R, D]`` after a layer; the conditional rows come first."""
        if layer not in self.layers:
            return
        products = x[: self.clips].float() * self.vectors
        if len(self.layers) == 1:
            torch.sum(products, -1, out=self.read)
        else:
            torch.where(self.heard_at == layer, products.sum(-1), self.read, out=self.read)

    def gains(
        self, faders: Sequence[Faders | None], first: int, count: int
    ) -> tuple[Tensor, list[bool]]:
        """How fast strengths move at these steps ``[S, M, B]``; and whether any concept is at rest.

        A concept whose coefficient is 0 is at rest: it begins anew when it is pushed again.

        Args:
            faders: of each clip: which way its concepts are pushed.
        """
        signs = torch.zeros(count, *self._shape)
        for clip in {clip for _, clip in self.places}:
            one = faders[clip]
            assert one is not None, "a clip that is followed has a plan"
            signs[:, : one.concepts, clip] = one.between(first, count).sign()
        resting = ((signs == 0) & self._followed).flatten(1).any(1)
        return (signs * self._gain).to(self._device), resting.tolist()

    def settle(self, gain: Tensor, resting: bool) -> None:
        """Make the strengths of the next step.

        Args:
            gain, resting: of this step, out of `gains`.
        """
        heard = torch.addcmul(self._intercept, self._slope, self.read).sigmoid_()
        mean = average(self.mean, heard, self._weight)
        now = follow(self.now, mean, self._target, gain)
        if resting:
            pushed = gain != 0
            mean, now = torch.where(pushed, mean, 0.0), torch.where(pushed, now, 1.0)
        self.take(mean, now)

    def take(self, mean: Tensor, now: Tensor) -> None:
        """Means and strengths of the next step, in place of those of this one, whose strengths are kept."""
        self.past.append(self.now)
        self.mean, self.now = mean, now

    def at(self, step: int) -> Tensor:
        """The strengths of a step that is at hand or over: ``[M, B]``."""
        place = step - self.first
        if place < 0:
            return self._filled(1.0)
        return self.past[place] if place < len(self.past) else self.now

    def during(self, first: int, count: int) -> Tensor:
        """The same of several steps: ``[S, M, B]``."""
        return torch.stack([self.at(step) for step in range(first, first + count)])

    def forget(self, before: int) -> None:
        """Drop the strengths of steps that are not asked for again."""
        gone = max(0, before - self.first)
        del self.past[:gone]
        self.first += gone

    def joined(self, plans: Sequence[Plan | None], step: int) -> Followers:
        """The same for plans that more concepts have joined, each at the end of its clip's."""
        grown = Followers(plans, self._like)
        if not grown:
            return grown
        known = len(self.now)
        grown.now[:known] = self.now
        grown.first = self.first if self else step
        if self:
            grown.mean[:known], grown.read[:known] = self.mean, self.read
            rest = grown.now.new_ones(len(grown.now) - known, self.clips)
            grown.past = [torch.cat([one, rest]) for one in self.past]
        return grown
