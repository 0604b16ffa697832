"""Losses by element and their gradients, kept and reduced."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from kernels.arrays import FLOATS, Array, assert_close, blank, covers, layout, part_of, random, shape_of, wide

import ascend_ops as ao
from ascend_ops.ops._names import operator_name


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def soft_margin_slope(g: Array, x: Array, y: Array) -> Array:
    return -g * y * np.exp(-x * y) / (1 + np.exp(-x * y))


def smooth(x: Array, y: Array, beta: float) -> Array:
    d = np.abs(x - y)
    return np.where(d < beta, 0.5 * d * d / beta, d - 0.5 * beta)


def smooth_slope(g: Array, x: Array, y: Array, beta: float) -> Array:
    d = x - y
    return g * np.where(np.abs(d) < beta, d / beta, np.sign(d))


def bce(p: Array, t: Array, w: Array) -> Array:
    """Logarithms end at -100, as in PyTorch."""
    return -w * (t * np.maximum(np.log(p), -100) + (1 - t) * np.maximum(np.log1p(-p), -100))


def bce_slope(g: Array, p: Array, t: Array, w: Array) -> Array:
    return g * w * (p - t) / np.maximum(p * (1 - p), 1e-12)


def logits(x: Array, t: Array, w: Array, q: Array) -> Array:
    return -w * (q * t * np.log(sigmoid(x)) + (1 - t) * np.log(sigmoid(-x)))


def logits_slope(g: Array, x: Array, t: Array, w: Array, q: Array) -> Array:
    return g * w * ((1 - t) * sigmoid(x) - q * t * sigmoid(-x))


def logits_target_slope(g: Array, x: Array, t: Array, w: Array, q: Array) -> Array:
    return g * w * (np.log(sigmoid(-x)) - q * np.log(sigmoid(x))) + 0 * t


def kl(x: Array, t: Array, is_log: bool) -> Array:
    """Documented: NaN for targets of 0 and less (PyTorch: 0 for targets of 0)."""
    return np.exp(t) * (t - x) if is_log else np.where(t > 0, t * (np.log(t) - x), np.nan)


def kl_slope(g: Array, x: Array, t: Array, is_log: bool) -> Array:
    return -g * (np.exp(t) if is_log else np.where(t > 0, t, 0)) + 0 * x


def kl_target_slope(g: Array, x: Array, t: Array, is_log: bool) -> Array:
    """As documented, the limit at a target of 0 included (PyTorch: 0 there)."""
    return g * (np.exp(t) * (t - x + 1) if is_log else np.log(t) - x + 1)


@dataclass(frozen=True)
class Loss:
    operator: str
    reference: Callable[..., Array]
    ranges: tuple[tuple[float, float], ...]
    """Of each input; a weight is an input that broadcasts."""
    numbers: tuple[Any, ...] = ()
    gradient: bool = False
    batch: bool = False
    ulps: float = 4
    absolute: float = 2e-5
    out: str = "out"


ANY, UNIT = (-3.0, 3.0), (0.05, 0.95)
LOSSES = [
    Loss("aclnnMseLoss", lambda x, y: (x - y) ** 2, (ANY, ANY)),
    Loss("aclnnMseLossBackward", lambda g, x, y: 2 * g * (x - y), (ANY,) * 3, gradient=True),
    Loss("aclnnL1Loss", lambda x, y: np.abs(x - y), (ANY, ANY)),
    Loss(
        "aclnnL1LossBackward", lambda g, x, y: g * np.sign(x - y), (ANY,) * 3, gradient=True, out="grad_input"
    ),
    Loss("aclnnSmoothL1Loss", smooth, (ANY, ANY), (0.75,), out="result"),
    Loss("aclnnSmoothL1LossBackward", smooth_slope, (ANY,) * 3, (0.75,), gradient=True, out="grad_input"),
    Loss("aclnnSoftMarginLoss", lambda x, y: np.log1p(np.exp(-x * y)), (ANY, ANY)),
    Loss("aclnnSoftMarginLossBackward", soft_margin_slope, (ANY,) * 3, gradient=True),
    Loss("aclnnBinaryCrossEntropy", bce, (UNIT, UNIT, ANY)),
    Loss("aclnnBinaryCrossEntropyBackward", bce_slope, (ANY, UNIT, UNIT, ANY), gradient=True),
    Loss("aclnnBinaryCrossEntropyWithLogits", logits, (ANY, UNIT, ANY, ANY)),
    Loss(
        "aclnnBinaryCrossEntropyWithLogitsBackward", logits_slope, (ANY, ANY, UNIT, ANY, ANY), gradient=True
    ),
    Loss(
        "aclnnBinaryCrossEntropyWithLogitsTargetBackward",
        logits_target_slope,
        (ANY, ANY, UNIT, ANY, ANY),
        gradient=True,
        out="grad_target",
    ),
    Loss("aclnnKlDiv", kl, (ANY, UNIT), (False,), batch=True),
    Loss("aclnnKlDiv", kl, (ANY, ANY), (True,), batch=True),
    Loss("aclnnKlDivBackward", kl_slope, (ANY, ANY, UNIT), (False,), gradient=True, batch=True),
    Loss("aclnnKlDivBackward", kl_slope, (ANY, ANY, ANY), (True,), gradient=True, batch=True),
    Loss(
        "aclnnKlDivTargetBackward",
        kl_target_slope,
        (ANY, ANY, UNIT),
        (False,),
        gradient=True,
        batch=True,
        out="grad_target",
    ),
    Loss(
        "aclnnKlDivTargetBackward",
        kl_target_slope,
        (ANY, ANY, ANY),
        (True,),
        gradient=True,
        batch=True,
        out="grad_target",
    ),
]


def reduced(loss: Loss, values: Array, reduction: int, batch: int) -> Array:
    if loss.gradient:
        return values / {1: values.size, 3: batch}.get(reduction, 1)
    return np.asarray(values.sum() / {1: values.size, 3: batch}.get(reduction, 1))


def call_loss(loss: Loss, rng: np.random.Generator, dtype: str, reduction: int) -> None:
    shape = shape_of(rng, largest=5, smallest=1) or (3,)
    first = 1 if loss.gradient else 0
    shapes = [shape if k in (first, first + 1) else part_of(rng, shape) for k in range(len(loss.ranges))]
    host = [random(rng, each, dtype, *limits) for each, limits in zip(shapes, loss.ranges, strict=True)]
    expected = np.asarray(loss.reference(*map(wide, host), *loss.numbers))
    if reduction:
        expected = reduced(loss, expected, reduction, shape[0])
    out = blank(rng, expected.shape, dtype)
    call = getattr(ao.ops, operator_name(loss.operator))
    call(*(layout(rng, values) for values in host), reduction, *loss.numbers, **{loss.out: out})
    scale = max(1.0, float(np.abs(expected).max()))
    assert_close(out, expected, dtype, loss.ulps, loss.absolute * scale)


@pytest.mark.parametrize(
    "loss", [pytest.param(each, id=each.operator, marks=covers(each.operator, FLOATS)) for each in LOSSES]
)
def test_losses_and_gradients(loss: Loss) -> None:
    rng = np.random.default_rng(zlib.crc32(loss.operator.encode()))
    for dtype in FLOATS.split():
        for reduction in range(4 if loss.batch else 3):
            call_loss(loss, rng, dtype, reduction)


@covers("aclnnMseLossOut", FLOATS)
@pytest.mark.parametrize("dtype", FLOATS.split())
def test_mse_loss_out_reduces_the_first_axis_alone(dtype: str) -> None:
    rng = np.random.default_rng(5)
    x, y = random(rng, (4, 3, 2), dtype), random(rng, (3, 1), dtype)
    losses = (wide(x) - wide(y)) ** 2
    for reduction, expected in enumerate((losses, losses.mean(0), losses.sum(0))):
        out = blank(rng, expected.shape, dtype)
        ao.ops.mse_loss_out(layout(rng, x), layout(rng, y), reduction, out=out)
        assert_close(out, expected, dtype, 2)


@covers("aclnnL1Loss", "int64")
def test_the_absolute_loss_of_integers() -> None:
    x, y = np.array([1, -5, 7]), np.array([4, -5, 2])
    for reduction, expected in enumerate(([3, 0, 5], 2, 8)):
        shape = (3,) if reduction == 0 else ()
        out = ao.zeros(shape, "int64")
        ao.ops.l1_loss(ao.asarray(x), ao.asarray(y), reduction, out=out)
        assert out.numpy().tolist() == expected


def test_absent_weights_are_one() -> None:
    p, t = np.float32([0.25, 0.5, 0.0]), np.float32([1, 0, 1])
    result = ao.ops.binary_cross_entropy(ao.asarray(p), ao.asarray(t), None, 0)
    assert_close(result, [-np.log(0.25), -np.log(0.5), 100], "float32", 2)
    x = np.float32([-100, 100, 0])
    result = ao.ops.binary_cross_entropy_with_logits(ao.asarray(x), ao.asarray(t), None, None, 0)
    assert_close(result, [100, 100, np.log(2)], "float32", 2)


def test_no_reduction_of_a_large_tensor_is_a_matter_of_its_order() -> None:
    values = np.random.default_rng(3).uniform(-3, 3, (257, 301)).astype(np.float32)
    x, zero = ao.asarray(values), ao.zeros((301,), "float32")
    out = ao.zeros((), "float32")
    ao.ops.mse_loss(x, zero, 1, out=out)
    assert_close(out, (values.astype(np.float64) ** 2).mean(), "float32", 1)


def test_a_divergence_from_nothing_is_nan() -> None:
    x, t = ao.asarray(np.float32([1, 1])), ao.asarray(np.float32([0, -1]))
    assert np.isnan(ao.ops.kl_div(x, t, 0, False).numpy()).all()


REFUSED = [
    ("mse_loss", "float32", 3, (), "reduction is 3; allowed are 0"),
    ("mse_loss", "float64", 0, (), "data type of self"),
    ("kl_div", "float32", 4, (False,), "3 .sum over batch size"),
    ("mse_loss", "float32", 1, (), "one element"),
]


@pytest.mark.parametrize(("name", "dtype", "reduction", "numbers", "text"), REFUSED)
def test_refusals(name: str, dtype: str, reduction: int, numbers: tuple[object, ...], text: str) -> None:
    x = ao.zeros((2, 3), dtype)
    with pytest.raises(ao.AclError, match=text) as raised:
        getattr(ao.ops, name)(x, x, reduction, *numbers, out=x)
    assert raised.value.code == 161002
