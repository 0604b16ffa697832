"""Kronecker products that are quantised, updates that are quantised into a cache, and Einstein sums."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import Array, assert_close, blank, covers, layout, random, wide
from kernels.lines import integers_of
from kernels.moves import fails_on_device

import ascend_ops as ao

HALVES = "float16 bfloat16"


def flat_quant(x: Array, left: Array, right: Array, clip: float) -> tuple[Array, Array]:
    """What is between the products is rounded to x's type, what comes out to FLOAT16, as A2's kernels do."""
    between = (wide(x) @ wide(right)).astype(np.float32).astype(x.dtype)
    values = (wide(left) @ wide(between)).astype(np.float32).astype(np.float16).astype(np.float64)
    largest = np.abs(values).max((1, 2))
    factor = np.float32(7) / np.float32(clip) / largest.astype(np.float32)
    return np.clip(np.rint(values.astype(np.float32) * factor[:, None, None]), -8, 7), largest * np.float32(
        clip
    ) / 7


@covers("aclnnFlatQuant", HALVES)
@pytest.mark.parametrize("kind", ["int4", "int32"])
@pytest.mark.parametrize("clip", [1.0, 0.7])
def test_flat_quant(kind: str, clip: float) -> None:
    rng = np.random.default_rng(1)
    for dtype in HALVES.split():
        # Small integers, so that every sum is exact in the order of anybody.
        x, left, right = (
            np.round(wide(random(rng, shape, dtype, -2, 2))).astype(random(rng, (), dtype).dtype)
            for shape in ((5, 3, 16), (3, 3), (16, 16))
        )
        shape = x.shape if kind == "int4" else (5, 3, 2)
        out, scale = ao.empty(shape, kind), blank(rng, (5,), "float32")
        ao.ops.flat_quant(*(layout(rng, each) for each in (x, left, right)), clip, out=(out, scale))
        values, scales = flat_quant(x, left, right, clip)
        np.testing.assert_array_equal(integers_of(out, kind), values)
        assert_close(scale, scales, "float32")


@covers("aclnnInplaceQuantScatter", f"int8 {HALVES}")
@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("shape", [(3, 6, 32), (3, 2, 6, 32)])
def test_updates_are_quantised_into_a_cache(shape: tuple[int, ...], zero: bool) -> None:
    """Values are divided by the scales in fp32, as the golden of the operator's own tests does."""
    rng = np.random.default_rng(2)
    for dtype, kinds in {"float16": ("float32", "int32"), "bfloat16": ("bfloat16", "bfloat16")}.items():
        cache = random(rng, shape, "int8", -128, 127)
        updates = random(rng, (2, *shape[1:-2], 2, 32), dtype, -90, 90)
        scale, offset = random(rng, (1, 1, 32), kinds[0], 0.5, 2), random(rng, (1, 1, 32), kinds[1], -9, 9)
        rows, device = np.array([4, 1], np.int32), layout(rng, cache)
        ao.ops.inplace_quant_scatter(
            device,
            layout(rng, rows),
            layout(rng, updates),
            layout(rng, scale),
            layout(rng, offset) if zero else None,
            -2,
            -1,
            1,
        )
        quotient = wide(updates).astype(np.float32) / wide(scale).reshape(-1).astype(np.float32)
        values = quotient + (wide(offset).reshape(-1).astype(np.float32) if zero else np.float32(0))
        for i, row in enumerate(rows):
            cache[i, ..., row : row + 2, :] = np.clip(np.rint(values[i]), -128, 127).astype(np.int8)
        assert_close(device, cache, "int8")


EINSUM = "float16 float32 int16 uint16 int32 uint32 int64 uint64"


@covers("aclnnEinsum", EINSUM)
@pytest.mark.parametrize(
    ("equation", "left", "right"),
    [("abcd,abced->abce", (2, 3, 2, 5), (2, 3, 2, 4, 5)), ("a,b->ab", (5,), (3,))],
)
def test_einstein_sums(equation: str, left: tuple[int, ...], right: tuple[int, ...]) -> None:
    rng = np.random.default_rng(3)
    for dtype in EINSUM.split():
        x, y = random(rng, left, dtype, special=dtype.startswith("int")), random(rng, right, dtype)
        expected = np.einsum(equation, wide(x), wide(y))
        out = blank(rng, expected.shape, dtype)
        ao.ops.einsum([layout(rng, x), layout(rng, y)], equation, out=out)
        assert_close(out, expected, dtype)


X, P, Q = np.ones((2, 3, 8), np.float16), np.ones((3, 3), np.float16), np.ones((8, 8), np.float16)
F = np.ones(3, np.float32)
CACHE, UPDATES = np.zeros((2, 4, 32), np.int8), np.ones((2, 1, 32), np.float16)
AT, SCALES = np.zeros(2, np.int64), np.ones(32, np.float32)


@pytest.mark.parametrize(
    ("name", "arguments", "status", "text"),
    [
        ("flat_quant", (X, Q, Q, 1.0), 161002, "kroneckerP1 is"),
        ("flat_quant", (X, P, Q, 1.5), 161002, "clipRatio is 1.5"),
        ("flat_quant", (X.astype(np.float32), P, Q, 1.0), 161002, "data type of x"),
        ("einsum", ([F, F], "ab->ba"), 161002, "equation is"),
        ("einsum", ([F, F.astype(np.int32)], "a,b->ab"), 161002, r"tensors\[1\] is"),
        ("inplace_quant_scatter", (CACHE, AT, UPDATES, SCALES, None, -1, -1, 1), 161002, "axis is -1"),
        ("inplace_quant_scatter", (CACHE, AT, UPDATES, SCALES, None, -2, -1, 0), 161002, "reduction is 0"),
        ("inplace_quant_scatter", (CACHE, AT[:1], UPDATES, SCALES, None, -2, -1, 1), 161002, "indices is"),
        (
            "inplace_quant_scatter",
            (CACHE, AT, UPDATES, SCALES[:9], None, -2, -1, 1),
            161002,
            "quantScales has 9",
        ),
    ],
)
def test_what_does_not_fit_is_refused(name: str, arguments: tuple[Any, ...], status: int, text: str) -> None:
    def given(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return ao.asarray(value)
        return [given(each) for each in value] if isinstance(value, list) else value

    outs = {
        "flat_quant": (ao.zeros((2, 3, 1), "int32"), ao.zeros((2,), "float32")),
        "einsum": ao.zeros((3, 3), "float32"),
    }
    named = {"out": outs[name]} if name in outs else {}
    with pytest.raises(ao.AclError, match=text) as refusal:
        getattr(ao.ops, name)(*map(given, arguments), **named)
    assert refusal.value.code == status


def test_rows_beyond_the_cache_fail_in_the_stream() -> None:
    given = (ao.asarray(each) for each in (CACHE, AT + 4, UPDATES, SCALES))
    fails_on_device(lambda: ao.ops.inplace_quant_scatter(*given, None, -2, -1, 1), "indices is 4")
