"""Sums, means, products, extremes, moments and norms along axes."""

from __future__ import annotations

import math
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
    covers,
    random,
    wide,
    zeros,
)
from kernels.reductions import Axes, ReduceCase, check, first_of, parametrize

import ascend_ops as ao


def total(x: Array, axes: Axes, keep: bool) -> Array:
    """BOOL adds as OR; integers wrap around."""
    if x.dtype == bool:
        return np.any(x, axes, keepdims=keep)
    return np.sum(x, axes, keepdims=keep)


def nan_total(x: Array, axes: Axes, keep: bool) -> Array:
    return total(np.where(np.isnan(x), 0, x) if x.dtype == np.float64 else x, axes, keep)


def mean(x: Array, axes: Axes, keep: bool) -> Array:
    """Of integers: cut towards zero (the documents do not say), 0 for no elements."""
    sums = np.sum(x, axes, keepdims=keep)
    count = math.prod(x.shape[axis] for axis in axes)
    if x.dtype == np.int64:
        cut = sums // max(count, 1)
        return np.where((sums < 0) & (cut * count != sums), cut + 1, cut)
    return sums / count


def product(x: Array, axes: Axes, keep: bool) -> Array:
    if x.dtype == bool:
        return np.all(x, axes, keepdims=keep)
    return np.prod(x, axes, keepdims=keep)


def one(x: Array) -> Array:
    return x.reshape(1)


def log_sum_exp(x: Array, axes: Axes, keep: bool) -> Array:
    return np.log(np.sum(np.exp(x.astype(np.float64)), axes, keepdims=keep))


def moments(x: Array, axes: Axes, keep: bool, correction: int) -> tuple[Array, Array]:
    """Variance and mean. CANN's answers where elements are too few: NaN for one (or none), else infinity."""
    average = np.sum(x, axes, keepdims=True) / (count := np.prod([x.shape[axis] for axis in axes]))
    squares = np.sum((x - average) ** 2, axes, keepdims=True)
    few = np.nan if count <= 1 else np.inf
    variance = squares / (count - correction) if count > correction else np.full_like(squares, few)
    if not keep:
        return variance.squeeze(axes), average.squeeze(axes)
    return variance, average


def norm(x: Array, axes: Axes, keep: bool, p: float) -> Array:
    size = np.abs(x)
    if p == 0 or x.size == 0:
        return np.sum(size != 0, axes, keepdims=keep)
    if np.isinf(p):
        return (np.max if p > 0 else np.min)(size, axes, keepdims=keep)
    return np.sum(size**p, axes, keepdims=keep) ** (1 / p)


def dims_keep_dtype(dims: Any, keep: bool, dtype: str) -> tuple[Any, ...]:
    return dims, keep, dtype


def dims_keep(dims: Any, keep: bool, dtype: str) -> tuple[Any, ...]:
    return dims, keep


def dims_keep_noop(dims: Any, keep: bool, dtype: str) -> tuple[Any, ...]:
    return dims, keep, False


def nothing(dims: Any, keep: bool, dtype: str) -> tuple[Any, ...]:
    return ()


# Of factors that neither overflow nor vanish half-way, in whatever order.
PRODUCTS: list[tuple[str, dict[str, Any]]] = [
    (f"{REALS} {COMPLEXES}", {"low": -1.5, "high": 1.5, "ulps": 100, "absolute": 1e-30, "special": False}),
    (f"{INTEGERS} bool", {}),
]
MEANS = f"{REALS} {INTEGERS} {COMPLEXES}"
SUMS = [
    ReduceCase("aclnnReduceSum", total, f"{NUMBERS} {COMPLEXES}", dims_keep_dtype, absolute=1e-13),
    ReduceCase("aclnnReduceNansum", nan_total, f"{FLOATS} {INTEGERS} bool", dims_keep_dtype),
    ReduceCase("aclnnMean", mean, MEANS, dims_keep_dtype, absolute=1e-13),
    ReduceCase("aclnnMeanV2", mean, MEANS, dims_keep_noop, absolute=1e-13),
    *(
        ReduceCase(
            "aclnnProd",
            lambda x, axes, keep: one(product(x, axes, keep)),
            dtypes,
            lambda dims, keep, dtype: (dtype,),
            axes="all",
            **bounds,
        )
        for dtypes, bounds in PRODUCTS
    ),
    *(
        ReduceCase("aclnnProdDim", product, dtypes, dims_keep_dtype, axes="one", **bounds)
        for dtypes, bounds in PRODUCTS
    ),
    ReduceCase(
        "aclnnReduceLogSum",
        lambda x, axes, keep: np.log(np.sum(x, axes, keepdims=keep)),
        FLOATS,
        dims_keep_noop,
        low=0.5,
    ),
    ReduceCase("aclnnLogSumExp", log_sum_exp, FLOATS, dims_keep, ulps=2, absolute=1e-6),
    ReduceCase(
        "aclnnLogSumExp",
        log_sum_exp,
        f"{INTEGERS} bool",
        dims_keep,
        ("float32",),
        absolute=1e-6,
        special=False,
    ),
    ReduceCase("aclnnAll", lambda x, a, k: np.all(x != 0, a, keepdims=k), NUMBERS, dims_keep, ("bool",)),
    ReduceCase("aclnnAny", lambda x, a, k: np.any(x != 0, a, keepdims=k), NUMBERS, dims_keep, ("bool",)),
]


def largest(x: Array, axes: Axes, keep: bool) -> Array:
    return np.max(x, axes, keepdims=keep)


def smallest(x: Array, axes: Axes, keep: bool) -> Array:
    return np.min(x, axes, keepdims=keep)


def both(x: Array, axes: Axes, keep: bool) -> tuple[Array, Array]:
    return smallest(x, axes, keep), largest(x, axes, keep)


TWO = (None, None)
WITH_INDEX = (None, "int64")
VALUES = f"{FLOATS} int64 bool"
EXTREMES = [
    ReduceCase("aclnnAmax", largest, NUMBERS, dims_keep, empty=False),
    ReduceCase("aclnnAmin", smallest, NUMBERS, dims_keep, empty=False),
    ReduceCase("aclnnMaxV2", largest, NUMBERS, dims_keep_noop, empty=False),
    ReduceCase("aclnnMax", lambda x, a, k: one(largest(x, a, k)), NUMBERS, nothing, axes="all", empty=False),
    ReduceCase("aclnnMin", lambda x, a, k: one(smallest(x, a, k)), NUMBERS, nothing, axes="all", empty=False),
    ReduceCase("aclnnAminmax", both, NUMBERS, dims_keep, TWO, empty=False),
    ReduceCase("aclnnAminmaxDim", both, NUMBERS, dims_keep, TWO, axes="one", empty=False),
    ReduceCase(
        "aclnnAminmaxAll",
        lambda x, a, k: tuple(map(one, both(x, a, k))),
        NUMBERS,
        nothing,
        TWO,
        axes="all",
        empty=False,
    ),
]
POSITIONS = [
    ReduceCase(
        name,
        lambda x, a, k, of=of: first_of(x, a, k, of)[1],
        f"{REALS} {INTEGERS}",
        dims_keep,
        (index,),
        axes="one",
        empty=False,
    )
    for name, of, index in [("aclnnArgMax", True, "int64"), ("aclnnArgMin", False, "int32")]
] + [
    ReduceCase(
        name,
        lambda x, a, k, of=of: first_of(x, a, k, of),
        VALUES,
        dims_keep,
        (None, index),
        axes="one",
        empty=False,
    )
    for name, of, index in [("aclnnMaxDim", True, "int64"), ("aclnnMinDim", False, "int32")]
]


def moment_case(operator: str, pick: Any, results: tuple[None, ...], correction: Any) -> ReduceCase:
    return ReduceCase(
        operator,
        lambda x, a, k: pick(*moments(x, a, k, int(correction))),
        FLOATS,
        lambda dims, keep, dtype: (dims, correction, keep),
        results,
        absolute=1e-6,
        special=False,
    )


MOMENTS = [
    moment_case("aclnnVar", lambda var, mean: var, (None,), True),
    moment_case("aclnnVarCorrection", lambda var, mean: var, (None,), 2),
    moment_case("aclnnVarMean", lambda var, mean: (var, mean), (None, None), 0),
    moment_case("aclnnStd", lambda var, mean: np.sqrt(var), (None,), 1),
    moment_case("aclnnStdMeanCorrection", lambda var, mean: (np.sqrt(var), mean), (None, None), 1),
]


@parametrize(SUMS)
def test_sums_and_products_are_rounded_once(case: ReduceCase) -> None:
    check(case)


@parametrize(EXTREMES + POSITIONS)
def test_extremes_are_exact_and_nan_wins(case: ReduceCase) -> None:
    check(case)


@parametrize(MOMENTS)
def test_moments(case: ReduceCase) -> None:
    check(case)


@covers("aclnnNorm aclnnLinalgVectorNorm", FLOATS)
@pytest.mark.parametrize("p", [0.0, 1.0, 2.0, 3.5, -1.0, float("inf"), -float("inf")])
def test_norms(p: float) -> None:
    def expected(x: Array, axes: Axes, keep: bool) -> Array:
        return norm(x, axes, keep, p)

    plain = ReduceCase("aclnnNorm", expected, FLOATS, lambda d, k, t: (p, d, k), ulps=2)
    typed = ReduceCase("aclnnLinalgVectorNorm", expected, FLOATS, lambda d, k, t: (p, d, k, t), ulps=2)
    check(plain, examples=2)
    check(typed, examples=2)


@pytest.mark.parametrize("p", [2.0, -1.0, -float("inf")])
def test_the_norm_of_nothing_is_zero(p: float) -> None:
    """The operators' sources fill the output, whatever p is."""
    out = ao.asarray(np.ones(2, np.float32))
    assert ao.ops.norm(ao.zeros((2, 0), "float32"), p, [1], False, out=out).numpy().tolist() == [0, 0]


# Shapes that are blocked, split into parts, or folded across.
LARGE = [
    ((70_001,), []),
    ((3, 2500), [1]),
    ((2500, 3), [0]),
    ((300, 1500), [0]),
    ((40, 5, 700), [0, 2]),
    ((40, 70, 30), [1]),
    ((30_000, 4), [1]),
]


@covers("aclnnReduceSum aclnnArgMax aclnnVarCorrection aclnnLogSumExp aclnnAmax", "float32 bfloat16")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(("shape", "dims"), LARGE)
def test_large_folds_are_as_exact_as_small_ones(shape: tuple[int, ...], dims: list[int], dtype: str) -> None:
    host = random(np.random.default_rng(7), shape, dtype)
    axes = tuple(dims) or tuple(range(len(shape)))
    x, tensor = wide(host), ao.asarray(host)
    assert_close(ao.ops.reduce_sum(tensor, dims, False, dtype), x.sum(axes), dtype, absolute=1e-9)
    assert_close(ao.ops.amax(tensor, dims, True), x.max(axes, keepdims=True), dtype)
    assert_close(ao.ops.var_correction(tensor, dims, 1, False), x.var(axes, ddof=1), dtype)
    assert_close(ao.ops.log_sum_exp(tensor, dims, False), log_sum_exp(x, axes, False), dtype, 2, 1e-6)
    if len(axes) == 1:
        assert_close(ao.ops.arg_max(tensor, axes[0], False), x.argmax(axes[0]), "int64")


@pytest.mark.parametrize(
    ("given", "computed"), [("float32", "int32"), ("int8", "float32"), ("bool", "int64")]
)
def test_reduce_sum_casts_to_dtype_first(given: str, computed: str) -> None:
    host = random(np.random.default_rng(3), (4, 50), given)
    wanted = host.astype(computed).sum(1)
    assert_close(ao.ops.reduce_sum(ao.asarray(host), [1], False, computed), wanted, computed, absolute=1e-5)


@pytest.mark.parametrize("shape", [(), (1,), (1, 1, 1)])
def test_one_element_goes_to_one_element(shape: tuple[int, ...]) -> None:
    """The operators' sources look at the number of elements there; the documents only at the shape."""
    x = ao.asarray(np.arange(6, dtype=np.float32).reshape(1, 6))
    for call, expected in (
        (lambda out: ao.ops.reduce_sum(x, [0, 1], False, "float32", out=out), 15),
        (lambda out: ao.ops.mean(x, [1], True, "float32", out=out), 2.5),
        (lambda out: ao.ops.mean_v2(x, [], False, False, out=out), 2.5),
    ):
        assert call(ao.zeros(shape, "float32")).numpy().reshape(-1).tolist() == [expected]


def test_variance_does_not_cancel() -> None:
    host = (1e4 + np.random.default_rng(5).uniform(-1e-2, 1e-2, (2, 5000))).astype(np.float32)
    assert_close(ao.ops.var_correction(ao.asarray(host), [1], 1, False), wide(host).var(1, ddof=1), "float32")


def test_noop_with_empty_dims_copies() -> None:
    host = random(np.random.default_rng(5), (3, 4), "float32")
    for call in (ao.ops.max_v2, ao.ops.mean_v2):
        np.testing.assert_array_equal(call(ao.asarray(host), [], False, True).numpy(), host)


@pytest.mark.parametrize(
    ("name", "rest"),
    [("amax", ([], False)), ("amin", ([], False)), ("max_v2", ([], False, False)), ("max", ())],
)
def test_extremes_of_nothing_leave_their_output(name: str, rest: tuple[Any, ...]) -> None:
    """By CANN's source, as long as the call names no axis; PyTorch would refuse."""
    out = ao.asarray(np.float32(7))
    getattr(ao.ops, name)(zeros(0, 3), *rest, out=out)
    assert float(out.numpy()) == 7


def test_the_largest_of_all_is_cast_to_whatever_the_output_is() -> None:
    x = ao.asarray(np.float32([1.75, -2.75]))
    assert int(ao.ops.max(x, out=ao.empty((), "int32")).numpy()) == 1
    assert int(ao.ops.min(x, out=ao.empty((1,), "int16")).numpy()[0]) == -2


REFUSALS: list[tuple[str, Any]] = [
    ("dims names axis 2", lambda: ao.ops.reduce_sum(zeros(2, 3), [2], False, "float32", out=zeros(2))),
    ("dim names axis 1 twice", lambda: ao.ops.amax(zeros(2, 3), [1, -1], False, out=zeros(2))),
    ("its shape must be \\[3\\]", lambda: ao.ops.amin(zeros(2, 3), [0], False, out=zeros(2))),
    ("data type of out", lambda: ao.ops.amax(zeros(2), [0], True, out=zeros(1, dtype="int32"))),
    ("data type of self", lambda: ao.ops.std(zeros(2, dtype="int32"), [0], 1, True, out=zeros(1))),
    ("self is empty", lambda: ao.ops.mean_v2(zeros(0, dtype="complex64"), [0], True, False)),
    (
        "cannot be cast to dtype",
        lambda: ao.ops.mean(zeros(2), [0], True, "int32", out=zeros(1, dtype="int32")),
    ),
    ("no elements", lambda: ao.ops.amax(zeros(2, 0), [1], False, out=zeros(2))),
    ("no elements", lambda: ao.ops.max_v2(zeros(2, 0), [1], False, False, out=zeros(2))),
    ("no elements", lambda: ao.ops.aminmax(zeros(2, 0), [], False, out=(zeros(), zeros()))),
    ("data type of self", lambda: ao.ops.max_dim(zeros(2, dtype="int32"), 0, True)),
    ("data type of indices", lambda: ao.ops.max_dim(zeros(2), 0, True, out=zeros(1), indices=zeros(1))),
]


@pytest.mark.parametrize(("text", "call"), REFUSALS)
def test_refusals_name_the_argument(text: str, call: Any) -> None:
    with pytest.raises(ao.AscendError, match=text) as refused:
        call()
    assert refused.value.code == 161002
