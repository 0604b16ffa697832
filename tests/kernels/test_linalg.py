"""Vectors and square matrices: dot, outer and cross products, triangular systems, inverses, determinants."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import (
    COMPLEXES,
    FLOATS,
    INTEGERS,
    NUMBERS,
    REALS,
    Array,
    assert_close,
    blank,
    covers,
    layout,
    wide,
)
from kernels.arrays import random as numbers
from kernels.matmuls import assert_product, examples

import ascend_ops as ao
from ascend_ops.dispatch import launch


@covers("aclnnDot", f"{FLOATS} int8 uint8 int32")
def test_dot() -> None:
    def check(rng: np.random.Generator) -> None:
        n = int(rng.choice([0, 1, 50, 3000]))
        for dtype in FLOATS.split():
            x, y = numbers(rng, (n,), dtype), numbers(rng, (n,), dtype)
            assert_product(ao.ops.dot(layout(rng, x), layout(rng, y)), x, y, dtype)
        for dtype in ("int8", "uint8", "int32"):
            x, y = numbers(rng, (n,), dtype, special=True), numbers(rng, (n,), dtype, special=True)
            with np.errstate(over="ignore"):
                expected = (x * y).sum(dtype=x.dtype)
            assert ao.ops.dot(layout(rng, x), layout(rng, y)).numpy() == expected

    examples(check, 3)


@covers("aclnnGer", f"{NUMBERS} {COMPLEXES}")
def test_outer_products() -> None:
    def check(rng: np.random.Generator) -> None:
        m, n = (int(each) for each in rng.integers(1, 40, 2))
        for dtype in f"{NUMBERS} {COMPLEXES}".split():
            x, y = numbers(rng, (m,), dtype), numbers(rng, (n,), dtype)
            out = blank(rng, (m, n), dtype)
            ao.ops.ger(layout(rng, x), layout(rng, y), out=out)
            assert_close(out, np.multiply.outer(wide(x), wide(y)), dtype, absolute=1e-14)

    examples(check, 2)


@pytest.mark.parametrize(
    "inplace",
    [
        pytest.param(False, marks=covers("aclnnAddr", NUMBERS)),
        pytest.param(True, marks=covers("aclnnInplaceAddr", NUMBERS)),
    ],
)
def test_outer_products_are_scaled_and_added(inplace: bool) -> None:
    def check(rng: np.random.Generator) -> None:
        m, n = (int(each) for each in rng.integers(1, 20, 2))
        for dtype in NUMBERS.split():
            shape = (m, n) if inplace else [(m, n), (n,), (m, 1), (1, n), ()][int(rng.integers(5))]
            s, x, y = (numbers(rng, each, dtype) for each in (shape, (m,), (n,)))
            self, out = layout(rng, s), blank(rng, (m, n), dtype)
            alpha, beta = (True, bool(rng.integers(2))) if dtype == "bool" else (2, int(rng.integers(-1, 2)))
            outer = np.multiply.outer(wide(x), wide(y))
            expected = (beta & s) | (alpha & outer) if dtype == "bool" else beta * wide(s) + alpha * outer
            if inplace:
                ao.ops.inplace_addr(self, layout(rng, x), layout(rng, y), beta, alpha)
                out = self
            else:
                ao.ops.addr(self, layout(rng, x), layout(rng, y), beta, alpha, out=out)
            assert_close(out, expected, dtype, absolute=2.0**-20)

    examples(check, 2)


CROSSED = f"{REALS} {INTEGERS} {COMPLEXES}"


@covers("aclnnLinalgCross", CROSSED)
def test_cross_products() -> None:
    def check(rng: np.random.Generator) -> None:
        for dtype in CROSSED.split():
            axis = int(rng.integers(3))
            shape = [int(each) for each in rng.integers(1, 6, 3)]
            shape[axis] = 3
            part = [1 if i != axis and rng.random() < 0.3 else each for i, each in enumerate(shape)]
            x, y = numbers(rng, shape, dtype), numbers(rng, part, dtype)
            out = blank(rng, shape, dtype)
            ao.ops.linalg_cross(layout(rng, x), layout(rng, y), axis - 3 * int(rng.integers(2)), out=out)
            expected = np.cross(*np.broadcast_arrays(wide(x), wide(y)), axis=axis)
            assert_close(out, expected, dtype, absolute=2.0**-19 if dtype in FLOATS.split() else 1e-12)

    examples(check, 2)


def well_conditioned(rng: np.random.Generator, shape: list[int], dtype: str) -> Array:
    values = numbers(rng, shape, dtype, -1, 1)
    return np.asarray(values + (shape[-1] + 1) * np.eye(shape[-1])).astype(values.dtype)


SOLVED = f"float32 float64 {COMPLEXES}"


@covers("aclnnTriangularSolve", SOLVED)
def test_triangular_systems() -> None:
    def check(rng: np.random.Generator) -> None:
        for dtype in SOLVED.split():
            n, columns, batch = int(rng.integers(1, 9)), int(rng.integers(1, 5)), int(rng.integers(1, 4))
            a = well_conditioned(rng, [batch, n, n][int(rng.integers(2)) :], dtype)
            b = numbers(rng, [batch, n, columns] if a.ndim == 2 else [1, n, columns], dtype)
            upper, transposed = bool(rng.integers(2)), bool(rng.integers(2))
            unit = dtype == "float32" and bool(rng.integers(2))
            x, m = ao.ops.triangular_solve(layout(rng, b), layout(rng, a), upper, transposed, unit)
            triangle = np.triu(a) if upper else np.tril(a)
            np.testing.assert_array_equal(m.numpy(), np.broadcast_to(triangle, m.shape))
            solved = wide(triangle)
            if unit:
                solved = solved * (1 - np.eye(n)) + np.eye(n)
            if transposed:
                solved = np.swapaxes(solved, -1, -2)
            expected = np.linalg.solve(np.broadcast_to(solved, m.shape), np.broadcast_to(wide(b), x.shape))
            wide_type = dtype in ("float64", "complex128")
            assert_close(x, expected, dtype, 8 if wide_type else 1, 1e-13 if wide_type else 1e-9)

    examples(check, 3)


INVERTED = f"float32 float16 float64 {COMPLEXES}"


@covers("aclnnInverse", INVERTED)
def test_inverses() -> None:
    """Of types that the document leaves out for Atlas A2 too: CANN's source has them."""

    def check(rng: np.random.Generator) -> None:
        for dtype in INVERTED.split():
            a = well_conditioned(rng, [int(rng.integers(1, 4)), 5, 5], dtype)
            out = blank(rng, a.shape, dtype)
            ao.ops.inverse(layout(rng, a), out=out)
            assert_close(out, np.linalg.inv(wide(a)), dtype, 1, 1e-9)

    examples(check, 3)


def test_an_inverse_is_cast_and_an_empty_one_is_nothing() -> None:
    a = np.float32([[0, 2], [4, 0]])
    out = ao.ops.inverse(ao.asarray(a), out=ao.empty((2, 2), "complex64"))
    np.testing.assert_array_equal(out.numpy(), np.linalg.inv(a).astype(np.complex64))
    assert ao.ops.inverse(ao.empty((0,), "float32"), out=ao.empty((0,), "float32")).shape == (0,)
    with pytest.raises(ao.AscendError, match="out") as refused:
        ao.ops.inverse(ao.zeros((2, 2), "complex64"), out=ao.zeros((2, 2), "float32"))
    assert refused.value.code == 161002


def test_an_inverse_that_needs_other_rows_first() -> None:
    a = np.float32([[0, 2, 0], [0, 0, 4], [8, 0, 0]])
    np.testing.assert_array_equal(ao.ops.inverse(a).numpy(), np.linalg.inv(a))


@pytest.mark.parametrize("transposed", [False, True])
def test_the_triangle_of_a_system_need_not_be_wanted(transposed: bool) -> None:
    a, b = np.float32([[2, 9], [1, 4]]), np.float32([[2], [8]])
    x = ao.zeros((2, 1), "float32")
    launch("aclnnTriangularSolve", (ao.asarray(b), ao.asarray(a), False, transposed, False, x, None))
    np.testing.assert_allclose(x.numpy(), np.linalg.solve(np.tril(a).T if transposed else np.tril(a), b))


@pytest.mark.parametrize("dim", [0, -1])
def test_cross_products_count_dim_from_the_end_of_self(dim: int) -> None:
    x, y = np.float32([0, 1, 2]), np.float32([[2, 1, 0], [5, 4, 3]])
    np.testing.assert_array_equal(
        ao.ops.linalg_cross(x, y, dim, out=ao.zeros((2, 3), "float32")).numpy(), np.cross(x, y)
    )
    other = np.float32([7])
    np.testing.assert_array_equal(
        ao.ops.linalg_cross(y, other, -1, out=ao.zeros((2, 3), "float32")).numpy(),
        np.cross(y, np.broadcast_to(other, y.shape)),
    )


@covers("aclnnSlogdet", SOLVED)
def test_determinants() -> None:
    def check(rng: np.random.Generator) -> None:
        for dtype in SOLVED.split():
            a = numbers(rng, [2, int(rng.integers(1, 4)), 4, 4], dtype)
            sign, size = ao.ops.slogdet(layout(rng, a))
            expected = np.linalg.slogdet(wide(a))
            error = 1e-12 if dtype in ("float64", "complex128") else 1e-9
            assert_close(sign, expected[0], str(sign.dtype), 4, error)
            assert_close(size, expected[1], str(size.dtype), 4, error)

    examples(check, 3)


def test_a_singular_matrix_has_no_sign() -> None:
    sign, size = ao.ops.slogdet(np.ones((3, 3), np.float32))
    assert (float(sign.numpy()), float(size.numpy())) == (0, -np.inf)


FACTORED = f"float32 float16 float64 {COMPLEXES}"


@pytest.mark.parametrize(
    "operator",
    [
        pytest.param("linalg_qr", marks=covers("aclnnLinalgQr", FACTORED)),
        pytest.param("qr", marks=covers("aclnnQr", FACTORED)),
    ],
)
def test_orthogonal_factors_are_those_of_lapack(operator: str) -> None:
    def check(rng: np.random.Generator) -> None:
        for dtype in FACTORED.split():
            m, n = (int(each) for each in rng.integers(1, 6, 2))
            a, complete = numbers(rng, [2, m, n], dtype), bool(rng.integers(2))
            q, r = getattr(ao.ops, operator)(
                layout(rng, a), int(complete) if operator == "linalg_qr" else not complete
            )
            expected = np.linalg.qr(wide(a), "complete" if complete else "reduced")
            error = 1e-11 if dtype in ("float64", "complex128") else 1e-6
            for actual, wanted in zip((q, r), expected, strict=True):
                assert_close(actual, wanted, dtype, 2, error)

    examples(check, 3)


def test_orthogonal_factors_are_cast() -> None:
    q, r = ao.zeros((2, 2), "float64"), ao.zeros((2, 2), "float16")
    a = np.float32([[0, 2], [-4, 0]])
    ao.ops.linalg_qr(a, 0, q=q, r=r)
    for actual, expected, dtype in zip((q, r), np.linalg.qr(a), ("float64", "float16"), strict=True):
        assert_close(actual, expected, dtype)


def test_the_right_factor_alone() -> None:
    a = np.float64([[3, 1], [4, 2], [0, 5]])
    r = ao.zeros((2, 2), "float64")
    ao.ops.linalg_qr(a, 2, q=ao.empty((0,), "float64"), r=r)
    np.testing.assert_allclose(r.numpy(), np.linalg.qr(a, "r"), rtol=1e-12)


@pytest.mark.parametrize("p", [0.0, 1.0, 2.0, 3.5, np.inf])
@covers("aclnnCdist", FLOATS)
def test_distances(p: float) -> None:
    rng = np.random.default_rng(int(min(p, 9)))
    for dtype in FLOATS.split():
        x, y = numbers(rng, (2, 1, 4, 5), dtype), numbers(rng, (3, 6, 5), dtype)
        x[0, 0, 0] = y[0, 0]
        out = blank(rng, (2, 3, 4, 6), dtype)
        ao.ops.cdist(layout(rng, x), layout(rng, y), p, 2, out=out)
        difference = wide(x)[..., :, None, :] - wide(y)[..., None, :, :]
        assert_close(out, np.linalg.norm(difference, p, axis=-1), dtype)


V, M = np.ones(3, np.float32), np.ones((2, 3), np.float32)
INVALID = 161002


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("dot", (V, V[:2]), "tensor is"),
        ("ger", (V, M), "vec2 .* has 2 dimensions"),
        ("addr", (M, V, V, 1, 1), r"self cannot be broadcast to \[3, 3\]"),
        ("addr", (V.astype(np.int32), V.astype(np.int32), V.astype(np.int32), 0.5, 1), "betaOptional is"),
        ("linalg_cross", (M, M, 0), "3 elements along dim 0"),
        ("inverse", (M,), "must be square"),
        ("slogdet", (M,), "must be square"),
        ("triangular_solve", (M, M, True, False, False), "A must be square"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, arguments: tuple[Any, ...], text: str) -> None:
    outs = {"dot": (), "ger": (3, 2), "addr": (3, 3), "inverse": (2, 3)}
    named: dict[str, Any] = {}
    if name in outs:
        named["out"] = ao.empty(outs[name], arguments[0].dtype.name)
    elif name == "slogdet":
        named = {"sign_out": ao.empty((), "float32"), "log_out": ao.empty((), "float32")}
    elif name == "triangular_solve":
        named = {"x_out": ao.empty((2, 3), "float32"), "m_out": ao.empty((2, 3), "float32")}
    with pytest.raises(ao.AclError, match=text) as refusal:
        getattr(ao.ops, name)(*arguments, **named)
    assert refusal.value.code == INVALID
