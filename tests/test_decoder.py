"""The fused decoder against the library's own with hooks: the same logits, the same music."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Barrier, Thread

import pytest
import torch
from transformers import MusicgenDecoderConfig, MusicgenForCausalLM

from curation.errors import BadInput
from steering.decoding import decoder as decoder_module
from steering.decoding.clip import Clip
from steering.decoding.cuda_graph import StaticStep
from steering.decoding.decoder import Decoder
from steering.decoding.generation import Generation, eager_step
from steering.decoding.matmul import kernel
from steering.decoding.memory import check_fit
from steering.decoding.reference import generate
from steering.decoding.sampling import Sampling
from steering.directions.direction import Direction
from steering.interventions.gate import Gate
from steering.interventions.intervention import Intervention
from steering.interventions.layers import LayerWeights
from steering.interventions.operators import OPERATORS
from steering.interventions.plan import Move, compile_plan, empty_plan
from steering.interventions.schedules import Schedule
from steering.models.origin import Origin
from steering.models.transformers_backend import TransformersModel
from tests.test_steering_toy import GREEDY
from tests.toy import ENTRIES

SHAPES = {
    "three blocks": {},
    "deep and narrow": {"hidden_size": 24, "num_attention_heads": 2, "num_hidden_layers": 5},
    "two codebooks": {"num_codebooks": 2, "vocab_size": 50, "ffn_dim": 40},
    "relu": {"activation_function": "relu", "num_attention_heads": 8},
}


def reshaped(model: TransformersModel, seed: int = 1, **shape) -> TransformersModel:
    """The toy with another random decoder in it."""
    torch.manual_seed(seed)
    entries = shape.get("vocab_size", ENTRIES)
    base = {
        "vocab_size": entries, "num_hidden_layers": 3, "hidden_size": 32, "num_attention_heads": 4,
        "ffn_dim": 64, "pad_token_id": entries, "bos_token_id": entries,
    }  # fmt: skip
    decoder = MusicgenForCausalLM(MusicgenDecoderConfig(**(base | shape)))
    for weight in decoder.parameters():
        torch.nn.init.normal_(weight, mean=float(weight.ndim == 1), std=0.3)
    decoder.eval()
    theirs = model.model
    whole = type(theirs)(
        text_encoder=theirs.text_encoder, audio_encoder=theirs.audio_encoder, decoder=decoder
    )
    whole.set_attn_implementation("sdpa")
    return TransformersModel("toy", whole, model.tokenizer)


@pytest.fixture(scope="module", params=SHAPES)
def shaped(request, model) -> TransformersModel:
    return reshaped(model, **SHAPES[request.param])


def steer(model, coefficient=1.0, seed=0, name="C", **options) -> Intervention:
    layers, size = model.origin.layers, model.origin.size
    vectors = torch.randn(layers, size, generator=torch.Generator().manual_seed(seed))
    scores = torch.linspace(0.5, 1, layers)
    one = Direction(name, vectors, scores, model.origin).unit()
    calibration = torch.tensor([[0.3, 0.5]] * layers)
    one = replace(one, norms=torch.full((layers,), 5.0), source="bank", calibration=calibration)
    return Intervention(one, coefficient, **options)


def plan(model, *interventions, seconds=0.6):
    return compile_plan(interventions or (steer(model),), seconds)


def in_two_threads(play: Callable[[int], None]) -> None:
    """``play(0)`` and ``play(1)``, begun at the same time."""
    together = Barrier(2)

    def begin(place: int) -> None:
        together.wait(30)
        play(place)

    threads = [Thread(target=begin, args=(place,)) for place in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def logits_along(run: Generation, columns: torch.Tensor) -> torch.Tensor:
    """Logits ``[B, K, E]`` of every step, the columns ``[B, K, S]`` being given."""
    made = []
    fused = run.fused
    with torch.inference_mode():
        for step in range(columns.shape[-1]):
            x = fused.embed(columns[..., step], run.positions[step])
            applied = run.injections.at(step)
            where = (step, step + 1, None)
            states = fused.step(
                x, run.cache, run.prompts, *where, applied, run.injections.followers
            )
            made.append(fused.logits(states, 1.0))
    return torch.stack(made, dim=2)


def test_logits_are_those_of_one_pass(shaped):
    prompts = ["calm jazz", "sad violin tune in A minor", ""]
    codes = torch.randint(shaped.vocabulary, (3, shaped.codebooks, 12))
    columns = shaped.delayed(codes)
    whole = shaped.logits(columns, shaped.condition(prompts))
    run = Decoder(shaped).start([Clip(one) for one in prompts], 0.5, Sampling(guidance=1.0))
    made = logits_along(run, columns)
    assert torch.allclose(made, whole, atol=1e-4 * float(whole.abs().max()))


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16], ids=str)
def test_logits_are_those_of_float32_as_far_as_the_precision_goes(model, precision):
    """In bfloat16 no compiled loops are used; both decoders round, and pushes are as large."""
    placed, exact = reshaped(model), reshaped(model)
    placed.model.decoder.to(precision)
    columns = placed.delayed(torch.randint(placed.vocabulary, (2, placed.codebooks, 12)))
    prompts = ["calm jazz", "sad violin tune in A minor"]
    size = 1e-4 if precision is torch.float32 else 0.05  # bfloat16 keeps 8 bits

    def off(made: torch.Tensor, true: torch.Tensor) -> float:
        return float((made.float() - true).norm() / true.norm())

    def pushed(one: TransformersModel, coefficient: float) -> torch.Tensor:
        clips = [Clip(text, 1, plan(one, steer(one, coefficient))) for text in prompts]
        run = Decoder(one).start(clips, 0.5, Sampling(guidance=1.0))
        return logits_along(run, columns)

    still = exact.logits(columns, exact.condition(prompts))
    assert off(placed.logits(columns, placed.condition(prompts)), still) < size
    assert off(pushed(placed, 0.0), still) < size
    true = pushed(exact, 3.0)
    assert off(pushed(placed, 3.0), true) < size < off(still, true)


def test_codes_are_those_of_the_hooks(shaped):
    both = plan(shaped, steer(shaped, 0.4), steer(shaped, -0.3, seed=1))
    clips = [Clip("calm jazz", 1, both), Clip("sad violin tune in A minor", 2), Clip("", 3)]
    for sampling in (GREEDY, Sampling(), Sampling(guidance=1.0), Sampling(top_k=0, top_p=0.8)):
        theirs = generate(shaped, clips, 0.6, sampling)
        assert torch.equal(Decoder(shaped).generate(clips, 0.6, sampling), theirs)


WAYS = {
    **{name: {"operator": name} for name in OPERATORS},
    "conditional rows": {"rows": "conditional"},
    "unconditional rows": {"rows": "unconditional"},
    "a gate": {"gate": Gate(0.5, per_layer=True, seed=3)},
    "a schedule": {"schedule": Schedule("pulse", {"period": 0.2, "width": 0.1})},
    "some layers": {"layers": LayerWeights("only", {"layers": [1]})},
    "published lengths": {"unit": "raw"},
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_steering_is_that_of_the_hooks(model, way):
    one = steer(model, 0.7, **WAYS[way])
    several = plan(
        model, steer(model, 0.3, seed=1), one, steer(model, 0.5, seed=2, operator="ablate"),
        steer(model, -0.2, seed=3),
    )  # fmt: skip
    clips = [Clip("calm jazz", 1, plan(model, one)), Clip("jazz", 2), Clip("jazz", 2, several)]
    fused = Decoder(model).generate(clips, 0.6)
    assert torch.equal(fused, generate(model, clips, 0.6))
    bare = Decoder(model).generate([Clip("calm jazz", 1)], 0.6)
    assert not torch.equal(fused[:1], bare)


def test_a_zero_coefficient_and_an_empty_plan_change_no_bit(model):
    decoder = Decoder(model)
    nothing = [steer(model, 0.0, seed=n, operator=name) for n, name in enumerate(OPERATORS)]
    empty = empty_plan(model.origin.layers, model.origin.size)
    bare = decoder.start([Clip("jazz", 4)], 0.4)
    others = [decoder.start([Clip("jazz", 4, one)], 0.4) for one in (plan(model, *nothing), empty)]
    for run in (bare, *others):
        while run.step < run.steps:
            run.advance()
        assert torch.equal(run.cache.all, bare.cache.all)
        assert torch.equal(run.columns, bare.columns)


def test_clips_of_several_lengths_equal_each_alone(model):
    decoder = Decoder(model)
    clips = [
        Clip("calm jazz", 1, plan(model, steer(model, 0.5))),
        Clip("sad violin tune in A minor", 2),
        Clip("", 3, plan(model, steer(model, 0.5, operator="ablate"), seconds=0.9)),
    ]
    seconds = [0.6, 0.2, 0.9]
    together = decoder.generate(clips, seconds)
    assert together.shape == (3, 4, 45)
    for row, (clip, length) in enumerate(zip(clips, seconds, strict=True)):
        alone = decoder.generate([clip], length)[0]
        frames = alone.shape[-1]
        assert torch.equal(together[row, :, :frames], alone)
        assert (together[row, :, frames:] == model.blank).all()


def test_a_short_clip_is_the_beginning_of_a_longer_one(model):
    """All but the last frames of the later codebooks, which never see what would have followed."""
    decoder = Decoder(model)
    short, long = (decoder.generate([Clip("calm jazz", 5)], s)[0] for s in (0.4, 0.8))
    assert torch.equal(short[:, :-3], long[:, :17])
    assert torch.equal(short[0], long[0, :20])


def test_past_its_window_a_clip_goes_on_from_its_last_columns(model):
    """Each code after a slide is the likeliest after one pass over the window as it then is."""
    decoder = Decoder(model, window_seconds=0.3)
    window, stride = decoder.window.length, decoder.window.stride
    run = decoder.start([Clip("calm jazz", 5)], 0.9, Sampling(guidance=1.0, temperature=0))
    slides = 0
    while run.step < run.steps:
        slides += run.step - run.base == window
        run.advance()
        step, base = run.step - 1, run.base
        seen = run.columns[..., base : step + 1].clone()
        for k in range(4):
            seen[:, k, : k + 1] = model.blank
        logits = model.logits(seen, model.condition(["calm jazz"]))[:, :, -1]
        expected = torch.where(run.known[..., step], logits.argmax(-1), model.blank)
        if base:
            assert torch.equal(run.columns[..., step + 1], expected)
    assert slides == 3 and run.base == 3 * stride
    longer = Decoder(model).generate([Clip("calm jazz", 5)], 0.9, Sampling(guidance=1.0))
    within = decoder.generate([Clip("calm jazz", 5)], 0.9, Sampling(guidance=1.0))
    assert torch.equal(within[..., : window - 4], longer[..., : window - 4])


def test_a_slide_reads_the_window_as_it_was_steered(model):
    """One pass over the kept columns fills the cache as single steps with the same pushes do."""
    decoder = Decoder(model, window_seconds=0.3)
    one = plan(
        model, steer(model, 0.5, schedule=Schedule("linear_rise")),
        steer(model, 0.4, seed=1, operator="add_keeping_norm"), seconds=0.9,
    ).moved(Move(9, 0, 2.0))  # fmt: skip
    run = decoder.start([Clip("calm jazz", 5, one)], 0.9, GREEDY)
    while run.step < decoder.window.length:
        run.advance()
    stride, count = decoder.window.stride, decoder.window.length - decoder.window.stride
    with torch.inference_mode():
        run._slide()
    filled = run.cache.all[:, :, :, :, :count].clone()
    columns = run.columns[..., stride : stride + count].clone()
    for k in range(4):
        columns[:, k, : k + 1] = model.blank
    with torch.inference_mode():
        for place in range(count):
            x = run.fused.embed(columns[..., place], run.positions[place]).repeat(2, 1)
            applied = run.injections.at(stride + place)
            where = (place, place + 1, None)
            run.fused.step(x, run.cache, run.prompts, *where, applied, run.injections.followers)
    assert torch.allclose(run.cache.all[:, :, :, :, :count], filled, atol=1e-4)


def test_two_threads_on_one_model_with_hooks_do_not_hear_each_other(model):
    clips = [Clip("jazz", 4, plan(model, steer(model, 2.0))), Clip("jazz", 4)]
    expected = [generate(model, [clip], 0.6) for clip in clips]
    made: dict[int, list[torch.Tensor]] = {0: [], 1: []}

    def play(place: int) -> None:
        for _ in range(3):
            made[place].append(generate(model, [clips[place]], 0.6))

    in_two_threads(play)
    for place in (0, 1):
        assert len(made[place]) == 3
        assert all(torch.equal(one, expected[place]) for one in made[place])
    assert not torch.equal(*expected)


def test_a_step_by_tensors_alone_is_the_step_by_numbers(model):
    """What is captured on a GPU: positions on the device, a fixed view of the cache and a mask."""
    clips = [
        Clip("calm jazz", 1, plan(model, steer(model, 0.5), steer(model, 0.3, operator="ablate"))),
        Clip("sad violin tune", 2),
    ]
    decoder = Decoder(model)
    expected = decoder.generate(clips, 0.6)
    run = decoder.start(clips, 0.6)
    run.make_step = StaticStep(run, reach=8)
    while run.step < run.steps:
        run.advance()
    assert torch.equal(run.codes(0, run.frames), expected)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="CUDA graphs need a GPU")
def test_captured_steps_are_the_steps_on_a_gpu(model):
    placed = reshaped(model)
    placed.model.to("cuda")
    clips = [Clip("calm jazz", 1, plan(placed, steer(placed, 0.5))), Clip("jazz", 2)]
    decoder = Decoder(placed)
    captured = decoder.start(clips, 0.6)
    called = decoder.start(clips, 0.6)
    called.make_step = eager_step
    for run in (captured, called):
        while run.step < run.steps:
            run.advance()
    assert isinstance(captured.make_step, StaticStep)
    assert torch.equal(captured.columns, called.columns)


@pytest.mark.skipif(kernel() is None, reason="torch rounds a row by what stands beside it")
def test_a_row_of_a_batch_is_the_row_alone_bit_for_bit(shaped):
    decoder = Decoder(shaped)
    push = plan(shaped, steer(shaped, 0.5))
    turn = plan(shaped, steer(shaped, 0.4, operator="ablate"))
    clips = [
        Clip("calm jazz", 1, push), Clip("sad violin tune in A minor", 2), Clip("", 3, turn),
        Clip("jazz", 4), Clip("calm jazz", 5, push),
    ]  # fmt: skip
    together = played(decoder, clips)
    for row, clip in enumerate(clips):
        alone = played(decoder, [clip])
        assert torch.equal(together.columns[row], alone.columns[0])
        assert torch.equal(together.cache.all[:, :, row::5], alone.cache.all)


def played(decoder: Decoder, clips: list[Clip]) -> Generation:
    run = decoder.start(clips, 0.6)
    while run.step < run.steps:
        run.advance()
    return run


def test_without_numba_the_music_is_the_same(model, monkeypatch):
    clips = [Clip("calm jazz", 1, plan(model, steer(model, 0.5)))]
    expected = Decoder(model).generate(clips, 0.6)
    monkeypatch.setattr("steering.decoding.matmul.kernel", lambda: None)
    assert torch.equal(Decoder(model).generate(clips, 0.6), expected)


def test_bad_requests_are_refused_before_anything_is_generated(model, monkeypatch):
    decoder = Decoder(model)
    foreign = Direction("C", torch.ones(2, 8), torch.ones(2), Origin("other", "x", 2, 8))
    stolen = compile_plan([Intervention(foreign, 1.0, "raw")], 1.0)
    for clips, seconds, message in (
        ([], 1.0, "give at least one"),
        ([Clip("jazz")], 0.0, "cannot be played"),
        ([Clip("jazz")], float("nan"), "cannot be played"),
        ([Clip("jazz")], [1.0, 2.0], "2 lengths for 1 clips"),
        ([Clip("jazz", 0, stolen)], 1.0, "made for other"),
    ):
        with pytest.raises(BadInput, match=message):
            decoder.generate(clips, seconds)
    needed = decoder.bytes_per_clip(50, Sampling())
    monkeypatch.setattr(decoder_module, "available", lambda device: 3 * needed)
    decoder.start([Clip("jazz")] * 3, 1.0)
    with pytest.raises(BadInput, match=r"4 clips of 1 s need .* at most 3 fit"):
        decoder.start([Clip("jazz")] * 4, 1.0)


def test_what_fits_is_said():
    with pytest.raises(BadInput, match=r"need 8 GB beside the weights, 3 GB are free: at most 1"):
        check_fit(2_000_000_000, 4, 30.0, 3_000_000_000)
    with pytest.raises(BadInput, match="not even one fits"):
        check_fit(2_000_000_000, 1, 30.0, 1_000_000_000)


def test_memory_that_is_asked_for_is_what_the_cache_takes(model):
    decoder = Decoder(model)
    run = decoder.start([Clip("jazz")] * 2, 10.0)
    cache = run.cache.all.nbytes
    asked = 2 * decoder.bytes_per_clip(run.frames, Sampling())
    assert cache < asked < 1.6 * cache
