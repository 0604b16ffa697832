"""Cases of the output rules of foreach operators, gradients and losses."""

from __future__ import annotations

from ops.rule_cases import Case, Spec, bf16, each, f16, f32, f64, i32, i64, out, u8

ONE_LIST = (
    "Abs Acos Asin Atan Copy Cos Cosh Erf Erfc Exp Expm1 Log Log10 Log1p Log2 Neg Reciprocal Sigmoid Sign "
    "Sin Sinh Sqrt Tan Tanh AddScalar AddScalarV2 AddScalarList DivScalar DivScalarV2 DivScalarList "
    "MaximumScalar MaximumScalarV2 MaximumScalarList MinimumScalar MinimumScalarV2 MinimumScalarList "
    "MulScalar MulScalarV2 MulScalarList PowScalar PowScalarV2 PowScalarList PowScalarAndTensor SubScalar "
    "SubScalarV2 SubScalarList RoundOffNumber RoundOffNumberV2"
)
LISTS = (
    "AddList AddListV2 SubList SubListV2 MulList DivList PowList MaximumList MinimumList LerpList LerpScalar "
    "AddcdivList AddcdivScalar AddcdivScalarV2 AddcdivScalarList AddcmulList AddcmulScalar AddcmulScalarV2 "
    "AddcmulScalarList"
)
PIECES = (bf16(2, 3), bf16(0), bf16())

FOREACH = [
    *(out(f"Foreach{name}", list(PIECES), x=PIECES) for name in ONE_LIST.split()),
    *(out(f"Foreach{name}", list(PIECES), x1=PIECES, x2=PIECES) for name in LISTS.split()),
    out("ForeachNorm", [f32(1), f32(1)], x=(f32(4, 5), f32(6))),
]


def gradient(operators: str, expected: Spec, **given: object) -> list[Case]:
    """The same case for several operators with the output `gradInput`."""
    return [Case(operator, given, {"gradInput": expected}) for operator in operators.split()]


X, Y = f16(2, 1), f32(3)

GRADIENTS = [
    *gradient("GeluBackward GeluBackwardV2 MishBackward", f32(2, 3), gradOutput=X, self=Y),
    *gradient("HardshrinkBackward SoftshrinkBackward", f16(2, 1), gradOutput=X, self=X),
    *gradient("SigmoidBackward TanhBackward", f32(2, 3), gradOutput=X, output=Y),
    out("LeakyReluBackward", f32(2, 3), gradOutput=X, self=Y),
    *gradient(
        "FastGeluBackward SiluBackward SwishBackward SoftplusBackward LogSigmoidBackward",
        X,
        gradOutput=X,
        self=X,
    ),
    *gradient("GeGluBackward GeGluV3Backward", f16(2, 8), gradOutput=f16(2, 4), self=f16(2, 8)),
    *each("GluBackward HardsigmoidBackward HardtanhBackward", f16(2, 8), self=f16(2, 8)),
    out("ThresholdBackward", f16(2, 3), gradOutput=f16(3), self=X),
    *gradient("EluBackward SeluBackward", X, gradOutput=X),
    *each("SoftmaxBackward LogSoftmaxBackward", X, gradOutput=X, output=X),
    *(Case(each_, {"y": X, "dy": X}, {"dx": X}) for each_ in ("TanhGrad", "SoftmaxGrad")),
    Case("AsinGrad", {"y": X, "dy": X}, {"z": X}),
    Case("ReluGradV3", {"x": X, "y": X}, {"z": X}),
    out("SwiGluGrad", f16(2, 8), yGrad=f16(2, 4), x=f16(2, 8)),
    out("SituGluGrad", f16(2, 8), gradY=f16(2, 4), x=f16(2, 8)),
    Case(
        "PreluBackward",
        {"gradOutput": f32(2, 4), "self": f32(2, 4), "weight": f32(4)},
        {"gradInput": f32(2, 4), "gradWeight": f32(4)},
    ),
    *gradient(
        "CircularPad2dBackward CircularPad3dBackward ReflectionPad1dBackward ReflectionPad2dBackward "
        "ReflectionPad3dBackward ReplicationPad1dBackward ReplicationPad2dBackward ReplicationPad3dBackward",
        f32(1, 2, 3, 4),
        gradOutput=f32(1, 2, 5, 6),
        self=f32(1, 2, 3, 4),
    ),
    out("DropoutBackward", f16(5), gradOutput=f16(5), mask=u8(16)),
    Case("DropoutV3Grad", {"gradY": f16(5), "mask": u8(16)}, {"gradX": f16(5)}),
    *each("MaxUnpool2dBackward MaxUnpool3dBackward", f32(1, 2, 3, 4), self=f32(1, 2, 3, 4)),
    out("CdistBackward", f32(5, 3), grad=f32(5, 7), x1=f32(5, 3), x2=f32(7, 3)),
    *gradient("ExpSegsumBackward", f16(2, 3, 4), gradOutput=f16(2, 3, 4, 4)),
]

LOSSES = [
    Case("HuberLoss", {"predictions": X, "targets": X, "delta": 1.0}, {"loss": X}),
    Case("HingeLoss", {"predict": X, "target": X}, {"loss": X}),
    *gradient("HingeLossGrad", X, predict=X, target=X, gradOutput=X),
    out("MseLossGrad", X, gradOutput=X, self=X, target=X, reduction="mean"),
    *each("L1Loss MseLoss MseLossOut SoftMarginLoss", f32(2, 3), self=X, target=Y, reduction=0),
    *each("L1Loss MseLoss SoftMarginLoss", f32(), self=X, target=Y, reduction=1),
    *each("MseLossOut", f32(3), self=X, target=Y, reduction=1),
    Case("SmoothL1Loss", {"self": X, "target": Y, "reduction": 0}, {"result": f32(2, 3)}),
    Case("SmoothL1Loss", {"self": X, "target": Y, "reduction": 2}, {"result": f32(1)}),
    *each("BinaryCrossEntropy BinaryCrossEntropyWithLogits", X, self=X, target=X, reduction=0),
    *each("BinaryCrossEntropy BinaryCrossEntropyWithLogits", f16(1), self=X, target=X, reduction=1),
    Case("NLLLoss", {"self": f32(5, 9), "reduction": 0}, {"out": f32(5), "totalWeightOut": f32(1)}),
    Case("NLLLoss", {"self": f32(5, 9), "reduction": 1}, {"out": f32(1), "totalWeightOut": f32(1)}),
    Case("NLLLoss", {"self": f32(9), "reduction": 0}, {"out": f32(1), "totalWeightOut": f32(1)}),
    Case(
        "NLLLoss2d",
        {"self": f32(2, 9, 4, 5), "target": i64(2, 4, 5), "reduction": 0},
        {"out": f32(2, 4, 5), "totalWeightOut": f32(1)},
    ),
    Case(
        "CrossEntropyLoss",
        {"input": f16(4, 9), "target": i64(4), "reductionOptional": "mean"},
        {"lossOut": f16(1), "logProbOut": f16(4, 9), "zlossOut": f16(1), "lseForZlossOut": f16(4)},
    ),
    Case(
        "CrossEntropyLoss",
        {"input": f16(4, 9), "target": i64(4), "reductionOptional": "none"},
        {"lossOut": f16(4), "logProbOut": f16(4, 9), "zlossOut": f16(4), "lseForZlossOut": f16(4)},
    ),
    *each("MseLossBackward SoftMarginLossBackward", f16(2, 3), gradOutput=f16(), self=X, target=f16(3)),
    Case("SmoothL1LossBackward", {"gradOut": f16(3), "self": X, "target": Y}, {"gradInput": f32(2, 3)}),
    *each(
        "BinaryCrossEntropyBackward BinaryCrossEntropyWithLogitsBackward KlDivBackward", X, self=X, target=Y
    ),
    *each("NLLLossBackward NLLLoss2dBackward", f32(5, 9), self=f32(5, 9), target=i64(5)),
    Case("KlDivTargetBackward", {"self": X, "target": Y}, {"gradTarget": Y}),
]

# Factorisations and what has a gradient of its own kind.
FACTORS = [
    Case("Qr", {"self": f32(2, 5, 3), "some": True}, {"Q": f32(2, 5, 3), "R": f32(2, 3, 3)}),
    Case("Qr", {"self": f32(2, 5, 3), "some": False}, {"Q": f32(2, 5, 5), "R": f32(2, 5, 3)}),
    Case("Qr", {"self": f32(3, 5), "some": True}, {"Q": f32(3, 3), "R": f32(3, 5)}),
    Case("LinalgQr", {"self": f64(5, 3), "mode": 0}, {"Q": f64(5, 3), "R": f64(3, 3)}),
    Case("LinalgQr", {"self": f64(5, 3), "mode": 1}, {"Q": f64(5, 5), "R": f64(5, 3)}),
    Case(
        "Svd",
        {"input": f32(2, 5, 3), "fullMatrices": False, "computeUV": True},
        {"sigma": f32(2, 3), "u": f32(2, 5, 3), "v": f32(2, 3, 3)},
    ),
    Case(
        "Svd",
        {"input": f32(3, 5), "fullMatrices": True, "computeUV": True},
        {"sigma": f32(3), "u": f32(3, 3), "v": f32(5, 5)},
    ),
    Case("Sinkhorn", {"cost": f16(4, 5), "tol": 0.1}, {"p": f16(4, 5)}),
    out("PdistForward", f16(3), self=f16(3, 8), pScalar=2.0),
    out("MultinomialTensor", i64(3, 5), self=f32(3, 10), numsamples=5),
    Case("DropoutV3", {"input": f16(129)}, {"out": f16(129), "maskOut": u8(32)}),
    out("MaskedScale", f16(5), self=f16(5), mask=u8(5), scale=2.0),
    out("ApplyTopKTopP", bf16(2, 9), logits=bf16(2, 9), p=bf16(2), k=i32(2)),
    out("Logit", f16(2, 3), input=f16(2, 3), eps=-1.0),
    out("LogitGrad", f16(2, 3), x=f16(2, 3), dy=f16(2, 3), eps=-1.0),
    Case(
        "MultilabelMarginLoss",
        {"self": f16(5, 9), "target": i64(5, 9), "reduction": 0},
        {"out": f16(5), "isTarget": f16(5, 9)},
    ),
    Case(
        "MultilabelMarginLoss",
        {"self": f16(5, 9), "target": i64(5, 9), "reduction": 1},
        {"out": f16(), "isTarget": f16(5, 9)},
    ),
    Case(
        "MultilabelMarginLoss",
        {"self": f16(9), "target": i64(9), "reduction": 0},
        {"out": f16(), "isTarget": f16(9)},
    ),
    *each("GlobalAveragePool GlobalMaxPool", f16(2, 3, 1, 1), self=f16(2, 3, 7, 8)),
    Case("BatchNormStats", {"input": f16(2, 3, 7), "eps": 1e-5}, {"mean": f32(3), "invstd": f32(3)}),
    Case(
        "AmpUpdateScale",
        {"currentScale": bf16(1), "growthTracker": i32(1)},
        {"updatedScale": bf16(1), "updatedGrowthTracker": i32(1)},
    ),
    Case(
        "TransformBiasRescaleQkv",
        {"qkv": f16(2, 5, 48), "qkvBias": f16(48), "numHeads": 4},
        dict.fromkeys(("qOut", "kOut", "vOut"), f16(2, 4, 5, 4)),
    ),
    Case("Scale", {"x": f16(2, 3), "scale": f16(3)}, {"y": f16(2, 3)}),
]

CASES = FOREACH + GRADIENTS + LOSSES + FACTORS
