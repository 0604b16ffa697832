"""dequant_rope_quant_kvcache: the published vectors, random calls against the reference, caches in place."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
import reference as ref
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels.arrays import covers
from ops.vectors import Case, arrays, digest, load

import ascend_ops as ao
from ascend_ops.dispatch import launch

VECTORS = load("aclnnDequantRopeQuantKvcache")["vectors"]
NAMES = ("qOut", "kOut", "vOut", "kCacheRef", "vCacheRef")
KINDS = [("float16", "float16"), ("bfloat16", "bfloat16"), ("int32", "float16"), ("int32", "bfloat16")]


def called(a: dict[str, Any], **options: Any) -> tuple[ao.Tensor, ...]:
    """`a` names the arguments as CANN does; the caches become Tensors."""
    caches = ao.asarray(a["kCacheRef"]), ao.asarray(a["vCacheRef"])
    return ao.ops.dequant_rope_quant_kvcache(
        *(a[name] for name in ("x", "cos", "sin")),
        *caches,
        *(a[name] for name in ("indices", "scaleK", "scaleV", "sizeSplits")),
        *(a.get(name) for name in ("offsetKOptional", "offsetVOptional", "weightScaleOptional")),
        *(a.get(name) for name in ("activationScaleOptional", "biasOptional")),
        **options,
    )


def called_in_c(a: dict[str, Any], kv_output: bool, cache_mode: str | None) -> tuple[ao.Tensor, ...]:
    """As the operator is, without what Python refuses."""
    given = {name: ao.asarray(each) if isinstance(each, np.ndarray) else each for name, each in a.items()}
    heads = [size // a["cos"].shape[-1] for size in a["sizeSplits"]]
    shapes = [(*a["x"].shape[:-1], count, a["cos"].shape[-1]) for count in heads]
    q, k, v = (
        ao.empty(each if kv_output or each is shapes[0] else (0,), given["cos"].dtype) for each in shapes
    )
    names = ("x", "cos", "sin", "kCacheRef", "vCacheRef", "indices", "scaleK", "scaleV")
    optional = ("offsetK", "offsetV", "weightScale", "activationScale", "bias")
    tensors = (*(given[name] for name in names), *(given.get(f"{name}Optional") for name in optional))
    tail = (a["sizeSplits"], "static", "BSND", kv_output, cache_mode, q, k, v)
    launch("aclnnDequantRopeQuantKvcache", (*tensors, *tail))
    return q, k, v, given["kCacheRef"], given["vCacheRef"]


def expected(a: dict[str, Any], page: bool = False) -> ref.RopeResult:
    return ref.dequant_rope_quant_kvcache(
        *(a[name] for name in ("x", "cos", "sin")),
        (a["kCacheRef"], a["vCacheRef"]),
        a["indices"],
        (a["scaleK"], a["scaleV"]),
        (a.get("offsetKOptional"), a.get("offsetVOptional")),
        *(a.get(name) for name in ("weightScaleOptional", "activationScaleOptional", "biasOptional")),
        page=page,
    )


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_dequant_rope_quant_kvcache_gives_the_published_vector(case: Case) -> None:
    a = arrays(case) | {"sizeSplits": case["sizeSplits"]}
    has_one_offset = (a.get("offsetKOptional") is None) != (a.get("offsetVOptional") is None)
    call = called_in_c if has_one_offset else called
    results = call(a, kv_output=case["kvOutput"], cache_mode=case["cacheModeOptional"])
    for name, result in zip(NAMES, results, strict=True):
        spec = case["expected"][name]
        if isinstance(spec, dict):
            assert (result.dtype, result.shape) == (spec["dtype"], tuple(spec["shape"]))
            assert digest(result.numpy()) == spec["sha256"]
        else:
            assert (result.dtype, result.shape) == (results[0].dtype, (0,))


def problem(
    rng: np.random.Generator, lead: tuple[int, ...], heads: tuple[int, int], d: int, kinds: tuple[str, str]
) -> dict[str, Any]:
    """Random arguments for both cache modes but for indices; the caches have a spare batch."""
    (x_kind, table), kv = kinds, heads[1] * d
    columns = heads[0] * d + 2 * kv
    x = rng.standard_normal((*lead, columns)) * 3
    tables = (*lead, 1, d) if len(lead) == 2 else (*lead, d)
    cache = (lead[0] + 1, (lead[1] if len(lead) == 2 else 1) + 3, heads[1], d)
    return {
        "x": rng.integers(-3000, 3000, x.shape, np.int32)
        if x_kind == "int32"
        else x.astype(ref.DTYPES[x_kind]),
        "cos": rng.uniform(-1, 1, tables).astype(ref.DTYPES[table]),
        "sin": rng.uniform(-1, 1, tables).astype(ref.DTYPES[table]),
        "kCacheRef": rng.integers(-128, 128, cache, np.int8),
        "vCacheRef": rng.integers(-128, 128, cache, np.int8),
        "scaleK": rng.uniform(0.01, 0.2, (heads[1], d)).astype(np.float32),
        "scaleV": rng.uniform(0.01, 0.2, (heads[1], d)).astype(np.float32),
        "sizeSplits": [heads[0] * d, kv, kv],
        "weightScaleOptional": rng.uniform(0, 0.004, columns).astype(np.float32)
        if x_kind == "int32"
        else None,
    }


def assert_same(results: tuple[ao.Tensor, ...], reference: ref.RopeResult, kv_output: bool = True) -> None:
    for name, result, want in zip(NAMES, results, reference, strict=True):
        if kv_output or name not in ("kOut", "vOut"):
            host = result.numpy()
            assert host.dtype == want.dtype
            np.testing.assert_array_equal(host.astype(float), want.astype(float), name)
        else:
            assert result.shape == (0,)


@covers("aclnnDequantRopeQuantKvcache", "int32 float16 bfloat16")
@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    lead=st.lists(st.integers(1, 4), min_size=1, max_size=2),
    heads=st.tuples(st.integers(0, 4), st.integers(1, 3)),
    d=st.sampled_from([16, 32, 48, 64, 128, 256]),
    kinds=st.sampled_from(KINDS),
    page=st.booleans(),
    kv_output=st.booleans(),
    offsets=st.booleans(),
    activation=st.booleans(),
    bias=st.sampled_from([None, "int32", "float32", "float16", "bfloat16"]),
)
def test_random_calls_give_what_the_reference_gives(
    seed: int,
    lead: list[int],
    heads: tuple[int, int],
    d: int,
    kinds: tuple[str, str],
    page: bool,
    kv_output: bool,
    offsets: bool,
    activation: bool,
    bias: str | None,
) -> None:
    rng = np.random.default_rng(seed)
    a = problem(rng, tuple(lead), heads, d, kinds)
    tokens, (c1, c2) = int(np.prod(lead)), a["kCacheRef"].shape[:2]
    if page:  # distinct rows, some of them negative
        rows = rng.permutation(np.arange(c1 * c2))[:tokens]
        a["indices"] = np.where(rng.random(tokens) < 0.2, -1 - rows, rows).astype(np.int32)
    else:
        a["indices"] = rng.integers(0, 4, lead[0], np.int32)
    for which in "KV" if offsets else "":
        a[f"offset{which}Optional"] = rng.uniform(-9, 9, heads[1] * d).astype(np.float32)
    if activation:
        a["activationScaleOptional"] = rng.uniform(0.5, 2, tokens).astype(np.float32)
    if bias:
        a["biasOptional"] = (rng.uniform(-9, 9, a["x"].shape[-1])).astype(ref.DTYPES[bias])
    results = called(a, kv_output=kv_output, cache_mode="Page" if page else "contiguous")
    assert_same(results, expected(a, page), kv_output)


@pytest.fixture
def simple() -> dict[str, Any]:
    """Two batches of three tokens."""
    a = problem(np.random.default_rng(1), (2, 3), (2, 2), 32, ("float16", "float16"))
    return a | {"indices": np.array([1, 0], np.int32)}


def arguments(a: dict[str, Any], k_cache: ao.Tensor, v_cache: ao.Tensor) -> tuple[Any, ...]:
    tail = (a[name] for name in ("indices", "scaleK", "scaleV", "sizeSplits"))
    return a["x"], a["cos"], a["sin"], k_cache, v_cache, *tail


def test_the_caches_that_are_passed_in_are_updated_and_returned(simple: dict[str, Any]) -> None:
    k_cache, v_cache = ao.asarray(simple["kCacheRef"]), ao.asarray(simple["vCacheRef"])
    results = ao.ops.dequant_rope_quant_kvcache(*arguments(simple, k_cache, v_cache))
    assert results[3] is k_cache
    assert results[4] is v_cache
    reference = expected(simple)
    np.testing.assert_array_equal(k_cache.numpy(), reference.k_cache)
    np.testing.assert_array_equal(v_cache.numpy(), reference.v_cache)
    assert (reference.k_cache[2] == simple["kCacheRef"][2]).all()  # the spare batch
    assert (reference.k_cache != simple["kCacheRef"]).any()


def test_caches_may_be_views_and_nothing_beside_them_is_written(simple: dict[str, Any]) -> None:
    wide = ao.zeros((3, 6, 5, 64), "int8")
    k_cache, v_cache = wide[:, :, 1:3, ::2], wide[:, :, 3:, 1::2]
    zeros = np.zeros((3, 6, 2, 32), np.int8)
    ao.ops.dequant_rope_quant_kvcache(*arguments(simple, k_cache, v_cache))
    reference = expected(simple | {"kCacheRef": zeros, "vCacheRef": zeros})
    host = wide.numpy()
    np.testing.assert_array_equal(host[:, :, 1:3, ::2], reference.k_cache)
    np.testing.assert_array_equal(host[:, :, 3:, 1::2], reference.v_cache)
    host[:, :, 1:3, ::2] = host[:, :, 3:, 1::2] = 0
    assert not host.any()


def test_inputs_and_outputs_may_be_views(simple: dict[str, Any]) -> None:
    turned = ao.asarray(simple["x"].transpose(2, 1, 0).copy()).transpose(2, 1, 0)
    out = ao.zeros((3, 2, 2, 64), "float16").transpose(1, 0, 2, 3)[..., ::2]
    tables = {"cos": simple["cos"][:, :1], "sin": simple["sin"][:, :1]}
    broadcast = {name: ao.asarray(each).broadcast_to((2, 3, 1, 32)) for name, each in tables.items()}
    results = called(simple | broadcast | {"x": turned}, out=out)
    assert results[0] is out
    same = {name: np.broadcast_to(each, (2, 3, 1, 32)) for name, each in tables.items()}
    assert_same(results, expected(simple | same), kv_output=False)


def test_out_takes_q_k_and_v(simple: dict[str, Any]) -> None:
    out = tuple(ao.empty((2, 3, 2, 32), "float16") for _ in range(3))
    results = called(simple, kv_output=True, out=out)
    assert all(result is given for result, given in zip(results, out, strict=False))
    assert_same(results, expected(simple))


def test_parameters_that_are_longer_than_needed_are_read_from_the_front() -> None:
    a = problem(np.random.default_rng(2), (2, 2), (1, 1), 32, ("int32", "bfloat16"))
    a |= {"indices": np.zeros(2, np.int32), "biasOptional": np.ones(96, np.float32)}
    longer = {
        name: np.append(a[name], np.full(9, 99, np.float32))
        for name in ("weightScaleOptional", "biasOptional")
    }
    assert_same(called(a | longer, kv_output=True), expected(a))


def test_lists_take_the_element_type_that_belongs_there() -> None:
    k_cache, v_cache = ao.zeros((1, 1, 1, 16), "int8"), ao.zeros((1, 1, 1, 16), "int8")
    ones = 16 * [1]
    x = np.arange(48, dtype=np.int32)[None]
    q, k, v, *_ = ao.ops.dequant_rope_quant_kvcache(
        *(x, [ones], [16 * [0]], k_cache, v_cache, [0], 16 * [2], 16 * [4], np.array([16, 16, 16])),
        weight_scale=48 * [0.5],
        bias=48 * [1],
        kv_output=True,
    )
    assert {each.dtype for each in (q, k, v)} == {ao.float16}
    np.testing.assert_array_equal(v.numpy().astype(float).ravel(), np.arange(32, 48) / 2 + 1)
    np.testing.assert_array_equal(k_cache.numpy().ravel(), np.rint((np.arange(16, 32) / 2 + 1) / 2))


@pytest.mark.parametrize("kinds", KINDS, ids="-".join)
def test_non_finite_numbers_follow_ieee_arithmetic_and_nan_becomes_zero(kinds: tuple[str, str]) -> None:
    a = problem(np.random.default_rng(3), (4,), (1, 1), 16, kinds) | {
        "indices": np.arange(4, dtype=np.int32) % 3
    }
    special = np.array([np.inf, -np.inf, np.nan, 0, -0.0, 1e-38, 3e38, -1], np.float32)
    a |= {"scaleK": np.tile(special, 2), "scaleV": np.tile(special, 2)}
    if kinds[0] == "int32":
        a["weightScaleOptional"] = np.tile(special, 6)
    else:
        a["x"][:, ::5], a["x"][:, 1::5] = np.inf, np.nan
    assert_same(called(a, kv_output=True), expected(a))


def test_ties_round_to_even_and_large_values_saturate() -> None:
    x = np.zeros((1, 48), np.float16)
    x[0, 32:] = [
        0.5,
        1.5,
        2.5,
        -0.5,
        -1.5,
        127.4,
        127.5,
        128,
        500,
        -128.4,
        -128.5,
        -129,
        65504,
        -65504,
        0.49,
        3,
    ]
    a = problem(np.random.default_rng(4), (1,), (1, 1), 16, KINDS[0]) | {
        "indices": np.zeros(1, np.int32),
        "x": x,
    }
    v_cache = called(a | {"scaleV": np.ones(16, np.float32)})[4].numpy()[0, 0, 0]
    assert v_cache.tolist() == [0, 2, 2, 0, -2, 127, 127, 127, 127, -128, -128, -128, 127, -128, 0, 3]


@pytest.mark.parametrize("kv_output", [True, False])
def test_no_tokens_leave_the_caches_as_they_were(simple: dict[str, Any], kv_output: bool) -> None:
    nothing = {
        "x": simple["x"][:0],
        "cos": simple["cos"][:0],
        "sin": simple["sin"][:0],
        "indices": [np.int32(0)][:0],
    }
    q, k, _, k_cache, _ = called(simple | nothing, kv_output=kv_output)
    assert q.numpy().shape == (0, 3, 2, 32)
    assert k.shape == ((0, 3, 2, 32) if kv_output else (0,))
    np.testing.assert_array_equal(k_cache.numpy(), simple["kCacheRef"])


@pytest.mark.stand_in(reason="on hardware any of the tokens may be the last to write")
def test_of_tokens_with_the_same_page_the_last_one_stays() -> None:
    a = problem(np.random.default_rng(5), (40, 50), (1, 1), 32, ("bfloat16", "bfloat16"))
    a["indices"] = np.random.default_rng(6).integers(-2, 9, 2000).astype(np.int32)
    assert_same(called(a, cache_mode="page"), expected(a, page=True), kv_output=False)


def test_a_large_call_is_right_in_every_token() -> None:
    a = problem(np.random.default_rng(7), (6, 300), (8, 2), 128, ("int32", "float16"))
    a |= {
        "indices": np.array([3, 0, 1, 2, 3, 0], np.int32),
        "biasOptional": np.ones(1536, ml_dtypes.bfloat16),
    }
    assert_same(called(a, kv_output=True), expected(a))
