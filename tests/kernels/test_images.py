"""Sampling at grids, affine grids, regions of interest. References write what an operator does as a dense
matrix from the elements of a plane to the result's positions; gradients by the input are its transpose,
gradients by the grid come from finite differences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from kernels.arrays import (
    FLOATS,
    REALS,
    Array,
    assert_close,
    blank,
    covers,
    host_dtype,
    layout,
    random,
    seeds,
    wide,
)
from kernels.images import blank_image, image, read_image

import ascend_ops as ao
from ascend_ops.ops._names import operator_name

BILINEAR, NEAREST, BICUBIC = range(3)
ZEROS, BORDER, REFLECTION = range(3)


def padded(place: Array, length: int, padding: int, corners: bool) -> Array:
    """Places in elements, clipped or reflected into the image."""
    if padding == REFLECTION:
        low, span = (0.0, length - 1.0) if corners else (-0.5, float(length))
        turn = np.mod(place - low, 2 * span) if span else np.zeros_like(place)
        place = np.minimum(turn, 2 * span - turn) + low
    return place if padding == ZEROS else np.clip(place, 0, length - 1)


def cubic(distance: Array) -> Array:
    d, a = np.abs(distance), -0.75
    near = (a + 2) * d**3 - (a + 3) * d**2 + 1
    return np.where(d <= 1, near, np.where(d < 2, a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a, 0.0))


def axis_weights(grid: Array, length: int, mode: int, padding: int, corners: bool) -> Array:
    """[points, elements of the axis]"""
    place = (grid + 1) / 2 * (length - 1) if corners else ((grid + 1) * length - 1) / 2
    elements = np.arange(length)
    if mode == BICUBIC:
        made = np.zeros((len(grid), length))
        left = np.floor(place)
        for k in range(-1, 3):
            index = padded(left + k, length, padding, corners)
            made += (index[:, None] == elements) * cubic(place - left - k)[:, None]
        return made
    place = padded(place, length, padding, corners)
    if mode == NEAREST:
        return (np.round(place)[:, None] == elements).astype(float)
    return np.maximum(1 - np.abs(place[:, None] - elements), 0)


def weights(grid: Array, size: tuple[int, ...], rule: tuple[int, int, bool]) -> Array:
    """[points, elements of the plane]; grid: [points, axes], x first."""
    made = np.ones((len(grid), 1))
    for axis, length in enumerate(size):
        column = axis_weights(grid[:, len(size) - 1 - axis], length, *rule)
        made = (made[:, :, None] * column[:, None, :]).reshape(len(grid), -1)
    return made


def slopes(grid: Array, size: tuple[int, ...], rule: tuple[int, int, bool]) -> list[Array]:
    """The derivatives of the weights by x, y, z."""
    steps = np.eye(grid.shape[1]) * 1e-6
    return [(weights(grid + step, size, rule) - weights(grid - step, size, rule)) / 2e-6 for step in steps]


def draw_grid(rng: np.random.Generator, axes: int, dtype: str, cubic_allowed: bool) -> tuple[Any, ...]:
    size = tuple(int(n) for n in rng.integers(2, 6, axes))
    out = tuple(int(n) for n in rng.integers(1, 5, axes))
    mode = int(rng.integers(0, 3 if cubic_allowed and dtype != "float64" else 2))
    corners = bool(rng.random() < 0.5)
    grid = np.stack([coordinates(rng, (2, *out), n, corners, dtype) for n in reversed(size)], axis=-1)
    return random(rng, (2, 3, *size), dtype), grid, (mode, int(rng.integers(0, 3)), corners)


def coordinates(
    rng: np.random.Generator, shape: tuple[int, ...], length: int, corners: bool, dtype: str
) -> Array:
    """Away from the places where derivatives jump or the nearest element changes: integers and halves."""
    while True:
        made = random(rng, (400,), dtype, -1.7, 1.7)
        grid = wide(made)
        place = (grid + 1) / 2 * (length - 1) if corners else ((grid + 1) * length - 1) / 2
        chosen = made[np.abs(2 * place - np.round(2 * place)) > 0.05]
        if chosen.size >= np.prod(shape):
            return chosen[: int(np.prod(shape))].reshape(shape)


def check_sampler(rng: np.random.Generator, axes: int, dtype: str) -> None:
    x, grid, rule = draw_grid(rng, axes, dtype, axes == 2)
    last = axes == 3 and bool(rng.random() < 0.5)
    out = blank_image(rng, (*x.shape[:2], *grid.shape[1:-1]), dtype, last)
    call = getattr(ao.ops, operator_name(f"aclnnGridSampler{axes}D"))
    call(image(rng, x, last), layout(rng, grid), *rule, out=out)
    planes = wide(x).reshape(2, 3, -1)
    expected = [planes[n] @ weights(wide(grid)[n].reshape(-1, axes), x.shape[2:], rule).T for n in range(2)]
    got = read_image(out, last)
    assert_close(got, np.reshape(expected, got.shape), dtype, 1, 1e-5)


def check_sampler_backward(rng: np.random.Generator, axes: int, dtype: str) -> None:
    x, grid, rule = draw_grid(rng, axes, dtype, axes == 2)
    grad = random(rng, (2, 3, *grid.shape[1:-1]), dtype)
    outs = (blank(rng, x.shape, dtype), blank(rng, grid.shape, dtype))
    call = getattr(ao.ops, operator_name(f"aclnnGridSampler{axes}DBackward"))
    call(*(layout(rng, a) for a in (grad, x, grid)), *rule, [True, True], out=outs)
    planes, results = wide(x).reshape(2, 3, -1), wide(grad).reshape(2, 3, -1)
    points = wide(grid).reshape(2, -1, axes)
    to_x = [results[n] @ weights(points[n], x.shape[2:], rule) for n in range(2)]
    to_grid = np.zeros(points.shape)
    for n in range(2):
        for axis, slope in enumerate(slopes(points[n], x.shape[2:], rule)):
            to_grid[n, :, axis] = np.einsum("cp,ce,pe->p", results[n], planes[n], slope)
    assert_close(outs[0], np.reshape(to_x, x.shape), dtype, 1, 1e-4)
    if rule[0] == NEAREST:
        to_grid[:] = 0
    assert_close(outs[1], to_grid.reshape(grid.shape), dtype, 2, 2e-3)


@covers("aclnnGridSampler2D aclnnGridSampler3D aclnnGridSampler2DBackward aclnnGridSampler3DBackward", REALS)
@pytest.mark.parametrize("check", [check_sampler, check_sampler_backward])
@pytest.mark.parametrize("axes", [2, 3])
def test_sampling_at_a_grid(axes: int, check: Any) -> None:
    @seeds(5)
    def example(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for dtype in REALS.split():
            check(rng, axes, dtype)

    example()


def test_coordinates_that_are_not_finite_lie_outside() -> None:
    """As in PyTorch: NaN and infinities count as a place far outside of the image."""
    x = ao.asarray(np.arange(1, 5, dtype=np.float32).reshape(1, 1, 2, 2))
    grid = np.array([[np.nan, 0.0], [0.0, np.inf]], np.float32).reshape(1, 1, 2, 2)
    got = ao.ops.grid_sampler2d(x, ao.asarray(grid), BILINEAR, ZEROS, False).numpy()
    np.testing.assert_array_equal(got.ravel(), [0, 0])


def test_the_nearest_of_two_is_the_even_one() -> None:
    x = ao.asarray(np.arange(3, dtype=np.float32).reshape(1, 1, 1, 3))
    grid = np.array([[-0.5, 0.0], [0.5, 0.0]], np.float32).reshape(1, 1, 2, 2)
    got = ao.ops.grid_sampler2d(x, ao.asarray(grid), NEAREST, ZEROS, True).numpy()
    np.testing.assert_array_equal(got.ravel(), [0, 2])


def test_gradients_that_are_not_asked_for_may_be_missing() -> None:
    rng = np.random.default_rng(1)
    x, grid, rule = draw_grid(rng, 2, "float32", True)
    grad = random(rng, (2, 3, *grid.shape[1:-1]), "float32")
    device = [ao.asarray(a) for a in (grad, x, grid)]
    both = ao.ops.grid_sampler2d_backward(*device, *rule, [True, True])
    only = blank(rng, grid.shape, "float32")
    untouched = blank(rng, x.shape, "float32")
    ao.ops.grid_sampler2d_backward(*device, *rule, [False, True], out=(untouched, only))
    np.testing.assert_array_equal(only.numpy(), both[1].numpy())
    assert not untouched.numpy().any()


@covers("aclnnAffineGrid", FLOATS)
@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize("axes", [2, 3])
def test_affine_grids(axes: int, corners: bool) -> None:
    """An axis of one element has the coordinate 0, as in PyTorch."""
    rng = np.random.default_rng(axes)
    for dtype in FLOATS.split():
        size = [2, 5, *(int(n) for n in rng.integers(1, 5, axes))]
        theta = random(rng, (2, axes, axes + 1), dtype)
        places = [
            np.zeros(1) if n == 1 else np.linspace(-1, 1, n) if corners else (2 * np.arange(n) + 1) / n - 1
            for n in size[2:]
        ]
        mesh = np.meshgrid(*places, indexing="ij")
        points = np.stack([*mesh[::-1], np.ones(size[2:])], axis=-1)
        expected = np.einsum("...k,njk->n...j", points, wide(theta))
        out = blank(rng, expected.shape, dtype)
        ao.ops.affine_grid(layout(rng, theta), size, corners, out=out)
        assert_close(out, expected, dtype, 1, 2e-6)


def region_samples(box: Array, size: tuple[int, int], cells: tuple[int, int], scale: float, samples: int,
                   aligned: bool) -> list[Array]:  # fmt: skip
    """For each cell, [samples, elements of the plane]: the weights of each sample."""
    one, shift = np.float32, np.float32(0.5 if aligned else 0)
    axes = []
    for low, high, length, count in (
        (box[1], box[3], size[0], cells[0]),
        (box[0], box[2], size[1], cells[1]),
    ):
        start, end = one(low) * one(scale) - shift, one(high) * one(scale) - shift
        extent = end - start if aligned else max(end - start, one(1))
        cell = extent / one(count)
        number = samples or math.ceil(cell)
        places = [
            [start + one(c) * cell + (one(i) + one(0.5)) * cell / one(number) for i in range(number)]
            for c in range(count)
        ]
        axes.append([np.array([hat(float(p), length) for p in row]).reshape(-1, length) for row in places])
    return [np.einsum("ih,jw->ijhw", y, x).reshape(-1, size[0] * size[1]) for y in axes[0] for x in axes[1]]


def hat(place: float, length: int) -> Array:
    """Between -1 and the length, places count as inside and are moved to the edge."""
    if place < -1 or place > length:
        return np.zeros(length)
    return np.maximum(1 - np.abs(np.clip(place, 0, length - 1) - np.arange(length)), 0)


def boxes_of(rng: np.random.Generator, count: int, scale: float, dtype: str) -> Array:
    corners = np.sort(rng.uniform(-1, 9, (2, count, 2)), axis=0) / scale
    return np.concatenate([corners[0], corners[1]], axis=1).astype(dtype)


@covers("aclnnRoiAlign aclnnRoiAlignV2", "float32 float16")
@pytest.mark.parametrize("mode", ["avg", "max", "v2", "v2 aligned"])
def test_regions(mode: str) -> None:
    """With "max", as the vendor's own test has it, the largest of the interpolated samples (ONNX's reference
    takes the largest of the four weighted elements)."""
    rng = np.random.default_rng(len(mode))
    for dtype, samples in (("float32", 0), ("float16", 2), ("float32", 3)):
        x, boxes = random(rng, (2, 3, 7, 8), dtype), boxes_of(rng, 4, 0.5, dtype)
        images = np.array([0, 1, 1, 7], np.int32)
        expected = np.zeros((4, 3, 2, 3))
        for k in range(3):
            cells = region_samples(wide(boxes)[k], (7, 8), (2, 3), 0.5, samples, mode == "v2 aligned")
            planes = wide(x)[images[k]].reshape(3, -1)
            values = [planes @ cell.T for cell in cells]
            found = [v.max(1) if mode == "max" else v.sum(1) / max(v.shape[1], 1) for v in values]
            expected[k] = np.stack(found, axis=1).reshape(3, 2, 3)
        out = blank(rng, expected.shape, dtype)
        if mode.startswith("v2"):
            numbered = np.concatenate([images[:, None], boxes], axis=1).astype(dtype)
            ao.ops.roi_align_v2(
                layout(rng, x), layout(rng, numbered), 2, 3, 0.5, samples, mode == "v2 aligned", out=out
            )
        else:
            device = (layout(rng, x), layout(rng, boxes), layout(rng, images))
            ao.ops.roi_align(*device, mode, 2, 3, samples, 0.5, out=out)
        assert_close(out, expected, dtype, 1, 1e-5)


@covers("aclnnRoiAlignV2Backward", "float32")
@pytest.mark.parametrize("aligned", [False, True])
def test_gradients_of_regions(aligned: bool) -> None:
    rng = np.random.default_rng(3)
    grad, boxes = random(rng, (3, 2, 2, 3), "float32"), boxes_of(rng, 3, 1.0, "float32")
    images = np.array([1, 0, 1], np.float32)
    expected = np.zeros((2, 2, 42))
    for k in range(3):
        cells = region_samples(boxes[k], (6, 7), (2, 3), 1.0, 0, aligned)
        for at, cell in enumerate(cells):
            share = cell.sum(0) / max(len(cell), 1)
            expected[int(images[k])] += grad[k].reshape(2, -1)[:, at, None] * share
    out = blank(rng, (2, 2, 6, 7), "float32")
    numbered = np.concatenate([images[:, None], boxes], axis=1)
    ao.ops.roi_align_v2_backward(
        layout(rng, grad), layout(rng, numbered), [2, 2, 6, 7], 2, 3, 1.0, 0, aligned, out=out
    )
    assert_close(out, expected.reshape(out.shape), "float32", 2, 1e-5)


@covers("aclnnResize", "float32 float16")
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_resizing(mode: str) -> None:
    """Places follow from the lengths: nearest from the elements' corners, bilinear from their middles."""
    rng = np.random.default_rng(5)
    for dtype in ("float32", "float16"):
        x = random(rng, (2, 3, 5, 6), dtype)
        out = blank(rng, (2, 3, 8, 4), dtype)
        ao.ops.resize(layout(rng, x), [1.0, 1.0, 1.7, 0.75], mode, out=out)
        matrices = []
        for inputs, outputs in ((5, 8), (6, 4)):
            place = np.arange(outputs) * inputs / outputs
            if mode == "bilinear":
                place = np.clip(place + 0.5 * inputs / outputs - 0.5, 0, inputs - 1)
            else:
                place = np.floor(place)
            matrices.append(np.maximum(1 - np.abs(place[:, None] - np.arange(inputs)), 0))
        expected = np.einsum("nchw,Hh,Ww->ncHW", wide(x), *matrices)
        assert_close(out, expected, dtype, 1, 0 if mode == "nearest" else 1e-6)


@covers("aclnnIou", FLOATS)
@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("mode", ["iou", "iof"])
def test_overlaps_of_boxes(mode: str, aligned: bool) -> None:
    """eps widens each box and their common part, as the vendor's kernel has it."""
    rng = np.random.default_rng(6)
    for dtype in FLOATS.split():
        first, second = boxes_of(rng, 4, 1.0, "float32"), boxes_of(rng, 4 if aligned else 3, 1.0, "float32")
        first, second = (each.astype(host_dtype(dtype)) for each in (first, second))
        eps = 0.25
        a, b = wide(first)[:, None], wide(second)[:, None] if aligned else wide(second)[None]
        low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])
        shared = np.maximum(high - low + eps, 0).prod(-1)
        area_a, area_b = ((each[..., 2:] - each[..., :2] + eps).prod(-1) for each in (a, b))
        expected = shared / (area_b if mode == "iof" else area_a + area_b - shared)
        out = blank(rng, expected.shape, dtype)
        ao.ops.iou(layout(rng, first), layout(rng, second), mode, eps, aligned, out=out)
        assert_close(out, expected, dtype, 2, 1e-6)


X, GRID = np.zeros((1, 2, 4, 4), np.float32), np.zeros((1, 2, 2, 2), np.float32)


@pytest.mark.parametrize(
    ("call", "arguments", "text"),
    [
        ("grid_sampler2d", (X.astype(np.int32), GRID, 0, 0, False), "input"),
        ("grid_sampler2d", (X, GRID.astype(np.float16), 0, 0, False), "grid"),
        ("grid_sampler2d", (X, GRID[..., :1], 0, 0, False), "grid"),
        ("grid_sampler2d", (X, GRID, 3, 0, False), "interpolationMode"),
        ("grid_sampler2d", (X, GRID, 0, 3, False), "paddingMode"),
        ("roi_align", (X, GRID[0, 0], np.zeros(2, np.int32), "avg", 2, 2, 0, 1.0), "rois"),
        ("roi_align", (X, np.zeros((1, 4), np.float32), np.zeros(1, np.int32), "sum", 2, 2, 0, 1.0), "mode"),
        ("roi_align_v2", (X, np.zeros((1, 5), np.float32), 2, 2, 0.0, 0, True), "spatialScale"),
        ("resize", (X, [1.0, 1.0, 2.0, 2.0], "nearest"), "scales"),
        ("resize", (X, [1.0, 1.0, 0.5, 0.5], "cubic"), "mode"),
        ("iou", (X[0, 0], X[0, 0], "iou", -1.0, False), "eps"),
        ("iou", (X[0, 0], X[0, 0, :2], "iou", 0.0, True), "gtBoxes"),
    ],
)
def test_refusals_name_the_argument(call: str, arguments: tuple[object, ...], text: str) -> None:
    device = [ao.asarray(a) if isinstance(a, np.ndarray) else a for a in arguments]
    with pytest.raises(ao.AclError, match=text) as caught:
        getattr(ao.ops, call)(*device, out=ao.empty((1, 2, 2, 2), "float32"))
    assert caught.value.code == 161002


@pytest.mark.parametrize(
    ("size", "text"), [([1, 2, 3], "size"), ([1, 2, 0, 3], "size"), ([2, 2, 3, 3], "theta")]
)
def test_affine_grids_refuse_sizes_that_do_not_fit(size: list[int], text: str) -> None:
    theta = ao.asarray(np.zeros((1, 2, 3), np.float32))
    with pytest.raises(ao.AclError, match=text) as caught:
        ao.ops.affine_grid(theta, size, False, out=ao.empty((1, 3, 3, 2), "float32"))
    assert caught.value.code == 161002
