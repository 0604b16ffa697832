"""The gradients of native sparse attention's parts, and its compression of a cache, against the formulas in
float64."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels.arrays import Array, assert_close, blank, covers, host_dtype, layout, random, wide

import ascend_ops as ao

HALVES = "float16 bfloat16"


def windows_of(ends: list[int], block: int, stride: int) -> list[int]:
    """The first tokens of all windows."""
    return [start for first, end in pairwise([0, *ends]) for start in range(first, end - block + 1, stride)]


@covers("aclnnNsaCompressGrad", HALVES)
@pytest.mark.parametrize("dtype", HALVES.split())
@settings(max_examples=5, deadline=None, database=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_windows_hand_their_gradients_to_tokens_and_weights(dtype: str, seed: int) -> None:
    """Tokens in no window get zeros, those behind the last sequence too."""
    rng = np.random.default_rng(seed)
    block = 16 * int(rng.integers(1, 4))
    stride = 16 * int(rng.integers(1, block // 16 + 1))
    ends = np.cumsum([block, *rng.integers(0, 100, 2)]).tolist()
    starts, heads, size = windows_of(ends, block, stride), int(rng.integers(1, 4)), int(rng.choice([16, 20]))
    x = random(rng, (ends[-1] + int(rng.integers(4)), heads, size), dtype, -1, 1)
    dy = random(rng, (len(starts), heads, size), dtype, -1, 1)
    weight = random(rng, (block, heads), dtype, -1, 1)
    outs = (blank(rng, x.shape, dtype), blank(rng, weight.shape, dtype))
    ao.ops.nsa_compress_grad(
        *(layout(rng, each) for each in (dy, x, weight)), ends, block, stride, 0, "TND", out=outs
    )
    dx, dw = np.zeros(x.shape), np.zeros(weight.shape)
    for start, own in zip(starts, wide(dy), strict=True):
        dx[start : start + block] += wide(weight)[..., None] * own
        dw += (wide(x)[start : start + block] * own).sum(-1)
    assert_close(outs[0], dx, dtype, 1, 1e-6)
    assert_close(outs[1], dw, dtype, 1, 1e-5)


@covers("aclnnNsaCompressWithCache", HALVES)
@pytest.mark.parametrize("dtype", HALVES.split())
@settings(max_examples=5, deadline=None, database=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_full_window_becomes_a_vector_of_the_cache(dtype: str, seed: int) -> None:
    """Only sequences whose last token completes a window write, each its last window to its slot."""
    rng = np.random.default_rng(seed)
    block = 16 * int(rng.integers(1, 5))
    stride = 16 * int(rng.integers(1, block // 16 + 1))
    lengths = [block, block + stride, block + stride + 1, block - 1, 0, block + 3 * stride]
    heads, size, page = int(rng.integers(1, 4)), int(rng.choice([16, 48])), int(rng.choice([64, 128]))
    table = rng.permutation(25)[:24].reshape(6, 4).astype(np.int32)
    cache = random(rng, (25, page, heads, size), dtype, -1, 1)
    weight = random(rng, (block, heads), dtype, -1, 1)
    before = random(rng, (9, heads, size), dtype, -1, 1)
    slots = rng.permutation(9)[:6].astype(np.int32)
    out = layout(rng, before)
    ao.ops.nsa_compress_with_cache(
        *(layout(rng, each) for each in (cache, weight)),
        slots,
        lengths,
        table,
        None,
        block,
        stride,
        1,
        page,
        out=out,
    )
    expected = wide(before)
    for b, length in enumerate(lengths):
        if length >= block and (length - block) % stride == 0:
            tokens = wide(cache)[table[b]].reshape(-1, heads, size)[length - block : length]
            expected[slots[b]] = (tokens * wide(weight)[..., None]).sum(0)
    assert_close(out, expected, dtype, 1, 1e-6)


def selected_gradients(
    q: Array, k: Array, v: Array, dy: Array, chosen: list[Array], dtype: str
) -> tuple[Array, ...]:
    """One batch; chosen: for each key head a [rows, columns] count of how often a row sees a column. Returns
    out (rounded to the dtype, as the gradients read it), largest, sum, dq, dk, dv."""
    group = q.shape[1] // k.shape[1]
    keys, values = (each.repeat(group, 1) for each in (k, v))
    scores = np.einsum("tnd,snd->nts", q, keys) * 0.3
    times = np.repeat(np.stack(chosen), group, 0)
    largest = np.where(times > 0, scores, -np.inf).max(-1)
    weights = times * np.exp(np.where(times > 0, scores - largest[..., None], 0))
    total = weights.sum(-1)
    p = weights / total[..., None]
    out = np.einsum("nts,snd->tnd", p, values).astype(host_dtype(dtype)).astype(float)
    slopes = p * (np.einsum("tnd,snd->nts", dy, values) - (dy * out).sum(-1).T[..., None]) * 0.3
    dk, dv = np.einsum("nts,tnd->snd", slopes, q), np.einsum("nts,tnd->snd", p, dy)
    grouped = [each.reshape(len(k), -1, group, each.shape[-1]).sum(2) for each in (dk, dv)]
    return out, largest.T, total.T, np.einsum("nts,snd->tnd", slopes, keys), *grouped


@covers("aclnnNsaSelectedAttentionGrad", HALVES)
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("dtype", HALVES.split())
def test_chosen_blocks_get_the_gradients_of_the_tokens_that_chose_them(dtype: str, causal: bool) -> None:
    """sparseMode 2 hides the keys behind the token's own position, mask or not, as in the vendor's kernel."""
    rng = np.random.default_rng(causal)
    rows, columns, heads, kv_heads, size, count = [6, 18], [32, 56], 4, 2, 16, 2
    ends, kv_ends = np.cumsum(rows).tolist(), np.cumsum(columns).tolist()
    q, k = (random(rng, (n, h, 24), dtype, -1, 1) for n, h in ((ends[-1], heads), (kv_ends[-1], kv_heads)))
    v, dy = (random(rng, (n, h, 20), dtype, -1, 1) for n, h in ((kv_ends[-1], kv_heads), (ends[-1], heads)))
    chosen = np.zeros((ends[-1], kv_heads, count), np.int32)
    chosen[..., 1] = rng.integers(0 if not causal else 1, 2, chosen.shape[:2])
    parts = []
    for (start, end), (first, last) in zip(pairwise([0, *ends]), pairwise([0, *kv_ends]), strict=True):
        column, row = np.arange(last - first), np.arange(end - start)[:, None]
        seen = (column <= row) | (not causal)
        choices = chosen[start:end].swapaxes(0, 1)
        times = [(choice[..., None] == column // size).sum(1) * seen for choice in choices]
        own = [wide(each) for each in (q[start:end], k[first:last], v[first:last], dy[start:end])]
        parts.append(selected_gradients(*own, times, dtype))
    out, largest, total, *expected = (np.concatenate(each) for each in zip(*parts, strict=True))
    statistics = [np.repeat(each[..., None], 8, 2).astype(np.float32) for each in (largest, total)]
    outs = tuple(blank(rng, each.shape, dtype) for each in (q, k, v))
    ao.ops.nsa_selected_attention_grad(
        *(layout(rng, each) for each in (q, k, v, out.astype(host_dtype(dtype)), dy, *statistics, chosen)),
        ends,
        kv_ends,
        None,
        0.3,
        size,
        count,
        heads,
        "TND",
        2 if causal else 0,
        out=outs,
    )
    for got, wanted in zip(outs, expected, strict=True):
        assert_close(got, wanted, dtype, 2, 1e-5)


def zeros(*shape: int, dtype: str = "float16") -> Array:
    return np.zeros(shape, dtype)


def compress_grad(**given: Any) -> Any:
    values = {"output_grad": zeros(2, 2, 16), "input": zeros(48, 2, 16), "weight": zeros(32, 2)}
    rest = {"act_seq_len_optional_optional": [48], "layout_optional_optional": "TND"}
    numbers = {"compress_block_size": 32, "compress_stride": 16, "act_seq_len_type": 0}
    outs = (ao.zeros((48, 2, 16), dtype=ao.float16), ao.zeros((32, 2), dtype=ao.float16))
    return ao.ops.nsa_compress_grad(**{**values, **rest, **numbers, **given}, out=outs)


def with_cache(**given: Any) -> Any:
    values = {"input": zeros(2, 64, 2, 16), "weight": zeros(32, 2), "slot_mapping": zeros(1, dtype="int32")}
    values |= {"act_seq_len_optional": [48], "block_table_optional": zeros(1, 1, dtype="int32")}
    numbers = {"compress_block_size": 32, "compress_stride": 16, "act_seq_len_type": 1, "page_block_size": 64}
    out = ao.zeros((4, 2, 16), dtype=ao.float16)
    return ao.ops.nsa_compress_with_cache(**{**values, **numbers, "layout_optional": None, **given}, out=out)


def selected_grad(**given: Any) -> Any:
    values = {"query": zeros(2, 4, 32), "key": zeros(32, 2, 32), "value": zeros(32, 2, 16)}
    values |= {"attention_out": zeros(2, 4, 16), "attention_out_grad": zeros(2, 4, 16)}
    values |= {name: zeros(2, 4, 8, dtype="float32") for name in ("softmax_max", "softmax_sum")}
    values |= {"topk_indices": zeros(2, 2, 1, dtype="int32"), "atten_mask_optional": None}
    numbers = {"head_num": 4, "sparse_mode": 0, "selected_block_size": 16, "selected_block_count": 1}
    rest = {"actual_seq_q_len_optional": [2], "actual_seq_kv_len_optional": [32], "scale_value": 1.0}
    outs = tuple(ao.zeros(values[name].shape, dtype=ao.float16) for name in ("query", "key", "value"))
    return ao.ops.nsa_selected_attention_grad(
        **{**values, **numbers, **rest, "input_layout": "TND", **given}, out=outs
    )


REFUSALS: list[tuple[Any, dict[str, Any], str]] = [
    (compress_grad, {"output_grad": zeros(3, 2, 16)}, "outputGrad"),
    (compress_grad, {"weight": zeros(32, 2, dtype="float32")}, "weight"),
    (compress_grad, {"layout_optional_optional": "BSND"}, "layout"),
    (compress_grad, {"act_seq_len_optional_optional": [49]}, "actSeqLen"),
    (compress_grad, {"compress_stride": 24}, "compressStride"),
    (with_cache, {"page_block_size": 32}, "pageBlockSize"),
    (with_cache, {"act_seq_len_optional": [65]}, "actSeqLen"),
    (with_cache, {"act_seq_len_type": 0}, "actSeqLenType"),
    (with_cache, {"weight": zeros(32, 3)}, "weight"),
    (selected_grad, {"attention_out_grad": zeros(2, 4, 32)}, "attentionOutGrad"),
    (selected_grad, {"softmax_max": zeros(2, 4, 8)}, "softmaxMax"),
    (selected_grad, {"sparse_mode": 1}, "sparseMode"),
]


@pytest.mark.parametrize(("call", "given_", "text"), REFUSALS)
def test_what_does_not_fit_is_refused_by_name(call: Any, given_: dict[str, Any], text: str) -> None:
    with pytest.raises(ao.AclError, match=text) as refused:
        call(**given_)
    assert refused.value.code == 161002


def test_compression_without_a_table_has_no_kernel() -> None:
    """CANN's kernel reads the table whether it is given or not."""
    with pytest.raises(ao.AclError, match="blockTable") as refused:
        with_cache(block_table_optional=None)
    assert refused.value.code == 561003


@pytest.mark.parametrize(
    ("call", "given_", "text"),
    [
        (with_cache, {"slot_mapping": np.full(1, 4, np.int32)}, "slotMapping"),
        (with_cache, {"block_table_optional": np.full((1, 1), 2, np.int32)}, "blockTable"),
        (selected_grad, {"topk_indices": np.full((2, 2, 1), 2, np.int32)}, "topkIndices"),
    ],
)
def test_a_place_outside_of_a_tensor_fails_the_stream(call: Any, given_: dict[str, Any], text: str) -> None:
    with ao.Stream() as stream:
        call(**given_)
        with pytest.raises(ao.AclError, match=text):
            stream.synchronize()
