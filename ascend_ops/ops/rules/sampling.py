"""Output rules of resampling images (upsampling, grids of sampling points) and of their gradients, channels
before the spatial axes.
"""

from __future__ import annotations

import math

from ascend_ops._layout import Shape
from ascend_ops.ops.rules._vocabulary import (
    Call,
    Output,
    Outputs,
    attribute,
    axes,
    computed,
    integers,
    joined,
    like,
    refuse,
    same_as,
    shape_from,
    shape_of,
)
from ascend_ops.ops.rules._vocabulary_parts import FLOAT32, INT32, copy_of, each
from ascend_ops.ops.rules._vocabulary_windows import resized


def _resized(axes: int, name: str = "self") -> Outputs:
    return {"out": Output(resized(name, "outputSize", axes), same_as(name))}


def _back(gradient: str, result: str = "out") -> Outputs:
    return {result: Output(shape_from("inputSize"), same_as(gradient))}


def _gradients() -> Outputs:
    return {
        "inputGrad": copy_of("input"),
        "gridGrad": Output(like("grid"), same_as("input")),
    }


def _uncolumned(call: Call) -> Shape:
    """Columns [N, C * kernel positions, windows] back to images of input_size."""
    shape, kernel = shape_of(call, "gradOutput"), math.prod(integers(call, "kernelSize"))
    size = integers(call, "inputSize")
    if len(shape) not in (2, 3) or len(size) != 2 or not kernel or shape[-2] % kernel:
        refuse("gradOutput", f"shape {shape} does not hold windows of {kernel} elements of images of {size}")
    return (*shape[:-2], shape[-2] // kernel, *size)


_SAMPLED = joined(axes("input", 0, 2), axes("grid", 1, -1))
_SCREEN = (attribute("height"), attribute("width"))

RULES: dict[str, Outputs] = {
    **each(
        "UpsampleLinear1d UpsampleNearest1d UpsampleNearest1dV2 UpsampleNearestExact1d",
        _resized(1),
    ),
    **each(
        "UpsampleBicubic2d UpsampleBilinear2d UpsampleNearest2d UpsampleNearest2dV2 UpsampleNearestExact2d",
        _resized(2),
    ),
    "aclnnUpsampleBicubic2dAA": _resized(2, "x"),
    "aclnnUpsampleBilinear2dAA": _resized(2, "input"),
    **each("UpsampleNearest3d UpsampleNearestExact3d UpsampleTrilinear3d", _resized(3)),
    **each("GridSampler2D GridSampler3D", {"out": Output(_SAMPLED, same_as("input"))}),
    "aclnnRasterizer": {
        "findicesOut": Output(joined(*_SCREEN), INT32),
        "barycentricOut": Output(joined(*_SCREEN, 3), FLOAT32),
    },
    # Gradients.
    **each(
        "UpsampleBilinear2dBackward UpsampleBilinear2dBackwardV2 UpsampleLinear1dBackward "
        "UpsampleNearest1dBackward",
        _back("gradOut"),
    ),
    **each(
        "UpsampleBicubic2dAAGrad UpsampleBilinear2dAABackward UpsampleNearestExact1dBackward "
        "UpsampleNearestExact2dBackward",
        _back("gradOutput"),
    ),
    **each(
        "UpsampleBicubic2dBackward UpsampleNearest2dBackward UpsampleNearest3dBackward "
        "UpsampleNearestExact3dBackward UpsampleTrilinear3dBackward",
        _back("gradOut", "gradInput"),
    ),
    **each("GridSampler2DBackward GridSampler3DBackward", _gradients()),
    "aclnnIm2colBackward": {
        "out": Output(computed("shape (N, C, *input_size)", _uncolumned), same_as("gradOutput"))
    },
    "aclnnRoiAlignV2Backward": {"gradInput": Output(shape_from("inputShape"), same_as("gradOutput"))},
}
