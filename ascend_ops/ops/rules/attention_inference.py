"""Output rules of attention in inference: prompts, single tokens, both, and the projections before them.

Layouts are CANN's: B batch, S sequence, N heads, D head size, H = N * D, T the tokens of all sequences;
"BNSD_BSND" takes the first and gives the second.
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
    axes,
    axis_of,
    computed,
    either_dtype,
    fixed,
    is_set,
    joined,
    like,
    number,
    present,
    refuse,
    same_as,
    shape_of,
    tensors,
)
from ascend_ops.ops.rules._vocabulary_parts import FLOAT32, INT8, INT32, each, has_dtype

_PROMPT = ("BSH", "BSND", "BNSD", "BNSD_BSND", "SH", "NSD", "TND", "NTD_TND")
_FUSED = (*_PROMPT, "BNSD_NBSD", "BSND_NBSD", "BSH_NBSD", "TND_NTD")
_OF_QUERY = ("SH", "NSD", "BNSD_NBSD", "BSND_NBSD", "BSH_NBSD", "TND_NTD")
"""Layouts whose result has the query's head size, not the values'."""


def _layouts(call: Call, allowed: tuple[str, ...]) -> tuple[str, str]:
    """The query's layout and the result's."""
    layout = str(call["inputLayout"])
    if layout not in allowed:
        refuse("inputLayout", f"is {layout!r}; the outputs follow from {', '.join(allowed)}")
    source, _, target = layout.partition("_")
    return source, target or source


def _lengths(call: Call, layout: str) -> dict[str, int]:
    """The query's lengths by the letters of its layout, N and D also where it has H."""
    shape, heads = shape_of(call, "query"), number(call, "numHeads")
    if heads <= 0:
        refuse("numHeads", f"is {heads}; give the number of the query's heads")
    if len(shape) != len(layout):
        refuse("query", f"has the shape {shape}, but {layout} has {len(layout)} axes")
    lengths = dict(zip(layout, shape, strict=True))
    if "H" in lengths:
        lengths |= {"N": heads, "D": lengths["H"] // heads}
    return lengths


def _head_size(call: Call, value: Shape, layout: str, paged: bool) -> int:
    """A value's head size; pages are [blocks, size, H], [blocks, N, size, D] or FRACTAL_NZ's five axes."""
    if paged and len(value) == 5:
        return value[2] * value[4]
    if "H" in layout or (paged and len(value) == 3):
        return value[-1] // (number(call, "numKeyValueHeads") or number(call, "numHeads"))
    return value[-1]


def _attended(call: Call, value: Shape, allowed: tuple[str, ...], *, paged: bool = False) -> Shape:
    source, target = _layouts(call, allowed)
    lengths = _lengths(call, source)
    size = _head_size(call, value, source, paged)
    if call["inputLayout"] not in _OF_QUERY and size and lengths["D"]:
        lengths["D"] = size
        lengths["H"] = size * lengths["N"]
    return tuple(lengths[letter] for letter in target)


def _prompt(call: Call) -> Shape:
    return _attended(call, shape_of(call, "value"), _PROMPT)


def _fused(call: Call) -> Shape:
    table = call.get("blockTableOptional", call.get("blockTable"))
    return _attended(call, tuple(tensors(call, "value")[0].shape), _FUSED, paged=table is not None)


def _log_sums(call: Call) -> Shape:
    lengths = _lengths(call, _layouts(call, _FUSED)[0])
    if "T" in lengths:
        return (lengths["T"], lengths["N"], 1)
    return (lengths.get("B", 1), lengths["N"], lengths["S"], 1)


def _quantised(scale: str) -> DTypeRule:
    """int8 where the result is quantised, float16 of int8 queries."""
    plain = either_dtype(has_dtype("query", dtypes.int8), fixed(dtypes.float16), same_as("query"))
    return either_dtype(present(scale), INT8, plain)


_RESULT = "shape of query with the head size of value, in input_layout"


def _attention(shape: ShapeRule, dtype: DTypeRule) -> Outputs:
    return {"attentionOut": Output(shape, dtype)}


def _fused_score(scale: str) -> Outputs:
    sums = computed("shape [B, N, S, 1], or [T, N, 1] of tokens", _log_sums)
    return {
        **_attention(computed(_RESULT, _fused), _quantised(scale)),
        "softmaxLse": Output(sums, FLOAT32, is_set("softmaxLseFlag")),
    }


def _infer_layout(call: Call) -> Shape:
    """The axes of a layout before heads: [T] of TND, [B, S] of BSND."""
    layout, query = call["layoutOptional"], shape_of(call, "query")
    if layout not in ("TND", "BSND") or len(query) != len(layout):
        refuse("layoutOptional", f"is {layout!r} for a query of shape {query}; allowed are TND and BSND")
    return query[:-2]


def _compressed(call: Call) -> Shape:
    """Values are pages of [blocks, size, heads * D]."""
    heads = number(call, "numKeyValueHeads")
    if heads <= 0:
        refuse("numKeyValueHeads", f"is {heads}; give the number of the values' heads")
    return (*_infer_layout(call), shape_of(call, "query")[-2], shape_of(call, "value")[-1] // heads)


def _chosen(call: Call) -> Shape:
    return (*_infer_layout(call), number(call, "numKeyValueHeads"), number(call, "selectBlockCount"))


_MLA_HEADS = (axes("tokenX", None, -1), axis_of("weightUk", 0))

RULES: dict[str, Outputs] = {
    "aclnnPromptFlashAttention": _attention(computed(_RESULT, _prompt), same_as("query")),
    **each(
        "PromptFlashAttentionV2 PromptFlashAttentionV3",
        _attention(computed(_RESULT, _prompt), _quantised("quantScale2")),
    ),
    "aclnnIncreFlashAttention": _attention(like("query"), same_as("query")),
    **each(
        "IncreFlashAttentionV2 IncreFlashAttentionV3 IncreFlashAttentionV4",
        _attention(like("query"), _quantised("quantScale2")),
    ),
    "aclnnFusedInferAttentionScore": _fused_score("quantScale2"),
    **each(
        "FusedInferAttentionScoreV2 FusedInferAttentionScoreV3 FusedInferAttentionScoreV4",
        _fused_score("quantScale2Optional"),
    ),
    "aclnnNsaCompressAttentionInfer": {
        "output": Output(
            computed("shape of query with the head size of value", _compressed), same_as("query")
        ),
        "topKOutput": Output(
            computed("shape of query with (num_key_value_heads, select_block_count) last", _chosen), INT32
        ),
    },
    "aclnnMlaProlog": {
        "queryOut": Output(joined(*_MLA_HEADS, axis_of("weightUk", 2)), same_as("weightUk")),
        "queryRopeOut": Output(joined(*_MLA_HEADS, axis_of("ropeSin", -1)), same_as("weightUk")),
    },
}
