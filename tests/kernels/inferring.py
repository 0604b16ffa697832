"""Calls of attention for inference in all their versions, inputs for them, and a reference by batches."""

from __future__ import annotations

from typing import Any

import numpy as np
from kernels.arrays import Array, assert_close, random, wide
from kernels.attending import UNBOUNDED, attend, call

FUSED = [f"aclnnFusedInferAttentionScore{version}" for version in ("", "V2", "V3", "V4")]
PROMPT = [f"aclnnPromptFlashAttention{version}" for version in ("", "V2", "V3")]
INCRE = [f"aclnnIncreFlashAttention{version}" for version in ("", "V2", "V3", "V4")]
HALVES = "float16 bfloat16"
DEFAULTS: dict[str, Any] = {
    "pre_tokens": UNBOUNDED,
    "next_tokens": UNBOUNDED,
    "num_key_value_heads": 0,
    "sparse_mode": 0,
    "inner_precise": 0,
    "block_size": 0,
    "antiquant_mode": 0,
    "key_antiquant_mode": 0,
    "value_antiquant_mode": 0,
    "query_quant_mode": 0,
    "softmax_lse_flag": False,
    "softmax_lse": None,
}
NONE = (
    *("pse_shift", "atten_mask", "actual_seq_lengths", "actual_seq_lengths_kv", "deq_scale1", "quant_scale1"),
    *("deq_scale2", "dequant_scale1", "dequant_scale2", "quant_scale2", "quant_offset2", "antiquant_scale"),
    *("antiquant_offset", "block_table", "blocktable", "query_padding_size", "kv_padding_size"),
)


def run(operator: str, query: Any, key: Any, value: Any, letters: str, heads: int, **given: Any) -> Any:
    listed = "Prompt" not in operator
    values = {**dict.fromkeys(NONE), **DEFAULTS, **given}
    values |= {"query": query, "key": [key] if listed else key, "value": [value] if listed else value}
    values |= {"num_heads": heads, "input_layout": letters}
    if isinstance(key, list):
        values |= {"key": key, "value": value}
    made = call(operator, values)
    return made[0] if isinstance(made, tuple) else made


def three(
    rng: np.random.Generator, dtype: str, heads: tuple[int, int], rows: int, columns: int, batches: int = 2
) -> tuple[Array, Array, Array]:
    """q, k, v [B, N, S, D], with 16 elements in a head."""
    shapes = [(batches, heads[0], rows, 16), *[(batches, heads[1], columns, 16)] * 2]
    q, k, v = (random(rng, shape, dtype, -2, 2) for shape in shapes)
    return q, k, v


def assert_attended(actual: Array, expected: Array, dtype: str) -> None:
    assert_close(np.ascontiguousarray(actual), expected, dtype, ulps=2, absolute=2e-5)


def reference(q: Array, k: Array, v: Array, scale: float, **given: Any) -> Array:
    """For each batch; `given` by batch where it is a list."""
    return np.stack(
        [
            attend(*map(wide, each), scale, **{name: value[i] for name, value in given.items()}).out
            for i, each in enumerate(zip(q, k, v, strict=True))
        ]
    )


def pages(rng: np.random.Generator, values: Array, size: int, by_heads: bool) -> tuple[Array, Array]:
    """[B, N, S, D] as a cache with blocks in random order, and the table that finds them."""
    batches, heads, tokens, d = values.shape
    count = -(-tokens // size)
    table = rng.permutation(batches * count + 1)[: batches * count].reshape(batches, count).astype(np.int32)
    cache = np.zeros((batches * count + 1, heads, size, d), values.dtype)
    for b in range(batches):
        for t in range(tokens):
            cache[table[b, t // size], :, t % size] = values[b, :, t]
    return (cache if by_heads else cache.transpose(0, 2, 1, 3).reshape(len(cache), size, -1)), table


PAGED = [*FUSED, *INCRE[2:]]


def names_of(operator: str, lengths: list[int], table: Array) -> dict[str, Any]:
    if "Incre" in operator:
        return {"actual_seq_lengths": lengths, "blocktable": table}
    return {"actual_seq_lengths_kv": lengths, "block_table": table}
