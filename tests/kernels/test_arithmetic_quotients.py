"""Quotients, what they leave, extremes and limits, powers and functions of two numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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

Reference = Callable[..., Any]
REALS_AND_INTEGERS = f"{REALS} {INTEGERS}"


def divide(x: Array, y: Array) -> Array:
    return np.true_divide(x, y, dtype=None if x.dtype.kind == "c" else np.float64)


def truncate(x: Array, y: Array) -> Array:
    """Integers by zero: the documents are silent; 0, so that fmod and remainder are the dividend."""
    if x.dtype.kind == "f":
        return np.trunc(x / y)
    quotient = np.floor_divide(x, np.where(y == 0, 1, y))
    inexact = (quotient * y != x) & ((x < 0) != (y < 0))
    return np.where(y == 0, 0, quotient + inexact)


def floor(x: Array, y: Array) -> Array:
    if x.dtype.kind == "f":
        return np.floor(x / y)
    return np.where(y == 0, 0, np.floor_divide(x, np.where(y == 0, 1, y)))


def fmod(x: Array, y: Array) -> Array:
    return np.fmod(x, y) if x.dtype.kind == "f" else np.where(y == 0, x, np.fmod(x, np.where(y == 0, 1, y)))


def remainder(x: Array, y: Array) -> Array:
    """Of floats the exact one: the documents' x - floor(x / y) * y in floats may leave more than y."""
    if x.dtype.kind == "f":
        return np.remainder(x, y)
    return np.where(y == 0, x, np.remainder(x, np.where(y == 0, 1, y)))


def at_most(x: Array, high: Array) -> Array:
    return np.minimum(x, high)


def at_least(x: Array, low: Array) -> Array:
    return np.maximum(x, low)


def clamp(x: Array, low: Array, high: Array) -> Array:
    """In the documents' order: where the limits cross, the lower one wins (PyTorch: the upper one)."""
    return np.maximum(np.minimum(x, high), low)


def power(x: Array, y: Array) -> Array:
    """Integers wrap around; to negative exponents only 1 and -1 give anything but 0."""
    x, y = np.broadcast_arrays(x, y)
    if x.dtype.kind in "fc":
        return np.power(x, y)
    low = {-1: lambda e: (-1) ** (e & 1), 1: lambda e: 1}
    values = [
        low.get(b, lambda e: 0)(e) if e < 0 else (pow(b, e, 2**64) + 2**63) % 2**64 - 2**63
        for b, e in zip(x.ravel().tolist(), y.ravel().tolist(), strict=True)
    ]
    return np.array(values, np.int64).reshape(x.shape)


def atan2(y: Array, x: Array) -> Array:
    return np.arctan2(y.astype(np.float64), x.astype(np.float64))


def log_add_exp(x: Array, y: Array) -> Array:
    return np.logaddexp(x.astype(np.float64), y.astype(np.float64))


def log_add_exp2(x: Array, y: Array) -> Array:
    return np.logaddexp2(x.astype(np.float64), y.astype(np.float64))


def xlogy(x: Array | float, y: Array | float) -> Array:
    left, right = np.asarray(x, np.float64), np.asarray(y, np.float64)
    return np.where(np.isnan(right), right, np.where(left == 0, 0, left * np.log(right)))


def heaviside(x: Array, at_zero: Array) -> Array:
    """NaN is not larger than 0, as in PyTorch."""
    return np.where(x == 0, at_zero, np.where(x > 0, 1.0, 0.0))


FMOD_TYPES = f"{REALS} int8 uint8 int32 int64"
REMAINDER_TYPES = f"{REALS} int32 int64"
SMALL = {"low": -60, "high": 60}
QUOTIENTS = [
    MapCase("aclnnDiv", divide, NUMBERS, tensors=2, ulps=2, to_float=True),
    MapCase("aclnnDiv", divide, COMPLEXES, tensors=2, ulps=5),
    MapCase("aclnnDivs", divide, NUMBERS, values=(3,), ulps=2, to_float=True),
    MapCase("aclnnDivs", divide, COMPLEXES, values=(3,), ulps=5),
    MapCase("aclnnInplaceDiv", divide, f"{REALS} {COMPLEXES}", tensors=2, ulps=5, inplace=True),
    MapCase("aclnnInplaceDivs", divide, f"{REALS} {COMPLEXES}", values=(3,), ulps=5, inplace=True),
    MapCase("aclnnFloorDivide", floor, REALS_AND_INTEGERS, tensors=2),
    MapCase("aclnnInplaceFloorDivide", floor, REALS_AND_INTEGERS, tensors=2, inplace=True),
    MapCase("aclnnFloorDivides", floor, REALS_AND_INTEGERS, values=(3,)),
    MapCase("aclnnInplaceFloorDivides", floor, REALS_AND_INTEGERS, values=(3,), inplace=True),
    MapCase("aclnnFloorDiv", floor, f"{FLOATS} {INTEGERS}", tensors=2),
    MapCase("aclnnFmodTensor", fmod, FMOD_TYPES, tensors=2, **SMALL),
    MapCase("aclnnInplaceFmodTensor", fmod, FMOD_TYPES, tensors=2, inplace=True),
    MapCase("aclnnFmodScalar", fmod, FMOD_TYPES, values=(3,), **SMALL),
    MapCase("aclnnFmodScalar", fmod, FLOATS, values=(0.7,), absolute=1e-9, **SMALL),
    MapCase("aclnnInplaceFmodScalar", fmod, FMOD_TYPES, values=(3,), inplace=True),
    MapCase("aclnnRemainderTensorTensor", remainder, REMAINDER_TYPES, tensors=2, **SMALL),
    MapCase("aclnnRemainderTensorTensor", remainder, "int8 uint8 int16 bool", 2, result="int64", mixed=True),
    MapCase("aclnnInplaceRemainderTensorTensor", remainder, REMAINDER_TYPES, tensors=2, inplace=True),
    MapCase("aclnnRemainderTensorScalar", remainder, REMAINDER_TYPES, values=(-3,), **SMALL),
    MapCase("aclnnInplaceRemainderTensorScalar", remainder, REMAINDER_TYPES, values=(3,), inplace=True),
]

LIMITS = [
    MapCase("aclnnMaximum", np.maximum, NUMBERS, tensors=2),
    MapCase("aclnnMinimum", np.minimum, NUMBERS, tensors=2),
    MapCase("aclnnClampMax", at_most, REALS_AND_INTEGERS, values=(2,)),
    MapCase("aclnnInplaceClampMax", at_most, REALS_AND_INTEGERS, values=(2,), inplace=True),
    MapCase("aclnnClampMaxTensor", at_most, REALS_AND_INTEGERS, tensors=2),
    MapCase("aclnnInplaceClampMaxTensor", at_most, REALS_AND_INTEGERS, tensors=2, inplace=True),
    MapCase("aclnnClampMin", at_least, REALS_AND_INTEGERS, values=(1,)),
    MapCase("aclnnClampMinTensor", at_least, REALS_AND_INTEGERS, tensors=2),
    MapCase("aclnnInplaceClampMinTensor", at_least, REALS_AND_INTEGERS, tensors=2, inplace=True),
    MapCase("aclnnClamp", clamp, REALS_AND_INTEGERS, values=(1, 3)),
    MapCase("aclnnClampTensor", clamp, REALS_AND_INTEGERS, tensors=3),
]

LOGS: dict[str, Any] = {"ulps": 3, "absolute": 1e-6}
OTHERS = "float64 uint16 uint32 uint64"
BASES = {"low": 0, "high": 5}
FUNCTIONS = [
    MapCase("aclnnPowTensorTensor", power, REALS_AND_INTEGERS, tensors=2),
    MapCase("aclnnInplacePowTensorTensor", power, REALS_AND_INTEGERS, tensors=2, inplace=True),
    MapCase("aclnnPow2", power, REALS_AND_INTEGERS, tensors=2),
    MapCase("aclnnPowTensorScalar", power, REALS_AND_INTEGERS, values=(3,)),
    MapCase("aclnnInplacePowTensorScalar", power, REALS_AND_INTEGERS, values=(3,), inplace=True),
    MapCase("aclnnAtan2", atan2, NUMBERS, tensors=2, to_float=True),
    MapCase("aclnnInplaceAtan2", atan2, REALS, tensors=2, inplace=True),
    MapCase("aclnnLogAddExp", log_add_exp, f"{FLOATS} {INTEGERS} bool", 2, to_float=True, **LOGS),
    MapCase("aclnnLogAddExp", log_add_exp, OTHERS, 2, special=False, result="float32", **LOGS),
    MapCase("aclnnLogAddExp2", log_add_exp2, f"{FLOATS} {INTEGERS} bool", 2, to_float=True, **LOGS),
    MapCase("aclnnLogAddExp2", log_add_exp2, OTHERS, 2, special=False, result="float32", **LOGS),
    MapCase("aclnnXLogYTensor", xlogy, NUMBERS, tensors=2, ulps=2, to_float=True),
    MapCase("aclnnInplaceXLogYTensor", xlogy, REALS, tensors=2, ulps=2, inplace=True),
    MapCase("aclnnXLogYScalarOther", xlogy, NUMBERS, values=(3,), ulps=2, to_float=True),
    MapCase("aclnnInplaceXLogYScalarOther", xlogy, REALS, values=(3,), ulps=2, inplace=True),
    MapCase("aclnnGcd", np.gcd, "int16 int32 int64", tensors=2, low=-200, high=200),
    MapCase("aclnnGcd", np.gcd, "int8 uint8 bool", 2, special=False, result="int64", mixed=True),
    MapCase("aclnnHeaviside", heaviside, FLOATS, tensors=2),
]


@parametrize([*QUOTIENTS, *LIMITS, *FUNCTIONS])
def test_functions_of_two_numbers(case: MapCase) -> None:
    check(case)


@covers("aclnnPowTensorTensor aclnnPowTensorScalar aclnnPowScalarTensor", COMPLEXES)
@pytest.mark.parametrize("dtype", COMPLEXES.split())
def test_complex_powers(dtype: str) -> None:
    x, y = (np.array(values).astype(dtype) for values in ([1 + 2j, -3, 0, 0, 2j], [2, 0.5, 2, 0, 1 - 1j]))
    expected = [(1 + 2j) ** 2, (-3 + 0j) ** 0.5, 0, 1, 2j ** (1 - 1j)]
    loose = {"ulps": 16, "absolute": 1e-14}
    assert_close(ao.ops.pow_tensor_tensor(*map(ao.asarray, (x, y))), expected, dtype, **loose)
    assert_close(ao.ops.pow_tensor_scalar(ao.asarray(x), 2), x.astype(np.complex128) ** 2, dtype, **loose)
    assert_close(ao.ops.pow_scalar_tensor(2.0, ao.asarray(x)), 2 ** x.astype(np.complex128), dtype, **loose)


@covers("aclnnPowScalarTensor aclnnXLogYScalarSelf aclnnRemainderScalarTensor", f"{REALS} int32 int64")
@pytest.mark.parametrize("dtype", f"{REALS} int32 int64".split())
def test_a_scalar_on_the_left(dtype: str) -> None:
    values = np.array([1, 2, 3, 5, 7]).astype(host_dtype(dtype))
    x, right = ao.asarray(values), wide(values)
    floats = "float32" if dtype.startswith("int") else dtype
    assert_close(ao.ops.pow_scalar_tensor(3, x), 3**right, dtype)
    assert_close(ao.ops.x_log_y_scalar_self(3, x), 3 * np.log(right), floats, ulps=2)
    assert_close(ao.ops.remainder_scalar_tensor(-8, x), np.remainder(-8, right), dtype)


MODES = [(0, divide), (1, truncate), (2, floor)]


@covers("aclnnDivMod aclnnDivMods", REALS_AND_INTEGERS)
@pytest.mark.parametrize(("mode", "reference"), MODES, ids=["exact", "trunc", "floor"])
def test_division_rounds_as_its_mode_says(mode: int, reference: Reference) -> None:
    common = {"values": (mode,), "ulps": 2, "to_float": mode == 0}
    check(MapCase("aclnnDivMod", lambda x, y, _: reference(x, y), REALS_AND_INTEGERS, 2, **common), 2)
    common["values"] = (3, mode)
    check(MapCase("aclnnDivMods", lambda x, y, _: reference(x, y), REALS_AND_INTEGERS, **common), 2)


@covers("aclnnInplaceDivMod aclnnInplaceDivMods", REALS_AND_INTEGERS)
@pytest.mark.parametrize(("mode", "reference"), MODES, ids=["exact", "trunc", "floor"])
def test_division_in_place_rounds_as_its_mode_says(mode: int, reference: Reference) -> None:
    dtypes = REALS if mode == 0 else REALS_AND_INTEGERS
    common = {"ulps": 2, "inplace": True}
    check(MapCase("aclnnInplaceDivMod", lambda x, y, _: reference(x, y), dtypes, 2, (mode,), **common), 2)
    check(MapCase("aclnnInplaceDivMods", lambda x, y, _: reference(x, y), dtypes, 1, (3, mode), **common), 2)


def test_quotients_of_integers_may_go_to_integers_and_those_of_floats_may_not() -> None:
    """Castable has to be the type that self and other meet in (of scalar forms: self's)."""
    x, out = ao.asarray(np.int32([7, -7])), ao.zeros((2,), "int32")
    assert ao.ops.div(x, ao.asarray(np.int32([2])), out=out).numpy().tolist() == [3, -3]
    assert ao.ops.divs(x, 2.0, out=out).numpy().tolist() == [3, -3]
    y = ao.zeros((2,), "float32")
    for name, other in (("div", x), ("divs", 2)):
        with pytest.raises(ao.AclError, match="a quotient of ACL_FLOAT cannot be stored") as raised:
            getattr(ao.ops, name)(y, other, out=out)
        assert raised.value.code == 161002


@pytest.mark.parametrize(
    ("dtype", "scalar", "wide_scalar"),
    [
        ("float16", np.float32(0.1), True),
        ("bfloat16", np.float32(0.1), True),
        ("bfloat16", 0.1, True),
        ("float16", 0.1, False),
        ("float32", 0.1, False),
    ],
)
def test_halves_are_divided_by_scalars_that_are_not_rounded(
    dtype: str, scalar: float, wide_scalar: bool
) -> None:
    """But FLOAT16 by a DOUBLE, which becomes FLOAT16 first: the operator's source."""
    values = np.arange(1, 40).astype(host_dtype(dtype))
    divisor = np.float64(np.float32(scalar)) if wide_scalar else float(host_dtype(dtype).type(scalar))
    result = ao.ops.divs(ao.asarray(values), scalar)
    assert_close(result, wide(values) / divisor, dtype, 0)


def test_floored_quotients_promote_scalars_as_tensors_and_go_to_any_type() -> None:
    """The operator's source checks no output type; BOOL is divided as FLOAT."""
    narrow, out = ao.asarray(np.int8([100, -100])), ao.zeros((2,), "int32")
    assert ao.ops.floor_divides(narrow, 300, out=out).numpy().tolist() == [0, -1]
    assert ao.ops.floor_divides(narrow, 1.5, out=out).numpy().tolist() == [66, -67]
    yes, no = ao.asarray(np.array([True, True])), ao.asarray(np.array([True, False]))
    assert ao.ops.floor_divide(yes, no, out=ao.zeros((2,), "float32")).numpy().tolist() == [1, np.inf]
    ao.ops.inplace_floor_divides(out, 2.5)
    assert out.numpy().tolist() == [26, -27]


@pytest.mark.parametrize("name", ["clamp", "clamp_min", "clamp_max"])
def test_limits_that_are_scalars_take_the_output_type(name: str) -> None:
    """As self does, which has to be castable to it."""
    x = ao.asarray(np.int32([-5, 1, 2, 3]))
    limits = {"clamp": (0.5, 2.5), "clamp_min": (0.5,), "clamp_max": (2.5,)}[name]
    expected = {"clamp": [0, 1, 2, 2], "clamp_min": [0, 1, 2, 3], "clamp_max": [-5, 1, 2, 2]}[name]
    assert getattr(ao.ops, name)(x, *limits, out=ao.zeros((4,), "int32")).numpy().tolist() == expected
    for given, text in (
        ("float32", "self is ACL_FLOAT, which cannot be cast"),
        ("bool", "data type of self"),
    ):
        with pytest.raises(ao.AclError, match=text) as raised:
            getattr(ao.ops, name)(ao.zeros((4,), given), *limits, out=ao.zeros((4,), "int32"))
        assert raised.value.code == 161002


@pytest.mark.parametrize(("low", "high"), [(None, 2), (1, None), (1, 2)])
def test_a_limit_may_be_absent(low: float | None, high: float | None) -> None:
    values = np.array([0.5, 1.5, 2.5, np.nan], np.float32)
    expected = np.clip(values, low, high)
    x, out = ao.asarray(values), ao.zeros((4,), "float32")
    np.testing.assert_array_equal(ao.ops.clamp(x, low, high, out=out).numpy(), expected)
    limits = [None if limit is None else ao.asarray(np.float32([limit])) for limit in (low, high)]
    np.testing.assert_array_equal(ao.ops.clamp_tensor(x, *limits, out=out).numpy(), expected)


def test_a_clamp_without_limits_is_refused() -> None:
    x = ao.zeros((2,), "float32")
    with pytest.raises(ao.AclError, match="clipValueMin and clipValueMax are both NULL") as raised:
        ao.ops.clamp(x, None, None, out=x)
    assert raised.value.code == 161001


def test_crossing_limits_give_the_lower_one() -> None:
    x = ao.asarray(np.float32([0, 5, 10]))
    assert ao.ops.clamp(x, 6, 4).numpy().tolist() == [6, 6, 6]


def refused_pairs() -> list[Any]:
    """By CANN's source. The document of aclnnGcd has INT8, that of aclnnRemainder* COMPLEX64 outputs."""
    f32, f64, i8, i32 = (ao.zeros(2, kind) for kind in ("float32", "float64", "int8", "int32"))
    return [
        ("gcd", (i8, i8), "int8", "promote to ACL_INT8"),
        ("gcd", (i32, i32), "float32", "out"),
        ("remainder_tensor_tensor", (i8, i8), "int8", "promote to ACL_INT8"),
        ("remainder_scalar_tensor", (2.0, f32), "int32", "other"),
        ("remainder_scalar_tensor", (2.0, i32), "int8", "out"),
        ("fmod_tensor", (i8, ao.zeros(2, "uint8")), "int32", "promote to ACL_INT16"),
        ("fmod_tensor", (i32, ao.zeros(2, "int16")), "int32", "other"),
        ("log_add_exp", (f64, f64), "float64", "out"),
        ("maximum", (f32, f32), "complex64", "out"),
        ("heaviside", (f32, f32), "float64", "out"),
        ("logical_not", (ao.zeros(2, "complex64"),), "bool", "self"),
        ("logical_xor", (i32, i32), "uint16", "out"),
    ]


@pytest.mark.parametrize("which", range(12))
def test_refuses_types_that_the_source_does_not_have(which: int) -> None:
    name, inputs, result, text = refused_pairs()[which]
    with pytest.raises(ao.AclError, match=text) as raised:
        getattr(ao.ops, name)(*inputs, out=ao.zeros(2, result))
    assert raised.value.code == 161002


def test_integers_meet_scalars_of_double_in_double() -> None:
    """Python's floats are DOUBLE. By CANN's source; the document's table has FLOAT."""
    x = np.array([7, 1_000_003], np.int32)
    out = ao.empty(2, "float64")
    ao.ops.remainder_tensor_scalar(ao.asarray(x), 0.1, out=out)
    np.testing.assert_array_equal(out.numpy(), np.mod(x.astype(np.float64), 0.1))
    ao.ops.rsubs(ao.asarray(x), 0.1, 1, out=out)
    np.testing.assert_array_equal(out.numpy(), 0.1 - x.astype(np.float64))


def test_rsub_refuses_an_alpha_that_integers_cannot_have() -> None:
    x = ao.zeros(2, "int32")
    with pytest.raises(ao.AclError, match="alpha") as raised:
        ao.ops.rsub(x, x, 2.5, out=ao.zeros(2, "int32"))
    assert raised.value.code == 161002


def test_fmod_casts_its_results_to_integers() -> None:
    x, out = ao.asarray(np.array([7, -7], np.int32)), ao.empty(2, dtype="int32")
    assert ao.ops.fmod_scalar(x, 2.75, out=out).numpy().tolist() == [1, -1]


def test_a_fourth_rounding_mode_is_refused() -> None:
    x = ao.zeros((2,), "float32")
    with pytest.raises(ao.AclError, match="mode is 3; allowed are 0") as raised:
        ao.ops.div_mod(x, x, 3, out=x)
    assert raised.value.code == 161002


def test_negative_powers_of_integers_are_refused() -> None:
    x = ao.zeros((2,), "int32")
    with pytest.raises(ao.AclError, match="exponent is -1; integers allow no negative") as raised:
        ao.ops.pow_tensor_scalar(x, -1, out=x)
    assert raised.value.code == 161002
