"""Factors of matrices and what is made of them: singular values, Cholesky, determinants' logarithms; the
gradient of distances. Vectors of a decomposition are anybody's choice up to a phase, so that factors are
judged by what they are for: their product, and that they are orthonormal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import (
    COMPLEXES,
    FLOATS,
    Array,
    assert_close,
    blank,
    covers,
    layout,
    random,
    wide,
)

import ascend_ops as ao

FACTORED = f"float32 float64 {COMPLEXES}"
NEAR = {"float32": 1e-5, "float64": 1e-13, "complex64": 1e-5, "complex128": 1e-13}


@covers("aclnnSvd", FACTORED)
@pytest.mark.parametrize("shape", [(2, 5, 3), (3, 6), (4, 4)])
@pytest.mark.parametrize("full", [False, True])
def test_singular_values(shape: tuple[int, ...], full: bool) -> None:
    rng = np.random.default_rng(sum(shape) + full)
    for dtype in FACTORED.split():
        a = random(rng, shape, dtype)
        sigma, u, v = ao.ops.svd(layout(rng, a), full, True)
        assert sigma.numpy().dtype == a.dtype
        s, left, right = (each.numpy() for each in (sigma, u, v))
        k = s.shape[-1]
        np.testing.assert_allclose(s, np.linalg.svd(a, compute_uv=False), atol=NEAR[dtype] * 20)
        product = (left[..., :k] * s[..., None, :]) @ right[..., :k].conj().swapaxes(-1, -2)
        np.testing.assert_allclose(product, a, atol=NEAR[dtype] * 20)
        for side in (left, right):
            assert side.shape[-2:] == ((side.shape[-2],) * 2 if full else (side.shape[-2], k))
            gram = side.conj().swapaxes(-1, -2) @ side
            np.testing.assert_allclose(
                gram, np.broadcast_to(np.eye(gram.shape[-1]), gram.shape), atol=NEAR[dtype]
            )
        alone, other = ao.zeros(s.shape, dtype=dtype), ao.zeros((1,), dtype=dtype)
        ao.ops.svd(ao.asarray(a), full, False, out=(alone, other, other))
        np.testing.assert_allclose(alone.numpy(), s, atol=NEAR[dtype])
        assert not other.numpy().any()


def test_singular_values_of_matrices_without_full_rank() -> None:
    a = np.outer(np.arange(4.0), np.ones(3)).astype(np.float32)
    for given in (a, a.T.copy(), np.zeros((3, 2), np.float32)):
        sigma, u, v = (each.numpy() for each in ao.ops.svd(ao.asarray(given), False, True))
        np.testing.assert_allclose((u * sigma) @ v.T, given, atol=1e-5)
        np.testing.assert_allclose(u.T @ u, np.eye(u.shape[1]), atol=1e-6)
        np.testing.assert_allclose(v.T @ v, np.eye(v.shape[1]), atol=1e-6)


@covers("aclnnLinalgCholesky", "float32 bfloat16")
@pytest.mark.parametrize("upper", [False, True])
def test_cholesky_factors(upper: bool) -> None:
    rng = np.random.default_rng(1)
    for dtype in ("float32", "bfloat16"):
        # Small integers, so that a is exact in BF16 too.
        x = np.tril(rng.integers(1, 3, (2, 4, 4))).astype(np.float64)
        a = random(rng, (2, 4, 4), dtype)
        a[:] = (x @ x.swapaxes(-1, -2)).astype(a.dtype)
        out = blank(rng, a.shape, dtype)
        ao.ops.linalg_cholesky(layout(rng, a), upper, out=out)
        assert_close(out, x.swapaxes(-1, -2) if upper else x, dtype)
    bad = ao.ops.linalg_cholesky(ao.asarray(np.array([[1.0, 2], [2, 1]], np.float32)), upper).numpy()
    assert bad[0, 0] == 1
    assert np.isnan(bad[1, 1])


@covers("aclnnLogdet", FACTORED)
def test_logarithms_of_determinants() -> None:
    rng = np.random.default_rng(2)
    for dtype in FACTORED.split():
        a = random(rng, (6, 3, 3), dtype)
        a[0, 0] = a[0, 1] = 0
        with np.errstate(all="ignore"):
            expected = np.log(np.linalg.det(a.astype(np.complex128 if dtype in COMPLEXES else np.float64)))
        out = blank(rng, (6,), dtype)
        ao.ops.logdet(layout(rng, a), out=out)
        np.testing.assert_allclose(out.numpy()[1:], expected[1:], atol=NEAR[dtype] * 4)
        assert out.numpy()[0].real == -np.inf


def norm_gradient(grad: Array, x: Array, y: Array, distance: Array, p: float) -> Array:
    """As PyTorch has it: 0 where the norm has no derivative; of the largest difference, all that are it."""
    d = x[..., :, None, :] - y[..., None, :, :]
    size = distance[..., None]
    with np.errstate(all="ignore"):
        if p == 0:
            slope = np.zeros_like(d)
        elif np.isinf(p):
            slope = np.sign(d) * (np.abs(d) == size)
        else:
            slope = np.where(d == 0, 0, np.sign(d) * np.abs(d) ** (p - 1) / size ** (p - 1))
    return np.asarray((grad[..., None] * np.where(size == 0, 0, slope)).sum(-2))


def test_gradients_of_rows_for_several_batches() -> None:
    rng = np.random.default_rng(5)
    x, y = random(rng, (2, 1, 4, 5), "float32"), random(rng, (2, 3, 6, 5), "float32")
    grad, distance = random(rng, (2, 3, 4, 6), "float32"), random(rng, (2, 3, 4, 6), "float32", 1, 2)
    out = ao.ops.cdist_backward(*(layout(rng, each) for each in (grad, x, y, distance)), 2.0)
    expected = norm_gradient(*map(wide, (grad, x, y, distance)), 2.0).sum(1, keepdims=True)
    assert_close(out, expected, "float32", 1, 1e-6)


@covers("aclnnCdistBackward", FLOATS)
@pytest.mark.parametrize("p", [0.0, 0.5, 1.0, 2.0, 3.5, np.inf, -1.0])
def test_gradients_of_distances(p: float) -> None:
    rng = np.random.default_rng(3)
    order = np.inf if p == -1 else p
    for dtype in FLOATS.split():
        x, y = random(rng, (2, 4, 5), dtype), random(rng, (1, 3, 5), dtype)
        x[0, 0] = y[0, 0]
        d = wide(x)[..., :, None, :] - wide(y)[..., None, :, :]
        distance = np.linalg.norm(d, order, axis=-1).astype(x.dtype)
        if np.isinf(order):
            # Halves hold these differences exactly.
            x, y = np.round(wide(x)).astype(x.dtype), np.round(wide(y)).astype(x.dtype)
            distance = np.abs(wide(x)[..., :, None, :] - wide(y)[..., None, :, :]).max(-1).astype(x.dtype)
        grad = random(rng, distance.shape, dtype)
        out = blank(rng, x.shape, dtype)
        ao.ops.cdist_backward(*(layout(rng, each) for each in (grad, x, y, distance)), p, out=out)
        assert_close(out, norm_gradient(wide(grad), wide(x), wide(y), wide(distance), order), dtype, 1, 1e-6)


F, M, S = np.ones(3, np.float32), np.ones((2, 3), np.float32), np.ones((3, 3), np.float32)


@pytest.mark.parametrize(
    ("name", "arguments", "outs", "text"),
    [
        ("svd", (M, False, True), [(3,), (2, 2), (3, 2)], r"sigma is .*must be \[2\]"),
        ("svd", (M, True, True), [(2,), (2, 2), (3, 2)], r"v is .*must be \[3, 3\]"),
        ("linalg_cholesky", (M, False), [(2, 3)], "must be square"),
        ("linalg_cholesky", (S.astype(np.float64), False), [(3, 3)], "data type of self"),
        ("logdet", (M,), [()], "must be square"),
        ("cdist_backward", (M, S, M, M, 2.0), [(3, 3)], "gradOut|grad is"),
        (
            "cdist_backward",
            (np.ones((3, 2), np.float32), S, M, np.ones((3, 2), np.float32), -2.0),
            [(3, 3)],
            "p is -2",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    name: str, arguments: tuple[Any, ...], outs: list[Any], text: str
) -> None:
    given = [ao.asarray(each) if isinstance(each, np.ndarray) else each for each in arguments]
    made = tuple(ao.zeros(shape, dtype=str(arguments[0].dtype)) for shape in outs)
    with pytest.raises(ao.AclError, match=text) as refusal:
        getattr(ao.ops, name)(*given, out=made if len(made) > 1 else made[0])
    assert refusal.value.code == 161002
