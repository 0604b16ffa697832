"""Convolutions, transposed convolutions and their gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import FLOATS, Array, assert_close, blank, covers, layout, random, seeds, wide
from kernels.convolutions import Shape, to_large, to_small, to_weight

import ascend_ops as ao


def draw(rng: np.random.Generator, axes: int, transposed: bool, groups: int) -> tuple[Shape, tuple[int, ...]]:
    """Attributes, and the spatial lengths of the input."""

    def numbers(low: int, high: int) -> tuple[int, ...]:
        return tuple(int(n) for n in rng.integers(low, high, axes))

    kernel, stride, dilation, before = numbers(1, 4), numbers(1, 3), numbers(1, 3), numbers(0, 2)
    after = before if transposed or axes == 3 or rng.random() < 0.5 else numbers(0, 3)
    extra = tuple(int(rng.integers(0, max(s, d))) for s, d in zip(stride, dilation, strict=True))
    shape = Shape(kernel, stride, before, after, dilation, groups, transposed, extra if transposed else ())
    return shape, tuple(int(n) for n in rng.integers(5, 9, axes))


def paddings(shape: Shape) -> list[int]:
    if shape.before == shape.after:
        return list(shape.before)
    return [n for sides in zip(shape.before, shape.after, strict=True) for n in sides]


def tensors(rng: np.random.Generator, shape: Shape, size: tuple[int, ...], dtype: str) -> tuple[Array, Array]:
    channels = shape.groups * int(rng.integers(1, 4)), shape.groups * int(rng.integers(1, 3))
    small, large = channels
    weight = random(rng, (small, large // shape.groups, *shape.kernel), dtype, -2, 2)
    count = int(rng.integers(1, 3))
    return random(rng, (count, small if shape.transposed else large, *size), dtype, -2, 2), weight


def attributes(shape: Shape) -> tuple[Any, ...]:
    extra = list(shape.extra or (0,) * len(shape.kernel))
    steps = (list(shape.stride), paddings(shape), list(shape.dilation))
    return (*steps, shape.transposed, extra, shape.groups)


def convolved(shape: Shape, x: Array, weight: Array) -> Array:
    if shape.transposed:
        return to_large(shape, x, weight, shape.large(x.shape[2:]))
    return to_small(shape, x, weight)


def add_bias(images: Array, bias: Array | None) -> Array:
    return images if bias is None else images + bias.reshape(-1, *[1] * (images.ndim - 2))


def check_forward(rng: np.random.Generator, axes: int, transposed: bool, dtype: str) -> None:
    shape, size = draw(rng, axes, transposed, int(rng.integers(1, 4)))
    x, weight = tensors(rng, shape, size, dtype)
    expected = convolved(shape, wide(x), wide(weight))
    bias = random(rng, expected.shape[1:2], dtype) if rng.random() < 0.5 else None
    out = blank(rng, expected.shape, dtype)
    device = [None if a is None else layout(rng, a) for a in (x, weight, bias)]
    ao.ops.convolution(*device, *attributes(shape), cube_math_type=int(rng.choice([0, 1, 3])), out=out)
    wanted = add_bias(expected, None if bias is None else wide(bias))
    assert_close(out, wanted, dtype, 1, 3e-5)


@covers("aclnnConvolution", FLOATS)
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_convolutions(axes: int, transposed: bool) -> None:
    """cubeMathType 1 and 3 allow HFLOAT32 products; the stand-in computes in fp32 all the same."""

    @seeds(5)
    def example(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for dtype in FLOATS.split():
            check_forward(rng, axes, transposed, dtype)

    example()


def check_backward(rng: np.random.Generator, axes: int, transposed: bool, dtype: str) -> None:
    shape, size = draw(rng, axes, transposed, int(rng.integers(1, 4)))
    x, weight = tensors(rng, shape, size, dtype)
    result = convolved(shape, wide(x), wide(weight))
    grad = random(rng, result.shape, dtype, -2, 2)
    g, w = wide(grad), wide(weight)
    to_x = to_small(shape, g, w) if transposed else to_large(shape, g, w, x.shape[2:])
    pair = (g, wide(x)) if transposed else (wide(x), g)
    bias = g.sum(axis=(0, *range(2, g.ndim)))
    expected = (to_x[(..., *(slice(n) for n in x.shape[2:]))], to_weight(shape, *pair), bias)
    outs = tuple(blank(rng, each.shape, dtype) for each in (x, weight, bias))
    stride, pads, *rest = attributes(shape)
    device = [layout(rng, a) for a in (grad, x, weight)]
    ao.ops.convolution_backward(*device, list(bias.shape), stride, pads, *rest, [True] * 3, 0, out=outs)
    for out, wanted in zip(outs, expected, strict=True):
        assert_close(out, wanted, dtype, 1, 2e-4)


@covers("aclnnConvolutionBackward", FLOATS)
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_gradients(axes: int, transposed: bool) -> None:
    @seeds(4)
    def example(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for dtype in FLOATS.split():
            check_backward(rng, axes, transposed, dtype)

    example()


def test_gradients_that_are_not_asked_for_are_left_alone() -> None:
    rng = np.random.default_rng(1)
    grad, x, weight = (random(rng, s, "float32") for s in ((1, 2, 3, 3), (1, 2, 4, 4), (2, 2, 2, 2)))
    made = ao.ops.convolution_backward(
        *map(ao.asarray, (grad, x, weight)), [2], [1, 1], [0, 0], [1, 1], False, [0, 0], 1,
        [False, True, False], 0,
    )  # fmt: skip
    shape = Shape((2, 2), (1, 1), (0, 0), (0, 0), (1, 1), 1)
    got = made[1] if isinstance(made, tuple) else made
    assert got is not None
    assert_close(got, to_weight(shape, wide(x), wide(grad)), "float32", 1, 1e-4)


def test_a_picture_that_takes_several_pieces() -> None:
    """Larger than one piece of columns, on several threads."""
    rng = np.random.default_rng(2)
    x, weight = random(rng, (2, 16, 96, 90), "float32"), random(rng, (8, 16, 3, 3), "float32")
    shape = Shape((3, 3), (1, 1), (1, 1), (1, 1), (1, 1), 1)
    steps = ([1, 1], [1, 1], [1, 1], False, [0, 0], 1)
    made = ao.ops.convolution(ao.asarray(x), ao.asarray(weight), None, *steps, cube_math_type=0)
    assert_close(made, to_small(shape, wide(x), wide(weight)), "float32", 4, 1e-3)
    grad = random(rng, made.shape, "float32")
    device = [ao.asarray(a) for a in (grad, x, weight)]
    to_x, to_w, _ = ao.ops.convolution_backward(*device, [8], *steps, [True] * 3, 0)
    assert_close(to_x, to_large(shape, wide(grad), wide(weight), (96, 90)), "float32", 4, 1e-3)
    assert_close(to_w, to_weight(shape, wide(x), wide(grad)), "float32", 8, 3e-2)


def test_fp16_products_when_asked_for() -> None:
    rng = np.random.default_rng(3)
    x, weight = random(rng, (1, 3, 5, 5), "float32"), random(rng, (2, 3, 2, 2), "float32")
    steps = ([1, 1], [0, 0], [1, 1], False, [0, 0], 1)
    made = ao.ops.convolution(ao.asarray(x), ao.asarray(weight), None, *steps, cube_math_type=2)
    rounded = [wide(a.astype(np.float16)) for a in (x, weight)]
    assert_close(
        made, to_small(Shape((2, 2), (1, 1), (0, 0), (0, 0), (1, 1), 1), *rounded), "float32", 1, 1e-4
    )


def test_other_output_types_when_not_transposed() -> None:
    rng = np.random.default_rng(4)
    x, weight = random(rng, (1, 2, 6), "float16"), random(rng, (2, 2, 3), "float32")
    out = ao.empty((1, 2, 4), "float32")
    ao.ops.convolution(
        ao.asarray(x), ao.asarray(weight), None, [1], [0], [1], False, [0], 1, cube_math_type=0, out=out
    )
    assert_close(
        out, to_small(Shape((3,), (1,), (0,), (0,), (1,), 1), wide(x), wide(weight)), "float32", 1, 1e-5
    )


@covers("aclnnConvDepthwise2d", FLOATS)
def test_depthwise_convolutions() -> None:
    rng = np.random.default_rng(5)
    for dtype in FLOATS.split():
        shape, size = draw(rng, 2, False, 3)
        shape = Shape(shape.kernel, shape.stride, shape.before, shape.before, shape.dilation, 3)
        x, weight = random(rng, (2, 3, *size), dtype), random(rng, (6, 1, *shape.kernel), dtype)
        bias = random(rng, (6,), dtype)
        made = ao.ops.conv_depthwise2d(
            layout(rng, x), layout(rng, weight), list(shape.kernel), layout(rng, bias), list(shape.stride),
            list(shape.before), list(shape.dilation), cube_math_type=0,
        )  # fmt: skip
        assert_close(made, add_bias(to_small(shape, wide(x), wide(weight)), wide(bias)), dtype, 1, 1e-4)


def in_time(x: Array) -> Array:
    """[time, batch, channels] <-> [batch, channels, time], as an image."""
    return x.transpose(1, 2, 0)


@covers("aclnnConvTbc aclnnConvTbcBackward", FLOATS)
def test_convolutions_in_time() -> None:
    """Arguments are [time, batch, channels] and weights [kernel, in, out], as in PyTorch and in the
    operator's texts; its document's table names the axes otherwise."""
    rng = np.random.default_rng(6)
    for dtype in FLOATS.split():
        pad = int(rng.integers(0, 3))
        x, weight = random(rng, (7, 2, 3), dtype), random(rng, (3, 3, 4), dtype)
        bias = random(rng, (4,), dtype)
        shape = Shape((3,), (1,), (pad,), (pad,), (1,), 1)
        w = wide(weight).transpose(2, 1, 0)
        result = add_bias(to_small(shape, in_time(wide(x)), w), wide(bias))
        out = blank(rng, (5 + 2 * pad, 2, 4), dtype)
        device = [layout(rng, a) for a in (x, weight, bias)]
        ao.ops.conv_tbc(*device, pad, 0, out=out)
        assert_close(in_time(out.numpy()), result, dtype, 1, 1e-4)
        grad = random(rng, out.shape, dtype)
        g = in_time(wide(grad))
        to_x, to_w, to_b = ao.ops.conv_tbc_backward(layout(rng, grad), *device, pad, 0)
        assert_close(in_time(to_x.numpy()), to_large(shape, g, w, (7,)), dtype, 1, 1e-4)
        assert_close(to_w.numpy().transpose(2, 1, 0), to_weight(shape, in_time(wide(x)), g), dtype, 1, 1e-4)
        assert_close(to_b, g.sum(axis=(0, 2)), dtype, 1, 1e-4)


def deformed(x: Array, offset: Array, kernel: tuple[int, int], steps: tuple[int, ...], groups: int) -> Array:
    """Samples [N, C, kernel places, positions]: offsets of x, then of y, then masks, by group and place."""
    stride, before, dilation = steps
    count, channels, height, width = x.shape
    out = offset.shape[2:]
    moved = offset.reshape(count, 3, groups, *kernel, *out)
    made = np.zeros((count, channels, *kernel, *out))
    for at in np.ndindex(*made.shape):
        n, c, kh, kw, oh, ow = at
        dx, dy, mask = moved[(n, slice(None), c * groups // channels, kh, kw, oh, ow)]
        y, w = oh * stride - before + kh * dilation + dy, ow * stride - before + kw * dilation + dx
        down = np.maximum(1 - np.abs(y - np.arange(height)), 0)
        across = np.maximum(1 - np.abs(w - np.arange(width)), 0)
        made[at] = down @ x[n, c] @ across * mask
    return made


@covers("aclnnDeformableConv2d", FLOATS)
def test_deformable_convolutions() -> None:
    """Offsets of x come before those of y, masks last, as in the vendor's kernel."""
    rng = np.random.default_rng(8)
    for dtype in FLOATS.split():
        x, weight = random(rng, (2, 4, 6, 5), dtype), random(rng, (6, 2, 3, 2), dtype)
        bias, offset = random(rng, (6,), dtype), random(rng, (2, 36, 3, 3), dtype, -2, 2)
        samples = deformed(wide(x), wide(offset), (3, 2), (2, 1, 1), 2)
        by_group = samples.reshape(2, 2, 2, 3, 2, 3, 3)
        by_weight = wide(weight).reshape(2, 3, 2, 3, 2)
        expected = np.einsum("ngckhyx,gockh->ngoyx", by_group, by_weight).reshape(2, 6, 3, 3)
        out, points = blank(rng, (2, 6, 3, 3), dtype), blank(rng, (2, 4, 9, 6), dtype)
        ao.ops.deformable_conv2d(
            *(layout(rng, a) for a in (x, weight, offset, bias)), [3, 2], [1, 1, 2, 2], [1, 1, 1, 1],
            [1, 1, 1, 1], 2, 2, True, out=(out, points),
        )  # fmt: skip
        assert_close(points, samples.transpose(0, 1, 4, 2, 5, 3).reshape(2, 4, 9, 6), dtype, 1, 1e-5)
        assert_close(out, add_bias(expected, wide(bias)), dtype, 1, 1e-4)


@covers("aclnnQuantConvolution", "int8")
def test_quantised_convolutions() -> None:
    rng = np.random.default_rng(9)
    for dtype in ("float16", "bfloat16"):
        shape = Shape((2, 3, 2), (1, 2, 1), (1, 1, 0), (1, 1, 0), (1, 1, 2), 1)
        x, weight = (
            random(rng, (2, 5, 4, 6, 5), "int8", -128, 127),
            random(rng, (3, 5, 2, 3, 2), "int8", -9, 9),
        )
        scale, bias = random(rng, (3,), "float32", 0.001, 0.01), random(rng, (3,), dtype)
        sums = to_small(shape, wide(x).astype(np.float64), wide(weight).astype(np.float64))
        expected = add_bias(sums * wide(scale).reshape(-1, 1, 1, 1), wide(bias))
        out = blank(rng, expected.shape, dtype)
        device = [layout(rng, a) for a in (x, weight, bias, scale)]
        steps = (list(shape.stride), list(shape.before), list(shape.dilation))
        ao.ops.quant_convolution(*device, None, *steps, False, None, 1, 0, None, out=out)
        assert_close(out, expected, dtype, 1, 1e-5)


@pytest.mark.parametrize(
    ("at", "value", "text"), [(3, True, "transposed"), (5, 2, "groups"), (6, 1, "offsetx")]
)
def test_quantised_convolutions_refuse_what_is_reserved(at: int, value: object, text: str) -> None:
    x, weight = ao.empty((1, 1, 2, 2, 2), "int8"), ao.empty((1, 1, 1, 1, 1), "int8")
    steps: list[object] = [[1] * 3, [0] * 3, [1] * 3, False, None, 1, 0, None]
    steps[at] = value
    with pytest.raises(ao.AclError, match=text) as caught:
        ao.ops.quant_convolution(
            x, weight, None, ao.empty((1,), "float32"), None, *steps, out=ao.empty((1, 1, 2, 2, 2), "float16")
        )
    assert caught.value.code == 161002


def test_no_images_are_nothing_to_do() -> None:
    x, weight = ao.empty((0, 2, 4, 4), "float32"), ao.asarray(np.zeros((3, 2, 2, 2), np.float32))
    made = ao.ops.convolution(x, weight, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1, cube_math_type=0)
    assert made.shape == (0, 3, 3, 3)


X, W = np.zeros((1, 2, 4, 4), np.float32), np.zeros((2, 2, 3, 3), np.float32)
STEPS = ([1, 1], [0, 0], [1, 1], False, [0, 0], 1)


@pytest.mark.parametrize(
    ("x", "weight", "changed", "text"),
    [
        (X.astype(np.int8), W, {}, "input"),
        (X, W.astype(np.float64), {}, "weight"),
        (X[0, 0], W, {}, "input"),
        (X, W[0], {}, "weight"),
        (X, W, {0: [0, 1]}, "stride"),
        (X, W, {0: [1]}, "stride"),
        (X, W, {1: [-1, 0]}, "padding"),
        (X, W, {2: [1, 3]}, "kernel"),
        (X, W, {3: True, 4: [1, 0]}, "outputPadding"),
        (X, W, {5: 2}, "channels"),
        (X, W, {5: 0}, "groups"),
        (X, W, {6: 4}, "cubeMathType"),
    ],
)
def test_refusals_name_the_argument(x: Array, weight: Array, changed: dict[int, object], text: str) -> None:
    steps = [changed.get(i, value) for i, value in enumerate((*STEPS, 0))]
    with pytest.raises(ao.AclError, match=text) as caught:
        ao.ops.convolution(
            ao.asarray(x), ao.asarray(weight), None, *steps[:6], cube_math_type=steps[6],
            out=ao.empty((1, 2, 2, 2), "float32"),
        )  # fmt: skip
    assert caught.value.code == 161002


def test_gradients_have_an_output_padding_when_transposed_alone() -> None:
    x, weight = ao.zeros((1, 1, 4, 4), "float32"), ao.zeros((2, 1, 2, 2), "float32")
    gradient, steps = ao.zeros((1, 2, 3, 3), "float32"), ([2], [1, 1], [0, 0], [1, 1])
    with pytest.raises(ao.AclError, match="outputPadding has the number 1") as caught:
        ao.ops.convolution_backward(gradient, x, weight, *steps, False, [1, 0], 1, [True] * 3, 0)
    assert caught.value.code == 161002
