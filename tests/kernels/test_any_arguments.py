"""Kernels meet arguments that nobody would pass: each call is refused, fails in its stream, or computes
something, and touches its own tensors only. Under a sanitizer, every kernel's bounds are looked at here."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from kernels import coverage

import ascend_ops as ao
from ascend_ops._cann import operators
from ascend_ops._cann.operators import Param, ParamKind
from ascend_ops.dispatch import launch

CALLS = int(os.environ.get("KERNEL_CALLS", "2"))
USUAL = ["float16", "float32", "bfloat16"]
ODD = [*USUAL, "bool", "int8", "uint8", "int16", "int32", "int64", "uint64", "float64", "complex64"]
SIZES = [0, 1, 2, 3, 4, 8, 16]
INTEGERS = [-7, -2, -1, -1, 0, 0, 0, 1, 1, 1, 2, 2, 3, 16, 2**31 - 1]
REALS = [-1.0, 0.0, 0.5, 2.0, float("nan"), float("inf")]
WORDS = ["", "none", "mean", "BSND", "BNSD", "BSH", "TND", "half", "round"]

HOST_FUNCTIONS = {"aclnnTransQuantParam"}  # called at once, without phases

pytestmark = pytest.mark.stand_in(reason="hardware takes no such care")


class Draw:
    """One call's arguments: some calls' are all of one dtype and shape, so that they get past the checks."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.oddness = self.one_of([0, 0, 0.1, 0.3])
        self.shape = self.new_shape()
        self.dtype = self.one_of([*USUAL, *USUAL, *ODD])

    def one_of(self, values: list[Any]) -> Any:
        return values[int(self.rng.integers(len(values)))]

    def new_shape(self) -> tuple[int, ...]:
        sizes = SIZES if self.rng.random() < 0.1 else SIZES[1:]
        return tuple(self.one_of(sizes) for _ in range(self.one_of([0, 1, 2, 2, 3, 4, 4, 5])))

    def tensor(self) -> ao.Tensor | None:
        return None if self.rng.random() < self.oddness / 3 else self.present()

    def present(self) -> ao.Tensor:
        shape = self.new_shape() if self.rng.random() < self.oddness else self.shape
        dtype = self.one_of(ODD) if self.rng.random() < self.oddness else self.dtype
        x = ao.asarray(np.asarray(self.rng.integers(-3, 9, shape)), dtype)
        return x.T if self.rng.random() < 0.3 else x

    def flag(self) -> bool:
        return bool(self.rng.integers(2))

    def several(self, one: Callable[[], Any]) -> list[Any] | None:
        count = int(self.rng.integers(-1, 5))
        return None if count < 0 else [one() for _ in range(count)]

    def argument(self, param: Param) -> Any:
        def integer() -> int:
            return int(self.one_of(INTEGERS))

        def real() -> float:
            return float(self.one_of(REALS))

        choices: dict[ParamKind, Callable[[], Any]] = {
            ParamKind.TENSOR: self.tensor,
            ParamKind.TENSOR_LIST: lambda: self.several(self.present),
            ParamKind.SCALAR: lambda: self.one_of([None, 1, 2.5, True]),
            ParamKind.SCALAR_LIST: lambda: self.several(real),
            ParamKind.INT_ARRAY: lambda: self.several(integer),
            ParamKind.FLOAT_ARRAY: lambda: self.several(real),
            ParamKind.BOOL_ARRAY: lambda: self.several(self.flag),
            ParamKind.INT: integer,
            ParamKind.REAL: real,
            ParamKind.BOOL: self.flag,
            ParamKind.STRING: lambda: self.one_of(WORDS),
            ParamKind.DTYPE: lambda: self.one_of(ODD),
        }
        return choices[param.kind]()


def call_oddly(operator: str, seed: int) -> str:
    """What became of a call: "done", or the kind of its error."""
    draw = Draw(np.random.default_rng([seed, zlib.crc32(operator.encode())]))
    arguments = tuple(draw.argument(param) for param in operators.signature(operator).params)
    stream = ao.Stream()
    try:
        with stream:
            launch(operator, arguments)
            stream.synchronize(20)
    except (ao.AscendError, TypeError, ValueError, OverflowError) as error:
        return type(error).__name__
    finally:
        stream.close()
    return "done"


@pytest.mark.parametrize("operator", sorted(coverage.rows().keys() - HOST_FUNCTIONS))
def test_no_arguments_hurt_a_kernel(operator: str) -> None:
    for seed in range(CALLS):
        call_oddly(operator, seed)
