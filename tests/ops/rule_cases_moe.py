"""Cases of the output rules of mixtures of experts."""

from __future__ import annotations

from ops.rule_cases import b1, bf16, f16, f32, i8, i32, i64
from ops.rule_cases_matmul import cases

_GATE = {"yOut": f16(5, 2), "expertIdxOut": i32(5, 2)}
_X = {"x": f16(5, 8), "expertIdx": i32(5, 2)}
_PAIRS = {"expandedRowIdxOut": i32(10), "expandedExpertIdxOut": i32(10)}
_NO_COUNTS = {"expertTokensCountOrCumsumOutOptional": None, "expertTokensBeforeCapacityOutOptional": None}
_COUNTED = {**_NO_COUNTS, "expertTokensCountOrCumsumOutOptional": i32(4)}
_CAPPED = {**_NO_COUNTS, "expertTokensBeforeCapacityOutOptional": i32(4)}


def _v2(active: int, mode: int, count: int, capped: bool) -> dict[str, int | bool]:
    return {
        "activeNumOptional": active,
        "dropPadModeOptional": mode,
        "expertNumOptional": 4,
        "expertCapacityOptional": 3,
        "expertTokensCountOrCumsumFlagOptional": count,
        "expertTokensBeforeCapacityFlagOptional": capped,
    }


def _quant(mode: int, quant_mode: int) -> dict[str, int | bool]:
    named = {name.removesuffix("Optional"): value for name, value in _v2(7, mode, 1, True).items()}
    return named | {"quantMode": quant_mode}


GATING = [
    *cases("MoeGatingTopKSoftmax", {**_GATE, "rowIdxOut": i32(5, 2)}, x=f16(5, 16), k=2),
    *cases(
        "MoeGatingTopKSoftmaxV2",
        {**_GATE, "softmaxResultOutOptional": None},
        x=f16(5, 16),
        k=2,
        renorm=1,
        outputSoftmaxResultFlag=True,
    ),
    *cases(
        "MoeGatingTopKSoftmaxV2",
        {**_GATE, "softmaxResultOutOptional": f32(5, 16)},
        x=f16(5, 16),
        k=2,
        renorm=0,
        outputSoftmaxResultFlag=True,
    ),
    *cases("MoeGatingTopK", {**_GATE, "outOut": f32(5, 16)}, x=f16(5, 16), k=2),
    *cases("MoeComputeExpertTokens", {"out": i32(4)}, sortedExperts=i32(10), numExperts=4),
    *cases(
        "MoeUpdateExpert",
        {"balancedExpertIds": i64(5, 2), "balancedActiveMask": b1(5, 2)},
        expertIds=i64(5, 2),
        expertScalesOptional=f32(5, 2),
    ),
    *cases(
        "MoeUpdateExpert",
        {"balancedExpertIds": i64(5, 2), "balancedActiveMask": None},
        expertIds=i64(5, 2),
    ),
]

ROUTING = [
    *cases("MoeInitRouting", {"expandedXOut": f16(6, 8), **_PAIRS}, **_X, activeNum=3),
    *cases("MoeInitRoutingQuant", {"expandedXOut": i8(10, 8), **_PAIRS}, **_X, activeNum=9),
    *cases(
        "MoeInitRoutingV2",
        {"expandedXOut": f16(7, 8), "expandedRowIdxOut": i32(10), **_COUNTED},
        **_X,
        **_v2(7, 0, 1, True),
    ),
    *cases(
        "MoeInitRoutingV2",
        {"expandedXOut": f16(10, 8), "expandedRowIdxOut": i32(10), **_NO_COUNTS},
        **_X,
        **_v2(0, 0, 0, True),
    ),
    *cases(
        "MoeInitRoutingV2",
        {"expandedXOut": f16(4, 3, 8), "expandedRowIdxOut": i32(10), **_CAPPED},
        **_X,
        **_v2(7, 1, 2, True),
    ),
    *cases(
        "MoeInitRoutingQuantV2",
        {
            "expandedXOut": i8(4, 3, 8),
            "expandedRowIdxOut": i32(10),
            **_CAPPED,
            "dynamicQuantScaleOutOptional": f32(12),
        },
        **_X,
        **_quant(1, 1),
    ),
    *cases(
        "MoeInitRoutingQuantV2",
        {
            "expandedXOut": i8(7, 8),
            "expandedRowIdxOut": i32(10),
            **_COUNTED,
            "dynamicQuantScaleOutOptional": None,
        },
        **_X,
        **_quant(0, 0),
    ),
    *cases(
        "MoeInitRoutingV3",
        {
            "expandedXOut": f16(10, 8),
            "expandedRowIdxOut": i32(10),
            "expertTokensCountOrCumsumOut": i64(3),
            "expandedScaleOut": f32(10),
        },
        **_X,
        expertNum=16,
        expertTokensNumType=1,
        quantMode=-1,
        activeExpertRangeOptional=(2, 5),
    ),
    *cases(
        "MoeInitRoutingV3",
        {
            "expandedXOut": i8(10, 8),
            "expandedRowIdxOut": i32(10),
            "expertTokensCountOrCumsumOut": i64(16, 2),
            "expandedScaleOut": f32(10),
        },
        **_X,
        expertNum=16,
        expertTokensNumType=2,
        quantMode=1,
    ),
    *cases(
        "MoeInitRoutingV2Grad", {"out": f16(5, 8)}, gradExpandedX=f16(4, 3, 8), expandedRowIdx=i32(10), topK=2
    ),
    *[
        each
        for wanted, rows in ((0, 10), (7, 7), (-3, 7), (100, 10))
        for each in cases(
            "MoeTokenPermute",
            {"permuteTokensOut": bf16(rows, 8), "sortedIndicesOut": i32(10)},
            tokens=bf16(5, 8),
            indices=i32(5, 2),
            numOutTokens=wanted,
        )
    ],
    *cases("MoeTokenPermuteGrad", {"out": f16(5, 8)}, permutedOutputGrad=f16(10, 8), numTopk=2),
    *cases(
        "MoeTokenPermuteWithRoutingMap",
        {"permuteTokensOut": bf16(10, 8), "permuteProbsOutOptional": f32(10), "sortedIndicesOut": i32(10)},
        tokens=bf16(5, 8),
        routingMap=b1(5, 4),
        probsOptional=f32(5, 4),
        numOutTokens=12,
        dropAndPad=False,
    ),
    *cases(
        "MoeTokenPermuteWithRoutingMap",
        {"permuteTokensOut": bf16(12, 8), "permuteProbsOutOptional": None, "sortedIndicesOut": i32(12)},
        tokens=bf16(5, 8),
        routingMap=b1(5, 4),
        numOutTokens=13,
        dropAndPad=True,
    ),
]

_COMBINED = {"expandX": f16(40, 8), "expertIds": i32(5, 2)}
_NORMED = {"yOut": bf16(5, 1, 8), "rstdOut": f32(5, 1, 1), "xOut": bf16(5, 1, 8)}

RETURN = [
    *cases("MoeFinalizeRouting", {"out": f16(5, 8)}, expandedX=f16(10, 8), x1=f16(5, 8)),
    *cases(
        "MoeFinalizeRoutingV2",
        {"out": f16(5, 8)},
        expandedX=f16(4, 3, 8),
        expandedRowIdx=i32(10),
        scalesOptional=f16(5, 2),
    ),
    *cases("MoeFinalizeRoutingV2", {"out": f16(5, 8)}, expandedX=f16(5, 8), expandedRowIdx=i32(5)),
    *cases(
        "MoeFinalizeRoutingV2Grad",
        {"gradExpandedXOut": f16(7, 8), "gradScalesOut": f16(5, 2)},
        gradY=f16(5, 8),
        expandedRowIdx=i32(10),
        scalesOptional=f16(5, 2),
        dropPadMode=0,
        activeNum=7,
    ),
    *cases(
        "MoeFinalizeRoutingV2Grad",
        {"gradExpandedXOut": f16(4, 3, 8), "gradScalesOut": f16(5, 1)},
        gradY=f16(5, 8),
        expandedRowIdx=i32(5),
        dropPadMode=1,
        expertNum=4,
        expertCapacity=3,
    ),
    *cases(
        "MoeTokenUnpermute",
        {"out": f16(5, 8)},
        permutedTokens=f16(10, 8),
        sortedIndices=i32(10),
        probsOptional=f32(5, 2),
    ),
    *cases("MoeTokenUnpermute", {"out": f16(10, 8)}, permutedTokens=f16(10, 8), sortedIndices=i32(10)),
    *cases(
        "MoeTokenUnpermuteGrad",
        {"permutedTokensGradOut": bf16(10, 8), "probsGradOut": f32(5, 2)},
        permutedTokens=bf16(10, 8),
        unpermutedTokensGrad=bf16(5, 8),
        sortedIndices=i32(10),
        probsOptional=f32(5, 2),
    ),
    *cases(
        "MoeTokenUnpermuteGrad",
        {"permutedTokensGradOut": bf16(10, 8), "probsGradOut": None},
        permutedTokens=bf16(10, 8),
        unpermutedTokensGrad=bf16(10, 8),
        sortedIndices=i32(10),
    ),
    *cases("MoeDistributeCombine", {"x": f16(5, 8)}, **_COMBINED),
    *cases("MoeDistributeCombineV2 MoeDistributeCombineV3", {"xOut": f16(5, 8)}, **_COMBINED),
    *cases(
        "MoeDistributeCombineAddRmsNorm MoeDistributeCombineAddRmsNormV2", _NORMED, residualX=bf16(5, 1, 8)
    ),
]

CASES = GATING + ROUTING + RETURN
