"""Products of a few rows with matrices that are kept as small as they can be without loss."""

from __future__ import annotations

import pytest
import torch

from steering.decoding.matmul import MOST_ROWS, Matrix, kernel


def test_a_product_of_few_rows_is_exact_to_the_row_whatever_stands_beside_it():
    generator = torch.Generator().manual_seed(0)
    for inner, width in ((32, 96), (36, 7), (5, 40)):
        weight = torch.randn(width, inner, generator=generator)
        rows = torch.randn(MOST_ROWS + 2, inner, generator=generator)
        matrix = Matrix(weight)
        assert torch.allclose(matrix.times(rows), rows @ weight.T, atol=1e-5)
        out = torch.ones(3, width)
        matrix.add_to(out, rows[:3])
        assert torch.allclose(out, 1 + rows[:3] @ weight.T, atol=1e-5)
        if matrix.kernel is not None:
            all_rows = matrix.times(rows[:MOST_ROWS])
            assert all(torch.equal(matrix.times(rows[r : r + 1])[0], all_rows[r]) for r in (0, 7))


def test_float16_numbers_are_kept_as_such_and_multiply_as_float32_ones(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(40, 37, generator=generator).half().float()
    weight[0, :3] = torch.tensor([2.0**-24, -(2.0**-15), 65504.0])
    rows = torch.randn(5, 37, generator=generator)
    halved = Matrix(weight)
    compiled = kernel()
    if compiled is None or not compiled.widens_halves():
        pytest.skip("float16 is not widened in the loops here")
    assert halved.kept.dtype == torch.float16
    assert torch.equal(halved.tensor, weight.T)
    assert Matrix(weight + 1e-3).kept.dtype == torch.float32
    monkeypatch.setattr(compiled, "widens_halves", lambda: False)
    whole = Matrix(weight)
    assert whole.kept.dtype == torch.float32
    assert torch.equal(halved.times(rows), whole.times(rows))
