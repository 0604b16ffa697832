"""Gated activations and their gradients against float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from kernels.arrays import FLOATS, REALS, Array, random, wide
from kernels.glu import gelu
from kernels.lines import Floats, LineCase, Result, check, parametrize

import ascend_ops as ao

ABSOLUTE = 1e-6


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def silu(x: Array) -> Array:
    return np.asarray(x * sigmoid(x))


def slope(function: Callable[[Array], Array], x: Array) -> Array:
    """The derivative, by a central difference: good to 1e-9 here."""
    step = 1e-5
    return np.asarray((function(x + step) - function(x - step)) / (2 * step))


def values(rng: np.random.Generator, dtype: str) -> tuple[Array, int]:
    """x and the axis that is cut in halves."""
    shape = [int(size) for size in rng.integers(1, 6, rng.integers(1, 5))]
    axis = int(rng.integers(len(shape)))
    shape[axis] = 2 * int(rng.choice([0, 1, 4, 9], p=[0.1, 0.3, 0.3, 0.3]))
    return random(rng, shape, dtype), axis - (len(shape) if rng.random() < 0.5 else 0)


def halves(x: Array, axis: int) -> tuple[Array, Array]:
    left, right = np.split(wide(x), 2, axis)
    return left, right


def floats(value: Array, dtype: str) -> Floats:
    return Floats(value, dtype, 4, 0 if dtype == "float64" else ABSOLUTE)


def swi_glu(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    x, axis = values(rng, dtype)
    a, b = halves(x, axis)
    return [x, axis], [floats(silu(a) * b, dtype)]


def glu(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    x, axis = values(rng, dtype)
    a, b = halves(x, axis)
    return [x, axis], [floats(a * sigmoid(b), dtype)]


def ge_glu(rng: np.random.Generator, dtype: str, version: int = 1) -> tuple[list[Any], list[Result]]:
    x, axis = values(rng, dtype)
    a, b = halves(x, axis)
    tanh, left = bool(rng.integers(2)), version == 3 and bool(rng.integers(2))
    active = gelu(a if left else b, tanh)
    args = [x, axis, int(tanh), *([left] if version == 3 else [])]
    return args, [floats(active * (b if left else a), dtype), floats(active, dtype)]


def last(rng: np.random.Generator, dtype: str) -> Array:
    """x whose last axis is cut, of 2 axes at least."""
    shape = (*(int(n) for n in rng.integers(1, 5, rng.integers(1, 3))), 2 * int(rng.integers(1, 20)))
    return random(rng, shape, dtype)


def gelu_mul(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    x, mode = last(rng, dtype), str(rng.choice(["none", "tanh"]))
    a, b = halves(x, -1)
    return [x, mode], [floats(gelu(a, mode == "tanh") * b, dtype)]


def fatrelu_mul(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    x, threshold = last(rng, dtype), random(rng, (1,), dtype, 0, 1)
    a, b = halves(x, -1)
    return [x, threshold], [floats(np.where(a > wide(threshold), a, 0) * b, dtype)]


def situ(gate: Array, up: Array, beta: float, linear: float) -> Array:
    wide_up = linear * np.tanh(up / linear) if linear > 0 else up
    return np.asarray(beta * np.tanh(gate / beta) * sigmoid(gate) * wide_up)


def situ_glu(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    x, axis = values(rng, dtype)
    left, linear = bool(rng.integers(2)), float(rng.choice([0, 1.5]))
    gate, up = halves(x, axis) if left else halves(x, axis)[::-1]
    return [x, axis, 2.5, linear, left], [floats(situ(gate, up, 2.5, linear), dtype)]


def gradient(
    rng: np.random.Generator, dtype: str, product: Callable[[Array, Array], Array], left: bool
) -> tuple[Array, Array, int, Array]:
    """(gradient of the product, x, axis, gradient of x) for product(what is activated, what is not)."""
    x, axis = values(rng, dtype)
    a, b = halves(x, axis)
    gate, up = (a, b) if left else (b, a)
    dy = random(rng, a.shape, dtype)
    parts = [
        wide(dy) * slope(lambda g: product(g, up), gate),
        wide(dy) * slope(lambda u: product(gate, u), up),
    ]
    return dy, x, axis, np.concatenate(parts if left else parts[::-1], axis)


def rough(value: Array, dtype: str) -> Floats:
    return Floats(value, dtype, 4, 2e-5 if dtype != "float64" else 1e-7)


def swi_glu_grad(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    dy, x, axis, dx = gradient(rng, dtype, lambda g, u: silu(g) * u, True)
    return [dy, x, axis], [rough(dx, dtype)]


def glu_backward(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    dy, x, axis, dx = gradient(rng, dtype, lambda g, u: sigmoid(g) * u, False)
    return [dy, x, axis], [rough(dx, dtype)]


def ge_glu_backward(rng: np.random.Generator, dtype: str, version: int = 1) -> tuple[list[Any], list[Result]]:
    tanh, left = bool(rng.integers(2)), version == 3 and bool(rng.integers(2))
    dy, x, axis, dx = gradient(rng, dtype, lambda g, u: gelu(g, tanh) * u, left)
    saved = gelu(halves(x, axis)[0 if left else 1], tanh).astype(x.dtype)
    # The gradient of the half that is not activated is made of the saved, rounded gelu.
    near = Floats(dx, dtype, 4, 2e-5 if dtype == "float32" else 2e-2 if dtype == "float16" else 2e-1)
    return [dy, x, saved, axis, int(tanh), *([left] if version == 3 else [])], [near]


def situ_glu_grad(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    left, linear = bool(rng.integers(2)), float(rng.choice([0, 1.5]))
    dy, x, axis, dx = gradient(rng, dtype, lambda g, u: situ(g, u, 2.5, linear), left)
    return [dy, x, axis, 2.5, linear, left], [rough(dx, dtype)]


def clipped(rng: np.random.Generator, dtype: str) -> tuple[Array, int, Array | None, int, bool, Array, Array]:
    """(x, axis, group, computed rows, interleaved, a, b); a and b are [rows, half]."""
    x, axis = values(rng, dtype)
    lead = x.shape[: axis % x.ndim]
    rows = int(np.prod(lead))
    group = None if rng.random() < 0.5 else np.array([0, int(rng.integers(0, rows + 1))], np.int64)
    flat, turns = wide(x).reshape(rows, int(np.prod(x.shape[len(lead) :]))), bool(rng.integers(2))
    half = flat.shape[1] // 2
    a, b = (flat[:, ::2], flat[:, 1::2]) if turns else (flat[:, :half], flat[:, half:])
    return x, axis, group, rows if group is None else int(group.sum()), turns, a, b


def half_shape(x: Array, axis: int) -> list[int]:
    shape = list(x.shape)
    shape[axis] //= 2
    return shape


def clipped_swiglu(rng: np.random.Generator, dtype: str, version: int = 1) -> tuple[list[Any], list[Result]]:
    """Rows behind the group are left open by the document; the stand-in gives 0."""
    x, axis, group, computed, turns, a, b = clipped(rng, dtype)
    mode = int(rng.integers(2)) if version == 2 else 0
    if mode:
        y = np.minimum(silu(a), 2.5) * np.clip(b, -2.5, 2.5)
    else:
        gate = np.minimum(a, 2.5)
        y = gate * sigmoid(1.702 * gate) * (np.clip(b, -2.5, 2.5) + 1)
    y[computed:] = 0
    args = [x, group, axis, 1.702, 2.5, 1.0, turns, *([mode] if version == 2 else [])]
    return args, [floats(y.reshape(half_shape(x, axis)), dtype)]


def clipped_swiglu_grad(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    x, axis, group, computed, turns, a, b = clipped(rng, dtype)
    dy = random(rng, half_shape(x, axis), dtype)
    d = wide(dy).reshape(a.shape)
    gate, up = np.minimum(a, 2.5), np.clip(b, -2.5, 2.5)
    s = sigmoid(1.702 * gate)
    da = d * (up + 1) * s * (1 + 1.702 * gate * (1 - s)) * (a <= 2.5)
    db = d * gate * s * (np.abs(b) <= 2.5)
    da[computed:], db[computed:] = 0, 0
    dx = np.stack([da, db], -1) if turns else np.stack([da, db], 1)
    return [dy, x, group, axis, 1.702, 2.5, 1.0, turns], [rough(dx.reshape(x.shape), dtype)]


CASES = [
    LineCase("aclnnClippedSwiglu", FLOATS, clipped_swiglu, examples=3),
    LineCase("aclnnClippedSwigluV2", FLOATS, lambda rng, dtype: clipped_swiglu(rng, dtype, 2), examples=3),
    LineCase("aclnnClippedSwigluGrad", FLOATS, clipped_swiglu_grad, examples=3),
    LineCase("aclnnSwiGlu", FLOATS, swi_glu),
    LineCase("aclnnGlu", REALS, glu),
    LineCase("aclnnGeGlu", FLOATS, ge_glu),
    LineCase("aclnnGeGluV3", FLOATS, lambda rng, dtype: ge_glu(rng, dtype, 3)),
    LineCase("aclnnGeluMul", FLOATS, gelu_mul),
    LineCase("aclnnFatreluMul", FLOATS, fatrelu_mul),
    LineCase("aclnnSituGlu", FLOATS, situ_glu),
    LineCase("aclnnSwiGluGrad", FLOATS, swi_glu_grad),
    LineCase("aclnnGluBackward", REALS, glu_backward),
    LineCase("aclnnGeGluBackward", FLOATS, ge_glu_backward),
    LineCase("aclnnGeGluV3Backward", FLOATS, lambda rng, dtype: ge_glu_backward(rng, dtype, 3)),
    LineCase("aclnnSituGluGrad", FLOATS, situ_glu_grad),
]


@parametrize(CASES)
def test_gated_activations(case: LineCase) -> None:
    check(case)


def test_infinities_go_through_swi_glu() -> None:
    x = np.array([[np.inf, np.nan, 0, 1, 3, np.inf]], np.float32)
    y = ao.ops.swi_glu(ao.asarray(x), -1, out=ao.empty((1, 3), "float32")).numpy()
    np.testing.assert_array_equal(y, [[np.inf, np.nan, np.nan]])


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x, y: ao.ops.swi_glu(x, 2, out=y), "dim 2 of x"),
        (lambda x, y: ao.ops.swi_glu(x, 0, out=y), "dim 0 of x"),
        (lambda x, y: ao.ops.swi_glu(x, 1, out=x), "out"),
        (lambda x, y: ao.ops.ge_glu(x, 1, 2, out=(y, y)), "approximate"),
        (lambda x, y: ao.ops.gelu_mul(x, "erf", out=y), "approximateOptional"),
    ],
)
def test_refusals(call: Callable[..., Any], text: str) -> None:
    x, y = ao.empty((3, 4), "float32"), ao.empty((3, 2), "float32")
    with pytest.raises(ao.AclError, match=text) as error:
        call(x, y)
    assert error.value.code == 161002
