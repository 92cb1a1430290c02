"""Low-rank adapters of the decoder's weights, one a concept (LoRA, arXiv 2106.09685), by the library peft.

Each adds a few numbers to every projection of attention, and learns from the seconds that have its
concept, in windows that have it for at least half of their time, under their songs' captions as an evaluation
words them. It is played at some amount of what was learned, by the decoder that plays pushes: prompts,
seeds, guidance and sampling are those of the twin. The model itself is never touched: adapters are
learned on a copy of its decoder, and played by weights that are made of the two.

Adapters are kept beside the activations, each under what it was learned from, and with what it cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, replace
from functools import partial

import torch
from torch import Tensor

from curation.errors import BadInput
from curation.extras import need
from steering.activations.store import key_of
from steering.decoding.clip import Clip
from steering.decoding.decoder import Decoder
from steering.decoding.sampling import Sampling
from steering.models.interface import MusicModel
from steering.models.transformers_backend import TransformersModel
from steering.models.weights import BlockWeights, DecoderWeights
from steering.rivals.rival import Play, Rival, Wanted
from steering.sealed import Sealed
from steering.training.likelihood import (
    Course,
    Examples,
    Lesson,
    Windows,
    judged,
    learn,
    loss_of,
    read_examples,
    some,
    worded,
)
from steering.training.workshop import Workshop

RANK, ALPHA = 4, 8
PROJECTIONS = ("q_proj", "k_proj", "v_proj", "out_proj")
COURSE = Course(steps=32, rate=0.01, batch=4, every=8, patience=2)
HELD_OUT = 12
"""Windows of validation clips that an adapter is judged by, at most."""

KEPT = Sealed("the adapter", "adapter", again="delete it", unsealed="delete it")

Adapter = Mapping[str, Tensor]
"""What peft names ``...q_proj.lora_A.weight`` ``[R, D]`` and ``...q_proj.lora_B.weight`` ``[D, R]``."""


def prepare(workshop: Workshop, source: str) -> Play:
    """Adapters for all concepts of a family; those that were trained before are found again.

    Raises:
        BadInput: peft is not installed, the model is not one of transformers, the concepts are numbers,
            or one has no clips.
    """
    adapters = {name: kept[0] for name, kept in trained(workshop, source).items()}
    return partial(play, workshop.model, adapters)


def play(
    model: MusicModel,
    adapters: Mapping[str, Adapter],
    wanted: Sequence[Wanted],
    seconds: float,
    sampling: Sampling | None = None,
    amount: float = 1.0,
) -> Tensor:
    """Codes ``[B, K, T]`` of clips by their concepts' adapters, in the order in which they are wanted.

    Raises:
        BadInput: a concept has no adapter.
    """
    made: dict[int, Tensor] = {}
    for concept in dict.fromkeys(one.concept for one in wanted):
        if concept not in adapters:
            raise BadInput(f"no adapter for {concept!r}: choose one of {', '.join(adapters)}")
        rows = [row for row, one in enumerate(wanted) if one.concept == concept]
        clips = [Clip(wanted[row].prompt, wanted[row].seed) for row in rows]
        weights = adapted(model.weights(), adapters[concept], amount)
        codes = Decoder(model, weights=weights).generate(clips, seconds, sampling)
        made |= dict(zip(rows, codes, strict=True))
    return torch.stack([made[row] for row in range(len(wanted))])


def adapted(weights: DecoderWeights, adapter: Adapter, amount: float) -> DecoderWeights:
    """The decoder's weights with so much of an adapter added; the given ones stay as they are."""

    def block(number: int, one: BlockWeights) -> BlockWeights:
        def moved(place: str, matrix: Tensor) -> Tensor:
            name = f"model.decoder.layers.{number}.{place}"
            down, up = (adapter[f"{name}.lora_{part}.weight"].to(matrix) for part in "AB")
            return matrix + amount * ALPHA / RANK * (up @ down)

        q, k, v = (
            moved(f"self_attn.{name}", matrix)
            for name, matrix in zip(PROJECTIONS, one.query_key_value, strict=False)
        )
        return replace(
            one,
            query_key_value=(q, k, v),
            out=moved("self_attn.out_proj", one.out),
            cross_query=moved("encoder_attn.q_proj", one.cross_query),
            cross_key=moved("encoder_attn.k_proj", one.cross_key),
            cross_value=moved("encoder_attn.v_proj", one.cross_value),
            cross_out=moved("encoder_attn.out_proj", one.cross_out),
        )

    blocks = tuple(block(number, one) for number, one in enumerate(weights.blocks))
    return replace(weights, blocks=blocks)


def trained(workshop: Workshop, source: str) -> dict[str, tuple[Adapter, Mapping[str, object]]]:
    """Each concept's adapter and what it cost: its `Lesson`'s entries."""
    need("rivals")
    if not isinstance(workshop.model, TransformersModel):
        raise BadInput("adapters are of transformers' decoders: use --backend transformers")
    examples = read_examples(workshop, source)
    parts = {name: of_concept(examples, name, source) for name in examples.concepts}
    student = Student(workshop.model)
    found: dict[str, tuple[Adapter, Mapping[str, object]]] = {}
    for done, (name, (train, validation)) in enumerate(parts.items()):
        workshop.told(f"training adapters of {source}", done, len(parts))
        folder = workshop.store / "adapters" / key_of(_facts(workshop, source, name))
        try:
            facts, adapter = KEPT.read(folder)
        except BadInput:
            learned, lesson = student.learn(train, validation)
            KEPT.write(folder, _facts(workshop, source, name) | asdict(lesson), learned)
            facts, adapter = KEPT.read(folder)
        found[name] = (adapter, facts)
    return found


def of_concept(examples: Examples, concept: str, source: str) -> tuple[Windows, Windows]:
    """Windows that have a concept for at least half of their time; all their other seconds have none.

    Raises:
        BadInput: there are none to learn from, or none to judge by.
    """
    number, found = examples.concepts.index(concept), []
    for windows in (examples.train, examples.validation):
        has = windows.places == number
        rows = torch.nonzero(has.float().mean(1) >= 0.5).flatten().tolist()
        if not rows:
            raise BadInput(f"no clip of {source} has {concept} for long: build more clips")
        only = torch.where(has, number, -1)
        found.append(replace(windows, places=only).rows(rows))
    return found[0], some(found[1], HELD_OUT)


class Student:
    """A copy of a model whose decoder has adapters: all else of it is the model's own.

    Args:
        model: is left alone.
    """

    def __init__(self, model: TransformersModel) -> None:
        from peft import LoraConfig, inject_adapter_in_model

        shared = (model.model.audio_encoder, model.model.text_encoder, model.tokenizer)
        self.model = deepcopy(model, {id(part): part for part in shared})
        self.decoder = self.model.model.decoder
        config = LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=list(PROJECTIONS))
        with torch.random.fork_rng():
            torch.manual_seed(0)
            inject_adapter_in_model(config, self.decoder)
        self.matrices = [one for name, one in self.decoder.named_parameters() if "lora_" in name]
        self.begun = [one.detach().clone() for one in self.matrices]

    def learn(
        self, train: Windows, validation: Windows, course: Course = COURSE
    ) -> tuple[Adapter, Lesson]:
        """An adapter that makes these windows likelier; each begins as the first did, with none."""
        from peft import get_peft_model_state_dict

        with torch.no_grad():
            for one, value in zip(self.matrices, self.begun, strict=True):
                one.copy_(value)

        def loss(windows: Windows, share: float = 0.0) -> Tensor:
            return loss_of(self.model, windows, worded(self.model, windows.prompts))

        batches = train.batches(course.batch, torch.Generator().manual_seed(0))
        lesson = learn(self.matrices, batches, loss, judged(validation, loss), course)
        adapter = get_peft_model_state_dict(self.decoder)
        return {name: one.detach().clone() for name, one in adapter.items()}, lesson

    def with_adapter(self, adapter: Adapter) -> TransformersModel:
        """The copy, playing an adapter in full until it is given another or learns."""
        from peft import set_peft_model_state_dict

        set_peft_model_state_dict(self.decoder, dict(adapter))
        return self.model


def _facts(workshop: Workshop, source: str, concept: str) -> dict[str, object]:
    """All that makes an adapter what it is."""
    _, store = workshop.table(source)
    known = ("model", "revision", "dataset", "dataset_fingerprint")
    return {
        **{name: store.facts[name] for name in known},
        "family": source,
        "concept": concept,
        "rank": RANK,
        "alpha": ALPHA,
        "course": asdict(COURSE),
    }


rival = Rival("lora", "adapted weights (LoRA)", (0.25, 0.5, 1.0), prepare, learns=True)
