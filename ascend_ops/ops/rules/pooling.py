"""Output rules of pooling and its gradients, channels before the spatial axes (a batch may lead). Indices are
int32, which every device has, where CANN leaves them open.
"""

from __future__ import annotations

import math

from ascend_ops import dtypes
from ascend_ops._layout import Shape
from ascend_ops.ops.rules._vocabulary import (
    Call,
    Output,
    Outputs,
    ShapeRule,
    attribute,
    axis_of,
    computed,
    fixed,
    flag,
    integers,
    joined,
    number,
    refuse,
    same_as,
    shape_of,
    snake,
)
from ascend_ops.ops.rules._vocabulary_parts import INT8, INT32, copy_of, each
from ascend_ops.ops.rules._vocabulary_windows import checked, positive, resized, slid, windows


def _pooled(
    axes: int,
    kernel: str = "kernelSize",
    stride: str = "stride",
    padding: str = "padding",
    dilation: str = "",
) -> ShapeRule:
    """Windows over the last axes of self; a stride that is not given is the kernel's size."""

    def of(call: Call) -> Shape:
        shape = shape_of(call, "self")
        if len(shape) not in (axes + 1, axes + 2):
            refuse(
                "self", f"has {len(shape)} axes; channels and {axes} spatial axes (and a batch) are allowed"
            )
        sizes = windows(call, kernel, axes, 1)
        steps = windows(call, stride, axes, sizes)
        positive(kernel, sizes)
        positive(stride, steps)
        pads = windows(call, padding, axes, 0)
        holes = windows(call, dilation, axes, 1) if dilation else (1,) * axes
        ceil = flag(call, "ceilMode")
        rows = zip(shape[-axes:], sizes, steps, pads, holes, strict=True)
        found = [slid(n, k, s, p, p, d, ceil) for n, k, s, p, d in rows]
        return (*shape[:-axes], *checked("self", found, shape))

    return computed(
        f"shape of self pooled over {axes} axes by {snake(kernel)} in steps of {snake(stride)}", of
    )


def _max_pooled(call: Call) -> Shape:
    """aclnnMaxPool: padding for each side, (top, left, bottom, right); strides are 1 when not given."""
    shape = shape_of(call, "self")
    if len(shape) not in (3, 4):
        refuse("self", f"has {len(shape)} axes; 3 or 4 are allowed")
    kernel, steps = windows(call, "kernelShape", 2, 1), windows(call, "strides", 2, 1)
    positive("kernelShape", kernel)
    positive("strides", steps)
    pads = integers(call, "pads")
    if len(pads) != 4:
        pads = windows(call, "pads", 2, 0) * 2
    ceil = bool(number(call, "ceilMode"))
    found = [slid(shape[i - 2], kernel[i], steps[i], pads[i], pads[i + 2], 1, ceil) for i in (0, 1)]
    return (*shape[:-2], *checked("self", found, shape))


_POOLED_2D = _pooled(2, dilation="dilation")
_POOLED_3D = _pooled(3, dilation="dilation")


def _masks(call: Call) -> Shape:
    """For each place in the window, bits of all positions in blocks of 16, plus one block; times 2."""
    *lead, height, width = _POOLED_2D(call)
    kernel = windows(call, "kernelSize", 2, 1)
    return (*lead, math.prod(kernel), (-(-height * width // 16) + 1) * 32)


def _with(shape: ShapeRule, result: str, indices: str) -> Outputs:
    return {result: Output(shape, same_as("self")), indices: Output(shape, INT32)}


def _gradient(result: str = "gradInput") -> Outputs:
    return {result: copy_of("self")}


_REGIONS = joined(axis_of("rois", 0), axis_of("x", 1), attribute("pooled_h"), attribute("pooled_w"))
_SIZE_2D, _SIZE_3D = resized("self", "outputSize", 2), resized("self", "outputSize", 3)

RULES: dict[str, Outputs] = {
    "aclnnAvgPool2d": {"out": Output(_pooled(2, stride="strides", padding="paddings"), same_as("self"))},
    "aclnnAvgPool3d": {"out": Output(_pooled(3), same_as("self"))},
    "aclnnMaxPool": {
        "out": Output(
            computed("shape of self pooled by kernel_shape in steps of strides", _max_pooled), same_as("self")
        )
    },
    "aclnnMaxPool2dWithIndices": _with(_POOLED_2D, "out", "indices"),
    "aclnnMaxPool3dWithArgmax": _with(_POOLED_3D, "out", "indices"),
    "aclnnMaxPool2dWithMask": {
        "out": Output(_POOLED_2D, same_as("self")),
        "indices": Output(
            computed(
                "shape of out with (kernel positions, (ceil(H * W / 16) + 1) * 32) for its last axes", _masks
            ),
            INT8,
        ),
    },
    # To a given size.
    "aclnnAdaptiveAvgPool2d": {"out": Output(_SIZE_2D, same_as("self"))},
    "aclnnAdaptiveAvgPool3d": {"out": Output(_SIZE_3D, same_as("self"))},
    "aclnnAdaptiveMaxPool2d": {
        "outputOut": Output(_SIZE_2D, same_as("self")),
        "indicesOut": Output(_SIZE_2D, fixed(dtypes.int64)),
    },
    "aclnnAdaptiveMaxPool3d": _with(_SIZE_3D, "outputOut", "indicesOut"),
    # Gradients.
    **each("AdaptiveAvgPool2dBackward AdaptiveAvgPool3dBackward", _gradient("out")),
    **each("AdaptiveMaxPool2dBackward AdaptiveMaxPool3dBackward AvgPool2dBackward", _gradient()),
    **each("MaxPool2dWithIndicesBackward MaxPool2dWithMaskBackward MaxPool3dWithArgmaxBackward", _gradient()),
    "aclnnAvgPool3dBackward": _gradient("output"),
    # Regions of interest.
    "aclnnRoiAlign": {
        "out": Output(
            joined(
                axis_of("rois", 0), axis_of("self", 1), attribute("outputHeight"), attribute("outputWidth")
            ),
            same_as("self"),
        )
    },
    "aclnnRoiAlignV2": {
        "out": Output(
            joined(
                axis_of("boxes", 0), axis_of("self", 1), attribute("pooledHeight"), attribute("pooledWidth")
            ),
            same_as("self"),
        )
    },
    "aclnnRoiPoolingWithArgMax": {
        "y": Output(_REGIONS, same_as("x")),
        "argmax": Output(_REGIONS, INT32),
    },
}
