"""Cases of the output rules of convolutions, pooling, resampling, and losses over classes."""

from __future__ import annotations

from typing import Any

from ops.rule_cases import Case, Spec, bf16, f16, f32, i8, i32, i64, out
from ops.rule_cases_matmul import cases

ALL, SOME = (True, True, True), (True, False, True)


def convolution(expected: Spec, stride: int = 1, **given: Any) -> Case:
    """Not transposed, without dilation and padding, unless `given` says so."""
    axes = len(expected.shape) - 2
    defaults = {
        "stride": (stride,) * axes,
        "padding": (0,) * axes,
        "dilation": (1,) * axes,
        "transposed": False,
        "groups": 1,
    }
    return Case("Convolution", defaults | given, {"output": expected})


CONVOLUTIONS = [
    convolution(f16(2, 6, 4, 4), 2, input=f16(2, 3, 8, 8), weight=f16(6, 3, 3, 3), padding=(1, 1)),
    convolution(f16(2, 6, 7, 9), input=f16(2, 3, 8, 8), weight=f16(6, 3, 3, 3), padding=(1, 0, 2, 1)),
    convolution(f32(2, 6, 9), input=f16(2, 3, 8), weight=f32(6, 3, 3), padding=(1, 2)),
    convolution(
        bf16(1, 4, 3, 4, 5), input=bf16(1, 2, 3, 5, 7), weight=bf16(4, 2, 1, 2, 2), dilation=(1, 1, 2)
    ),
    convolution(
        f16(2, 6, 8, 8),
        2,
        input=f16(2, 6, 4, 4),
        weight=f16(6, 3, 3, 3),
        padding=(1, 1),
        outputPadding=(1, 1),
        transposed=True,
        groups=2,
    ),
    out(
        "ConvDepthwise2d",
        f16(2, 6, 4, 3),
        self=f16(2, 3, 8, 6),
        weight=f16(6, 1, 3, 3),
        stride=(2, 2),
        padding=(1, 1),
        dilation=(1, 1),
    ),
    *cases("ConvTbc", {"output": f16(2, 2, 4)}, self=f16(2, 2, 3), weight=f16(3, 3, 4), pad=1),
    *cases(
        "DeformableConv2d",
        {"out": f32(1, 4, 2, 2), "deformOutOptional": f32(1, 6, 6, 6)},
        x=f32(1, 6, 4, 4),
        weight=f32(4, 6, 3, 3),
        offset=f32(1, 27, 2, 2),
        kernelSize=(3, 3),
    ),
    *cases(
        "ConvolutionBackward",
        {"gradInput": f16(2, 3, 8, 8), "gradWeight": None, "gradBias": f16(6)},
        gradOutput=f16(2, 6, 8, 8),
        input=f16(2, 3, 8, 8),
        weight=f16(6, 3, 3, 3),
        biasSizes=(6,),
        outputMask=SOME,
    ),
    *cases(
        "ConvTbcBackward",
        {"gradInput": f16(2, 2, 3), "gradWeight": f16(3, 3, 4), "gradBias": f16(4)},
        input=f16(2, 2, 3),
        weight=f16(3, 3, 4),
        bias=f16(4),
    ),
    *cases(
        "DeformableConv2dBackward",
        {
            "gradInput": f32(1, 6, 4, 4),
            "gradWeight": f32(4, 6, 3, 3),
            "gradOffset": f32(1, 27, 2, 2),
            "gradBias": f32(4),
        },
        input=f32(1, 6, 4, 4),
        weight=f32(4, 6, 3, 3),
        offset=f32(1, 27, 2, 2),
    ),
]

_SMALL = f16(2, 3, 4, 5)
_SPACE = f16(2, 3, 4, 5, 6)
_MEANS = {"kernelSize": (2,), "ceilMode": False}
_HOLES = {"kernelSize": (3,), "stride": (1, 1), "padding": (1,), "dilation": (2,), "ceilMode": False}

POOLING = [
    out(
        "AvgPool2d",
        f32(2, 3, 4, 4),
        self=f32(2, 3, 7, 7),
        kernelSize=(3,),
        strides=(2,),
        paddings=(1,),
        ceilMode=False,
    ),
    out(
        "AvgPool2d",
        f32(3, 3, 2),
        self=f32(3, 5, 5),
        kernelSize=(2,),
        strides=(2, 3),
        paddings=(0,),
        ceilMode=True,
    ),
    out(
        "AvgPool2d",
        f32(3, 2, 2),
        self=f32(3, 4, 4),
        kernelSize=(2,),
        strides=(3,),
        paddings=(1,),
        ceilMode=True,
    ),
    out("AvgPool3d", f16(2, 3, 2, 2, 3), self=_SPACE, **_MEANS, stride=(), padding=(0,)),
    out("MaxPool", f16(1, 3, 5, 6), self=f16(1, 3, 5, 6), kernelShape=(2, 3), pads=(1, 0, 0, 2), ceilMode=0),
    out(
        "MaxPool", f16(3, 6, 8), self=f16(3, 5, 6), kernelShape=(2, 3), strides=(1,), pads=(1, 2), ceilMode=0
    ),
    out("MaxPool", f16(3, 3, 3), self=f16(3, 5, 6), kernelShape=(2,), strides=(2,), ceilMode=1),
    *cases(
        "MaxPool2dWithIndices",
        {"out": f16(2, 3, 5, 5), "indices": i32(2, 3, 5, 5)},
        self=f16(2, 3, 7, 7),
        **_HOLES,
    ),
    *cases(
        "MaxPool2dWithMask",
        {"out": f16(2, 16, 4, 4), "indices": i8(2, 16, 4, 64)},
        self=f16(2, 16, 8, 8),
        kernelSize=(2, 2),
        padding=(0, 0),
        dilation=(1, 1),
        ceilMode=False,
    ),
    *cases(
        "MaxPool3dWithArgmax",
        {"out": f16(2, 3, 3, 3, 3), "indices": i32(2, 3, 3, 3, 3)},
        self=f16(2, 3, 5, 5, 5),
        kernelSize=(3,),
        stride=(1,),
        padding=(0,),
        dilation=(1,),
        ceilMode=False,
    ),
    out("AdaptiveAvgPool2d", f16(2, 3, 1, 7), self=_SMALL, outputSize=(1, 7)),
    out("AdaptiveAvgPool3d", f16(3, 1, 2, 3), self=f16(3, 4, 5, 6), outputSize=(1, 2, 3)),
    *cases(
        "AdaptiveMaxPool2d",
        {"outputOut": f16(3, 1, 7), "indicesOut": i64(3, 1, 7)},
        self=f16(3, 4, 5),
        outputSize=(1, 7),
    ),
    *cases(
        "AdaptiveMaxPool3d",
        {"outputOut": f16(2, 3, 1, 2, 3), "indicesOut": i32(2, 3, 1, 2, 3)},
        self=_SPACE,
        outputSize=(1, 2, 3),
    ),
    *cases("AdaptiveAvgPool2dBackward AdaptiveAvgPool3dBackward", {"out": _SMALL}, self=_SMALL),
    *cases(
        "AdaptiveMaxPool2dBackward AdaptiveMaxPool3dBackward AvgPool2dBackward MaxPool2dWithIndicesBackward "
        "MaxPool2dWithMaskBackward MaxPool3dWithArgmaxBackward",
        {"gradInput": _SMALL},
        self=_SMALL,
    ),
    *cases("AvgPool3dBackward", {"output": _SPACE}, self=_SPACE),
    out("RoiAlign", f32(9, 3, 2, 5), self=f32(1, 3, 8, 8), rois=f32(9, 4), outputHeight=2, outputWidth=5),
    out("RoiAlignV2", f32(9, 3, 2, 5), self=f32(1, 3, 8, 8), boxes=f32(9, 5), pooledHeight=2, pooledWidth=5),
    *cases(
        "RoiPoolingWithArgMax",
        {"y": f32(9, 3, 2, 5), "argmax": i32(9, 3, 2, 5)},
        x=f32(16, 3, 8, 8),
        rois=f32(9, 5),
        pooled_h=2,
        pooled_w=5,
    ),
]

_WHOLE = {"inputSize": (2, 3, 4, 5), "gradOut": f16(2, 3, 8, 9)}
_BACK = "UpsampleBilinear2dBackward UpsampleBilinear2dBackwardV2 UpsampleLinear1dBackward"

SAMPLING = [
    *cases(
        "UpsampleLinear1d UpsampleNearest1d UpsampleNearest1dV2 UpsampleNearestExact1d",
        {"out": f16(2, 3, 9)},
        self=f16(2, 3, 4),
        outputSize=(9,),
    ),
    *cases(
        "UpsampleBicubic2d UpsampleBilinear2d UpsampleNearest2d UpsampleNearest2dV2 UpsampleNearestExact2d",
        {"out": f16(2, 3, 8, 9)},
        self=_SMALL,
        outputSize=(8, 9),
    ),
    out("UpsampleBicubic2dAA", f16(2, 3, 8, 9), x=_SMALL, outputSize=(8, 9)),
    out("UpsampleBilinear2dAA", f16(2, 3, 8, 9), input=_SMALL, outputSize=(8, 9)),
    *cases(
        "UpsampleNearest3d UpsampleNearestExact3d UpsampleTrilinear3d",
        {"out": f16(2, 3, 7, 8, 9)},
        self=_SPACE,
        outputSize=(7, 8, 9),
    ),
    *cases(f"{_BACK} UpsampleNearest1dBackward", {"out": _SMALL}, **_WHOLE),
    *cases(
        "UpsampleBicubic2dAAGrad UpsampleBilinear2dAABackward UpsampleNearestExact1dBackward "
        "UpsampleNearestExact2dBackward",
        {"out": _SMALL},
        inputSize=(2, 3, 4, 5),
        gradOutput=f16(2, 3, 8, 9),
    ),
    *cases(
        "UpsampleBicubic2dBackward UpsampleNearest2dBackward UpsampleNearest3dBackward "
        "UpsampleNearestExact3dBackward UpsampleTrilinear3dBackward",
        {"gradInput": _SMALL},
        **_WHOLE,
    ),
    out("GridSampler2D", f32(2, 3, 6, 7), input=f32(2, 3, 4, 5), grid=f32(2, 6, 7, 2)),
    out("GridSampler3D", f32(2, 3, 6, 7, 8), input=f32(2, 3, 4, 5, 6), grid=f32(2, 6, 7, 8, 3)),
    *cases(
        "GridSampler2DBackward GridSampler3DBackward",
        {"inputGrad": f16(2, 3, 4, 5), "gridGrad": f16(2, 6, 7, 2)},
        input=f16(2, 3, 4, 5),
        grid=f16(2, 6, 7, 2),
        outputMask=(True, False),
    ),
    *cases("Rasterizer", {"findicesOut": i32(6, 7), "barycentricOut": f32(6, 7, 3)}, height=6, width=7),
    out("Im2colBackward", f16(2, 3, 6, 6), gradOutput=f16(2, 12, 20), inputSize=(6, 6), kernelSize=(2, 2)),
    out("Im2colBackward", f16(3, 6, 6), gradOutput=f16(12, 20), inputSize=(6, 6), kernelSize=(2, 2)),
    *cases(
        "RoiAlignV2Backward",
        {"gradInput": f32(2, 3, 8, 8)},
        gradOutput=f32(9, 3, 2, 5),
        inputShape=(2, 3, 8, 8),
    ),
]

_IDS = i32(4, 6)

CLASSES = [
    out("CrossEntropyLossGrad", f32(4, 9), gradLoss=f32(), logProb=f16(4, 9)),
    *cases(
        "CrossEntropySumExpAndIndexLogit",
        {
            "predictedLogitsOut": f32(4, 6),
            "sumExpLogitsOut": f32(4, 6),
            "expLogitsOut": f32(4, 6, 32),
            "targetOffsetOut": _IDS,
            "targetMaskOut": _IDS,
        },
        vocabParallelLogits=bf16(4, 6, 32),
        target=_IDS,
    ),
    *cases(
        "CtcLoss",
        {"negLogLikelihoodOut": f32(3), "logAlphaOut": f32(3, 12, 16)},
        logProbs=f32(12, 3, 20),
        targetlengths=(4, 2, 1),
    ),
    *cases(
        "CtcLoss",
        {"negLogLikelihoodOut": f32(), "logAlphaOut": f32(1, 12, 8)},
        logProbs=f32(12, 20),
        targetlengths=(3,),
    ),
    out("CtcLossBackward", f32(12, 3, 20), gradOut=f32(3), logProbs=f32(12, 3, 20)),
    *cases("BinaryCrossEntropyWithLogitsTargetBackward", {"gradTarget": f16(4, 9)}, self=f16(4, 9)),
    *cases(
        "ChamferDistanceBackward",
        {"gradXyz1": f32(2, 5, 2), "gradXyz2": f32(2, 7, 2)},
        xyz1=f32(2, 5, 2),
        xyz2=f32(2, 7, 2),
    ),
]

CASES = CONVOLUTIONS + POOLING + SAMPLING + CLASSES
