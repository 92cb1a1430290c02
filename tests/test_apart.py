"""Concepts moved at once: each projection reaches its own target, and no other moves."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from curation.errors import BadInput
from steering.decoding.clip import Clip
from steering.decoding.decoder import Decoder
from steering.decoding.reference import generate
from steering.decoding.sampling import Sampling
from steering.interventions.layers import LayerWeights
from steering.interventions.operators import OPERATORS, READING
from steering.interventions.plan import Plan, compile_plan
from tests.test_decoder import steer
from tests.test_steering_toy import GREEDY

EVEN = -0.5 / 0.3
"""The projection at which the probes of `steer` are undecided."""


def near(model, share: float, operator: str = "clamp", **options):
    """Two concepts whose vectors share this much: the cosine of their angle, at every layer."""
    one, other = (steer(model, 0.6, seed, "CD"[seed], operator=operator) for seed in (0, 1))
    first, second = one.direction.vectors, other.direction.vectors
    across = torch.nn.functional.normalize(
        second - (second * first).sum(-1, keepdim=True) * first, dim=-1
    )
    mixed = share * first + math.sqrt(1 - share**2) * across
    return one, replace(other, direction=replace(other.direction, vectors=mixed), **options)


def applied(plan: Plan, h: torch.Tensor, layer: int = 0, order=None) -> torch.Tensor:
    """Activations ``[N, D]`` with the concepts of a plan's first step applied."""
    for m in order or range(plan.concepts):
        coefficient, even = plan.at(0)[m, layer], plan.midpoints[m, layer]
        vector, written = plan.vectors[m, layer], plan.along[m, layer]
        h = OPERATORS[plan.operators[m]](h, coefficient, vector, even, written)
    return h


def test_clamped_together_both_reach_their_targets_and_one_after_the_other_they_do_not(model):
    pair, h = near(model, 0.7), 3 * torch.randn(200, model.origin.size)
    joint, plain = compile_plan(pair, 1.0, orthogonalise=True), compile_plan(pair, 1.0)
    read = joint.vectors[:, 0].T
    targets = (h @ read).clamp_min(EVEN + 0.6 * 5.0)
    for order in ([0, 1], [1, 0]):
        assert torch.allclose(applied(joint, h, order=order) @ read, targets, atol=1e-4)
    off = (applied(plain, h) @ read - targets).abs().amax(0)
    assert (off > 1.0).all()
    assert torch.allclose(plain.vectors, joint.vectors, atol=1e-6)


def test_what_is_there_already_is_left_alone(model):
    joint = compile_plan(near(model, 0.7), 1.0, orthogonalise=True)
    h = torch.randn(50, model.origin.size) + 20 * joint.vectors[1, 0]
    read = joint.vectors[:, 0].T
    assert ((h @ read)[:, 1] > 5).all()
    moved = applied(joint, h) @ read
    assert torch.allclose(moved[:, 1], (h @ read)[:, 1], atol=1e-4)


@pytest.mark.parametrize("operator", sorted(READING))
def test_three_concepts_write_along_the_dual_basis(model, operator):
    three = [steer(model, 0.5, seed, operator=operator) for seed in range(3)]
    plan = compile_plan(three, 1.0, orthogonalise=True)
    products = torch.einsum("mld,nld->lmn", plan.vectors, plan.along)
    assert torch.allclose(products, torch.eye(3).expand_as(products), atol=1e-5)
    gram = torch.einsum("mld,nld->lmn", plan.vectors, plan.vectors).double()
    dual = torch.einsum("lmn,nld->mld", torch.linalg.inv(gram), plan.vectors.double())
    assert torch.allclose(plan.along.double(), dual, atol=1e-5)


def test_concepts_at_other_layers_or_added_later_change_nothing(model):
    """What is added later gives way itself."""
    first, other = near(model, 0.7, layers=LayerWeights("only", {"layers": [1]}))
    added = replace(other, operator="add", layers=LayerWeights())
    plan = compile_plan([first, other], 1.0, orthogonalise=True)
    assert torch.allclose(plan.along[0, [0, 2]], plan.vectors[0, [0, 2]], atol=1e-6)
    assert not torch.allclose(plan.along[0, 1], plan.vectors[0, 1], atol=0.1)
    later = compile_plan([first, added], 1.0, orthogonalise=True)
    assert torch.allclose(later.along[0], later.vectors[0], atol=1e-6)
    assert (later.vectors[0] * later.along[1]).sum(-1).abs().max() < 1e-6


def test_a_clamp_takes_nothing_from_what_was_added_before_it(model):
    first, other = near(model, 0.7)
    pair = replace(first, operator="add"), other
    plan, h = compile_plan(pair, 1.0, orthogonalise=True), torch.randn(20, model.origin.size)
    assert torch.allclose(plan.vectors[1], other.direction.vectors, atol=1e-6)
    along = first.direction.vectors[0]
    assert torch.allclose(applied(plan, h) @ along, h @ along + 0.6 * 5.0, atol=1e-4)


@pytest.mark.parametrize(("operator", "share"), [("clamp", 0.996), ("affine", -1.0), ("add", 1.0)])
def test_concepts_that_are_nearly_one_are_refused(model, operator, share):
    pair = near(model, share, operator)
    compile_plan(pair, 1.0)
    with pytest.raises(
        BadInput, match="at layer 0, so that it cannot be moved without them: leave"
    ):
        compile_plan(pair, 1.0, orthogonalise=True)
    parted = replace(pair[1], layers=LayerWeights("only", {"layers": [1]}))
    alone = replace(pair[0], layers=LayerWeights("only", {"layers": [2]}))
    if operator in READING:
        compile_plan([alone, parted], 1.0, orthogonalise=True)


def test_both_decoders_clamp_together_alike_and_every_row_as_alone(model):
    joint = compile_plan(near(model, 0.7), 0.6, orthogonalise=True)
    plain = compile_plan(near(model, 0.7), 0.6)
    clips = [Clip("calm jazz", 3, joint), Clip("sad violin", 4), Clip("calm jazz", 3, plain)]
    for sampling in (GREEDY, Sampling()):
        made = Decoder(model).generate(clips, 0.6, sampling)
        assert torch.equal(made, generate(model, clips, 0.6, sampling))
    assert not torch.equal(made[0], made[2])
    assert torch.equal(made[:1], Decoder(model).generate(clips[:1], 0.6))


def test_a_clamp_cannot_join_clamps_that_are_kept_apart(model):
    """The others would from then on move along other vectors than the recipe's."""
    first, other = near(model, 0.7)
    apart = compile_plan([first], math.inf, orthogonalise=True)
    with pytest.raises(BadInput, match="D cannot join concepts that are kept apart by clamp"):
        apart.joined_by(other)
    assert torch.equal(apart.joined_by(replace(other, operator="add")).along[:1], apart.along)
    assert compile_plan([first], math.inf).joined_by(other).concepts == 2
