"""Losses of label lists, distances of point sets, transport plans, and heads of attention side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import FLOATS, Array, assert_close, blank, covers, layout, random, wide

import ascend_ops as ao


def margin_loss(x: Array, labels: list[int]) -> float:
    others = [i for i in range(len(x)) if i not in labels]
    return sum(max(0.0, 1 - x[j] + x[i]) for j in labels for i in others) / len(x)


@covers("aclnnMultilabelMarginLoss", FLOATS)
@pytest.mark.parametrize("dtype", FLOATS.split())
@pytest.mark.parametrize("reduction", [0, 1, 2])
def test_multilabel_margin_loss(reduction: int, dtype: str) -> None:
    """max(0, 1 - (x[label] - x[other])), as in PyTorch: the document's formula lacks the brackets."""
    rng = np.random.default_rng(reduction)
    host, labels = random(rng, (3, 4), dtype), [[2, 0], [], [1, 3, 0, 2]]
    target = np.array([[2, 0, -1, 3], [-1, 1, 2, 0], [1, 3, 0, 2]], rng.choice(["int32", "int64"]))
    losses = [margin_loss(wide(row), each) for row, each in zip(host, labels, strict=True)]
    out, is_target = ao.ops.multilabel_margin_loss(layout(rng, host), layout(rng, target), reduction)
    assert_close(out, [losses, np.mean(losses), np.sum(losses)][reduction], dtype, 1)
    assert_close(is_target, [[i in each for i in range(4)] for each in labels], dtype, 0)
    alone = ao.ops.multilabel_margin_loss(ao.asarray(host[0]), ao.asarray(target[0]), reduction)
    assert_close(alone[0], losses[0], dtype, 1)


@covers("aclnnChamferDistanceBackward", "float32 float16")
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_chamfer_distance_backward(dtype: str) -> None:
    rng, sizes = np.random.default_rng(1), (5, 3)
    points = [random(rng, (2, n, 2), dtype) for n in sizes]
    nearest = [
        rng.integers(0, other, (2, n)).astype(np.int32) for n, other in zip(sizes, sizes[::-1], strict=True)
    ]
    pulls = [random(rng, (2, n), dtype) for n in sizes]
    expected = [np.zeros((2, n, 2)) for n in sizes]
    for k in range(2):
        for b, i in np.ndindex(2, sizes[k]):
            j = nearest[k][b, i]
            slope = 2 * float(pulls[k][b, i]) * (wide(points[k])[b, i] - wide(points[1 - k])[b, j])
            expected[k][b, i] += slope
            expected[1 - k][b, j] -= slope
    tensors = [layout(rng, each) for each in (*points, *nearest, *pulls)]
    for out, wanted in zip(ao.ops.chamfer_distance_backward(*tensors), expected, strict=True):
        assert_close(out, wanted, dtype, 1, 1e-6)


@covers("aclnnSinkhorn", FLOATS)
@pytest.mark.parametrize("dtype", FLOATS.split())
def test_sinkhorn(dtype: str) -> None:
    rng, (rows, columns), tolerance = np.random.default_rng(2), (6, 4), 1e-6
    host = random(rng, (rows, columns), dtype, 0, 1)
    cost, by_column, error = np.exp(wide(host)), np.ones(columns), 1e9
    while error > tolerance:
        by_row = 1 / (rows * ((by_column * cost).sum(1) + 1e-8))
        before, by_column = by_column, 1 / (columns * ((by_row[:, None] * cost).sum(0) + 1e-8))
        error = np.abs(before - by_column).mean()
    out = ao.ops.sinkhorn(layout(rng, host), tolerance)
    assert_close(out, by_column * cost * by_row[:, None], dtype, 1)
    assert_close(out.numpy().astype(np.float64).sum(0), np.full(columns, 1 / columns), "float64", 0, 1e-2)
    assert ao.ops.sinkhorn(layout(rng, host), None).shape == (rows, columns)


@covers("aclnnTransformBiasRescaleQkv", FLOATS)
@pytest.mark.parametrize("dtype", FLOATS.split())
def test_transform_bias_rescale_qkv(dtype: str) -> None:
    rng, (b, t, heads, d) = np.random.default_rng(3), (2, 3, 4, 5)
    qkv, bias = random(rng, (b, t, 3 * heads * d), dtype, special=True), random(rng, (3 * heads * d,), dtype)
    parts = (wide(qkv) + wide(bias)).reshape(b, t, 3, heads, d).transpose(2, 0, 3, 1, 4)
    outs = [blank(rng, (b, heads, t, d), dtype) for _ in range(3)]
    ao.ops.transform_bias_rescale_qkv(layout(rng, qkv), layout(rng, bias), heads, out=tuple(outs))
    for out, wanted, divisor in zip(outs, parts, [np.sqrt(d), 1, 1], strict=True):
        assert_close(out, wanted / divisor, dtype, 1, 1e-6)


def zeros(*shape: int, dtype: str = "float32") -> ao.Tensor:
    return ao.asarray(np.zeros(shape, dtype))


LABELS, HEAD = zeros(2, dtype="int32"), zeros(1, 2, 2, 1)
REFUSALS: list[tuple[str, Any]] = [
    (
        "reduction is 3",
        lambda: ao.ops.multilabel_margin_loss(zeros(2), LABELS, 3, out=(zeros(), zeros(2))),
    ),
    ("data type of target", lambda: ao.ops.multilabel_margin_loss(zeros(2), zeros(2), 1)),
    (
        "numHeads is 2",
        lambda: ao.ops.transform_bias_rescale_qkv(zeros(1, 2, 9), zeros(9), 2, out=(HEAD,) * 3),
    ),
    ("cost", lambda: ao.ops.sinkhorn(zeros(1, 1025), 0.1)),
]


@pytest.mark.parametrize(("text", "call"), REFUSALS)
def test_refusals_name_the_argument(text: str, call: Any) -> None:
    with pytest.raises(ao.AscendError, match=text) as refused:
        call()
    assert refused.value.code == 161002


def test_labels_that_are_no_classes_fail_on_the_device() -> None:
    stream = ao.Stream()
    with stream:
        ao.ops.multilabel_margin_loss(zeros(2), ao.asarray(np.array([5, -1])), 1)
        with pytest.raises(ao.AscendError, match="target holds 5") as refused:
            stream.synchronize()
    stream.close()
    assert refused.value.code == 507015
