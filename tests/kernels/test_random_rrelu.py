"""Slopes that are drawn: RReluWithNoise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import FLOATS, assert_close, blank, covers, layout, random, wide

import ascend_ops as ao

LOWER, UPPER = 0.125, 0.25

names = pytest.mark.parametrize(
    "inplace",
    [
        pytest.param(False, marks=covers("aclnnRReluWithNoise", FLOATS)),
        pytest.param(True, marks=covers("aclnnInplaceRReluWithNoise", FLOATS)),
    ],
)


def call(x: ao.Tensor, noise: ao.Tensor, training: bool, seed: int, out: ao.Tensor | None) -> ao.Tensor:
    if out is None:
        ao.ops.inplace_r_relu_with_noise(x, noise, LOWER, UPPER, training, seed, 0)
        return x
    ao.ops.r_relu_with_noise(x, noise, LOWER, UPPER, training, seed, 0, out=out)
    return out


@names
def test_training_keeps_the_slopes(inplace: bool) -> None:
    """Zeros count as positive: the sources compare with <, the document with <=; the product is 0 anyway."""
    rng = np.random.default_rng(1)
    for dtype in FLOATS.split():
        x = random(rng, (30, 20), dtype, special=True)
        kept = []
        for seed in (3, 3, 4):
            noise = layout(rng, np.full((31, 20), 7, x.dtype))
            got = call(layout(rng, x), noise, True, seed, None if inplace else blank(rng, x.shape, dtype))
            slopes = noise.numpy().reshape(-1)
            assert (wide(slopes[600:]) == 7).all()
            slopes = wide(slopes[:600]).reshape(x.shape)
            with np.errstate(invalid="ignore"):
                negative = wide(x) < 0
                assert_close(got, wide(x) * slopes, dtype, 0)
            assert (slopes[~negative] == 1).all()
            drawn = slopes[negative]
            assert ((drawn >= LOWER) & (drawn <= UPPER)).all()
            assert abs(drawn.mean() - (LOWER + UPPER) / 2) < 0.01
            kept.append(slopes)
        np.testing.assert_array_equal(kept[0], kept[1])
        assert (kept[0] != kept[2]).any()


@names
def test_inference_takes_the_middle(inplace: bool) -> None:
    rng = np.random.default_rng(2)
    for dtype in FLOATS.split():
        x, noise = random(rng, (4, 5), dtype), ao.zeros((4, 5), dtype)
        got = call(layout(rng, x), noise, False, 0, None if inplace else blank(rng, x.shape, dtype))
        assert_close(got, np.where(wide(x) > 0, wide(x), wide(x) * (LOWER + UPPER) / 2), dtype)
        assert not wide(noise.numpy()).any()


@pytest.mark.parametrize(
    ("noise", "lower", "text"),
    [((3,), 0.1, "noise has 3 elements"), ((4,), True, "data type of lower")],
)
def test_what_does_not_fit_is_refused(noise: tuple[int, ...], lower: Any, text: str) -> None:
    x = ao.zeros((4,), "float32")
    with pytest.raises(ao.AclError, match=text) as refusal:
        ao.ops.r_relu_with_noise(x, ao.zeros(noise, "float32"), lower, 0.3, True, 0, 0, out=x)
    assert refusal.value.code == 161002
