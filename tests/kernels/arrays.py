"""What tests of kernels are made of: random arrays of any dtype, device tensors in random layouts, wide
copies to compute references with, and comparison at a dtype's rounding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ascend_ops as ao

Array = npt.NDArray[Any]

FLOATS = "float32 float16 bfloat16"
REALS = f"{FLOATS} float64"
INTEGERS = "int8 uint8 int16 int32 int64"
COMPLEXES = "complex64 complex128"
NUMBERS = f"{REALS} {INTEGERS} bool"


def covers(operators: str, dtypes: str) -> pytest.MarkDecorator:
    """Says that a test holds these operators ("aclnnAbs aclnnNeg") to a reference, for these dtypes: the
    coverage table is made of it."""
    return pytest.mark.kernel(operators, dtypes)


def seeds(examples: int) -> Callable[[Callable[[int], None]], Callable[[], None]]:
    """Calls a function with that many values of `seed`, from which it draws all that is random."""

    def decorate(function: Callable[[int], None]) -> Callable[[], None]:
        drawn = given(seed=st.integers(0, 2**32 - 1))(function)
        return settings(max_examples=examples, deadline=None, database=None)(drawn)

    return decorate


def host_dtype(name: str) -> np.dtype[Any]:
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def is_float(dtype: str) -> bool:
    return dtype in REALS.split()


def random(
    rng: np.random.Generator,
    shape: Sequence[int],
    dtype: str,
    low: float = -4,
    high: float = 4,
    special: bool = False,
) -> Array:
    """Values in [low, high]; integers keep inside what the dtype holds. With `special`, floats have some NaN,
    infinities and zeros of both signs among them, integers their extremes."""
    target = host_dtype(dtype)
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if target.kind in "iu":
        return _integers(rng, shape, target, low, high, special)
    values = rng.uniform(low, high, shape)
    if target.kind == "c":
        values = values + 1j * rng.uniform(low, high, shape)
    elif special and values.size:
        places = rng.random(values.shape) < 0.15
        values = np.where(places, rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0], values.shape), values)
    return np.asarray(values).astype(target)


def _integers(
    rng: np.random.Generator,
    shape: Sequence[int],
    target: np.dtype[Any],
    low: float,
    high: float,
    special: bool,
) -> Array:
    limits = np.iinfo(target)
    values = rng.integers(
        max(int(low), limits.min), min(int(high), limits.max), shape, dtype=np.int64, endpoint=True
    )
    if special and values.size:
        places = rng.random(values.shape) < 0.15
        values = np.where(places, rng.choice([limits.min, limits.max, 0]), values)
    return np.asarray(values).astype(target)


def shape_of(rng: np.random.Generator, most: int = 4, largest: int = 6, smallest: int = 0) -> tuple[int, ...]:
    """Up to `most` axes; now and then one of them is empty (unless `smallest` says no), or long."""
    shape = [int(size) for size in rng.integers(max(smallest, 1), largest + 1, rng.integers(0, most + 1))]
    if shape and rng.random() < 0.1:
        shape[int(rng.integers(len(shape)))] = max(smallest, int(rng.choice([0, 70])))
    return tuple(shape)


def part_of(rng: np.random.Generator, shape: Sequence[int]) -> tuple[int, ...]:
    """A shape that broadcasts to `shape`: some axes 1, some leading ones missing."""
    cut = tuple(1 if rng.random() < 0.3 else size for size in shape)
    return cut[int(rng.integers(len(cut) + 1)) if rng.random() < 0.3 else 0 :]


def layout(rng: np.random.Generator, values: Array) -> ao.Tensor:
    """The values as a device tensor that is contiguous, transposed, or a slice with gaps and an offset."""
    kind = rng.integers(3)
    if kind == 0 or values.ndim == 0:
        return ao.asarray(values)
    if kind == 1:
        order = [int(axis) for axis in rng.permutation(values.ndim)]
        return ao.asarray(np.ascontiguousarray(values.transpose(order))).transpose(
            *np.argsort(order).tolist()
        )
    padded = np.zeros([2 * size + 1 for size in values.shape], values.dtype)
    places = tuple(slice(1, 2 * size + 1, 2) for size in values.shape)
    padded[places] = values
    return ao.asarray(padded)[places]


def zeros(*shape: int, dtype: str = "float32") -> ao.Tensor:
    """For calls that are refused: values do not matter."""
    return ao.asarray(np.zeros(shape, host_dtype(dtype)))


def blank(rng: np.random.Generator, shape: Sequence[int], dtype: str) -> ao.Tensor:
    """An output tensor in a random layout."""
    return layout(rng, np.zeros(tuple(shape), host_dtype(dtype)))


def wide(values: Array) -> Array:
    """The same values in the widest type of their kind: exact inputs for a reference."""
    kind = "V" if values.dtype == ml_dtypes.bfloat16 else values.dtype.kind
    return values.astype(
        {"V": np.float64, "f": np.float64, "c": np.complex128, "b": np.bool_}.get(kind, np.int64)
    )


def spacing(values: Array, dtype: str) -> Array:
    """The distance of neighbouring numbers of a real float dtype at these values."""
    info = ml_dtypes.finfo(host_dtype(dtype))
    with np.errstate(all="ignore"):
        magnitude = np.maximum(np.abs(values), float(info.smallest_normal))
        return np.asarray(
            np.exp2(np.floor(np.log2(np.where(np.isfinite(magnitude), magnitude, 1)))) * float(info.eps)
        )


def assert_close(
    actual: ao.Tensor | Array, expected: npt.ArrayLike, dtype: str, ulps: float = 1, absolute: float = 0
) -> None:
    """Every element is the expected one, rounded to `dtype`, or at most `ulps` of its units in the last
    place (or `absolute`) beside it. NaN and infinities must match; integers and bool must be equal. Complex
    numbers: both parts, in units of the magnitude."""
    got = actual.numpy() if isinstance(actual, ao.Tensor) else actual
    wanted = np.asarray(expected)
    assert got.shape == wanted.shape
    assert got.dtype == host_dtype(dtype)
    if got.dtype.kind in "iub":
        np.testing.assert_array_equal(got, wanted.astype(got.dtype))
    elif got.dtype.kind == "c":
        part = "float32" if dtype == "complex64" else "float64"
        with np.errstate(all="ignore"):
            error = np.abs(got.astype(np.complex128) - wanted)
            magnitude, largest = np.abs(wanted), float(np.finfo(part).max)
            good = error <= ulps * spacing(magnitude, part) + absolute
            too_large = (magnitude > largest / 2) & ~np.isfinite(got)
        assert (good | too_large).all(), error.max()
    else:
        _assert_floats(got, wanted.astype(np.float64), dtype, ulps, absolute)


def _assert_floats(got: Array, wanted: Array, dtype: str, ulps: float, absolute: float) -> None:
    with np.errstate(all="ignore"):
        rounded = wanted.astype(got.dtype)
        value = got.astype(np.float64)
        error = np.abs(value - wanted)
        # 0.5 for the rounding of the expected value itself.
        near = error <= (ulps + 0.5) * spacing(wanted, dtype) + absolute
        # At the edge of the range, the largest number and infinity are neighbours.
        edge = np.abs(wanted) >= float(ml_dtypes.finfo(got.dtype).max) * (
            1 - float(ml_dtypes.finfo(got.dtype).eps)
        )
        same = (got == rounded) | (np.isnan(got) & np.isnan(rounded))
        neighbours = (
            edge
            & (np.sign(value) == np.sign(wanted))
            & (np.abs(value) >= float(ml_dtypes.finfo(got.dtype).max))
        )
    good = same | near | neighbours
    if not good.all():
        places = np.argwhere(~good)
        first = tuple(places[0])
        raise AssertionError(
            f"{len(places)} of {got.size} differ; at {first}: {got[first]} for {wanted[first]}"
        )
