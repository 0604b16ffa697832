"""Operators whose output is a view of their input: axes in another order, parts, repetitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import (
    COMPLEXES,
    FLOATS,
    INTEGERS,
    NUMBERS,
    Array,
    blank,
    covers,
    host_dtype,
    layout,
    random,
    shape_of,
)
from kernels.moves import Made, MoveCase, check, parametrize

import ascend_ops as ao

UNSIGNED = "uint16 uint32 uint64"
ALL = f"{NUMBERS} {COMPLEXES} {UNSIGNED}"
SLICED = f"{FLOATS} bool int8 int32 int64 uint8"


def some(rng: np.random.Generator, dtype: str, least: int = 1, most: int = 4) -> Array:
    shape = [int(n) for n in rng.integers(1, 6, rng.integers(least, most + 1))]
    if rng.random() < 0.1:
        shape[int(rng.integers(len(shape)))] = 0
    elif rng.random() < 0.2:
        shape[int(rng.integers(len(shape)))] = 70
    return random(rng, shape, dtype)


def axis_of(rng: np.random.Generator, x: Array) -> int:
    return int(rng.integers(-x.ndim, x.ndim))


def permute(rng: np.random.Generator, dtype: str) -> Made:
    x = some(rng, dtype)
    order = [int(axis) for axis in rng.permutation(x.ndim)]
    signed = [axis - x.ndim if rng.random() < 0.3 else axis for axis in order]
    return (x, signed), x.transpose(order)


def flip(rng: np.random.Generator, dtype: str) -> Made:
    x = some(rng, dtype)
    dims = [axis for axis in range(x.ndim) if rng.random() < 0.5]
    return (x, dims), np.flip(x, tuple(dims))


def flatten(rng: np.random.Generator, dtype: str) -> Made:
    x = some(rng, dtype)
    axis = axis_of(rng, x)
    shape = x.shape[: axis % x.ndim], x.shape[axis % x.ndim :]
    return (x, axis), x.reshape([int(np.prod(part)) for part in shape])


def expand(rng: np.random.Generator, dtype: str) -> Made:
    shape = shape_of(rng)
    own = tuple(1 if rng.random() < 0.4 else n for n in shape[int(rng.integers(len(shape) + 1)) :])
    x = random(rng, own, dtype)
    return (x, list(shape)), np.broadcast_to(x, shape)


def channel_shuffle(rng: np.random.Generator, dtype: str) -> Made:
    groups, each = (int(n) for n in rng.integers(1, 5, 2))
    shape = [
        int(rng.integers(1, 3)),
        groups * each,
        *(int(n) for n in rng.integers(1, 6, rng.integers(1, 4))),
    ]
    x = random(rng, shape, dtype)
    split = x.reshape(shape[0], groups, each, *shape[2:])
    return (x, groups), split.swapaxes(1, 2).reshape(shape)


def bounds(rng: np.random.Generator, size: int) -> tuple[int, int, int]:
    start, end = (int(n) for n in rng.integers(-size - 2, size + 3, 2))
    return start, end, int(rng.integers(1, 4))


def slice_one(rng: np.random.Generator, dtype: str) -> Made:
    x = some(rng, dtype)
    axis = axis_of(rng, x)
    start, end, step = bounds(rng, x.shape[axis])
    return (x, axis, start, end, step), np.moveaxis(np.moveaxis(x, axis, 0)[start:end:step], 0, axis)


def slice_many(rng: np.random.Generator, dtype: str) -> Made:
    x = some(rng, dtype)
    axes = [int(axis) for axis in rng.permutation(x.ndim)[: rng.integers(x.ndim + 1)]]
    parts = {axis: bounds(rng, x.shape[axis]) for axis in axes}
    starts, ends, steps = ([part[i] for part in parts.values()] for i in range(3))
    places = tuple(slice(*parts[axis]) if axis in parts else slice(None) for axis in range(x.ndim))
    return (x, starts, ends, axes, steps), x[places]


def repeat(rng: np.random.Generator, dtype: str) -> Made:
    x = random(rng, shape_of(rng, most=3), dtype)
    times = [int(n) for n in rng.integers(0 if rng.random() < 0.1 else 1, 4, x.ndim + rng.integers(3))]
    return (x, times), np.tile(x, times)


def repeat_interleave_int(rng: np.random.Generator, dtype: str) -> Made:
    x, times = some(rng, dtype), int(rng.integers(0, 4))
    return (x, times, x.size * times), np.repeat(x, times)


def repeat_interleave_int_dim(rng: np.random.Generator, dtype: str) -> Made:
    x, times = some(rng, dtype), int(rng.integers(0, 4))
    axis = axis_of(rng, x)
    return (x, times, axis, x.shape[axis] * times), np.repeat(x, times, axis)


def copy(rng: np.random.Generator, dtype: str) -> Made:
    shape = shape_of(rng)
    y = random(rng, tuple(1 if rng.random() < 0.3 else n for n in shape), dtype)
    x = random(rng, shape, str(rng.choice(["float32", "int64", "float64", "complex64"])), 0, 4)
    real = y.real if y.dtype.kind == "c" and x.dtype.kind != "c" else y
    return (x, y), np.broadcast_to(real.astype(x.dtype), shape)


CASES = [
    MoveCase("aclnnPermute", permute, ALL),
    MoveCase("aclnnFlip", flip, f"{NUMBERS} {COMPLEXES}"),
    MoveCase("aclnnFlatten", flatten, f"{FLOATS} {INTEGERS} {UNSIGNED} bool"),
    MoveCase("aclnnExpand", expand, SLICED),
    MoveCase("aclnnChannelShuffle", channel_shuffle, f"{NUMBERS} {COMPLEXES}"),
    MoveCase("aclnnSlice", slice_one, SLICED),
    MoveCase("aclnnSliceV2", slice_many, SLICED),
    MoveCase("aclnnRepeat", repeat, f"{NUMBERS} {COMPLEXES} uint16 uint32 uint64"),
    MoveCase("aclnnRepeatInterleaveInt", repeat_interleave_int, f"{FLOATS} {INTEGERS} bool"),
    MoveCase("aclnnRepeatInterleaveIntWithDim", repeat_interleave_int_dim, f"{FLOATS} {INTEGERS} bool"),
    MoveCase("aclnnInplaceCopy", copy, ALL, inplace=True),
]


@parametrize(CASES)
def test_views(case: MoveCase) -> None:
    check(case, examples=3)


@covers("aclnnPermute", "float32 float16 int8 complex128")
@pytest.mark.parametrize("dtype", ["float32", "float16", "int8", "float64", "complex128"])
def test_large_transposes_use_tiles_and_threads(dtype: str) -> None:
    x = (np.arange(3 * 129 * 517) % 127).reshape(3, 129, 517).astype(host_dtype(dtype))
    for order in ((0, 2, 1), (2, 0, 1), (1, 2, 0)):
        np.testing.assert_array_equal(ao.ops.permute(ao.asarray(x), list(order)).numpy(), x.transpose(order))


def test_copies_keep_what_conversions_say() -> None:
    x = np.array([1.9, -1.9, np.nan, 3e9, -0.0], np.float32)
    out = ao.zeros((5,), ao.int32)
    ao.ops.inplace_copy(out, ao.asarray(x))
    np.testing.assert_array_equal(out.numpy(), [1, -1, 0, 2**31 - 1, 0])
    flags = ao.zeros((5,), ao.bool_)
    ao.ops.inplace_copy(flags, ao.asarray(x))
    np.testing.assert_array_equal(flags.numpy(), [True, True, True, True, False])


REFUSALS: list[tuple[str, tuple[Any, ...], tuple[int, ...], str, str]] = [
    ("permute", ([0, 0],), (2, 3), "float32", "dims names axis 0 twice"),
    ("permute", ([0, 2],), (2, 3), "float32", "dims names axis 2"),
    ("permute", ([0],), (2, 3), "float32", "dims has 1 numbers"),
    ("flip", ([-3],), (2, 3), "float32", "dims names axis -3"),
    ("expand", ([4, 3],), (4, 3), "float32", "size"),
    ("expand", ([2, 3],), (2, 3), "float64", "data type of self"),
    ("slice", (2, 0, 1, 1), (2, 3), "float32", "dim is 2"),
    ("slice", (0, 0, 1, 0), (1, 3), "float32", "step"),
    ("slice", (0, 0, 1, 1), (2, 3), "float32", "out"),
    ("slice_v2", ([0], [1], [0, 1], [1, 1]), (2, 3), "float32", "starts has 1"),
    ("repeat", ([1],), (2, 3), "float32", "repeats has 1"),
    ("repeat", ([1, -1],), (2, 3), "float32", "repeats"),
    ("repeat_interleave_int_with_dim", (2, 0, 5), (5, 3), "float32", "outputSize is 5"),
    ("channel_shuffle", (2,), (2, 3, 1), "float32", "groups is 2"),
]


@pytest.mark.parametrize(("name", "attributes", "shape", "dtype", "text"), REFUSALS)
def test_refusals(
    name: str, attributes: tuple[Any, ...], shape: tuple[int, ...], dtype: str, text: str
) -> None:
    rng = np.random.default_rng(0)
    own = (2, 3, 1) if name == "channel_shuffle" else (2, 3)
    with pytest.raises(ao.AclError, match=text) as refused:
        getattr(ao.ops, name)(layout(rng, random(rng, own, dtype)), *attributes, out=blank(rng, shape, dtype))
    assert refused.value.code == 161002
