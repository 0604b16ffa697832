"""Attention for inference against the formula in float64: layouts, masks, lengths, caches, int8.

Results are compared at the rounding of their dtype with an absolute slack: the documents promise no more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import Array, assert_close, covers, host_dtype, layout, random, wide
from kernels.attending import TRIANGLE, arrange, attend, causal, restore, window
from kernels.inferring import (
    FUSED,
    HALVES,
    INCRE,
    PAGED,
    PROMPT,
    assert_attended,
    names_of,
    pages,
    reference,
    run,
    three,
)

import ascend_ops as ao

PLAIN = [
    *((operator, letters) for operator in FUSED for letters in ("BSH", "BSND", "BNSD", "BNSD_BSND")),
    *((operator, letters) for operator in PROMPT for letters in ("BSH", "BNSD_BSND")),
]


def marked(operators: list[str], values: list[Any]) -> list[Any]:
    return [
        pytest.param(*value, id="-".join(map(str, value)), marks=covers(value[0], HALVES)) for value in values
    ]


@pytest.mark.parametrize(("operator", "letters"), marked([], PLAIN))
def test_queries_attend_to_all_keys_in_every_layout(operator: str, letters: str) -> None:
    for dtype in HALVES.split():
        rng = np.random.default_rng([len(letters), len(dtype)])
        q, k, v = three(rng, dtype, (4, 2), 5, 7)
        source, _, target = letters.partition("_")
        device = [layout(rng, arrange(each, source)) for each in (q, k, v)]
        out = run(operator, *device, letters, 4, scale_value=0.3, num_key_value_heads=2)
        got = restore(out.numpy(), target or source, 4)
        assert_attended(got, reference(q, k, v, 0.3), dtype)


@pytest.mark.parametrize(
    ("operator", "letters"),
    marked([], [(operator, letters) for operator in INCRE for letters in ("BSH", "BNSD")]),
)
def test_one_query_token_attends_to_as_many_keys_as_there_are(operator: str, letters: str) -> None:
    for dtype in HALVES.split():
        rng = np.random.default_rng([len(letters), len(dtype)])
        q, k, v = three(rng, dtype, (4, 2), 1, 300)
        lengths = [300, 17]
        device = [layout(rng, arrange(each, letters)) for each in (q, k, v)]
        out = run(
            operator, *device, letters, 4, scale_value=0.3, num_key_value_heads=2, actual_seq_lengths=lengths
        )
        seen = [np.arange(300) < length for length in lengths]
        got = restore(out.numpy(), letters, 4)
        assert_attended(got, reference(q, k, v, 0.3, visible=seen), dtype)


def masks(rng: np.random.Generator, rows: int, columns: int) -> list[tuple[str, dict[str, Any], Array]]:
    """Name, arguments, and what is seen of [2 batches, 1, rows, columns]."""
    full = rng.random((2, 1, rows, columns)) < 0.3
    full[..., 0] = False
    corner = columns - rows
    near = window(rows, columns, -2, 1)
    return [
        ("full", {"atten_mask": full, "sparse_mode": 1}, ~full),
        ("shared", {"atten_mask": full[0, 0].astype(np.int8)}, ~full[:1]),
        ("by batch", {"atten_mask": full[:, 0].astype(np.uint8), "inner_precise": 2}, ~full),
        ("band", {"atten_mask": full[:1], "pre_tokens": 2, "next_tokens": 1}, ~full[:1] & near),
        ("left", {"atten_mask": TRIANGLE, "sparse_mode": 2}, window(rows, columns, -np.inf, 0)),
        ("right", {"atten_mask": TRIANGLE, "sparse_mode": 3}, causal(rows, columns)),
        (
            "right band",
            {"atten_mask": TRIANGLE, "sparse_mode": 4, "pre_tokens": 2, "next_tokens": -1},
            window(rows, columns, corner - 2, corner - 1),
        ),
    ]


@covers(" ".join([*FUSED, *PROMPT[1:]]), HALVES)
@pytest.mark.parametrize("operator", [*FUSED, *PROMPT[1:]])
def test_masks_and_sparse_modes_hide_keys(operator: str) -> None:
    rng = np.random.default_rng(5)
    for rows, columns in ((5, 9), (9, 5)):
        for case, (_, given, seen) in enumerate(masks(rng, rows, columns)):
            dtype = HALVES.split()[case % 2]
            q, k, v = three(rng, dtype, (4, 1), rows, columns)
            device = [layout(rng, arrange(each, "BNSD")) for each in (q, k, v)]
            out = run(operator, *device, "BNSD", 4, scale_value=0.5, num_key_value_heads=1, **given)
            visible = list(np.broadcast_to(seen, (2, 1, rows, columns)))
            assert_attended(out.numpy(), reference(q, k, v, 0.5, visible=visible), dtype)


@covers(" ".join([*FUSED, *PROMPT]), HALVES)
@pytest.mark.parametrize("operator", [*FUSED, *PROMPT])
@pytest.mark.parametrize("batches", [1, 2])
def test_a_position_shift_is_added_to_the_scaled_scores(operator: str, batches: int) -> None:
    for dtype in HALVES.split():
        rng = np.random.default_rng(batches)
        q, k, v = three(rng, dtype, (2, 2), 4, 6)
        pse = random(rng, (batches, 2, 4, 6), dtype)
        out = run(operator, q, k, v, "BNSD", 2, scale_value=0.5, pse_shift=pse)
        bias = list(np.broadcast_to(wide(pse), (2, 2, 4, 6)))
        assert_attended(out.numpy(), reference(q, k, v, 0.5, bias=bias), dtype)


@covers(" ".join(FUSED), HALVES)
@pytest.mark.parametrize("operator", FUSED)
def test_lengths_end_sequences_and_what_lies_behind_is_zero(operator: str) -> None:
    rng = np.random.default_rng(6)
    q, k, v = three(rng, "float16", (2, 1), 5, 8)
    lengths, kv_lengths = [3, 5], [8, 2]
    sums = ao.zeros((2, 2, 5, 1), dtype=ao.float32)
    out = run(
        *(operator, q, k, v, "BNSD", 2),
        scale_value=0.5,
        num_key_value_heads=1,
        actual_seq_lengths=lengths,
        actual_seq_lengths_kv=kv_lengths,
        atten_mask=TRIANGLE,
        sparse_mode=3,
        softmax_lse_flag=True,
        softmax_lse=sums,
    )
    for i, (rows, columns) in enumerate(zip(lengths, kv_lengths, strict=True)):
        expected = attend(
            wide(q[i, :, :rows]), wide(k[i, :, :columns]), wide(v[i, :, :columns]), 0.5, causal(rows, columns)
        )
        assert_attended(out.numpy()[i, :, :rows], expected.out, "float16")
        assert not out.numpy()[i, :, rows:].any()
        assert_close(sums.numpy()[i, :, :rows, 0], expected.log_sum, "float32", 8, 1e-5)
        assert np.isinf(sums.numpy()[i, :, rows:]).all()


@covers(" ".join(FUSED), HALVES)
@pytest.mark.parametrize("operator", FUSED)
def test_padding_on_the_left_moves_queries_and_keys(operator: str) -> None:
    rng = np.random.default_rng(7)
    q, k, v = three(rng, "bfloat16", (2, 2), 5, 8)
    given = {"actual_seq_lengths": [3], "actual_seq_lengths_kv": [6]}
    given |= {"query_padding_size": np.array([1]), "kv_padding_size": np.array([0])}
    out = run(operator, q, k, v, "BNSD", 2, scale_value=0.5, **given).numpy()
    expected = reference(q[:, :, 1:4], k[:, :, 2:], v[:, :, 2:], 0.5)
    assert_attended(out[:, :, 1:4], expected, "bfloat16")
    assert not out[:, :, [0, 4]].any()


@covers(" ".join(FUSED), HALVES)
@pytest.mark.parametrize("operator", FUSED)
def test_tokens_of_all_batches_in_one_axis(operator: str) -> None:
    for dtype, letters in (("bfloat16", "TND"), ("float16", "NTD_TND"), ("float16", "TND_NTD")):
        rng = np.random.default_rng(len(letters))
        q, k, v = three(rng, dtype, (4, 2), 9, 12, 1)
        ends, kv_ends = [2, 2, 9], [5, 6, 12]
        source, _, target = letters.partition("_")
        device = [each[0].transpose(1, 0, 2) if source == "TND" else each[0] for each in (q, k, v)]
        given = {"actual_seq_lengths": ends, "actual_seq_lengths_kv": kv_ends, "softmax_lse_flag": True}
        sums = ao.zeros((9, 4, 1), dtype=ao.float32)
        out = run(
            operator, *device, letters, 4, scale_value=0.5, num_key_value_heads=2, softmax_lse=sums, **given
        )
        got = out.numpy()
        got = got if (target or source) == "NTD" else got.transpose(1, 0, 2)
        starts = zip([0, *ends], ends, [0, *kv_ends], kv_ends, strict=False)
        for begin, end, kv_begin, kv_end in starts:
            rows, columns = slice(begin, end), slice(kv_begin, kv_end)
            expected = attend(wide(q[0, :, rows]), wide(k[0, :, columns]), wide(v[0, :, columns]), 0.5)
            assert_attended(got[:, rows], expected.out, dtype)
            assert_close(sums.numpy()[rows, :, 0].T, expected.log_sum, "float32", 8, 1e-5)


@covers(" ".join([*FUSED, *INCRE]), HALVES)
@pytest.mark.parametrize("operator", [*FUSED, *INCRE])
def test_lists_hold_a_tensor_for_each_batch(operator: str) -> None:
    rng = np.random.default_rng(8)
    q, k, v = three(rng, "float16", (2, 1), 1, 9)
    lengths = [9, 4]
    keys, values = ([each[i : i + 1, :, :length] for i, length in enumerate(lengths)] for each in (k, v))
    out = run(operator, q, keys, values, "BNSD", 2, scale_value=0.5, num_key_value_heads=1)
    seen = [np.arange(9) < length for length in lengths]
    assert_attended(out.numpy(), reference(q, k, v, 0.5, visible=seen), "float16")


@covers(" ".join(PAGED), HALVES)
@pytest.mark.parametrize("operator", PAGED)
@pytest.mark.parametrize("by_heads", [False, True])
def test_keys_in_blocks(operator: str, by_heads: bool) -> None:
    for dtype in HALVES.split():
        rng = np.random.default_rng([by_heads, len(dtype)])
        rows = 1 if "Incre" in operator else 3
        q, k, v = three(rng, dtype, (4, 2), rows, 70)
        keys, table = pages(np.random.default_rng(9), k, 32, by_heads)
        values, _ = pages(np.random.default_rng(9), v, 32, by_heads)
        lengths = [70, 33]
        given = names_of(operator, lengths, table)
        out = run(
            *(operator, q, keys, values, "BNSD", 4),
            **{"scale_value": 0.4, "num_key_value_heads": 2, "block_size": 32, **given},
        )
        seen = [np.arange(70) < length for length in lengths]
        assert_attended(out.numpy(), reference(q, k, v, 0.4, visible=seen), dtype)


@covers(" ".join(FUSED[2:]), HALVES)
@pytest.mark.parametrize("operator", FUSED[2:])
def test_rotated_parts_stand_behind_queries_and_keys(operator: str) -> None:
    for dtype in HALVES.split():
        rng = np.random.default_rng(10)
        q, k, v = three(rng, dtype, (4, 1), 3, 6)
        q_rope, k_rope = (random(rng, (*each.shape[:3], 8), dtype, -2, 2) for each in (q, k))
        given = {"query_rope": q_rope, "key_rope": k_rope, "num_key_value_heads": 1}
        out = run(operator, q, k, v, "BNSD", 4, scale_value=0.3, **given)
        whole = [np.concatenate(pair, -1) for pair in ((q, q_rope), (k, k_rope))]
        assert_attended(out.numpy(), reference(*whole, v, 0.3), dtype)


def test_a_sink_takes_part_of_the_weight() -> None:
    """learnableSink: the documents say nothing of it; here it is a score without a value."""
    rng = np.random.default_rng(11)
    q, k, v = three(rng, "bfloat16", (4, 2), 3, 6)
    sink = random(rng, (4,), "bfloat16")
    out = run(FUSED[3], q, k, v, "BNSD", 4, scale_value=0.3, num_key_value_heads=2, learnable_sink=sink)
    expected = reference(q, k, v, 0.3, sink=[wide(sink)] * 2)
    assert_attended(out.numpy(), expected, "bfloat16")


def test_many_rows_and_keys_go_through_blocks_on_all_cores() -> None:
    rng = np.random.default_rng(12)
    q, k, v = (random(rng, (1, heads, 300, 40), "float16", -2, 2) for heads in (6, 2, 2))
    out = run(
        FUSED[0],
        q,
        k,
        v,
        "BNSD",
        6,
        scale_value=0.2,
        num_key_value_heads=2,
        sparse_mode=3,
        atten_mask=TRIANGLE,
    )
    assert_attended(out.numpy(), reference(q, k, v, 0.2, visible=[causal(300, 300)]), "float16")


def test_nan_and_infinity_stay_in_their_rows() -> None:
    q, k, v = three(np.random.default_rng(13), "float16", (1, 1), 3, 4, 1)
    q[0, 0, 1, 0] = np.nan
    v[0, 0, 2, 5] = np.inf
    out = run(FUSED[0], q, k, v, "BNSD", 1, scale_value=0.5).numpy()[0, 0]
    assert np.isnan(out[1]).all()
    assert np.isinf(out[[0, 2], 5]).all()
    assert np.isfinite(np.delete(out[[0, 2]], 5, 1)).all()


@pytest.mark.parametrize("operator", [FUSED[0], INCRE[0]])
def test_no_keys_give_zeros_and_no_queries_nothing(operator: str) -> None:
    q, k, v = three(np.random.default_rng(14), "float16", (2, 2), 1, 0)
    assert not run(operator, q, k, v, "BNSD", 2, scale_value=1.0).numpy().any()
    assert run(operator, q[:0], k[:0], v[:0], "BNSD", 2, scale_value=1.0).shape == (0, 2, 1, 16)


def zeros(*shape: int, dtype: str = "float16") -> Array:
    return np.zeros(shape, host_dtype(dtype))


Q = zeros(2, 4, 3, 16)
REFUSALS: dict[str, tuple[dict[str, Any], int, str]] = {
    "layout": ({"letters": "SBH"}, 561002, "inputLayout"),
    "heads": ({"heads": 3}, 561002, "query"),
    "kv heads": ({"num_key_value_heads": 3}, 561002, "numKeyValueHeads"),
    "key dtype": ({"key": zeros(2, 4, 3, 16, dtype="bfloat16")}, 161002, "key"),
    "int8 query": ({"query": zeros(2, 4, 3, 16, dtype="int8")}, 561003, "query"),
    "int8 without scale": ({"key": zeros(2, 4, 3, 16, dtype="int8")}, 561002, "antiquant"),
    "mask": ({"atten_mask": np.zeros((2, 2), bool)}, 561002, "attenMask"),
    "mask dtype": ({"atten_mask": zeros(3, 3)}, 161002, "attenMask"),
    "sparse mode": ({"sparse_mode": 5, "atten_mask": TRIANGLE}, 561002, "sparseMode"),
    "no mask": ({"sparse_mode": 3}, 561002, "attenMask"),
    "lengths": ({"actual_seq_lengths": [4, 4]}, 561002, "actualSeqLengths"),
    "batches": ({"key": zeros(3, 4, 3, 16), "value": zeros(3, 4, 3, 16)}, 561002, "batches"),
    "block size": ({"block_table": np.zeros((2, 1), np.int32)}, 561002, "blockSize"),
    "shared prefix": ({"key_shared_prefix": zeros(1, 4, 3, 16)}, 561003, "keySharedPrefix"),
    "quantised": ({"quant_scale1": zeros(1, dtype="float32")}, 561003, "quantScale1"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_does_not_fit_is_refused_by_name(case: str) -> None:
    given, status, text = REFUSALS[case]
    values = {"query": Q, "key": Q, "value": Q, "letters": "BNSD", "heads": 4, "scale_value": 1.0, **given}
    if "key" in given and "value" not in given:
        values["value"] = values["key"]
    places = [values.pop(name) for name in ("query", "key", "value", "letters", "heads")]
    out = {"attention_out": ao.asarray(Q)} if case in ("layout", "heads", "kv heads") else {}
    with pytest.raises(ao.AclError, match=text) as refused:
        run(FUSED[1], *places, **values, **out)
    assert refused.value.code == status


def test_a_block_outside_of_the_cache_fails_the_stream() -> None:
    cache = zeros(2, 32, 64)
    with ao.Stream() as stream:
        given = {"block_table": np.full((1, 1), 2, np.int32), "actual_seq_lengths_kv": [5], "block_size": 32}
        run(FUSED[0], zeros(1, 1, 64), cache, cache, "BSH", 4, scale_value=1.0, **given)
        with pytest.raises(ao.AclError, match="block table"):
            stream.synchronize()
