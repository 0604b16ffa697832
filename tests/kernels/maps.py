"""Elementwise operators as a table: each case is an operator, a reference in NumPy, and the values it is for.
The reference gets wide inputs (float64, int64, bool, complex128) in the order of the arguments."""

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
    part_of,
    random,
    seeds,
    shape_of,
    wide,
)

import ascend_ops as ao
from ascend_ops.ops._names import operator_name


@dataclass(frozen=True)
class MapCase:
    operator: str
    """aclnnCos"""
    reference: Callable[..., Any]
    dtypes: str
    tensors: int = 1
    """Inputs that are tensors, broadcast against each other; they come first."""
    values: tuple[Any, ...] = ()
    """The arguments behind them: scalars, numbers."""
    low: float = -4
    high: float = 4
    ulps: float = 1
    absolute: float = 0
    special: bool = True
    result: str | None = None
    """The output's dtype where it is not the inputs'."""
    mixed: bool = False
    """Inputs behind the first one are int32: the first one's dtype alone is none to compute in."""
    inplace: bool = False
    """The first input is the output; the others broadcast to it."""
    floats: str = "float32"
    """The output's dtype for integers, of operators that turn them into floats (with `to_float`)."""
    to_float: bool = False
    named: dict[str, Any] = field(default_factory=dict)

    def result_dtype(self, dtype: str) -> str:
        if self.result is not None:
            return self.result
        return self.floats if self.to_float and host_dtype(dtype).kind in "iub" else dtype


def parametrize(cases: Iterable[MapCase]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "case",
        [pytest.param(case, id=case.operator, marks=covers(case.operator, case.dtypes)) for case in cases],
    )


def check(case: MapCase, examples: int = 5) -> None:
    """Random shapes, layouts and dtypes; each dtype comes up."""

    @seeds(examples)
    def example(seed: int) -> None:
        for dtype in case.dtypes.split():
            check_once(case, np.random.default_rng([seed, zlib.crc32(dtype.encode())]), dtype)

    example()


def inputs_of(case: MapCase, rng: np.random.Generator, dtype: str) -> list[Array]:
    shape = shape_of(rng)
    shapes = [shape if k == 0 and case.inplace else part_of(rng, shape) for k in range(case.tensors)]
    if case.tensors == 1:
        shapes = [shape]
    dtypes = [dtype, *["int32" if case.mixed else dtype] * (len(shapes) - 1)]
    return [
        random(rng, each, kind, case.low, case.high, case.special)
        for each, kind in zip(shapes, dtypes, strict=True)
    ]


def check_once(case: MapCase, rng: np.random.Generator, dtype: str) -> None:
    host = inputs_of(case, rng, dtype)
    with np.errstate(all="ignore"):
        expected = np.asarray(case.reference(*map(wide, host), *case.values, **case.named))
    device = [layout(rng, values) for values in host]
    call = getattr(ao.ops, operator_name(case.operator))
    result = case.result_dtype(dtype)
    if case.inplace:
        call(*device, *case.values, **case.named)
        assert_close(device[0], expected, result, case.ulps, case.absolute)
    else:
        shape = np.broadcast_shapes(*(values.shape for values in host))
        out = blank(rng, shape, result)
        assert call(*device, *case.values, **case.named, out=out) is out
        assert_close(out, expected, result, case.ulps, case.absolute)
