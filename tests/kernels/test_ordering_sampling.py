"""Top k and top p: what stays of logits, and which of it is drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import FLOATS, Array, assert_close, blank, covers, layout, random, wide
from kernels.moves import fails_on_device

import ascend_ops as ao

ROWS, WORDS = 5, 40
HALVES = "float16 bfloat16"


def softmax(x: Array) -> Array:
    powers = np.exp(x - x.max())
    return np.asarray(powers / powers.sum())


def filtered(row: Array, k: int | None, p: float | None) -> Array:
    """All equal to the k-th largest stay; of p, the sum begins with the smallest, and the largest stays."""
    order, cut = np.argsort(row, kind="stable"), 0
    values = row[order]
    if k is not None and 0 < k < len(row):
        cut = int((values < values[len(row) - k]).sum())
    if p is not None:
        sums = np.cumsum(softmax(values[cut:]))
        cut += min(int((sums <= 1 - p).sum()), len(sums) - 1)
    values[:cut] = -np.inf
    out = np.empty_like(row)
    out[order] = values
    return out


def distinct(rng: np.random.Generator, dtype: str) -> Array:
    """Rows without equal numbers, whose order nobody promises."""
    x = np.stack([rng.permutation(WORDS) for _ in range(ROWS)]) / 8.0 - 2
    return x.astype(random(rng, (), dtype).dtype)


@covers("aclnnApplyTopKTopP", FLOATS)
@pytest.mark.parametrize("by", ["k", "p", "both"])
def test_what_stays_of_logits(by: str) -> None:
    rng = np.random.default_rng(1)
    for dtype in FLOATS.split():
        x = distinct(rng, dtype)
        x[0, :2] = x[0].max() + 1
        k, p = np.array([1, 7, 0, WORDS, 3], np.int32), np.array([0.5, 0.7, 0.9, 0.0, 0.3])
        p = p.astype(x.dtype)
        out = blank(rng, x.shape, dtype)
        ao.ops.apply_top_k_top_p(
            layout(rng, x),
            None if by == "k" else layout(rng, p),
            None if by == "p" else layout(rng, k),
            out=out,
        )
        expected = [
            filtered(wide(x)[r], None if by == "p" else int(k[r]), None if by == "k" else float(wide(p)[r]))
            for r in range(ROWS)
        ]
        assert_close(out, np.stack(expected), dtype, 0)


def sampled(row: Array, k: int, p: float, q: Array | None) -> tuple[int, Array]:
    """As A2's kernel has it where the document is open: with neither k nor p nothing is kept; without k the
    probabilities take the place of the logits once p has cut them; q goes with the sorted order."""
    kept, by_k, by_p = np.full(len(row), -np.inf), k <= min(len(row), 1024), 0 < p < 1
    order = np.argsort(-row, kind="stable")[: k if by_k else None]
    if not by_k and not by_p:
        order = np.arange(len(row))
    values = row[order]
    chances = softmax(values)
    if by_p:
        order = order[: min(int((np.cumsum(chances) <= p).sum()) + 1, len(order))]
        chances = softmax((values if by_k else chances)[: len(order)])
    if by_k or by_p:
        kept[order] = row[order]
    if q is not None:
        chances = chances / (np.abs(q[: len(order)]) + 1e-8)
    return int(order[chances.argmax()]), kept


@covers("aclnnTopKTopPSample", HALVES)
@pytest.mark.parametrize("drawn", [False, True])
def test_samples(drawn: bool) -> None:
    rng = np.random.default_rng(2)
    for dtype in HALVES.split():
        x = distinct(rng, dtype)
        q = rng.exponential(size=x.shape).astype(np.float32) if drawn else None
        k, p = np.array([4, 9, 1000, 2000, 1], np.int32), np.array([0.4, 1, 0.6, 1, 0.9]).astype(x.dtype)
        chosen, kept = blank(rng, (ROWS,), "int64"), blank(rng, x.shape, "float32")
        given = layout(rng, x), layout(rng, k), layout(rng, p), None if q is None else layout(rng, q)
        ao.ops.top_k_top_p_sample(*given, 1e-8, True, 4, out=(chosen, kept))
        expected = [
            sampled(wide(x)[r], int(k[r]), float(wide(p)[r]), None if q is None else q[r])
            for r in range(ROWS)
        ]
        assert_close(chosen, [each[0] for each in expected], "int64")
        assert_close(kept, np.stack([each[1] for each in expected]), "float32", 0)
        untouched = blank(rng, x.shape, "float32")
        ao.ops.top_k_top_p_sample(*given, 1e-8, False, 4, out=(chosen, untouched))
        assert not untouched.numpy().any()


X, N, ONE = np.ones((2, 8), np.float16), np.ones(2, np.int32), np.ones(2, np.float16)


@pytest.mark.parametrize(
    ("name", "arguments", "status", "text"),
    [
        ("apply_top_k_top_p", (X, None, None), 161001, "p and k are NULL"),
        ("apply_top_k_top_p", (X, ONE[:1], None), 161002, "p is"),
        ("apply_top_k_top_p", (X, ONE.astype(np.float32), N), 161002, "p has data type"),
        ("top_k_top_p_sample", (X, N, ONE, None, 1e-8, False, 0), 161002, "topKGuess must be positive"),
        ("top_k_top_p_sample", (X, N, ONE, ONE.astype(np.float32), 1e-8, False, 4), 161002, "q is"),
        (
            "top_k_top_p_sample",
            (X.astype(np.float32), N, ONE, None, 1e-8, False, 4),
            161002,
            "data type of logits",
        ),
    ],
)
def test_what_does_not_fit_is_refused(name: str, arguments: tuple[Any, ...], status: int, text: str) -> None:
    given = [ao.asarray(each) if isinstance(each, np.ndarray) else each for each in arguments]
    outs = (
        (ao.zeros((2,), "int64"), ao.zeros((2, 8), "float32"))
        if "sample" in name
        else ao.zeros((2, 8), "float16")
    )
    with pytest.raises(ao.AclError, match=text) as refusal:
        getattr(ao.ops, name)(*given, out=outs)
    assert refusal.value.code == status


def test_a_top_k_of_none_fails_in_the_stream() -> None:
    given = (ao.asarray(each) for each in (X, N - 1, ONE))
    out = ao.zeros((2,), "int64"), ao.zeros((2, 8), "float32")
    fails_on_device(lambda: ao.ops.top_k_top_p_sample(*given, None, 1e-8, False, 4, out=out), "topK is 0")
