"""Cases of the output rules of normalisation, activations, position embedding and their gradients."""

from __future__ import annotations

from typing import Any

from ops.rule_cases import Maker, Spec, bf16, f16, f32, i8, i32, out
from ops.rule_cases_matmul import cases

from ascend_ops import dtypes

f8, e8, i4 = Maker(dtypes.float8_e4m3fn), Maker(dtypes.float8_e8m0fnu), Maker(dtypes.int4)

X = bf16(2, 3, 4, 8)
ROWS = f32(2, 3, 4)
GAMMA = {"gamma": bf16(8)}
PAIR = {"x1": X, "x2": X}


def x_and(**expected: Spec | None) -> dict[str, Any]:
    """Expected outputs, `xOut` among them."""
    return {"xOut": X, **expected}


LAYER = [
    *cases(
        "LayerNorm LayerNormWithImplMode FastLayerNorm",
        {"out": X, "meanOutOptional": bf16(2, 3, 1, 1), "rstdOutOptional": bf16(2, 3, 1, 1)},
        input=X,
        normalizedShape=(4, 8),
    ),
    out("AdaLayerNorm", X, x=X),
    *cases(
        "AdaLayerNormV2",
        {"out": X, "meanOutOptional": bf16(2, 3, 4, 1), "rstdOutOptional": bf16(2, 3, 4, 1)},
        x=X,
    ),
    *cases(
        "AdaLayerNormQuant",
        {"out": i8(2, 3, 4, 8), "quantScale": ROWS, "quantOffsetOptional": None},
        x=X,
        quantMode="dynamic",
    ),
    *cases(
        "AddLayerNorm",
        {"yOut": f32(2, 4), "meanOut": f32(2, 1), "rstdOut": f32(2, 1), "xOut": f32(2, 4)},
        x1=f16(2, 4),
        x2=f32(2, 4),
        gamma=f32(4),
    ),
    *cases(
        "AddLayerNorm",
        {"yOut": f16(2, 4), "meanOut": f32(1, 1), "rstdOut": f32(1, 1), "xOut": f16(2, 4)},
        x1=f16(2, 4),
        x2=f16(2, 4),
        gamma=f32(2, 4),
    ),
    *cases(
        "AddLayerNormQuant",
        x_and(y1Out=i8(*X.shape), y2Out=i8(*X.shape), outScales1Out=ROWS, outScales2Out=ROWS),
        **PAIR,
    ),
    *cases(
        "AddLayerNormQuantV2",
        x_and(y1Out=i8(*X.shape), y2Out=i8(*X.shape), layernormRes=X, outScales1Out=ROWS, outScales2Out=ROWS),
        **PAIR,
    ),
    *cases(
        "DeepNorm",
        {"meanOut": f32(2, 3, 1, 1), "rstdOut": f32(2, 3, 1, 1), "yOut": X},
        x=X,
        gx=X,
        gamma=bf16(4, 8),
    ),
    *cases("LayerNormQuant", {"res": i8(2, 8), "scaleOut": f32(2)}, x=f16(2, 8)),
]

_MASKED_QUANT = {"y1Out": i8(2, 8), "scale1Out": f32(2), "xOut": f16(2, 8)}
_WITHOUT_SECOND = {**_MASKED_QUANT, "y2Out": i8(1), "scale2Out": f32(1)}
_WITH_SECOND = {**_MASKED_QUANT, "y2Out": i8(2, 8), "scale2Out": f32(2)}
_ROW_PAIR = {"x1": f16(2, 8), "x2": f16(2, 8), "gamma": f16(8)}
_SMOOTH = {"smoothScale1Optional": f16(8), "smoothScale2Optional": f16(8)}

RMS = [
    *cases("RmsNorm GemmaRmsNorm", {"yOut": X, "rstdOut": f32(2, 3, 4, 1)}, x=X, **GAMMA),
    *cases(
        "RmsNorm", {"yOut": f16(2, 3, 4, 8), "rstdOut": f32(2, 3, 1, 1)}, x=f16(2, 3, 4, 8), gamma=f32(4, 8)
    ),
    *cases("AddRmsNorm", x_and(yOut=X, rstdOut=f32(2, 3, 1, 1)), **PAIR, gamma=bf16(4, 8)),
    *cases("AddRmsNorm", x_and(yOut=X, rstdOut=None), **PAIR, gamma=bf16(1, 8)),
    *cases("InplaceAddRmsNorm", {"rstdOut": f32(2, 3, 4, 1)}, x1Ref=X, x2Ref=X, **GAMMA),
    *cases("AddRmsNormCast", x_and(y1Out=f32(*X.shape), y2Out=X, rstdOut=f32(2, 3, 4, 1)), **PAIR, **GAMMA),
    *cases("AddRmsNormQuant", x_and(y1Out=i8(*X.shape), y2Out=i8(*X.shape)), **PAIR, **GAMMA),
    *cases(
        "AddRmsNormQuantV2",
        x_and(y1Out=i8(*X.shape), y2Out=i8(*X.shape), rmsNormOut=X),
        **PAIR,
        **GAMMA,
    ),
    *cases(
        "AddRmsNormDynamicQuant",
        {**_MASKED_QUANT, "y2Out": i8(1), "scale2Out": f32(2)},
        **_ROW_PAIR,
        smoothScale1Optional=f16(8),
    ),
    *cases("AddRmsNormDynamicQuant", _WITH_SECOND, **_ROW_PAIR, **_SMOOTH),
    *cases("AddRmsNormDynamicQuantV2", _WITH_SECOND, **_ROW_PAIR, **_SMOOTH),
    *cases("AddRmsNormDynamicQuantV2", _WITHOUT_SECOND, **_ROW_PAIR),
    *cases(
        "AddRmsNormDynamicQuantV2",
        {"y1Out": i8(1), "scale1Out": f32(1), "y2Out": i8(2, 8), "scale2Out": f32(2), "xOut": f16(2, 8)},
        **_ROW_PAIR,
        outputMask=(False, True),
    ),
    *cases(
        "AddRmsNormDynamicMxQuant",
        {"yOut": f8(2, 100), "xOut": f16(2, 100), "mxscaleOut": e8(2, 2, 2), "rstdOut": f32(2, 1)},
        x1=f16(2, 100),
        x2=f16(2, 100),
        dstType=36,
    ),
    *cases(
        "RmsNormDynamicMxQuant",
        {"yOut": f8(2, 64), "mxscaleOut": e8(2, 1, 2), "rstdOut": f32(2, 1)},
        x=f16(2, 64),
        dstType=36,
    ),
    *cases("RmsNormDynamicQuant", {"yOut": i8(2, 3, 8), "scaleOut": f32(2, 3)}, x=f16(2, 3, 8), dstType=2),
    *cases("RmsNormQuant", {"y": i8(2, 8)}, x=f16(2, 8)),
    *cases("RmsNormQuantV3", {"y": i8(2, 8), "rstd": f32(2, 1)}, x=f16(2, 8)),
]

IMAGE = f16(2, 6, 5, 7)
_BATCH_NORM = {"input": IMAGE, "weight": f32(6)}

GROUP_AND_BATCH = [
    *cases(
        "GroupNorm",
        {"out": IMAGE, "meanOut": f16(2, 3), "rstdOut": f16(2, 3)},
        self=IMAGE,
        N=2,
        C=6,
        HxW=35,
        group=3,
    ),
    *cases(
        "GroupNormSilu GroupNormSiluV2",
        {"out": IMAGE, "meanOut": f16(2, 3), "rstdOut": f16(2, 3)},
        self=IMAGE,
        group=3,
    ),
    *cases(
        "GroupNormSiluQuant",
        {"out": i8(2, 6, 5, 7), "meanOut": f16(2, 3), "rstdOut": f16(2, 3)},
        self=IMAGE,
        group=3,
    ),
    *cases(
        "GroupNormSwish",
        {"yOut": IMAGE, "meanOut": f32(2, 3), "rstdOut": f32(2, 3)},
        x=IMAGE,
        gamma=f32(6),
        numGroups=3,
    ),
    *cases(
        "BatchNorm", {"output": IMAGE, "saveMean": f32(6), "saveInvstd": f32(6)}, **_BATCH_NORM, training=True
    ),
    *cases(
        "BatchNorm", {"output": IMAGE, "saveMean": None, "saveInvstd": None}, **_BATCH_NORM, training=False
    ),
    *cases("BatchNormElemt", {"output": IMAGE}, input=IMAGE),
    *cases("QuantizedBatchNorm", {"output": i8(2, 6, 5, 7)}, input=i8(2, 6, 5, 7)),
    *cases(
        "BatchNormGatherStatsWithCounts",
        {"meanAll": f32(6), "invstdAll": f32(6)},
        input=IMAGE,
        mean=f32(4, 6),
        invstd=f32(4, 6),
    ),
    *cases("BatchNormReduce", {"sum": f32(6), "squareSum": f32(6)}, x=IMAGE),
    *cases("SyncBatchNormGatherStats", {"batchMean": f16(6), "batchInvstd": f16(6)}, totalSum=f16(4, 6)),
    *cases(
        "InstanceNorm",
        {"y": IMAGE, "mean": f16(2, 6, 1, 1), "variance": f16(2, 6, 1, 1)},
        x=IMAGE,
        dataFormat="NCHW",
    ),
    *cases(
        "InstanceNorm",
        {"y": IMAGE, "mean": f16(2, 1, 1, 7), "variance": f16(2, 1, 1, 7)},
        x=IMAGE,
        dataFormat="NHWC",
    ),
]

ACTIVATIONS = [
    *cases("Softmax LogSoftmax", {"out": X}, self=X, dim=1),
    *cases("RReluWithNoise Modulate", {"out": X}, self=X),
    *cases("ScaledMaskedSoftmax", {"y": X}, x=X),
    out("MaskedSoftmaxWithRelPosBias", X, x=X),
    *cases("LogSigmoidForward", {"out": X, "buffer": X}, self=X),
    *cases("SwiGlu ClippedSwiglu ClippedSwigluV2 SituGlu", {"out": bf16(2, 3, 2, 8)}, x=X, dim=-2),
    out("Glu", bf16(1, 3, 4, 8), self=X, dim=0),
    out("SwigluGroup", bf16(2, 3, 4, 4), x=X),
    *cases("GeluMul FatreluMul", {"out": bf16(2, 3, 4, 4)}, input=X),
    *cases("GeGlu GeGluV3", {"out": bf16(2, 3, 4, 4), "outGelu": bf16(2, 3, 4, 4)}, self=X, dim=-1),
    *cases(
        "GeluQuant",
        {"y": i8(2, 8), "outScaleOptional": f32(2)},
        self=f16(2, 8),
        dstType=2,
        quantMode="dynamic",
    ),
    *cases(
        "GeluQuant", {"y": f8(2, 8), "outScaleOptional": None}, self=f16(2, 8), dstType=36, quantMode="static"
    ),
]

_CACHE = {
    "kCacheRef": i8(1, 16, 1, 4),
    "vCacheRef": i8(1, 16, 1, 4),
    "cos": f16(2, 4),
    "sizeSplits": (8, 4, 4),
}

ROPE = [
    *cases("InterleaveRope RotaryPositionEmbedding", {"out": X}, x=X),
    *cases(
        "RopeWithSinCosCache",
        {"queryOut": f16(2, 64), "keyOut": f16(2, 32)},
        queryIn=f16(2, 64),
        keyIn=f16(2, 32),
    ),
    *cases(
        "DequantRopeQuantKvcache",
        {"qOut": f16(2, 3, 2, 4), "kOut": f16(2, 3, 1, 4), "vOut": f16(2, 3, 1, 4)},
        x=i32(2, 3, 16),
        **_CACHE,
        kvOutput=True,
    ),
    *cases(
        "DequantRopeQuantKvcache",
        {"qOut": f16(2, 2, 4), "kOut": f16(0), "vOut": f16(0)},
        x=f16(2, 16),
        **_CACHE,
        kvOutput=False,
    ),
]

_BATCH_GRADIENT = {"gradOut": IMAGE, "input": IMAGE, "weight": f32(6)}

BACKWARD = [
    *cases(
        "LayerNormBackward",
        {"gradInputOut": X, "gradWeightOut": f32(4, 8), "gradBiasOut": None},
        input=X,
        gradOut=X,
        normalizedShape=(4, 8),
        weightOptional=f32(4, 8),
        outputMask=(True, True, False),
    ),
    *cases(
        "AdaLayerNormBackward",
        {
            "gradInputOut": f16(2, 5, 8),
            "gradScaleOut": f16(2, 1, 8),
            "gradShiftOut": f16(2, 8),
            "gradWeightOut": f32(8),
            "gradBiasOut": None,
        },
        input=f16(2, 5, 8),
        scale=f16(2, 1, 8),
        shift=f16(2, 8),
        weightOptional=f32(8),
    ),
    *cases("AddLayerNormGrad", {"dxOut": X, "dgammaOut": f32(8), "dbetaOut": f32(8)}, dy=X, **GAMMA),
    *cases(
        "DeepNormGrad",
        {"dxOut": X, "dgxOut": X, "dbetaOut": f32(8), "dgammaOut": f32(8)},
        x=X,
        **GAMMA,
    ),
    *cases("RmsNormGrad", {"dxOut": X, "dgammaOut": f32(8)}, dy=X, x=X, **GAMMA),
    *cases("RmsNormGradQuant", {"dxOut": i8(*X.shape), "dgammaOut": f32(8)}, dy=X, x=X, **GAMMA),
    *cases(
        "GroupNormBackward",
        {"gradInput": IMAGE, "gradGammaOut": f32(6), "gradBetaOut": None},
        gradOut=IMAGE,
        input=IMAGE,
        mean=f32(2, 3),
        C=6,
        outputMask=(True, True, False),
    ),
    *cases(
        "GroupNormSwishGrad",
        {"dxOut": IMAGE, "dgammaOut": f32(6), "dbetaOut": f32(6)},
        x=IMAGE,
        gamma=f32(6),
    ),
    *cases(
        "BatchNormBackward FastBatchNormBackward",
        {"gradInput": IMAGE, "gradWeight": None, "gradBias": f32(6)},
        **_BATCH_GRADIENT,
        outputMask=(True, False, True),
    ),
    *cases("BatchNormElemtBackward", {"gradInput": IMAGE}, input=IMAGE),
    *cases(
        "BatchNormReduceBackward",
        {"sumDy": f32(6), "sumDyXmu": f32(6), "gradWeight": None, "gradBias": f16(6)},
        input=IMAGE,
        mean=f32(6),
        weight=f16(6),
        inputG=True,
        weightG=False,
        biasG=True,
    ),
    *cases("HardswishBackward HardswishBackwardV2", {"out": X}, self=X),
    *cases("ClippedSwigluGrad", {"gradXOut": X}, x=X),
    *cases(
        "SwigluGroupGrad SwigluGroupQuantGrad",
        {"gradXOut": f16(5, 8), "gradWeightOutOptional": f32(5, 1)},
        x=f16(5, 8),
        weightOptional=f32(5, 1),
    ),
    *cases("SwigluGroupGrad", {"gradXOut": f16(5, 8), "gradWeightOutOptional": None}, x=f16(5, 8)),
    *cases("ScaledMaskedSoftmaxBackward", {"out": X}, gradOutput=X),
    *cases(
        "ModulateBackward",
        {"grad_input": f16(2, 5, 8), "grad_scale": f16(2, 8), "grad_shift": f16(2, 8)},
        input=f16(2, 5, 8),
        scale=f16(2, 8),
        shift=f16(2, 8),
    ),
    *cases(
        "RotaryPositionEmbeddingGrad",
        {"dxOut": X, "dcosOut": bf16(1, 3, 1, 8), "dsinOut": bf16(1, 3, 1, 8)},
        dy=X,
        cos=bf16(1, 3, 1, 8),
        sin=bf16(1, 3, 1, 8),
        xOptional=X,
    ),
    *cases(
        "RotaryPositionEmbeddingGrad",
        {"dxOut": X, "dcosOut": None, "dsinOut": None},
        dy=X,
        cos=bf16(1, 3, 1, 8),
        sin=bf16(1, 3, 1, 8),
    ),
    *cases(
        "ThnnFusedLstmCell",
        {"hyOut": f16(3, 5), "cyOut": f16(3, 5), "storageOut": f16(3, 20)},
        inputGates=f16(3, 20),
        cx=f16(3, 5),
    ),
    *cases(
        "ThnnFusedLstmCellBackward",
        {"gradGatesOut": f16(3, 20), "gradCxOut": f16(3, 5), "gradBiasOut": f16(20)},
        storage=f16(3, 20),
        cx=f16(3, 5),
        hasBias=True,
    ),
]

CASES = LAYER + RMS + GROUP_AND_BATCH + ACTIVATIONS + ROPE + BACKWARD
