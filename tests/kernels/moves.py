"""Operators that move elements, as a table: a case makes inputs and the expected output from a random
generator. Outputs must have the expected bits, unless a case allows rounding."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from kernels.arrays import Array, assert_close, blank, covers, layout, seeds

import ascend_ops as ao
from ascend_ops.ops._names import operator_name

Made = tuple[Sequence[Any], Any]
"""The arguments (arrays become tensors in random layouts; so do arrays in lists), and the expected output:
an array, or a list of arrays for a tensor list."""


@dataclass(frozen=True)
class MoveCase:
    operator: str
    make: Callable[[np.random.Generator, str], Made]
    dtypes: str
    inplace: bool = False
    """The first argument is the output."""
    ulps: float | None = None
    """Allowed error, in units of the last place; None: none at all, NaN included."""
    absolute: float = 0
    label: str = ""
    finds: bool = False
    """Only the data tells the output's shape: the call allocates it, and returns the part that was found."""


def parametrize(cases: Iterable[MoveCase]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "case",
        [
            pytest.param(case, id=f"{case.operator}{case.label}", marks=covers(case.operator, case.dtypes))
            for case in cases
        ],
    )


def check(case: MoveCase, examples: int = 4) -> None:
    @seeds(examples)
    def example(seed: int) -> None:
        for dtype in case.dtypes.split():
            check_once(case, np.random.default_rng([seed, zlib.crc32(dtype.encode())]), dtype)

    example()


def on_device(rng: np.random.Generator, value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return layout(rng, value)
    if isinstance(value, list) and any(isinstance(each, np.ndarray) for each in value):
        return [layout(rng, each) for each in value]
    return value


def check_once(case: MoveCase, rng: np.random.Generator, dtype: str) -> None:
    given_arguments, expected = case.make(rng, dtype)
    arguments = [on_device(rng, value) for value in given_arguments]
    call = getattr(ao.ops, operator_name(case.operator))
    if case.finds:
        result = call(*arguments)
    elif case.inplace:
        call(*arguments)
        result = arguments[0]
    else:
        outputs = expected if isinstance(expected, list) else [expected]
        out = [blank(rng, each.shape, str(each.dtype)) for each in outputs]
        result = out if isinstance(expected, list) else out[0]
        call(*arguments, out=result)
    if isinstance(expected, list):
        for got, wanted in zip(result, expected, strict=True):
            compare(case, got, wanted)
    else:
        compare(case, result, expected)


def compare(case: MoveCase, got: ao.Tensor, wanted: Array) -> None:
    if case.ulps is None:
        values = got.numpy()
        assert values.dtype == wanted.dtype
        assert values.shape == wanted.shape
        assert values.tobytes() == np.ascontiguousarray(wanted).tobytes(), (values, wanted)
    else:
        assert_close(got, wanted, str(wanted.dtype), case.ulps, case.absolute)


def fails_on_device(call: Callable[[], object], text: str) -> None:
    """The call is queued and then fails as a bad access does. It has a stream of its own: an error stays.
    Calls that wait for what they find fail themselves."""

    def run() -> None:
        with stream:
            call()
        stream.synchronize()

    stream = ao.Stream()
    with pytest.raises(ao.AclError, match=text) as failed:
        run()
    stream.close()
    assert failed.value.code == 507015
