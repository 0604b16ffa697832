"""Windows and their sums, complex numbers from parts, sign bits, traces, searches in sorted lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from kernels.arrays import COMPLEXES, FLOATS, INTEGERS, NUMBERS, Array, covers, random, shape_of, wide
from kernels.moves import Made, MoveCase, check, parametrize

import ascend_ops as ao

SEARCHED = f"float64 float32 float16 {INTEGERS}"


def windows(rng: np.random.Generator) -> tuple[list[int], list[list[int]], Array]:
    """An image's shape, the four pairs of im2col, and for each element of its columns the place in the padded
    image: [C * kernel, windows]."""
    shape = [int(n) for n in rng.integers(3, 8, 4)]
    shape[:2] = [int(n) for n in rng.integers(1, 4, 2)]
    shape = shape[1:] if rng.random() < 0.3 else shape
    kernel, dilation, padding, stride = ([int(n) for n in rng.integers(low, 3, 2)] for low in (1, 1, 0, 1))
    channels, size = shape[-3], [shape[-2 + k] + 2 * padding[k] for k in range(2)]
    places = np.arange(channels * size[0] * size[1]).reshape(channels, *size)
    count = [(size[k] - dilation[k] * (kernel[k] - 1) - 1) // stride[k] + 1 for k in range(2)]
    rows, columns = (
        (np.arange(kernel[k]) * dilation[k])[:, None] + np.arange(count[k]) * stride[k] for k in range(2)
    )
    found = places[:, rows[:, None, :, None], columns[None, :, None, :]]
    return shape, [kernel, dilation, padding, stride], found.reshape(channels * kernel[0] * kernel[1], -1)


def padded(x: Array, padding: list[int]) -> Array:
    return np.pad(x, [(0, 0)] * (x.ndim - 2) + [(n, n) for n in padding])


def im2col(rng: np.random.Generator, dtype: str) -> Made:
    shape, pairs, places = windows(rng)
    x = random(rng, shape, dtype)
    flat = padded(x, pairs[2]).reshape(*shape[:-3], -1)
    return (x, *pairs), flat[..., places]


def im2col_backward(rng: np.random.Generator, dtype: str) -> Made:
    shape, pairs, places = windows(rng)
    grad = random(rng, (*shape[:-3], *places.shape), dtype, 0, 2)
    room = padded(np.zeros(shape), pairs[2])
    total = room.reshape(-1 if len(shape) == 4 else 1, int(np.prod(room.shape[-3:])))
    for sums, each in zip(total, wide(grad).reshape(-1, *places.shape), strict=True):
        np.add.at(sums, places, each)
    (top, left), (height, width) = pairs[2], shape[-2:]
    cut = total.reshape(room.shape)[..., top : top + height, left : left + width]
    return (grad, shape[-2:], *pairs), cut.astype(grad.dtype)


def complex_of(rng: np.random.Generator, dtype: str) -> Made:
    shape = shape_of(rng)
    real, imaginary = (random(rng, tuple(1 if rng.random() < 0.2 else n for n in shape), dtype) for _ in "12")
    shape = np.broadcast_shapes(real.shape, imaginary.shape)
    expected = np.empty(shape, np.complex128 if dtype == "float64" else np.complex64)
    expected.real, expected.imag = real, imaginary
    return (real, imaginary), expected


def polar(rng: np.random.Generator, dtype: str) -> Made:
    shape = shape_of(rng)
    size, angle = random(rng, shape, dtype, 0, 3), random(rng, shape, dtype, -9, 9)
    return (size, angle), (wide(size) * np.exp(1j * wide(angle))).astype(np.complex64)


def trace(rng: np.random.Generator, dtype: str) -> Made:
    x = random(rng, [int(n) for n in rng.integers(1, 6, 2)], dtype, 0, 3)
    whole = x.dtype.kind in "iub"
    total = np.trace(x.astype(np.int64) if whole else wide(x) if x.dtype.kind != "c" else x)
    return (x,), np.asarray(total, np.int64 if whole else x.dtype)


def pack_signs(rng: np.random.Generator, dtype: str) -> Made:
    x = random(rng, (int(rng.integers(1, 40)),), dtype, special=False)
    bits = np.packbits(wide(x) >= 0, bitorder="little")
    rows = int(rng.choice([n for n in range(1, bits.size + 1) if bits.size % n == 0]))
    return (x, rows), bits.reshape(rows, -1)


def unpack_signs(rng: np.random.Generator, dtype: str) -> Made:
    x = random(rng, (int(rng.integers(1, 6)),), "uint8", 0, 255)
    signs = np.unpackbits(x, bitorder="little").astype(dtype) * 2 - 1
    return (x, 2, getattr(ao, dtype)), signs.reshape(2, -1).astype(dtype)


def search(rng: np.random.Generator, dtype: str) -> Made:
    lead = [int(n) for n in rng.integers(1, 4, rng.integers(0, 3))]
    own = lead if rng.random() < 0.5 else []
    shape = [*lead, int(rng.integers(1, 6))]
    lines = random(rng, [*own, int(rng.integers(1, 9))], dtype, 0, 9)
    values, right = random(rng, shape, dtype, 0, 9), bool(rng.random() < 0.5)
    order = np.argsort(lines, -1, kind="stable")
    ordered = np.take_along_axis(lines, order, -1)
    sorter = order if rng.random() < 0.5 else None
    side: Any = "right" if right else "left"
    found = np.empty(shape, np.int32 if rng.random() < 0.5 else np.int64)
    for place in np.ndindex(*lead):
        found[place] = np.searchsorted(ordered[place] if own else ordered, values[place], side)
    return (ordered if sorter is None else lines, values, found.dtype == np.int32, right, sorter), found


CASES = [
    MoveCase("aclnnIm2col", im2col, FLOATS),
    MoveCase("aclnnIm2colBackward", im2col_backward, FLOATS, ulps=8, absolute=1e-6),
    MoveCase("aclnnComplex", complex_of, "float32 float64"),
    MoveCase("aclnnPolar", polar, "float32", ulps=4),
    MoveCase("aclnnTrace", trace, f"{NUMBERS} {COMPLEXES}", ulps=4),
    MoveCase("aclnnSignBitsPack", pack_signs, "float16 float32"),
    MoveCase("aclnnSignBitsUnpack", unpack_signs, "float16 float32"),
    MoveCase("aclnnSearchSorted", search, SEARCHED),
]


@parametrize(CASES)
def test_windows(case: MoveCase) -> None:
    check(case, examples=3)


@covers("aclnnSearchSorteds", SEARCHED)
@pytest.mark.parametrize("dtype", SEARCHED.split())
def test_one_number_is_searched_in_a_line(dtype: str) -> None:
    line = ao.asarray(np.array([1, 3, 3, 7], dtype))
    for right, wanted in ((False, 1), (True, 3)):
        out = ao.zeros((), ao.int64)
        ao.ops.search_sorteds(line, 3, False, right, None, out=out)
        assert int(out.numpy()) == wanted


def zeros(*shape: int) -> ao.Tensor:
    return ao.zeros(shape, ao.float32)


REFUSALS: list[tuple[str, Callable[[], tuple[Any, ...]], tuple[int, ...], str]] = [
    ("im2col", lambda: (zeros(1, 4, 4), [5, 1], [1, 1], [0, 0], [1, 1]), (1, 1), "kernelSize"),
    ("im2col", lambda: (zeros(1, 4, 4), [1, 1], [1, 1], [0, 0], [1, 0]), (1, 1), "stride\\[1\\] is 0"),
    ("polar", lambda: (zeros(2), zeros(2)), (2,), "out is ACL_FLOAT"),
    ("trace", lambda: (zeros(2),), (), "self"),
    ("sign_bits_pack", lambda: (zeros(9), 3), (3, 1), "data type of out"),
    ("search_sorted", lambda: (zeros(2, 2), zeros(3, 2), False, False, None), (3, 2), "out"),
]


@pytest.mark.parametrize(("name", "arguments", "shape", "text"), REFUSALS)
def test_refusals(
    name: str, arguments: Callable[[], tuple[Any, ...]], shape: tuple[int, ...], text: str
) -> None:
    with pytest.raises(ao.AclError, match=text) as refused:
        getattr(ao.ops, name)(*arguments(), out=zeros(*shape))
    assert refused.value.code == 161002
