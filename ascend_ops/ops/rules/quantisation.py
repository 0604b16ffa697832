"""Output rules of quantisation and dequantisation. Where CANN takes the type of a quantised result from the
output itself, it is int8, the type that every device has (FlatQuant: int4).
"""

from __future__ import annotations

from ascend_ops import dtypes
from ascend_ops._layout import Shape
from ascend_ops.ops.rules._vocabulary import (
    Call,
    Condition,
    Output,
    Outputs,
    ShapeRule,
    axes,
    axis,
    axis_of,
    broadcast,
    computed,
    constant,
    either,
    equals,
    fixed,
    from_attribute,
    is_set,
    joined,
    like,
    present,
    refuse,
    same_as,
    shape_of,
    with_axis,
)
from ascend_ops.ops.rules._vocabulary_parts import (
    FLOAT32,
    INT8,
    all_of,
    copy_of,
    each,
    halved,
    has_dtype,
    in_blocks,
    packed,
    rows,
    unless,
)

_DST, _X = from_attribute("dstType"), like("x")
_ROWS = Output(rows("x"), FLOAT32)
_HALF = halved("x", -1)
_EIGHTFOLD = with_axis("x", -1, axis_of("x", -1, times=8))
_IS_ROW = Condition("scale has one axis", lambda call: len(shape_of(call, "scale")) == 1)


def _dynamic(scale: ShapeRule, asymmetrical: Condition | None = None) -> Outputs:
    return {
        "yOut": Output(packed("x", "dstType"), _DST),
        "scaleOut": Output(scale, FLOAT32),
        "offsetOut": Output(scale, FLOAT32, asymmetrical),
    }


def _columns(call: Call) -> Shape:
    shape = shape_of(call, "x")
    return (*shape[:-2], shape[-1])


def _activated_rows(call: Call) -> Shape:
    """The last axis dropped, another activated one halved."""
    shape = list(shape_of(call, "x"))
    where = axis(call, "activateDim", len(shape))
    if shape[where] % 2:
        refuse("x", f"length {shape[where]} of axis {where} of shape {tuple(shape)} is not divisible by 2")
    shape[where] //= 2
    return tuple(shape[:-1])


_BY_MODE = either(
    equals("quantMode", "pertensor"),
    constant(1),
    either(
        equals("quantMode", "perchannel"),
        computed("x.shape without the last axis but one", _columns),
        rows("x"),
    ),
)
_BLOCKS = joined(axes("x", None, -2), in_blocks("x", -2, "rowBlockSize"), in_blocks("x", -1, "colBlockSize"))
_ASYMMETRICAL = unless(is_set("isSymmetrical"))

RULES: dict[str, Outputs] = {
    # By given scales; results of type int32 hold eight int4 in each element.
    **each("AscendQuant AscendQuantV3 GroupQuant", {"y": Output(packed("x", "dstType"), _DST)}),
    "aclnnQuantize": {"out": Output(_X, from_attribute("dtype"))},
    **each(
        "FakeQuantPerChannelAffineCachemask FakeQuantPerTensorAffineCachemask",
        {"out": copy_of("self"), "mask": Output(like("self"), fixed(dtypes.bool_))},
    ),
    # Back to floating point.
    "aclnnAscendAntiQuant": {"y": Output(either(has_dtype("x", dtypes.int32), _EIGHTFOLD, _X), _DST)},
    "aclnnDequantBias": {"out": Output(_X, from_attribute("outputDtype"))},
    # Scales packed for matrix products.
    **each(
        "TransQuantParamV2 TransQuantParamV3",
        {
            "out": Output(
                either(all_of(_IS_ROW, present("offset")), broadcast("scale", "offset"), like("scale")),
                fixed(dtypes.uint64),
            )
        },
    ),
    # By scales that are found on the way.
    "aclnnDynamicQuant": {"yOut": Output(_X, INT8), "scaleOut": _ROWS},
    "aclnnDynamicQuantV2": _dynamic(rows("x")),
    **each("DynamicQuantV3 DynamicQuantV4", _dynamic(_BY_MODE, _ASYMMETRICAL)),
    **each(
        "DynamicBlockQuant DynamicBlockQuantV2",
        {"yOut": Output(_X, _DST), "scaleOut": Output(_BLOCKS, FLOAT32)},
    ),
    **each(
        "FlatQuant FlatQuantV2 FlatQuantV3",
        {"out": Output(_X, fixed(dtypes.int4)), "quantScale": Output(axis_of("x", 0), FLOAT32)},
    ),
    "aclnnQuantMax": {"y": Output(_X, _DST), "amax": Output(constant(1), same_as("x"))},
    "aclnnGroupedQuantMax": {"y": Output(_X, _DST), "amax": Output(axis_of("groupList", 0), same_as("x"))},
    # Behind a gated activation.
    "aclnnSwiGluQuant": {"yOut": Output(_HALF, INT8), "scaleOut": _ROWS},
    "aclnnSwiGluQuantV2": {"yOut": Output(_HALF, _DST), "scaleOut": _ROWS},
    "aclnnDequantSwigluQuant": {"yOut": Output(_HALF, INT8), "scaleOut": _ROWS},
    "aclnnDequantSwigluQuantV2": {
        "yOut": Output(halved("x", "activateDim"), _DST),
        "scaleOut": Output(
            either(
                equals("activateDim", -1),
                rows("x"),
                computed("shape of y_out without its last axis", _activated_rows),
            ),
            FLOAT32,
        ),
    },
    "aclnnDequantSituQuant": {"yOut": Output(_HALF, INT8), "yScaleOut": _ROWS},
}
