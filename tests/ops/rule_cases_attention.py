"""Cases of the output rules of attention."""

from __future__ import annotations

from ops.rule_cases import bf16, f16, f32, i8, i32
from ops.rule_cases_matmul import cases

PREFILL = "PromptFlashAttentionV2 PromptFlashAttentionV3"
FUSED = " ".join(f"FusedInferAttentionScore{version}" for version in ("", "V2", "V3", "V4"))
HEADS = {"numHeads": 4, "numKeyValueHeads": 2}

PROMPT = [
    *cases(
        f"PromptFlashAttention {PREFILL}",
        {"attentionOut": f16(2, 5, 48)},
        query=f16(2, 5, 64),
        value=f16(2, 7, 24),
        **HEADS,
        inputLayout="BSH",
    ),
    *cases(
        PREFILL,
        {"attentionOut": i8(2, 5, 4, 8)},
        query=f16(2, 4, 5, 16),
        value=f16(2, 2, 7, 8),
        quantScale2=f32(1),
        **HEADS,
        inputLayout="BNSD_BSND",
    ),
    *cases(
        "PromptFlashAttentionV3",
        {"attentionOut": f16(2, 5, 4, 8)},
        query=i8(2, 5, 4, 16),
        value=i8(2, 7, 4, 8),
        numHeads=4,
        numKeyValueHeads=0,
        inputLayout="BSND",
    ),
    *cases(
        "PromptFlashAttentionV3",
        {"attentionOut": bf16(9, 4, 8)},
        query=bf16(9, 4, 16),
        value=bf16(11, 2, 8),
        **HEADS,
        inputLayout="TND",
    ),
    *cases(
        "PromptFlashAttentionV3",
        {"attentionOut": bf16(9, 4, 8)},
        query=bf16(4, 9, 16),
        value=bf16(2, 11, 8),
        **HEADS,
        inputLayout="NTD_TND",
    ),
    *cases(
        "PromptFlashAttention",
        {"attentionOut": bf16(2, 4, 5, 16)},
        query=bf16(2, 4, 5, 16),
        value=bf16(2, 4, 0, 0),
        **HEADS,
        inputLayout="BNSD",
    ),
    *cases("IncreFlashAttention", {"attentionOut": bf16(2, 1, 64)}, query=bf16(2, 1, 64)),
    *cases(
        "IncreFlashAttentionV2 IncreFlashAttentionV3 IncreFlashAttentionV4",
        {"attentionOut": i8(2, 1, 64)},
        query=bf16(2, 1, 64),
        quantScale2=f32(1),
    ),
    *cases("IncreFlashAttentionV4", {"attentionOut": bf16(2, 1, 64)}, query=bf16(2, 1, 64)),
]

BOTH = [
    *cases(
        FUSED,
        {"attentionOut": f16(2, 4, 5, 8), "softmaxLse": f32(2, 4, 5, 1)},
        query=f16(2, 4, 5, 16),
        value=(f16(2, 2, 7, 8),),
        **HEADS,
        inputLayout="BNSD",
        softmaxLseFlag=True,
    ),
    *cases(
        "FusedInferAttentionScoreV3",
        {"attentionOut": i8(2, 5, 64), "softmaxLse": None},
        query=f16(2, 5, 64),
        value=(i8(8, 128, 32),),
        blockTableOptional=i32(2, 4),
        quantScale2Optional=f32(1),
        **HEADS,
        inputLayout="BSH",
        softmaxLseFlag=False,
    ),
    *cases(
        "FusedInferAttentionScore",
        {"attentionOut": f16(2, 5, 128), "softmaxLse": f32(2, 4, 5, 1)},
        query=f16(2, 5, 64),
        value=(f16(8, 2, 2, 128, 16),),
        blockTable=i32(2, 4),
        **HEADS,
        inputLayout="BSH",
        softmaxLseFlag=True,
    ),
    *cases(
        "FusedInferAttentionScoreV2",
        {"attentionOut": bf16(4, 2, 5, 16), "softmaxLse": None},
        query=bf16(2, 4, 5, 16),
        value=(bf16(2, 2, 7, 8),),
        **HEADS,
        inputLayout="BNSD_NBSD",
    ),
    *cases(
        "FusedInferAttentionScoreV2",
        {"attentionOut": bf16(4, 2, 5, 16), "softmaxLse": None},
        query=bf16(2, 5, 64),
        value=(bf16(2, 7, 32),),
        **HEADS,
        inputLayout="BSH_NBSD",
    ),
    *cases(
        "FusedInferAttentionScoreV3",
        {"attentionOut": bf16(4, 9, 16), "softmaxLse": f32(9, 4, 1)},
        query=bf16(9, 4, 16),
        value=(bf16(11, 2, 8),),
        **HEADS,
        inputLayout="TND_NTD",
        softmaxLseFlag=True,
    ),
    *cases(
        "MlaProlog",
        {"queryOut": bf16(2, 1, 8, 512), "queryRopeOut": bf16(2, 1, 8, 64)},
        tokenX=bf16(2, 1, 7168),
        weightUk=bf16(8, 128, 512),
        ropeSin=bf16(2, 1, 64),
    ),
]

_SCORES = "FlashAttentionScore FlashAttentionScoreV2"
_TOKEN_SCORES = (
    "FlashAttentionVarLenScore FlashAttentionVarLenScoreV2 FlashAttentionVarLenScoreV3 "
    "FlashAttentionVarLenScoreV4"
)
_STATISTICS = {"softmaxMaxOut": f32(2, 4, 5, 8), "softmaxSumOut": f32(2, 4, 5, 8), "softmaxOutOut": None}
_TOKENS = {"softmaxMaxOut": f32(9, 4, 8), "softmaxSumOut": f32(9, 4, 8)}

TRAINING = [
    *cases(
        _SCORES,
        {**_STATISTICS, "attentionOutOut": f16(2, 5, 32)},
        query=f16(2, 5, 64),
        key=f16(2, 7, 32),
        value=f16(2, 7, 16),
        headNum=4,
        inputLayout="BSH",
    ),
    *cases(
        _SCORES,
        {**_STATISTICS, "attentionOutOut": f16(5, 2, 64)},
        query=f16(5, 2, 64),
        key=f16(7, 2, 64),
        value=f16(7, 2, 64),
        headNum=4,
        inputLayout="SBH",
    ),
    *cases(
        "FlashAttentionScore",
        {**_STATISTICS, "attentionOutOut": bf16(2, 4, 5, 8)},
        query=bf16(2, 4, 5, 16),
        key=bf16(2, 2, 7, 16),
        value=bf16(2, 2, 7, 8),
        headNum=4,
        inputLayout="BNSD",
    ),
    *cases(
        "FlashAttentionScore",
        {**_STATISTICS, "attentionOutOut": bf16(2, 5, 4, 16)},
        query=bf16(2, 5, 4, 16),
        key=bf16(2, 7, 4, 16),
        value=bf16(2, 7, 4, 16),
        headNum=4,
        inputLayout="BSND",
    ),
    *cases(
        _TOKEN_SCORES,
        {**_TOKENS, "softmaxOutOut": None, "attentionOutOut": f16(9, 4, 8)},
        query=f16(9, 4, 16),
        key=f16(11, 2, 16),
        value=f16(11, 2, 8),
        headNum=4,
        inputLayout="TND",
    ),
    *cases(
        "FlashAttentionScoreGrad FlashAttentionScoreGradV2 FlashAttentionUnpaddingScoreGrad "
        "FlashAttentionUnpaddingScoreGradV2",
        {"dqOut": f16(9, 4, 16), "dkOut": f16(11, 2, 16), "dvOut": f16(11, 2, 8), "dpseOut": None},
        query=f16(9, 4, 16),
        keyIn=f16(11, 2, 16),
        value=f16(11, 2, 8),
    ),
]

SPARSE = [
    *cases(
        "NsaCompress",
        {"output": f16(6, 2, 16)},
        input=f16(50, 2, 16),
        actSeqLenOptional=(20, 50),
        compressBlockSize=16,
        compressStride=4,
    ),
    *cases(
        "NsaCompress",
        {"output": bf16(7, 2, 16)},
        input=bf16(50, 2, 16),
        actSeqLenOptional=(10, 50),
        compressBlockSize=16,
        compressStride=4,
    ),
    *cases(
        "NsaCompressGrad",
        {"inputGradOut": f16(50, 2, 16), "weightGradOut": f16(16, 2)},
        input=f16(50, 2, 16),
        weight=f16(16, 2),
    ),
    *cases(
        "NsaCompressAttention",
        {**_TOKENS, "attentionOutOut": f16(9, 4, 8), "topkIndicesOut": i32(9, 2, 16)},
        query=f16(9, 4, 16),
        key=f16(11, 2, 16),
        value=f16(11, 2, 8),
        headNum=4,
        selectBlockCount=16,
    ),
    *cases(
        "NsaSelectedAttention",
        {**_TOKENS, "attentionOut": f16(9, 4, 8)},
        query=f16(9, 4, 16),
        value=f16(11, 2, 8),
        headNum=4,
    ),
    *cases(
        "NsaSelectedAttentionGrad",
        {"dqOut": f16(9, 4, 16), "dkOut": f16(11, 2, 16), "dvOut": f16(11, 2, 8)},
        query=f16(9, 4, 16),
        key=f16(11, 2, 16),
        value=f16(11, 2, 8),
    ),
    *cases(
        "NsaCompressAttentionInfer",
        {"output": f16(9, 4, 8), "topKOutput": i32(9, 2, 16)},
        query=f16(9, 4, 16),
        value=f16(3, 128, 16),
        numKeyValueHeads=2,
        selectBlockCount=16,
        layoutOptional="TND",
    ),
    *cases(
        "NsaSelectedAttentionGrad",
        {"dqOut": f16(9, 4, 16), "dkOut": f16(11, 2, 16), "dvOut": f16(11, 2, 8)},
        query=f16(9, 4, 16),
        key=f16(11, 2, 16),
        value=f16(11, 2, 8),
    ),
    *cases(
        "NsaCompressAttentionInfer",
        {"output": f16(3, 1, 4, 8), "topKOutput": i32(3, 1, 2, 16)},
        query=f16(3, 1, 4, 16),
        value=f16(3, 128, 16),
        numKeyValueHeads=2,
        selectBlockCount=16,
        layoutOptional="BSND",
    ),
    *cases(
        "MultiScaleDeformableAttnFunction",
        {"output": f32(2, 7, 32)},
        value=f32(2, 100, 4, 8),
        location=f32(2, 7, 4, 3, 5, 2),
    ),
    *cases(
        "MultiScaleDeformableAttentionGrad",
        {
            "gradValue": f32(2, 100, 4, 8),
            "gradLocation": f32(2, 7, 4, 3, 5, 2),
            "gradAttnWeight": f32(2, 7, 4, 3, 5),
        },
        value=f32(2, 100, 4, 8),
        location=f32(2, 7, 4, 3, 5, 2),
        attnWeight=f32(2, 7, 4, 3, 5),
    ),
]

CASES = PROMPT + BOTH + TRAINING + SPARSE
