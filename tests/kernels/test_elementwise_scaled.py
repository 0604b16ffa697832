"""Scaling along some axes, the gradient of Prelu, the loss scale of mixed precision; chunks and slices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import FLOATS, Array, assert_close, blank, covers, host_dtype, layout, random, wide

import ascend_ops as ao


@covers("aclnnScale", FLOATS)
@pytest.mark.parametrize(
    ("scale", "axis", "count", "blob"),
    [
        ((3, 4), 1, 2, True),
        ((4, 5), -2, -1, True),
        ((3,), 1, 0, False),
        ((), 0, 0, False),
        ((1,), 0, 0, True),
    ],
)
@pytest.mark.parametrize("biased", [False, True])
def test_scaling_along_axes(scale: tuple[int, ...], axis: int, count: int, blob: bool, biased: bool) -> None:
    rng = np.random.default_rng(len(scale))
    for dtype in FLOATS.split():
        x = random(rng, (2, 3, 4, 5), dtype, special=True)
        s, b = random(rng, scale, dtype), random(rng, scale, dtype)
        out = blank(rng, x.shape, dtype)
        ao.ops.scale(
            layout(rng, x), layout(rng, s), layout(rng, b) if biased else None, axis, count, blob, out=out
        )
        shape = scale + (1,) * (4 - axis % 4 - len(scale))
        with np.errstate(invalid="ignore"):
            expected = wide(x) * wide(s).reshape(shape) + (wide(b).reshape(shape) if biased else 0)
        assert_close(out, expected, dtype, 1, 2.0**-20)


@covers("aclnnPreluBackward", FLOATS)
@pytest.mark.parametrize(
    ("shape", "grad", "weight"),
    [((4, 3, 5), (4, 3, 5), (3,)), ((4, 3, 5), (3, 1), (1, 3, 1)), ((6,), (6,), (1,)), ((2, 3), (2, 3), ())],
)
def test_prelu_backward(shape: tuple[int, ...], grad: tuple[int, ...], weight: tuple[int, ...]) -> None:
    rng = np.random.default_rng(len(shape))
    for dtype in FLOATS.split():
        g, x, w = random(rng, grad, dtype), random(rng, shape, dtype), random(rng, weight, dtype)
        x.reshape(-1)[0] = 0
        channels = w.size if w.size > 1 else None
        inputs, weights = blank(rng, shape, dtype), blank(rng, (channels,) if channels else weight, dtype)
        ao.ops.prelu_backward(*(layout(rng, each) for each in (g, x, w)), out=(inputs, weights))
        wide_x = wide(x)
        wide_g = np.broadcast_to(wide(g), shape)
        along = wide(w).reshape(-1)[:, None] if channels else wide(w).reshape(-1)[0]
        assert_close(inputs, np.where(wide_x > 0, wide_g, wide_g * along), dtype)
        terms = np.where(wide_x > 0, 0, wide_g * wide_x)
        total = terms.sum((0, 2)) if channels else terms.sum().reshape(weight)
        assert_close(weights, total, dtype, 1, 1e-6)


@covers("aclnnAmpUpdateScale", FLOATS)
@pytest.mark.parametrize(
    ("scale", "tracker", "found", "expected"),
    [
        (8, 3, 1, (4, 0)),
        (8, 2, 0, (8, 3)),
        (8, 3, 0, (16, 0)),
        # What would overflow stays, and the count begins again.
        ("largest", 3, 0, ("largest", 0)),
    ],
)
def test_the_scale_of_losses(scale: Any, tracker: int, found: int, expected: tuple[Any, int]) -> None:
    for dtype in FLOATS.split():
        largest = {"float16": 2.0**15, "bfloat16": 2.0**127, "float32": 2.0**127}[dtype]

        def one(value: Any, name: str = dtype, largest: float = largest) -> ao.Tensor:
            return ao.asarray(np.array([largest if value == "largest" else value]).astype(host_dtype(name)))

        out = one(0), one(0, "int32")
        ao.ops.amp_update_scale(one(scale), one(tracker, "int32"), one(found), 2.0, 0.5, 4, out=out)
        assert_close(out[0], one(expected[0]).numpy(), dtype)
        assert_close(out[1], [expected[1]], "int32")


def chunks(tensors: list[Array], count: int) -> Array:
    rows = []
    for x in tensors:
        each = -(-len(x) // count)
        whole = np.zeros((each * count, *x.shape[1:]))
        whole[: len(x)] = x
        rows.append(whole.reshape(count, -1))
    return np.concatenate(rows, 1)


@covers("aclnnChunkCat", FLOATS)
def test_chunks_side_by_side() -> None:
    rng = np.random.default_rng(8)
    for dtype, to in [
        ("float32", "float32"),
        ("float16", "float32"),
        ("bfloat16", "bfloat16"),
        ("float16", "bfloat16"),
    ]:
        tensors = [random(rng, shape, dtype) for shape in ((5, 3), (4,), (2, 2, 2), (0, 3))]
        expected = chunks([wide(each) for each in tensors], 3)
        out = blank(rng, expected.shape, to)
        ao.ops.chunk_cat([layout(rng, each) for each in tensors], 0, 3, out=out)
        assert_close(out, expected, to)


@covers("aclnnStridedSliceAssignV2", f"{FLOATS} float64 int8 int32 int64")
def test_slices_are_assigned() -> None:
    rng = np.random.default_rng(9)
    for dtype in f"{FLOATS} float64 int8 int32 int64".split():
        var = random(rng, (5, 4, 6), dtype)
        for begin, end, strides, axes, place in (
            ([1, 0, -4], [99, 4, -1], [2, 3, 1], None, np.s_[1::2, 0:4:3, 2:5]),
            ([-9, 1], [3, 2], [1, 1], [0, -1], np.s_[:3, :, 1:2]),
            ([4], [1], [1], [0], np.s_[4:1]),
        ):
            device, expected = layout(rng, var), var.copy()
            value = random(rng, expected[place].shape, dtype)
            expected[place] = value
            ao.ops.strided_slice_assign_v2(device, layout(rng, value), begin, end, strides, axes)
            np.testing.assert_array_equal(device.numpy(), expected)


X = np.ones((2, 3), np.float32)


@pytest.mark.parametrize(
    ("name", "arguments", "shape", "text"),
    [
        ("scale", (X, X[0, :2].copy(), None, 1, -1, True), (2, 3), r"scale is .*must be \[3\]"),
        ("scale", (X, X[0], None, 1, -2, True), (2, 3), "numAxes is -2"),
        ("scale", (X, X[0], None, 2, 1, True), (2, 3), "axis is 2"),
        ("scale", (X, X[0], None, 1, 2**63 - 1, True), (2, 3), "covers 9223372036854775807 axes"),
        ("scale", (X, X, None, 1, 0, False), (2, 3), "covers 2 axes"),
        ("chunk_cat", ([X], 1, 2), (2, 3), "dim is 1"),
        ("chunk_cat", ([X, X.astype(np.float16)], 0, 2), (2, 6), r"tensors\[1\]"),
        ("chunk_cat", ([X], 0, 2), (2, 4), r"out is .*must be \[2, 3\]"),
        ("strided_slice_assign_v2", (X, X, [0, 0], [2, 3], [1, 2], None), None, r"strides\[1\] is 2"),
        ("strided_slice_assign_v2", (X, X, [0], [2], [1], [2]), None, r"axesOptional\[0\] is 2"),
        ("strided_slice_assign_v2", (X, X, [0, 0], [1, 3], [1, 1], None), None, "inputValue is"),
        ("strided_slice_assign_v2", (X, X, [0], [1], [1], None), None, "begin has 1 numbers"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, arguments: tuple[Any, ...], shape: Any, text: str) -> None:
    def given(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return ao.asarray(value)
        return [given(each) for each in value] if isinstance(value, list) else value

    named = {} if shape is None else {"out": ao.zeros(shape, "float32")}
    with pytest.raises(ao.AclError, match=text) as refusal:
        getattr(ao.ops, name)(*map(given, arguments), **named)
    assert refusal.value.code == 161002
