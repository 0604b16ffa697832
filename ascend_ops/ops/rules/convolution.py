"""Output rules of convolutions and their gradients, channels before the spatial axes (NCL, NCHW, NCDHW)."""

from __future__ import annotations

from ascend_ops._layout import Shape
from ascend_ops.ops.rules._vocabulary import (
    Call,
    Output,
    Outputs,
    axes,
    axis_of,
    computed,
    flag,
    integers,
    joined,
    like,
    number,
    promoted,
    refuse,
    same_as,
    shape_from,
    shape_of,
)
from ascend_ops.ops.rules._vocabulary_parts import asked, copy_of
from ascend_ops.ops.rules._vocabulary_windows import checked, positive, slid, windows


def _convolved(call: Call) -> Shape:
    shape, weight = shape_of(call, "input"), shape_of(call, "weight")
    if len(shape) != len(weight) or not 3 <= len(shape) <= 5:
        refuse("weight", f"shape {weight} and the input's {shape} must have the same 3 to 5 axes")
    if flag(call, "transposed"):
        return (shape[0], weight[1] * number(call, "groups"), *_transposed(call, shape, weight))
    return (shape[0], weight[0], *_forward(call, shape, weight))


def _forward(call: Call, shape: Shape, weight: Shape) -> Shape:
    spatial = len(shape) - 2
    steps, holes = windows(call, "stride", spatial, 1), windows(call, "dilation", spatial, 1)
    positive("stride", steps)
    before, after = _sides(call, spatial)
    rows = zip(shape[2:], weight[2:], steps, before, after, holes, strict=True)
    return checked("input", [slid(n, k, s, b, a, d, False) for n, k, s, b, a, d in rows], shape)


def _sides(call: Call, spatial: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Padding before and after each spatial axis, which may be given for each side of an image or a line."""
    given = integers(call, "padding")
    if spatial < 3 and len(given) == 2 * spatial:
        return given[0::2], given[1::2]
    pads = windows(call, "padding", spatial, 0)
    return pads, pads


def _transposed(call: Call, shape: Shape, weight: Shape) -> Shape:
    spatial = len(shape) - 2
    steps, holes = windows(call, "stride", spatial, 1), windows(call, "dilation", spatial, 1)
    pads, extra = windows(call, "padding", spatial, 0), windows(call, "outputPadding", spatial, 0)
    rows = zip(shape[2:], weight[2:], steps, pads, holes, extra, strict=True)
    return checked("input", [(n - 1) * s - 2 * p + d * (k - 1) + e + 1 for n, k, s, p, d, e in rows], shape)


def _depthwise(call: Call) -> Shape:
    shape, weight = shape_of(call, "self"), shape_of(call, "weight")
    if len(shape) != 4 or len(weight) != 4:
        refuse("weight", f"shape {weight} and the input's {shape} must have 4 axes")
    return (shape[0], weight[0], *_forward(call, shape, weight))


def _convolved_in_time(call: Call) -> Shape:
    """self is [time, batch, channels], weight [kernel, channels, channels of the result]."""
    time, batch, _ = shape_of(call, "self")
    kernel, _, channels = shape_of(call, "weight")
    return checked(
        "self", (time + 2 * number(call, "pad") - kernel + 1, batch, channels), shape_of(call, "self")
    )


def _deformed(call: Call) -> Shape:
    n, channels, *_ = shape_of(call, "x")
    height, width = shape_of(call, "offset")[2:]
    tall, wide = windows(call, "kernelSize", 2, 1)
    return (n, channels, height * tall, width * wide)


RULES: dict[str, Outputs] = {
    "aclnnConvolution": {
        "output": Output(
            computed("shape of the convolution of input with weight", _convolved), promoted("input", "weight")
        )
    },
    "aclnnConvDepthwise2d": {
        "out": Output(
            computed("shape of the convolution of self with weight", _depthwise), promoted("self", "weight")
        )
    },
    "aclnnConvTbc": {
        "output": Output(
            computed("shape (time + 2 * pad - kernel + 1, batch, weight.shape[2])", _convolved_in_time),
            same_as("self"),
        )
    },
    "aclnnDeformableConv2d": {
        "out": Output(joined(axis_of("x", 0), axis_of("weight", 0), axes("offset", 2)), same_as("x")),
        "deformOutOptional": Output(
            computed("shape of x with offset.shape[2:] * kernel_size as spatial axes", _deformed),
            same_as("x"),
        ),
    },
    # Gradients of input, weight and bias.
    "aclnnConvolutionBackward": {
        "gradInput": Output(like("input"), same_as("input"), asked("outputMask", 0)),
        "gradWeight": Output(like("weight"), same_as("weight"), asked("outputMask", 1)),
        "gradBias": Output(shape_from("biasSizes"), same_as("gradOutput"), asked("outputMask", 2)),
    },
    "aclnnConvTbcBackward": {
        "gradInput": copy_of("input"),
        "gradWeight": copy_of("weight"),
        "gradBias": copy_of("bias"),
    },
    "aclnnDeformableConv2dBackward": {
        "gradInput": copy_of("input"),
        "gradWeight": copy_of("weight"),
        "gradOffset": copy_of("offset"),
        "gradBias": Output(axis_of("weight", 0), same_as("input")),
    },
}
