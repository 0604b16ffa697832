"""Output rules of reductions over axes, and of running sums and products.

Where CANN's documents give the result of a reduction over everything the shape (1,) and not (), as for max,
min, prod and median, so do the rules.
"""

from __future__ import annotations

from ascend_ops import dtypes
from ascend_ops._layout import Shape
from ascend_ops.ops.rules._vocabulary import (
    Call,
    DTypeRule,
    Output,
    Outputs,
    ShapeRule,
    attribute,
    axis_of,
    computed,
    constant,
    fixed,
    floating,
    from_attribute,
    like,
    reduced,
    same_as,
    scalar_shape,
    shape_of,
)

_SAME = same_as("self")
_INT64 = fixed(dtypes.int64)
_ONE = constant(1)


def _over(dims: str, keep: str, dtype: DTypeRule = _SAME, *names: str) -> Outputs:
    """No dims, [] or a null pointer: all axes."""
    output = Output(reduced("self", dims, keep), dtype)
    return dict.fromkeys(names or ("out",), output)


def _unless(dims: str, keep: str, noop: str, *, source: str = "self", result: str = "out") -> Outputs:
    """No dims: all axes, or none when the attribute `noop` is set."""
    return {result: Output(reduced(source, dims, keep, empty=noop), same_as(source))}


def _found(shape: ShapeRule, values: str, indices: str) -> Outputs:
    """Values and where they were, as int64."""
    return {values: Output(shape, _SAME), indices: Output(shape, _INT64)}


def _pooled(call: Call) -> Shape:
    shape = shape_of(call, "self")
    return shape[:2] + (1,) * (len(shape) - 2)


_POOLED: Outputs = {"out": Output(computed("shape (N, C, 1, ...) of self (N, C, ...)", _pooled), _SAME)}
_PER_CHANNEL = Output(axis_of("input", 1), fixed(dtypes.float32))

RULES: dict[str, Outputs] = {
    # The dtype stays.
    "aclnnAmax": _over("dim", "keepDim"),
    "aclnnAmin": _over("dim", "keepDim"),
    "aclnnAminmax": _over("dim", "keepDim", _SAME, "minOut", "maxOut"),
    "aclnnAminmaxDim": _over("dim", "keepDim", _SAME, "minOut", "maxOut"),
    "aclnnAminmaxAll": {"minOut": Output(_ONE, _SAME), "maxOut": Output(_ONE, _SAME)},
    "aclnnMax": {"out": Output(_ONE, _SAME)},
    "aclnnMin": {"out": Output(_ONE, _SAME)},
    "aclnnMedian": {"valuesOut": Output(_ONE, _SAME)},
    "aclnnNanMedian": {"out": Output(_ONE, _SAME)},
    "aclnnMaxV2": _unless("dims", "keepDims", "noopWithEmptyDims"),
    "aclnnMeanV2": _unless("dim", "keepDim", "noopWithEmptyAxes"),
    "aclnnReduceLogSum": _unless("axes", "keepDims", "noopWithEmptyAxes", source="data", result="reduce"),
    "aclnnStd": _over("dim", "keepdim"),
    "aclnnVar": _over("dim", "keepdim"),
    "aclnnVarCorrection": _over("dim", "keepdim"),
    "aclnnVarMean": _over("dim", "keepdim", _SAME, "varOut", "meanOut"),
    "aclnnStdMeanCorrection": _over("dim", "keepdim", _SAME, "stdOut", "meanOut"),
    "aclnnNorm": _over("dim", "keepdim"),
    "aclnnTrace": {"out": Output(scalar_shape(), _SAME)},
    **dict.fromkeys(("aclnnGlobalAveragePool", "aclnnGlobalMaxPool"), _POOLED),
    "aclnnBatchNormStats": {"mean": _PER_CHANNEL, "invstd": _PER_CHANNEL},
    "aclnnAmpUpdateScale": {
        "updatedScale": Output(_ONE, same_as("currentScale")),
        "updatedGrowthTracker": Output(_ONE, fixed(dtypes.int32)),
    },
    # The dtype is an attribute, or follows from the question.
    "aclnnReduceSum": _over("dims", "keepDims", from_attribute("dtype")),
    "aclnnReduceNansum": _over("dim", "keepDim", from_attribute("dtype")),
    "aclnnMean": _over("dim", "keepDim", from_attribute("dtype")),
    "aclnnLinalgVectorNorm": _over("dims", "keepDims", from_attribute("dtype")),
    "aclnnProd": {"out": Output(_ONE, from_attribute("dtype", _SAME))},
    "aclnnProdDim": _over("dim", "keepDim", from_attribute("dtype")),
    "aclnnLogSumExp": _over("dim", "keepDim", floating(_SAME)),
    "aclnnAll": _over("dim", "keepdim", fixed(dtypes.bool_)),
    "aclnnAny": _over("dim", "keepdim", fixed(dtypes.bool_)),
    "aclnnHistc": {"out": Output(attribute("bins"), _SAME)},
    # Where, or values with where.
    "aclnnArgMax": _over("dim", "keepdim", _INT64),
    "aclnnArgMin": _over("dim", "keepdim", _INT64),
    "aclnnMaxDim": _found(reduced("self", "dim", "keepdim"), "out", "indices"),
    "aclnnMinDim": {
        "out": Output(reduced("self", "dim", "keepdim"), _SAME),
        "indices": Output(reduced("self", "dim", "keepdim"), fixed(dtypes.int32)),
    },
    "aclnnKthvalue": _found(reduced("self", "dim", "keepdim"), "valuesOut", "indicesOut"),
    "aclnnMedianDim": _found(reduced("self", "dim", "keepDim"), "valuesOut", "indicesOut"),
    "aclnnNanMedianDim": _found(reduced("self", "dim", "keepDim"), "valuesOut", "indicesOut"),
    # Running results keep every element.
    "aclnnCumsum": {"out": Output(like("self"), from_attribute("dtype"))},
    "aclnnCumsumV2": {"out": Output(like("self"), _SAME)},
    "aclnnCumprod": {"out": Output(like("input"), from_attribute("dtype", same_as("input")))},
    "aclnnCummax": _found(like("self"), "valuesOut", "indicesOut"),
    "aclnnCummin": _found(like("self"), "valuesOut", "indicesOut"),
}
