"""Foreach operators beyond arithmetic: conversion, rounding modes, norms, unscaling; and refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from kernels.arrays import FLOATS, Array, assert_close, blank, covers, layout, random, wide, zeros

import ascend_ops as ao

ROUNDED = np.array([-2.5, -1.5, -0.75, -0.5, -0.25, 0.25, 0.5, 0.75, 1.5, 2.5, np.nan, np.inf])


def half_to_odd(x: Array) -> Array:
    tie = np.abs(x - np.trunc(x)) == 0.5
    return np.where(tie, 2 * np.floor(x / 2) + 1, np.rint(x))


MODES: dict[int, Callable[[Array], Array]] = {
    0: np.rint,
    1: np.rint,
    2: np.floor,
    3: np.ceil,
    4: lambda x: np.copysign(np.floor(np.abs(x) + 0.5), x),
    5: np.trunc,
    6: half_to_odd,
}


@covers("aclnnForeachRoundOffNumber aclnnForeachRoundOffNumberV2", f"{FLOATS} int16")
@pytest.mark.parametrize("mode", MODES)
def test_rounds_in_the_mode_given(mode: int) -> None:
    for dtype in f"{FLOATS} int16".split():
        rng = np.random.default_rng(mode)
        x = random(rng, (12,), dtype) if dtype == "int16" else ROUNDED.astype(random(rng, (), dtype).dtype)
        with np.errstate(all="ignore"):
            expected = wide(x) if dtype == "int16" else MODES[mode](wide(x))
        tensor = ao.asarray(np.array([mode], np.int8))
        for out in (
            ao.ops.foreach_round_off_number([layout(rng, x)], tensor),
            ao.ops.foreach_round_off_number_v2([layout(rng, x)], mode),
        ):
            assert_close(out[0], expected, dtype, ulps=-0.5)


@covers("aclnnForeachCopy", FLOATS)
@pytest.mark.parametrize(
    ("source", "target"), [("float32", "float16"), ("float32", "bfloat16"), ("float16", "float32")]
)
def test_copies_to_another_float_type(source: str, target: str) -> None:
    rng = np.random.default_rng(1)
    x = [random(rng, shape, source, special=True) for shape in ((3, 4), (), (5,))]
    out = [blank(rng, each.shape, target) for each in x]
    ao.ops.foreach_copy([layout(rng, each) for each in x], out=out)
    for given, got in zip(x, out, strict=True):
        assert_close(got, wide(given), target, ulps=0)


@covers("aclnnForeachNorm", FLOATS)
@pytest.mark.parametrize("p", [1, 2, 3.5, float("inf")])
def test_norm_of_each_tensor(p: float) -> None:
    """The documents of A2 and A3 have any p, infinity as the limit."""
    for dtype in FLOATS.split():
        rng = np.random.default_rng(2)
        x = [random(rng, shape, dtype) for shape in ((3, 4), (), (70,), (0, 2))]
        out = [ao.asarray(np.zeros(1, each.dtype)) for each in x]
        ao.ops.foreach_norm([layout(rng, each) for each in x], float(p), out=out)
        for given, got in zip(x, out, strict=True):
            norm = np.linalg.norm(wide(given).ravel(), p) if given.size else 0.0
            assert_close(got, np.reshape(norm, 1), dtype)


def test_a_nan_is_the_largest_norm() -> None:
    x = ao.asarray(np.float32([1, np.nan, 2]))
    assert np.isnan(ao.ops.foreach_norm([x], np.inf, out=[ao.zeros((1,), "float32")])[0].numpy()).all()


@pytest.mark.parametrize(
    ("name", "dtype", "scalar"),
    [
        ("foreach_add_scalar_v2", "float32", 2),
        ("foreach_mul_scalar_v2", "int32", 2.0),
        ("foreach_pow_scalar_v2", "float16", np.float32(2)),
        ("foreach_div_scalar_v2", "bfloat16", np.float16(2)),
        ("foreach_round_off_number_v2", "float32", 1.0),
    ],
)
def test_scalars_have_a_type_that_goes_with_the_items(name: str, dtype: str, scalar: Any) -> None:
    x = [ao.zeros((2,), dtype)]
    with pytest.raises(ao.AclError, match="does not go with items of") as raised:
        getattr(ao.ops, name)(x, scalar, out=x)
    assert raised.value.code == 161002


@covers("aclnnForeachNonFiniteCheckAndUnscale", FLOATS)
@pytest.mark.parametrize("bad", [None, np.nan, np.inf, -np.inf])
def test_unscales_and_finds_what_is_not_finite(bad: float | None) -> None:
    for dtype in FLOATS.split():
        rng = np.random.default_rng(3)
        grads = [random(rng, shape, dtype) for shape in ((3, 4), (70, 3), ())]
        if bad is not None:
            grads[1][40, 1] = bad
        found = ao.asarray(np.array([0.25], np.float32))
        device = [layout(rng, each) for each in grads]
        ao.ops.foreach_non_finite_check_and_unscale(device, found, ao.asarray(np.array([0.375], np.float32)))
        assert found.numpy().tolist() == [0.25 if bad is None else 1.0]
        for given, got in zip(grads, device, strict=True):
            assert_close(got, wide(given) * 0.375, dtype)


@covers("aclnnForeachPowList", "int32")
def test_integers_to_negative_powers_lose_the_fraction() -> None:
    x, y = np.array([1, -1, -1, 2, -7], np.int32), np.array([-3, -3, -2, -1, -2], np.int32)
    assert ao.ops.foreach_pow_list([ao.asarray(x)], [ao.asarray(y)])[0].numpy().tolist() == [1, -1, 1, 0, 0]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ao.ops.foreach_exp([zeros(2, dtype="float64")]), "x.*DOUBLE"),
        (lambda: ao.ops.foreach_exp([zeros(2), zeros(2, dtype="float16")]), "item 1 of x"),
        (lambda: ao.ops.foreach_exp([zeros(2)], out=[zeros(2), zeros(2)]), "out has 2 items.*1, as x"),
        (lambda: ao.ops.foreach_exp([zeros(2)], out=[zeros(3)]), "out"),
        (lambda: ao.ops.foreach_add_list([zeros(2)], [zeros(1)], zeros(1)), "x2.*that of x1"),
        (lambda: ao.ops.foreach_add_list([zeros(2)], [zeros(2)], zeros(2)), "alpha has 2 elements.*1"),
        (lambda: ao.ops.foreach_addcmul_list(*[[zeros(2)]] * 3, zeros(2)), "scalars has 2 elements.*1"),
        (lambda: ao.ops.foreach_norm([zeros(2)], 2.0, out=[zeros(2)]), "out has 2 elements"),
        (lambda: ao.ops.foreach_add_scalar_list([zeros(2)], [1.0, 2.0]), "scalars has 2 items"),
    ],
    ids=["type", "mixed", "lengths", "shape", "no broadcasting", "alpha", "scalars", "norm", "scalar list"],
)
def test_refuses(call: Callable[[], Any], words: str) -> None:
    with pytest.raises(ao.AscendError, match=words) as caught:
        call()
    assert caught.value.code == 161002
