"""Attention for inference with int8 caches and int8 results, against the formula in float64."""

from __future__ import annotations

import numpy as np
import pytest
from kernels.arrays import Array, covers, random, wide
from kernels.inferring import (
    FUSED,
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


def int8_case(rng: np.random.Generator, rows: int) -> tuple[Array, Array, Array]:
    q, k, v = three(rng, "float16", (4, 2), rows, 70)
    return q, *(rng.integers(-100, 100, each.shape, np.int8) for each in (k, v))


@covers(" ".join(PAGED), "float16 int8")
@pytest.mark.parametrize("operator", PAGED)
@pytest.mark.parametrize("offset", [False, True])
@pytest.mark.parametrize("shape", [(2,), (2, 32), (2, 2, 1, 16)])
def test_int8_caches_have_scales_by_tensor_or_channel(
    operator: str, shape: tuple[int, ...], offset: bool
) -> None:
    rng = np.random.default_rng([len(shape), offset])
    q, k, v = int8_case(rng, 1 if "Incre" in operator else 3)
    keys, table = pages(np.random.default_rng(9), k, 32, False)
    values, _ = pages(np.random.default_rng(9), v, 32, False)
    given = names_of(operator, [70, 40], table)
    given["antiquant_scale"] = random(rng, shape, "float16", 0.002, 0.02)
    given["antiquant_offset"] = random(rng, shape, "float16", -4, 4) if offset else None
    out = run(
        *(operator, q, keys, values, "BNSD", 4),
        **{"scale_value": 0.4, "num_key_value_heads": 2, "block_size": 32, **given},
    )
    scales, offsets = (
        np.broadcast_to(wide(each).reshape(2, -1), (2, 32)).reshape(2, 2, 1, 16)
        for each in (given["antiquant_scale"], given["antiquant_offset"] if offset else np.zeros(2))
    )
    plain = [(wide(each) + offsets[i]) * scales[i] for i, each in enumerate((k, v))]
    seen = [np.arange(70) < length for length in (70, 40)]
    assert_attended(out.numpy(), reference(q, *plain, 0.4, visible=seen), "float16")


def apart(mode: int, rng: np.random.Generator, table: Array) -> tuple[Array, Array]:
    """A scale for keyAntiquantScale in a mode, and the same broadcast to [B, N, S, D]."""
    if mode == 0:
        scale = random(rng, (2, 1, 16), "float16", 0.002, 0.02)
        return scale, wide(scale)[None]
    if mode == 2:
        scale = random(rng, (2,), "float16", 0.002, 0.02)
        return scale, wide(scale)[None, :, None, None]
    by_head = mode in (3, 5)
    values = random(rng, (2, 2 if by_head else 1, 96, 1), "float32", 0.002, 0.02)
    if mode >= 4:
        cache, _ = pages(np.random.default_rng(9), values, 32, True)
        return cache[..., 0] if by_head else cache[:, 0, :, 0], wide(values)[:, :, :70]
    return (values[..., 0] if by_head else values[None, :, 0, :, 0]), wide(values)[:, :, :70]


@covers(" ".join(FUSED[1:]), "float16 int8")
@pytest.mark.parametrize("operator", FUSED[1:])
@pytest.mark.parametrize("mode", range(6))
def test_int8_keys_and_values_have_scales_of_their_own(operator: str, mode: int) -> None:
    rng = np.random.default_rng(mode)
    q, k, v = int8_case(rng, 1)
    keys, table = pages(np.random.default_rng(9), k, 32, True)
    values, _ = pages(np.random.default_rng(9), v, 32, True)
    (k_scale, k_wide), (v_scale, v_wide) = (apart(mode, rng, table) for _ in range(2))
    given = names_of(operator, [70, 40], table) | {"key_antiquant_mode": mode, "value_antiquant_mode": mode}
    given |= {"key_antiquant_scale": k_scale, "value_antiquant_scale": v_scale}
    out = run(
        *(operator, q, keys, values, "BNSD", 4),
        **{"scale_value": 0.4, "num_key_value_heads": 2, "block_size": 32, **given},
    )
    seen = [np.arange(70) < length for length in (70, 40)]
    expected = reference(q, wide(k) * k_wide, wide(v) * v_wide, 0.4, visible=seen)
    assert_attended(out.numpy(), expected, "float16")


@covers(" ".join([*FUSED, *PROMPT[1:], *INCRE[1:]]), "float16")
@pytest.mark.parametrize("operator", [*FUSED, *PROMPT[1:], *INCRE[1:]])
@pytest.mark.parametrize("count", [1, 32])
def test_results_become_int8(operator: str, count: int) -> None:
    """Rounded half to even after scale and offset: the documents name the factors and no rounding."""
    rng = np.random.default_rng(count)
    q, k, v = three(rng, "float16", (2, 2), 1, 6)
    scale, offset = (random(rng, (count,), "float32", *ends) for ends in ((20, 90), (-9, 9)))
    out = run(operator, q, k, v, "BNSD", 2, scale_value=0.5, quant_scale2=scale, quant_offset2=offset).numpy()
    factors = [np.broadcast_to(wide(each), 32).reshape(1, 2, 1, 16) for each in (scale, offset)]
    expected = np.clip(reference(q, k, v, 0.5) * factors[0] + factors[1], -128, 127)
    assert out.dtype == np.int8
    assert (np.abs(out - expected) <= 0.5 + 1e-3).all()
