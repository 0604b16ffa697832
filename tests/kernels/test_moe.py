"""Mixtures of experts: gating, routing to experts and back. References are written from the formulas, loop by
loop. Of experts that are equally likely the first is taken (the documents do not say)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import FLOATS, Array, assert_close, blank, covers, layout, random, wide, zeros

import ascend_ops as ao

floats = pytest.mark.parametrize("dtype", FLOATS.split())


def softmax(x: Array) -> Array:
    powers = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


def top(x: Array, k: int) -> Array:
    return np.argsort(-x, -1, kind="stable")[..., :k]


def experts_of(rng: np.random.Generator, tokens: int, experts: int, k: int) -> Array:
    return np.stack([rng.permutation(experts)[:k] for _ in range(tokens)]).astype(np.int32)


@covers("aclnnMoeGatingTopKSoftmax", FLOATS)
@floats
@pytest.mark.parametrize("shape", [(5, 16), (2, 3, 9)])
def test_gating_top_k_softmax(shape: tuple[int, ...], dtype: str) -> None:
    rng, k = np.random.default_rng(len(shape)), 4
    host = random(rng, shape, dtype)
    finished = rng.random(shape[:-1]) < 0.3
    y, experts, rows = ao.ops.moe_gating_top_k_softmax(layout(rng, host), layout(rng, finished), k)
    likely = softmax(wide(host))
    chosen, tokens = top(likely, k), finished.size
    assert_close(y, np.take_along_axis(likely, chosen, -1), dtype, 8)
    assert_close(experts, np.where(finished[..., None], shape[-1], chosen), "int32")
    assert_close(rows, np.arange(k * tokens).reshape(k, tokens).T.reshape(*shape[:-1], k), "int32")
    assert_close(ao.ops.moe_gating_top_k_softmax(ao.asarray(host), None, k)[1], chosen, "int32")


@covers("aclnnMoeGatingTopKSoftmaxV2", FLOATS)
@floats
@pytest.mark.parametrize("renorm", [0, 1])
def test_gating_top_k_softmax_v2(renorm: int, dtype: str) -> None:
    rng, k = np.random.default_rng(renorm), 3
    host = random(rng, (6, 12), dtype)
    y, experts, whole = ao.ops.moe_gating_top_k_softmax_v2(layout(rng, host), None, k, renorm, True)
    x, likely = wide(host), softmax(wide(host))
    chosen = top(x, k)
    expected = (
        softmax(np.take_along_axis(x, chosen, -1)) if renorm else np.take_along_axis(likely, chosen, -1)
    )
    assert_close(experts, chosen, "int32")
    assert_close(y, expected, dtype, 8)
    if renorm == 0:
        assert_close(whole, likely, "float32", 8)


def grouped(x: Array, bias: Array, k: int, groups: int, kept: int, mode: int) -> Array:
    """The k experts with the largest biased scores, out of the `kept` best groups."""
    biased = x + bias
    split = np.sort(biased.reshape(len(x), groups, -1))
    best = split[..., -1] + split[..., -2] if mode == 1 else split[..., -1]
    allowed = np.zeros((len(x), groups), bool)
    np.put_along_axis(allowed, top(best, kept), True, -1)
    return top(np.where(np.repeat(allowed, x.shape[1] // groups, 1), biased, -np.inf), k)


@covers("aclnnMoeGatingTopK", FLOATS)
@floats
@pytest.mark.parametrize(
    ("norm", "mode", "groups", "kept"), [(1, 1, 8, 4), (0, 0, 8, 2), (0, 0, 1, 1), (1, 0, 4, 4)]
)
def test_gating_top_k(norm: int, mode: int, groups: int, kept: int, dtype: str) -> None:
    """The bias chooses and does not weigh; the weights of sigmoids are divided by their sum, a softmax's are
    not: so the vendor's kernels have it."""
    rng, k = np.random.default_rng(groups), 6
    host, bias = random(rng, (7, 32), dtype), random(rng, (32,), dtype, -0.1, 0.1)
    args = (layout(rng, host), ao.asarray(bias), k, kept, groups, mode, 0, norm, True, 2.5, 1e-20)
    y, experts, scores = ao.ops.moe_gating_top_k(*args)
    likely = 1 / (1 + np.exp(-wide(host))) if norm else softmax(wide(host))
    chosen = grouped(likely, wide(bias), k, groups, kept, mode)
    weights = np.take_along_axis(likely, chosen, -1)
    weights = weights / (weights.sum(-1, keepdims=True) if norm else 1) * 2.5
    assert_close(experts, chosen, "int32")
    assert_close(y, weights, dtype, 8)
    assert_close(scores, likely, "float32", 8)


@covers("aclnnMoeInitRouting", FLOATS)
@floats
@pytest.mark.parametrize("active", [5, 3])
def test_init_routing(active: int, dtype: str) -> None:
    rng, (tokens, k, hidden) = np.random.default_rng(active), (5, 2, 7)
    host, experts = random(rng, (tokens, hidden), dtype), experts_of(rng, tokens, 4, k)
    rows = np.arange(tokens * k, dtype=np.int32).reshape(k, tokens).T
    x, row_idx, expert_idx = ao.ops.moe_init_routing(
        layout(rng, host), layout(rng, rows), layout(rng, experts), active
    )
    order = np.argsort(experts.reshape(-1), kind="stable")
    sorted_rows = rows.reshape(-1)[order]
    places = np.zeros(tokens * k, np.int32)
    places[sorted_rows] = np.arange(tokens * k)
    assert_close(row_idx, places, "int32")
    assert_close(expert_idx, experts.reshape(-1)[order], "int32")
    assert_close(x, wide(host[sorted_rows % tokens][: active * k]), dtype)


@covers("aclnnMoeInitRoutingV2", FLOATS)
@floats
@pytest.mark.parametrize(("active", "flag"), [(0, 1), (7, 2), (100, 0)])
def test_init_routing_v2_without_dropping(active: int, flag: int, dtype: str) -> None:
    rng, (tokens, k, hidden, count) = np.random.default_rng(active), (5, 2, 7, 4)
    host, experts = random(rng, (tokens, hidden), dtype), experts_of(rng, tokens, count, k)
    x, row_idx, counts, _ = ao.ops.moe_init_routing_v2(
        layout(rng, host), layout(rng, experts), active, 0, count, 0, flag, False
    )
    order = np.argsort(experts.reshape(-1), kind="stable")
    assert_close(row_idx, np.argsort(order), "int32")
    assert_close(x, wide(host[order // k][: active or None]), dtype)
    histogram = np.bincount(experts.reshape(-1), minlength=count)
    if flag:
        assert_close(counts, np.cumsum(histogram) if flag == 1 else histogram, "int32")


@covers("aclnnMoeInitRoutingV2", FLOATS)
@floats
def test_init_routing_v2_with_dropping(dtype: str) -> None:
    rng, (tokens, k, hidden, count, capacity) = np.random.default_rng(1), (6, 2, 7, 4, 2)
    host, experts = random(rng, (tokens, hidden), dtype), experts_of(rng, tokens, count, k)
    x, row_idx, _, before = ao.ops.moe_init_routing_v2(
        layout(rng, host), layout(rng, experts), 0, capacity, count, 1, 0, True
    )
    expected, places, used = np.zeros((count, capacity, hidden)), np.full(tokens * k, -1), [0] * count
    for pair, expert in enumerate(experts.reshape(-1)):
        if used[expert] < capacity:
            expected[expert, used[expert]] = wide(host)[pair // k]
            places[pair] = expert * capacity + used[expert]
        used[expert] += 1
    assert_close(x, expected, dtype)
    assert_close(row_idx, places, "int32")
    assert_close(before, used, "int32")


def finalize(
    expanded: Array, rows: Array, x1: Any, x2: Any, bias: Any, scales: Any, experts: Any, mode: int
) -> Array:
    tokens, k = scales.shape
    flat = expanded.reshape(-1, expanded.shape[-1])
    out = np.zeros((tokens, flat.shape[1])) + sum(x for x in (x1, x2) if x is not None)
    for i in range(tokens):
        for j in range(k):
            row = rows[i * k + j if mode >= 2 else j * tokens + i]
            value = np.zeros(flat.shape[1]) if row < 0 else flat[row]
            out[i] += scales[i, j] * (value + (0 if bias is None else bias[experts[i, j]]))
    return out


@covers("aclnnMoeFinalizeRouting aclnnMoeFinalizeRoutingV2", FLOATS)
@floats
@pytest.mark.parametrize("mode", [0, 1, 2, 3])
@pytest.mark.parametrize("whole", [True, False])
def test_finalize_routing(whole: bool, mode: int, dtype: str) -> None:
    """A dropped pair still has its expert's bias, as in the vendor's reference."""
    rng, (tokens, k, hidden, count) = np.random.default_rng(mode), (4, 3, 9, 4)
    rows = rng.permutation(tokens * k).astype(np.int32)
    if mode % 2:
        rows[2] = -1
    expanded = random(rng, (count, 3, hidden) if mode % 2 else (tokens * k, hidden), dtype)
    x1, x2 = random(rng, (tokens, hidden), dtype), random(rng, (tokens, hidden), dtype)
    bias, scales = random(rng, (count, hidden), dtype), random(rng, (tokens, k), dtype)
    experts = experts_of(rng, tokens, count, k)
    host = [expanded, rows, x1, x2, bias, scales, experts]
    if not whole:
        host[2:5] = [None, None, None]
    device = [None if each is None else layout(rng, each) for each in host]
    expected = finalize(*[None if each is None else wide(each) for each in host], mode)
    assert_close(ao.ops.moe_finalize_routing_v2(*device, mode), expected, dtype, 1, 1e-5)
    if mode == 0 and whole:
        first = [device[i] for i in (0, 2, 3, 4, 5, 1, 6)]
        assert_close(ao.ops.moe_finalize_routing(*first), expected, dtype, 1, 1e-5)


@covers("aclnnMoeComputeExpertTokens", "int32")
def test_compute_expert_tokens() -> None:
    experts = np.sort(np.random.default_rng(3).integers(0, 6, 40)).astype(np.int32)
    expected = np.cumsum(np.bincount(experts, minlength=8))
    assert_close(ao.ops.moe_compute_expert_tokens(ao.asarray(experts), 8), expected, "int32")


@covers("aclnnMoeTokenPermute", f"{FLOATS} int8")
@pytest.mark.parametrize("dtype", f"{FLOATS} int8".split())
@pytest.mark.parametrize("kept", [0, 7, -3])
def test_token_permute(kept: int, dtype: str) -> None:
    rng, (tokens, k, hidden) = np.random.default_rng(5), (6, 2, 5)
    host, experts = random(rng, (tokens, hidden), dtype), experts_of(rng, tokens, 4, k).astype(np.int64)
    permuted, places = ao.ops.moe_token_permute(layout(rng, host), layout(rng, experts), kept, False)
    order = np.argsort(experts.reshape(-1), kind="stable")
    assert_close(permuted, wide(host[order // k][: kept or None]), dtype)
    assert_close(places, np.argsort(order), "int32")


@covers("aclnnMoeTokenUnpermute aclnnMoeTokenPermuteGrad aclnnMoeInitRoutingV2Grad", FLOATS)
@floats
def test_sums_over_the_pairs_of_a_token(dtype: str) -> None:
    rng, (tokens, k, hidden) = np.random.default_rng(5), (6, 2, 1100)
    rows, probs = random(rng, (tokens * k, hidden), dtype), random(rng, (tokens, k), dtype)
    places = rng.permutation(tokens * k).astype(np.int32)
    taken = wide(rows)[places].reshape(tokens, k, hidden)
    tensor, index = layout(rng, rows), ao.asarray(places)
    weighted = np.sum(taken * wide(probs)[..., None], 1)
    assert_close(
        ao.ops.moe_token_unpermute(tensor, index, layout(rng, probs), False, None), weighted, dtype, 1, 1e-5
    )
    assert_close(ao.ops.moe_token_unpermute(tensor, index, None, False, None), wide(rows)[places], dtype)
    assert_close(ao.ops.moe_token_permute_grad(tensor, index, k, False), taken.sum(1), dtype, 1, 1e-5)
    places[3] = -1
    taken[1, 1] = 0
    given = ao.asarray(rows.reshape(3, -1, hidden)), ao.asarray(places), k, 1, 0
    assert_close(
        ao.ops.moe_init_routing_v2_grad(*given, out=blank(rng, (tokens, hidden), dtype)),
        taken.sum(1),
        dtype,
        1,
        1e-5,
    )


@covers("aclnnMoeTokenUnpermuteGrad", FLOATS)
@floats
def test_token_unpermute_grad(dtype: str) -> None:
    rng, (tokens, k, hidden) = np.random.default_rng(5), (5, 2, 1100)
    rows, grad = random(rng, (tokens * k, hidden), dtype), random(rng, (tokens, hidden), dtype)
    probs, places = random(rng, (tokens, k), dtype), rng.permutation(tokens * k).astype(np.int32)
    taken = wide(rows)[places].reshape(tokens, k, hidden)
    scaled = (wide(grad)[:, None] * wide(probs)[..., None]).reshape(-1, hidden)
    expected = np.empty_like(scaled)
    expected[places] = scaled
    tensors = layout(rng, rows), layout(rng, grad), ao.asarray(places)
    found = ao.ops.moe_token_unpermute_grad(*tensors, layout(rng, probs), False, None)
    assert_close(found[0], expected, dtype)
    assert_close(found[1], np.sum(wide(grad)[:, None] * taken, -1), dtype, 1, 1e-4)


def active_pairs(experts: Array, first: int, end: int) -> Array:
    """The pairs whose expert is active, in the order of the experts."""
    flat = experts.reshape(-1)
    return np.array([i for i in np.argsort(flat, kind="stable") if first <= flat[i] < end])


@covers("aclnnMoeInitRoutingV3", f"{FLOATS} int8")
@pytest.mark.parametrize("dtype", f"{FLOATS} int8".split())
@pytest.mark.parametrize(("kind", "row_type"), [(1, 0), (2, 1)])
def test_init_routing_v3_without_quantisation(kind: int, row_type: int, dtype: str) -> None:
    rng, (tokens, k, hidden, count, first, end) = np.random.default_rng(kind), (6, 3, 5, 8, 2, 6)
    host, experts = random(rng, (tokens, hidden), dtype), experts_of(rng, tokens, count, k)
    scale = random(rng, (tokens,), "float32")
    x, rows, counts, scales = ao.ops.moe_init_routing_v3(
        layout(rng, host),
        layout(rng, experts),
        ao.asarray(scale),
        None,
        tokens * k,
        0,
        count,
        0,
        kind,
        True,
        -1,
        [first, end],
        row_type,
    )
    pairs = active_pairs(experts, first, end)
    np.testing.assert_array_equal(wide(x.numpy())[: len(pairs)], wide(host)[pairs // k])
    np.testing.assert_array_equal(scales.numpy()[: len(pairs)], scale[pairs // k])
    if row_type == 0:
        places = np.full(tokens * k, -1)
        places[pairs] = np.arange(len(pairs))
        assert_close(rows, places, "int32")
    else:
        np.testing.assert_array_equal(rows.numpy()[: len(pairs)], pairs)
    histogram = np.bincount(experts.reshape(-1), minlength=count)[first:end]
    if kind == 1:
        assert_close(counts, histogram, "int64")
    else:
        expected = [(first + e, n) for e, n in enumerate(histogram) if n]
        np.testing.assert_array_equal(counts.numpy()[: len(expected)], expected)


@covers("aclnnMoeInitRoutingV3", FLOATS)
@floats
@pytest.mark.parametrize("smooth", [False, True])
def test_init_routing_v3_quantises_rows(smooth: bool, dtype: str) -> None:
    rng, (tokens, k, hidden, count, first, end) = np.random.default_rng(2), (6, 3, 40, 8, 0, 5)
    host, experts = random(rng, (tokens, hidden), dtype), experts_of(rng, tokens, count, k)
    scale = random(rng, (end - first, hidden), "float32", 0.5, 2) if smooth else None
    tensors = layout(rng, host), layout(rng, experts), None if scale is None else ao.asarray(scale), None
    x, _, _, scales = ao.ops.moe_init_routing_v3(
        *tensors, tokens * k, 0, count, 0, 1, True, 1, [first, end], 0
    )
    pairs = active_pairs(experts, first, end)
    expected = wide(host)[pairs // k]
    if scale is not None:
        expected = expected * scale[experts.reshape(-1)[pairs] - first]
    size = np.abs(expected).max(1) / 127
    assert_close(scales.numpy()[: len(pairs)], size, "float32", 2)
    # A quotient next to a half may round either way.
    assert (np.abs(x.numpy()[: len(pairs)] - expected / size[:, None]) < 0.5 + 1e-4).all()


INDEX = zeros(4, 2, dtype="int32")
REFUSALS: list[tuple[str, int, Any]] = [
    ("k is 9", 161002, lambda: ao.ops.moe_gating_top_k_softmax(zeros(3, 8), None, 9)),
    ("data type of x", 161002, lambda: ao.ops.moe_gating_top_k_softmax(zeros(3, 8, dtype="int32"), None, 2)),
    ("renorm is 2", 161002, lambda: ao.ops.moe_gating_top_k_softmax_v2(zeros(3, 8), None, 2, 2, False)),
    (
        "kGroup is 5",
        161002,
        lambda: ao.ops.moe_gating_top_k(zeros(2, 64), None, 2, 5, 4, 1, 0, 1, False, 1.0, 0.0),
    ),
    (
        "expertCapacity \\(5\\)",
        161002,
        lambda: ao.ops.moe_init_routing_v2(zeros(4, 3), INDEX, 0, 5, 2, 1, 0, False),
    ),
    ("paddedMode", 561003, lambda: ao.ops.moe_token_permute(zeros(4, 3), INDEX, 0, True)),
]


@pytest.mark.parametrize(("text", "code", "call"), REFUSALS)
def test_refusals_name_the_argument(text: str, code: int, call: Any) -> None:
    with pytest.raises(ao.AscendError, match=text) as refused:
        call()
    assert refused.value.code == code


def test_rows_that_do_not_exist_fail_on_the_device() -> None:
    rows = ao.asarray(np.array([0, 9], np.int32))
    stream = ao.Stream()
    with stream:
        ao.ops.moe_finalize_routing_v2(zeros(2, 3), rows, None, None, None, zeros(2, 1), None, 0)
        with pytest.raises(ao.AscendError, match="expandedRowIdx") as refused:
            stream.synchronize()
    stream.close()
    assert refused.value.code == 507015
