"""Cases of the output rules of elementwise operators."""

from __future__ import annotations

from ops.rule_cases import Case, b1, bf16, c32, c64, c128, each, f16, f32, f64, i8, i16, i32, i64, out, u8

STAYS = (
    "Neg Ceil Floor Trunc Round RoundDecimals Square NanToNum Lgamma Digamma Relu Gelu FastGelu Hardsigmoid "
    "Hardswish LogSigmoid Mish Selu Sigmoid Silu Elu Celu Softplus Softshrink Hardshrink Shrink LeakyRelu "
    "Prelu Swish Hardtanh"
)
FLOATS = (
    "Acosh Asin Cosh Erf Erfc Erfinv Exp Exp2 Expm1 Log Log1p Log2 Log10 Reciprocal Rsqrt Sin Sinc Sinh Sqrt "
    "Tan Tanh"
)

UNARY = [
    *each(STAYS, f16(2, 3), self=f16(2, 3)),
    out("Relu", i64(4), self=i64(4)),
    out("BitwiseNot", i16(5), self=i16(5)),
    *each("Frac SquaredRelu", bf16(7), input=bf16(7)),
    Case("GeluV2", {"x": bf16(2, 4), "approximate": 1}, {"y": bf16(2, 4)}),
    Case("Sign", {"self": f32(3)}, {"result": f32(3)}),
    *each(FLOATS, f16(2, 0), self=f16(2, 0)),
    *each(f"{FLOATS} Sigmoid", f32(3), self=i64(3)),
    *each(FLOATS, f32(), self=b1()),
    *each("Exp Log Log2 Log10 Reciprocal Rsqrt Sin Sinh Sqrt Tan", c64(2), self=c64(2)),
    *each("Acos Asinh Atan Atanh Cos", f32(2), input=i8(2)),
    *each("Acos Asinh Atan Atanh Cos", f64(2), input=f64(2)),
    out("Abs", f32(2), self=c64(2)),
    out("Abs", i32(2), self=i32(2)),
    out("Real", f16(3), self=c32(3)),
    out("Real", f64(3), self=c128(3)),
    out("RealV2", f32(3), self=c64(3)),
    *each("CeluV3 CoshV2", bf16(3), self=bf16(3)),
    Case("ReluV3", {"x": i8(2, 8)}, {"yOut": i8(2, 8), "maskOut": u8(2, 8)}),
    out("AngleV2", f32(2), x=c64(2)),
    out("AngleV2", f32(2), x=u8(2)),
    out("AngleV2", bf16(2), x=bf16(2)),
    *each("IsFinite IsNegInf IsPosInf LogicalNot Signbit", b1(2, 2), self=f32(2, 2)),
    out("IsInf", b1(3), x=f16(3)),
    out("Clamp", f16(3), self=f16(3), clipValueMin=-1.5, clipValueMax=2),
    out("Clamp", i32(3), self=i32(3), clipValueMin=None, clipValueMax=2),
    out("Clamp", f32(3), self=i32(3), clipValueMin=0.5, clipValueMax=2),
    out("ClampMin", i8(3), self=i8(3), clipValueMin=1),
    out("ClampMax", f32(3), self=i64(3), clipValueMax=1.5),
    out("ClampTensor", f32(2, 3), self=f16(3), clipValueMin=f32(2, 1), clipValueMax=None),
    out("ClampMinTensor", i64(2, 3), self=i32(2, 3), clipValueMin=i64(3)),
    out("ClampMaxTensor", f16(2, 3), self=f16(3), max=i64(2, 1)),
    out("Threshold", f32(3), self=i8(3), threshold=0.5, value=1),
    out("Threshold", bf16(3), self=bf16(3), threshold=0.5, value=1),
]

PAIRS = "Add Sub Rsub Mul AddRelu Maximum Minimum FmodTensor FloorDivide RemainderTensorTensor"
SCALARS = "Adds Subs Rsubs Muls FmodScalar FloorDivides RemainderTensorScalar"
COMPARED = "EqTensor NeTensor GtTensor GeTensor LtTensor LeTensor LogicalAnd LogicalOr LogicalXor IsClose"

BINARY = [
    *each(PAIRS, f32(2, 4, 3), self=f16(4, 1), other=f32(2, 1, 3)),
    *each(PAIRS, i16(2), self=i8(2), other=u8(2)),
    *each(SCALARS, f16(2, 3), self=f16(2, 3), other=2.5),
    *each(SCALARS, f32(2), self=i32(2), other=2.5),
    *each(SCALARS, i8(2), self=i8(2), other=1000),
    *each("Adds Muls Subs", i64(2), self=b1(2), other=3),
    *each("Adds Muls", c64(2), self=f32(2), other=1j),
    *each("AddV3 RemainderScalarTensor", bf16(4, 5), self=7, other=bf16(4, 5)),
    out("Gcd", i64(2, 2), self=i32(2, 1), other=i64(2)),
    out("PowTensorTensor", f32(2, 3), self=f32(3), exponent=i32(2, 1)),
    out("PowTensorScalar", f32(3), self=i32(3), exponent=0.5),
    out("PowTensorScalar", i32(3), self=i32(3), exponent=2),
    out("PowScalarTensor", f16(3), self=2, exponent=f16(3)),
    out("PowScalarTensor", f32(3), self=2.5, exponent=i64(3)),
    *each("Div Atan2 LogAddExp LogAddExp2 XLogYTensor", f32(2, 3), self=i32(2, 1), other=i64(3)),
    *each("Div Atan2 LogAddExp LogAddExp2 XLogYTensor", f16(3), self=f16(3), other=b1(1)),
    *each("Divs XLogYScalarOther", f32(3), self=i32(3), other=2),
    out("XLogYScalarSelf", bf16(3), self=2.5, other=bf16(3)),
    out("DivMod", f32(2), self=i32(2), other=i32(2), mode=0),
    out("DivMod", i32(2), self=i32(2), other=i32(2), mode=1),
    out("DivMods", i32(2), self=i32(2), other=3, mode=2),
    out("DivMods", f32(2), self=i32(2), other=3, mode=0),
    Case("Xlog1py", {"x": f16(3, 1), "y": f16(2)}, {"z": f16(3, 2)}),
    out("Heaviside", f32(2, 3), input=f32(2, 3), values=f32(3)),
    out("Lerp", f32(2, 3, 4), self=f32(4), end=f32(3, 1), weight=f32(2, 1, 1)),
    out("Lerps", bf16(2, 3), self=bf16(2, 1), end=bf16(3), weight=0.5),
    *each("Addcmul Addcdiv", f32(2, 3), self=f16(3), tensor1=f32(2, 1), tensor2=i64(1), value=2),
    out("SWhere", f32(4, 2, 3), condition=b1(4, 1, 1), self=f16(2, 1), other=f32(3)),
    *each(
        "BitwiseAndTensor BitwiseAndTensorOut BitwiseOrTensor BitwiseXorTensor",
        i32(2, 3),
        self=i32(2, 1),
        other=b1(3),
    ),
    *each("BitwiseAndScalar BitwiseOrScalar BitwiseXorScalar", i16(3), self=i16(3), other=7),
    out("LeftShift", i64(2, 3), self=i64(2, 1), shiftBits=i32(3)),
    out("LeftShifts", i8(3), self=i8(3), shiftBits=2),
    out("RightShift", i32(2, 3), input=i32(3), shiftBits=i8(2, 1)),
    *each(COMPARED, b1(2, 3), self=f32(2, 1), other=i64(3)),
    *each("EqScalar NeScalar GtScalar GeScalar LtScalar LeScalar", b1(2), self=i8(2), other=1.5),
    out("IsInScalarTensor", b1(4), element=1, testElements=i32(4)),
    out("IsInTensorScalar", b1(2, 2), element=i32(2, 2), testElement=1),
    out("Equal", b1(1), self=f32(2, 2), other=f32(3)),
    *each("BiasAdd SiluMul", bf16(2, 3), x=bf16(2, 3)),
    *each("AddN MaxN MinN Sum", f16(2, 3), tensors=(f16(2, 3), f16(2, 3))),
    *each("MaxN MinN Sum", f32(2, 3), tensors=(f32(2, 1), f32(3))),
    out("Complex", c64(2, 3), real=f32(2, 1), imag=f32(3)),
    out("Complex", c32(2), real=f16(2), imag=f16(2)),
    out("Complex", c128(2), real=f64(2), imag=f64(2)),
    out("Polar", c64(2), input=f32(2), angle=f32(2)),
    out("KlDiv", f32(2, 3), self=f16(2, 3), target=f32(3), reduction=0),
    out("KlDiv", f16(1), self=f16(2, 3), target=f16(3), reduction=3),
]

CASES = UNARY + BINARY
