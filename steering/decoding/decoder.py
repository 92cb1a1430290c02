"""The steered decoder: one loop over the weights of any MusicGen, from either library.

It is built once per model and holds nothing of any generation, so several sessions can use one at the
same time. `steering.decoding.reference` is the reference that it must agree with, token by token.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from curation.errors import BadInput
from steering.activations.hooks import check_plan
from steering.decoding.cache import Cache
from steering.decoding.clip import Clip, Progress
from steering.decoding.cuda_graph import StaticStep
from steering.decoding.fused import Fused
from steering.decoding.generation import ENDLESS, Generation, Window, room
from steering.decoding.injections import AHEAD
from steering.decoding.memory import available, check_fit
from steering.decoding.sampling import Sampling
from steering.models.interface import MusicModel
from steering.models.weights import DecoderWeights

LONGEST_SECONDS = 3600.0

WINDOW_SECONDS = 30.0
"""How far back a step looks: as long as the clips that the models were trained on."""


class Decoder:
    """A model's decoder, fused.

    Args:
        model: where the weights, prompts and codec come from.
        window_seconds: how far back a step may look; the model's own limit where that is shorter.
        weights: to be played in place of the model's own.
    """

    def __init__(
        self,
        model: MusicModel,
        window_seconds: float = WINDOW_SECONDS,
        weights: DecoderWeights | None = None,
    ) -> None:
        self.model = model
        self.fused = Fused(weights or model.weights())
        self.window = window_of(model, window_seconds)

    def generate(
        self,
        clips: Sequence[Clip],
        seconds: float | Sequence[float],
        sampling: Sampling | None = None,
        progress: Progress = lambda done, total: None,
    ) -> Tensor:
        """Codes ``[B, K, T]`` of clips, each of its own length; blank past the end of a shorter one.

        Every row equals the row alone: bit for bit in the compiled loops of the CPU, else up to the
        rounding of batched matrix products. Clips longer than the model's window are made by
        sliding it (see `Generation`).
        """
        generation = self.start(clips, seconds, sampling)
        while generation.step < generation.steps:
            generation.advance()
            progress(generation.step, generation.steps)
        return generation.codes(0, generation.frames)

    def start(
        self,
        clips: Sequence[Clip],
        seconds: float | Sequence[float],
        sampling: Sampling | None = None,
    ) -> Generation:
        """A batch that is ready for its first step.

        Args:
            seconds: of all clips, or of each; infinite for all that go on until they are stopped.

        Raises:
            BadInput: there is no clip, other counts of lengths than of clips, a length that cannot
                be played, a plan of another model or inside the blocks, or too little memory.
        """
        sampling = sampling or Sampling()
        if not clips:
            raise BadInput("there is no clip to generate: give at least one")
        asked = [seconds] * len(clips) if isinstance(seconds, int | float) else list(seconds)
        if len(asked) != len(clips):
            raise BadInput(f"{len(asked)} lengths for {len(clips)} clips: give one each, or one")
        lengths = [frames_of(self.model, one) for one in asked]
        if max(lengths) == ENDLESS > min(lengths):
            raise BadInput("some clips have an end and some have none: give all or none a length")
        for clip in clips:
            if clip.plan is not None:
                check_plan(clip.plan, self.model)
                if clip.plan.sites:
                    raise BadInput(
                        "a concept is pushed inside the blocks, which the fused decoder does not open: "
                        "play it with steering.decoding.reference"
                    )
        free = available(self.fused.embeddings.device)
        check_fit(self.bytes_per_clip(max(lengths), sampling), len(clips), max(asked), free)
        stepper = StaticStep if self.fused.embeddings.is_cuda else None
        return Generation(self.fused, self.model, clips, lengths, sampling, self.window, stepper)

    def bytes_per_clip(self, frames: int, sampling: Sampling) -> int:
        """Memory that one clip takes beside the weights: cache, columns, steering, sampling."""
        fused = self.fused
        rows, layers = 2 if sampling.guided else 1, len(fused.blocks)
        steps = frames + self.model.codebooks - 1
        item = fused.embeddings.element_size()
        length = min(steps, self.window.length)
        length += self.window.kept if steps > length else 0
        cache = Cache.bytes(layers, rows, length, fused.size, item)
        steering = 2 * AHEAD * layers * rows * fused.size * 4
        drawing = 32 * fused.codebooks * fused.vocabulary
        return cache + steering + drawing + 9 * fused.codebooks * room(steps, self.window)


def window_of(model: MusicModel, seconds: float = WINDOW_SECONDS) -> Window:
    """The window of a model's clips, no longer than it can look back."""
    return Window.of(model.frames(min(seconds, model.longest_seconds)) + model.codebooks - 1)


def frames_of(model: MusicModel, seconds: float) -> int:
    """Frames of a clip; `ENDLESS` where the seconds are infinite.

    Raises:
        BadInput: a length that cannot be played.
    """
    if seconds == math.inf:
        return ENDLESS
    rate = model.frame_rate
    if not 1 / rate <= seconds <= LONGEST_SECONDS:
        raise BadInput(
            f"{seconds:g} s cannot be played: ask for {1 / rate:g} to {LONGEST_SECONDS:g} s"
        )
    return round(seconds * rate)
