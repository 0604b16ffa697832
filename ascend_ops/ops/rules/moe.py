"""Output rules of mixtures of experts: gating, routing, permutation of tokens, and their way back."""

from __future__ import annotations

import math

from ascend_ops import dtypes
from ascend_ops._layout import Shape
from ascend_ops.ops.rules._vocabulary import (
    Call,
    DTypeRule,
    Output,
    Outputs,
    ShapeRule,
    attribute,
    axes,
    axis_of,
    computed,
    either_dtype,
    equals,
    first_of,
    fixed,
    flag,
    integers,
    is_set,
    joined,
    like,
    number,
    present,
    product_of,
    refuse,
    same_as,
    shape_of,
    snake,
    with_axis,
)
from ascend_ops.ops.rules._vocabulary_parts import FLOAT32, INT8, INT32, all_of, copy_of, each, unless

_TOP_K = with_axis("x", -1, "k")
_PAIRS = Output(product_of("expertIdx"), INT32)
"""One for each pair of a token and one of its experts."""

_TOKEN_BY_EXPERT = joined(axis_of("expertIds", 0), axis_of("expandX", 1))


def _active_tokens(call: Call) -> Shape:
    (n, hidden), k = shape_of(call, "x"), shape_of(call, "expertIdx")[-1]
    return (min(n, number(call, "activeNum")) * k, hidden)


def _limited(pairs: int, active: int) -> int:
    return min(active, pairs) if active > 0 else pairs


def _expanded(optional: str = "") -> ShapeRule:
    """Rows by expert: [rows, H], or [experts, capacity, H] when dropped and padded."""

    def of(call: Call) -> Shape:
        hidden = shape_of(call, "x")[-1]
        if number(call, f"dropPadMode{optional}") == 1:
            experts = number(call, f"expertNum{optional}"), number(call, f"expertCapacity{optional}")
            return (*experts, hidden)
        pairs = math.prod(shape_of(call, "expertIdx"))
        return (_limited(pairs, number(call, f"activeNum{optional}")), hidden)

    return computed("shape (rows, H), or (expert_num, expert_capacity, H) in drop_pad_mode 1", of)


def _expanded_rows(call: Call) -> Shape:
    return (math.prod(_expanded()(call)[:-1]),)


def _init_routing(dtype: DTypeRule, optional: str = "") -> Outputs:
    """Counts of tokens are given without dropping, those before the capacity limit with it."""
    mode, count = f"dropPadMode{optional}", f"expertTokensCountOrCumsumFlag{optional}"
    drops = equals(mode, 1)
    experts = attribute(f"expertNum{optional}")
    return {
        "expandedXOut": Output(_expanded(optional), dtype),
        "expandedRowIdxOut": _PAIRS,
        "expertTokensCountOrCumsumOutOptional": Output(experts, INT32, all_of(unless(drops), is_set(count))),
        "expertTokensBeforeCapacityOutOptional": Output(
            experts, INT32, all_of(drops, is_set(f"expertTokensBeforeCapacityFlag{optional}"))
        ),
    }


def _gradient_of_expanded(call: Call) -> Shape:
    hidden = shape_of(call, "gradY")[1]
    if number(call, "dropPadMode") == 1:
        return (number(call, "expertNum"), number(call, "expertCapacity"), hidden)
    return (_limited(shape_of(call, "expandedRowIdx")[0], number(call, "activeNum")), hidden)


def _gradient_of_scales(call: Call) -> Shape:
    tokens = shape_of(call, "gradY")[0]
    return (tokens, 1 if call["scalesOptional"] is None else shape_of(call, "scalesOptional")[1])


def _tokens(rows: str, by: str, hidden: str) -> ShapeRule:
    """The rows of `rows`, divided by `by` for each token, with the last length of `hidden`."""

    def of(call: Call) -> Shape:
        total, k = shape_of(call, rows)[0], number(call, by)
        if k <= 0 or total % k:
            refuse(by, f"is {k}; it must divide {total}, the rows of {snake(rows)}")
        return (total // k, shape_of(call, hidden)[-1])

    return computed(f"shape ({snake(rows)}.shape[0] / {snake(by)}, H)", of)


def _rows_of(*names: str) -> ShapeRule:
    """The rows of the first of several tensors that is given."""

    def of(call: Call) -> Shape:
        name = next((name for name in names if call[name] is not None), names[-1])
        return shape_of(call, name)[:1]

    return computed(f"rows of {' or '.join(map(snake, names))}", of)


def _permuted(call: Call) -> Shape:
    """num_out_tokens of the pairs; 0 and less count from their end."""
    pairs, wanted = math.prod(shape_of(call, "indices")), number(call, "numOutTokens")
    rows = max(0, min(wanted if wanted > 0 else wanted + pairs, pairs))
    return (rows, *shape_of(call, "tokens")[1:])


def _mapped(call: Call) -> Shape:
    """num_out_tokens, as a multiple of the tokens; of the experts with drop_and_pad."""
    tokens, experts = shape_of(call, "routingMap")
    unit = experts if flag(call, "dropAndPad") else tokens
    return (number(call, "numOutTokens") // unit * unit if unit else 0,)


def _counts(call: Call) -> Shape:
    if number(call, "expertTokensNumType") == 2:
        return (number(call, "expertNum"), 2)
    given = integers(call, "activeExpertRangeOptional")
    if len(given) != 2:
        refuse("activeExpertRangeOptional", f"is {given}; give the first expert and the one after the last")
    return (given[1] - given[0],)


_MAPPED = computed(
    "(num_out_tokens as a multiple of the tokens or, with drop_and_pad, the experts,)", _mapped
)
_ACTIVE = computed("shape (min(tokens, active_num) * k, H)", _active_tokens)
_SOFTMAX_WANTED = all_of(equals("renorm", 0), is_set("outputSoftmaxResultFlag"))
_KEPT_TYPE = either_dtype(equals("quantMode", -1), same_as("x"), INT8)


def _sorted(dtype: Output) -> Outputs:
    return {"expandedXOut": dtype, "expandedRowIdxOut": _PAIRS, "expandedExpertIdxOut": _PAIRS}


_GATING: dict[str, Outputs] = {
    "aclnnMoeGatingTopKSoftmax": {
        "yOut": Output(_TOP_K, same_as("x")),
        "expertIdxOut": Output(_TOP_K, INT32),
        "rowIdxOut": Output(_TOP_K, INT32),
    },
    "aclnnMoeGatingTopKSoftmaxV2": {
        "yOut": Output(_TOP_K, same_as("x")),
        "expertIdxOut": Output(_TOP_K, INT32),
        "softmaxResultOutOptional": Output(like("x"), FLOAT32, _SOFTMAX_WANTED),
    },
    "aclnnMoeGatingTopK": {
        "yOut": Output(_TOP_K, same_as("x")),
        "expertIdxOut": Output(_TOP_K, INT32),
        "outOut": Output(like("x"), FLOAT32),
    },
    "aclnnMoeComputeExpertTokens": {"out": Output(attribute("numExperts"), INT32)},
    "aclnnMoeUpdateExpert": {
        "balancedExpertIds": copy_of("expertIds"),
        "balancedActiveMask": Output(like("expertIds"), fixed(dtypes.bool_), present("expertScalesOptional")),
    },
}

_ROUTING: dict[str, Outputs] = {
    "aclnnMoeInitRouting": _sorted(Output(_ACTIVE, same_as("x"))),
    "aclnnMoeInitRoutingQuant": _sorted(Output(_ACTIVE, INT8)),
    "aclnnMoeInitRoutingV2": _init_routing(same_as("x"), "Optional"),
    "aclnnMoeInitRoutingQuantV2": {
        **_init_routing(INT8),
        "dynamicQuantScaleOutOptional": Output(
            computed("(rows of expanded_x_out,)", _expanded_rows), FLOAT32, equals("quantMode", 1)
        ),
    },
    "aclnnMoeInitRoutingV3": {
        "expandedXOut": Output(joined(product_of("expertIdx"), axis_of("x", 1)), _KEPT_TYPE),
        "expandedRowIdxOut": _PAIRS,
        "expertTokensCountOrCumsumOut": Output(
            computed("shape (experts in active_expert_range,), of type 2 (expert_num, 2)", _counts),
            fixed(dtypes.int64),
        ),
        "expandedScaleOut": Output(product_of("expertIdx"), FLOAT32),
    },
    "aclnnMoeInitRoutingV2Grad": {
        "out": Output(_tokens("expandedRowIdx", "topK", "gradExpandedX"), same_as("gradExpandedX"))
    },
    "aclnnMoeTokenPermute": {
        "permuteTokensOut": Output(
            computed("shape of tokens with num_out_tokens rows", _permuted), same_as("tokens")
        ),
        "sortedIndicesOut": Output(product_of("indices"), INT32),
    },
    "aclnnMoeTokenPermuteGrad": {
        "out": Output(
            _tokens("permutedOutputGrad", "numTopk", "permutedOutputGrad"), same_as("permutedOutputGrad")
        )
    },
    "aclnnMoeTokenPermuteWithRoutingMap": {
        "permuteTokensOut": Output(joined(_MAPPED, axis_of("tokens", 1)), same_as("tokens")),
        "permuteProbsOutOptional": Output(_MAPPED, same_as("probsOptional"), present("probsOptional")),
        "sortedIndicesOut": Output(_MAPPED, INT32),
    },
}

_RETURN: dict[str, Outputs] = {
    "aclnnMoeFinalizeRouting": {"out": copy_of("x1")},
    "aclnnMoeFinalizeRoutingV2": {
        "out": Output(
            joined(_rows_of("scalesOptional", "expandedRowIdx"), axis_of("expandedX", -1)),
            same_as("expandedX"),
        )
    },
    "aclnnMoeFinalizeRoutingV2Grad": {
        "gradExpandedXOut": Output(
            computed("shape (rows, H), or (expert_num, expert_capacity, H)", _gradient_of_expanded),
            same_as("gradY"),
        ),
        "gradScalesOut": Output(
            computed("shape of scales_optional, without it (tokens, 1)", _gradient_of_scales),
            same_as("gradY"),
        ),
    },
    "aclnnMoeTokenUnpermute": {
        "out": Output(
            joined(_rows_of("probsOptional", "sortedIndices"), axis_of("permutedTokens", 1)),
            same_as("permutedTokens"),
        )
    },
    "aclnnMoeTokenUnpermuteGrad": {
        "permutedTokensGradOut": Output(
            joined(axis_of("sortedIndices", 0), axis_of("unpermutedTokensGrad", 1)), same_as("permutedTokens")
        ),
        "probsGradOut": Output(
            like("probsOptional"), first_of("probsOptional", "permutedTokens"), present("probsOptional")
        ),
    },
    # Experts on several ranks.
    "aclnnMoeDistributeCombine": {"x": Output(_TOKEN_BY_EXPERT, same_as("expandX"))},
    **each(
        "MoeDistributeCombineV2 MoeDistributeCombineV3",
        {"xOut": Output(_TOKEN_BY_EXPERT, same_as("expandX"))},
    ),
    **each(
        "MoeDistributeCombineAddRmsNorm MoeDistributeCombineAddRmsNormV2",
        {
            "yOut": copy_of("residualX"),
            "rstdOut": Output(joined(axes("residualX", None, -1), 1), FLOAT32),
            "xOut": copy_of("residualX"),
        },
    ),
}

RULES: dict[str, Outputs] = {**_GATING, **_ROUTING, **_RETURN}
