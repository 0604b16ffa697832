"""How the cases of the output rules are written: tensors that have a shape and a dtype and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ascend_ops import dtypes
from ascend_ops.dtypes import DType


@dataclass(frozen=True)
class Spec:
    """What a rule may know of a tensor, and what it must say of an output."""

    dtype: DType
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Maker:
    """`f32(2, 3)` is a float32 tensor of shape (2, 3)."""

    dtype: DType

    def __call__(self, *shape: int) -> Spec:
        return Spec(self.dtype, shape)


f16, f32, f64, bf16 = map(Maker, (dtypes.float16, dtypes.float32, dtypes.float64, dtypes.bfloat16))
i8, i16, i32, i64 = map(Maker, (dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64))
u8, b1 = Maker(dtypes.uint8), Maker(dtypes.bool_)
c32, c64, c128 = map(Maker, (dtypes.complex32, dtypes.complex64, dtypes.complex128))


class Case(NamedTuple):
    """An operator (without "aclnn"), what it is given, what its outputs must be (None: no such output)."""

    operator: str
    given: Mapping[str, Any]
    expected: Mapping[str, Spec | list[Spec] | None]


def out(operator: str, expected: Spec | list[Spec], **given: Any) -> Case:
    """A case with the one output `out`."""
    return Case(operator, given, {"out": expected})


def each(operators: str, expected: Spec, **given: Any) -> list[Case]:
    """The same case for several operators with the output `out`."""
    return [out(operator, expected, **given) for operator in operators.split()]
