"""Sums and their scalar and in-place forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import COMPLEXES, NUMBERS, Array
from kernels.maps import MapCase, check, parametrize

import ascend_ops as ao


def add(x: Array, y: Array, alpha: float) -> Array:
    return (x | y) if x.dtype == bool else x + alpha * y


CASES = [
    MapCase("aclnnAdd", add, f"{NUMBERS} {COMPLEXES}", tensors=2, values=(1,)),
    MapCase("aclnnAdds", add, f"{NUMBERS} {COMPLEXES}".replace(" bool", ""), values=(2, 3)),
    MapCase("aclnnInplaceAdd", add, f"{NUMBERS} {COMPLEXES}", tensors=2, values=(1,), inplace=True),
]


@parametrize(CASES)
def test_sums(case: MapCase) -> None:
    check(case)


@pytest.mark.parametrize("name", ["add", "sub", "adds", "subs"])
@pytest.mark.parametrize(("dtype", "alpha"), [("int32", 0.5), ("bool", 1.0), ("float32", 1j)])
def test_an_alpha_that_the_sum_cannot_hold_is_refused(name: str, dtype: str, alpha: Any) -> None:
    x = ao.zeros((2,), dtype)
    other = True if name.endswith("s") else x
    with pytest.raises(ao.AclError, match=r"alpha is .*, which cannot be cast to") as raised:
        getattr(ao.ops, name)(x, other, alpha, out=x)
    assert raised.value.code == 161002


def test_integers_meet_a_double_in_the_type_of_the_output() -> None:
    """FLOAT where the sum goes to FLOAT, else DOUBLE, as the operator's source has it."""
    x = ao.asarray(np.int64([2**40 + 1]))
    assert ao.ops.adds(x, 0.5, 1, out=ao.zeros((1,), "float64")).numpy().tolist() == [2**40 + 1.5]
    assert ao.ops.subs(x, 0.5, 1, out=ao.zeros((1,), "float32")).numpy().tolist() == [2**40]
    halves = ao.asarray(np.int32([3]))
    assert ao.ops.adds(halves, np.float16(0.1), 1, out=ao.zeros((1,), "float32")).numpy().tolist() == [
        np.float16(3.1)
    ]
