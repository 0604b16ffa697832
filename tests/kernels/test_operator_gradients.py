"""Gradients by the operators' own names: the forward operator's tensor comes first; silu with a factor."""

from __future__ import annotations

import numpy as np
from kernels.arrays import FLOATS, Array
from kernels.maps import MapCase, check, parametrize


def relu(x: Array, dy: Array) -> Array:
    return np.where(x > 0, dy, 0)


CASES = [
    MapCase("aclnnTanhGrad", lambda y, dy: dy * (1 - y * y), FLOATS, 2, ulps=2, absolute=1e-6),
    MapCase(
        "aclnnAsinGrad",
        lambda x, dy: dy / np.sqrt(1 - x * x),
        FLOATS,
        2,
        low=-0.9,
        high=0.9,
        ulps=4,
        special=False,
    ),
    MapCase("aclnnReluGradV3", relu, f"{FLOATS} int32 uint8 int8", 2, ulps=0),
    MapCase("aclnnSiluMul", lambda x, y: x / (1 + np.exp(-x)) * y, FLOATS, 2, ulps=6, absolute=1e-6),
]


@parametrize(CASES)
def test_gradients(case: MapCase) -> None:
    check(case, 3)
