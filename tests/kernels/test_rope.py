"""Rotary position embedding: one tensor, two in place, by cached tables, and backward. FLOAT16 is computed in
fp32 and rounded once: the documents do not say how an NPU rounds between its products and its sum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import FLOATS, Array, assert_close, blank, covers, layout, random, wide
from kernels.rotation import MODES, gradients, turn

import ascend_ops as ao

ULPS = 4
"""Of float32 results, whose sums of two products may cancel; with `absolute` for the last bits of those."""


def close(actual: ao.Tensor, expected: Array, dtype: str) -> None:
    assert_close(actual, expected, dtype, ulps=ULPS, absolute=1e-5)


def tables(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> tuple[Array, Array]:
    return random(rng, shape, dtype, -1, 1), random(rng, shape, dtype, -1, 1)


BROADCASTS = [(1, 1, 1), (2, 3, 4), (2, 1, 4), (2, 3, 1), (1, 3, 1), (1, 1, 4)]


@covers("aclnnRotaryPositionEmbedding", FLOATS)
@pytest.mark.parametrize("dtype", FLOATS.split())
@pytest.mark.parametrize("mode", range(2))
def test_one_tensor_is_turned_in_every_mode_and_broadcast(mode: int, dtype: str) -> None:
    rng = np.random.default_rng([mode, len(dtype)])
    for front in BROADCASTS:
        size = int(rng.integers(1, 9)) * 4
        x = random(rng, (2, 3, 4, size), dtype, special=False)
        cos, sin = tables(rng, (*front, size), dtype)
        out = blank(rng, x.shape, dtype)
        ao.ops.rotary_position_embedding(layout(rng, x), layout(rng, cos), layout(rng, sin), mode, out=out)
        close(out, turn(MODES[mode], wide(x), wide(cos), wide(sin)), dtype)


@pytest.mark.parametrize("mode", [-1, 2, 3, 4])
def test_modes_of_other_products_are_refused(mode: int) -> None:
    """The kernels of Atlas A2 would turn halves in modes 2 and 3 as well; the document has 0 and 1 for it."""
    x, table = ao.zeros((1, 2, 3, 4), "float32"), ao.zeros((1, 2, 1, 4), "float32")
    with pytest.raises(ao.AscendError, match="mode is") as refused:
        ao.ops.rotary_position_embedding(x, table, table, mode)
    assert refused.value.code == 561002


@covers("aclnnRotaryPositionEmbeddingGrad", FLOATS)
@pytest.mark.parametrize("dtype", FLOATS.split())
@pytest.mark.parametrize("mode", range(4))
def test_gradients_are_the_transposed_maps_and_sums_over_broadcast_axes(mode: int, dtype: str) -> None:
    rng = np.random.default_rng([mode, len(dtype), 1])
    for front in BROADCASTS[1:]:
        size = int(rng.integers(1, 5)) * 4
        dy, x = (random(rng, (2, 3, 4, size), dtype) for _ in range(2))
        cos, sin = tables(rng, (*front, size), dtype)
        outs = [blank(rng, shape, dtype) for shape in (x.shape, cos.shape, cos.shape)]
        ao.ops.rotary_position_embedding_grad(
            *(layout(rng, each) for each in (dy, cos, sin, x)), mode, out=tuple(outs)
        )
        for out, expected in zip(
            outs, gradients(MODES[mode], wide(dy), wide(cos), wide(sin), wide(x)), strict=True
        ):
            assert_close(out, expected, dtype, ulps=ULPS, absolute=4e-5)


@covers("aclnnApplyRotaryPosEmb aclnnApplyRotaryPosEmbV2", FLOATS)
@pytest.mark.parametrize("dtype", FLOATS.split())
@pytest.mark.parametrize(
    ("order", "mode"), [(0, "half"), (1, "half"), (2, "interleave"), (3, "quarter"), (3, "half")]
)
def test_queries_and_keys_are_turned_in_place(order: int, mode: str, dtype: str) -> None:
    rng = np.random.default_rng([order, len(mode), len(dtype)])
    front = [2, 3, 3]
    heads = 1 if order == 3 else 2

    def shape(count: int) -> tuple[int, ...]:
        return (*front[:heads], count, *front[heads + 1 :], 128)

    query, key = random(rng, shape(3), dtype), random(rng, shape(2), dtype)
    cos, sin = tables(rng, shape(1), dtype)
    device = [layout(rng, each) for each in (query, key, cos, sin)]
    if order == 0:
        ao.ops.apply_rotary_pos_emb(*device, 1)
    else:
        ao.ops.apply_rotary_pos_emb_v2(*device, order, mode)
    for after, before in zip(device, (query, key), strict=False):
        close(after, turn(mode, wide(before), wide(cos), wide(sin)), dtype)


@covers("aclnnInterleaveRope", "float16 bfloat16")
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("tokens", [1, 5])
def test_interleaved_pairs_become_halves(tokens: int, dtype: str) -> None:
    rng = np.random.default_rng(tokens)
    x = random(rng, (2, 3, 5, 64), dtype)
    cos, sin = tables(rng, (2, 1, tokens, 64), dtype)
    out = ao.ops.interleave_rope(layout(rng, x), layout(rng, cos), layout(rng, sin))
    close(out, turn("interleave-half", wide(x), wide(cos), wide(sin)), dtype)


def cached_tables(cache: Array, positions: Array, sections: list[int]) -> tuple[Array, Array]:
    """cos and sin [tokens, rotary / 2]; with three rows of positions each section has its own."""
    cos, sin = np.split(cache[positions], 2, -1)
    if positions.ndim == 1:
        return cos, sin
    ends = np.cumsum([0, *sections])
    parts = [np.concatenate([each[i, :, ends[i] : ends[i + 1]] for i in range(3)], -1) for each in (cos, sin)]
    return parts[0], parts[1]


@covers("aclnnRopeWithSinCosCache", FLOATS)
@pytest.mark.parametrize("dtype", FLOATS.split())
@pytest.mark.parametrize("neox", [True, False])
@pytest.mark.parametrize("sections", [[0, 0, 0], [1, 2, 3]])
def test_tables_come_from_a_cache(sections: list[int], neox: bool, dtype: str) -> None:
    rng = np.random.default_rng([len(dtype), neox, *sections])
    tokens, size, rotary = 7, 16, 12
    kind = np.int64 if neox else np.int32
    positions = rng.integers(0, 20, (3, tokens) if any(sections) else tokens).astype(kind)
    cache = random(rng, (20, rotary), dtype, -1, 1)
    query, key = (random(rng, (tokens, heads * size), dtype) for heads in (3, 2))
    outs = ao.ops.rope_with_sin_cos_cache(
        layout(rng, positions), *(layout(rng, each) for each in (query, key, cache)), sections, size, neox
    )
    cos, sin = cached_tables(wide(cache), positions, sections)
    double = [np.concatenate([each, each], -1) if neox else each.repeat(2, -1) for each in (cos, sin)]
    for out, before in zip(outs, (query, key), strict=True):
        expected = wide(before).reshape(tokens, -1, size).copy()
        expected[..., :rotary] = turn(
            "half" if neox else "interleave",
            expected[..., :rotary],
            *(each[:, None, :] for each in double),
        )
        close(out, expected.reshape(before.shape), dtype)


def zeros(*shape: int, dtype: str = "float16") -> Array:
    return np.zeros(shape, dtype)


REFUSALS: dict[str, tuple[str, tuple[Any, ...], int, str]] = {
    "odd": ("rotary_position_embedding", (*[zeros(1, 1, 1, 3)] * 3, 0), 561002, "multiple of 2"),
    "quarters": ("rotary_position_embedding_grad", (*[zeros(1, 1, 1, 6)] * 4, 2), 561002, "multiple of 4"),
    "broadcast": (
        "rotary_position_embedding",
        (zeros(1, 2, 3, 4), *[zeros(1, 2, 2, 4)] * 2, 0),
        561002,
        "cos",
    ),
    "dtype": (
        "rotary_position_embedding",
        (zeros(1, 1, 1, 4), *[zeros(1, 1, 1, 4, dtype="float32")] * 2, 0),
        161002,
        "cos",
    ),
    "head size": ("apply_rotary_pos_emb", (*[zeros(1, 1, 1, 64)] * 4, 1), 561002, "128"),
    "layout": ("apply_rotary_pos_emb", (*[zeros(1, 1, 1, 128)] * 4, 3), 561002, "layout"),
    "rotary mode": (
        "apply_rotary_pos_emb_v2",
        (*[zeros(1, 1, 1, 128)] * 4, 1, "third"),
        561002,
        "rotaryMode",
    ),
    "heads of cos": (
        "apply_rotary_pos_emb_v2",
        (*[zeros(1, 1, 2, 128)] * 4, 1, "half"),
        561002,
        "cos",
    ),
    "interleaved size": ("interleave_rope", (*[zeros(1, 1, 1, 32)] * 3,), 561002, "64"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_does_not_fit_is_refused_by_name(case: str) -> None:
    operator, args, status, text = REFUSALS[case]
    with pytest.raises(ao.AclError, match=text) as refused:
        getattr(ao.ops, operator)(
            *(ao.asarray(each) if isinstance(each, np.ndarray) else each for each in args)
        )
    assert refused.value.code == status


def test_a_position_outside_of_the_cache_fails_the_stream() -> None:
    with ao.Stream() as stream:
        ao.ops.rope_with_sin_cos_cache(
            np.array([5]), zeros(1, 4), zeros(1, 4), zeros(5, 4), [0, 0, 0], 4, True
        )
        with pytest.raises(ao.AclError, match="outside of cosSinCache"):
            stream.synchronize()
