"""Probes find what was planted, and agree with scikit-learn where the mathematics is the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score, roc_auc_score

from curation.errors import BadInput
from steering.probes import ProbeData, get_method, methods, rfm
from steering.probes.logistic import solution
from steering.probes.ridge import solutions
from steering.probes.scores import auc, r_squared

LAYERS, SIZE = 3, 24
LINEAR = ("mean_difference", "ridge", "logistic")
QUICK = rfm.Search(draws=12, rungs=(rfm.Rung(12, 200, 1), rfm.Rung(3, 600, 4)), gradients=200)


def planted(task: str = "classification", strength: float = 2.0, seed: int = 0):
    """Two concepts, each along a direction of its own at each layer; none at layer 0."""
    generator = torch.Generator().manual_seed(seed)
    directions = torch.linalg.qr(torch.randn(LAYERS, SIZE, SIZE, generator=generator))[0][:, :, :2]
    directions = directions.permute(2, 0, 1)  # [C, L, D]
    amounts = torch.tensor([0.0, strength, strength])
    parts = []
    for count in (1200, 400):
        y = torch.randn(count, 2, generator=generator)
        if task == "classification":
            y = (y > 0.5).float()
        noise = torch.randn(count, LAYERS, SIZE, generator=generator)
        parts += [noise + torch.einsum("nc,l,cld->nld", y, amounts, directions), y]
    return ProbeData(*parts, concepts=("C", "D"), task=task), directions


@pytest.mark.parametrize("name", LINEAR)
def test_a_planted_direction_is_recovered_with_its_sign(name):
    data, directions = planted()
    fitted = get_method(name).fit(data)
    cosines = (fitted.vectors * directions).sum(-1)[:, 1:]
    assert cosines.min() > 0.95
    assert torch.allclose(fitted.vectors.norm(dim=-1), torch.ones(2, LAYERS), atol=1e-4)
    assert fitted.scores[:, 1:].min() > 0.85
    assert (fitted.scores[:, 0] - 0.5).abs().max() < 0.12


@pytest.mark.parametrize("name", ["mean_difference", "ridge"])
def test_a_planted_number_is_recovered(name):
    data, directions = planted("regression", strength=3.0)
    fitted = get_method(name).fit(data)
    assert (fitted.vectors * directions).sum(-1)[:, 1:].min() > 0.95
    assert fitted.scores[:, 1:].min() > 0.8
    numbers = fitted.decide(data.x_val)[:, :, 1:]
    assert (numbers - data.y_val[..., None]).abs().mean() < 0.4


@pytest.mark.parametrize("name", LINEAR)
def test_probabilities_are_as_sure_as_they_are_right(name):
    data, _ = planted()
    said = get_method(name).fit(data).probabilities(data.x_val)[:, 0, 2]
    for low, high in ((0.0, 0.2), (0.2, 0.6), (0.6, 1.0)):
        inside = (said >= low) & (said < high)
        assert float(data.y_val[inside, 0].mean()) == pytest.approx(
            float(said[inside].mean()), abs=0.12
        )


@pytest.mark.parametrize("name", LINEAR)
def test_shuffled_labels_teach_nothing(name):
    data, directions = planted()
    fitted = get_method(name).fit(data.shuffled(torch.Generator().manual_seed(1)))
    assert (fitted.vectors * directions).sum(-1).abs().max() < 0.6


@pytest.mark.parametrize("name", LINEAR)
def test_shuffled_labels_point_towards_the_concept_as_often_as_away_from_it(name):
    """Validation's labels turn directions round: where they stay in place, every draw points to it."""
    data, directions = planted()
    few = replace(data, x=data.x[:300], y=data.y[:300])
    cosines = torch.stack(
        [
            (get_method(name).fit(few.shuffled(torch.Generator().manual_seed(draw))).vectors)
            .mul(directions)
            .sum(-1)[:, 1:]
            for draw in range(12)
        ]
    )
    assert 0.3 < float((cosines > 0).float().mean()) < 0.7


def test_labels_that_are_dealt_out_anew_are_the_same_ones_elsewhere():
    data, _ = planted()
    dealt = data.shuffled(torch.Generator().manual_seed(1))
    for before, after in ((data.y, dealt.y), (data.y_val, dealt.y_val)):
        assert torch.equal(before.sum(0), after.sum(0)) and not torch.equal(before, after)
    assert torch.equal(data.x, dealt.x) and torch.equal(data.x_val, dealt.x_val)


def test_ridge_is_that_of_scikit_learn():
    data, _ = planted()
    x, y = data.x[:, 1], data.y
    ours = solutions(x, y, (0.1,))[0]
    scale = np.linalg.eigvalsh(np.cov(x.numpy().T, bias=True)).mean()
    theirs = Ridge(alpha=0.1 * scale * len(x)).fit(x.numpy(), y.numpy()).coef_
    assert np.allclose(ours.numpy(), theirs, atol=1e-4)


def test_logistic_regression_is_that_of_scikit_learn():
    data, _ = planted()
    x, y = data.x[:, 1], data.y
    ours = solution(x, y, 0.01)
    for concept in range(2):
        model = LogisticRegression(C=1 / (0.01 * len(x)), tol=1e-8, max_iter=2000)
        theirs = model.fit(x.numpy(), y[:, concept].numpy())
        assert np.allclose(ours[concept, :-1].numpy(), theirs.coef_[0], atol=2e-3)
        assert float(ours[concept, -1]) == pytest.approx(theirs.intercept_[0], abs=2e-3)


def test_scores_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 6, size=(60, 2, 3)).astype(float)
    y = (rng.random((60, 2)) < 0.4).astype(float)
    ours = auc(torch.from_numpy(values), torch.from_numpy(y))
    ratio = r_squared(torch.from_numpy(values), torch.from_numpy(y))
    for c in range(2):
        for layer in range(3):
            theirs = roc_auc_score(y[:, c], values[:, c, layer])
            assert float(ours[c, layer]) == pytest.approx(theirs, abs=1e-6)
            assert float(ratio[c, layer]) == pytest.approx(r2_score(y[:, c], values[:, c, layer]))


def test_methods_are_found_and_others_are_refused():
    assert set(LINEAR) <= set(methods())
    with pytest.raises(BadInput, match="no method 'magic': choose one of"):
        get_method("magic")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda x, y: (x, torch.zeros_like(y)), "0 clips of C"),
        (lambda x, y: (x, torch.ones_like(y)), "and 0 others"),
        (lambda x, y: (x * float("nan"), y), "not finite"),
        (lambda x, y: (x[:3], y[:3]), "are needed, use more clips"),
    ],
)
def test_data_that_cannot_teach_is_refused(spoil, message):
    data, _ = planted()
    x, y = spoil(data.x, data.y)
    with pytest.raises(BadInput, match=message):
        ProbeData(x, y, data.x_val, data.y_val, data.concepts)


def test_numbers_are_nothing_for_logistic_regression():
    data, _ = planted("regression")
    with pytest.raises(BadInput, match="use ridge or rfm"):
        get_method("logistic").fit(data)


def test_rfm_recovers_planted_directions_with_their_sign():
    data, directions = planted()
    fitted = rfm.fit(data, QUICK)
    assert (fitted.vectors * directions).sum(-1)[:, 1:].min() > 0.95
    assert fitted.scores[:, 1:].min() > 0.85


def test_rfm_finds_a_direction_that_no_linear_probe_can():
    """The concept is there when the projection is far from 0 on either side."""
    generator = torch.Generator().manual_seed(0)
    direction = torch.nn.functional.normalize(torch.randn(SIZE, generator=generator), dim=0)
    parts = []
    for count in (1500, 500):
        x = torch.randn(count, 1, SIZE, generator=generator)
        parts += [x, ((x @ direction).abs() > 0.67).float()]
    data = ProbeData(*parts, concepts=("far",))
    found = rfm.fit(data, QUICK)
    linear = get_method("ridge").fit(data)
    assert abs(float(found.vectors[0, 0] @ direction)) > 0.95
    assert abs(float(linear.vectors[0, 0] @ direction)) < 0.6
    assert found.scores[0, 0] > 0.9 > 0.65 > linear.scores[0, 0]


def test_rfm_finds_numbers_too():
    data, directions = planted("regression", strength=3.0)
    fitted = rfm.fit(data, QUICK)
    assert (fitted.vectors * directions).sum(-1)[:, 1:].min() > 0.9
    assert fitted.scores[:, 1:].min() > 0.6


@pytest.mark.parametrize("centred", [False, True])
def test_agop_is_that_of_autograd(centred):
    torch.manual_seed(0)
    x, weights = torch.randn(40, 6, dtype=torch.float64), torch.randn(40, 3, dtype=torch.float64)
    half = torch.randn(6, 6, dtype=torch.float64)
    root = rfm._root(half @ half.T)
    kernel = rfm.LaplaceKernel(bandwidth=3.0, exponent=1.2)
    ours = rfm.agop(kernel, x, weights, root, centred, most=40)

    def predict(z: torch.Tensor) -> torch.Tensor:
        distance = ((z - x) @ root).norm(dim=-1)
        kept = distance > 1e-9  # xrfm leaves out the cusp at a centre
        safe = torch.where(kept, distance, torch.ones_like(distance))
        return (torch.exp(-((safe / 3.0) ** 1.2)) * kept) @ weights

    gradients = torch.stack(
        [torch.autograd.functional.jacobian(predict, z + 1e-13) for z in x], dim=1
    )
    if centred:
        gradients = gradients - gradients.mean(1, keepdim=True)
    theirs = gradients.mT @ gradients / len(x)
    assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("most", [40, 25, 7])
def test_gradients_are_taken_at_no_more_clips_than_asked(most):
    asked = []

    class Kernel:
        def get_function_grads(self, x, points, weights, root):
            asked.append(len(points))
            return torch.ones(len(weights), len(points), x.shape[1])

    rfm.agop(Kernel(), torch.zeros(40, 6), torch.zeros(40, 3), None, False, most)
    assert most / 2 < asked[0] <= most


def test_kernel_ridge_is_that_of_scikit_learn():
    from sklearn.kernel_ridge import KernelRidge

    data, _ = planted()
    x, y = data.x[:300, 1].double(), data.y[:300].double()
    kernel = rfm.LaplaceKernel(bandwidth=8.0, exponent=1.0)
    gram = kernel.get_kernel_matrix(x, x, None)
    theirs = KernelRidge(alpha=0.1, kernel="precomputed").fit(gram.numpy(), y.numpy()).dual_coef_
    ridged = gram + 0.1 * torch.eye(len(gram))
    assert np.allclose(rfm._solve(ridged, y).numpy(), theirs, atol=1e-8)


def test_draws_lie_in_the_papers_space_and_come_from_the_generator():
    one, two = (
        [rfm.draw(g) for _ in range(300)]
        for g in (torch.Generator().manual_seed(s) for s in (0, 0))
    )
    assert one == two
    assert 1 <= min(d.bandwidth for d in one) < 2 and 50 < max(d.bandwidth for d in one) <= 100
    assert 1e-5 <= min(d.ridge for d in one) < 1e-4 and 1 < max(d.ridge for d in one) <= 10
    assert min(d.exponent for d in one) >= 0.7 and max(d.exponent for d in one) <= 1.4
    assert 0.4 < np.mean([d.centred for d in one]) < 0.6
