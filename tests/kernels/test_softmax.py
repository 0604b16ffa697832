"""Softmax, its logarithm, masked forms and gradients against float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from kernels.arrays import FLOATS, REALS, Array, random, shape_of, wide
from kernels.lines import Floats, LineCase, Result, check, parametrize

import ascend_ops as ao


def exponentials(x: Array, axis: int) -> tuple[Array, Array]:
    """exp(x - max) and its sums."""
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e, e.sum(axis=axis, keepdims=True)


def softmax_of(x: Array, axis: int) -> Array:
    if x.size == 0:
        return x
    e, total = exponentials(x, axis)
    return np.asarray(e / total)


def log_softmax_of(x: Array, axis: int) -> Array:
    if x.size == 0:
        return x
    _, total = exponentials(x, axis)
    return np.asarray(x - x.max(axis=axis, keepdims=True) - np.log(total))


def input_and_axis(rng: np.random.Generator, dtype: str) -> tuple[Array, int]:
    shape = shape_of(rng)
    rank = max(len(shape), 1)
    x = random(rng, shape, dtype, -8, 8)
    if x.ndim and x.size and rng.random() < 0.4:
        x[rng.random(shape) < 0.2] = -np.inf
    return x, int(rng.integers(-rank, rank))


def forward(of: Callable[[Array, int], Array], log: bool) -> Any:
    def build(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
        x, axis = input_and_axis(rng, dtype)
        result = dtype if rng.random() < 0.7 else str(rng.choice(REALS.split()))
        exact = dtype == "float64"
        y = of(wide(x) if x.ndim else wide(x)[None], axis if x.ndim else 0).reshape(x.shape)
        return [x, axis], [Floats(y, result, 8, 1e-14 if exact else 4e-6 if log else 1e-6)]

    return build


def backward(log: bool) -> Any:
    def build(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
        x, axis = input_and_axis(rng, dtype)
        x[~np.isfinite(x)] = 0
        dy = random(rng, x.shape, dtype)
        one = wide(x) if x.ndim else wide(x)[None]
        y = (
            (log_softmax_of if log else softmax_of)(one, axis if x.ndim else 0)
            .reshape(x.shape)
            .astype(x.dtype)
        )
        along = axis if x.ndim else None
        if log:
            dx = wide(dy) - np.exp(wide(y)) * wide(dy).sum(axis=along, keepdims=True)
        else:
            dx = wide(dy) * wide(y) - (wide(dy) * wide(y)).sum(axis=along, keepdims=True) * wide(y)
        return [dy, y, axis], [Floats(dx, dtype, 4, 2e-5)]

    return build


def masked(rng: np.random.Generator, dtype: str) -> tuple[Array, Array]:
    shape = (*(int(n) for n in rng.integers(1, 4, 3)), int(rng.integers(1, 20)))
    mask = random(rng, tuple(1 if k < 2 and rng.random() < 0.5 else n for k, n in enumerate(shape)), "bool")
    return random(rng, shape, dtype), mask


def scaled_masked_softmax(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    """A masked element counts as -10000, as in CANN's kernel; the document's formula multiplies by the
    mask."""
    x, mask = masked(rng, dtype)
    y = softmax_of(np.where(mask, -10000.0, wide(x) * 0.5), -1)
    return [x, mask, 0.5, False], [Floats(y, dtype, 4, 1e-6)]


def scaled_masked_softmax_backward(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    x, mask = masked(rng, dtype)
    y, dy = softmax_of(wide(x), -1).astype(x.dtype), random(rng, x.shape, dtype)
    dx = wide(dy) * wide(y) - (wide(dy) * wide(y)).sum(axis=-1, keepdims=True) * wide(y)
    return [dy, y, mask, 0.5, False], [Floats(np.where(mask, 0, dx * 0.5), dtype, 4, 2e-5)]


def masked_softmax_with_rel_pos_bias(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    batch, windows, heads, rows, columns = (int(n) for n in rng.integers(1, 5, 5))
    full = (batch, windows, heads, rows, columns)
    x = random(rng, full, dtype)
    mask = random(rng, (1, windows, 1, rows, columns), dtype) if rng.random() < 0.7 else None
    bias = random(rng, (1, 1, heads, rows, columns), dtype)
    y = softmax_of(wide(x) * 0.5 + (0 if mask is None else wide(mask)) + wide(bias), -1)
    flat = bool(rng.integers(2))
    if mask is not None:
        forms = [mask.shape, (windows, 1, rows, columns), (windows, rows, columns)]
        mask = mask.reshape(forms[int(rng.integers(3))])
    forms = [bias.shape, (1, heads, rows, columns), (heads, rows, columns)]
    bias = bias.reshape(forms[int(rng.integers(3))])
    shape = (batch * windows, *full[2:]) if flat else full
    return [x.reshape(shape), mask, bias, 0.5, 0], [Floats(y.reshape(shape), dtype, 4, 1e-6)]


CASES = [
    LineCase("aclnnMaskedSoftmaxWithRelPosBias", FLOATS, masked_softmax_with_rel_pos_bias, examples=3),
    LineCase("aclnnSoftmax", REALS, forward(softmax_of, False), examples=3),
    LineCase("aclnnLogSoftmax", REALS, forward(log_softmax_of, True), examples=3),
    LineCase("aclnnSoftmaxBackward", FLOATS, backward(False)),
    LineCase("aclnnLogSoftmaxBackward", FLOATS, backward(True)),
    LineCase("aclnnScaledMaskedSoftmax", FLOATS, scaled_masked_softmax),
    LineCase("aclnnScaledMaskedSoftmaxBackward", FLOATS, scaled_masked_softmax_backward),
]


@parametrize(CASES)
def test_softmax(case: LineCase) -> None:
    check(case)


def test_special_values() -> None:
    inf, nan = np.inf, np.nan
    x = np.array([[-inf, 0, 0], [-inf, -inf, -inf], [inf, 0, 1], [nan, 0, 1]], np.float32)
    y = ao.ops.softmax(ao.asarray(x), 1).numpy()
    np.testing.assert_array_equal(y, [[0, 0.5, 0.5], [nan] * 3, [nan] * 3, [nan] * 3])
    z = ao.ops.log_softmax(ao.asarray(x), 1).numpy()
    np.testing.assert_allclose(
        z, [[-inf, -np.log(2), -np.log(2)], [nan] * 3, [nan] * 3, [nan] * 3], rtol=1e-6
    )


def test_long_lines_on_all_cores() -> None:
    x = random(np.random.default_rng(1), (70, 5000), "float32")
    np.testing.assert_allclose(ao.ops.softmax(ao.asarray(x), 0).numpy(), softmax_of(wide(x), 0), rtol=2e-6)
    np.testing.assert_allclose(ao.ops.softmax(ao.asarray(x), 1).numpy(), softmax_of(wide(x), 1), rtol=4e-6)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x, y: ao.ops.softmax(x, 2, out=y), "dim is 2"),
        (lambda x, y: ao.ops.softmax(x, 0, out=ao.empty((2, 2), "float32")), "out"),
        (lambda x, y: ao.ops.log_softmax(ao.empty((2, 3), "int32"), 0, out=y), "self"),
        (lambda x, y: ao.ops.softmax_backward(x, ao.empty((2, 3), "float16"), 0, out=y), "output"),
    ],
)
def test_refusals(call: Callable[..., Any], text: str) -> None:
    with pytest.raises(ao.AclError, match=text) as error:
        call(ao.empty((2, 3), "float32"), ao.empty((2, 3), "float32"))
    assert error.value.code == 161002
