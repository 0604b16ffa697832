"""Sums, differences and products: scalar, in-place, versioned forms; what two types promote to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from kernels.arrays import (
    COMPLEXES,
    FLOATS,
    INTEGERS,
    NUMBERS,
    REALS,
    Array,
    assert_close,
    covers,
    host_dtype,
    wide,
)
from kernels.maps import MapCase, check, parametrize

import ascend_ops as ao

REALS_AND_INTEGERS = f"{REALS} {INTEGERS}"
SIGNED = f"{REALS_AND_INTEGERS} {COMPLEXES}"
ALL = f"{NUMBERS} {COMPLEXES}"


def add(x: Array, y: Array, alpha: float) -> Array:
    return x + alpha * y


def subtract(x: Array, y: Array, alpha: float) -> Array:
    return (x ^ y) if x.dtype == bool else x - alpha * y


def rsub(x: Array, y: Array, alpha: float) -> Array:
    return y - alpha * x


def add_relu(x: Array, y: Array, alpha: float) -> Array:
    """ReLU as the comparison with 0 has it: a NaN is not smaller. Integers wrap around in int64 first."""
    total = x + alpha * y
    return np.where(total <= 0, 0, total)


def addcmul(x: Array, y: Array, z: Array, value: float) -> Array:
    return x + value * y * z


def addcdiv(x: Array, y: Array, z: Array, value: float) -> Array:
    return x + value * (y / z)


def lerp(start: Array, end: Array, weight: Array | float) -> Array:
    return start + weight * (end - start)


def multiply(x: Array, y: Array) -> Array:
    return x * y


def two(
    operator: str, reference: Callable[..., Array], dtypes: str, alpha: float = 2, **more: object
) -> MapCase:
    return MapCase(operator, reference, dtypes, tensors=2, values=(alpha,), **more)  # type: ignore[arg-type]


CASES = [
    MapCase("aclnnInplaceAdds", add, SIGNED, values=(2, 3), inplace=True),
    two("aclnnSub", subtract, SIGNED),
    two("aclnnInplaceSub", subtract, SIGNED, inplace=True),
    MapCase("aclnnSubs", subtract, SIGNED, values=(2, 3)),
    MapCase("aclnnInplaceSubs", subtract, SIGNED, values=(2, 3), inplace=True),
    two("aclnnRsub", rsub, SIGNED),
    MapCase("aclnnRsubs", rsub, SIGNED, values=(3, 2)),
    two("aclnnAddRelu", add_relu, f"{FLOATS} int32", low=-100, high=100, special=False),
    two("aclnnInplaceAddRelu", add_relu, f"{FLOATS} int32", special=False, inplace=True),
    MapCase("aclnnMul", multiply, ALL, tensors=2, ulps=2),
    MapCase("aclnnInplaceMul", multiply, ALL, tensors=2, ulps=2, inplace=True),
    MapCase("aclnnMuls", multiply, SIGNED, values=(3,)),
    MapCase("aclnnInplaceMuls", multiply, SIGNED, values=(3,), inplace=True),
    # Of one sign, so that the roundings inside are not larger than the result's.
    MapCase(
        "aclnnAddcmul", addcmul, REALS_AND_INTEGERS, tensors=3, values=(3,), low=1, ulps=3, special=False
    ),
    MapCase(
        "aclnnInplaceAddcmul",
        addcmul,
        REALS_AND_INTEGERS,
        tensors=3,
        values=(3,),
        low=1,
        ulps=3,
        inplace=True,
    ),
    MapCase("aclnnAddcdiv", addcdiv, REALS, tensors=3, values=(3,), low=1, ulps=3, special=False),
    MapCase("aclnnInplaceAddcdiv", addcdiv, REALS, tensors=3, values=(3,), low=1, ulps=3, inplace=True),
    MapCase("aclnnLerp", lerp, FLOATS, tensors=3, absolute=1e-5),
    MapCase("aclnnInplaceLerp", lerp, FLOATS, tensors=3, absolute=1e-5, inplace=True),
    MapCase("aclnnLerps", lerp, FLOATS, tensors=2, values=(0.75,), absolute=1e-5),
    MapCase("aclnnInplaceLerps", lerp, FLOATS, tensors=2, values=(0.75,), absolute=1e-5, inplace=True),
]


@parametrize(CASES)
def test_sums_and_products(case: MapCase) -> None:
    check(case)


@covers("aclnnSub aclnnInplaceSub aclnnSubs aclnnInplaceSubs aclnnMuls aclnnInplaceMuls", "bool")
def test_bool_differences_and_products_count_modulo_what_is_true() -> None:
    """The documents list BOOL without saying what 0 - 1 is: -1, which is true."""
    x, y = np.array([False, False, True, True]), np.array([False, True, False, True])
    left, right = ao.asarray(x), ao.asarray(y)
    assert (ao.ops.sub(left, right, True).numpy() == (x ^ y)).all()
    assert (ao.ops.subs(left, True, True).numpy() == ~x).all()
    assert (ao.ops.muls(left, True).numpy() == x).all()
    for call, arguments, expected in (
        (ao.ops.inplace_sub, (right, True), x ^ y),
        (ao.ops.inplace_subs, (True, True), ~x),
        (ao.ops.inplace_muls, (False,), x & False),
    ):
        target = ao.asarray(x)
        call(target, *arguments)
        assert (target.numpy() == expected).all()


@covers("aclnnAddV3 aclnnInplaceAddV3", f"{FLOATS} int32 int8")
@pytest.mark.parametrize("dtype", f"{FLOATS} int32 int8".split())
def test_a_scalar_plus_a_scaled_tensor(dtype: str) -> None:
    values = np.arange(-6, 6).reshape(3, 4).astype(host_dtype(dtype))
    x = ao.asarray(values)
    assert_close(ao.ops.add_v3(5, x, 2), 5 + 2 * values.astype(np.float64), dtype)
    ao.ops.inplace_add_v3(5, x, 2)
    assert_close(x, 5 + 2 * values.astype(np.float64), dtype)


@covers("aclnnAxpyV2", FLOATS)
@pytest.mark.parametrize("dtype", FLOATS.split())
def test_axpy_takes_its_factor_from_a_tensor(dtype: str) -> None:
    """No document: self + alpha * other, as the operator's name says; alpha has one element."""
    x, y = (np.arange(6).reshape(2, 3) * k for k in (1.0, 0.5))
    host = [values.astype(host_dtype(dtype)) for values in (x, y, np.full(1, 3.0))]
    out = ao.zeros((2, 3), dtype)
    ao.ops.axpy_v2(*map(ao.asarray, host), out=out)
    assert_close(out, x + 3 * y, dtype)


PROMOTIONS = [
    ("int8", "uint8", "int16"),
    ("bool", "int64", "int64"),
    ("int64", "float16", "float16"),
    ("float16", "bfloat16", "float32"),
    ("bfloat16", "float32", "float32"),
    ("float32", "float64", "float64"),
    ("float32", "complex64", "complex64"),
    ("float64", "complex64", "complex128"),
]


@pytest.mark.parametrize(("left", "right", "result"), PROMOTIONS)
def test_two_types_meet_in_the_promoted_one(left: str, right: str, result: str) -> None:
    x, y = np.ones(3).astype(host_dtype(left)), np.arange(3).astype(host_dtype(right))
    for pair in ((x, y), (y, x)):
        assert_close(ao.ops.mul(*map(ao.asarray, pair)), y, result)


def test_a_scalar_raises_the_category_of_a_tensor_and_not_its_width() -> None:
    ints = ao.asarray(np.arange(3, dtype=np.int32))
    assert ao.ops.muls(ints, 2.5).numpy().tolist() == [0.0, 2.5, 5.0]
    assert ao.ops.muls(ints, 2.5).dtype == ao.float32
    halves = ao.asarray(np.arange(3, dtype=np.float16))
    assert ao.ops.muls(halves, 1e3).dtype == ao.float16


REFUSED = [
    ("rsub", "bool", {}, "data type of self"),
    ("addcdiv", "int32", {}, "data type of self"),
    ("lerp", "int32", {}, "data type of self"),
]


@pytest.mark.parametrize(("name", "dtype", "named", "text"), REFUSED)
def test_types_without_the_operator_are_refused(
    name: str, dtype: str, named: dict[str, object], text: str
) -> None:
    x = ao.zeros((2,), dtype)
    tensors = {"rsub": 2, "addcdiv": 3, "lerp": 3}[name]
    scalars = () if name == "lerp" else (1,)
    with pytest.raises(ao.AclError, match=text) as raised:
        getattr(ao.ops, name)(*[x] * tensors, *scalars, out=x)
    assert raised.value.code == 161002


def test_floats_are_not_written_into_integers() -> None:
    ints, floats = ao.zeros((2,), "int32"), ao.zeros((2,), "float32")
    with pytest.raises(ao.AclError, match="result of type ACL_FLOAT cannot be stored in selfRef") as raised:
        ao.ops.inplace_mul(ints, floats)
    assert raised.value.code == 161002


def test_shapes_that_do_not_broadcast_are_refused() -> None:
    x, y = ao.zeros((2, 3), "float32"), ao.zeros((4,), "float32")
    with pytest.raises(ao.AclError, match="do not broadcast") as raised:
        ao.ops.mul(x, y, out=x)
    assert raised.value.code == 161002


def test_products_with_scalars_go_to_any_type() -> None:
    """Their source checks no cast on Atlas A2 and A3. BF16 meets the scalar in FLOAT."""
    x = ao.asarray(np.int32([3, -3]))
    ao.ops.inplace_muls(x, 2.5)
    assert x.numpy().tolist() == [7, -7]
    assert ao.ops.muls(x, 0.25, out=ao.zeros((2,), "bool")).numpy().tolist() == [True, True]
    for dtype, scalar in (("bfloat16", float(np.float32(0.1))), ("float16", float(np.float16(0.1)))):
        values = np.arange(1, 40).astype(host_dtype(dtype))
        assert_close(ao.ops.muls(ao.asarray(values), 0.1), wide(values) * scalar, dtype, 0)
