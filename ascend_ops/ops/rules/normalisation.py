"""Output rules of normalisation: layer, RMS, group, batch and instance norms, and their fusions with
additions and quantisation. Quantised results are int8, the type that every device has.
"""

from __future__ import annotations

from ascend_ops._layout import Shape
from ascend_ops.ops.rules._vocabulary import (
    Call,
    Condition,
    DTypeRule,
    Output,
    Outputs,
    ShapeRule,
    attribute,
    axis_of,
    computed,
    constant,
    either,
    from_attribute,
    is_set,
    joined,
    like,
    present,
    promoted,
    same_as,
    shape_of,
)
from ascend_ops.ops.rules._vocabulary_parts import (
    E8M0,
    FLOAT32,
    INT8,
    RESERVED,
    copy_of,
    each,
    ends_with,
    mx_scales,
    normalised,
    normalised_over,
    rows,
)

_X1, _SUM = like("x1"), promoted("x1", "x2")
_GROUPS = joined(axis_of("self", 0), attribute("group"))
_ONE_EACH = joined(rows("x"), 1)
_STATISTIC = Output(normalised("x1", "gamma"), FLOAT32)
_ROWS_OF_X1 = Output(rows("x1"), FLOAT32)
_CHANNELS = axis_of("input", 1)


def _layer_norm(statistics: ShapeRule) -> Outputs:
    statistic = Output(statistics, same_as("input"))
    return {"out": copy_of("input"), "meanOutOptional": statistic, "rstdOutOptional": statistic}


def _group_norm(dtype: DTypeRule) -> Outputs:
    statistic = Output(_GROUPS, same_as("self"))
    return {"out": Output(like("self"), dtype), "meanOut": statistic, "rstdOut": statistic}


def _is_second_quantised(call: Call) -> bool:
    if call["outputMask"] is not None:
        return bool(call["outputMask"][1])
    return call["smoothScale1Optional"] is not None and call["smoothScale2Optional"] is not None


def _instance_statistic(call: Call) -> Shape:
    n, *_ = shape = shape_of(call, "x")
    return (n, 1, 1, shape[-1]) if call["dataFormat"] == "NHWC" else (*shape[:2], 1, 1)


def _valid(valid: Condition, shape: ShapeRule) -> ShapeRule:
    """CANN wants one element where an output has no meaning."""
    return either(valid, shape, constant(1))


_FIRST = Condition(
    "output_mask is None or output_mask[0]",
    lambda call: call["outputMask"] is None or bool(call["outputMask"][0]),
)
_SECOND = Condition("output_mask[1], or without one both smooth scales are given", _is_second_quantised)
_TRAINING = is_set("training")
_INSTANCE = Output(
    computed("shape of x with length 1 in the spatial axes (data_format)", _instance_statistic), same_as("x")
)

_LAYER: dict[str, Outputs] = {
    **each(
        "LayerNorm LayerNormWithImplMode FastLayerNorm",
        _layer_norm(normalised_over("input", "normalizedShape")),
    ),
    "aclnnAdaLayerNorm": {"out": copy_of("x")},
    "aclnnAdaLayerNormV2": {
        "out": copy_of("x"),
        "meanOutOptional": Output(_ONE_EACH, same_as("x")),
        "rstdOutOptional": Output(_ONE_EACH, same_as("x")),
    },
    "aclnnAdaLayerNormQuant": {
        "out": Output(like("x"), INT8),
        "quantScale": Output(rows("x"), FLOAT32),
        "quantOffsetOptional": Output(rows("x"), same_as("x"), RESERVED),
    },
    "aclnnAddLayerNorm": {
        "yOut": Output(_X1, _SUM),
        "meanOut": _STATISTIC,
        "rstdOut": _STATISTIC,
        "xOut": Output(_X1, _SUM),
    },
    "aclnnAddLayerNormQuant": {
        "y1Out": Output(_X1, INT8),
        "y2Out": Output(_X1, INT8),
        "xOut": Output(_X1, _SUM),
        "outScales1Out": _ROWS_OF_X1,
        "outScales2Out": _ROWS_OF_X1,
    },
    "aclnnAddLayerNormQuantV2": {
        "y1Out": Output(_X1, INT8),
        "y2Out": Output(_X1, INT8),
        "xOut": copy_of("x1"),
        "layernormRes": copy_of("x1"),
        "outScales1Out": _ROWS_OF_X1,
        "outScales2Out": _ROWS_OF_X1,
    },
    "aclnnDeepNorm": {
        "meanOut": Output(normalised("x", "gamma"), FLOAT32),
        "rstdOut": Output(normalised("x", "gamma"), FLOAT32),
        "yOut": copy_of("x"),
    },
    "aclnnLayerNormQuant": {"res": Output(like("x"), INT8), "scaleOut": Output(rows("x"), FLOAT32)},
}

_RMS: dict[str, Outputs] = {
    **each(
        "RmsNorm GemmaRmsNorm",
        {"yOut": copy_of("x"), "rstdOut": Output(normalised("x", "gamma"), FLOAT32)},
    ),
    "aclnnAddRmsNorm": {
        "yOut": copy_of("x1"),
        # A gamma of [1, n] has no rstd.
        "rstdOut": Output(normalised("x1", "gamma"), FLOAT32, ends_with("x1", "gamma")),
        "xOut": copy_of("x1"),
    },
    "aclnnInplaceAddRmsNorm": {"rstdOut": Output(normalised("x1Ref", "gamma"), FLOAT32)},
    "aclnnAddRmsNormCast": {
        "y1Out": Output(_X1, FLOAT32),
        "y2Out": copy_of("x1"),
        "rstdOut": _STATISTIC,
        "xOut": copy_of("x1"),
    },
    "aclnnAddRmsNormQuant": {
        "y1Out": Output(_X1, INT8),
        "y2Out": Output(_X1, INT8),
        "xOut": copy_of("x1"),
    },
    "aclnnAddRmsNormQuantV2": {
        "y1Out": Output(_X1, INT8),
        "y2Out": Output(_X1, INT8),
        "xOut": copy_of("x1"),
        "rmsNormOut": copy_of("x1"),
    },
    "aclnnAddRmsNormDynamicQuant": {
        "y1Out": Output(_X1, INT8),
        "y2Out": Output(_valid(present("smoothScale2Optional"), _X1), INT8),
        "xOut": copy_of("x1"),
        "scale1Out": _ROWS_OF_X1,
        "scale2Out": _ROWS_OF_X1,
    },
    "aclnnAddRmsNormDynamicQuantV2": {
        "y1Out": Output(_valid(_FIRST, _X1), INT8),
        "y2Out": Output(_valid(_SECOND, _X1), INT8),
        "xOut": copy_of("x1"),
        "scale1Out": Output(_valid(_FIRST, rows("x1")), FLOAT32),
        "scale2Out": Output(_valid(_SECOND, rows("x1")), FLOAT32),
    },
    "aclnnAddRmsNormDynamicMxQuant": {
        "yOut": Output(_X1, from_attribute("dstType")),
        "xOut": copy_of("x1"),
        "mxscaleOut": Output(mx_scales("x1"), E8M0),
        "rstdOut": Output(joined(rows("x1"), 1), FLOAT32),
    },
    "aclnnRmsNormDynamicMxQuant": {
        "yOut": Output(like("x"), from_attribute("dstType")),
        "mxscaleOut": Output(mx_scales("x"), E8M0),
        "rstdOut": Output(_ONE_EACH, FLOAT32),
    },
    "aclnnRmsNormDynamicQuant": {
        "yOut": Output(like("x"), from_attribute("dstType")),
        "scaleOut": Output(rows("x"), FLOAT32),
    },
    "aclnnRmsNormQuant": {"y": Output(like("x"), INT8)},
    "aclnnRmsNormQuantV3": {"y": Output(like("x"), INT8), "rstd": Output(_ONE_EACH, FLOAT32)},
}

_GROUP: dict[str, Outputs] = {
    "aclnnGroupNorm": {
        "out": copy_of("self"),
        "meanOut": Output(joined(attribute("N"), attribute("group")), same_as("self")),
        "rstdOut": Output(joined(attribute("N"), attribute("group")), same_as("self")),
    },
    **each("GroupNormSilu GroupNormSiluV2", _group_norm(same_as("self"))),
    "aclnnGroupNormSiluQuant": _group_norm(INT8),
    "aclnnGroupNormSwish": {
        "yOut": copy_of("x"),
        "meanOut": Output(joined(axis_of("x", 0), attribute("numGroups")), same_as("gamma")),
        "rstdOut": Output(joined(axis_of("x", 0), attribute("numGroups")), same_as("gamma")),
    },
}

_BATCH: dict[str, Outputs] = {
    "aclnnBatchNorm": {
        "output": copy_of("input"),
        "saveMean": Output(_CHANNELS, FLOAT32, _TRAINING),
        "saveInvstd": Output(_CHANNELS, FLOAT32, _TRAINING),
    },
    **each("BatchNormElemt QuantizedBatchNorm", {"output": copy_of("input")}),
    "aclnnBatchNormGatherStatsWithCounts": {
        "meanAll": Output(_CHANNELS, same_as("mean")),
        "invstdAll": Output(_CHANNELS, same_as("invstd")),
    },
    "aclnnBatchNormReduce": {
        "sum": Output(axis_of("x", 1), FLOAT32),
        "squareSum": Output(axis_of("x", 1), FLOAT32),
    },
    "aclnnSyncBatchNormGatherStats": {
        "batchMean": Output(axis_of("totalSum", 1), same_as("totalSum")),
        "batchInvstd": Output(axis_of("totalSum", 1), same_as("totalSum")),
    },
    "aclnnInstanceNorm": {"y": copy_of("x"), "mean": _INSTANCE, "variance": _INSTANCE},
}

RULES: dict[str, Outputs] = {**_LAYER, **_RMS, **_GROUP, **_BATCH}
