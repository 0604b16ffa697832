"""Comparisons, logic, bits and choices: results are BOOL, or of the type of the tensor that is written."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from kernels.arrays import (
    COMPLEXES,
    INTEGERS,
    NUMBERS,
    Array,
    assert_close,
    covers,
    host_dtype,
    layout,
    random,
    wide,
)
from kernels.maps import MapCase, check, parametrize

import ascend_ops as ao

ALL = f"{NUMBERS} {COMPLEXES}"
RELATIONS: dict[str, Callable[..., Any]] = {
    "Eq": operator.eq,
    "Ne": operator.ne,
    "Lt": operator.lt,
    "Le": operator.le,
    "Gt": operator.gt,
    "Ge": operator.ge,
}


def comparisons() -> Iterator[MapCase]:
    """Values from few numbers, so that equal ones come up."""
    for name, relation in RELATIONS.items():
        dtypes = ALL if name in ("Eq", "Ne") else NUMBERS
        few = {"low": 0, "high": 2}
        yield MapCase(f"aclnn{name}Tensor", relation, dtypes, tensors=2, result="bool", **few)
        yield MapCase(f"aclnn{name}Scalar", relation, dtypes, values=(1,), result="bool", **few)
        yield MapCase(f"aclnnInplace{name}Tensor", relation, dtypes, tensors=2, inplace=True, **few)
        yield MapCase(f"aclnnInplace{name}Scalar", relation, dtypes, values=(1,), inplace=True, **few)


BITS = f"{INTEGERS} bool"


def left_shift(x: Array, y: Array) -> Array:
    return np.where(y > 63, 0, x << np.clip(y, 0, 63))


def right_shift(x: Array, y: Array) -> Array:
    """Negative counts are 0, as the documents say; a type's sign is what its bits leave behind."""
    return x >> np.clip(y, 0, 63)


def logic() -> Iterator[MapCase]:
    for name, function in (("And", np.logical_and), ("Or", np.logical_or), ("Xor", np.logical_xor)):
        yield MapCase(f"aclnnLogical{name}", function, ALL, tensors=2, result="bool", low=0, high=1)
        if name != "Xor":
            yield MapCase(f"aclnnInplaceLogical{name}", function, ALL, 2, low=0, high=1, inplace=True)
    yield MapCase("aclnnLogicalNot", np.logical_not, NUMBERS, result="bool")
    yield MapCase("aclnnInplaceLogicalNot", np.logical_not, NUMBERS, inplace=True)
    yield MapCase("aclnnBitwiseNot", np.invert, BITS)
    for name, function in (("And", operator.and_), ("Or", operator.or_), ("Xor", operator.xor)):
        yield MapCase(f"aclnnBitwise{name}Tensor", function, BITS, tensors=2, low=-99, high=99)
        yield MapCase(f"aclnnInplaceBitwise{name}Tensor", function, BITS, tensors=2, inplace=True)
        yield MapCase(f"aclnnBitwise{name}Scalar", function, INTEGERS, values=(6,), low=-99, high=99)
        yield MapCase(f"aclnnInplaceBitwise{name}Scalar", function, INTEGERS, values=(6,), inplace=True)
    yield MapCase("aclnnBitwiseAndTensorOut", operator.and_, BITS, tensors=2)
    yield MapCase("aclnnInplaceBitwiseAndTensorOut", operator.and_, BITS, tensors=2, inplace=True)
    yield MapCase("aclnnLeftShift", left_shift, INTEGERS, tensors=2, special=False)
    yield MapCase("aclnnLeftShifts", left_shift, INTEGERS, values=(3,))
    yield MapCase("aclnnRightShift", right_shift, INTEGERS, tensors=2)


@parametrize([*comparisons(), *logic()])
def test_relations_and_bits(case: MapCase) -> None:
    check(case, examples=4)


def is_close(x: Array, y: Array, rtol: float, atol: float, equal_nan: bool) -> Array:
    left, right = x.astype(np.float64), y.astype(np.float64)
    near = np.isfinite(left) & np.isfinite(right) & (np.abs(left - right) <= atol + rtol * np.abs(right))
    return near | (left == right) | (equal_nan & np.isnan(left) & np.isnan(right))


@parametrize(
    MapCase("aclnnIsClose", is_close, NUMBERS, tensors=2, values=(0.3, 0.2, nan), result="bool")
    for nan in (False, True)
)
def test_is_close(case: MapCase) -> None:
    check(case)


EQUAL = f"{NUMBERS} uint16 uint32 uint64"


@covers("aclnnEqual", EQUAL)
@pytest.mark.parametrize("dtype", EQUAL.split())
def test_equal_asks_for_the_same_shape_and_elements(dtype: str) -> None:
    rng = np.random.default_rng(7)
    values = np.arange(2 * 3 * 700).reshape(2, 3, 700).astype(host_dtype(dtype))
    other = values.copy()
    other[1, 2, 699] = 1 if values[1, 2, 699] == 0 else 0
    x = layout(rng, values)
    for candidate, expected in (
        (values, True),
        (other, False),
        (values[:, :, :1], False),
        (values[0], False),
    ):
        assert ao.ops.equal(x, layout(rng, candidate)).numpy().tolist() == [expected]


def test_equal_of_a_nan_is_false_and_of_nothing_true() -> None:
    nan = ao.asarray(np.float32([np.nan]))
    assert ao.ops.equal(nan, nan).numpy().tolist() == [False]
    nothing = ao.zeros((0, 3), "float32")
    assert ao.ops.equal(nothing, nothing).numpy().tolist() == [True]
    zeros = ao.asarray(np.float32([0.0])), ao.asarray(np.float32([-0.0]))
    assert ao.ops.equal(*zeros).numpy().tolist() == [True]


@covers("aclnnSWhere", ALL)
@pytest.mark.parametrize("dtype", ALL.split())
def test_where_takes_one_or_the_other(dtype: str) -> None:
    rng = np.random.default_rng(len(dtype))
    condition = random(rng, (4, 1, 5), "bool")
    yes, no = random(rng, (3, 5), dtype, special=True), random(rng, (4, 3, 1), dtype, special=True)
    result = ao.ops.s_where(*(layout(rng, values) for values in (condition, yes, no)))
    assert_close(result, wide(np.where(condition, yes, no)), dtype, 0)
    other = ao.ops.s_where(ao.asarray(condition.astype(np.uint8) * 7), layout(rng, yes), layout(rng, no))
    assert_close(other, wide(np.where(condition, yes, no)), dtype, 0)


@covers("aclnnInplaceMaskedFillScalar aclnnInplaceMaskedFillTensor", ALL)
@pytest.mark.parametrize("dtype", ALL.split())
def test_masked_places_get_the_value(dtype: str) -> None:
    rng = np.random.default_rng(len(dtype))
    values, mask = random(rng, (4, 3, 5), dtype, special=True), random(rng, (3, 1), "bool")
    expected = np.where(mask, np.array(3).astype(values.dtype), values)
    first, second = layout(rng, values), layout(rng, values)
    ao.ops.inplace_masked_fill_scalar(first, layout(rng, mask), 3)
    ao.ops.inplace_masked_fill_tensor(second, layout(rng, mask), ao.asarray(np.array(3).astype(values.dtype)))
    assert_close(first, wide(expected), dtype, 0)
    assert_close(second, wide(expected), dtype, 0)


def test_a_condition_of_floats_is_refused() -> None:
    x = ao.zeros((2,), "float32")
    with pytest.raises(ao.AclError, match="data type of condition") as raised:
        ao.ops.s_where(x, x, x, out=x)
    assert raised.value.code == 161002


def test_bits_of_floats_are_refused() -> None:
    x = ao.zeros((2,), "float32")
    with pytest.raises(ao.AclError, match="data type of self") as raised:
        ao.ops.bitwise_and_tensor(x, x, out=x)
    assert raised.value.code == 161002


def test_close_tensors_have_one_type() -> None:
    x, y = ao.zeros((2,), "float32"), ao.zeros((2,), "float16")
    with pytest.raises(ao.AclError, match="other has data type ACL_FLOAT16, self has ACL_FLOAT") as raised:
        ao.ops.is_close(x, y, 0.1, 0.1, False)
    assert raised.value.code == 161002


def test_order_of_complex_numbers_is_refused() -> None:
    x = ao.zeros((2,), "complex64")
    with pytest.raises(ao.AclError, match="data type of self") as raised:
        ao.ops.lt_tensor(x, x)
    assert raised.value.code == 161002
