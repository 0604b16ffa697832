"""Distances of the rows of one matrix, and matrices made of sums along a line."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import FLOATS, Array, assert_close, blank, covers, layout, random, wide

import ascend_ops as ao


@covers("aclnnPdist aclnnPdistForward", "float32 float16")
@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("p", [0.0, 1.0, 2.0, 3.5, np.inf])
def test_distances_of_pairs(p: float, dtype: str) -> None:
    rng = np.random.default_rng(1)
    host = random(rng, (5, 4), dtype)
    pairs = np.abs(wide(host)[:, None] - wide(host)[None])[np.triu_indices(5, 1)]
    expected = np.linalg.norm(pairs, p, axis=1)
    assert_close(ao.ops.pdist(layout(rng, host), p), expected, dtype)
    assert_close(ao.ops.pdist_forward(layout(rng, host), p), expected, dtype)


def test_one_row_has_no_pairs() -> None:
    assert ao.ops.pdist(ao.asarray(np.ones((1, 3), np.float32)), 2.0).shape == (0,)
    assert_close(ao.ops.pdist(ao.asarray(np.ones((3, 0), np.float32)), 2.0), np.zeros(3), "float32")


def segment_sums(x: Array) -> Array:
    n = x.shape[-1]
    out = np.full((*x.shape, n), -np.inf)
    for i in range(n):
        for j in range(i + 1):
            out[..., i, j] = x[..., j + 1 : i + 1].sum(-1)
    return np.exp(out)


@covers("aclnnExpSegsum", FLOATS)
@pytest.mark.parametrize("dtype", FLOATS.split())
def test_exp_segsum(dtype: str) -> None:
    rng = np.random.default_rng(2)
    for shape in [(2, 3, 6), (1, 2, 3, 4), (2, 0, 4)]:
        host = random(rng, shape, dtype, -1, 1)
        out = blank(rng, (*shape, shape[-1]), dtype)
        assert_close(ao.ops.exp_segsum(layout(rng, host), out=out), segment_sums(wide(host)), dtype, 8)


@covers("aclnnExpSegsumBackward", FLOATS)
@pytest.mark.parametrize("dtype", FLOATS.split())
def test_exp_segsum_backward(dtype: str) -> None:
    """x[i] is part of every sum that begins before it and ends at it or behind it."""
    rng = np.random.default_rng(3)
    for shape in [(2, 3, 5), (1, 2, 3, 4)]:
        n = shape[-1]
        grad, result = random(rng, (*shape, n), dtype), random(rng, (*shape, n), dtype, 0, 2)
        product = np.tril(wide(grad) * wide(result), -1)
        expected = np.stack([product[..., i:, :i].sum((-2, -1)) for i in range(n)], -1)
        out = ao.ops.exp_segsum_backward(layout(rng, grad), layout(rng, result), out=blank(rng, shape, dtype))
        assert_close(out, expected, dtype, 1, 1e-6)


def zeros(*shape: int, dtype: str = "float32") -> ao.Tensor:
    return ao.asarray(np.zeros(shape, dtype))


REFUSALS: list[tuple[str, Any]] = [
    ("p is -1", lambda: ao.ops.pdist(zeros(3, 2), -1.0)),
    ("self", lambda: ao.ops.pdist_forward(zeros(3, 2, dtype="float64"), 2.0)),
    ("self", lambda: ao.ops.exp_segsum(zeros(3, 2), out=zeros(3, 2, 2))),
]


@pytest.mark.parametrize(("text", "call"), REFUSALS)
def test_refusals_name_the_argument(text: str, call: Any) -> None:
    with pytest.raises(ao.AscendError, match=text) as refused:
        call()
    assert refused.value.code == 161002
