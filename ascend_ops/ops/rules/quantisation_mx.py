"""Output rules of quantisation in blocks that share a power of two (microscaling, MX), and in blocks of
groups of rows.
"""

from __future__ import annotations

from ascend_ops import dtypes
from ascend_ops._layout import Shape
from ascend_ops.ops.rules._vocabulary import (
    Call,
    Output,
    Outputs,
    ShapeRule,
    axes,
    axis_of,
    computed,
    either,
    fixed,
    from_attribute,
    joined,
    like,
    number,
    present,
    refuse,
    shape_of,
    snake,
)
from ascend_ops.ops.rules._vocabulary_parts import E8M0, FLOAT32, each, halved, in_blocks, mx_scales

_DST, _X = from_attribute("dstType"), like("x")
_QUANTISED = Output(_X, _DST)


def _row_blocks(name: str, at: int, rows: int | str, groups: str, times: int = 1) -> ShapeRule:
    """Blocks of `times * rows` rows: all full ones, and one more for each group."""

    def of(call: Call) -> Shape:
        size = number(call, rows) * times
        if size <= 0:
            refuse(str(rows), f"is {number(call, rows)}, but a block has at least one row")
        return (shape_of(call, name)[at] // size + shape_of(call, groups)[0],)

    size = snake(str(rows)) + (f" * {times}" if times != 1 else "")
    return computed(f"{snake(name)}.shape[{at}] // ({size}) + {snake(groups)}.size", of)


def _along(at: int | str = -1, block: int | str = 32) -> Output:
    return Output(mx_scales("x", at, block), E8M0)


def _mx(block: int | str) -> Outputs:
    return {"yOut": _QUANTISED, "mxscaleOut": _along("axis", block)}


_LAST, _LAST_BUT_ONE = _along(-1), _along(-2)
_HALF = halved("x", -1)
_HALF_SCALES = Output(mx_scales("x", -1, 32, divide=2), E8M0)
_HALF_COLUMNS = joined(
    either(
        present("groupIndexOptional"), _row_blocks("x", 0, 64, "groupIndexOptional"), in_blocks("x", 0, 64)
    ),
    axis_of("x", 1, divide=2),
    2,
)
_GROUP_SCALES = joined(
    axes("x", None, -2),
    _row_blocks("x", -2, "rowBlockSize", "groupList"),
    in_blocks("x", -1, "colBlockSize"),
)

RULES: dict[str, Outputs] = {
    # One axis.
    **each("DynamicMxQuant DynamicMxQuantV2 DynamicMxQuantV3", _mx("blocksize")),
    "aclnnAntiMxQuant": {"y": _QUANTISED},
    "aclnnSituMxQuant": {"yOut": Output(_HALF, _DST), "yScaleOut": _HALF_SCALES},
    # The last two axes.
    **each(
        "DynamicMxQuantWithDualAxis DynamicMxQuantWithDualAxisV2",
        {"y1Out": _QUANTISED, "mxscale1Out": _LAST, "y2Out": _QUANTISED, "mxscale2Out": _LAST_BUT_ONE},
    ),
    "aclnnDynamicBlockMxQuant": {"yOut": _QUANTISED, "scale1Out": _LAST, "scale2Out": _LAST_BUT_ONE},
    "aclnnMxToBlockMxQuant": {"y": _QUANTISED, "scale1": _LAST, "scale2": _LAST_BUT_ONE},
    "aclnnSwigluMxQuantWithDualAxis": {
        "y1Out": Output(_HALF, _DST),
        "mxscale1Out": _HALF_SCALES,
        "y2Out": Output(_HALF, _DST),
        "mxscale2Out": Output(_HALF_COLUMNS, E8M0),
    },
    # Scales of two levels.
    "aclnnDynamicDualLevelMxQuant": {
        "yOut": Output(_X, fixed(dtypes.float4_e2m1fn)),
        "level0ScaleOut": Output(joined(axes("x", None, -1), in_blocks("x", -1, "level0BlockSize")), FLOAT32),
        "level1ScaleOut": _along(-1, "level1BlockSize"),
    },
    # Groups of rows.
    **each(
        "GroupedDynamicBlockQuant GroupedDynamicBlockQuantV2",
        {"yOut": _QUANTISED, "scaleOut": Output(_GROUP_SCALES, FLOAT32)},
    ),
    **each(
        "GroupedDynamicMxQuant GroupedDynamicMxQuantV2",
        {
            "y": _QUANTISED,
            "mxscale": Output(
                joined(_row_blocks("x", 0, "blocksize", "groupIndex", times=2), axis_of("x", 1), 2), E8M0
            ),
        },
    ),
    "aclnnGroupedDynamicMxQuantWithDualAxis": {
        "y1Out": Output(_X, from_attribute("dstDtype")),
        "y1ScaleOut": _LAST,
        "y2Out": Output(_X, from_attribute("dstDtype")),
        "y2ScaleOut": Output(joined(_row_blocks("x", 0, 64, "groupIndex"), axis_of("x", 1), 2), E8M0),
    },
}
