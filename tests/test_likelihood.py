"""What is learned by gradient on a tiny random MusicGen, whose weights stay as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from curation.errors import BadInput
from steering.decoding.clip import Clip
from steering.decoding.decoder import Decoder
from steering.decoding.sampling import Sampling
from steering.directions.direction import Direction
from steering.finders import reft_r1, supervised_vector
from steering.interventions.intervention import Intervention
from steering.interventions.layers import LayerWeights
from steering.interventions.plan import compile_plan
from steering.rivals import Wanted, lora
from steering.training import likelihood
from steering.training.likelihood import Course, Windows, cut, loss_of, worded
from tests.toy import MODEL_LAYERS, SIZE

CLIPS, SECONDS, RATE, PUSH = 24, 2, 50, 0.3
NORMS = torch.full((MODEL_LAYERS,), 12.0)
QUICK = Course(steps=40, rate=0.05, batch=8, every=10)
PLAIN = Sampling(temperature=1.0, top_k=0, guidance=1.0)


@pytest.fixture(scope="module")
def planted(model) -> tuple[Windows, Windows, torch.Tensor]:
    """Clips that the toy played under one of two opposite pushes, a concept each; and the first push."""
    drawn = torch.randn(MODEL_LAYERS, SIZE, generator=torch.Generator().manual_seed(5))
    scores = torch.ones(MODEL_LAYERS)
    one = replace(Direction("up", drawn, scores, model.origin).unit(), norms=NORMS)
    clips = []
    for number in range(2 * CLIPS):
        push = Intervention(one, PUSH if number % 2 else -PUSH, layers=LayerWeights("all"))
        clips.append(Clip("", number, compile_plan([push], SECONDS)))
    codes = Decoder(model).generate(clips, SECONDS, PLAIN).to(torch.int16)
    places = torch.arange(2 * CLIPS).remainder(2)[:, None].expand(-1, SECONDS).contiguous()
    windows = Windows(codes, places, [""] * len(codes), RATE)
    return windows.rows(range(32)), windows.rows(range(32, 48)), one.vectors


@pytest.fixture
def untouched(model) -> Iterator[None]:
    """Whatever the test does, no weight moves by a bit or has a gradient, and no hook stays."""
    before = {name: one.detach().clone() for name, one in model.model.named_parameters()}
    yield
    after = dict(model.model.named_parameters())
    assert after.keys() == before.keys()
    assert all(torch.equal(one, before[name]) and one.grad is None for name, one in after.items())
    assert not any(block._forward_hooks for block in model.blocks)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_a_supervised_vector_points_where_the_clips_were_pushed(
    model, planted, untouched, monkeypatch
):
    monkeypatch.setattr(supervised_vector, "STRENGTH", PUSH)
    train, validation, pushed = planted
    vectors, lesson = supervised_vector.learned_vectors(
        model, train, validation, NORMS, 2, seeded(), QUICK
    )
    assert torch.cosine_similarity(vectors[1], pushed, dim=-1).min() > 0.6
    assert torch.allclose(vectors[0], -vectors[1], atol=1e-5)
    assert lesson.after < lesson.before - 0.05
    dealt = train.shuffled(seeded())
    nothing, lost = supervised_vector.learned_vectors(
        model, dealt, validation, NORMS, 2, seeded(), QUICK
    )
    assert torch.cosine_similarity(nothing[1], pushed, dim=-1).mean() < 0.3
    assert lost.after > lesson.after + 0.05


def test_what_hears_and_plays_finds_the_planted_push(model, planted, untouched):
    train, validation, pushed = planted
    about = reft_r1.left_alone(model, train).mean((0, 1)), NORMS
    vectors, lesson = reft_r1.learned_vectors(model, train, validation, about, 2, seeded(), QUICK)
    cosines = torch.cosine_similarity(vectors[1], pushed, dim=-1)
    assert cosines.mean() > 0.25 and cosines.min() > 0.1
    assert lesson.after < lesson.before - 0.05


def test_what_is_heard_elsewhere_is_all_but_the_loudest_frames_of_the_concept():
    streams = torch.zeros(1, 40, 1, 2)
    streams[0, :, 0, 0] = torch.arange(40.0)
    steps = torch.zeros(1, 40, 2)
    steps[0, :20, 0] = steps[0, 20:, 1] = 1
    amounts, elsewhere = reft_r1.heard(streams, steps, torch.tensor([[[1.0, 0]], [[0, 1.0]]]))
    assert amounts[0, 0].tolist() == [sum(range(4, 20)) / 16, 0]
    assert float(elsewhere) == pytest.approx((sum(range(40)) - sum(range(4, 20))) / 40)


@pytest.fixture(scope="module")
def adapter(model, planted) -> tuple[lora.Adapter, likelihood.Lesson]:
    """What makes the second concept's clips likelier."""
    train, validation, _ = planted
    examples = likelihood.Examples(train, validation, ("down", "up"))
    course = Course(steps=24, rate=0.02, batch=8, every=6)
    return lora.Student(model).learn(*lora.of_concept(examples, "up", "toys"), course)


def wants(*concepts: str) -> list[Wanted]:
    return [Wanted("calm jazz", "calm jazz", name, seed) for seed, name in enumerate(concepts)]


def test_an_adapter_makes_its_clips_likelier(model, planted, adapter, untouched):
    _, validation, _ = planted
    learned, lesson = adapter
    assert lesson.after < lesson.before - 0.02
    up = validation.rows(range(1, 16, 2))
    student, nothing = lora.Student(model), {name: 0 * one for name, one in learned.items()}
    likely = [
        loss_of(student.with_adapter(one), up, worded(model, up.prompts)).item()
        for one in (nothing, learned)
    ]
    assert likely[1] < likely[0] - 0.02


def test_none_of_an_adapter_plays_the_twins_codes_and_more_of_it_others(model, adapter, untouched):
    wanted = wants("up", "other", "up")
    twins = Decoder(model).generate([Clip("calm jazz", seed) for seed in range(3)], 0.6)
    others = {name: -one for name, one in adapter[0].items()}
    adapters = {"up": adapter[0], "other": others}
    assert torch.equal(lora.play(model, adapters, wanted, 0.6, amount=0.0), twins)
    played = lora.play(model, adapters, wanted, 0.6, amount=2.0)
    assert not any(torch.equal(*pair) for pair in zip(played, twins, strict=True))
    assert torch.equal(played[2], lora.play(model, adapters, wanted[2:], 0.6, amount=2.0)[0])


def test_a_clip_that_cannot_be_played_leaves_the_weights_alone(
    model, adapter, untouched, monkeypatch
):
    def fail(*_: object) -> None:
        raise RuntimeError("on purpose")

    with pytest.raises(BadInput, match="no adapter for 'H': choose one of up"):
        lora.play(model, {"up": adapter[0]}, wants("H"), 0.4)
    monkeypatch.setattr(Decoder, "generate", fail)
    with pytest.raises(RuntimeError, match="on purpose"):
        lora.play(model, {"up": adapter[0]}, wants("up"), 0.4)


def test_learning_that_breaks_leaves_the_weights_alone(model, planted, untouched, monkeypatch):
    train, validation, _ = planted
    monkeypatch.setattr(model, "through_heads", lambda states: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        supervised_vector.learned_vectors(model, train, validation, NORMS, 2, seeded(), QUICK)


def test_the_likelihood_is_that_of_the_logits_and_of_seconds_with_a_concept(model, planted):
    windows = planted[0].rows([0, 1])
    windows = replace(windows, places=torch.tensor([[0, -1], [-1, 1]]))
    silent = worded(model, [""]).repeated(2)
    codes = windows.codes.long()
    logits = model.logits(model.delayed(codes), silent)
    wanted = [
        -logits[row, book, book + frame].log_softmax(-1)[codes[row, book, frame]]
        for row, frames in enumerate((range(RATE), range(RATE, 2 * RATE)))
        for frame in frames
        for book in range(codes.shape[1])
    ]
    found = loss_of(model, windows, silent).item()
    assert found == pytest.approx(float(torch.stack(wanted).mean()), rel=0.01)


def test_a_step_belongs_to_the_second_whose_first_code_it_gives():
    places = torch.tensor([[1, -1, 0]])
    steps = Windows(torch.zeros(1, 4, 6, dtype=torch.int16), places, [""], 2).steps(2)
    assert steps[0].tolist() == [[0, 1]] * 2 + [[0, 0]] * 2 + [[1, 0]] * 5


def test_windows_are_cut_end_to_end_and_those_without_a_concept_left_out():
    codes = torch.arange(12, dtype=torch.int16)[None, None]
    places = torch.tensor([[2, -1, -1, -1, -1, 1]])
    parts = cut(Windows(codes, places, ["calm"], 2), seconds=2)
    assert parts.codes[:, 0].tolist() == [[0, 1, 2, 3], [8, 9, 10, 11]]
    assert parts.places.tolist() == [[2, -1], [-1, 1]]
    assert cut(Windows(codes, places, ["calm"], 2), seconds=30).places.tolist() == places.tolist()


def test_dealing_concepts_out_anew_keeps_how_many_there_are_and_where_none_is():
    places = torch.arange(40).remainder(5).view(8, 5) - 1
    windows = Windows(torch.zeros(8, 1, 10, dtype=torch.int16), places, [""] * 8, 2)
    dealt = windows.shuffled(seeded()).places
    assert torch.equal(dealt == -1, places == -1)
    assert dealt.flatten().sort().values.tolist() == places.flatten().sort().values.tolist()
    assert not torch.equal(dealt, places)


def test_a_concept_without_clips_is_refused(planted):
    train, validation, _ = planted
    examples = likelihood.Examples(train, validation, ("down", "up", "H"))
    with pytest.raises(BadInput, match="no clip of toys has H for long: build more clips"):
        lora.of_concept(examples, "H", "toys")
