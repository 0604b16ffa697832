"""Output rules of sorting, searching and of operators whose result's length depends on the data.

The outputs of the latter are allocated as large as if every element were taken; what the call returns is the
part that was found.
"""

from __future__ import annotations

import math

from ascend_ops import dtypes
from ascend_ops._layout import Shape
from ascend_ops.ops.rules._vocabulary import (
    Call,
    Output,
    Outputs,
    axis_of,
    broadcast,
    computed,
    constant,
    either,
    either_dtype,
    equals,
    fixed,
    is_set,
    like,
    product_of,
    same_as,
    shape_of,
    top_k,
)

_SAME = same_as("self")
_INT64 = fixed(dtypes.int64)
_FLATTENED = equals("dim", 1000)  # what stands for no axis
_POSITION = either_dtype(is_set("outInt32"), fixed(dtypes.int32), _INT64)


def _all_masked(call: Call) -> Shape:
    count = 1
    for length in broadcast("self", "mask")(call):
        count *= length
    return (count,)


def _coordinates(call: Call) -> Shape:
    shape = shape_of(call, "self")
    return math.prod(shape), len(shape)


RULES: dict[str, Outputs] = {
    "aclnnSort": {
        "valuesOut": Output(like("self"), _SAME),
        "indicesOut": Output(like("self"), _INT64),
    },
    "aclnnArgsort": {"out": Output(like("self"), _INT64)},
    "aclnnTopk": {
        "valuesOut": Output(top_k("self", "k", "dim"), _SAME),
        "indicesOut": Output(top_k("self", "k", "dim"), _INT64),
    },
    "aclnnTopKTopPSample": {
        "logitsSelectIdx": Output(axis_of("logits", 0), _INT64),
        "logitsTopKPSelect": Output(like("logits"), fixed(dtypes.float32)),
    },
    "aclnnBucketize": {"out": Output(like("self"), _POSITION)},
    "aclnnSearchSorted": {"out": Output(like("self"), _POSITION)},
    "aclnnSearchSorteds": {"out": Output(constant(1), _POSITION)},
    "aclnnMaskedSelect": {
        "out": Output(
            computed("shape (size of self and mask broadcast,), the most it can be", _all_masked), _SAME
        )
    },
    "aclnnNonzero": {
        "out": Output(
            computed("shape (elements of self, axes of self), the most it can be", _coordinates), _INT64
        )
    },
    "aclnnNonzeroV2": {
        "out": Output(
            computed(
                "shape (axes of self, elements of self), the most it can be",
                lambda call: _coordinates(call)[::-1],
            ),
            _INT64,
        )
    },
    "aclnnUnique": {
        "valueOut": Output(product_of("self"), _SAME),
        "inverseOut": Output(like("self"), _INT64),
    },
    "aclnnUnique2": {
        "valueOut": Output(product_of("self"), _SAME),
        "inverseOut": Output(like("self"), _INT64),
        "countsOut": Output(product_of("self"), _INT64),
    },
    "aclnnUniqueConsecutive": {
        "valueOut": Output(either(_FLATTENED, product_of("self"), like("self")), _SAME),
        "inverseOut": Output(either(_FLATTENED, like("self"), axis_of("self", "dim")), _INT64),
        "countsOut": Output(either(_FLATTENED, product_of("self"), axis_of("self", "dim")), _INT64),
    },
    "aclnnUniqueDim": {
        "valueOut": Output(like("self"), _SAME),
        "inverseOut": Output(axis_of("self", "dim"), _INT64),
        "countsOut": Output(axis_of("self", "dim"), _INT64),
    },
}
