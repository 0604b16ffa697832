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


UNSIGNED = "uint16 uint32 uint64"
ORDERS = [(name, relation, UNSIGNED) for name, relation in RELATIONS.items() if name in ("Lt", "Gt", "Ge")]


@pytest.mark.parametrize(
    ("name", "relation", "dtypes"),
    [
        pytest.param(*case, marks=covers(f"aclnn{case[0]}Tensor aclnn{case[0]}Scalar", case[2]))
        for case in [*ORDERS, ("Le", operator.le, "uint16")]
    ],
)
def test_order_of_unsigned_numbers(name: str, relation: Callable[..., Any], dtypes: str) -> None:
    """A scalar has to be of the tensor's type: these promote with no other."""
    tensors, scalars = (getattr(ao.ops, f"{name.lower()}_{form}") for form in ("tensor", "scalar"))
    for dtype in dtypes.split():
        most = int(np.iinfo(dtype).max)
        x, y = np.array([[0, 1, most, most - 1]], dtype), np.array([[1], [most]], dtype)
        assert tensors(ao.asarray(x), ao.asarray(y)).numpy().tolist() == relation(x, y).tolist()
        assert scalars(ao.asarray(x), y[0, 0]).numpy().tolist() == relation(x, y[0, 0]).tolist()


def test_at_most_does_not_know_the_widest_unsigned_numbers() -> None:
    x = ao.asarray(np.array([1], "uint64"))
    with pytest.raises(ao.AclError, match="data type of self") as raised:
        ao.ops.le_tensor(x, x)
    assert raised.value.code == 161002


@pytest.mark.parametrize(
    ("name", "value", "scalar", "expected"),
    [
        # Integers are ordered in the wider type ...
        ("gt", np.int8(100), 300, False),
        ("ge", np.int8(100), 300, False),
        ("lt", np.int8(100), 300, True),
        ("le", np.uint8(200), -1, False),
        # ... but asked for equality in the tensor's.
        ("eq", np.int8(44), 300, True),
        ("ne", np.int8(44), 300, False),
        # aclnnGt* and aclnnGe* compute in DOUBLE with one that FLOAT16 does not hold; the others round it.
        ("ge", np.float16(0.1), 0.1, False),
        ("gt", np.float16(0.1), 0.09995, True),
        ("le", np.float16(0.1), 0.1, True),
        ("lt", np.float16(0.1), 0.1, False),
        ("eq", np.float16(0.1), 0.1, True),
        ("ge", np.float32(0.1), 0.1, True),
        # Integers meet a DOUBLE in DOUBLE, for aclnnLt* and aclnnLe* in FLOAT.
        ("eq", np.int32(2**24 + 1), float(2**24), False),
        ("ne", np.int32(2**24 + 1), float(2**24), True),
        ("gt", np.int32(2**24 + 1), float(2**24), True),
        ("le", np.int32(2**24 + 1), float(2**24), True),
    ],
)
def test_scalars_are_compared_by_the_rule_of_each_relation(
    name: str, value: Any, scalar: float, expected: bool
) -> None:
    """The operators' sources, where the documents only say that the types promote."""
    result = getattr(ao.ops, f"{name}_scalar")(ao.asarray(np.array([value])), scalar)
    assert result.numpy().tolist() == [expected]


@covers("aclnnBitwiseOrTensor aclnnInplaceBitwiseOrTensor", UNSIGNED)
@pytest.mark.parametrize("dtype", UNSIGNED.split())
def test_bits_of_unsigned_numbers(dtype: str) -> None:
    most = int(np.iinfo(dtype).max)
    x, y = np.array([0, 5, most - 1], dtype), np.array([most, 2, 1], dtype)
    assert ao.ops.bitwise_or_tensor(ao.asarray(x), ao.asarray(y)).numpy().tolist() == (x | y).tolist()
    target = ao.asarray(x)
    ao.ops.inplace_bitwise_or_tensor(target, ao.asarray(y))
    assert target.numpy().tolist() == (x | y).tolist()


@pytest.mark.parametrize("name", ["bitwise_not", "bitwise_xor_tensor"])
def test_some_bits_of_unsigned_numbers_are_refused(name: str) -> None:
    x = ao.zeros((2,), "uint16")
    with pytest.raises(ao.AclError, match="data type of self") as raised:
        getattr(ao.ops, name)(*[x] * (1 if name == "bitwise_not" else 2), out=x)
    assert raised.value.code == 161002


@covers("aclnnSWhere", f"{ALL} {UNSIGNED}")
@pytest.mark.parametrize("dtype", f"{ALL} {UNSIGNED}".split())
def test_where_takes_one_or_the_other(dtype: str) -> None:
    rng = np.random.default_rng(len(dtype))
    condition = random(rng, (4, 1, 5), "bool")
    yes, no = random(rng, (3, 5), dtype, special=True), random(rng, (4, 3, 1), dtype, special=True)
    result = ao.ops.s_where(*(layout(rng, values) for values in (condition, yes, no)))
    assert_close(result, wide(np.where(condition, yes, no)), dtype, 0)
    other = ao.ops.s_where(ao.asarray(condition.astype(np.uint8) * 7), layout(rng, yes), layout(rng, no))
    assert_close(other, wide(np.where(condition, yes, no)), dtype, 0)


def test_a_choice_goes_to_any_type_as_a_cast_does() -> None:
    """The operator's source checks no more than the list of types."""
    out, x = ao.zeros((2,), "int32"), ao.asarray(np.float32([1.5, -2.5]))
    ao.ops.s_where(ao.asarray(np.array([True, False])), x, ao.asarray(np.float32([0.5])), out=out)
    assert out.numpy().tolist() == [1, 0]


FILLED = "float32 float16 bfloat16 int8 int32 int64 bool"


@covers("aclnnInplaceMaskedFillScalar aclnnInplaceMaskedFillTensor", FILLED)
@pytest.mark.parametrize("dtype", FILLED.split())
def test_masked_places_get_the_value(dtype: str) -> None:
    rng = np.random.default_rng(len(dtype))
    values, mask = random(rng, (4, 3, 5), dtype, special=True), random(rng, (3, 1), "bool")
    expected = np.where(mask, np.array(3).astype(values.dtype), values)
    first, second = layout(rng, values), layout(rng, values)
    ao.ops.inplace_masked_fill_scalar(first, layout(rng, mask), 3)
    ao.ops.inplace_masked_fill_tensor(second, layout(rng, mask), ao.asarray(np.array(3).astype(values.dtype)))
    assert_close(first, wide(expected), dtype, 0)
    assert_close(second, wide(expected), dtype, 0)


@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_only_bool_and_uint8_are_conditions(dtype: str) -> None:
    x = ao.zeros((2,), "float32")
    with pytest.raises(ao.AclError, match="data type of condition") as raised:
        ao.ops.s_where(ao.zeros((2,), dtype), x, x, out=x)
    assert raised.value.code == 161002


@pytest.mark.parametrize(
    ("values", "mask", "value", "text"),
    [
        ("int16", "bool", (), "data type of selfRef"),
        ("float32", "uint8", (), "data type of mask"),
        ("float32", "bool", (1,), "value .* has 1 dim"),
        ("float32", "bool", (), None),
    ],
)
def test_what_fills_is_one_number(values: str, mask: str, value: tuple[int, ...], text: str | None) -> None:
    x, number = ao.zeros((2,), values), ao.zeros(value, "float32" if text else "float64")
    with pytest.raises(ao.AclError, match=text or "data type of value") as raised:
        ao.ops.inplace_masked_fill_tensor(x, ao.zeros((2,), mask), number)
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
