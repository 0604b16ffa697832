"""Gradients of attention for training, against the chain rule in float64. dpseOut, reserved, is unwritten."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from kernels.arrays import FLOATS, Array, assert_close, blank, covers, layout, random, wide
from kernels.attending import TRIANGLE, UNBOUNDED, arrange, attend, call, causal, restore

import ascend_ops as ao

BATCHED = ["aclnnFlashAttentionScoreGrad", "aclnnFlashAttentionScoreGradV2"]
TOKENS = [f"aclnnFlashAttentionUnpaddingScoreGrad{version}" for version in ("", "V2", "V3", "V4")]
DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(("pse_shift", "drop_mask", "padding_mask", "atten_mask", "softmax_in", "prefix")),
    **dict.fromkeys(("q_start_idx", "kv_start_idx", "query_rope", "key_in_rope")),
    "keep_prob": 1.0,
    "pre_tokens": UNBOUNDED,
    "next_tokens": UNBOUNDED,
    "inner_precise": 0,
    "sparse_mode": 0,
    "pse_type": 1,
    "softmax_in_layout": "",
    "scale_value": 0.4,
}


def derive(
    q: Array, k: Array, v: Array, dy: Array, visible: Array | bool, factor: Array | float = 1.0
) -> dict[str, Array]:
    """Results, statistics and gradients of one sequence, [N, rows, ..] and [Nkv, columns, ..], scale 0.4."""
    group = len(q) // len(k)
    made = attend(q, k, v, 0.4, visible, factor=factor)
    keys, values = k.repeat(group, 0), v.repeat(group, 0)
    scores = np.where(visible, q @ keys.transpose(0, 2, 1) * 0.4, -np.inf)
    weights = np.exp(scores - made.largest[..., None]) / made.total[..., None]
    dweights = dy @ values.transpose(0, 2, 1) * factor
    slopes = weights * (dweights - (dweights * weights).sum(-1, keepdims=True)) * 0.4
    dk = slopes.transpose(0, 2, 1) @ q
    dv = (weights * factor).transpose(0, 2, 1) @ dy
    joined = [each.reshape(len(k), group, *each.shape[1:]).sum(1) for each in (dk, dv)]
    return {
        "attention_in": made.out,
        "softmax_max": made.largest[..., None].repeat(8, -1),
        "softmax_sum": made.total[..., None].repeat(8, -1),
        "dq": slopes @ keys,
        "dk": joined[0],
        "dv": joined[1],
    }


def close(actual: Array, expected: Array, dtype: str) -> None:
    """The result that goes in is rounded to the dtype, too: a slack of a few of its units."""
    slack = {"float32": 2e-5, "float16": 2e-2, "bfloat16": 1.5e-1}[dtype]
    assert_close(np.ascontiguousarray(actual), expected, dtype, 4, slack)


def inputs(rng: np.random.Generator, dtype: str, rows: int, columns: int, batches: int) -> list[Array]:
    """q, k, v, dy [B, N, S, D]; 4 and 2 heads of 16 and 8 elements."""
    shapes = [(4, rows, 16), (2, columns, 16), (2, columns, 8), (4, rows, 8)]
    return [random(rng, (batches, *shape), dtype, -2, 2) for shape in shapes]


@covers(" ".join(BATCHED), FLOATS)
@pytest.mark.parametrize("operator", BATCHED)
@pytest.mark.parametrize("letters", ["BSH", "SBH", "BSND", "BNSD"])
@pytest.mark.parametrize("dtype", FLOATS.split())
def test_gradients_in_every_layout(operator: str, letters: str, dtype: str) -> None:
    rng = np.random.default_rng([len(letters), len(dtype)])
    host = inputs(rng, dtype, 5, 150 if letters == "BSH" else 7, 2)
    drop = letters == "BNSD"
    keep = rng.random((2, 4, 5, 7)) < 0.75 if drop else np.ones((2, 4, 5, 1), bool)
    seen = causal(5, host[1].shape[2])
    wanted = [
        derive(*(wide(each[b]) for each in host), seen, keep[b] / (0.75 if drop else 1)) for b in range(2)
    ]
    given = {name: np.stack([each[name] for each in wanted]) for name in wanted[0]}
    device = [layout(rng, arrange(each, letters)) for each in host]
    outs = [blank(rng, each.shape, dtype) for each in device[:3]]
    values = {
        **DEFAULTS,
        **dict(zip(("query", "key_in", "value", "dy"), device, strict=True)),
        **{name: given[name].astype(np.float32) for name in ("softmax_max", "softmax_sum")},
        "attention_in": arrange(given["attention_in"].astype(host[0].dtype), letters),
        "atten_mask": TRIANGLE,
        "sparse_mode": 3,
        "head_num": 4,
        "input_layout": letters,
    }
    if drop:
        values |= {"drop_mask": np.packbits(keep.reshape(-1), bitorder="little"), "keep_prob": 0.75}
    call(operator, values, out=(*outs, ao.zeros((0,), dtype=outs[0].dtype)))
    for out, name, heads in zip(outs, ("dq", "dk", "dv"), (4, 2, 2), strict=True):
        close(restore(out.numpy(), letters, heads), given[name], dtype)


@covers(" ".join(TOKENS), FLOATS)
@pytest.mark.parametrize("operator", TOKENS)
@pytest.mark.parametrize("dtype", FLOATS.split())
def test_gradients_of_sequences_of_different_lengths(operator: str, dtype: str) -> None:
    rng = np.random.default_rng(len(dtype))
    ends, kv_ends = [3, 5, 5, 9], [4, 9, 10, 16]
    host = [each[0] for each in inputs(rng, dtype, 9, 16, 1)]
    rope = [random(rng, (*each.shape[:2], 8), dtype) for each in host[:2]] if "V3" in operator else []
    whole = [np.concatenate(pair, -1) for pair in zip(host, rope, strict=False)] + host[len(rope) :]
    spans = zip(pairwise([0, *ends]), pairwise([0, *kv_ends]), strict=True)
    wanted = [
        derive(
            *(wide(each[:, slice(*(rows if i in (0, 3) else columns))]) for i, each in enumerate(whole)), True
        )
        for rows, columns in spans
        if rows[0] < rows[1]
    ]
    by_token = "V4" in operator
    given = {
        name: np.concatenate([each[name].transpose(1, 0, 2) for each in wanted])
        if by_token
        else np.concatenate([each[name].reshape(-1, 8) for each in wanted]).reshape(9, 4, 8)
        for name in ("softmax_max", "softmax_sum")
    }
    device = [layout(rng, each.transpose(1, 0, 2)) for each in host]
    ropes = [layout(rng, each.transpose(1, 0, 2)) for each in rope]
    outs = {
        name: blank(rng, each.shape, dtype)
        for name, each in zip(("dq", "dk", "dv", "dq_rope", "dk_rope"), [*device[:3], *ropes], strict=False)
    }
    order = ("dq", "dq_rope", "dk", "dk_rope", "dv") if rope else ("dq", "dk", "dv")
    results = np.concatenate([each["attention_in"].transpose(1, 0, 2) for each in wanted])
    values = {
        **DEFAULTS,
        **dict(zip(("query", "key_in", "value", "dy"), device, strict=True)),
        **dict(zip(("query_rope", "key_in_rope"), ropes, strict=False)),
        **{name: each.astype(np.float32) for name, each in given.items()},
        "attention_in": results.astype(host[0].dtype),
        "actual_seq_q_len": ends,
        "actual_seq_kv_len": kv_ends,
        "head_num": 4,
        "input_layout": "TND",
        "softmax_in_layout": "same_as_input" if by_token else "",
    }
    call(operator, values, out=(*(outs[name] for name in order), ao.zeros((0,), dtype=outs["dq"].dtype)))
    empty = np.zeros((2, 1, 24 if rope else 16)), np.zeros((2, 1, 8))
    gradients = {
        "dq": np.concatenate([each["dq"] for each in wanted], 1),
        "dk": np.concatenate([each["dk"] for each in (*wanted[:2], {"dk": empty[0]}, wanted[2])], 1),
        "dv": np.concatenate([each["dv"] for each in (*wanted[:2], {"dv": empty[1]}, wanted[2])], 1),
    }
    if rope:
        gradients |= {f"{name}_rope": gradients[name][..., 16:] for name in ("dq", "dk")}
    for name, out in outs.items():
        expected = gradients[name][..., : out.shape[-1]] if "rope" not in name else gradients[name]
        close(out.numpy().transpose(1, 0, 2), expected, dtype)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"dy": np.zeros((2, 4, 3, 8), np.float16)}, "dy"),
        ({"sparse_mode": 9}, "sparseMode"),
        ({"softmax_max": np.zeros((2, 4, 3, 1), np.float32)}, "softmaxMax"),
        ({"key_in": np.zeros((2, 3, 3, 16), np.float16)}, "keyIn"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(given: dict[str, Any], text: str) -> None:
    whole = np.zeros((2, 4, 3, 16), np.float16)
    statistics = np.zeros((2, 4, 3, 8), np.float32)
    values = {**DEFAULTS, **dict.fromkeys(("query", "key_in", "value", "dy", "attention_in"), whole)}
    values |= {"softmax_max": statistics, "softmax_sum": statistics, "head_num": 4, "input_layout": "BNSD"}
    outs = tuple(ao.asarray(each) for each in (whole, whole, whole, np.zeros(0, np.float16)))
    with pytest.raises(ao.AclError, match=text) as refused:
        call(BATCHED[1], {**values, **given}, out=outs)
    assert refused.value.code == 161002
