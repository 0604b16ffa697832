"""Sorting and selecting along an axis, histograms. References order as NumPy's stable sort does: NaN is the
largest (PyTorch's order; the documents are silent), equal elements keep their places."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import (
    FLOATS,
    INTEGERS,
    REALS,
    Array,
    assert_close,
    blank,
    covers,
    layout,
    random,
    seeds,
    shape_of,
    wide,
    zeros,
)

import ascend_ops as ao


def order(x: Array, axis: int, descending: bool) -> Array:
    """Places in order. Descending: NaN first, and equal elements in their own order still."""
    ranks = np.unique(x, return_inverse=True)[1].reshape(x.shape)
    return np.argsort(-ranks if descending else ranks, axis, kind="stable")


def draw(rng: np.random.Generator, dtype: str, least: int = 0) -> tuple[Array, ao.Tensor, int]:
    shape = shape_of(rng, smallest=least) or (3,)
    if dtype == "bfloat16":  # A2 and A3 refuse to order single elements of that type
        shape = tuple(size if size != 1 else 2 for size in shape)
    host = random(rng, shape, dtype, special=True)
    return host, layout(rng, host), int(rng.integers(-len(shape), len(shape)))


@covers("aclnnSort", f"{FLOATS} {INTEGERS} bool")
@covers("aclnnArgsort", f"{FLOATS} {INTEGERS}")
@seeds(4)
def test_sort_and_argsort(seed: int) -> None:
    for dtype in f"{FLOATS} {INTEGERS} bool".split():
        rng = np.random.default_rng([seed, len(dtype)])
        host, tensor, axis = draw(rng, dtype)
        descending = bool(rng.integers(2))
        places = order(wide(host), axis, descending)
        values, indices = blank(rng, host.shape, dtype), blank(rng, host.shape, "int64")
        ao.ops.sort(tensor, True, axis, descending, values_out=values, indices_out=indices)
        assert_close(values, wide(np.take_along_axis(host, places, axis)), dtype)
        assert_close(indices, places, "int64")
        if dtype != "bool":
            assert_close(ao.ops.argsort(tensor, axis, descending), places, "int64")


@covers("aclnnTopk", f"{REALS} {INTEGERS}")
@seeds(4)
def test_topk(seed: int) -> None:
    for dtype in f"{REALS} {INTEGERS}".split():
        rng = np.random.default_rng([seed, len(dtype)])
        host, tensor, axis = draw(rng, dtype)
        largest, k = bool(rng.integers(2)), int(rng.integers(0, host.shape[axis] + 1))
        places = np.take(order(wide(host), axis, largest), np.arange(k), axis)
        values, indices = ao.ops.topk(tensor, k, axis, largest, True)
        assert_close(values, wide(np.take_along_axis(host, places, axis)), dtype)
        assert_close(indices, places, "int64")


@covers("aclnnTopk aclnnSort", "float32")
def test_long_lines() -> None:
    host = random(np.random.default_rng(2), (2, 3000, 2), "float32")
    for k in (7, 1500):
        values, indices = ao.ops.topk(ao.asarray(host), k, 1, True, True)
        places = order(wide(host), 1, True)[:, :k]
        assert_close(indices, places, "int64")
        assert_close(values, np.take_along_axis(host, places, 1), "float32")
    assert_close(ao.ops.sort(ao.asarray(host), True, 1, False)[0], np.sort(host, 1), "float32")


def middle(x: Array, axis: int, skips_nan: bool) -> Array:
    """Where the lower median is, with the axis kept; of a NaN the first one, unless those are skipped."""
    places = order(x, axis, False)
    nans = np.sum(x != x, axis, keepdims=True)
    count = x.shape[axis] - nans
    if skips_nan:
        at = np.where(count > 0, (count - 1) // 2, 0)
    else:
        at = np.where(nans > 0, count, (x.shape[axis] - 1) // 2)
    return np.take_along_axis(places, at, axis)


@covers("aclnnMedian aclnnMedianDim aclnnNanMedian aclnnNanMedianDim", f"{FLOATS} {INTEGERS}")
@seeds(4)
def test_medians(seed: int) -> None:
    for dtype in f"{FLOATS} {INTEGERS}".split():
        rng = np.random.default_rng([seed, len(dtype)])
        host, tensor, axis = draw(rng, dtype, 1)
        for skips, whole, line in [
            (False, ao.ops.median, ao.ops.median_dim),
            (True, ao.ops.nan_median, ao.ops.nan_median_dim),
        ]:
            flat = host.reshape(-1)
            assert_close(whole(tensor), wide(flat[middle(wide(flat), 0, skips)]), dtype)
            places = middle(wide(host), axis, skips)
            values, indices = line(tensor, axis, True)
            assert_close(values, wide(np.take_along_axis(host, places, axis)), dtype)
            assert_close(indices, places, "int64")
            assert_close(line(tensor, axis, False)[1], places.squeeze(axis), "int64")


@covers("aclnnKthvalue", f"{FLOATS} {INTEGERS}")
@seeds(4)
def test_kthvalue(seed: int) -> None:
    for dtype in f"{FLOATS} {INTEGERS}".split():
        rng = np.random.default_rng([seed, len(dtype)])
        host, tensor, axis = draw(rng, dtype, 1)
        k, keep = int(rng.integers(1, host.shape[axis] + 1)), bool(rng.integers(2))
        places = np.take(order(wide(host), axis, False), [k - 1], axis)
        found = np.take_along_axis(host, places, axis)
        values, indices = ao.ops.kthvalue(tensor, k, axis, keep)
        assert_close(values, wide(found if keep else found.squeeze(axis)), dtype)
        assert_close(indices, places if keep else places.squeeze(axis), "int64")


def test_the_median_of_nothing_is_nan() -> None:
    empty = ao.asarray(np.zeros((0, 3), np.float32))
    assert np.isnan(ao.ops.median(empty).numpy()).all()
    assert np.isnan(ao.ops.nan_median(empty).numpy()).all()


HISTC = f"float32 float16 {INTEGERS}"


@covers("aclnnHistc", HISTC)
@pytest.mark.parametrize("bounds", [(0, 0), (-2, 3), (1, 1), (np.inf, np.inf)])
def test_histc(bounds: tuple[float, float]) -> None:
    """In fp32, as the vendor's kernel computes. Equal bounds mean the smallest and the largest element."""
    for dtype in HISTC.split():
        rng = np.random.default_rng(len(dtype))
        host = random(rng, (4, 50), dtype)
        low, high = np.float32(bounds)
        x = host.astype(np.float32)
        if low == high:
            low, high = x.min(), x.max()
        inside = x[(x >= low) & (x <= high)]
        place = ((inside - low) * np.float32(7) / (high - low)).astype(np.int64)
        expected = np.bincount(np.minimum(place, 6), minlength=7)
        assert_close(ao.ops.histc(layout(rng, host), 7, *bounds), expected, dtype, 0)


@covers("aclnnSort", "float32 float16 int32 bool")
@pytest.mark.parametrize("dtype", ["float32", "float16", "int32", "bool"])
def test_sorted_values_go_to_any_type(dtype: str) -> None:
    """The operator's source asks for no more than a type of the list, which has DOUBLE in it."""
    host = random(np.random.default_rng(3), (3, 5), dtype)
    for to in ("float64", "int32"):
        values = zeros(3, 5, dtype=to)
        ao.ops.sort(ao.asarray(host), True, 1, False, out=(values, zeros(3, 5, dtype="int64")))
        np.testing.assert_array_equal(values.numpy(), np.sort(host, axis=1).astype(to))


WEIGHTS = "float32 float16 float64 int8 uint8 int16 int32 int64 bool"


@covers("aclnnBincount", INTEGERS)
@pytest.mark.parametrize("dtype", INTEGERS.split())
def test_bincount(dtype: str) -> None:
    rng = np.random.default_rng(len(dtype))
    host = random(rng, (60,), dtype, 0, 9)
    out = blank(rng, (12,), "int64")
    ao.ops.bincount(layout(rng, host), None, 5, out=out)
    assert_close(out, np.bincount(host, minlength=12), "int64")
    for kind in WEIGHTS.split():
        weights = random(rng, (60,), kind)
        out = blank(rng, (12,), "float64")
        ao.ops.bincount(ao.asarray(host), layout(rng, weights), 12, out=out)
        assert_close(out, np.bincount(host, weights.astype(float), 12), "float64", 8, 1e-13)


@pytest.mark.parametrize("value", [-1, 4])
def test_bincount_of_values_beyond_the_output_fails_on_the_device(value: int) -> None:
    stream = ao.Stream()
    with stream:
        ao.ops.bincount(ao.asarray(np.array([0, value], np.int32)), None, 0, out=zeros(4, dtype="int64"))
        with pytest.raises(ao.AscendError, match="self\\[1\\]") as refused:
            stream.synchronize()
    stream.close()
    assert refused.value.code == 507015


REFUSALS: list[tuple[str, Any]] = [
    ("k is 4", lambda: ao.ops.topk(zeros(3), 4, 0, True, True, out=(zeros(4), zeros(4, dtype="int64")))),
    ("k is 0", lambda: ao.ops.kthvalue(zeros(3), 0, 0, True)),
    ("one element along dim", lambda: ao.ops.argsort(zeros(3, 1, dtype="bfloat16"), 1, True)),
    ("data type of self", lambda: ao.ops.sort(zeros(3, dtype="float64"), True, 0, True)),
    ("dim is 1", lambda: ao.ops.argsort(zeros(3), 1, True, out=zeros(3, dtype="int64"))),
    ("bins is 0", lambda: ao.ops.histc(zeros(3), 0, 0, 1, out=zeros(0))),
    ("min is 2", lambda: ao.ops.histc(zeros(3), 3, 2, 1, out=zeros(3))),
    ("min is 0 and max is inf", lambda: ao.ops.histc(zeros(3), 3, 0.0, np.inf, out=zeros(3))),
    ("out is ACL_FLOAT, which cannot", lambda: ao.ops.histc(zeros(3, dtype="int8"), 3, 0, 1, out=zeros(3))),
    ("minlength is 5", lambda: ao.ops.bincount(zeros(3, dtype="int8"), None, 5, out=zeros(4, dtype="int64"))),
]


@pytest.mark.parametrize(("text", "call"), REFUSALS)
def test_refusals_name_the_argument(text: str, call: Any) -> None:
    with pytest.raises((ao.AscendError, ValueError), match=text) as refused:
        call()
    assert getattr(refused.value, "code", 161002) == 161002
