"""Functions of 16-bit elements look results up when a tensor is big: the same bits as those computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import ascend_ops as ao

VALUES = 1 << 16  # of 16 bits; twice as many elements have a table
Array = np.ndarray[Any, Any]
CALLS: dict[str, Callable[[Any], Any]] = {
    "exp": ao.ops.exp,
    "sin": ao.ops.sin,  # one of the C library, for huge numbers
    "gelu_v2": lambda x: ao.ops.gelu_v2(x, 1),  # a constant
    "elu": lambda x: ao.ops.elu(x, 0.5, 1.5, 2.0),  # scalars
    "pow_tensor_scalar": lambda x: ao.ops.pow_tensor_scalar(x, 1.5),
    "foreach_exp": lambda x: ao.ops.foreach_exp([x])[0],
}


def bits(tensor: ao.Tensor) -> Array:
    return np.asarray(tensor.numpy()).view(np.uint16)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16], ids=["float16", "bfloat16"])
@pytest.mark.parametrize("name", CALLS)
def test_a_big_tensor_gives_what_small_ones_do(name: str, dtype: type[Any]) -> None:
    every = np.arange(VALUES, dtype=np.uint16).view(dtype)
    expected = np.concatenate([bits(CALLS[name](ao.asarray(part))) for part in np.split(every, 2)])
    big = ao.asarray(np.stack([every, every[::-1], every]))
    assert np.array_equal(bits(CALLS[name](big)), np.stack([expected, expected[::-1], expected]))


def test_strided_elements_are_looked_up_where_they_lie() -> None:
    every = np.arange(VALUES, dtype=np.uint16).view(np.float16)
    big = ao.asarray(np.stack([every, every, every]))
    out = ao.empty((VALUES, 6), "float16")
    ao.ops.exp(big.T, out=out[:, ::2])
    expected = bits(ao.ops.exp(ao.asarray(every)))
    assert np.array_equal(bits(out[:, ::2]), np.stack([expected] * 3, axis=1))
