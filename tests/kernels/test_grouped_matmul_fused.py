"""Grouped matrix products that do more: adding to what is there, gating and quantising."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import assert_close, blank, covers, layout, random, wide

import ascend_ops as ao

ENDS = np.array([3, 3, 8])


@covers("aclnnGroupedMatmulAdd", "float16 bfloat16")
@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_grouped_matmul_add(dtype: str, rank: int) -> None:
    rng, (k, m, n) = np.random.default_rng(rank), (8, 5, 6)
    x, weight, before = (
        random(rng, (k, m), dtype),
        random(rng, (k, n), dtype),
        random(rng, (3, m, n), "float32"),
    )
    y = layout(rng, before.reshape(before.shape if rank == 3 else (-1, n)))
    ao.ops.grouped_matmul_add(layout(rng, x), layout(rng, weight), layout(rng, ENDS), y, True, False, 2)
    expected = wide(before)
    for group, (start, end) in enumerate(zip([0, 3, 3], ENDS, strict=True)):
        expected[group] += wide(x)[start:end].T @ wide(weight)[start:end]
    assert_close(y, expected.reshape(y.shape), "float32", 8, 1e-5)


@covers("aclnnGroupedMatmulSwigluQuant aclnnGroupedMatmulSwigluQuantWeightNZ", "int8")
@pytest.mark.parametrize("operator", ["", "_weight_nz"])
@pytest.mark.parametrize("scales", ["float32", "float16", "bfloat16"])
def test_grouped_matmul_swiglu_quant(scales: str, operator: str) -> None:
    """Rows behind the last group keep what they had."""
    rng, (m, k, n) = np.random.default_rng(len(scales)), (10, 40, 64)
    x, weight = rng.integers(-128, 128, (m, k), np.int8), rng.integers(-128, 128, (3, k, n), np.int8)
    weight_scale, x_scale = random(rng, (3, n), scales, 0.001, 0.01), random(rng, (m,), "float32", 0.01, 0.1)
    out, out_scale = ao.asarray(np.full((m, n // 2), 7, np.int8)), ao.asarray(np.full(m, 7, np.float32))
    getattr(ao.ops, f"grouped_matmul_swiglu_quant{operator}")(
        layout(rng, x),
        ao.asarray(weight, format="FRACTAL_NZ"),
        None,
        None,
        layout(rng, weight_scale),
        layout(rng, x_scale),
        layout(rng, ENDS),
        out=(out, out_scale, None),
    )
    group = np.searchsorted(ENDS, np.arange(8), "right")
    sums = np.einsum("mk,mkn->mn", wide(x)[:8], wide(weight)[group])
    product = sums * wide(weight_scale)[group] * wide(x_scale)[:8, None]
    left, right = product[:, : n // 2], product[:, n // 2 :]
    gated = left / (1 + np.exp(-left)) * right
    size = np.abs(gated).max(1) / 127
    assert_close(out_scale, np.append(size, [7, 7]), "float32", 16)
    # A quotient next to a half may round either way.
    assert (np.abs(out.numpy()[:8] - gated / size[:, None]) < 0.5 + 1e-4).all()
    assert (out.numpy()[8:] == 7).all()


@pytest.mark.parametrize(
    "version",
    [
        pytest.param("", marks=covers("aclnnGroupedMatmulFinalizeRoutingWeightNz", "int8")),
        pytest.param("_v2", marks=covers("aclnnGroupedMatmulFinalizeRoutingWeightNzV2", "int8")),
    ],
)
@pytest.mark.parametrize("shared", [False, True])
def test_grouped_matmul_finalize_routing(shared: bool, version: str) -> None:
    """Rows behind the last group go nowhere."""
    rng, (m, k, n, tokens) = np.random.default_rng(shared), (10, 32, 256, 6)
    x, weight = rng.integers(-128, 128, (m, k), np.int8), rng.integers(-128, 128, (3, k, n), np.int8)
    counts, rows = np.array([3, 0, 5]), rng.integers(0, tokens, m).astype(rng.choice(["int32", "int64"]))
    scale, token = random(rng, (3, n), "float32", 0.001, 0.01), random(rng, (m,), "float32", 0.01, 0.1)
    logit, kept = random(rng, (m,), "float32"), random(rng, (2, n), "bfloat16")
    optional = [layout(rng, each) if shared else None for each in (kept, logit)]
    out = blank(rng, (tokens, n), "float32")
    middle = (None,) * (4 if version else 1)
    getattr(ao.ops, f"grouped_matmul_finalize_routing_weight_nz{version}")(
        layout(rng, x),
        ao.asarray(weight, format="FRACTAL_NZ"),
        layout(rng, scale),
        *middle,
        layout(rng, token),
        layout(rng, counts),
        *optional,
        layout(rng, rows),
        *(0, 0.5, 3, False, False, 1),
        *([None] if version else []),
        out=out,
    )
    group, factors = np.repeat(np.arange(3), counts), wide(token) * (wide(logit) if shared else 1)
    products = np.einsum("mk,mkn->mn", wide(x)[:8], wide(weight)[group]) * wide(scale)[group]
    expected = np.zeros((tokens, n))
    if shared:
        expected[3:5] = wide(kept) * 0.5
    np.add.at(expected, rows[:8], products * factors[:8, None])
    assert_close(out, expected, "float32", 8, 1e-4)


def zeros(*shape: int, dtype: str = "float32") -> ao.Tensor:
    return ao.asarray(np.zeros(shape, dtype))


HALF, LIST, INT8 = zeros(4, 2, dtype="float16"), zeros(1, dtype="int64"), zeros(4, 32, dtype="int8")
TILES = ao.asarray(np.zeros((1, 32, 64), np.int8), format="FRACTAL_NZ")


def swiglu(weight: ao.Tensor, bias: ao.Tensor | None = None) -> Any:
    scales = zeros(1, 64), zeros(4)
    return ao.ops.grouped_matmul_swiglu_quant(INT8, weight, bias, None, *scales, LIST)


REFUSALS: list[tuple[str, int, Any]] = [
    (
        "groupType",
        561003,
        lambda: ao.ops.grouped_matmul_add(HALF, HALF, LIST, zeros(2, 2), True, False, 0),
    ),
    ("yRef is", 161002, lambda: ao.ops.grouped_matmul_add(HALF, HALF, LIST, zeros(3, 2), True, False, 2)),
    ("FRACTAL_NZ", 161002, lambda: swiglu(zeros(1, 32, 64, dtype="int8"))),
    ("kernel for bias", 561003, lambda: swiglu(TILES, zeros(1, 64))),
]


@pytest.mark.parametrize(("text", "code", "call"), REFUSALS)
def test_refusals_name_the_argument(text: str, code: int, call: Any) -> None:
    with pytest.raises(ao.AscendError, match=text) as refused:
        call()
    assert refused.value.code == code


def test_groups_beyond_the_rows_fail_on_the_device() -> None:
    stream = ao.Stream()
    with stream:
        ao.ops.grouped_matmul_add(HALF, HALF, ao.asarray(np.array([5])), zeros(2, 2), True, False, 2)
        with pytest.raises(ao.AscendError, match="groupList is 5") as refused:
            stream.synchronize()
    stream.close()
    assert refused.value.code == 507015
