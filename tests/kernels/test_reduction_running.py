"""Running sums, products and extremes, renormalisation, and elementwise results of lists of tensors."""

from __future__ import annotations

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
    blank,
    covers,
    host_dtype,
    layout,
    part_of,
    random,
    seeds,
    shape_of,
    wide,
    zeros,
)

import ascend_ops as ao

UNSIGNED = "uint16 uint32 uint64"


def draw(
    rng: np.random.Generator, dtype: str, low: float = -3, special: bool = False
) -> tuple[Array, ao.Tensor, int]:
    """An array, the same as a tensor, and one of its axes, as the caller writes it."""
    shape = shape_of(rng)
    host = random(rng, shape, dtype, low, 3, special)
    rank = max(len(shape), 1)
    return host, layout(rng, host), int(rng.integers(-rank, rank))


def along(function: Any, x: Array, axis: int) -> Array:
    return np.asarray(function(x, axis) if x.ndim else function(x.reshape(1), 0).reshape(()))


@covers("aclnnCumsum aclnnCumsumV2", f"{REALS} {INTEGERS} {COMPLEXES}")
@seeds(4)
def test_running_sums(seed: int) -> None:
    for dtype in f"{REALS} {INTEGERS} {COMPLEXES}".split():
        rng = np.random.default_rng([seed, len(dtype)])
        host, tensor, axis = draw(rng, dtype)
        out = blank(rng, host.shape, dtype)
        ao.ops.cumsum(tensor, axis, dtype, out=out)
        assert_close(out, along(np.cumsum, wide(host), axis), dtype, 2, 1e-12)
        exclusive, reverse = bool(rng.integers(2)), bool(rng.integers(2))

        def expected(x: Array, axis: int, exclusive: bool = exclusive, reverse: bool = reverse) -> Array:
            x = np.flip(x, axis) if reverse else x
            sums = np.cumsum(x, axis) - (x if exclusive else 0)
            return np.flip(sums, axis) if reverse else sums

        ao.ops.cumsum_v2(tensor, axis, exclusive, reverse, out=out)
        assert_close(out, along(expected, wide(host), axis), dtype, 2, 1e-12)


@covers("aclnnCumsum", "bool int64 float32 int32")
@pytest.mark.parametrize(("given", "summed"), [("bool", "int64"), ("float32", "int32"), ("int32", "float32")])
def test_running_sums_cast_to_dtype_first(given: str, summed: str) -> None:
    """Self may be BOOL: the operator's source looks at the output's type alone."""
    host = random(np.random.default_rng(3), (4, 9), given)
    assert_close(ao.ops.cumsum(ao.asarray(host), 1, summed), host.astype(summed).cumsum(1), summed)


@covers("aclnnCumprod aclnnInplaceCumprod", f"{REALS} {INTEGERS} {UNSIGNED}")
@seeds(4)
def test_running_products(seed: int) -> None:
    for dtype in f"{REALS} {INTEGERS} {UNSIGNED}".split():
        rng = np.random.default_rng([seed, len(dtype)])
        host, tensor, axis = draw(rng, dtype)
        expected = along(np.cumprod, wide(host), axis)
        out = blank(rng, host.shape, dtype)
        ao.ops.cumprod(tensor, axis, dtype, out=out)
        assert_close(out, expected, dtype, 8)
        ao.ops.inplace_cumprod(tensor, axis)
        assert_close(tensor, expected, dtype, 8)


def test_cumsum_casts_first() -> None:
    host = np.array([1.7, 2.7, 250.0], np.float32)
    expected = np.cumsum(host.astype(np.int32)).astype(np.uint8)
    assert_close(ao.ops.cumsum(ao.asarray(host), 0, "uint8"), expected, "uint8")


def running_places(x: Array, axis: int, sign: int) -> Array:
    """The last place of equal extremes; a NaN stays."""
    lines = np.moveaxis(x, axis, -1)
    places = np.zeros(lines.shape, np.int64)
    for index in np.ndindex(lines.shape[:-1]):
        best = 0
        for i, value in enumerate(lines[index]):
            held = lines[index][best]
            if value != value or (held == held and (value >= held if sign > 0 else value <= held)):
                best = i
            places[(*index, i)] = best
    return np.moveaxis(places, -1, axis)


@covers("aclnnCummax aclnnCummin", NUMBERS)
@seeds(4)
def test_running_extremes(seed: int) -> None:
    for dtype in NUMBERS.split():
        rng = np.random.default_rng([seed, len(dtype)])
        host, tensor, axis = draw(rng, dtype, special=True)
        for call, sign in [(ao.ops.cummax, 1), (ao.ops.cummin, -1)]:
            places = along(lambda x, a, sign=sign: running_places(x, a, sign), wide(host), axis)
            values, indices = blank(rng, host.shape, dtype), blank(rng, host.shape, "int32")
            call(tensor, axis, values_out=values, indices_out=indices)
            taken = np.take_along_axis(host.reshape(host.shape or 1), places.reshape(host.shape or 1), axis)
            assert_close(values, wide(taken.reshape(host.shape)), dtype)
            assert_close(indices, places, "int32")


@covers("aclnnRenorm aclnnInplaceRenorm", FLOATS)
@pytest.mark.parametrize("p", [0.0, 1.0, 2.0, 3.0, float("inf")])
def test_renorm(p: float) -> None:
    rng = np.random.default_rng(int(p * 10) if p < 9 else 99)
    for dtype in FLOATS.split():
        host = random(rng, (3, 4, 5), dtype)
        tensor, axis = layout(rng, host), int(rng.integers(-3, 3))
        x, others = wide(host), tuple(i for i in range(3) if i != axis % 3)
        if p == 0:
            norms = np.sum(x != 0, others, keepdims=True)
        elif np.isinf(p):
            norms = np.max(np.abs(x), others, keepdims=True)
        else:
            norms = np.sum(np.abs(x) ** p, others, keepdims=True) ** (1 / p)
        most = float(np.median(norms))
        expected = np.where(norms > most, x / np.maximum(norms, 1e-7) * most, x)
        out = blank(rng, host.shape, dtype)
        ao.ops.renorm(tensor, p, axis, most, out=out)
        assert_close(out, expected, dtype, 2)
        ao.ops.inplace_renorm(tensor, p, axis, most)
        assert_close(tensor, expected, dtype, 2)


SUM_TYPES = "float32 float16 int8 int32 uint8"
EXTREME_TYPES = f"{FLOATS} int8 int32 int64"


@pytest.mark.parametrize(
    ("operator", "reference", "dtypes"),
    [
        pytest.param("sum", np.add, SUM_TYPES, marks=covers("aclnnSum", SUM_TYPES)),
        pytest.param("max_n", np.maximum, EXTREME_TYPES, marks=covers("aclnnMaxN", EXTREME_TYPES)),
        pytest.param("min_n", np.minimum, EXTREME_TYPES, marks=covers("aclnnMinN", EXTREME_TYPES)),
    ],
)
def test_lists(operator: str, reference: Any, dtypes: str) -> None:
    """Taken in turn, each step rounded to the type (the documents say that tensors are added in turn)."""
    for dtype in dtypes.split():
        rng = np.random.default_rng(len(dtype))
        shape = (3, 4, 2)
        host = [random(rng, part_of(rng, shape) if i else shape, dtype) for i in range(4)]
        expected = wide(host[0])
        for each in host[1:]:
            expected = wide(np.asarray(reference(expected, wide(each))).astype(host_dtype(dtype)))
        out = blank(rng, shape, dtype)
        getattr(ao.ops, operator)([layout(rng, each) for each in host], out=out)
        assert_close(out, expected, dtype, 0)


REFUSALS: list[tuple[str, Any]] = [
    ("dim is 2", lambda: ao.ops.cumsum(zeros(2, 3), 2, "float32", out=zeros(2, 3))),
    ("out has data type", lambda: ao.ops.cumsum(zeros(2), 0, "int32", out=zeros(2))),
    (
        "data type of indicesOut",
        lambda: ao.ops.cummax(zeros(2), 0, values_out=zeros(2), indices_out=zeros(2)),
    ),
    ("maxNorm is -1", lambda: ao.ops.renorm(zeros(2, 2), 2.0, 0, -1.0, out=zeros(2, 2))),
    ("self .* has 1 dimensions", lambda: ao.ops.renorm(zeros(2), 2.0, 0, 1.0, out=zeros(2))),
    ("tensors\\[1\\]", lambda: ao.ops.max_n([zeros(2), zeros(2, dtype="int32")], out=zeros(2))),
]


@pytest.mark.parametrize(("text", "call"), REFUSALS)
def test_refusals_name_the_argument(text: str, call: Any) -> None:
    with pytest.raises(ao.AscendError, match=text) as refused:
        call()
    assert refused.value.code == 161002
