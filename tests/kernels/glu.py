"""References of activations that several tests use."""

from __future__ import annotations

import math

import numpy as np
from kernels.arrays import Array

erf = np.vectorize(math.erf, otypes=[np.float64])


def gelu(x: Array, tanh: bool = False) -> Array:
    if tanh:
        return np.asarray(0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))
    return np.asarray(0.5 * x * (1 + erf(x / math.sqrt(2))))
