"""Tokens routed to experts and quantised on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import FLOATS, Array, assert_close, blank, covers, layout, random, wide

import ascend_ops as ao

TOKENS, K, HIDDEN, EXPERTS, CAPACITY = 6, 2, 40, 4, 2
floats = pytest.mark.parametrize("dtype", FLOATS.split())


def inputs(seed: int, dtype: str) -> tuple[np.random.Generator, Array, Array]:
    rng = np.random.default_rng(seed)
    experts = np.stack([rng.permutation(EXPERTS)[:K] for _ in range(TOKENS)]).astype(np.int32)
    return rng, random(rng, (TOKENS, HIDDEN), dtype), experts


def in_half(x: Array, scale: float, offset: float) -> Array:
    """Every step in FLOAT16, as A2's kernel has it (the document says nothing of the type)."""
    product = (wide(x).astype(np.float16).astype(np.float64) * np.float16(scale)).astype(np.float16)
    shifted = (product.astype(np.float64) + np.float64(np.float16(offset))).astype(np.float16)
    return np.asarray(np.clip(np.rint(shifted), -128, 127).astype(np.int8))


def by_row(x: Array, smooth: Array | None) -> tuple[Array, Array]:
    """The quotient is cut to FLOAT16 and rounded half away from 0, as A2's kernel has it."""
    scaled = wide(x).astype(np.float32) * (1 if smooth is None else smooth)
    scale = np.abs(scaled).max(-1) / np.float32(127)
    bits = (scaled / scale[:, None]).astype(np.float32).view(np.uint32) & np.uint32(0xFFFFE000)
    cut = bits.view(np.float32).astype(np.float64)
    return np.asarray((np.sign(cut) * np.floor(np.abs(cut) + 0.5)).astype(np.int8)), scale


@covers("aclnnMoeInitRoutingQuant", FLOATS)
@floats
def test_routing_with_one_scale(dtype: str) -> None:
    rng, host, experts = inputs(1, dtype)
    rows = np.arange(TOKENS * K, dtype=np.int32).reshape(K, TOKENS).T
    out = (
        blank(rng, (4 * K, HIDDEN), "int8"),
        blank(rng, (TOKENS * K,), "int32"),
        blank(rng, (TOKENS * K,), "int32"),
    )
    given = layout(rng, host), layout(rng, rows), layout(rng, experts)
    ao.ops.moe_init_routing_quant(*given, 4, 37.7, -3.3, out=out)
    order = np.argsort(experts.reshape(-1), kind="stable")
    tokens = rows.reshape(-1)[order]
    assert_close(out[0], in_half(host[tokens % TOKENS][: 4 * K], 37.7, -3.3), "int8")
    places = np.zeros(TOKENS * K, np.int32)
    places[tokens] = np.arange(TOKENS * K)
    assert_close(out[1], places, "int32")
    assert_close(out[2], experts.reshape(-1)[order], "int32")


def routed(experts: Array, drops: bool) -> tuple[Array, Array]:
    """The pair in each row of the output (-1: none), and where each pair went."""
    order = np.argsort(experts.reshape(-1), kind="stable")
    if not drops:
        return order, np.argsort(order)
    source, places = np.full(EXPERTS * CAPACITY, -1), np.full(TOKENS * K, -1)
    used = [0] * EXPERTS
    for pair in order:
        expert = experts.reshape(-1)[pair]
        if used[expert] < CAPACITY:
            places[pair] = expert * CAPACITY + used[expert]
            source[places[pair]] = pair
        used[expert] += 1
    return source, places


def outputs(rng: np.random.Generator, drops: bool, rows: int) -> tuple[ao.Tensor, ...]:
    shape = (EXPERTS, CAPACITY, HIDDEN) if drops else (rows, HIDDEN)
    counts = blank(rng, (EXPERTS,), "int32"), blank(rng, (EXPERTS,), "int32")
    return (
        blank(rng, shape, "int8"),
        blank(rng, (TOKENS * K,), "int32"),
        *counts,
        blank(rng, (rows,), "float32"),
    )


@covers("aclnnMoeInitRoutingQuantV2", FLOATS)
@floats
@pytest.mark.parametrize("drops", [False, True])
@pytest.mark.parametrize("smooth", ["static", "none", "one", "each"])
def test_routing_v2(smooth: str, drops: bool, dtype: str) -> None:
    rng, host, experts = inputs(2, dtype)
    source, places = routed(experts, drops)
    out = outputs(rng, drops, len(source))
    factors = {"static": (1,), "one": (1, HIDDEN), "each": (EXPERTS, HIDDEN)}.get(smooth)
    scale = None if factors is None else random(rng, factors, "float32", 0.5, 20)
    offset = np.array([2.5], np.float32)
    ao.ops.moe_init_routing_quant_v2(
        layout(rng, host),
        layout(rng, experts),
        None if scale is None else layout(rng, scale),
        ao.asarray(offset),
        0,
        CAPACITY,
        EXPERTS,
        int(drops),
        0 if drops else 1,
        drops,
        int(smooth != "static"),
        out=out,
    )
    rows = host[np.maximum(source, 0) // K]
    if smooth == "static":
        assert scale is not None
        values, scales = in_half(rows, float(scale[0]), 2.5), None
    else:
        owner = experts.reshape(-1)[np.maximum(source, 0)]
        values, scales = by_row(rows, scale[owner] if smooth == "each" and scale is not None else scale)
    taken = source >= 0
    assert_close(out[0], (values * taken[:, None]).reshape(out[0].shape), "int8")
    assert_close(out[1], places, "int32")
    histogram = np.bincount(experts.reshape(-1), minlength=EXPERTS)
    assert_close(out[3] if drops else out[2], histogram if drops else np.cumsum(histogram), "int32")
    if scales is not None:
        assert_close(out[4], scales * taken, "float32", 0)


def test_routing_v2_allocates_the_scales_of_rows() -> None:
    _, host, experts = inputs(4, "float32")
    given = ao.asarray(host), ao.asarray(experts), None, None
    x, *_, scales = ao.ops.moe_init_routing_quant_v2(*given, 0, 0, EXPERTS, 0, 0, False, 1)
    values, expected = by_row(host[routed(experts, False)[0] // K], None)
    assert_close(x, values, "int8")
    assert_close(scales, expected, "float32", 0)


@pytest.mark.parametrize(
    ("mode", "scale", "text"),
    [
        (2, (1,), "quantMode is 2"),
        (0, (EXPERTS,), r"scaleOptional is .*must be \[1\]"),
        (1, (3, HIDDEN), r"scaleOptional is .*must be \[4, 40\]"),
    ],
)
def test_what_does_not_fit_is_refused(mode: int, scale: tuple[int, ...], text: str) -> None:
    rng, host, experts = inputs(3, "float32")
    given: tuple[Any, ...] = (
        ao.asarray(host),
        ao.asarray(experts),
        ao.zeros(scale, "float32"),
        ao.zeros((1,), "float32"),
    )
    with pytest.raises(ao.AclError, match=text) as refusal:
        ao.ops.moe_init_routing_quant_v2(
            *given, 0, 0, EXPERTS, 0, 0, False, mode, out=outputs(rng, False, TOKENS * K)
        )
    assert refusal.value.code == 161002
