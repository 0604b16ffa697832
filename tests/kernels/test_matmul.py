"""Matrix products of floats: sums in fp32, rounded once.

The documents let cubeMathType 1 and 3 be less precise than fp32; the stand-in takes fp32 for them too."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from kernels.arrays import FLOATS, Array, blank, covers, layout, random, wide
from kernels.matmuls import assert_product, examples

import ascend_ops as ao
from ascend_ops.ops._names import operator_name

MIXED = [("float32", "float16"), ("float16", "float32")]


def pairs() -> list[tuple[str, str]]:
    return [(dtype, dtype) for dtype in FLOATS.split()] + MIXED


def operand(rng: np.random.Generator, shape: Sequence[int], dtype: str) -> tuple[Array, ao.Tensor]:
    values = random(rng, shape, dtype, -2, 2)
    return values, layout(rng, values)


def size(rng: np.random.Generator, largest: int = 12) -> int:
    return int(rng.choice([0, 1, largest, rng.integers(2, largest + 1)], p=[0.05, 0.2, 0.15, 0.6]))


def result(left: str, right: str) -> str:
    return left if left == right else "float32"


def vector_shapes(rng: np.random.Generator, m: int, k: int, n: int) -> tuple[list[int], list[int]]:
    """Ranks 1 to 5; batches broadcast against each other."""
    batch = [int(each) for each in rng.integers(1, 4, rng.integers(0, 4))]
    left = [each if rng.random() < 0.7 else 1 for each in batch][int(rng.integers(0, len(batch) + 1)) :]
    right = [each if rng.random() < 0.7 else 1 for each in batch][int(rng.integers(0, len(batch) + 1)) :]
    kind = rng.integers(4)
    return ([k] if kind == 0 else [*left, m, k]), ([k] if kind == 1 else [*right, k, n])


@covers("aclnnMatmul", FLOATS)
def test_matmul_takes_vectors_matrices_and_batches() -> None:
    def check(rng: np.random.Generator) -> None:
        for left, right in pairs():
            a_shape, b_shape = vector_shapes(rng, size(rng), size(rng, 40), size(rng))
            (x, a), (y, b) = operand(rng, a_shape, left), operand(rng, b_shape, right)
            dtype = result(left, right)
            expected = np.matmul(wide(x), wide(y))
            out = blank(rng, expected.shape, dtype)
            ao.ops.matmul(a, b, cube_math_type=int(rng.integers(2)), out=out)
            assert_product(out, x, y, dtype)

    examples(check, 12)


PRODUCTS = {"aclnnMm": (2, 2), "aclnnBatchMatMul": (3, 3), "aclnnMv": (2, 1)}


@pytest.mark.parametrize(
    "operator", [pytest.param(each, marks=covers(each, FLOATS), id=each) for each in PRODUCTS]
)
def test_products_of_fixed_ranks(operator: str) -> None:
    call = getattr(ao.ops, operator_name(operator))

    def check(rng: np.random.Generator) -> None:
        left_rank, right_rank = PRODUCTS[operator]
        for left, right in pairs():
            m, k, n = size(rng), size(rng, 40), size(rng)
            (x, a) = operand(rng, [2, m, k][3 - left_rank :], left)
            batch = int(rng.integers(1, 3))
            (y, b) = operand(rng, [k] if right_rank == 1 else [batch, k, n][3 - right_rank :], right)
            actual = call(a, b, cube_math_type=0)
            assert_product(actual, x, y, result(left, right))

    examples(check)


@pytest.mark.parametrize("n", [1, 3, 40, 300])
@pytest.mark.parametrize("m", [1, 4, 5, 210])
def test_large_products_are_cut_into_tiles(m: int, n: int) -> None:
    rng = np.random.default_rng(m * 1000 + n)
    for dtype, k in zip(FLOATS.split(), (600, 257, 300), strict=True):
        (x, a), (y, b) = operand(rng, [m, k], dtype), operand(rng, [k, n], dtype)
        assert_product(ao.ops.mm(a, b, cube_math_type=0), x, y, dtype)


def test_a_sum_of_no_products_is_zero() -> None:
    out = ao.asarray(np.full((2, 3), np.nan, np.float32))
    ao.ops.mm(np.zeros((2, 0), np.float32), np.zeros((0, 3), np.float32), cube_math_type=0, out=out)
    assert not out.numpy().any()


def test_infinities_and_nan_stay_in_their_rows_and_columns() -> None:
    x, y = np.ones((7, 9), np.float32), np.ones((9, 20), np.float32)
    x[2, 3], x[4, 0], y[5, 6] = np.nan, np.inf, -np.inf
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(ao.ops.mm(x, y, cube_math_type=0).numpy(), x @ y)


def test_use_fp16_rounds_float_inputs() -> None:
    x, y = np.full((5, 2), 1 + 2.0**-12, np.float32), np.full((2, 6), 70000.0, np.float32)
    y[:, :3] = 3
    actual = ao.ops.mm(x, y, cube_math_type=2).numpy()
    assert (actual[:, :3] == 6).all()
    assert np.isinf(actual[:, 3:]).all()


ADDITIONS = {
    # name: shapes of a and b, axes of the result
    "aclnnAddmm": ("mk", "kn"),
    "aclnnInplaceAddmm": ("mk", "kn"),
    "aclnnBaddbmm": ("bmk", "bkn"),
    "aclnnInplaceBaddbmm": ("bmk", "bkn"),
    "aclnnAddbmm": ("bmk", "bkn"),
    "aclnnInplaceAddbmm": ("bmk", "bkn"),
    "aclnnAddmv": ("mk", "k"),
}


@pytest.mark.parametrize(
    "operator", [pytest.param(each, marks=covers(each, FLOATS), id=each) for each in ADDITIONS]
)
def test_products_are_scaled_and_added(operator: str) -> None:
    call = getattr(ao.ops, operator_name(operator))
    sums, inplace = "Addbmm" in operator, "Inplace" in operator

    def check(rng: np.random.Generator) -> None:
        left, right = ADDITIONS[operator]
        for dtype in FLOATS.split():
            sizes = {axis: size(rng) for axis in "mkn"} | {"b": int(rng.integers(1, 4))}
            (x, a) = operand(rng, [sizes[axis] for axis in left], dtype)
            (y, b) = operand(rng, [sizes[axis] for axis in right], dtype)
            alpha, beta = float(rng.choice([1.0, -0.5, 2.0])), float(rng.choice([0.0, 1.0, 0.25]))
            shape = [sizes[axis] for axis in ("mn" if sums else left[:-1] + right.replace("b", "")[1:])]
            part = [each if inplace or rng.random() < 0.7 else 1 for each in shape]
            (s, self) = operand(rng, part if inplace else part[int(rng.integers(len(part))) :], dtype)
            out = self if inplace else blank(rng, shape, dtype)
            named = {} if inplace else {"out": out}
            call(self, a, b, beta=beta, alpha=alpha, cube_math_type=0, **named)
            if sums:  # the sum over the batch is one product with a longer inner axis
                inner = x.shape[0] * x.shape[2]
                x, y = x.transpose(1, 0, 2).reshape(sizes["m"], inner), y.reshape(inner, sizes["n"])
            assert_product(out, x, y, dtype, alpha, beta * wide(s))

    examples(check)


@covers("aclnnGemm", FLOATS)
def test_gemm_transposes() -> None:
    def check(rng: np.random.Generator) -> None:
        for dtype in FLOATS.split():
            m, k, n = size(rng), size(rng), size(rng)
            flip_a, flip_b = bool(rng.integers(2)), bool(rng.integers(2))
            (x, a) = operand(rng, [k, m] if flip_a else [m, k], dtype)
            (y, b) = operand(rng, [n, k] if flip_b else [k, n], dtype)
            (s, c) = operand(rng, [m, n], dtype)
            out = ao.ops.gemm(a, b, c, 0.5, 2.0, int(flip_a), int(flip_b), cube_math_type=0)
            left, right = x.T if flip_a else x, y.T if flip_b else y
            assert_product(out, left, right, dtype, 0.5, 2.0 * wide(s))

    examples(check)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(
    "operator",
    [
        pytest.param(each, marks=covers(each, "float16 bfloat16"), id=each)
        for each in ("aclnnMatmulWeightNz", "aclnnAddmmWeightNz")
    ],
)
def test_weights_in_tiles(operator: str, transposed: bool) -> None:
    call = getattr(ao.ops, operator_name(operator))

    def check(rng: np.random.Generator) -> None:
        for dtype in ("float16", "bfloat16"):
            m, k, n = size(rng), int(rng.integers(2, 40)), int(rng.integers(2, 40))
            (x, a), y = operand(rng, [m, k], dtype), random(rng, [k, n], dtype, -2, 2)
            stored = np.ascontiguousarray(y.T) if transposed else y
            b = ao.asarray(stored, format="FRACTAL_NZ")
            weight = b.T if transposed else b
            if operator == "aclnnMatmulWeightNz":
                assert_product(call(a, weight, cube_math_type=0), x, y, dtype)
            else:
                (s, self) = operand(rng, [n], dtype)
                out = call(self, a, weight, beta=1.0, alpha=2.0, cube_math_type=0)
                assert_product(out, x, y, dtype, 2.0, wide(s))

    examples(check, 3)


def test_tiles_made_of_a_transposed_view() -> None:
    """They lie as the view shows them, while its strides stay; a square weight would not say which it is."""
    rng = np.random.default_rng(5)
    x, y = (random(rng, shape, "float16", -2, 2) for shape in ([3, 20], [40, 20]))
    weight = ao.ops.trans_matmul_weight(ao.asarray(y).T)
    assert_product(ao.ops.matmul_weight_nz(ao.asarray(x), weight, cube_math_type=0), x, y.T, "float16")


@covers("aclnnBatchMatMulWeightNz", "float16 bfloat16")
def test_batches_of_weights_in_tiles() -> None:
    rng = np.random.default_rng(3)
    for dtype in ("float16", "bfloat16"):
        (x, a), y = operand(rng, [3, 5, 37], dtype), random(rng, [3, 37, 21], dtype, -2, 2)
        b = ao.asarray(y, format="FRACTAL_NZ")
        assert_product(ao.ops.batch_mat_mul_weight_nz(a, b, cube_math_type=0), x, y, dtype)


@pytest.mark.parametrize(
    ("name", "dtype", "shape", "text"),
    [
        ("matmul_weight_nz", "float16", (5, 1), "matrix of 5 rows and 1 columns"),
        ("matmul_weight_nz", "float16", (1, 5), "matrix of 1 rows and 5 columns"),
        ("batch_mat_mul_weight_nz", "float32", (2, 5, 3), "data type of self"),
    ],
)
def test_weights_that_tiles_do_not_take(name: str, dtype: str, shape: tuple[int, ...], text: str) -> None:
    weight = ao.asarray(np.zeros(shape, dtype), format="FRACTAL_NZ")
    x, out = ao.zeros((*shape[:-2], 4, shape[-2]), dtype), ao.zeros((*shape[:-2], 4, shape[-1]), dtype)
    with pytest.raises(ao.AclError, match=text) as refusal:
        getattr(ao.ops, name)(x, weight, cube_math_type=0, out=out)
    assert refusal.value.code == INVALID


TRANSPOSING = [
    pytest.param("aclnnTransposeBatchMatMul", FLOATS, marks=covers("aclnnTransposeBatchMatMul", FLOATS)),
    pytest.param(
        "aclnnTransposeBatchMatMulWeightNz",
        "float16 bfloat16",
        marks=covers("aclnnTransposeBatchMatMulWeightNz", "float16 bfloat16"),
    ),
]


@pytest.mark.parametrize(("operator", "dtypes"), TRANSPOSING)
def test_products_with_permuted_axes(operator: str, dtypes: str) -> None:
    call = getattr(ao.ops, operator_name(operator))

    def check(rng: np.random.Generator) -> None:
        for dtype in dtypes.split():
            b, m, k, n = (int(each) for each in rng.integers(1, 7, 4))
            split = int(rng.choice([each for each in range(1, b + 1) if b % each == 0]))
            x, y = random(rng, (b, m, k), dtype, -2, 2), random(rng, (b, k, n), dtype, -2, 2)
            first, second = (
                [[0, 1, 2], [1, 0, 2]][int(rng.integers(2))],
                [[0, 1, 2], [0, 2, 1]][int(rng.integers(2))],
            )
            left, right = np.ascontiguousarray(x.transpose(first)), np.ascontiguousarray(y.transpose(second))
            weight = ao.asarray(right, format="FRACTAL_NZ") if operator.endswith("Nz") else layout(rng, right)
            shape = (split, m, b * n // split) if split > 1 else (m, b, n)
            out = blank(rng, shape, dtype)
            call(layout(rng, left), weight, None, None, first, second, [1, 0, 2], 0, split, out=out)
            got = out.numpy()
            pieces = (
                got.reshape(split, m, b // split, n).transpose(0, 2, 1, 3)
                if split > 1
                else got.transpose(1, 0, 2)
            )
            assert_product(ao.asarray(np.ascontiguousarray(pieces).reshape(b, m, n)), x, y, dtype)

    examples(check, 3)


F32, F16 = np.zeros((2, 3), np.float32), np.zeros((2, 3), np.float16)
INVALID = 161002


@pytest.mark.parametrize(
    ("a", "b", "cube", "text"),
    [
        (F32, F32, 0, "self .* and mat2 .* cannot be multiplied"),
        (F32, F32.T.astype(np.int32), 0, "data type of mat2"),
        (F32, F32.T, 5, "cubeMathType is 5"),
        (F16, F16.T, 3, "cubeMathType is 3"),
        (F32, np.zeros((1, 3, 2), np.float32), 0, "mat2 .* has 3 dimensions"),
    ],
)
def test_what_does_not_fit_is_refused(a: Array, b: Array, cube: int, text: str) -> None:
    out = ao.empty((2, 2), "float32")
    with pytest.raises(ao.AclError, match=text) as refusal:
        ao.ops.mm(ao.asarray(a), ao.asarray(b), cube_math_type=cube, out=out)
    assert refusal.value.code == INVALID
