"""Operators that work line by line as a table: each case builds its arguments and says what its outputs
are."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from kernels.arrays import Array, assert_close, blank, covers, layout, seeds

import ascend_ops as ao
from ascend_ops.ops._names import operator_name

F32 = np.float32
LIMITS = {"int8": 127, "int4": 7, "int32": 7}


@dataclass(frozen=True)
class Floats:
    """A float output: within `ulps` units of its dtype, or `absolute`, of the value."""

    value: Array
    dtype: str
    ulps: float = 2
    absolute: float = 0


@dataclass(frozen=True)
class Quantised:
    """An integer output, from the values before they are rounded. `exact`: the reference does the kernel's
    fp32 operations one by one, so every bit agrees; else a value so near to a tie that another order of
    summation decides it may be one off."""

    before: Array
    dtype: str = "int8"
    exact: bool = False
    round: Callable[[Array], Array] = np.rint
    tie: float = 1e-4
    """How near to a tie, relative to the value (at least 1)."""

    def value(self) -> Array:
        limit = LIMITS[self.dtype]
        return np.clip(
            self.round(np.nan_to_num(self.before, nan=0, posinf=np.inf, neginf=-np.inf)), -limit - 1, limit
        ).astype(np.int8)


Result = Floats | Quantised | None
Build = Callable[[np.random.Generator, str], tuple[Sequence[Any], Sequence[Result]]]


@dataclass(frozen=True)
class LineCase:
    operator: str
    dtypes: str
    build: Build
    """(rng, dtype) -> the arguments, arrays as NumPy arrays, and the results in the order of C."""
    changed: tuple[int, ...] = ()
    """Arguments that are outputs as well; their results come first."""
    examples: int = 2


def parametrize(cases: Iterable[LineCase]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "case",
        [pytest.param(case, id=case.operator, marks=covers(case.operator, case.dtypes)) for case in cases],
    )


def check(case: LineCase) -> None:
    """Random shapes and layouts; each dtype comes up."""

    @seeds(case.examples)
    def example(seed: int) -> None:
        for dtype in case.dtypes.split():
            check_once(case, np.random.default_rng([seed, zlib.crc32(dtype.encode())]), dtype)

    example()


def check_once(case: LineCase, rng: np.random.Generator, dtype: str) -> None:
    with np.errstate(all="ignore"):
        args, results = case.build(rng, dtype)
    device = [layout(rng, arg) if isinstance(arg, np.ndarray) else arg for arg in args]
    given_out = [_blank(rng, result) for result in results[len(case.changed) :]]
    call = getattr(ao.ops, operator_name(case.operator))
    if given_out:
        call(*device, out=tuple(given_out) if len(given_out) > 1 else given_out[0])
    else:
        call(*device)
    for tensor, result in zip([*(device[k] for k in case.changed), *given_out], results, strict=True):
        if result is not None:
            assert_result(tensor, result)


def _blank(rng: np.random.Generator, result: Result) -> ao.Tensor | None:
    if result is None:
        return None
    if isinstance(result, Floats):
        return blank(rng, result.value.shape, result.dtype)
    shape = result.before.shape
    if result.dtype == "int8":
        return blank(rng, shape, "int8")
    if result.dtype == "int4":
        return ao.empty(shape, "int4")
    return blank(rng, (*shape[:-1], shape[-1] // 8), "int32")


def integers_of(tensor: ao.Tensor, dtype: str) -> Array:
    """Quantised values as int8, whatever they are packed in."""
    values = tensor.numpy()
    if dtype == "int8":
        assert values.dtype == np.int8
        return values
    if dtype == "int4":
        return values.astype(np.int8)
    words = values.astype(np.uint32)[..., None] >> np.arange(0, 32, 4, dtype=np.uint32) & 15
    return (
        np.where(words > 7, words.astype(np.int8) - 16, words)
        .astype(np.int8)
        .reshape(*values.shape[:-1], values.shape[-1] * 8)
    )


def assert_result(tensor: Any, result: Floats | Quantised) -> None:
    if isinstance(result, Floats):
        assert_close(tensor, result.value, result.dtype, result.ulps, result.absolute)
        return
    got, wanted = integers_of(tensor, result.dtype), result.value()
    assert got.shape == wanted.shape
    if result.exact:
        np.testing.assert_array_equal(got, wanted)
        return
    off = np.abs(got.astype(int) - wanted)
    before = result.before.astype(np.float64)
    distance = np.abs(before - np.floor(before) - 0.5)
    with np.errstate(invalid="ignore"):
        near = distance <= result.tie * np.maximum(np.abs(before), 1)
    assert ((off == 0) | ((off == 1) & near)).all(), (got[off > 0], before[off > 0])


def lead_shape(rng: np.random.Generator, most: int = 3) -> tuple[int, ...]:
    """Axes that are not normalised; now and then an empty one."""
    shape = [int(size) for size in rng.integers(1, 5, rng.integers(0, most + 1))]
    if shape and rng.random() < 0.1:
        shape[int(rng.integers(len(shape)))] = 0
    return tuple(shape)


def columns(rng: np.random.Generator, multiple: int = 1) -> int:
    return int(rng.choice([1, 3, 8, 17, 40])) * multiple
