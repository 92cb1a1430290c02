"""transformers and audiocraft on the same weights: the same logits, the same steered codes."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
import torch

from curation.errors import BadInput
from steering.activations.patching import outputs
from steering.decoding.clip import Clip
from steering.decoding.decoder import Decoder
from steering.decoding.reference import generate
from steering.decoding.sampling import Sampling
from steering.interventions.intervention import Intervention
from steering.interventions.plan import compile_plan
from steering.models.audiocraft_backend import AudiocraftModel, load_audiocraft
from steering.models.convert import (
    audiocraft_decoder,
    save_for_audiocraft,
    to_audiocraft_names,
    to_transformers_names,
)
from steering.models.transformers_backend import TransformersModel
from tests.test_decoder import in_two_threads, logits_along
from tests.test_steering_toy import direction
from tests.toy import ENTRIES, MODEL_LAYERS

pytest.importorskip("audiocraft", reason="audiocraft is an extra: make test installs it")


class Codec:
    """Stands in for audiocraft's codec: the transformers one's, under its calls."""

    sample_rate, frame_rate, channels = 32_000, 50, 1

    def __init__(self, owner: TransformersModel) -> None:
        self.owner = owner

    def encode(self, audio: torch.Tensor) -> tuple[torch.Tensor, None]:
        return self.owner.encode(audio[:, 0]), None

    def decode(self, codes: torch.Tensor, scale: None) -> torch.Tensor:
        return self.owner.decode(codes)[:, None]


class Whole:
    max_duration = 30.0

    def __init__(self, owner: TransformersModel) -> None:
        self.lm = audiocraft_decoder(owner.model.decoder)
        self.compression_model = Codec(owner)


@pytest.fixture(scope="module")
def pair(model) -> tuple[TransformersModel, AudiocraftModel]:
    theirs = AudiocraftModel("toy", Whole(model))
    theirs.condition = model.condition
    return model, theirs


def test_names_go_there_and_back(model):
    state = model.model.decoder.state_dict()
    again = to_transformers_names(to_audiocraft_names(state))
    assert again.keys() == state.keys()
    assert all(torch.equal(again[name], weight) for name, weight in state.items())


def test_a_weight_of_another_model_is_named():
    with pytest.raises(BadInput, match="called encoder"):
        to_audiocraft_names({"encoder.block": torch.zeros(1)})


def test_both_libraries_give_the_same_logits(pair):
    ours = pair[0]
    columns = ours.delayed(torch.randint(ENTRIES, (2, 4, 8)))
    condition = ours.condition(["calm jazz", "sad rock"])
    a, b = (one.logits(columns, condition) for one in pair)
    assert torch.allclose(a, b, atol=1e-4 * float(a.abs().max()))


def test_both_libraries_give_the_same_at_every_site(pair):
    ours = pair[0]
    columns = ours.delayed(torch.randint(ENTRIES, (2, 4, 8)))
    condition = ours.condition(["calm jazz", "sad rock"])
    a, b = (outputs(one, columns, condition) for one in pair)
    assert a.keys() == b.keys() and len(a) == 4 * MODEL_LAYERS
    for place, given in a.items():
        assert torch.allclose(given, b[place], atol=1e-4 * float(given.abs().max())), place


def test_a_bank_for_one_library_fits_the_other(pair):
    assert pair[0].origin == pair[1].origin


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_both_libraries_play_the_same_steered_codes(pair, temperature):
    steer = Intervention(replace(direction(pair[0]), norms=torch.full((MODEL_LAYERS,), 10.0)), 1.0)
    clips = [Clip("calm jazz", 1, compile_plan([steer], 0.5)), Clip("calm jazz", 1)]
    a, b = (generate(one, clips, 0.5, Sampling(temperature=temperature)) for one in pair)
    assert torch.equal(a, b)
    assert not torch.equal(a[0], a[1])


@pytest.mark.parametrize("place", [0, 1])
def test_the_fused_decoder_plays_the_codes_of_either_library(pair, place):
    one = pair[place]
    condition = one.condition(["calm jazz"])
    columns = one.delayed(torch.randint(ENTRIES, (1, 4, 8)))
    run = Decoder(one).start([Clip("calm jazz")], 0.5, Sampling(guidance=1.0))
    made, expected = logits_along(run, columns), one.logits(columns, condition)
    assert torch.allclose(made, expected, atol=1e-4 * float(expected.abs().max()))
    steer = Intervention(replace(direction(one), norms=torch.full((MODEL_LAYERS,), 10.0)), 0.5)
    clips = [Clip("calm jazz", 1, compile_plan([steer], 0.5)), Clip("sad violin tune", 2)]
    assert torch.equal(Decoder(one).generate(clips, 0.5), generate(one, clips, 0.5))


def test_two_threads_on_one_audiocraft_model_do_not_hear_each_other(pair):
    theirs = pair[1]
    steer = Intervention(replace(direction(theirs), norms=torch.full((MODEL_LAYERS,), 10.0)), 1.0)
    clips = [Clip("calm jazz", 1, compile_plan([steer], 0.5)), Clip("calm jazz", 1)]
    expected = [generate(theirs, [clip], 0.5) for clip in clips]
    made: dict[int, torch.Tensor] = {}

    def play(place: int) -> None:
        made[place] = generate(theirs, [clips[place]], 0.5)

    in_two_threads(play)
    assert all(torch.equal(made[place], expected[place]) for place in (0, 1))


def test_audiocrafts_own_generation_is_ours(pair):
    ours, theirs = pair
    condition = ours.condition(["calm jazz"]).with_unconditional()
    lm = theirs.lm
    lm.condition_provider.tokenize = lambda conditions: None
    lm.condition_provider.forward = lambda tokenized: {
        "description": (condition.states, condition.mask)
    }
    from audiocraft.modules.conditioners import ConditioningAttributes

    texts = [ConditioningAttributes(text={"description": "calm jazz"})]
    codes = lm.generate(conditions=texts, max_gen_len=12, use_sampling=False, cfg_coef=3.0)
    assert torch.equal(
        generate(theirs, [Clip("calm jazz")], 12 / 50, Sampling(temperature=0)), codes
    )


def test_the_sketchs_codec_is_not_audiocrafts(model, tmp_path):
    with pytest.raises(BadInput, match="sketch_codec codec"):
        save_for_audiocraft(model.model, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("forced", [False, True])
def test_a_pickle_in_the_place_of_audiocrafts_weights_is_not_run(tmp_path, monkeypatch, forced):
    """Not even where the environment lets torch read whatever is there."""
    from tests.test_foreign_code import Planted

    if forced:
        monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    marker = tmp_path / "planted"
    torch.save({"xp.cfg": "", "best_state": Planted(marker)}, tmp_path / "state_dict.bin")
    with pytest.raises(BadInput) as told:
        load_audiocraft(str(tmp_path), "cpu")
    assert not marker.exists() and "\n" not in str(told.value)
    assert forced or "could run code" in str(told.value)
    assert "TORCH_FORCE_WEIGHTS_ONLY_LOAD" not in os.environ


@pytest.mark.parametrize("content", [{"best_state": {}}, [1], {"xp.cfg": "a: [", "best_state": {}}])
def test_a_checkpoint_that_audiocraft_cannot_read_is_one_line(tmp_path, content):
    torch.save(content, tmp_path / "state_dict.bin")
    with pytest.raises(BadInput, match="audiocraft cannot load") as told:
        load_audiocraft(str(tmp_path), "cpu")
    assert "\n" not in str(told.value)
