"""The compiled loops of a step, one by one."""

from __future__ import annotations

import numpy as np
import pytest

from steering.decoding.matmul import kernel

pytestmark = pytest.mark.skipif(kernel() is None, reason="numba compiles the loops")


@pytest.mark.parametrize("width", [8, 32, 80])
def test_a_head_hears_the_mean_of_its_values_and_each_number_is_summed_alike(width):
    compiled = kernel()
    assert compiled is not None
    rng = np.random.default_rng(width)
    query, keys, values = (
        rng.standard_normal(shape).astype(np.float32) for shape in (width, (50, width), (50, width))
    )

    def heard(values: np.ndarray, seen: int) -> np.ndarray:
        out = np.full(width, np.nan, np.float32)
        compiled.attend(query, keys, values, seen, np.empty(seen, np.float32), out)
        return out

    for seen in (1, 7, 50):
        shares = np.exp(keys[:seen].astype(float) @ query)
        wanted = shares @ values[:seen] / shares.sum()
        assert np.allclose(heard(values, seen), wanted, atol=1e-5)
        turned = heard(np.ascontiguousarray(values[:, ::-1]), seen)
        assert np.array_equal(turned[::-1], heard(values, seen))  # wherever in the head it stands
