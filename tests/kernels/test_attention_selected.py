"""Attention to chosen blocks of keys (native sparse attention), against the formula in float64."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from kernels.arrays import Array, assert_close, blank, covers, layout, random, wide
from kernels.attending import attend

import ascend_ops as ao

HALVES = "float16 bfloat16"
SIZE = 16
"""Tokens of a chosen block."""


def positions(chosen: Array, seen: int) -> Array:
    """The tokens of the chosen blocks, without those behind the first `seen` ones."""
    blocks = [np.arange(index * SIZE, (index + 1) * SIZE) for index in chosen if index >= 0]
    tokens = np.concatenate(blocks)
    return np.asarray(tokens[tokens < seen])


def expected_token(q: Array, k: Array, v: Array, chosen: Array, seen: int) -> list[Array]:
    """One token: q [N, D], k and v [tokens, Nkv, D], chosen [Nkv, count]. Greatest score, sum, result."""
    group = len(q) // len(chosen)
    parts = []
    for head, own in enumerate(chosen):
        tokens = positions(own, seen)
        got = attend(
            q[head * group : (head + 1) * group, None], k[None, tokens, head], v[None, tokens, head], 0.3
        )
        parts.append([got.largest, got.total, got.out])
    return [np.concatenate(each) for each in zip(*parts, strict=True)]


def choose(rng: np.random.Generator, tokens: int, kv_heads: int, blocks: int, count: int) -> Array:
    """Blocks of each token and head; the first is always among them."""
    rows = [rng.permutation(np.arange(1, blocks))[: count - 1] for _ in range(tokens * kv_heads)]
    return np.insert(rows, count // 2, 0, axis=1).reshape(tokens, kv_heads, count).astype(np.int32)


@covers("aclnnNsaSelectedAttention", HALVES)
@pytest.mark.parametrize("dtype", HALVES.split())
@pytest.mark.parametrize("causal", [False, True])
def test_tokens_attend_to_the_blocks_chosen_for_them(causal: bool, dtype: str) -> None:
    """sparseMode 2 hides the keys behind the token's own position; the mask is not read, as on an NPU."""
    rng = np.random.default_rng(causal)
    ends, kv_ends = [5, 25], [64, 112]
    q = random(rng, (25, 4, 192), dtype, -1, 1)
    k, v = (random(rng, (112, 2, size), dtype, -1, 1) for size in (192, 128))
    chosen = choose(rng, 25, 2, 3, 2)
    mask = np.triu(np.ones((64, 64), bool), 1) if causal else None
    outs = tuple(blank(rng, (25, 4, 8), "float32") for _ in range(2))
    outs = (*outs, blank(rng, (25, 4, 128), dtype))
    ao.ops.nsa_selected_attention(
        *(layout(rng, each) for each in (q, k, v, chosen)),
        mask,
        ends,
        kv_ends,
        0.3,
        4,
        "TND",
        2 if causal else 0,
        SIZE,
        2,
        out=outs,
    )
    largest, total, out = (each.numpy() for each in outs)
    starts = zip(pairwise([0, *ends]), pairwise([0, *kv_ends]), strict=True)
    for (start, end), (kv_start, kv_end) in starts:
        for token in range(start, end):
            own = [wide(each[kv_start:kv_end]) for each in (k, v)]
            seen = token - start + 1 if causal else kv_end - kv_start
            wanted = expected_token(wide(q[token]), *own, chosen[token], seen)
            assert_close(largest[token, :, 0], wanted[0][:, 0], "float32", 8, 1e-5)
            assert_close(total[token, :, 7], wanted[1][:, 0], "float32", 16, 1e-5)
            assert_close(out[token], wanted[2][:, 0], dtype, 2, 2e-5)


@covers("aclnnNsaSelectedAttentionInfer", HALVES)
@pytest.mark.parametrize("letters", ["BSND", "BSH", "TND"])
@pytest.mark.parametrize("dtype", HALVES.split())
def test_decoding_reads_chosen_blocks_through_the_table(letters: str, dtype: str) -> None:
    rng = np.random.default_rng(len(letters))
    rows, lengths, count = 2, [70, 100], 3
    pages = rng.permutation(5)[:4].reshape(2, 2).astype(np.int32)
    q = random(rng, (2, rows, 4, 192), dtype, -1, 1)
    k_cache, v_cache = (random(rng, (5, 64, 2, size), dtype, -1, 1) for size in (192, 128))
    chosen = choose(rng, 2 * rows, 2, 4, count)
    chosen[0, 0, 2] = -1
    query = {"BSND": q, "BSH": q.reshape(2, rows, -1), "TND": q.reshape(2 * rows, 4, 192)}[letters]
    out = ao.asarray(np.zeros((*query.shape[:-1], 512 if letters == "BSH" else 128), q.dtype))
    ao.ops.nsa_selected_attention_infer(
        *(layout(rng, query), k_cache.reshape(5, 64, -1), v_cache, chosen)[:2],
        v_cache.reshape(5, 64, -1),
        chosen if letters == "TND" else chosen.reshape(2, rows, 2, count),
        None,
        pages,
        [rows, rows],
        lengths,
        letters,
        4,
        2,
        SIZE,
        count,
        64,
        0.3,
        0,
        out=out,
    )
    got = out.numpy().reshape(2, rows, 4, 128)
    for b, length in enumerate(lengths):
        own = [wide(each[pages[b]].reshape(128, 2, -1)) for each in (k_cache, v_cache)]
        for row in range(rows):
            seen = length - rows + row + 1
            wanted = expected_token(wide(q[b, row]), *own, chosen[b * rows + row], seen)
            assert_close(got[b, row], wanted[2][:, 0], dtype, 2, 2e-5)


def zeros(*shape: int, dtype: str = "float16") -> Array:
    return np.zeros(shape, dtype)


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "layout": ({"input_layout": "BSND"}, "layout"),
    "heads": ({"head_num": 3}, "query"),
    "indices": ({"topk_indices": zeros(2, 1, 1, dtype="int32")}, "topkIndices"),
    "block": ({"selected_block_size": 8}, "selectedBlockSize"),
    "mode": ({"sparse_mode": 3}, "sparseMode"),
    "lengths": ({"actual_seq_kv_len_optional": [33]}, "keys"),
    "statistics": ({"largest": "float16"}, "softmaxMax"),
}


def selected(**given: Any) -> Any:
    values = {"query": zeros(2, 4, 192), "key": zeros(32, 2, 192), "value": zeros(32, 2, 128)}
    values |= {"topk_indices": zeros(2, 2, 1, dtype="int32"), "atten_mask_optional": None}
    values |= {"actual_seq_q_len_optional": [2], "actual_seq_kv_len_optional": [32], "scale_value": 1.0}
    numbers = {"head_num": 4, "sparse_mode": 0, "selected_block_size": 16, "selected_block_count": 1}
    outs = tuple(ao.zeros((2, 4, 8), dtype=dtype) for dtype in (given.pop("largest", "float32"), "float32"))
    outs = (*outs, ao.zeros((2, 4, 128), dtype=ao.float16))
    return ao.ops.nsa_selected_attention(**{**values, **numbers, "input_layout": "TND", **given}, out=outs)


@pytest.mark.parametrize("case", REFUSALS)
def test_what_does_not_fit_is_refused_by_name(case: str) -> None:
    given, text = REFUSALS[case]
    with pytest.raises(ao.AclError, match=text) as refused:
        selected(**given)
    assert refused.value.code == 161002


def test_a_block_outside_of_the_keys_fails_the_stream() -> None:
    with ao.Stream() as stream:
        selected(topk_indices=np.full((2, 2, 1), 2, np.int32))
        with pytest.raises(ao.AclError, match="topkIndices"):
            stream.synchronize()
