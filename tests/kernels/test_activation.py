"""Activations, and what is sent back through them. Half types are computed in float32 and rounded once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from kernels.arrays import (
    FLOATS,
    INTEGERS,
    Array,
)
from kernels.maps import MapCase, check, parametrize

import ascend_ops as ao

erf = np.vectorize(math.erf, otypes=[float])
SELU_ALPHA, SELU_SCALE = 1.6732632423543772848, 1.0507009873554804935
WITH_COMPLEX = f"{FLOATS} float64 complex64 complex128"
SCALED = 8
"""Units, where exp meets a product that was rounded to float32: each costs as many as the product is."""
NEAR = 1e-6
"""Absolute: where a sum like 1 + erf(x) vanishes, float32 has no more of it."""


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-(x if x.dtype.kind in "fc" else x.astype(float)))))


def gelu(x: Array, approximate: int = 0) -> Array:
    if approximate:
        return x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return x / 2 * (1 + erf(x / math.sqrt(2)))


def gelu_slope(x: Array, approximate: str = "none") -> Array:
    if approximate == "none":
        return (1 + erf(x / math.sqrt(2))) / 2 + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    t = np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
    return (1 + t) / 2 + x / 2 * (1 - t * t) * math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x * x)


def swish(x: Array, beta: float | None = None) -> Array:
    return x * sigmoid(x * (1 if beta is None else beta))


def swish_slope(x: Array, beta: float | None = None) -> Array:
    b = 1 if beta is None else beta
    return sigmoid(b * x) * (1 + b * x * (1 - sigmoid(b * x)))


def elu(x: Array, alpha: float, scale: float, inner: float) -> Array:
    return np.where(x > 0, scale * x, alpha * scale * np.expm1(x * inner))


def selu(x: Array) -> Array:
    """Integers lose the fraction."""
    y = elu(x.astype(float), SELU_ALPHA, SELU_SCALE, 1)
    return y if x.dtype.kind == "f" else np.trunc(y)


def selu_back(g: Array, y: Array) -> Array:
    """scale where the result is positive, result + alpha * scale elsewhere."""
    z = g * np.where(y > 0, SELU_SCALE, y + SELU_SCALE * SELU_ALPHA)
    return z if g.dtype.kind == "f" else np.trunc(z)


def celu(x: Array, alpha: float) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(x / alpha))


def softplus(x: Array, beta: float, threshold: float) -> Array:
    return np.where(x * beta > threshold, x, np.log1p(np.exp(x * beta)) / beta)


def log_sigmoid(x: Array) -> Array:
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


def mish(x: Array) -> Array:
    return x * np.tanh(np.where(x > 700, x, np.log1p(np.exp(np.minimum(x, 700)))))


def mish_slope(x: Array) -> Array:
    t = np.tanh(np.log1p(np.exp(x)))
    return t + x * (1 - t * t) * sigmoid(x)


def hardsigmoid(x: Array) -> Array:
    y = np.clip(x / 6 + 0.5, 0, 1)
    return y if x.dtype.kind == "f" else np.floor(y)


def clip(x: Array, low: float, high: float) -> Array:
    return np.where(x < low, low, np.where(x > high, high, x))


def relu(x: Array) -> Array:
    """NaN stays NaN, as PyTorch has it."""
    return np.where(x < 0, 0, x)


def within(x: Array, bound: float) -> Array:
    return (x >= -bound) & (x <= bound)


def softshrink(x: Array, bound: float, bias: float | None = None) -> Array:
    by = bound if bias is None else bias
    return np.where(x > bound, x - by, np.where(x < -bound, x + by, 0 * x))


def both(name: str, reference: Any, dtypes: str = FLOATS, **options: Any) -> Iterator[MapCase]:
    yield MapCase(f"aclnn{name}", reference, dtypes, **options)
    yield MapCase(f"aclnnInplace{name}", reference, dtypes, inplace=True, **options)


FORWARD = [
    MapCase("aclnnSigmoid", sigmoid, f"{WITH_COMPLEX} {INTEGERS} bool", to_float=True, ulps=2.5),
    MapCase("aclnnInplaceSigmoid", sigmoid, WITH_COMPLEX, inplace=True, ulps=2.5),
    MapCase("aclnnSilu", swish, FLOATS, ulps=3),
    MapCase("aclnnSwish", swish, FLOATS, values=(1.5,), ulps=SCALED),
    MapCase("aclnnSwish", swish, FLOATS, values=(None,), ulps=3),
    MapCase("aclnnGelu", lambda x: gelu(x, 1), FLOATS, absolute=NEAR, ulps=3),
    MapCase("aclnnGeluV2", gelu, FLOATS, values=(0,), absolute=NEAR),
    MapCase("aclnnGeluV2", gelu, FLOATS, values=(1,), absolute=NEAR, ulps=3),
    MapCase("aclnnFastGelu", lambda x: swish(x, 1.702), FLOATS, ulps=4, absolute=NEAR),
    *both("Relu", relu, f"{FLOATS} int8 uint8 int32 int64"),
    MapCase("aclnnSquaredRelu", lambda x: relu(x) ** 2, FLOATS),
    *both("LeakyRelu", lambda x, slope: np.where(x > 0, x, x * slope), f"{FLOATS} float64", values=(0.125,)),
    *both("Elu", elu, f"{FLOATS} float64", values=(1.5, 0.5, 0.75), ulps=2),
    *both("Celu", celu, FLOATS, values=(1.5,), ulps=2),
    MapCase("aclnnCeluV3", celu, FLOATS, values=(0.5,), ulps=2),
    *both("Selu", selu, f"{FLOATS} int32 int8", ulps=2, special=False),
    *both("Hardswish", lambda x: x * clip(x + 3, 0, 6) / 6, FLOATS, ulps=2),
    *both("Hardsigmoid", hardsigmoid, f"{FLOATS} int32", absolute=NEAR),
    *both("Hardtanh", clip, f"{FLOATS} float64 {INTEGERS}", values=(1, 3)),
    MapCase("aclnnSoftplus", softplus, FLOATS, values=(1.5, 4.0), ulps=2),
    MapCase("aclnnSoftshrink", softshrink, FLOATS, values=(0.5,)),
    MapCase("aclnnHardshrink", lambda x, bound: np.where(within(x, bound), 0, x), FLOATS, values=(1.0,)),
    MapCase("aclnnShrink", softshrink, "float32 float16", values=(1.0, 0.25)),
    *both("Threshold", lambda x, t, v: np.where(x <= t, v, x), f"{FLOATS} {INTEGERS}", values=(1, 2)),
    *both("Mish", mish, FLOATS, ulps=3),
    MapCase("aclnnLogSigmoid", log_sigmoid, FLOATS, ulps=2),
]

BACKWARD = [
    MapCase(
        "aclnnSigmoidBackward",
        lambda g, y: g * np.conj((1 - y) * y),
        WITH_COMPLEX,
        ulps=8,
    ),
    MapCase("aclnnTanhBackward", lambda g, y: g * (1 - y * y), f"{FLOATS} float64", absolute=NEAR),
    MapCase("aclnnSiluBackward", lambda g, x: g * swish_slope(x), FLOATS, ulps=6, absolute=NEAR),
    MapCase("aclnnGeluBackward", lambda g, x: g * gelu_slope(x), FLOATS, absolute=NEAR, ulps=2),
    MapCase("aclnnFastGeluBackward", lambda g, x: g * swish_slope(x, 1.702), FLOATS, ulps=6, absolute=NEAR),
    MapCase("aclnnMishBackward", lambda g, x: g * mish_slope(x), FLOATS, ulps=6, absolute=NEAR),
    MapCase(
        "aclnnHardswishBackward",
        lambda g, x: g * np.where(x < -3, 0, np.where(x > 3, 1, x / 3 + 0.5)),
        FLOATS,
        absolute=NEAR,
    ),
    MapCase(
        "aclnnHardswishBackwardV2",
        lambda g, x: g * np.where(x <= -3, 0, np.where(x >= 3, 1, x / 3 + 0.5)),
        FLOATS,
        absolute=NEAR,
    ),
    MapCase("aclnnHardsigmoidBackward", lambda g, x: np.where(np.abs(x) < 3, g / 6, 0), FLOATS),
]
BACKWARD_OF_NUMBERS = [
    MapCase("aclnnSeluBackward", selu_back, f"{FLOATS} int32 int8", ulps=2, absolute=NEAR, low=-1),
    MapCase(
        "aclnnSwishBackward",
        lambda g, x, b: g * swish_slope(x, b),
        FLOATS,
        values=(1.5,),
        ulps=6,
        absolute=NEAR,
    ),
    MapCase(
        "aclnnSwishBackward",
        lambda g, x, b: g * swish_slope(x, b),
        FLOATS,
        values=(None,),
        ulps=6,
        absolute=NEAR,
    ),
    MapCase(
        "aclnnGeluBackwardV2",
        lambda g, x, a: g * gelu_slope(x, a),
        FLOATS,
        values=("none",),
        absolute=NEAR,
        ulps=2,
    ),
    MapCase(
        "aclnnGeluBackwardV2",
        lambda g, x, a: g * gelu_slope(x, a),
        FLOATS,
        values=("tanh",),
        absolute=NEAR,
        ulps=6,
    ),
    MapCase(
        "aclnnThresholdBackward",
        lambda g, x, t: np.where(x <= t, 0, g),
        f"{FLOATS} int32 int8 uint8 int64",
        values=(1,),
    ),
    MapCase(
        "aclnnLeakyReluBackward",
        lambda g, x, s, r: np.where(x > 0, g, g * s),
        f"{FLOATS} float64",
        values=(0.25, False),
    ),
    MapCase("aclnnHardshrinkBackward", lambda g, x, b: np.where(within(x, b), 0, g), FLOATS, values=(1.0,)),
    MapCase("aclnnSoftshrinkBackward", lambda g, x, b: np.where(within(x, b), 0, g), FLOATS, values=(1.0,)),
    MapCase(
        "aclnnHardtanhBackward",
        lambda g, x, a, b: np.where((x < a) | (x > b), 0, g),
        FLOATS,
        values=(-1.0, 2.0),
    ),
    MapCase(
        "aclnnSoftplusBackward",
        lambda g, x, b, t: g * np.where(x * b > t, 1, sigmoid(x * b)),
        f"{FLOATS} float64",
        values=(1.5, 3.0),
        ulps=SCALED,
    ),
]


@parametrize(FORWARD)
def test_activations(case: MapCase) -> None:
    check(case, examples=2)


def two_tensors(case: MapCase) -> MapCase:
    """The gradient and the other tensor; no NaN or infinity, which a mask may let through or not."""
    return MapCase(**{**vars(case), "tensors": 2, "special": False})


@parametrize(map(two_tensors, BACKWARD + BACKWARD_OF_NUMBERS))
def test_gradients_of_activations(case: MapCase) -> None:
    check(case, examples=2)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float64"])
@pytest.mark.parametrize(("alpha", "by"), [(np.inf, 1.0), (2.0, np.inf), (2.0, np.nan), (np.nan, 1.0)])
def test_elu_without_finite_numbers_takes_minus_alpha(dtype: str, alpha: float, by: float) -> None:
    """By CANN's source, which then puts a threshold in the place of expm1; NaN stays."""
    x = np.array([-1.5, -0.0, 0.0, 2.0, np.nan, np.inf])
    expected = np.where(x <= 0, -alpha, x) * 0.5
    got = ao.ops.elu(ao.asarray(x, dtype), alpha, 0.5, by)
    np.testing.assert_array_equal(got.numpy().astype(np.float64), expected)


@pytest.mark.parametrize(
    ("name", "values"),
    [("elu", (1j, 1, 1)), ("celu", (1j,)), ("leaky_relu", (1j,)), ("softplus", (1, 1j)), ("rsubs", (1, 1j))],
)
def test_complex_scalars_of_real_tensors_are_refused(name: str, values: tuple[complex, ...]) -> None:
    with pytest.raises(ao.AclError, match=r"is complex|cannot be cast") as caught:
        getattr(ao.ops, name)(ao.zeros(2, "float32"), *values, out=ao.empty(2, "float32"))
    assert caught.value.code == 161002


@pytest.mark.parametrize("alpha", [0.0, float("nan")])
@pytest.mark.parametrize("name", ["celu", "inplace_celu"])
def test_celu_refuses_an_alpha_that_divides_nothing(name: str, alpha: float) -> None:
    with pytest.raises(ao.AclError, match="alpha is") as caught:
        getattr(ao.ops, name)(ao.zeros(2, "float32"), alpha)
    assert caught.value.code == 161002


def test_threshold_of_integers_cuts_its_numbers() -> None:
    """By CANN's source, which makes both of self's type; the document would promote."""
    x, out = ao.asarray(np.array([-1, 0, 1, 2], np.int32)), ao.empty(4, dtype="int32")
    assert ao.ops.threshold(x, 1.75, 7.5, out=out).numpy().tolist() == [7, 7, 7, 2]


@pytest.mark.parametrize(("name", "kind"), [("hardsigmoid", "float16"), ("hardswish", "float64")])
def test_straight_activations_refuse_other_outputs(name: str, kind: str) -> None:
    with pytest.raises(ao.AclError, match="out") as caught:
        getattr(ao.ops, name)(ao.zeros(2, "float32"), out=ao.empty(2, dtype=kind))
    assert caught.value.code == 161002


def test_gelu_backward_promotes_one_of_integers() -> None:
    gradient, x = np.array([1, -2, 3], np.int32), np.array([0, 1, -2], np.float32)
    given, at = ao.asarray(gradient), ao.asarray(x)
    expected = gradient * gelu_slope(x.astype(np.float64))
    np.testing.assert_allclose(
        ao.ops.gelu_backward(given, at, out=ao.empty((3,), ao.float32)).numpy(), expected, 1e-6
    )
    with pytest.raises(ao.AclError, match="gradOutput"):
        ao.ops.gelu_backward(given, given, out=ao.empty((3,), ao.float32))


@pytest.mark.parametrize("name", ["relu", "gelu", "gelu_v2", "silu", "abs", "sign", "bitwise_not"])
def test_some_results_have_the_type_of_the_input(name: str) -> None:
    """Where other functions may give any floating type."""
    x, out = ao.zeros((2,), "float32"), ao.zeros((2,), "float16")
    if name == "bitwise_not":
        x, out = ao.zeros((2,), "int8"), ao.zeros((2,), "int16")
    with pytest.raises(ao.AclError, match="it must be ACL_") as raised:
        getattr(ao.ops, name)(x, *([0] if name == "gelu_v2" else []), out=out)
    assert raised.value.code == 161002
