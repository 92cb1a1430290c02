"""Strengths that set themselves: they let go of what is heard, and hear the music, not the push."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from curation.errors import BadInput
from steering.activations.hooks import changing
from steering.commands.generate import _monitor as read_monitor
from steering.decoding.clip import Clip
from steering.decoding.cuda_graph import StaticStep
from steering.decoding.decoder import Decoder
from steering.decoding.generation import Generation
from steering.decoding.reference import generate
from steering.decoding.sampling import Sampling
from steering.decoding.session import Session
from steering.interventions.intervention import Intervention
from steering.interventions.layers import LayerWeights
from steering.interventions.monitor import Monitor, average, follow
from steering.interventions.plan import Move, compile_plan
from steering.interventions.schedules import Schedule
from tests.test_decoder import plan, steer
from tests.test_steering_toy import GREEDY

QUICK = Monitor(target=0.4, rate=20.0, memory=0.1)


def monitored(
    model, monitor=QUICK, slope=0.3, intercept=2.0, heard=None, **options
) -> Intervention:
    """A push that follows what a calibrated random direction reads."""
    one = steer(model, **options)
    calibration = torch.tensor([[slope, intercept]]).expand(model.origin.layers, 2)
    direction = replace(one.direction, calibration=calibration)
    return replace(one, direction=direction, monitor=monitor, heard=heard)


def played(model, *interventions, seconds=0.6, seed=3, **options):
    one = plan(model, *interventions, seconds=seconds)
    return Decoder(model, **options).generate([Clip("calm jazz", seed, one)], seconds)


def run_through(decoder: Decoder, clips, seconds: float, **options) -> Generation:
    run = decoder.start(clips, seconds, **options)
    while run.step < run.steps:
        run.advance()
    return run


def test_a_strength_falls_while_its_concept_is_heard_and_rises_while_it_is_not():
    strength, target, gain = torch.full((3,), 0.5), torch.full((3,), 0.3), torch.full((3,), 0.04)
    heard = torch.tensor([0.9, 0.3, 0.0])
    after = follow(strength, heard, target, gain)
    assert torch.allclose(after, torch.tensor([0.476, 0.5, 0.512]))
    away = follow(strength, heard, target, -gain)
    assert torch.allclose(away, torch.tensor([0.524, 0.5, 0.488]))


def test_a_strength_stays_between_nothing_and_its_coefficient():
    for heard, end in ((0.0, 1.0), (1.0, 0.0)):
        strength = torch.tensor([0.5])
        for _ in range(50):
            strength = follow(strength, torch.tensor([heard]), torch.tensor([0.5]), torch.ones(1))
        assert strength == end


def test_what_was_heard_fades_by_its_memory():
    mean = torch.ones(1)
    for _ in range(50):
        mean = average(mean, torch.zeros(1), torch.tensor(0.02))
    assert mean.item() == pytest.approx(math.exp(-1), abs=0.01)
    assert average(mean, torch.ones(1), torch.tensor(1.0)) == 1.0


def test_a_concept_that_is_never_heard_is_pushed_as_if_nothing_followed_it(model):
    deaf = monitored(model, Monitor(target=1.0), slope=0.0, intercept=-50.0)
    assert torch.equal(played(model, deaf), played(model, steer(model)))


def test_a_concept_that_is_always_heard_is_let_go(model):
    told = monitored(model, Monitor(target=0.0, rate=100.0, memory=0.02), 0.0, 50.0)
    run = run_through(Decoder(model), [Clip("calm jazz", 3, plan(model, told))], 0.6)
    assert torch.cat(run.injections.followers.past)[1:].abs().sum() == 0
    one = run.injections.at(run.step - 1)
    assert not any(each.amounts.any() for each in one)


def test_a_push_away_lets_go_once_the_concept_is_gone(model):
    gone = monitored(model, Monitor(target=0.2, rate=100.0), 0.0, -50.0, coefficient=-1.0)
    run = run_through(Decoder(model), [Clip("calm jazz", 3, plan(model, gone))], 0.6)
    assert run.injections.followers.now.item() == 0.0


@pytest.mark.parametrize("layers", [[0, 1, 2], [1, 2], [2]], ids=str)
def test_what_is_heard_is_the_music_and_never_the_push(model, layers):
    """The probe at the first pushed layer reads what it reads with the same codes and no push."""
    one = monitored(model, coefficient=3.0, layers=LayerWeights("only", {"layers": layers}))
    run = run_through(
        Decoder(model), [Clip("calm jazz", 3, plan(model, one))], 0.6, sampling=GREEDY
    )
    unpushed, codes = Decoder(model).start([Clip("calm jazz", 3)], 0.6, GREEDY), run.columns
    ear = one.ear(layers[0])
    assert ear is not None and ear.layer == run.injections.followers.layers[0] == layers[0]
    states = []
    with torch.inference_mode(), changing(model, lambda layer, x: states.append(x) or x):
        condition = model.condition(["calm jazz"])
        model.run(codes[..., : run.steps], condition)
    read = states[layers[0]][0].float() @ ear.vector
    assert read[-1].item() == pytest.approx(run.injections.followers.read.item(), abs=1e-3)
    assert unpushed.injections.followers.layers == []


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"operator": "add_keeping_norm"},
        {"operator": "ablate", "coefficient": 0.7},
        {"rows": "conditional"},
        {"layers": LayerWeights("only", {"layers": [1, 2]})},
        {"schedule": Schedule("pulse", {"period": 0.3, "width": 0.1})},
    ],
    ids=str,
)
def test_both_decoders_follow_alike(model, options):
    one = plan(model, monitored(model, **options), steer(model, 0.4, seed=5))
    clips = [Clip("calm jazz", 3, one), Clip("sad violin", 4)]
    for sampling in (GREEDY, Sampling()):
        made = Decoder(model).generate(clips, 0.6, sampling)
        assert torch.equal(made, generate(model, clips, 0.6, sampling))
    steady = plan(model, steer(model, **options), steer(model, 0.4, seed=5))
    assert not torch.equal(made[0], Decoder(model).generate([Clip("calm jazz", 3, steady)], 0.6)[0])


def test_every_row_of_a_batch_follows_its_own_music(model):
    """Beside clips that follow another concept, at another layer, or nothing, a row is the row alone."""
    deep = LayerWeights("only", {"layers": [1, 2]})
    clips = [
        Clip("calm jazz", 3, plan(model, monitored(model))),
        Clip("sad violin", 4, plan(model, steer(model, seed=2), monitored(model, seed=7))),
        Clip("a waltz", 5, plan(model, monitored(model, layers=deep, slope=0.5))),
        Clip("calm jazz", 3),
        Clip("a waltz", 6, plan(model, steer(model, seed=2))),
    ]
    together = Decoder(model).generate(clips, 0.6)
    for row, clip in enumerate(clips):
        assert torch.equal(together[row], Decoder(model).generate([clip], 0.6)[0])


def test_a_step_of_fixed_tensors_follows_alike(model):
    clips = [Clip("calm jazz", 3, plan(model, monitored(model))), Clip("sad violin", 4)]
    decoder = Decoder(model)
    static = Generation(
        decoder.fused, model, clips, [30, 30], Sampling(), decoder.window, StaticStep
    )
    while static.step < static.steps:
        static.advance()
    assert torch.equal(static.codes(0, 30), decoder.generate(clips, 0.6))


def test_a_slide_reads_the_window_with_the_strengths_that_it_had(model):
    """Past the window both decoders go on alike, and no strength is kept that is not asked for again."""
    decoder = Decoder(model, window_seconds=0.3)
    clip = Clip("calm jazz", 5, plan(model, monitored(model, coefficient=0.5), seconds=0.9))
    run = run_through(decoder, [clip], 0.9, sampling=GREEDY)
    assert torch.equal(
        run.codes(0, 45), generate(model, [clip], 0.9, GREEDY, window=decoder.window)
    )
    assert len(run.injections.followers.past) < run.steps


def test_a_concept_at_rest_begins_anew_and_may_join_late(model):
    """A fader at 0 until a step, and a concept that joins an endless clip at that step, are the same."""
    one, late = steer(model, 0.5, seed=2), monitored(model)
    resting = plan(model, one, replace(late, coefficient=0.0)).moved(Move(12, 1, 1.0))
    expected = Decoder(model).generate([Clip("calm jazz", 3, resting)], 0.6)
    endless = compile_plan([one], math.inf)
    run = Decoder(model).start([Clip("calm jazz", 3, endless)], math.inf)
    for step in range(33):
        if step == 12:
            run.join(0, endless.joined_by(replace(late, coefficient=0.0)))
            run.move(0, 1, 1.0)
        run.advance()
    assert torch.equal(run.codes(0, 27), expected[..., :27])  # the plan of 30 frames ends with them
    assert run.injections.followers.at(11)[1] == 1 != run.injections.followers.at(30)[1]


def test_a_session_says_what_the_strengths_were(model):
    clips = [Clip("calm jazz", 3, plan(model, monitored(model))), Clip("calm jazz", 3)]
    with Session(Decoder(model), clips, 0.6) as session:
        list(session.stream())
    assert session.strengths is not None and session.strengths.shape == (33, 1, 2)
    assert session.strengths[0, 0, 0] == 1 > session.strengths[:, 0, 0].min()
    assert (session.strengths[..., 1] == 1).all()


def test_a_fader_moves_a_strength_that_sets_itself(model):
    one = plan(model, monitored(model)).moved(Move(10, 0, 0.0))
    clip = Clip("calm jazz", 3, one)
    assert torch.equal(Decoder(model).generate([clip], 0.6), generate(model, [clip], 0.6))


def test_a_control_listens_to_the_concept_that_it_does_not_push(model):
    concept = monitored(model).direction
    control = monitored(model, seed=9, heard=concept)
    ear = control.ear(0)
    assert ear is not None and torch.equal(ear.vector, concept.vectors[0])


def test_a_direction_without_calibration_cannot_be_followed(model):
    with pytest.raises(BadInput, match="has no calibration"):
        one = steer(model)
        replace(one, direction=replace(one.direction, calibration=None), monitor=Monitor())


@pytest.mark.parametrize("wrong", [{"target": 1.5}, {"rate": -1.0}, {"memory": 0.0}], ids=str)
def test_a_monitor_out_of_its_limits_is_refused(wrong):
    with pytest.raises(BadInput, match="the monitor's"):
        Monitor(**wrong)


def test_the_command_reads_a_monitor_in_words():
    assert read_monitor(None) is None
    assert read_monitor("") == Monitor()
    assert read_monitor("target=0.5,memory=1") == Monitor(0.5, memory=1.0)
    for wrong in ("goal=3", "target", "target=much"):
        with pytest.raises(BadInput, match="write it as target"):
            read_monitor(wrong)


def test_a_record_keeps_its_monitor(model):
    one = monitored(model)
    kept = one.by_name()
    assert kept.record()["monitor"] == {"target": 0.4, "rate": 20.0, "memory": 0.1}
    assert type(kept).from_record(kept.record()) == kept
    older = {name: value for name, value in kept.record().items() if name != "monitor"}
    assert type(kept).from_record(older).monitor is None
