"""Tokens by a map of tokens and experts, there and back, and gradients of routing. References are written
from the formulas, loop by loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import FLOATS, Array, assert_close, blank, covers, layout, random, wide

import ascend_ops as ao

floats = pytest.mark.parametrize("dtype", FLOATS.split())
TOKENS, EXPERTS, HIDDEN, K = 5, 4, 7, 2


def routing(rng: np.random.Generator, padded: bool) -> Array:
    """K experts for each token; with padding any number of them."""
    if padded:
        return rng.random((TOKENS, EXPERTS)) < 0.5
    chosen = np.zeros((TOKENS, EXPERTS), bool)
    for row in chosen:
        row[rng.permutation(EXPERTS)[:K]] = True
    return chosen


def rows_of(chosen: Array, padded: bool, capacity: int = 3) -> tuple[Array, Array]:
    """The rows' tokens and experts. A full expert's later tokens are dropped, a free one's places go to
    tokens that are not its own."""
    pairs = []
    for expert in range(EXPERTS):
        own = [t for t in range(TOKENS) if chosen[t, expert]]
        others = [t for t in range(TOKENS) if not chosen[t, expert]]
        pairs += [(t, expert) for t in ((own + others)[:capacity] if padded else own)]
    return np.array([t for t, _ in pairs]), np.array([e for _, e in pairs])


def indices_of(tokens: Array, padded: bool) -> Array:
    return (tokens if padded else np.argsort(tokens, kind="stable")).astype(np.int32)


@covers("aclnnMoeTokenPermuteWithRoutingMap", FLOATS)
@floats
@pytest.mark.parametrize("padded", [False, True])
def test_token_permute_with_routing_map(padded: bool, dtype: str) -> None:
    """With padding, the document's sort has no direction; the vendor's kernel sorts downwards, so that an
    expert's own tokens come first."""
    rng = np.random.default_rng(padded)
    chosen, host, probs = (
        routing(rng, padded),
        random(rng, (TOKENS, HIDDEN), dtype),
        random(rng, (TOKENS, EXPERTS), dtype),
    )
    tokens, experts = rows_of(chosen, padded)
    wanted = len(tokens) + (1 if padded else 0)
    given = layout(rng, host), layout(rng, chosen), layout(rng, probs)
    permuted, permuted_probs, indices = ao.ops.moe_token_permute_with_routing_map(*given, wanted, padded)
    assert_close(permuted, wide(host)[tokens], dtype, 0)
    assert_close(permuted_probs, wide(probs)[tokens, experts], dtype, 0)
    assert_close(indices, indices_of(tokens, padded), "int32")
    alone = ao.ops.moe_token_permute_with_routing_map(
        given[0], ao.asarray(chosen.astype(np.int8)), None, wanted, padded
    )
    assert_close(alone[0], wide(host)[tokens], dtype, 0)


@covers("aclnnMoeTokenPermuteWithRoutingMapGrad", FLOATS)
@floats
@pytest.mark.parametrize("padded", [False, True])
def test_token_permute_with_routing_map_grad(padded: bool, dtype: str) -> None:
    rng = np.random.default_rng(padded)
    chosen = routing(rng, padded)
    tokens, experts = rows_of(chosen, padded)
    grad, probs_grad = random(rng, (len(tokens), HIDDEN), dtype), random(rng, (len(tokens),), dtype)
    expected, expected_probs = np.zeros((TOKENS, HIDDEN)), np.zeros((TOKENS, EXPERTS))
    np.add.at(expected, tokens, wide(grad))
    expected_probs[tokens, experts] = wide(probs_grad)
    out, probs_out = blank(rng, (TOKENS, HIDDEN), dtype), blank(rng, (TOKENS, EXPERTS), dtype)
    ao.ops.moe_token_permute_with_routing_map_grad(
        layout(rng, grad),
        layout(rng, probs_grad),
        layout(rng, indices_of(tokens, padded)),
        layout(rng, chosen),
        EXPERTS,
        TOKENS,
        padded,
        out=(out, probs_out),
    )
    assert_close(out, expected, dtype, 1, 1e-5)
    assert_close(probs_out, expected_probs, dtype, 0)


@covers("aclnnMoeTokenUnpermuteWithRoutingMap", FLOATS)
@floats
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_token_unpermute_with_routing_map(weighted: bool, padded: bool, dtype: str) -> None:
    rng = np.random.default_rng(2 * padded + weighted)
    chosen, probs = routing(rng, padded), random(rng, (TOKENS, EXPERTS), dtype)
    tokens, experts = rows_of(chosen, padded)
    rows, host = len(tokens), random(rng, (len(tokens), HIDDEN), dtype)
    weights = wide(probs)[tokens, experts] if weighted else np.ones(rows)
    expected = np.zeros((TOKENS, HIDDEN))
    np.add.at(expected, tokens, wide(host) * weights[:, None])
    out = blank(rng, (TOKENS, HIDDEN), dtype)
    places, ids = blank(rng, (rows,), "int32"), blank(rng, (rows,), "int32")
    picked = blank(rng, (rows,), dtype)
    ao.ops.moe_token_unpermute_with_routing_map(
        layout(rng, host),
        layout(rng, indices_of(tokens, padded)),
        layout(rng, chosen),
        layout(rng, probs) if weighted else None,
        padded,
        [TOKENS, HIDDEN],
        out=(out, places, ids, picked),
    )
    assert_close(out, expected, dtype, 1, 1e-5)
    if weighted:
        assert_close(picked, weights, dtype, 0)
    if padded:
        order = np.argsort(tokens, kind="stable")
        assert_close(places, order, "int32")
        assert_close(ids, tokens[order], "int32")


@covers("aclnnMoeFinalizeRoutingV2Grad", FLOATS)
@floats
@pytest.mark.parametrize("mode", [0, 1])
@pytest.mark.parametrize("scaled", [False, True])
def test_finalize_routing_v2_grad(scaled: bool, mode: int, dtype: str) -> None:
    """With dropping, places of -1 were dropped: of their rows only the bias counts."""
    rng = np.random.default_rng(2 * mode + scaled)
    k = K if scaled else 1
    pairs, rows = TOKENS * k, EXPERTS * 3 if mode else TOKENS * k - 1
    places = rng.permutation(rows if mode else pairs)[:pairs].astype(np.int32)
    places[:1] = -1 if mode else places[:1]
    grad, expanded = random(rng, (TOKENS, HIDDEN), dtype), random(rng, (rows, HIDDEN), dtype)
    scales, bias = random(rng, (TOKENS, k), dtype), random(rng, (EXPERTS, HIDDEN), dtype)
    experts = rng.integers(0, EXPERTS, (TOKENS, k)).astype(np.int32)
    expected, expected_scales = np.zeros((rows, HIDDEN)), np.zeros((TOKENS, k))
    for i, place in enumerate(places):
        token, kept = i // k, 0 <= place < rows
        row = (wide(expanded)[place] if kept else 0) + wide(bias)[experts.flat[i]]
        expected_scales.flat[i] = row @ wide(grad)[token]
        if kept:
            expected[place] = wide(grad)[token] * (wide(scales).flat[i] if scaled else 1)
    shape = (EXPERTS, 3, HIDDEN) if mode else (rows, HIDDEN)
    out, scales_out = ao.ops.moe_finalize_routing_v2_grad(
        layout(rng, grad),
        layout(rng, places),
        layout(rng, expanded.reshape(shape)),
        layout(rng, scales) if scaled else None,
        layout(rng, experts),
        layout(rng, bias),
        mode,
        0 if mode else rows,
        EXPERTS,
        3,
    )
    assert_close(out, expected.reshape(shape), dtype, 0)
    if scaled:
        assert_close(scales_out, expected_scales, dtype, 1, 1e-5)


@covers("aclnnGroupedBiasAddGrad aclnnGroupedBiasAddGradV2", FLOATS)
@floats
def test_grouped_bias_add_grad(dtype: str) -> None:
    rng = np.random.default_rng(5)
    host, lengths = random(rng, (9, HIDDEN), dtype), np.array([2, 0, 4, 3])
    ends = np.cumsum(lengths)
    grad = layout(rng, host)
    expected = [wide(host)[end - length : end].sum(0) for end, length in zip(ends, lengths, strict=True)]

    def call(indices: Array, kind: int | None) -> ao.Tensor:
        out = blank(rng, (4, HIDDEN), dtype)
        if kind is None:
            return ao.ops.grouped_bias_add_grad(grad, layout(rng, indices), out=out)
        return ao.ops.grouped_bias_add_grad_v2(grad, layout(rng, indices), kind, out=out)

    assert_close(call(ends, None), expected, dtype, 1, 1e-5)
    assert_close(call(ends.astype(np.int32), 0), expected, dtype, 1, 1e-5)
    assert_close(call(lengths, 1), expected, dtype, 1, 1e-5)
    cube = random(rng, (4, 3, HIDDEN), dtype)
    out = blank(rng, (4, HIDDEN), dtype)
    ao.ops.grouped_bias_add_grad(layout(rng, cube), None, out=out)
    assert_close(out, wide(cube).sum(1), dtype, 1, 1e-5)


def zeros(*shape: int, dtype: str = "float32") -> ao.Tensor:
    return ao.asarray(np.zeros(shape, dtype))


MAP = zeros(3, 4, dtype="bool")
REFUSALS: list[tuple[str, Any]] = [
    (
        "numOutTokens is 13",
        lambda: ao.ops.moe_token_permute_with_routing_map(zeros(3, 2), MAP, None, 13, False),
    ),
    (
        "data type of routingMap",
        lambda: ao.ops.moe_token_permute_with_routing_map(zeros(3, 2), zeros(3, 4), None, 3, False),
    ),
    (
        "groupIdxType is 2",
        lambda: ao.ops.grouped_bias_add_grad_v2(zeros(3, 2), zeros(1, dtype="int64"), 2, out=zeros(1, 2)),
    ),
    (
        "dropPadMode is 2",
        lambda: ao.ops.moe_finalize_routing_v2_grad(
            zeros(3, 2), zeros(3, dtype="int32"), None, None, None, None, 2, 0, 0, 0
        ),
    ),
]


@pytest.mark.parametrize(("text", "call"), REFUSALS)
def test_refusals_name_the_argument(text: str, call: Any) -> None:
    with pytest.raises(ao.AscendError, match=text) as refused:
        call()
    assert refused.value.code == 161002


def test_a_map_without_enough_pairs_fails_on_the_device() -> None:
    stream = ao.Stream()
    with stream:
        ao.ops.moe_token_permute_with_routing_map(zeros(3, 2), MAP, None, 3, False)
        with pytest.raises(ao.AscendError, match="routingMap has 0 pairs") as refused:
            stream.synchronize()
    stream.close()
    assert refused.value.code == 507015
