"""Output rules of sorting, searching and of operators whose result's length depends on the data.

The latter have a rule only where the document says how much to allocate: the outputs of `MaskedSelect` and
`Unique2` are as long as if every element were taken, and only their first elements are written.
"""

from __future__ import annotations

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
    either_dtype,
    fixed,
    is_set,
    like,
    product_of,
    same_as,
    top_k,
)

_SAME = same_as("self")
_INT64 = fixed(dtypes.int64)
_POSITION = either_dtype(is_set("outInt32"), fixed(dtypes.int32), _INT64)


def _all_masked(call: Call) -> Shape:
    count = 1
    for length in broadcast("self", "mask")(call):
        count *= length
    return (count,)


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
    "aclnnUnique2": {
        "valueOut": Output(product_of("self"), _SAME),
        "inverseOut": Output(like("self"), _INT64),
        "countsOut": Output(product_of("self"), _INT64),
    },
}
