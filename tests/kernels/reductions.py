"""Reductions as a table: each case is an operator, how its arguments are made from the axes, and a reference
in NumPy. The reference gets the wide input (float64, int64, bool, complex128), the axes and `keepdims`, and
returns one array per output."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from kernels.arrays import (
    Array,
    assert_close,
    blank,
    covers,
    host_dtype,
    layout,
    random,
    seeds,
    shape_of,
    wide,
)

import ascend_ops as ao
from ascend_ops.ops._names import operator_name

Axes = tuple[int, ...]


@dataclass(frozen=True)
class ReduceCase:
    operator: str
    reference: Callable[..., Any]
    dtypes: str
    arguments: Callable[..., tuple[Any, ...]]
    """(axes as the caller writes them, keep, dtype) -> the arguments behind self."""
    results: tuple[str | None, ...] = (None,)
    """Dtypes of the outputs; None: that of the input."""
    axes: str = "some"
    """some: any set of axes, the empty one means all; one: exactly one; all: the operator has no choice."""
    low: float = -4
    high: float = 4
    ulps: float = 1
    absolute: float = 0
    special: bool = True
    empty: bool = True
    """Whether a reduced axis may be empty."""
    named: dict[str, Any] = field(default_factory=dict)


def parametrize(cases: Iterable[ReduceCase]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "case",
        [pytest.param(case, id=case.operator, marks=covers(case.operator, case.dtypes)) for case in cases],
    )


def check(case: ReduceCase, examples: int = 5) -> None:
    """Random shapes, layouts, axes and dtypes; each dtype comes up."""

    @seeds(examples)
    def example(seed: int) -> None:
        for dtype in case.dtypes.split():
            check_once(case, np.random.default_rng([seed, zlib.crc32(dtype.encode())]), dtype)

    example()


def axes_of(rng: np.random.Generator, case: ReduceCase, rank: int) -> list[int]:
    """As a caller writes them: some negative, in any order."""
    if case.axes == "one" and rank > 0:
        return [int(rng.integers(-rank, rank))]
    if case.axes == "all" or rank == 0:
        return [int(rng.integers(-1, 1))] if case.axes == "one" else []
    count = int(rng.integers(0, rank + 1))
    chosen = rng.permutation(rank)[:count]
    return [int(axis) - (rank if rng.random() < 0.5 else 0) for axis in chosen]


def check_once(case: ReduceCase, rng: np.random.Generator, dtype: str) -> None:
    empty = case.empty and host_dtype(dtype).kind != "c"  # CANN gives no complex results of nothing
    shape = shape_of(rng, smallest=0 if empty else 1)
    given = axes_of(rng, case, len(shape))
    keep = bool(rng.integers(2)) and case.axes != "all"
    host = random(rng, shape, dtype, case.low, case.high, case.special)
    axes = tuple(axis % len(shape) for axis in given) if shape else ()
    with np.errstate(all="ignore"):
        expected = case.reference(wide(host), axes or tuple(range(len(shape))), keep, **case.named)
    run(case, rng, layout(rng, host), given, keep, dtype, expected)


def run(
    case: ReduceCase,
    rng: np.random.Generator,
    tensor: ao.Tensor,
    given: list[int],
    keep: bool,
    dtype: str,
    expected: Any,
) -> None:
    wanted = expected if isinstance(expected, tuple) else (expected,)
    dtypes = [result or dtype for result in case.results]
    outs = [blank(rng, np.shape(each), result) for each, result in zip(wanted, dtypes, strict=True)]
    call = getattr(ao.ops, operator_name(case.operator))
    arguments = case.arguments(given[0] if case.axes == "one" else given, keep, dtype)
    call(tensor, *arguments, **named_outputs(call, outs))
    for out, each, result in zip(outs, wanted, dtypes, strict=True):
        assert_close(out, each, result, case.ulps, case.absolute)


def named_outputs(call: Any, outs: list[ao.Tensor]) -> dict[str, ao.Tensor]:
    """The outputs by the names that the operator has for them."""
    names = [name for name, what in call.__signature__.parameters.items() if what.kind == what.KEYWORD_ONLY]
    return dict(zip(names, outs, strict=False))


def first_of(values: Array, axes: Axes, keep: bool, largest: bool) -> tuple[Array, Array]:
    """The extreme along one axis and its first position; the first NaN if there is one."""
    if values.ndim == 0:
        return values, np.zeros((), np.int64)
    axis = axes[0]
    where = np.argmax(values, axis) if largest else np.argmin(values, axis)
    found = np.take_along_axis(values, np.expand_dims(where, axis), axis)
    return (found, np.expand_dims(where, axis)) if keep else (found.squeeze(axis), where)
