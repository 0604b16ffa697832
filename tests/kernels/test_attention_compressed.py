"""Attention to compressed keys and the blocks it chooses (native sparse attention), against the formula in
float64.

The document counts for block j the keys stride * j - m - n; the vendor's kernels, and the reference that
torch_npu is tested with, count stride * (j + 1) - m - n for block j of the output. The kernels are taken:
only so does block j hold the tokens whose keys count for it. They are also taken in what the document leaves
out: importance comes from the masked and scaled softmax, equal blocks are chosen by their number, wanted
blocks come first, a token that sees no key sees all alike, statistics lie [heads][tokens][8] batch by batch,
and actualSelSeqKvLen is not read in training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels.arrays import Array, assert_close, blank, covers, layout, random, wide
from kernels.attending import attend

import ascend_ops as ao

HALVES = "float16 bfloat16"
LEAST = -float(np.finfo(np.float32).max)
ATTENTION = "aclnnNsaCompressAttention"
INFER = "aclnnNsaCompressAttentionInfer"
SIZES = [(32, 16, 64), (16, 16, 16), (64, 32, 64), (48, 16, 48), (64, 16, 128)]
"""compressBlockSize, compressStride, selectBlockSize."""


def importance(weights: Array, blocks: int, sizes: tuple[int, int, int]) -> Array:
    """weights [rows, columns] of one key head, summed over its group: the blocks' scores [rows, blocks]."""
    block, stride, size = sizes
    scores = np.zeros((len(weights), blocks))
    for j in range(blocks):
        for m in range(size // stride):
            for n in range(block // stride):
                column = size // stride * (j + 1) - m - n
                if 0 <= column < weights.shape[1]:
                    scores[:, j] += weights[:, column]
    return scores


def hidden_attention(q: Array, k: Array, v: Array, mask: Array, scale: float) -> tuple[Array, ...]:
    """q [rows, N, D]; k, v [columns, Nkv, D]; mask [rows, columns]: out, largest, sum [N, rows], weights."""
    q, k, v = (each.swapaxes(0, 1) for each in (q, k, v))
    bias = np.where(mask, LEAST, 0.0)  # beside which scores vanish
    got = attend(q, k, v, scale, bias=bias)
    scores = q @ k.repeat(len(q) // len(k), 0).swapaxes(1, 2) * scale + bias
    weights = np.exp(scores - got.largest[..., None]) / got.total[..., None]
    return (
        got.out.swapaxes(0, 1),
        got.largest,
        got.total,
        weights.reshape(len(k), len(q) // len(k), *mask.shape).sum(1),
    )


def assert_chosen(chosen: Array, scores: Array, wanted: Array) -> None:
    """chosen [rows, count] are the greatest of the scores [rows, blocks], the wanted ones before them."""
    for own, row, first in zip(chosen, scores, wanted, strict=True):
        assert len(set(own.tolist())) == len(own)
        assert own.min() >= 0
        assert own.max() < len(row)
        ranked = np.where(first, np.inf, row)
        np.testing.assert_allclose(ranked[own], np.sort(ranked)[::-1][: len(own)], rtol=1e-4)
        before = np.flatnonzero(first)[: len(own)]
        assert own[: len(before)].tolist() == before.tolist()


@covers(ATTENTION, HALVES)
@pytest.mark.parametrize("dtype", HALVES.split())
@settings(max_examples=4, deadline=None, database=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_tokens_attend_to_compressed_keys_and_choose_blocks(dtype: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = SIZES[rng.integers(len(SIZES))]
    ratio, kv_heads, group = sizes[2] // sizes[1], int(rng.integers(1, 3)), int(rng.choice([1, 2, 8]))
    rows, columns = rng.integers(0, 20, 2).tolist(), rng.integers(2 * ratio, 5 * ratio + 40, 2).tolist()
    ends, kv_ends = np.cumsum(rows).tolist(), np.cumsum(columns).tolist()
    surplus, heads = int(rng.integers(3)), group * kv_heads
    q = random(rng, (ends[-1] + surplus, heads, 32), dtype, -1, 1)
    k, v = (random(rng, (kv_ends[-1], kv_heads, size), dtype, -1, 1) for size in (32, 24))
    mask = rng.random((max(rows), max(columns))) < 0.4
    mask[: max(rows) // 4] = True
    blocks = [-(-each // ratio) for each in columns]
    wanted = rng.random((max(rows), max(blocks))) < 0.1
    count = int(rng.integers(1, min(32, *blocks) + 1))
    masks = [layout(rng, each.astype(rng.choice(["bool", "uint8"]))) for each in (mask, wanted)]
    with_mask, with_wanted = (bool(flag) for flag in rng.integers(0, 2, 2))
    shapes = [((len(q), heads, 8), "float32")] * 2
    shapes += [((len(q), heads, 24), dtype), ((len(q), kv_heads, count), "int32")]
    outs = tuple(blank(rng, *each) for each in shapes)
    ao.ops.nsa_compress_attention(
        *(layout(rng, each) for each in (q, k, v)),
        masks[0] if with_mask else None,
        masks[1] if with_wanted else None,
        ends,
        kv_ends,
        None,
        0.7,
        heads,
        "TND",
        int(with_mask),
        *sizes,
        count,
        out=outs,
    )
    largest, total, out, chosen = (each.numpy() for each in outs)
    for b, (start, kv_start) in enumerate(zip([0, *ends], [0, *kv_ends], strict=True)):
        if b == len(rows):
            break
        own = (slice(start, ends[b]), slice(kv_start, kv_ends[b]))
        hidden = (mask if with_mask else mask & False)[: rows[b], : columns[b]]
        parts = hidden_attention(wide(q[own[0]]), wide(k[own[1]]), wide(v[own[1]]), hidden, 0.7)
        assert_close(out[own[0]], parts[0], dtype, 2, 2e-5)
        for got, expected in ((largest, parts[1]), (total, parts[2])):
            statistic = got[own[0]].reshape(heads, rows[b], 8)
            assert_close(statistic, np.repeat(expected[..., None], 8, 2), "float32", 32, 1e-5)
        first = (wanted if with_wanted else wanted & False)[: rows[b], : blocks[b]]
        for head, weights in enumerate(parts[3]):
            assert_chosen(chosen[own[0], head], importance(weights, blocks[b], sizes), first)
    assert not out[ends[-1] :].any()
    assert not chosen[ends[-1] :].any()


def attention_to_one_key(column: int, blocks: int) -> list[int]:
    """The choice of a token that attends to one of 4 * blocks compressed keys alone."""
    mask = np.ones((1, 4 * blocks), bool)
    mask[0, column] = False
    ones = [np.ones((rows, 1, 16), np.float16) for rows in (1, 4 * blocks, 4 * blocks)]
    outs = ao.ops.nsa_compress_attention(
        *ones, mask, None, [1], [4 * blocks], None, 1.0, 1, "TND", 1, 32, 16, 64, blocks
    )
    return [int(index) for index in outs[3].numpy().ravel()]


@pytest.mark.parametrize(
    ("column", "expected"),
    [(0, [0, 1, 2]), (3, [0, 1, 2]), (4, [0, 1, 2]), (5, [1, 0, 2]), (7, [1, 0, 2]), (9, [2, 0, 1])],
)
def test_block_j_counts_the_keys_of_its_own_tokens(column: int, expected: list[int]) -> None:
    """Compressed key c holds tokens 16 c .. 16 c + 31, block j tokens 64 j .. 64 j + 63. By the document's
    index key 3 would count for block 1, which holds none of its tokens."""
    assert attention_to_one_key(column, 3) == expected


@covers(INFER, HALVES)
@pytest.mark.parametrize("dtype", HALVES.split())
@pytest.mark.parametrize("letters", ["TND", "BSND"])
@settings(max_examples=3, deadline=None, database=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_decoding_reads_compressed_keys_through_the_table(letters: str, dtype: str, seed: int) -> None:
    """The first block and the last two always come first. Of several tokens, with a mask given (whatever is
    in it), those do not see the last compressed key that came before some of its tokens."""
    rng = np.random.default_rng(seed)
    block, stride, size = sizes = SIZES[rng.integers(len(SIZES))]
    most = int(rng.choice([1, 4]))
    lengths = rng.integers(6 * size, 9 * size, 2).tolist()
    columns = [(length - block) // stride + 1 for length in lengths]
    rows = [most, int(rng.integers(1, most + 1))]
    kv_heads, group, page = 2, int(rng.choice([1, 4, 128])), 16
    heads, pages = kv_heads * group, -(-max(columns) // page)
    table = rng.permutation(2 * pages + 1)[: 2 * pages].reshape(2, pages).astype(np.int32)
    q = random(rng, (2, most, heads, 48), dtype, -1, 1)
    k, v = (random(rng, (2 * pages + 1, page, kv_heads, each), dtype, -1, 1) for each in (48, 24))
    count, masked = int(rng.integers(3, 6)), bool(rng.integers(2))
    packed = letters == "TND"
    places = [(b, row) for b in range(2) for row in range(rows[b])]
    query = np.stack([q[place] for place in places]) if packed else q
    outs = (blank(rng, (*query.shape[:-1], 24), dtype), blank(rng, (*query.shape[:-2], 2, count), "int32"))
    ao.ops.nsa_compress_attention_infer(
        layout(rng, query),
        layout(rng, k.reshape(2 * pages + 1, page, -1)),
        layout(rng, v.reshape(2 * pages + 1, page, -1)),
        np.zeros((1, 1), np.float16) if masked else None,
        table,
        rows if most > 1 else None,
        columns,
        lengths if most > 1 else None,
        None,
        heads,
        kv_heads,
        size,
        count,
        block,
        stride,
        0.7,
        letters,
        page,
        0,
        out=outs,
    )
    out, chosen = (each.numpy() for each in outs)
    for b in range(2):
        keys, values = (wide(each[table[b]].reshape(-1, *each.shape[2:])[: columns[b]]) for each in (k, v))
        hidden = np.zeros((rows[b], columns[b]), bool)
        tail = lengths[b] - (columns[b] - 1) * stride - block
        hidden[:, -1] = masked & (np.arange(rows[b])[::-1] > tail)
        parts = hidden_attention(wide(q[b, : rows[b]]), keys, values, hidden, 0.7)
        at = [places.index((b, row)) if packed else (b, row) for row in range(rows[b])]
        assert_close(np.stack([out[place] for place in at]), parts[0], dtype, 2, 2e-5)
        blocks = -(-((columns[b] - 1) * stride + block) // size)
        ends = np.isin(np.arange(blocks), [0, blocks - 2, blocks - 1])
        for head, weights in enumerate(parts[3]):
            own = np.stack([chosen[place][head] for place in at])
            assert_chosen(own, importance(weights, blocks, sizes), np.tile(ends, (rows[b], 1)))


def zeros(*shape: int, dtype: str = "float16") -> Array:
    return np.zeros(shape, dtype)


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "layout": ({"input_layout": "BSND"}, "layout"),
    "heads": ({"head_num": 3}, "headNum"),
    "dtype": ({"value": zeros(8, 2, 16, dtype="float32")}, "value"),
    "head size": ({"value": zeros(8, 2, 48)}, "value"),
    "mask": ({"atten_mask_optional": zeros(4, 4, dtype="bool")}, "attenMask"),
    "wanted": ({"topk_mask_optional": zeros(2, 8, dtype="bool")}, "topkMask"),
    "lengths": ({"actual_cmp_seq_kv_len_optional": [9]}, "batch 0"),
    "mode": ({"sparse_mode": 2}, "sparseMode"),
    "block": ({"compress_block_size": 24}, "compressBlockSize"),
    "stride": ({"compress_stride": 48}, "compressStride"),
    "size": ({"select_block_size": 16}, "selectBlockSize"),
    "count": ({"select_block_count": 3}, "selectBlockCount"),
}


def compressed(**given: Any) -> Any:
    values = {"query": zeros(2, 4, 32), "key": zeros(8, 2, 32), "value": zeros(8, 2, 16)}
    values |= {"atten_mask_optional": None, "topk_mask_optional": None}
    lengths = {"actual_seq_q_len_optional": [2], "actual_cmp_seq_kv_len_optional": [8]}
    numbers = {"head_num": 4, "sparse_mode": 0, "compress_block_size": 32, "compress_stride": 16}
    numbers |= {"select_block_size": 64, "select_block_count": given.get("select_block_count", 1)}
    rest = {"actual_sel_seq_kv_len_optional": None, "scale_value": 1.0, "input_layout": "TND"}
    outs = tuple(ao.zeros((2, 4, 8), dtype=ao.float32) for _ in range(2))
    chosen = ao.zeros((2, 2, numbers["select_block_count"]), dtype=ao.int32)
    outs = (*outs, ao.zeros((2, 4, 16), dtype=ao.float16), chosen)
    return ao.ops.nsa_compress_attention(**{**values, **lengths, **numbers, **rest, **given}, out=outs)


@pytest.mark.parametrize("case", REFUSALS)
def test_what_does_not_fit_is_refused_by_name(case: str) -> None:
    given, text = REFUSALS[case]
    with pytest.raises(ao.AclError, match=text) as refused:
        compressed(**given)
    assert refused.value.code == 161002


def infer(**given: Any) -> Any:
    values = {"query": zeros(1, 2, 16), "key": zeros(2, 16, 16), "value": zeros(2, 16, 16)}
    values |= {"attention_mask_optional": None, "block_table_optional": zeros(1, 1, dtype="int32")}
    lengths = {"actual_q_seq_len_optional": None, "actual_cmp_kv_seq_len_optional": [12]}
    lengths |= {"actual_sel_kv_seq_len_optional": None, "top_k_mask_optional": None}
    numbers = {"num_heads": 2, "num_key_value_heads": 1, "select_block_size": 64, "select_block_count": 2}
    numbers |= {
        "compress_block_size": 32,
        "compress_block_stride": 16,
        "page_block_size": 16,
        "sparse_mode": 0,
    }
    rest = {"scale_value": 1.0, "layout_optional": "TND", "sparse_mode": 0}
    tokens = len(given.get("query", values["query"]))
    outs = (ao.zeros((tokens, 2, 16), dtype=ao.float16), ao.zeros((tokens, 1, 2), dtype=ao.int32))
    return ao.ops.nsa_compress_attention_infer(**{**values, **lengths, **numbers, **rest, **given}, out=outs)


INFER_REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "page": ({"page_block_size": 24}, "pageBlockSize"),
    "table": ({"block_table_optional": zeros(2, 1, dtype="int32")}, "blockTable"),
    "keys": ({"actual_cmp_kv_seq_len_optional": [17]}, "batch 0"),
    "tokens": ({"query": zeros(5, 2, 16), "actual_q_seq_len_optional": [5]}, "1 to 4"),
    "tokens without lengths": ({"query": zeros(2, 2, 16), "actual_q_seq_len_optional": [2]}, "actualSelKv"),
}


@pytest.mark.parametrize("case", INFER_REFUSALS)
def test_decoding_refuses_by_name(case: str) -> None:
    given, text = INFER_REFUSALS[case]
    with pytest.raises(ao.AclError, match=text) as refused:
        infer(**given)
    assert refused.value.code == 161002


def test_a_page_outside_of_the_cache_fails_the_stream() -> None:
    with ao.Stream() as stream:
        infer(block_table_optional=np.full((1, 1), 2, np.int32))
        with pytest.raises(ao.AclError, match="block table"):
            stream.synchronize()
