"""Pooling of whole channels, and the way back from pooled elements by their indices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import (
    INTEGERS,
    REALS,
    assert_close,
    blank,
    covers,
    layout,
    random,
    wide,
)

import ascend_ops as ao

LARGEST = "float32 float16 float64"


@covers("aclnnGlobalAveragePool", REALS)
@pytest.mark.parametrize("dtype", REALS.split())
def test_global_average_pool(dtype: str) -> None:
    rng = np.random.default_rng(1)
    for shape in [(2, 3, 4, 5), (1, 2, 3, 4, 2)]:
        host = random(rng, shape, dtype)
        axes = tuple(range(2, len(shape)))
        out = ao.ops.global_average_pool(layout(rng, host))
        assert_close(out, wide(host).mean(axes, keepdims=True), dtype, 1, 1e-12)


@covers("aclnnGlobalMaxPool", LARGEST)
@pytest.mark.parametrize("dtype", LARGEST.split())
def test_global_max_pool_passes_nan_on(dtype: str) -> None:
    rng = np.random.default_rng(2)
    for shape in [(2, 3, 4, 5), (1, 2, 3, 4, 2)]:
        host = random(rng, shape, dtype)
        host[0, 0, 1, 1] = np.nan
        axes = tuple(range(2, len(shape)))
        assert_close(ao.ops.global_max_pool(layout(rng, host)), wide(host).max(axes, keepdims=True), dtype, 0)


def planes(rng: np.random.Generator, spatial: int) -> tuple[tuple[int, ...], list[int], Any]:
    """A shape with or without a batch, the size of the large planes, and an index for each element."""
    shape = (2, 3, 2, 3, 2)[: spatial + int(rng.integers(1, 3))]
    size = [4, 3, 5][:spatial]
    small = int(np.prod(shape[-spatial:]))
    indices = [rng.permutation(int(np.prod(size)))[:small] for _ in range(int(np.prod(shape)) // small)]
    return shape, size, np.array(indices).reshape(shape)


UNPOOLED = f"float32 float16 float64 {INTEGERS}"


@pytest.mark.parametrize(
    "spatial",
    [
        pytest.param(2, marks=covers("aclnnMaxUnpool2d", UNPOOLED)),
        pytest.param(3, marks=covers("aclnnMaxUnpool3d", UNPOOLED)),
    ],
)
@pytest.mark.parametrize("dtype", UNPOOLED.split())
def test_max_unpool(dtype: str, spatial: int) -> None:
    rng = np.random.default_rng(len(dtype))
    shape, size, indices = planes(rng, spatial)
    host = random(rng, shape, dtype)
    outer = shape[:-spatial]
    expected = np.zeros((*outer, int(np.prod(size))), host.dtype)
    np.put_along_axis(expected, indices.reshape(*outer, -1), host.reshape(*outer, -1), -1)
    more = ([2] * spatial, [0] * spatial) if spatial == 3 else ()
    places = layout(rng, indices.astype(rng.choice(["int32", "int64"])))
    out = blank(rng, (*outer, *size), dtype)
    getattr(ao.ops, f"max_unpool{spatial}d")(layout(rng, host), places, size, *more, out=out)
    assert_close(out, wide(expected).reshape(*outer, *size), dtype, 0)


@pytest.mark.parametrize(
    ("spatial", "dtype"),
    [
        pytest.param(spatial, dtype, marks=covers(f"aclnnMaxUnpool{spatial}dBackward", dtype))
        for spatial, last in ((2, "bool"), (3, "float64"))
        for dtype in f"float32 float16 {INTEGERS} {last}".split()
    ],
)
def test_max_unpool_backward(spatial: int, dtype: str) -> None:
    rng = np.random.default_rng(len(dtype))
    shape, size, indices = planes(rng, spatial)
    outer = shape[:-spatial]
    grad, host = random(rng, (*outer, *size), dtype), random(rng, shape, dtype)
    expected = np.take_along_axis(grad.reshape(*outer, -1), indices.reshape(*outer, -1), -1).reshape(shape)
    more = ([2] * spatial, [0] * spatial) if spatial == 3 else ()
    call = getattr(ao.ops, f"max_unpool{spatial}d_backward")
    out = call(layout(rng, grad), layout(rng, host), layout(rng, indices), size, *more)
    assert_close(out, wide(expected), dtype, 0)


def zeros(*shape: int, dtype: str = "float32") -> ao.Tensor:
    return ao.asarray(np.zeros(shape, dtype))


PLANE, PLACES = zeros(1, 2, 2), zeros(1, 2, 2, dtype="int64")
REFUSALS: list[tuple[str, Any]] = [
    ("self", lambda: ao.ops.global_max_pool(zeros(1, 2, 2), out=zeros(1, 2, 1))),
    ("outputSize has 3 places", lambda: ao.ops.max_unpool2d(PLANE, PLACES, [1, 3])),
    ("data type of indices", lambda: ao.ops.max_unpool2d(PLANE, zeros(1, 2, 2), [2, 2])),
    (
        "stride must hold 3",
        lambda: ao.ops.max_unpool3d(
            zeros(1, 1, 2, 2), zeros(1, 1, 2, 2, dtype="int64"), [1, 2, 2], [0] * 3, [0] * 3
        ),
    ),
]


@pytest.mark.parametrize(("text", "call"), REFUSALS)
def test_refusals_name_the_argument(text: str, call: Any) -> None:
    with pytest.raises(ao.AscendError, match=text) as refused:
        call()
    assert refused.value.code == 161002


def test_places_outside_of_a_plane_fail_on_the_device() -> None:
    stream = ao.Stream()
    with stream:
        ao.ops.max_unpool2d(PLANE, ao.asarray(np.full((1, 2, 2), 6)), [2, 3])
        with pytest.raises(ao.AscendError, match="indices holds 6") as refused:
            stream.synchronize()
    stream.close()
    assert refused.value.code == 507015
