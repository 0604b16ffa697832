"""Losses whose targets name classes, and cross entropy against probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from kernels.arrays import FLOATS, Array, assert_close, blank, covers, layout, random, wide

import ascend_ops as ao

IGNORED = 2
REDUCTIONS = ("none", "mean", "sum")


def one_hot(target: Array, classes: int) -> Array:
    """Rows of zeros for the ignored class."""
    return np.eye(classes)[target] * (target != IGNORED)[..., None]


def reduce(losses: Array, weights: Array, reduction: int) -> Array:
    total = losses.sum()
    return (losses, np.reshape(total / weights.sum(), 1), np.reshape(total, 1))[reduction]


def nll_case(rng: np.random.Generator, dtype: str, grid: tuple[int, ...]) -> tuple[Array, Array, Array]:
    scores = random(rng, (4, 5, *grid), dtype)
    return scores, rng.integers(0, 5, (4, *grid)), random(rng, (5,), dtype, 0.25, 2)


NLL = "aclnnNLLLoss aclnnNLLLossBackward", ()
NLL_2D = "aclnnNLLLoss2d aclnnNLLLoss2dBackward", (2, 3)


@pytest.mark.parametrize(
    ("suffix", "grid"),
    [
        pytest.param("", NLL[1], marks=covers(NLL[0], FLOATS)),
        pytest.param("2d", NLL_2D[1], marks=covers(NLL_2D[0], FLOATS)),
    ],
)
@pytest.mark.parametrize("reduction", range(3), ids=REDUCTIONS)
@pytest.mark.parametrize("dtype", FLOATS.split())
def test_negative_log_likelihood(suffix: str, grid: tuple[int, ...], reduction: int, dtype: str) -> None:
    rng = np.random.default_rng(reduction)
    scores, target, weight = nll_case(rng, dtype, grid)
    chosen = np.moveaxis(one_hot(target, 5), -1, 1) * wide(weight).reshape(5, *(1,) * len(grid))
    losses, weights = -(chosen * wide(scores)).sum(1), chosen.sum(1)
    kind = rng.choice(["int64", "int32", "uint8"])
    device = [layout(rng, values) for values in (scores, target.astype(kind), weight)]
    expected = reduce(losses, weights, reduction)
    out, total = blank(rng, expected.shape, dtype), blank(rng, (1,), dtype)
    getattr(ao.ops, f"nll_loss{suffix}")(*device, reduction, IGNORED, out=out, total_weight_out=total)
    assert_close(out, expected, dtype, 2)
    assert_close(total, weights.sum()[None], dtype, 2)

    gradient = random(rng, expected.shape, dtype)
    slope = blank(rng, scores.shape, dtype)
    getattr(ao.ops, f"nll_loss{suffix}_backward")(
        layout(rng, gradient), *device, reduction, IGNORED, total, out=slope
    )
    given = wide(gradient) if reduction == 0 else np.full(target.shape, wide(gradient)[0])
    by = wide(total.numpy())[0] if reduction == 1 else 1
    assert_close(slope, -chosen * given[:, None] / by, dtype, 2)


@covers("aclnnNLLLoss aclnnNLLLossBackward", "float32")
def test_one_row_of_classes() -> None:
    scores, weight = ao.asarray(np.float32([1, 2, 4])), ao.asarray(np.float32([1, 1, 0.5]))
    target = ao.asarray(np.array(2))
    out, total = ao.ops.nll_loss(scores, target, weight, 0, -100)
    assert out.numpy().tolist() == [-2.0]
    slope = ao.ops.nll_loss_backward(out, scores, target, weight, 0, -100, total)
    assert slope.numpy().tolist() == [0, 0, 1.0]


def log_softmax(x: Array) -> Array:
    shifted = x - x.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


@covers("aclnnCrossEntropyLoss aclnnCrossEntropyLossGrad", FLOATS)
@pytest.mark.parametrize("reduction", range(3), ids=REDUCTIONS)
@pytest.mark.parametrize("dtype", FLOATS.split())
def test_cross_entropy_of_classes(reduction: int, dtype: str) -> None:
    rng = np.random.default_rng(reduction)
    scores, target, _ = nll_case(rng, dtype, ())
    weight = random(rng, (5,), "float32", 0.25, 2) if reduction else None
    smoothing = 0.25 if dtype == "float32" else 0.0
    scale = np.ones(5) if weight is None else wide(weight)
    logs, chosen = log_softmax(wide(scores)), one_hot(target, 5) * scale
    smooth = -(logs * scale).sum(1) / 5 * (target != IGNORED)
    losses, weights = -(chosen * logs).sum(1) * (1 - smoothing) + smoothing * smooth, chosen.sum(1)
    expected = reduce(losses, weights, reduction)
    device = layout(rng, scores), layout(rng, target), None if weight is None else layout(rng, weight)
    name = REDUCTIONS[reduction]
    loss, logarithms, _, _ = ao.ops.cross_entropy_loss(*device, name, IGNORED, smoothing, 0.0, False)
    assert_close(loss, expected, dtype, 4, 1e-6)
    assert_close(logarithms, logs, dtype, 4, 1e-6)

    shape = (4,) if reduction == 0 else ()
    gradient, given = random(rng, shape, dtype), random(rng, scores.shape, dtype, -3, 0)
    slope = blank(rng, scores.shape, dtype)
    ao.ops.cross_entropy_loss_grad(
        layout(rng, gradient),
        layout(rng, given),
        device[1],
        device[2],
        None,
        None,
        name,
        IGNORED,
        0.0,
        0.0,
        out=slope,
    )
    rows = np.broadcast_to(wide(gradient), (4,)) * weights / (weights.sum() if reduction == 1 else 1)
    expected = (np.exp(wide(given)) - one_hot(target, 5)) * rows[:, None]
    assert_close(slope, expected, dtype, 4, 1e-6)


@covers("aclnnSoftmaxCrossEntropyWithLogits", FLOATS)
@pytest.mark.parametrize("dtype", FLOATS.split())
def test_cross_entropy_of_probabilities(dtype: str) -> None:
    rng = np.random.default_rng(1)
    features, labels = random(rng, (6, 70), dtype, -9, 9), random(rng, (6, 70), dtype, 0, 0.03)
    loss, slope = blank(rng, (6,), dtype), blank(rng, (6, 70), dtype)
    ao.ops.softmax_cross_entropy_with_logits(
        layout(rng, features), layout(rng, labels), loss=loss, backprop=slope
    )
    logs = log_softmax(wide(features))
    assert_close(loss, -(wide(labels) * logs).sum(1), dtype, 4)
    assert_close(slope, np.exp(logs) - wide(labels), dtype, 4, 1e-7)


def test_a_class_out_of_range_touches_no_memory() -> None:
    scores, weight = ao.zeros((2, 3), "float32"), ao.zeros((3,), "float32")
    stream = ao.Stream()
    with stream:
        ao.ops.nll_loss(scores, ao.asarray(np.array([0, 3])), weight, 0, -100)
    with pytest.raises(ao.AclError, match="target names class 3 of 3 at position 1") as raised:
        stream.synchronize()
    assert raised.value.code == 507015


REFUSED = [
    (("other", 0, 0.0), 161002, "reductionOptional is .other.; allowed are mean"),
    (("mean", 0, 2.0), 161002, "labelSmoothing is 2"),
]


@pytest.mark.parametrize(("attributes", "code", "text"), REFUSED)
def test_refusals(attributes: tuple[object, ...], code: int, text: str) -> None:
    scores, target = ao.zeros((2, 3), "float32"), ao.zeros((2,), "int64")
    with pytest.raises(ao.AclError, match=text) as raised:
        ao.ops.cross_entropy_loss(scores, target, None, *attributes, 0.0, False)
    assert raised.value.code == code


def test_a_smoothed_gradient_is_refused_by_name() -> None:
    x, target, gradient = ao.zeros((2, 3), "float32"), ao.zeros((2,), "int64"), ao.zeros((), "float32")
    with pytest.raises(ao.AclError, match=r"no kernel for labelSmoothing 0\.5") as raised:
        ao.ops.cross_entropy_loss_grad(
            gradient, x, target, None, None, None, "mean", 0, 0.5, 0.0, out=ao.zeros((2, 3), "float32")
        )
    assert raised.value.code == 561003
