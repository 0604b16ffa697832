"""Output rules of operators that read or write elements at given places: gather, scatter, index ..."""

from __future__ import annotations

import math

from ascend_ops import dtypes
from ascend_ops._layout import Shape
from ascend_ops.ops.rules._vocabulary import (
    Call,
    Output,
    Outputs,
    attribute,
    axes,
    axis,
    axis_of,
    broadcast_shapes,
    computed,
    gathered,
    joined,
    like,
    number,
    product_of,
    refuse,
    same_as,
    shape_from,
    shape_of,
    tensors,
    with_axis,
)

_SAME = same_as("self")
_LIKE_SELF: Outputs = {"out": Output(like("self"), _SAME)}


def _gather_nd(call: Call) -> Shape:
    shape, places = shape_of(call, "self"), shape_of(call, "indices")
    if not places or not 1 <= places[-1] <= len(shape):
        refuse("indices", f"shape {places}: its last axis must be 1 to {len(shape)}, the axes of self")
    return places[:-1] + shape[places[-1] :]


def _gather_batched(call: Call) -> Shape:
    """self[:dim] + index[batchDims:] + self[dim+1:], the first batchDims axes being common."""
    shape, index, batch = shape_of(call, "self"), shape_of(call, "index"), number(call, "batchDims")
    where = axis(call, "dim", len(shape))
    batch += len(index) if batch < 0 else 0
    if not 0 <= batch <= min(where, len(index)):
        refuse("batchDims", f"is {number(call, 'batchDims')}; allowed are 0 to {min(where, len(index))}")
    if shape[:batch] != index[:batch]:
        refuse("index", f"shape {index} and {shape} of self differ in the first {batch} axes")
    return shape[:where] + index[batch:] + shape[where + 1 :]


def _indexed(call: Call) -> Shape:
    """NumPy's advanced indexing by integers; an empty tensor leaves its axis alone."""
    shape, given = shape_of(call, "self"), tensors(call, "indices")
    if any(each.dtype in (dtypes.bool_, dtypes.uint8) for each in given):
        refuse("indices", "has masks, whose number of elements only the data tells; give the output")
    if len(given) > max(len(shape), 1):
        refuse("indices", f"has {len(given)} tensors for {len(shape)} axes of self")
    used = [i for i, each in enumerate(given) if math.prod(each.shape)]
    if not used:
        refuse("indices", "has empty tensors only, which say nothing about the output; give the output")
    common: Shape = ()
    for i in used:
        common = broadcast_shapes("indices", common, tuple(given[i].shape))
    together = used == list(range(used[0], used[-1] + 1))
    left = [length for i, length in enumerate(shape) if i not in used]
    at = used[0] if together else 0
    return (*left[:at], *common, *left[at:])


def _one_hot(call: Call) -> Shape:
    shape = shape_of(call, "self")
    at, classes = axis(call, "axis", len(shape) + 1), number(call, "numClasses")
    if classes < 0:
        refuse("numClasses", f"is {classes}, but must be at least 0")
    return (*shape[:at], classes, *shape[at:])


RULES: dict[str, Outputs] = {
    # Reading.
    "aclnnGather": {"out": Output(like("index"), _SAME)},
    "aclnnGatherV2": {"out": Output(gathered("self", "dim", "index"), _SAME)},
    "aclnnGatherV3": {
        "out": Output(
            computed("shape self[:dim] + index[batch_dims:] + self[dim+1:]", _gather_batched), _SAME
        )
    },
    "aclnnGatherNd": {
        "out": Output(computed("shape indices[:-1] + self[indices.shape[-1]:]", _gather_nd), _SAME)
    },
    "aclnnIndex": {
        "out": Output(computed("shape of self[indices] by NumPy's advanced indexing", _indexed), _SAME)
    },
    "aclnnIndexSelect": {"out": Output(with_axis("self", "dim", product_of("index")), _SAME)},
    "aclnnTake": {"out": Output(like("index"), _SAME)},
    "aclnnEmbedding": {"out": Output(joined(like("indices"), axis_of("weight", 1)), same_as("weight"))},
    "aclnnEmbeddingDenseBackward": {
        "out": Output(joined(attribute("numWeights"), axis_of("grad", -1)), same_as("grad"))
    },
    "aclnnOneHot": {
        "out": Output(
            computed("shape of self with num_classes inserted at axis", _one_hot), same_as("onValue")
        )
    },
    # Writing into a copy.
    "aclnnIndexAdd": _LIKE_SELF,
    "aclnnIndexAddV2": _LIKE_SELF,
    "aclnnIndexFill": _LIKE_SELF,
    "aclnnIndexFillTensor": _LIKE_SELF,
    "aclnnIndexCopy": {"outRef": Output(like("selfRef"), same_as("selfRef"))},
    "aclnnScatter": _LIKE_SELF,
    "aclnnScatterAdd": _LIKE_SELF,
    "aclnnScatterReduce": _LIKE_SELF,
    "aclnnScatterValue": _LIKE_SELF,
    "aclnnScatterNd": {"out": Output(like("data"), same_as("data"))},
    "aclnnMaxUnpool2d": {"out": Output(joined(axes("self", 0, -2), shape_from("outputSize")), _SAME)},
    "aclnnMaxUnpool3d": {"outRef": Output(joined(axes("self", 0, -3), shape_from("outputSize")), _SAME)},
}
