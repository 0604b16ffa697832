"""Rounding, signs, parts of numbers and questions about them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from kernels.arrays import FLOATS, INTEGERS, NUMBERS, REALS, Array, assert_close, covers
from kernels.maps import MapCase, check, parametrize

import ascend_ops as ao

WHOLE = f"{INTEGERS} bool"


def sign(x: Array) -> Array:
    """0 for NaN, as PyTorch has it: the documents do not say."""
    if x.dtype.kind == "c":
        return np.where(x == 0, 0, x / np.abs(x))
    return x if x.dtype == bool else np.greater(x, 0) * 1 - np.less(x, 0)


def signbit(x: Array) -> Array:
    return np.asarray(np.signbit(x) if x.dtype.kind == "f" else x < 0)


def whole(function: Any) -> Any:
    return lambda x, *rest: function(x, *rest) if x.dtype.kind == "f" else x


def frac(x: Array) -> Array:
    """NaN for infinity: infinity minus its whole part."""
    return x - np.trunc(x) if x.dtype.kind == "f" else x * 0


def round_decimals(x: Array, decimals: int) -> Array:
    power = 10.0 ** abs(decimals)
    if x.dtype.kind == "i":
        return x if decimals >= 0 else (np.rint(x / power) * power).astype(np.int64)
    return np.rint(x * power) / power if decimals >= 0 else np.rint(x / power) * power


def nan_to_num(x: Array, nan: float, positive: float, negative: float) -> Array:
    return np.nan_to_num(x, nan=nan, posinf=positive, neginf=negative) if x.dtype.kind == "f" else x


def angle(x: Array) -> Array:
    """NaN stays; 0 for -0, as PyTorch has it for real numbers."""
    if x.dtype.kind == "c":
        return np.angle(x)
    return np.where(np.isnan(x), np.nan, np.where(x < 0, np.pi, 0)) if x.dtype != bool else x * 0.0


def question(function: Any, otherwise: bool) -> Any:
    return lambda x: function(x) if x.dtype.kind == "f" else np.full(x.shape, otherwise)


def both(name: str, reference: Any, dtypes: str, **options: Any) -> Iterator[MapCase]:
    yield MapCase(f"aclnn{name}", reference, dtypes, **options)
    yield MapCase(f"aclnnInplace{name}", reference, dtypes, inplace=True, **options)


NO_DOUBLE = f"{FLOATS} {WHOLE}"
ROUND_TYPES = f"{REALS} int32 int64"

CASES = [
    MapCase("aclnnAbs", lambda x: np.abs(x), NUMBERS),
    MapCase("aclnnAbs", lambda x: np.abs(x), "complex64", result="float32"),
    *both("Neg", lambda x: -x, f"{REALS} int8 int32 int64 complex64 complex128"),
    MapCase("aclnnSign", sign, f"{REALS} int32 int64 bool complex64 complex128", low=-1, high=1, ulps=4),
    MapCase(
        "aclnnSignbit", lambda x: x < 0 if x.dtype.kind != "f" else np.signbit(x), NUMBERS, result="bool"
    ),
    MapCase("aclnnSignbit", lambda x: x != x, "uint16 uint32 uint64", special=False, result="int8"),
    *both("Floor", whole(np.floor), f"{REALS} {INTEGERS} uint16 uint32"),
    *both("Ceil", whole(np.ceil), REALS),
    *both("Round", whole(np.rint), ROUND_TYPES),
    *both("RoundDecimals", round_decimals, ROUND_TYPES, values=(1,), ulps=2),
    *both("Trunc", np.trunc, FLOATS),
    *both("Frac", frac, f"{FLOATS} {INTEGERS}"),
    MapCase("aclnnReal", lambda x: x, "float32 float16"),
    MapCase("aclnnReal", np.real, "complex64", result="float32"),
    MapCase("aclnnReal", np.real, "complex128", result="float64"),
    MapCase("aclnnRealV2", lambda x: x, "float32 float16"),
    MapCase("aclnnRealV2", np.real, "complex64", result="float32"),
    MapCase("aclnnAngleV2", angle, f"{FLOATS} {WHOLE}", to_float=True),
    MapCase("aclnnAngleV2", angle, "complex64", result="float32"),
    MapCase("aclnnIsInf", question(np.isinf, False), NUMBERS, result="bool"),
    MapCase("aclnnIsPosInf", question(np.isposinf, False), NO_DOUBLE, result="bool"),
    MapCase("aclnnIsNegInf", question(np.isneginf, False), NO_DOUBLE, result="bool"),
    MapCase("aclnnIsFinite", question(np.isfinite, True), NUMBERS, result="bool"),
    *both("NanToNum", nan_to_num, f"{FLOATS} {WHOLE}", values=(0.5, 1024.0, -1024.0)),
]


@parametrize(CASES)
def test_parts_of_numbers(case: MapCase) -> None:
    check(case, examples=2)


@covers("aclnnRoundDecimals", "float32 int32")
@pytest.mark.parametrize("decimals", [-2, 0, 3])
def test_rounds_to_decimals(decimals: int) -> None:
    for x in (
        np.array([1234.5678, -50.0, 150.0, 250.0], np.float32),
        np.array([1234, 150, -250, 51], np.int32),
    ):
        with np.errstate(all="ignore"):
            expected = round_decimals(x.astype(float if x.dtype.kind == "f" else int), decimals)
        assert_close(ao.ops.round_decimals(ao.asarray(x), decimals), expected, x.dtype.name)


def test_rounds_large_integers_exactly_and_around_the_end() -> None:
    """fp64 would lose their last digits; what is past the end is where it wraps to."""
    x = np.array([2**63 - 1, -(2**63), 2**53 + 5, 25, 35, -25, -35, 0], np.int64)
    wrapped = [10 * round(value / 10) for value in map(Fraction, x.tolist())]
    expected = [(value + 2**63) % 2**64 - 2**63 for value in wrapped]
    assert ao.ops.round_decimals(ao.asarray(x), -1).numpy().tolist() == expected
    assert ao.ops.round_decimals(ao.asarray(x), -19).numpy().tolist() == [0] * 8


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: ao.ops.ceil(ao.asarray(np.zeros(2, np.int32))), "self"),
        (lambda: ao.ops.trunc(ao.asarray(np.zeros(2))), "self"),
        (lambda: ao.ops.neg(ao.asarray(np.zeros(2, bool))), "self"),
        (lambda: ao.ops.is_finite(ao.asarray(np.zeros(2)), out=ao.empty((2, 1), dtype="bool")), "out"),
        (lambda: ao.ops.abs(ao.asarray(np.zeros(2)), out=ao.empty(2, dtype="bool")), "out"),
        (lambda: ao.ops.is_pos_inf(ao.asarray(np.zeros(2))), "self"),
        *[
            (
                lambda name=name: getattr(ao.ops, name)(ao.zeros(2, "float16"), out=ao.empty(2, "float32")),
                "out",
            )
            for name in ("floor", "ceil", "round", "trunc", "real")
        ],
        (lambda: ao.ops.round_decimals(ao.zeros(2, "int32"), 1, out=ao.empty(2, "int64")), "out"),
        (
            lambda: ao.ops.nan_to_num(
                ao.zeros(2, "float32"), 0.0, 1.0, 2.0, out=ao.empty(2, dtype="float64")
            ),
            "out",
        ),
        (lambda: ao.ops.is_inf(ao.zeros(2, "float32"), out=ao.empty(2, dtype="uint8")), "out"),
    ],
)
def test_refuses(call: Any, argument: str) -> None:
    with pytest.raises(ao.AscendError, match=argument) as caught:
        call()
    assert caught.value.code == 161002
