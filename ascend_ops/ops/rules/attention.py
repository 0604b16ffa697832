"""Output rules of attention in training, of native sparse attention, and of attention by sampling points.

Layouts are CANN's: B batch, S sequence, N heads, D head size, H = N * D, T the tokens of all sequences.
"""

from __future__ import annotations

from itertools import pairwise

from ascend_ops._layout import Shape
from ascend_ops.ops.rules._vocabulary import (
    Call,
    Output,
    Outputs,
    attribute,
    axis_of,
    computed,
    constant,
    integers,
    joined,
    number,
    refuse,
    same_as,
    shape_of,
)
from ascend_ops.ops.rules._vocabulary_parts import FLOAT32, INT32, RESERVED, copy_of, each

_COPIES = 8
"""How often each row's maximum and sum is stored for the backward operators."""

_BATCH_LAYOUTS = ("BSH", "SBH", "BSND", "BNSD")


def _layout(call: Call, allowed: tuple[str, ...], rank: int) -> str:
    layout = str(call["inputLayout"])
    if layout not in allowed:
        refuse("inputLayout", f"is {layout!r}; the outputs follow from {', '.join(allowed)}")
    if len(layout) != rank:
        refuse("query", f"has {rank} axes, but {layout} has {len(layout)}")
    return layout


def _statistics(call: Call) -> Shape:
    query = shape_of(call, "query")
    lengths = dict(zip(_layout(call, _BATCH_LAYOUTS, len(query)), query, strict=True))
    return (lengths["B"], number(call, "headNum"), lengths["S"], _COPIES)


def _attended(call: Call) -> Shape:
    """The query's shape with the values' head size; the key's H tells the number of the values' heads."""
    query, key, value = (shape_of(call, name) for name in ("query", "key", "value"))
    layout = _layout(call, (*_BATCH_LAYOUTS, "TND"), len(query))
    if "H" not in layout:
        return (*query[:-1], value[-1])
    heads = number(call, "headNum")
    size = query[-1] // heads if heads > 0 else 0
    kv_heads = key[-1] // size if size else 0
    return (*query[:-1], heads * (value[-1] // kv_heads) if kv_heads else 0)


_ATTENTION = Output(computed("shape of query with the head size of value", _attended), same_as("query"))
_SPARSE = Output(joined(axis_of("query", 0), axis_of("query", 1), axis_of("value", 2)), same_as("query"))
_BATCHES = Output(computed("shape [B, head_num, S, 8]", _statistics), FLOAT32)
_TOKENS = Output(joined(axis_of("query", 0), attribute("headNum"), _COPIES), FLOAT32)


def _scores(statistics: Output) -> Outputs:
    return {
        "softmaxMaxOut": statistics,
        "softmaxSumOut": statistics,
        "softmaxOutOut": Output(constant(0), same_as("query"), RESERVED),
        "attentionOutOut": _ATTENTION,
    }


def _gradients(key: str = "keyIn") -> Outputs:
    return {
        "dqOut": copy_of("query"),
        "dkOut": copy_of(key),
        "dvOut": copy_of("value"),
        "dpseOut": Output(constant(0), same_as("query"), RESERVED),
    }


def _compressed(call: Call) -> Shape:
    """Each batch gives a row for each whole window; act_seq_len holds the ends of the batches."""
    tokens, heads, size = shape_of(call, "input")
    block, stride = number(call, "compressBlockSize"), number(call, "compressStride")
    if block <= 0 or stride <= 0:
        refuse("compressStride", f"is {stride} with blocks of {block}; both have at least one token")
    ends = integers(call, "actSeqLenOptional")
    lengths = [end - start for start, end in pairwise((0, *ends))]
    if any(length < 0 for length in lengths) or sum(lengths) > tokens:
        refuse("actSeqLenOptional", f"{ends} must not decrease, nor go beyond the {tokens} tokens of input")
    return (sum((length - block) // stride + 1 for length in lengths if length >= block), heads, size)


RULES: dict[str, Outputs] = {
    **each("FlashAttentionScore FlashAttentionScoreV2", _scores(_BATCHES)),
    **each(
        "FlashAttentionVarLenScore FlashAttentionVarLenScoreV2 FlashAttentionVarLenScoreV3 "
        "FlashAttentionVarLenScoreV4",
        _scores(_TOKENS),
    ),
    **each(
        "FlashAttentionScoreGrad FlashAttentionScoreGradV2 FlashAttentionUnpaddingScoreGrad "
        "FlashAttentionUnpaddingScoreGradV2",
        _gradients(),
    ),
    # Native sparse attention, in the layout TND.
    "aclnnNsaCompress": {
        "output": Output(computed("shape (windows, N, D) of input", _compressed), same_as("input"))
    },
    "aclnnNsaCompressGrad": {"inputGradOut": copy_of("input"), "weightGradOut": copy_of("weight")},
    "aclnnNsaCompressAttention": {
        "softmaxMaxOut": _TOKENS,
        "softmaxSumOut": _TOKENS,
        "attentionOutOut": _SPARSE,
        "topkIndicesOut": Output(
            joined(axis_of("query", 0), axis_of("key", 1), attribute("selectBlockCount")), INT32
        ),
    },
    "aclnnNsaSelectedAttention": {
        "softmaxMaxOut": _TOKENS,
        "softmaxSumOut": _TOKENS,
        "attentionOut": _SPARSE,
    },
    "aclnnNsaSelectedAttentionGrad": {
        "dqOut": copy_of("query"),
        "dkOut": copy_of("key"),
        "dvOut": copy_of("value"),
    },
    # Sampling points.
    "aclnnMultiScaleDeformableAttnFunction": {
        "output": Output(
            computed(
                "shape (value.shape[0], location.shape[1], value.shape[2] * value.shape[3])",
                lambda call: (
                    shape_of(call, "value")[0],
                    shape_of(call, "location")[1],
                    shape_of(call, "value")[2] * shape_of(call, "value")[3],
                ),
            ),
            same_as("value"),
        )
    },
    "aclnnMultiScaleDeformableAttentionGrad": {
        "gradValue": copy_of("value"),
        "gradLocation": copy_of("location"),
        "gradAttnWeight": copy_of("attnWeight"),
    },
}
