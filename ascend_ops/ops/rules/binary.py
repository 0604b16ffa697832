"""Output rules of operators that join several tensors, or tensors and scalars, element by element."""

from __future__ import annotations

from ascend_ops import dtypes
from ascend_ops.ops.rules._vocabulary import (
    DTypeRule,
    Output,
    Outputs,
    broadcast,
    broadcast_list,
    constant,
    either,
    either_dtype,
    equals,
    fixed,
    floating,
    like,
    mapped,
    of_list,
    promoted,
    same_as,
)

COMPLEX = {
    dtypes.float16: dtypes.complex32,
    dtypes.float32: dtypes.complex64,
    dtypes.float64: dtypes.complex128,
}
"""The complex type whose parts have a floating type."""

_BOOL = fixed(dtypes.bool_)


def _joined(*names: str, dtype: DTypeRule | None = None, result: str = "out") -> Outputs:
    return {result: Output(broadcast(*names), dtype or promoted(*names))}


def _each(names: str, rule: Outputs) -> dict[str, Outputs]:
    return {f"aclnn{name}": rule for name in names.split()}


def _quotient(a: str, b: str) -> DTypeRule:
    """Mode 0 divides exactly, modes 1 and 2 round and keep integers."""
    return either_dtype(equals("mode", 0), floating(promoted(a, b)), promoted(a, b))


_PAIR = _joined("self", "other")
_REAL_PAIR = _joined("self", "other", dtype=floating(promoted("self", "other")))
_BOOL_PAIR = _joined("self", "other", dtype=_BOOL)
_LISTED: Outputs = {"out": Output(broadcast_list("tensors"), of_list("tensors"))}

RULES: dict[str, Outputs] = {
    # Arithmetic; a scalar operand has no shape and raises the category only.
    **_each("Add Adds AddV3 AddRelu Sub Subs Rsub Rsubs Mul Muls", _PAIR),
    **_each("Maximum Minimum FmodTensor FmodScalar FloorDivide FloorDivides Gcd", _PAIR),
    **_each("RemainderTensorTensor RemainderTensorScalar RemainderScalarTensor", _PAIR),
    **_each("PowTensorTensor PowTensorScalar PowScalarTensor", _joined("self", "exponent")),
    **_each("Div Divs Atan2 LogAddExp LogAddExp2", _REAL_PAIR),
    **_each("XLogYTensor XLogYScalarOther XLogYScalarSelf", _REAL_PAIR),
    **_each("DivMod DivMods", _joined("self", "other", dtype=_quotient("self", "other"))),
    "aclnnXlog1py": _joined("x", "y", dtype=same_as("x"), result="z"),
    **_each("BiasAdd SiluMul", {"out": Output(like("x"), same_as("x"))}),
    "aclnnHeaviside": _joined("input", "values", dtype=same_as("input")),
    # Three operands.
    "aclnnLerp": _joined("self", "end", "weight", dtype=same_as("self")),
    "aclnnLerps": _joined("self", "end", dtype=same_as("self")),
    **_each("Addcmul Addcdiv", _joined("self", "tensor1", "tensor2")),
    "aclnnSWhere": {
        "out": Output(broadcast("condition", "self", "other"), promoted("self", "other")),
    },
    # Bits.
    **_each("BitwiseAndTensor BitwiseAndTensorOut BitwiseOrTensor BitwiseXorTensor", _PAIR),
    **_each("BitwiseAndScalar BitwiseOrScalar BitwiseXorScalar", _PAIR),
    **_each("LeftShift LeftShifts", _joined("self", "shiftBits")),
    "aclnnRightShift": _joined("input", "shiftBits"),
    # Comparisons.
    **_each("EqTensor NeTensor GtTensor GeTensor LtTensor LeTensor", _BOOL_PAIR),
    **_each("EqScalar NeScalar GtScalar GeScalar LtScalar LeScalar", _BOOL_PAIR),
    **_each("LogicalAnd LogicalOr LogicalXor IsClose", _BOOL_PAIR),
    "aclnnIsInScalarTensor": {"out": Output(like("testElements"), _BOOL)},
    "aclnnIsInTensorScalar": {"out": Output(like("element"), _BOOL)},
    "aclnnEqual": {"out": Output(constant(1), _BOOL)},
    # Lists.
    **_each("AddN MaxN MinN Sum", _LISTED),
    # Complex numbers from their parts.
    "aclnnComplex": _joined("real", "imag", dtype=mapped(same_as("real"), COMPLEX)),
    "aclnnPolar": {"out": Output(like("input"), fixed(dtypes.complex64))},
    # Losses: reduction 0 keeps every element.
    "aclnnKlDiv": {
        "out": Output(
            either(equals("reduction", 0), broadcast("self", "target"), constant(1)),
            promoted("self", "target"),
        )
    },
}
