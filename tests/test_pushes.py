"""The compiled loops push, hear and settle as torch does, and a row is the row alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from steering.decoding.clip import Clip
from steering.decoding.decoder import Decoder
from steering.decoding.matmul import kernel
from steering.decoding.pushes import Pushes
from steering.decoding.reference import generate
from steering.interventions.followers import Followers
from steering.interventions.layers import LayerWeights
from steering.interventions.monitor import Monitor
from steering.interventions.operators import OPERATORS
from steering.interventions.plan import Move
from tests.test_decoder import plan, steer
from tests.test_monitor import monitored

SIZE = 48
kernels = kernel()
pytestmark = pytest.mark.skipif(kernels is None, reason="there are no loops without numba")


def test_every_operator_has_a_loop():
    assert set(kernels.OPERATORS) == set(OPERATORS)


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_a_loop_does_what_its_operator_does(name):
    generator = torch.Generator().manual_seed(5)
    h, vectors, written = torch.randn(3, 200, SIZE, generator=generator)
    h[0] = 0
    vectors /= vectors.norm(dim=-1, keepdim=True)
    coefficients, evens = 2 * torch.randn(2, 200, 1, generator=generator)
    expected = OPERATORS[name](h, coefficients, vectors, evens, written)
    rows, kind = h.numpy().copy(), kernels.OPERATORS.index(name)
    for r, row in enumerate(rows):
        numbers = (coefficients[r, 0].numpy()[()], evens[r, 0].numpy()[()])
        kernels.operate(kind, row, numbers[0], vectors[r].numpy(), numbers[1], written[r].numpy())
    assert np.abs(rows - expected.numpy()).max() < 2e-5
    assert np.abs(rows - h.numpy()).max() > 0.5


def test_loops_hear_and_settle_as_torch_does(model):
    """Concepts of several layers, one pushed away and one at rest for a while."""
    deep, slowly = LayerWeights("only", {"layers": [1, 2]}), Monitor(0.4, 3.0, 0.3)
    plans = [
        plan(model, monitored(model, slowly), monitored(model, slowly, seed=1, layers=deep)),
        None,
        plan(model, steer(model), monitored(model, coefficient=-1.0)).moved(Move(4, 1, 0.0)),
    ]
    size, steps, generator = model.origin.size, 12, torch.Generator().manual_seed(1)
    like = torch.zeros(1, size)
    slow, quick = Followers(plans, like), Followers(plans, like)
    pushes = Pushes.of(plans, quick, True, like)
    assert pushes is not None
    gains, resting = slow.gains([one and one.faders() for one in plans], 0, steps)
    assert not resting[3] and resting[4]
    for step in range(steps):
        x = 4 * torch.randn(6, size, generator=generator)
        arrays = pushes.at(step, np.zeros((2, model.origin.layers, 6), np.float32))
        for layer in range(model.origin.layers):
            slow.hear(layer, x)
            kernels.hear(layer, x.numpy(), arrays)
        slow.settle(gains[step], resting[step])
        pushes.settle(gains[step].numpy())
        assert torch.allclose(slow.read, quick.read, atol=1e-5)
        assert torch.allclose(slow.now, quick.now, atol=1e-5)
    assert 0 < quick.now[0, 0] != quick.now[1, 0] < 1 == quick.now[1, 2]
    assert torch.allclose(slow.during(0, steps), quick.during(0, steps), atol=1e-5)


def test_a_row_is_the_row_alone_whatever_is_done_beside_it(model):
    """What is added one after another is summed in a clip's own order, and not in its neighbours'."""
    adding = plan(model, *(steer(model, 0.4, seed) for seed in range(3)))
    mixed = plan(
        model, steer(model, 0.3), steer(model, 0.5, 1, operator="clamp"), monitored(model, seed=2)
    )
    clips = [Clip("calm jazz", 1, adding), Clip("", 2, mixed), Clip("jazz", 3)]
    decoder = Decoder(model)
    runs = [decoder.start(some, 0.6) for some in (clips, *([clip] for clip in clips))]
    for run in runs:
        while run.step < run.steps:
            run.advance()
    for row, alone in enumerate(runs[1:]):
        assert torch.equal(runs[0].columns[row], alone.columns[0])
        assert torch.equal(runs[0].cache.all[:, :, row::3], alone.cache.all)


def test_an_operator_without_a_loop_is_done_between_the_blocks(model, monkeypatch):
    def halve(h, coefficient, vector, even, written):
        return h * (1 - coefficient / 10)

    monkeypatch.setitem(OPERATORS, "halve", halve)
    one = plan(model, steer(model, 0.4, operator="halve"), monitored(model, seed=1))
    clips = [Clip("calm jazz", 1, one), Clip("jazz", 2, plan(model, steer(model)))]
    decoder = Decoder(model)
    assert decoder.start(clips, 0.6).injections.pushes is None
    made = decoder.generate(clips, 0.6)
    assert torch.equal(made, generate(model, clips, 0.6))
    assert not torch.equal(made[:1], decoder.generate([Clip("calm jazz", 1)], 0.6))
