"""Output rules of rotary position embedding (the in-place ones have no outputs of their own)."""

from __future__ import annotations

from ascend_ops._layout import Shape
from ascend_ops.ops.rules._vocabulary import (
    Call,
    Output,
    Outputs,
    computed,
    constant,
    either,
    integers,
    is_set,
    refuse,
    same_as,
    shape_of,
)
from ascend_ops.ops.rules._vocabulary_parts import copy_of


def _part(index: int) -> Output:
    """One of the parts of x's last axis (query, key, value), as heads of the caches' size."""

    def of(call: Call) -> Shape:
        shape, sizes, cache = shape_of(call, "x"), integers(call, "sizeSplits"), shape_of(call, "kCacheRef")
        if len(sizes) != 3 or sum(sizes) != shape[-1]:
            refuse("sizeSplits", f"is {sizes}; three sizes must add up to {shape[-1]}, the last length of x")
        if not cache or cache[-1] <= 0 or sizes[index] % cache[-1]:
            refuse("sizeSplits", f"{sizes} are not whole heads of the size of k_cache_ref, of shape {cache}")
        return (*shape[:-1], sizes[index] // cache[-1], cache[-1])

    heads = computed(f"shape of x with (heads, head size) for its last axis, of size_splits[{index}]", of)
    return Output(either(is_set("kvOutput"), heads, constant(0)) if index else heads, same_as("cos"))


RULES: dict[str, Outputs] = {
    "aclnnInterleaveRope": {"out": copy_of("x")},
    "aclnnRotaryPositionEmbedding": {"out": copy_of("x")},
    "aclnnRopeWithSinCosCache": {"queryOut": copy_of("queryIn"), "keyOut": copy_of("keyIn")},
    "aclnnDequantRopeQuantKvcache": {"qOut": _part(0), "kOut": _part(1), "vOut": _part(2)},
}
