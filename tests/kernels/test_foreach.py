"""The foreach operators: lists of tensors with each other, with numbers, with a number for each item. Half
types are computed in float32 and rounded once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from kernels.arrays import (
    FLOATS,
    Array,
    assert_close,
    blank,
    covers,
    is_float,
    layout,
    random,
    seeds,
    shape_of,
    wide,
)

import ascend_ops as ao
from ascend_ops.ops._names import operator_name

SMALL = "int16 int8 uint8"
ONE = f"{FLOATS} int32"

SUMS = 1e-5
"""Absolute: sums of float32 products that cancel keep the products' rounding."""


@dataclass(frozen=True)
class ForeachCase:
    operator: str
    """aclnnForeachAbs"""
    reference: Callable[..., Any]
    dtypes: str = FLOATS
    lists: int = 1
    """Lists of tensors, which come first, unless `number_first`."""
    number: str | None = None
    """What stands beside them: scalar, tensor, list (of scalars), elements (of a tensor, one each)."""
    inplace: bool = False
    number_first: bool = False
    low: float = -4
    high: float = 4
    ulps: float = 1
    absolute: float = 0


def parametrize(cases: Iterable[ForeachCase]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "case",
        [pytest.param(case, id=case.operator, marks=covers(case.operator, case.dtypes)) for case in cases],
    )


def numbers_of(
    case: ForeachCase, rng: np.random.Generator, dtype: str, count: int
) -> tuple[list[Any], list[Any]]:
    """The argument (none, or one), and the number that each item meets."""
    if case.number is None:
        return [], []
    # Numbers are FLOAT beside BF16 and INT32 beside narrow integers, except in a tensor with one for each.
    given = dtype if case.number == "elements" or dtype != "bfloat16" else "float32"
    given = "int32" if dtype in SMALL.split() else given
    values = random(rng, (count,), given, low=0 if "Pow" in case.operator else -3, high=3)
    if case.number == "elements":
        return [ao.asarray(values)], list(wide(values))
    plain = [value.item() for value in wide(values)]
    if case.number == "list":
        return [plain], plain
    first = ao.asarray(values[:1].reshape(())) if rng.random() < 0.5 else ao.asarray(values[:1])
    return [first if case.number == "tensor" else plain[0]], plain[:1] * count


def check_once(case: ForeachCase, rng: np.random.Generator, dtype: str) -> None:
    shapes = [shape_of(rng, most=3) for _ in range(int(rng.integers(1, 4)))]
    lists = [
        [random(rng, shape, dtype, case.low, case.high, special=is_float(dtype)) for shape in shapes]
        for _ in range(case.lists)
    ]
    arguments, numbers = numbers_of(case, rng, dtype, len(shapes))
    device: list[Any] = [[layout(rng, values) for values in each] for each in lists]
    out = device[0] if case.inplace else [blank(rng, shape, dtype) for shape in shapes]
    ordered = [*arguments, *device] if case.number_first else [*device, *arguments]
    getattr(ao.ops, operator_name(case.operator))(*ordered, **({} if case.inplace else {"out": out}))
    for i, tensor in enumerate(out):
        items = [wide(each[i]) for each in lists]
        given = [np.full(items[0].shape, number) for number in numbers[i : i + 1]]
        with np.errstate(all="ignore"):
            expected = case.reference(*given, *items) if case.number_first else case.reference(*items, *given)
        assert_close(tensor, expected, dtype, case.ulps, case.absolute)


def check(case: ForeachCase) -> None:
    @seeds(2)
    def example(seed: int) -> None:
        for dtype in case.dtypes.split():
            check_once(case, np.random.default_rng([seed, len(dtype)]), dtype)

    example()


def finite(function: Callable[[float], float]) -> Callable[[Array], Array]:
    return np.vectorize(function, otypes=[float])


def sign(x: Array) -> Array:
    """0 for NaN, as PyTorch has it."""
    return np.greater(x, 0) * 1 - np.less(x, 0)


def power(x: Array, y: Array) -> Array:
    """Integers: modulo 2^64, for exponents from 0 on."""
    return (
        np.power(x, y)
        if x.dtype.kind == "f"
        else np.power(x.astype(np.uint64), y.astype(np.uint64)).astype(int)
    )


def lerp(x: Array, y: Array, w: Array) -> Array:
    return x + w * (y - x)


def unary(names: dict[str, Callable[..., Any]], **options: Any) -> list[ForeachCase]:
    return [ForeachCase(f"aclnnForeach{name}", reference, **options) for name, reference in names.items()]


UNARY = [
    *unary(
        {"Abs": np.abs, "Atan": np.arctan, "Cos": np.cos, "Sin": np.sin, "Cosh": np.cosh, "Sinh": np.sinh}
    ),
    *unary({"Acos": np.arccos, "Asin": np.arcsin}, low=-1.1, high=1.1),
    *unary({"Erf": finite(math.erf), "Erfc": finite(math.erfc), "Exp": np.exp, "Sqrt": np.sqrt}),
    *unary({"Log": np.log, "Log10": np.log10, "Log2": np.log2, "Log1p": np.log1p}),
    *unary({"Reciprocal": lambda x: 1 / x, "Tan": np.tan, "Tanh": np.tanh}, ulps=2),
    *unary({"Sigmoid": lambda x: 1 / (1 + np.exp(-x))}, ulps=2.5),
    *unary({"Neg": lambda x: -x}, dtypes=f"{FLOATS} int32 {SMALL}"),
    *unary({"Sign": sign}, dtypes=f"{FLOATS} int8 int32 int64"),
    ForeachCase("aclnnForeachExpm1", np.expm1),
    ForeachCase("aclnnForeachExpm1", lambda x: np.trunc(np.expm1(x)), SMALL, low=0),
    ForeachCase("aclnnForeachExp", lambda x: np.trunc(np.exp(x)), SMALL, low=0),
    ForeachCase("aclnnForeachACosInplace", np.arccos, inplace=True, low=-1.1, high=1.1),
    ForeachCase("aclnnForeachLogInplace", np.log, inplace=True),
    ForeachCase("aclnnForeachZeroInplace", np.zeros_like, f"{FLOATS} int16 int32", inplace=True),
    ForeachCase(
        "aclnnForeachCopy", lambda x: x, f"{FLOATS} float64 {SMALL} uint16 uint32 int32 int64 bool", ulps=-0.5
    ),
]


def arithmetic(
    name: str, reference: Callable[..., Any], dtypes: str, forms: str, **options: Any
) -> list[ForeachCase]:
    """The forms: List and ListInplace take another list, the others a number."""
    numbers = {"Scalar": "tensor", "ScalarInplace": "tensor", "ScalarV2": "scalar", "ScalarList": "list"}
    return [
        ForeachCase(
            f"aclnnForeach{name}{form}",
            reference,
            dtypes,
            lists=1 if form in numbers else 2,
            number=numbers.get(form),
            inplace=form.endswith("Inplace"),
            **options,
        )
        for form in forms.split()
    ]


def scaled(name: str, reference: Callable[..., Any]) -> list[ForeachCase]:
    wider = f"{ONE} {SMALL}"
    return [
        ForeachCase(f"aclnnForeach{name}List", reference, wider, 2, "tensor", absolute=SUMS),
        ForeachCase(f"aclnnForeach{name}ListV2", reference, wider, 2, "scalar", absolute=SUMS),
        ForeachCase(
            f"aclnnForeach{name}ListInplace", reference, ONE, 2, "tensor", inplace=True, absolute=SUMS
        ),
    ]


def on_three(name: str, reference: Callable[..., Any], dtypes: str) -> list[ForeachCase]:
    numbers = {"Scalar": "tensor", "ScalarV2": "scalar", "ScalarList": "elements", "List": "elements"}
    return [
        ForeachCase(f"aclnnForeach{name}{form}", reference, dtypes, 3, number, absolute=SUMS, ulps=2)
        for form, number in numbers.items()
    ]


ARITHMETIC = [
    *scaled("Add", lambda x, y, alpha: x + y * alpha),
    *scaled("Sub", lambda x, y, alpha: x - y * alpha),
    *arithmetic("Add", lambda x, y: x + y, f"{ONE} {SMALL}", "Scalar ScalarV2"),
    *arithmetic("Add", lambda x, y: x + y, ONE, "ScalarList"),
    *arithmetic("Sub", lambda x, y: x - y, ONE, "Scalar ScalarInplace ScalarV2 ScalarList"),
    *arithmetic("Mul", lambda x, y: x * y, f"{ONE} {SMALL}", "List"),
    *arithmetic("Mul", lambda x, y: x * y, ONE, "ListInplace Scalar ScalarInplace ScalarV2 ScalarList"),
    *arithmetic("Div", lambda x, y: x / y, FLOATS, "List ListInplace Scalar ScalarV2 ScalarList"),
    *arithmetic("Maximum", np.maximum, ONE, "List Scalar ScalarV2 ScalarList"),
    *arithmetic("Minimum", np.minimum, ONE, "List Scalar ScalarV2 ScalarList"),
    *arithmetic("Pow", power, ONE, "List Scalar ScalarV2 ScalarList", low=0),
    ForeachCase("aclnnForeachPowScalarAndTensor", power, ONE, number="scalar", number_first=True, low=0),
    ForeachCase("aclnnForeachLerpList", lerp, lists=3, absolute=SUMS, ulps=2),
    ForeachCase(
        "aclnnForeachLerpScalar", lambda x, y, w: x + w * (y - x), FLOATS, 2, "scalar", absolute=SUMS
    ),
    *on_three("Addcmul", lambda x, y, z, w: x + w * y * z, ONE),
    *on_three("Addcdiv", lambda x, y, z, w: x + w * (y / z), FLOATS),
]


@parametrize(UNARY)
def test_functions_of_lists(case: ForeachCase) -> None:
    check(case)


@parametrize(ARITHMETIC)
def test_arithmetic_on_lists(case: ForeachCase) -> None:
    check(case)
