"""A tiny random MusicGen: reading, steering and generating, offline and in seconds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from curation.errors import BadInput
from sketch.language.delay import undelayed
from steering.activations.hooks import changing, reading
from steering.activations.reader import read_activations, typical_norms
from steering.activations.store import Writer, find
from steering.decoding.clip import Clip
from steering.decoding.reference import generate
from steering.decoding.sampling import Sampling, choose, draw_ahead, guided
from steering.directions.direction import Direction
from steering.interventions.intervention import Intervention
from steering.interventions.layers import LayerWeights
from steering.interventions.plan import compile_plan, empty_plan
from steering.interventions.schedules import Schedule
from steering.models.origin import Origin
from steering.models.transformers_backend import TransformersModel
from tests.toy import ENTRIES, MODEL_LAYERS, SIZE

GREEDY = Sampling(temperature=0.0)


def direction(model: TransformersModel, seed: int = 0) -> Direction:
    vectors = torch.randn(MODEL_LAYERS, SIZE, generator=torch.Generator().manual_seed(seed))
    return Direction("C", vectors, torch.ones(MODEL_LAYERS), model.origin).unit()


def plan(model: TransformersModel, coefficient: float, seconds: float = 1.0, **options):
    one = Intervention(
        replace(direction(model), norms=torch.full((MODEL_LAYERS,), 10.0)),
        coefficient,
        layers=LayerWeights("all"),
        **options,
    )
    return compile_plan([one], seconds)


def test_delay_and_back_gives_the_codes_again(model):
    codes = torch.randint(ENTRIES, (2, 4, 9))
    columns = model.delayed(codes)
    assert columns.shape == (2, 4, 13)
    assert (columns[:, :, 0] == ENTRIES).all()
    assert torch.equal(columns[:, 2, 3:12], codes[:, 2])
    assert torch.equal(undelayed(columns), codes)


def test_step_by_step_gives_the_logits_of_one_pass(model):
    columns = model.delayed(torch.randint(ENTRIES, (2, 4, 6)))
    condition = model.condition(["calm jazz", ""])
    whole = model.logits(columns, condition)
    decoding = model.start(condition)
    for step in range(columns.shape[-1]):
        logits = decoding.step(columns[..., step])
        assert torch.allclose(logits, whole[:, :, step], atol=1e-4)


def test_greedy_generation_is_that_of_transformers(model):
    words = model.tokenizer(["calm jazz", "sad violin tune"], padding=True, return_tensors="pt")
    theirs = model.model.generate(
        **words, do_sample=False, guidance_scale=3.0, max_new_tokens=20 + 3,
        pad_token_id=ENTRIES, bos_token_id=ENTRIES, decoder_start_token_id=ENTRIES,
    )  # fmt: skip
    ours = generate(model, [Clip("calm jazz"), Clip("sad violin tune")], 0.4, GREEDY)
    assert torch.allclose(model.decode(ours), theirs[:, 0], atol=1e-5)


def test_an_empty_plan_and_a_zero_coefficient_change_no_bit(model):
    bare = generate(model, [Clip("jazz", seed=4)], 0.4)
    for nothing in (empty_plan(MODEL_LAYERS, SIZE), plan(model, 0.0)):
        assert torch.equal(generate(model, [Clip("jazz", 4, nothing)], 0.4), bare)


def test_steering_changes_the_clip_and_only_while_its_schedule_says_so(model):
    late = plan(model, 2.0, schedule=Schedule("constant", {"start": 0.5}))
    bare, steered = generate(model, [Clip("jazz", 4), Clip("jazz", 4, late)], 1.0)
    assert torch.equal(bare[0, :25], steered[0, :25])
    assert not torch.equal(bare[:, 28:], steered[:, 28:])


def test_every_row_equals_the_row_alone(model):
    clips = [
        Clip("calm jazz", 1, plan(model, 1.0)),
        Clip("sad violin tune in A minor", 2),
        Clip("", 3, plan(model, -2.0)),
    ]
    together = generate(model, clips, 0.5)
    for row, clip in enumerate(clips):
        assert torch.equal(together[row], generate(model, [clip], 0.5)[0])


def test_a_seed_plays_the_same_and_another_does_not(model):
    one, two, three = (generate(model, [Clip("jazz", seed)], 0.4) for seed in (1, 1, 2))
    assert torch.equal(one, two) and not torch.equal(one, three)


def test_steering_one_row_of_guidance_is_not_steering_both(model):
    made = {
        rows: generate(model, [Clip("jazz", 1, plan(model, 1.0, rows=rows))], 0.4)
        for rows in ("both", "conditional", "unconditional")
    }
    assert not torch.equal(made["both"], made["conditional"])
    assert not torch.equal(made["conditional"], made["unconditional"])


def test_no_hook_is_left_behind_whatever_happens(model):
    def fail(layer: int, stream: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"), changing(model, fail):
        model.run(model.delayed(torch.zeros(1, 4, 3, dtype=torch.long)), model.condition(["jazz"]))
    assert not any(block._forward_hooks for block in model.blocks)


def test_what_is_added_at_a_layer_is_what_is_read_there(model):
    vector = direction(model).vectors[1]
    columns, condition = model.delayed(torch.randint(ENTRIES, (1, 4, 5))), model.condition(["jazz"])
    seen: dict[str, list[torch.Tensor]] = {"bare": [], "steered": []}
    with reading(model, lambda _, stream: seen["bare"].append(stream)):
        model.run(columns, condition)
    steer = lambda layer, stream: stream + 3 * vector if layer == 1 else stream  # noqa: E731
    with changing(model, steer), reading(model, lambda _, stream: seen["steered"].append(stream)):
        model.run(columns, condition)
    assert torch.equal(seen["bare"][0], seen["steered"][0])
    assert torch.allclose(seen["steered"][1] - seen["bare"][1], 3 * vector, atol=1e-5)
    assert not torch.allclose(seen["steered"][2], seen["bare"][2], atol=0.1)


def test_activations_of_a_batch_are_those_of_each_clip(model):
    codes = torch.randint(ENTRIES, (3, 4, 110))
    together = read_activations(model, codes)
    assert together.shape == (3, 1, MODEL_LAYERS, SIZE)
    alone = torch.cat([read_activations(model, clip[None]) for clip in codes])
    assert torch.allclose(together, alone, atol=1e-5)


def test_poolings_agree_where_they_must(model):
    codes = torch.randint(ENTRIES, (2, 4, 100))
    mean, last, second = (read_activations(model, codes, p) for p in ("mean", "last", "second"))
    assert second.shape == (2, 2, MODEL_LAYERS, SIZE) and last.shape == mean.shape
    assert torch.allclose(second.mean(1), mean[:, 0], atol=1e-4)
    assert typical_norms(mean[:, 0]).shape == (MODEL_LAYERS,)


def test_guidance_of_one_is_the_conditional_row(model):
    logits = torch.randn(4, 3, 5)
    assert torch.allclose(guided(logits, 1.0), logits[:2], atol=1e-6)
    assert torch.allclose(guided(logits, 3.0), logits[2:] + 3 * (logits[:2] - logits[2:]))


def test_codes_are_drawn_as_often_as_their_probability_says():
    logits = torch.tensor([1.0, 0.0, -1.0, 2.0]).expand(1, 1, 4)
    generator = torch.Generator().manual_seed(0)
    for sampling, expected in (
        (Sampling(top_k=0), logits[0, 0].softmax(-1)),
        (Sampling(top_k=2), torch.tensor([0.269, 0, 0, 0.731])),
        (Sampling(top_k=0, top_p=0.6), torch.tensor([0.0, 0, 0, 1])),
        (Sampling(top_k=0, temperature=0.5), (2 * logits[0, 0]).softmax(-1)),
    ):
        noise = draw_ahead([generator] * 4000, 1, 4, 1)[0]
        drawn = choose(logits.expand(4000, 1, 4), sampling, noise)
        counts = torch.bincount(drawn.flatten(), minlength=4) / 4000
        assert torch.allclose(counts, expected, atol=0.03)


@pytest.mark.parametrize(
    "options", [{"temperature": -1}, {"guidance": 0.5}, {"top_k": -1}, {"top_p": 0}]
)
def test_sampling_that_makes_no_sense_is_refused(options):
    with pytest.raises(BadInput, match="sampling"):
        Sampling(**options)


def test_bad_requests_are_refused_before_anything_is_generated(model):
    with pytest.raises(BadInput, match="give at least one"):
        generate(model, [], 1.0)
    with pytest.raises(BadInput, match="cannot be played"):
        generate(model, [Clip("jazz")], 0.0)
    foreign = Direction("C", torch.ones(2, 8), torch.ones(2), Origin("other", "x", 2, 8))
    stolen = compile_plan([Intervention(foreign, 1.0, "raw")], 1.0)
    with pytest.raises(BadInput, match="made for other"):
        generate(model, [Clip("jazz", 0, stolen)], 1.0)


FACTS = {"model": "toy", "dataset": "d", "pooling": "mean"}


def test_a_store_that_was_killed_goes_on_without_loss(tmp_path):
    rng = np.random.default_rng(0)
    values = rng.standard_normal((10, 1, 2, 4)).astype(np.float16)
    labels = [{"clip_id": str(n), "note": "C"} for n in range(10)]
    writer = Writer(tmp_path, FACTS, 10)
    writer.append(values[:4], labels[:4])
    with (writer.home / "activations.f16").open("ab") as file:
        file.write(values[4:7].tobytes()[:-3])
    with (writer.home / "labels.jsonl").open("a") as file:
        file.write('{"clip_id": "4", "no')
    again = Writer(tmp_path, FACTS, 10)
    assert again.done == 4 and find(tmp_path, FACTS) is None
    again.append(values[4:], labels[4:])
    store = again.finish()
    assert np.array_equal(store.values, values)
    assert store.column("clip_id").tolist() == [str(n) for n in range(10)]
    assert find(tmp_path, {**FACTS, "pooling": "last"}) is None


def test_a_store_says_what_is_wrong(tmp_path):
    writer = Writer(tmp_path, FACTS, 1)
    with pytest.raises(BadInput, match="not finite"):
        writer.append(np.full((1, 1, 2, 4), np.nan, np.float32), [{"clip_id": "a"}])
    writer.append(np.zeros((1, 1, 2, 4), np.float32), [{"clip_id": "a"}])
    store = writer.finish()
    with pytest.raises(BadInput, match="no label 'note': it has clip_id"):
        store.column("note")
    (writer.home / "activations.f16").write_bytes(b"")
    with pytest.raises(BadInput, match="damaged"):
        find(tmp_path, FACTS)
