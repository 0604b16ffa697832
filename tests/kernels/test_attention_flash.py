"""Attention for training, forward, against the formula in float64: layouts, masks, dropout, position shifts,
and the statistics that the backward operators read."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from kernels.arrays import FLOATS, Array, assert_close, covers, layout, random, wide
from kernels.attending import TRIANGLE, UNBOUNDED, Attended, arrange, attend, call, causal, restore, window

import ascend_ops as ao

BATCHED = ["aclnnFlashAttentionScore", "aclnnFlashAttentionScoreV2"]
TOKENS = [f"aclnnFlashAttentionVarLenScore{version}" for version in ("", "V2", "V3", "V4")]
LOWEST, HIGHEST = np.finfo(np.float32).min, np.finfo(np.float32).max
"""Statistics of a row that sees nothing, as an NPU writes them."""

DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(
        ("real_shift", "drop_mask", "padding_mask", "atten_mask", "prefix", "query_rope", "key_rope")
    ),
    **dict.fromkeys(("actual_seq_q_len", "actual_seq_kv_len", "q_start_idx", "kv_start_idx")),
    "keep_prob": 1.0,
    "pre_tokens": UNBOUNDED,
    "next_tokens": UNBOUNDED,
    "inner_precise": 0,
    "sparse_mode": 0,
    "pse_type": 1,
    "softmax_out_layout": "",
}


def run(
    operator: str, query: Any, key: Any, value: Any, letters: str, heads: int, **given: Any
) -> list[Array]:
    """The greatest scores, sums, and results."""
    values = {
        **DEFAULTS,
        "query": query,
        "key": key,
        "value": value,
        "head_num": heads,
        "input_layout": letters,
    }
    largest, total, _, out = call(operator, {**values, **given})
    return [largest.numpy(), total.numpy(), out.numpy()]


def three(
    rng: np.random.Generator, dtype: str, heads: tuple[int, int], rows: int, columns: int, batches: int = 2
) -> tuple[Array, Array, Array]:
    """q, k [B, N, S, 16], v [B, N, S, 8]."""
    shapes = [
        (batches, heads[0], rows, 16),
        (batches, heads[1], columns, 16),
        (batches, heads[1], columns, 8),
    ]
    q, k, v = (random(rng, shape, dtype, -2, 2) for shape in shapes)
    return q, k, v


def assert_attended(got: list[Array], expected: Attended, dtype: str) -> None:
    """Statistics [N, rows, 8], results [N, rows, D]."""
    blind = expected.total == 0
    largest = np.where(blind, LOWEST, expected.largest)[..., None].repeat(8, -1)
    total = np.where(blind, HIGHEST, expected.total)[..., None].repeat(8, -1)
    assert_close(np.ascontiguousarray(got[0]), largest, "float32", 8, 2e-5)
    assert_close(np.ascontiguousarray(got[1]), total, "float32", 16, 2e-5)
    assert_close(np.ascontiguousarray(got[2]), expected.out, dtype, 2, 2e-5)


@covers(" ".join(BATCHED), FLOATS)
@pytest.mark.parametrize("operator", BATCHED)
@pytest.mark.parametrize("letters", ["BSH", "SBH", "BSND", "BNSD"])
@pytest.mark.parametrize("dtype", FLOATS.split())
def test_queries_attend_to_all_keys_in_every_layout(operator: str, letters: str, dtype: str) -> None:
    rng = np.random.default_rng([len(letters), len(dtype)])
    q, k, v = three(rng, dtype, (4, 2), 5, 7)
    device = [layout(rng, arrange(each, letters)) for each in (q, k, v)]
    largest, total, out = run(operator, *device, letters, 4, scale_value=0.3)
    for b, got in enumerate(zip(largest, total, restore(out, letters, 4), strict=True)):
        assert_attended(list(got), attend(wide(q[b]), wide(k[b]), wide(v[b]), 0.3), dtype)


def masks(rng: np.random.Generator, rows: int, columns: int) -> list[tuple[dict[str, Any], Array]]:
    """Arguments, and what is seen of [2 batches, 2 heads, rows, columns]."""
    full = rng.random((2, 2, rows, columns)) < 0.4
    near, corner = window(rows, columns, -2, 1), columns - rows
    prefix = [2, 4]
    ahead = np.arange(columns)[None, :] < np.array(prefix)[:, None, None, None]
    tall = np.zeros((3072, 2048), np.uint8)
    return [
        ({"atten_mask": full, "sparse_mode": 1}, ~full),
        ({"atten_mask": full[:, :1], "pre_tokens": 2, "next_tokens": 1}, ~full[:, :1] & near),
        ({"atten_mask": full[0, 0].astype(np.uint8)}, ~full[:1, :1]),
        ({"atten_mask": TRIANGLE, "sparse_mode": 2}, window(rows, columns, -np.inf, 0)),
        ({"atten_mask": TRIANGLE, "sparse_mode": 3, "pre_tokens": 0}, causal(rows, columns)),
        (
            {"atten_mask": TRIANGLE, "sparse_mode": 4, "pre_tokens": 2, "next_tokens": 1},
            window(rows, columns, corner - 2, corner + 1),
        ),
        ({"atten_mask": full, "sparse_mode": 5, "prefix": prefix}, ~full),
        ({"atten_mask": tall, "sparse_mode": 6, "prefix": prefix}, causal(rows, columns) | ahead),
        ({"sparse_mode": 3, "pre_tokens": 0, "next_tokens": 0}, np.array(True)),
    ]


@covers(" ".join(BATCHED), FLOATS)
@pytest.mark.parametrize("operator", BATCHED)
@pytest.mark.parametrize(("rows", "columns"), [(5, 9), (9, 5)])
def test_masks_and_sparse_modes_hide_keys(operator: str, rows: int, columns: int) -> None:
    rng = np.random.default_rng(rows)
    for case, (given, seen) in enumerate(masks(rng, rows, columns)):
        dtype = FLOATS.split()[case % 3]
        q, k, v = three(rng, dtype, (2, 1), rows, columns)
        largest, total, out = run(operator, q, k, v, "BNSD", 2, scale_value=0.5, **given)
        visible = np.broadcast_to(seen, (2, 2, rows, columns))
        for b in range(2):
            expected = attend(wide(q[b]), wide(k[b]), wide(v[b]), 0.5, visible[b])
            assert_attended([largest[b], total[b], out[b]], expected, dtype)


@covers(" ".join([*BATCHED, TOKENS[1]]), FLOATS)
@pytest.mark.parametrize("operator", [*BATCHED, TOKENS[1]])
@pytest.mark.parametrize("kind", [0, 1])
@pytest.mark.parametrize("front", [(2, 2, 6), (2, 2, 1), (1, 2, 6)])
def test_position_shifts_are_added_before_or_after_scaling(
    operator: str, kind: int, front: tuple[int, ...]
) -> None:
    if operator == BATCHED[0] and kind == 0:
        kind = 1
    for dtype in FLOATS.split():
        rng = np.random.default_rng([kind, *front])
        q, k, v = three(rng, dtype, (2, 1), 6, 7)
        pse = random(rng, (*front, 7), dtype)
        given: dict[str, Any] = {"real_shift": pse, "pse_type": kind, "scale_value": 0.5}
        got = joined(operator, q, k, v, **given)
        bias = np.broadcast_to(wide(pse), (2, 2, 6, 7))
        for b in range(2):
            expected = attend(wide(q[b]), wide(k[b]), wide(v[b]), 0.5, bias=bias[b], bias_first=kind == 1)
            assert_attended([each[b] for each in got], expected, dtype)


def joined(operator: str, q: Array, k: Array, v: Array, **given: Any) -> list[Array]:
    """Batches of equal length through either kind of operator; results [B, N, rows, ..]."""
    if operator in BATCHED:
        return run(operator, q, k, v, "BNSD", 2, **given)
    rows, columns = q.shape[2], k.shape[2]
    flat = [each.transpose(0, 2, 1, 3).reshape(-1, each.shape[1], each.shape[3]) for each in (q, k, v)]
    ends = {"actual_seq_q_len": [rows, 2 * rows], "actual_seq_kv_len": [columns, 2 * columns]}
    largest, total, out = run(operator, *flat, "TND", 2, **ends, **given)
    statistics = [each.reshape(2, 2, rows, 8) for each in (largest, total)]
    return [*statistics, out.reshape(2, rows, 2, -1).transpose(0, 2, 1, 3)]


@covers(" ".join([BATCHED[1], TOKENS[1]]), FLOATS)
@pytest.mark.parametrize("operator", [BATCHED[1], TOKENS[1]])
@pytest.mark.parametrize("kind", [2, 3])
@pytest.mark.parametrize("by_batch", [False, True])
def test_slopes_make_the_shift_from_the_distance(operator: str, kind: int, by_batch: bool) -> None:
    rng = np.random.default_rng([kind, by_batch])
    q, k, v = three(rng, "float16", (2, 1), 6, 6)
    slopes = random(rng, (2, 2) if by_batch else (2,), "float32", 0, 1)
    given = {"real_shift": slopes, "pse_type": kind, "q_start_idx": [3], "kv_start_idx": [1]}
    got = joined(operator, q, k, v, scale_value=0.5, **given)
    distance = np.abs(np.arange(6)[None, :] + 1 - np.arange(6)[:, None] - 3.0)
    factors = np.broadcast_to(wide(slopes), (2, 2))[..., None, None]
    bias = -factors * (np.sqrt(distance) if kind == 3 else distance)
    for b in range(2):
        expected = attend(wide(q[b]), wide(k[b]), wide(v[b]), 0.5, bias=bias[b])
        assert_attended([each[b] for each in got], expected, "float16")


@covers(" ".join([*BATCHED, *TOKENS[:2]]), FLOATS)
@pytest.mark.parametrize("operator", [*BATCHED, *TOKENS[:2]])
def test_dropped_weights_leave_the_statistics_alone(operator: str) -> None:
    """Bits in the order of the scores [B, N, rows, columns], the lowest of a byte first, without gaps."""
    rng = np.random.default_rng(3)
    for dtype in FLOATS.split():
        q, k, v = three(rng, dtype, (2, 1), 5, 7)
        keep = rng.random((2, 2, 5, 7)) < 0.75
        bits = np.packbits(keep.reshape(-1), bitorder="little")
        got = joined(operator, q, k, v, scale_value=0.5, drop_mask=bits, keep_prob=0.75)
        for b in range(2):
            expected = attend(wide(q[b]), wide(k[b]), wide(v[b]), 0.5, factor=keep[b] / 0.75)
            assert_attended([each[b] for each in got], expected, dtype)


def windows(mode: int, lengths: list[tuple[int, int]]) -> list[Array]:
    """What each sequence sees in the modes of cut queries, with pre_tokens 3 and next_tokens -1 or 1."""
    seen = [causal(*pair) if mode == 7 else window(*pair, -np.inf, 0) for pair in lengths]
    cut = len(lengths) - 1 if mode == 7 else 0
    corner = lengths[cut][1] - lengths[cut][0]
    seen[cut] = window(*lengths[cut], corner - 3, corner + (-1 if mode == 7 else 1))
    return seen


@covers(" ".join(TOKENS), FLOATS)
@pytest.mark.parametrize("operator", TOKENS)
@pytest.mark.parametrize("mode", [0, 2, 3, 4, 7, 8])
def test_sequences_of_different_lengths(operator: str, mode: int) -> None:
    """The statistics of a sequence are [N, rows, 8], one sequence behind the other; V4 has [T, N, 8], too."""
    rng = np.random.default_rng(mode)
    dtype = FLOATS.split()[mode % 3]
    ends, kv_ends = [3, 5, 5, 9], [4, 9, 10, 16]
    q, k, v = (each[0].transpose(1, 0, 2) for each in three(rng, dtype, (4, 2), 9, 16, 1))
    lengths = [
        (b - a, d - c) for (a, b), (c, d) in zip(pairwise([0, *ends]), pairwise([0, *kv_ends]), strict=True)
    ]
    seen: list[Any] = windows(mode, lengths) if mode >= 7 else []
    seen = seen or [
        {
            0: True,
            2: window(*pair, -np.inf, 0),
            3: causal(*pair),
            4: window(*pair, pair[1] - pair[0] - 3, pair[1] - pair[0] + 1),
        }[mode]
        for pair in lengths
    ]
    by_token = operator == TOKENS[3] and mode % 2 == 0
    largest, total, out = run(
        *(operator, *(layout(rng, each) for each in (q, k, v)), "TND", 4),
        scale_value=0.5,
        actual_seq_q_len=ends,
        actual_seq_kv_len=kv_ends,
        atten_mask=TRIANGLE if mode else None,
        sparse_mode=mode,
        pre_tokens=3,
        next_tokens=-1 if mode == 7 else 1,
        softmax_out_layout="same_as_input" if by_token else "",
    )
    for i, ((rows, columns), end, kv_end) in enumerate(zip(lengths, ends, kv_ends, strict=True)):
        start = end - rows
        statistics = [
            each.reshape(9, 4, 8)[start:end].transpose(1, 0, 2)
            if by_token
            else each.reshape(-1, 8)[start * 4 : end * 4].reshape(4, rows, 8)
            for each in (largest, total)
        ]
        own = [
            wide(each).transpose(1, 0, 2)
            for each in (q[start:end], *(x[kv_end - columns : kv_end] for x in (k, v)))
        ]
        expected = attend(*own, 0.5, seen[i])
        assert_attended([*statistics, out[start:end].transpose(1, 0, 2)], expected, dtype)


@covers(TOKENS[2], FLOATS)
def test_rotated_parts_stand_behind_queries_and_keys() -> None:
    for dtype in FLOATS.split():
        rng = np.random.default_rng(4)
        q, k, v = (each[0].transpose(1, 0, 2) for each in three(rng, dtype, (4, 2), 5, 6, 1))
        q_rope, k_rope = (random(rng, (*each.shape[:2], 8), dtype) for each in (q, k))
        ends = {"actual_seq_q_len": [5], "actual_seq_kv_len": [6]}
        given = {"query_rope": q_rope, "key_rope": k_rope, **ends}
        largest, total, out = run(TOKENS[2], q, k, v, "TND", 4, scale_value=0.5, **given)
        whole = [np.concatenate(pair, -1) for pair in ((q, q_rope), (k, k_rope))]
        expected = attend(*(wide(each).transpose(1, 0, 2) for each in (*whole, v)), 0.5)
        statistics = [each.reshape(4, 5, 8) for each in (largest, total)]
        assert_attended([*statistics, out.transpose(1, 0, 2)], expected, dtype)


Q = np.zeros((2, 4, 3, 16), np.float16)
REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "layout": ({"letters": "TND"}, "inputLayout"),
    "heads": ({"heads": 3}, "query"),
    "head number": ({"heads": 0}, "headNum"),
    "key dtype": ({"key": Q.astype(np.float32)}, "key"),
    "value": ({"value": np.zeros((2, 4, 5, 16), np.float16)}, "value"),
    "mask": ({"atten_mask": np.zeros((2, 2), bool)}, "attenMask"),
    "compressed mask": ({"atten_mask": np.zeros((3, 3), bool), "sparse_mode": 2}, "attenMask"),
    "sparse mode": ({"sparse_mode": 7}, "sparseMode"),
    "shift": ({"real_shift": np.zeros((3, 3), np.float16)}, "realShift"),
    "shift dtype": ({"real_shift": np.zeros((1, 4, 3, 3), np.float32)}, "realShift"),
    "slopes": ({"pse_type": 2}, "pseType"),
    "keep": ({"keep_prob": 0.5}, "dropMask"),
    "too few bits": ({"keep_prob": 0.5, "drop_mask": np.zeros(5, np.uint8)}, "dropMask"),
    "prefix": ({"sparse_mode": 6, "atten_mask": np.zeros((3072, 2048), bool)}, "prefix"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_does_not_fit_is_refused_by_name(case: str) -> None:
    given, text = REFUSALS[case]
    values = {"query": Q, "key": Q, "value": Q, "letters": "BNSD", "heads": 4, "scale_value": 1.0, **given}
    places = [values.pop(name) for name in ("query", "key", "value", "letters", "heads")]
    statistics = [ao.zeros((2, 4, 3, 8), dtype=ao.float32) for _ in range(2)]
    outs = (*statistics, ao.zeros((0,), dtype=ao.float16), ao.asarray(Q))
    with pytest.raises(ao.AclError, match=text) as refused:
        run(BATCHED[1], *places, **values, out=outs)
    assert refused.value.code == 161002
