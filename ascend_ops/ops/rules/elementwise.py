"""Output rules of operators that compute each element by itself: one tensor in, one of the same shape out."""

from __future__ import annotations

from ascend_ops import dtypes
from ascend_ops.ops.rules._vocabulary import (
    DTypeRule,
    Output,
    Outputs,
    broadcast,
    fixed,
    floating,
    like,
    mapped,
    promoted,
    same_as,
)

REAL = {
    dtypes.complex32: dtypes.float16,
    dtypes.complex64: dtypes.float32,
    dtypes.complex128: dtypes.float64,
}
"""The type of a complex type's parts."""

_SAME = same_as("self")


def _unary(dtype: DTypeRule = _SAME, source: str = "self", result: str = "out") -> Outputs:
    return {result: Output(like(source), dtype)}


def _each(names: str, rule: Outputs) -> dict[str, Outputs]:
    return {f"aclnn{name}": rule for name in names.split()}


RULES: dict[str, Outputs] = {
    # The dtype stays.
    **_each("Neg Ceil Floor Trunc Round RoundDecimals Square BitwiseNot NanToNum Lgamma Digamma", _unary()),
    **_each("Relu Gelu FastGelu Hardsigmoid Hardswish LogSigmoid Mish Selu Silu", _unary()),
    **_each("Elu Celu CeluV3 CoshV2 Softplus Softshrink Hardshrink Shrink LeakyRelu", _unary()),
    **_each("Prelu Swish Hardtanh", _unary()),
    **_each("Frac SquaredRelu", _unary(same_as("input"), "input")),
    "aclnnGeluV2": _unary(same_as("x"), "x", "y"),
    "aclnnReluV3": {
        "yOut": Output(like("x"), same_as("x")),
        "maskOut": Output(like("x"), fixed(dtypes.uint8)),
    },
    "aclnnSign": _unary(_SAME, "self", "result"),
    # Integers and bool become float32.
    **_each("Acosh Asin Cosh Erf Erfc Erfinv Exp Exp2 Expm1", _unary(floating(_SAME))),
    **_each(
        "Log Log10 Log1p Log2 Reciprocal Rsqrt Sigmoid Sin Sinc Sinh Sqrt Tan Tanh", _unary(floating(_SAME))
    ),
    **_each("Acos Asinh Atan Atanh Cos", _unary(floating(same_as("input")), "input")),
    # Complex numbers become real.
    "aclnnAbs": _unary(mapped(_SAME, REAL)),
    "aclnnReal": _unary(mapped(_SAME, REAL)),
    "aclnnRealV2": _unary(mapped(_SAME, REAL)),
    "aclnnAngleV2": _unary(floating(mapped(same_as("x"), REAL)), "x"),
    # Others that keep shape and dtype of their first tensor.
    "aclnnMaskedScale": _unary(),
    "aclnnApplyTopKTopP": _unary(same_as("logits"), "logits"),
    "aclnnLogit": _unary(same_as("input"), "input"),
    "aclnnScale": _unary(same_as("x"), "x", "y"),
    # Questions.
    **_each("IsFinite IsNegInf IsPosInf LogicalNot Signbit", _unary(fixed(dtypes.bool_))),
    "aclnnIsInf": _unary(fixed(dtypes.bool_), "x"),
    # Against bounds: the scalars raise the category, tensors promote.
    "aclnnClamp": _unary(promoted("self", "clipValueMin", "clipValueMax")),
    "aclnnClampMin": _unary(promoted("self", "clipValueMin")),
    "aclnnClampMax": _unary(promoted("self", "clipValueMax")),
    "aclnnThreshold": _unary(promoted("self", "threshold", "value")),
    "aclnnClampTensor": {
        "out": Output(
            broadcast("self", "clipValueMin", "clipValueMax"),
            promoted("self", "clipValueMin", "clipValueMax"),
        )
    },
    "aclnnClampMinTensor": {
        "out": Output(broadcast("self", "clipValueMin"), promoted("self", "clipValueMin"))
    },
    "aclnnClampMaxTensor": {"out": Output(broadcast("self", "max"), promoted("self", "max"))},
}
