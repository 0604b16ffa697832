"""Output rules of products of groups of rows, each with a matrix of its own, as experts need them.

Quantised operands leave the result's type open: such calls take their outputs from the caller.
"""

from __future__ import annotations

from typing import Any

from ascend_ops import dtypes
from ascend_ops._layout import Shape
from ascend_ops.ops.rules._vocabulary import (
    Call,
    DTypeRule,
    Output,
    OutputList,
    Outputs,
    ShapesRule,
    axis_of,
    integers,
    joined,
    like,
    number,
    of_list,
    refuse,
    same_as,
    tensors,
)
from ascend_ops.ops.rules._vocabulary_parts import FLOAT32, INT8, RESERVED, each, only

_FLOATS = (dtypes.float16, dtypes.bfloat16, dtypes.float32)
_SPLIT_M = (-1, 0)
"""Group types whose result has the rows of x."""


def _grouped(call: Call) -> tuple[Shape, ...]:
    """One result for each group, or (split_item 2 and 3) all rows in one."""
    rows = [tuple(each.shape) for each in tensors(call, "x")]
    columns = [_columns(each) for each in tensors(call, "weight")]
    if call.get("groupType", 0) not in _SPLIT_M:
        refuse("groupType", f"is {call['groupType']}; the outputs follow from -1 and 0, give them")
    if number(call, "splitItem") in (2, 3):
        return ((sum(shape[0] for shape in rows), columns[0]),)
    if len(rows) == len(columns):
        return tuple((*shape[:-1], n) for shape, n in zip(rows, columns, strict=True))
    return _split(call, rows, columns)


def _columns(weight: Any) -> int:
    if weight.dtype is dtypes.int32:
        refuse("weight", "holds eight int4 in each int32 along one of two axes; give the outputs")
    return int(weight.shape[-1])


def _split(call: Call, rows: list[Shape], columns: list[int]) -> tuple[Shape, ...]:
    """One x in groups: group_list has the ends of their rows, where it is an array."""
    if len(rows) != 1 or not isinstance(call["groupListOptional"], (tuple, list)):
        refuse(
            "groupListOptional",
            f"does not settle the groups of {len(rows)} x, {len(columns)} weights; give outputs",
        )
    ends = integers(call, "groupListOptional")
    if len(ends) != len(columns) or list(ends) != sorted(ends):
        refuse("groupListOptional", f"{ends} must have the end of each of {len(columns)} groups, in order")
    starts = (0, *ends)
    return tuple((end - start, n) for start, end, n in zip(starts, ends, columns, strict=False))


_ROWS = ShapesRule("(rows, columns of weight) for each group, in one for split_item 2 and 3", _grouped)


def _results(name: str) -> Outputs:
    dtype: DTypeRule = only(of_list("x"), "x", *_FLOATS)
    return {name: OutputList(_ROWS, dtype)}


def _reserved() -> OutputList:
    return OutputList(ShapesRule("shapes of x", lambda call: ()), of_list("x"), RESERVED)


_SWIGLU = joined(axis_of("x", 0), axis_of("weightScale", -1, divide=2))

RULES: dict[str, Outputs] = {
    **each("GroupedMatmul GroupedMatmulV2 GroupedMatmulV3", _results("y")),
    **each(
        "GroupedMatmulV4 GroupedMatmulV5 GroupedMatmulWeightNz",
        {
            **_results("out"),
            "activationFeatureOutOptional": _reserved(),
            "dynQuantScaleOutOptional": _reserved(),
        },
    ),
    **each(
        "GroupedMatmulSwigluQuant GroupedMatmulSwigluQuantWeightNZ",
        {
            "output": Output(_SWIGLU, INT8),
            "outputScale": Output(axis_of("x", 0), FLOAT32),
            "outputOffset": Output(axis_of("x", 0), FLOAT32, RESERVED),
        },
    ),
    **each("FFN FFNV2 FFNV3", {"y": Output(like("x"), only(same_as("x"), "x", *_FLOATS))}),
}
