"""Output rules of operators that rearrange elements: concat, split, permute, repeat, pad, slice ..."""

from __future__ import annotations

import math

from ascend_ops._layout import Shape
from ascend_ops.ops.rules._vocabulary import (
    Call,
    Output,
    OutputList,
    Outputs,
    attribute,
    axis,
    axis_of,
    computed,
    concatenated,
    either,
    expanded,
    integers,
    is_set,
    joined,
    like,
    number,
    padded,
    permuted,
    promoted_list,
    refuse,
    repeated,
    same_as,
    shape_from,
    shape_of,
    split_evenly,
    split_sizes,
    stacked,
    with_axis,
)

_SAME = same_as("self")
_LIKE_SELF: Outputs = {"out": Output(like("self"), _SAME)}


def _padded(name: str, axes: int | None) -> Outputs:
    return {"out": Output(padded("self", name, axes), _SAME)}


def _diagonal(call: Call) -> Shape:
    shape, offset = shape_of(call, "self"), number(call, "diagonal")
    if len(shape) == 1:
        return (shape[0] + abs(offset),) * 2
    if len(shape) != 2:
        refuse("self", f"shape {shape} has {len(shape)} axes; allowed are 1 and 2")
    return (max(0, min(shape[0] + min(offset, 0), shape[1] - max(offset, 0))),)


def _flat_diagonal(call: Call) -> Shape:
    return (math.prod(shape_of(call, "self")) + abs(number(call, "diagonal")),) * 2


def _flattened(call: Call) -> Shape:
    shape = shape_of(call, "self")
    at = axis(call, "axis", len(shape))
    return math.prod(shape[:at]), math.prod(shape[at:])


def _sliced(length: int, start: int, end: int, step: int) -> int:
    """Length of start:end:step, as Python slices with positive steps."""
    if step < 1:
        refuse("step", f"is {step}, but must be at least 1")
    return len(range(*slice(start, end, step).indices(length)))


def _slice(call: Call) -> Shape:
    shape = shape_of(call, "self")
    at = axis(call, "dim", len(shape))
    piece = _sliced(shape[at], number(call, "start"), number(call, "end"), number(call, "step"))
    return (*shape[:at], piece, *shape[at + 1 :])


def _slices(call: Call) -> Shape:
    result = list(shape_of(call, "self"))
    parts = [integers(call, name) for name in ("axes", "starts", "ends", "steps")]
    if len({len(part) for part in parts}) != 1:
        refuse("axes", f"starts, ends, axes and steps have lengths {[len(p) for p in parts]}, not one length")
    for where, start, end, step in zip(*parts, strict=True):
        at = axis({"axes": where}, "axes", len(result))
        result[at] = _sliced(result[at], start, end, step)
    return tuple(result)


def _columns(call: Call) -> Shape:
    """im2col: (N, C * kernel, windows)."""
    shape = shape_of(call, "self")
    if len(shape) not in (3, 4):
        refuse("self", f"shape {shape} has {len(shape)} axes; allowed are (N, C, H, W) and (C, H, W)")
    names = ("kernelSize", "dilation", "padding", "stride")
    given = {name: integers(call, name) for name in names}
    for name, values in given.items():
        if len(values) != 2 or (name != "padding" and min(values) < 1):
            refuse(name, f"{values} must be two numbers{'' if name == 'padding' else ' of at least 1'}")
    windows = [
        _windows(size, *each)
        for size, each in zip(shape[-2:], zip(*given.values(), strict=True), strict=True)
    ]
    if min(windows) < 1:
        refuse("kernelSize", f"{given['kernelSize']} with dilation does not fit into padded {shape}")
    return (*shape[:-3], shape[-3] * math.prod(given["kernelSize"]), math.prod(windows))


def _windows(size: int, kernel: int, dilation: int, padding: int, stride: int) -> int:
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def _reshaped_then_permuted(call: Call) -> Shape:
    shape = shape_from("shape")(call)
    order = [axis({"perm": each}, "perm", len(shape)) for each in integers(call, "perm")]
    if sorted(order) != list(range(len(shape))):
        refuse("perm", f"{integers(call, 'perm')} is not an order of the {len(shape)} axes of shape")
    return tuple(shape[i] for i in order)


def _heads(call: Call) -> Shape:
    """(B, T, 3 * heads * d) as (B, heads, T, d), three times."""
    shape, heads = shape_of(call, "qkv"), number(call, "numHeads")
    if len(shape) != 3 or heads < 1 or shape[2] % (3 * heads):
        refuse("qkv", f"shape {shape} is not (B, T, 3 * {heads} * d)")
    return shape[0], heads, shape[1], shape[2] // (3 * heads)


_HEADS = Output(
    computed("shape (B, num_heads, T, d) of qkv (B, T, 3 * num_heads * d)", _heads), same_as("qkv")
)

RULES: dict[str, Outputs] = {
    # Joining and splitting.
    "aclnnCat": {"out": Output(concatenated("tensors", "dim"), promoted_list("tensors"))},
    "aclnnStack": {"out": Output(stacked("tensors", "dim"), promoted_list("tensors"))},
    "aclnnSplitTensor": {"out": OutputList(split_evenly("self", "splitSections", "dim"), _SAME)},
    "aclnnSplitWithSize": {"out": OutputList(split_sizes("self", "splitSize", "dim"), _SAME)},
    # Axes.
    "aclnnPermute": {"out": Output(permuted("self", "dims"), _SAME)},
    "aclnnFlatten": {
        "out": Output(
            computed("shape (product of self.shape[:axis], product of the rest)", _flattened), _SAME
        )
    },
    "aclnnTransformBiasRescaleQkv": {"qOut": _HEADS, "kOut": _HEADS, "vOut": _HEADS},
    "aclnnChannelShuffle": _LIKE_SELF,
    "aclnnConfusionTranspose": {
        "out": Output(
            either(
                is_set("transpose_first"),
                shape_from("shape"),
                computed("shape given by shape, permuted by perm", _reshaped_then_permuted),
            ),
            same_as("x"),
        )
    },
    # Repeating.
    "aclnnExpand": {"out": Output(expanded("self", "size"), _SAME)},
    "aclnnExpandv": {"out": Output(expanded("self", "shape"), _SAME)},
    "aclnnRepeat": {"out": Output(repeated("self", "repeats"), _SAME)},
    "aclnnRepeatInterleave": {"out": Output(attribute("outputSize"), _SAME)},
    "aclnnRepeatInterleaveInt": {"out": Output(attribute("outputSize"), _SAME)},
    "aclnnRepeatInterleaveTensor": {"out": Output(attribute("outputSize"), same_as("repeats"))},
    "aclnnRepeatInterleaveWithDim": {"out": Output(with_axis("self", "dim", "outputSize"), _SAME)},
    "aclnnRepeatInterleaveIntWithDim": {"out": Output(with_axis("self", "dim", "outputSize"), _SAME)},
    # Moving elements without changing the shape.
    "aclnnRoll": {"out": Output(like("x"), same_as("x"))},
    "aclnnFlip": _LIKE_SELF,
    "aclnnTril": _LIKE_SELF,
    "aclnnTriu": _LIKE_SELF,
    # Padding.
    "aclnnConstantPadNd": _padded("pad", None),
    "aclnnCircularPad2d": _padded("padding", 2),
    "aclnnCircularPad3d": _padded("padding", 3),
    "aclnnReflectionPad1d": _padded("padding", 1),
    "aclnnReflectionPad2d": _padded("padding", 2),
    "aclnnReflectionPad3d": _padded("padding", 3),
    "aclnnReplicationPad1d": _padded("padding", 1),
    "aclnnReplicationPad2d": _padded("padding", 2),
    "aclnnReplicationPad3d": _padded("padding", 3),
    # Parts.
    "aclnnSlice": {"out": Output(computed("shape of self with axis dim = start:end:step", _slice), _SAME)},
    "aclnnSliceV2": {"out": Output(computed("shape of self with axes = starts:ends:steps", _slices), _SAME)},
    "aclnnDiag": {
        "out": Output(computed("shape of the diagonal of self, or of the matrix with it", _diagonal), _SAME)
    },
    "aclnnDiagPart": {"y": Output(axis_of("x", 0), same_as("x"))},
    "aclnnTensorMove": {"y": Output(like("x"), same_as("x"))},
    "aclnnDiagFlat": {
        "out": Output(computed("shape (n, n), n = self.size + |diagonal|", _flat_diagonal), _SAME)
    },
    "aclnnIm2col": {"out": Output(computed("shape (N, C * kernel positions, windows)", _columns), _SAME)},
    "aclnnUnfoldGrad": {"gradIn": Output(shape_from("inputSizes"), same_as("gradOut"))},
    "aclnnExpSegsum": {"out": Output(joined(like("self"), axis_of("self", -1)), _SAME)},
}
