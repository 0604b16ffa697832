"""Operators that fill, join, split, pad and cut triangles."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from kernels.arrays import (
    COMPLEXES,
    FLOATS,
    INTEGERS,
    NUMBERS,
    REALS,
    Array,
    covers,
    host_dtype,
    random,
    shape_of,
)
from kernels.moves import Made, MoveCase, check, parametrize

import ascend_ops as ao

UNSIGNED = "uint16 uint32 uint64"
CAT = f"{NUMBERS} complex64"


def fill_scalar(rng: np.random.Generator, dtype: str) -> Made:
    x, value = random(rng, shape_of(rng), dtype), int(rng.integers(0, 100))
    return (x, value), np.full(x.shape, value, x.dtype)


def fill_tensor(rng: np.random.Generator, dtype: str) -> Made:
    x, value = random(rng, shape_of(rng), dtype), random(rng, (1,) * int(rng.integers(2)), dtype)
    return (x, value), np.full(x.shape, value.reshape(()), x.dtype)


def constant(value: int) -> Callable[[np.random.Generator, str], Made]:
    def make(rng: np.random.Generator, dtype: str) -> Made:
        x = random(rng, shape_of(rng), dtype)
        return (x,), np.full(x.shape, value, x.dtype)

    return make


def fill_diagonal(rng: np.random.Generator, dtype: str) -> Made:
    wide = rng.random() < 0.3
    shape = (int(rng.integers(1, 5)),) * 3 if wide else tuple(int(n) for n in rng.integers(1, 9, 2))
    x, wrap = random(rng, shape, dtype), bool(rng.random() < 0.5)
    expected = x.copy()
    np.fill_diagonal(expected, 1, wrap=wrap)
    return (x, 1, wrap), expected


def eye(rng: np.random.Generator, dtype: str) -> Made:
    n, m = (int(k) for k in rng.integers(0, 7, 2))
    return (n, m), np.eye(n, m).astype(host_dtype(dtype))


def ranged(closed: bool) -> Callable[[np.random.Generator, str], Made]:
    def make(rng: np.random.Generator, dtype: str) -> Made:
        step = int(rng.integers(1, 4)) * (1 if rng.random() < 0.5 else -1)
        start, count = int(rng.integers(-20, 20)), int(rng.integers(0, 9))
        scale = 1 if dtype.startswith("int") else 0.5
        end = start + (count * step) + (0 if closed else int(np.sign(step)))
        values = np.arange(start, end + (np.sign(step) if closed else 0), step) * scale
        arguments = [k if scale == 1 else k * scale for k in (start, end, step)]
        return arguments, values.astype(host_dtype(dtype))

    return make


def linspace(rng: np.random.Generator, dtype: str) -> Made:
    """Integers, but of 64 bits, cut their ends before anything else: by CANN's source."""
    start, end = (float(v) for v in rng.integers(0, 50, 2))
    steps = int(rng.integers(0, 40))
    given = (start + 0.75, end + 0.75) if dtype in ("int8", "uint8", "int16", "int32") else (start, end)
    width = Fraction(int(end - start)) / max(steps - 1, 1)
    values = np.array([float(int(start) + width * i) for i in range(steps)])  # exact; np.linspace is not
    if dtype in INTEGERS.split():
        step = (end - start) / max(steps - 1, 1)
        values = np.array(
            [start + step * i if 2 * i <= steps - 1 else end - step * (steps - 1 - i) for i in range(steps)]
        ).astype(np.float32)
    return (*given, steps), values.astype(host_dtype(dtype))


def matching(rng: np.random.Generator, dtype: str, axis: int, shape: list[int]) -> list[Array]:
    result = []
    for _ in range(int(rng.integers(1, 4))):
        own = [int(rng.integers(0, 4)) if i == axis else n for i, n in enumerate(shape)]
        result.append(random(rng, own, dtype))
    return result


def cat(rng: np.random.Generator, dtype: str) -> Made:
    shape = [int(n) for n in rng.integers(1, 6, rng.integers(1, 5))]
    axis = int(rng.integers(-len(shape), len(shape)))
    parts = matching(rng, dtype, axis % len(shape), shape)
    return (parts, axis), np.concatenate(parts, axis)


def stack(rng: np.random.Generator, dtype: str) -> Made:
    shape = shape_of(rng)
    axis = int(rng.integers(-len(shape) - 1, len(shape) + 1))
    parts = [random(rng, shape, dtype) for _ in range(int(rng.integers(1, 4)))]
    return (parts, axis), np.stack(parts, axis)


def split_tensor(rng: np.random.Generator, dtype: str) -> Made:
    shape = [int(n) for n in rng.integers(1, 6, rng.integers(1, 5))]
    axis = int(rng.integers(-len(shape), len(shape)))
    x, size = random(rng, shape, dtype), int(rng.integers(1, 6))
    return (x, size, axis), np.split(x, range(size, shape[axis], size), axis)


def split_sizes(rng: np.random.Generator, dtype: str) -> Made:
    sizes = [int(n) for n in rng.integers(0, 4, rng.integers(1, 4))]
    shape = [int(n) for n in rng.integers(1, 6, rng.integers(1, 4))]
    axis = int(rng.integers(-len(shape), len(shape)))
    shape[axis] = sum(sizes)
    x = random(rng, shape, dtype)
    return (x, sizes, axis), np.split(x, np.cumsum(sizes)[:-1], axis)


def triangle(cut: Callable[..., Any]) -> Callable[[np.random.Generator, str], Made]:
    def make(rng: np.random.Generator, dtype: str) -> Made:
        x = random(rng, [int(n) for n in rng.integers(1, 7, rng.integers(2, 5))], dtype)
        k = int(rng.integers(-8, 9))
        return (x, k), cut(x, k)

    return make


def diag(rng: np.random.Generator, dtype: str) -> Made:
    x = random(rng, [int(n) for n in rng.integers(1, 7, rng.integers(1, 3))], dtype)
    k = int(rng.integers(-5, 6)) if x.ndim == 1 else int(rng.integers(-x.shape[0] + 1, x.shape[1]))
    return (x, k), np.diag(x, k)


def diag_flat(rng: np.random.Generator, dtype: str) -> Made:
    x, k = random(rng, shape_of(rng, most=3, largest=3), dtype), int(rng.integers(-3, 4))
    return (x, k), np.diagflat(x, k)


def roll(rng: np.random.Generator, dtype: str) -> Made:
    x = random(rng, shape_of(rng), dtype)
    dims = [int(d) for d in rng.integers(-x.ndim, x.ndim, rng.integers(0, 3))] if x.ndim else []
    shifts = [int(s) for s in rng.integers(-9, 10, max(len(dims), 1))]
    return (x, shifts, dims), np.roll(x, shifts, dims) if dims else np.roll(x, shifts[0])


def constant_pad(rng: np.random.Generator, dtype: str) -> Made:
    x = random(rng, [int(n) for n in rng.integers(2, 5, rng.integers(1, 4))], dtype)
    pads = [(int(a), int(b)) for a, b in rng.integers(-1, 4, (rng.integers(0, x.ndim + 1), 2))]
    every = [(0, 0)] * (x.ndim - len(pads)) + pads[::-1]
    grown = np.pad(x, [(max(a, 0), max(b, 0)) for a, b in every], constant_values=3)
    places = tuple(
        slice(-a if a < 0 else 0, n + b if b < 0 else None)
        for (a, b), n in zip(every, grown.shape, strict=True)
    )
    return (x, [n for pair in pads for n in pair], 3), grown[places]


def pad_of(rng: np.random.Generator, axes: int, mode: str) -> tuple[list[int], list[tuple[int, int]]]:
    shape = [int(n) for n in rng.integers(2, 6, axes + 1 + rng.integers(2))]
    most = {"reflect": -1, "wrap": 0, "edge": 2}[mode]
    pads = [tuple(int(k) for k in rng.integers(0, shape[-1 - i] + most + 1, 2)) for i in range(axes)]
    return shape, [(0, 0)] * (len(shape) - axes) + pads[::-1]  # type: ignore[list-item]


def flat(pads: list[tuple[int, int]], axes: int) -> list[int]:
    return [n for pair in pads[::-1][:axes] for n in pair]


def padding(axes: int, mode: str) -> Callable[[np.random.Generator, str], Made]:
    def make(rng: np.random.Generator, dtype: str) -> Made:
        shape, pads = pad_of(rng, axes, mode)
        x = random(rng, shape, dtype)
        return (x, flat(pads, axes)), np.pad(x, pads, mode)  # type: ignore[call-overload]

    return make


def padding_backward(axes: int, mode: str) -> Callable[[np.random.Generator, str], Made]:
    def make(rng: np.random.Generator, dtype: str) -> Made:
        shape, pads = pad_of(rng, axes, mode)
        places = np.pad(np.arange(int(np.prod(shape))).reshape(shape), pads, mode)  # type: ignore[call-overload]
        grad = random(rng, places.shape, dtype, 0, 1)
        wide = grad.astype(np.complex128 if grad.dtype.kind == "c" else np.float64)
        total = np.zeros(int(np.prod(shape)), wide.dtype)
        np.add.at(total, places, wide)
        expected = total.reshape(shape).astype(grad.dtype)
        return (grad, random(rng, shape, dtype), flat(pads, axes)), expected

    return make


PADS = {"Reflection": "reflect", "Replication": "edge", "Circular": "wrap"}
PAD_DTYPES = {
    "Reflection": f"{NUMBERS} {COMPLEXES}",
    "Replication": f"{REALS} {INTEGERS} {COMPLEXES}",
    "Circular": f"{FLOATS} int32 int8",
}

CASES = [
    MoveCase("aclnnInplaceFillScalar", fill_scalar, f"{NUMBERS} {COMPLEXES} {UNSIGNED}", inplace=True),
    # The source's list: the document has unsigned integers, and neither DOUBLE nor complex numbers.
    MoveCase("aclnnInplaceFillTensor", fill_tensor, f"{NUMBERS} {COMPLEXES}", inplace=True),
    MoveCase("aclnnInplaceZero", constant(0), f"{NUMBERS} {COMPLEXES} uint16", inplace=True),
    MoveCase("aclnnInplaceOne", constant(1), NUMBERS, inplace=True),
    MoveCase("aclnnInplaceFillDiagonal", fill_diagonal, NUMBERS, inplace=True),
    MoveCase("aclnnEye", eye, f"{FLOATS} {INTEGERS} bool"),
    MoveCase("aclnnArange", ranged(False), f"{REALS} int32 int64"),
    MoveCase("aclnnRange", ranged(True), f"{REALS} int32 int64"),
    MoveCase("aclnnLinspace", linspace, f"{REALS} {INTEGERS}", ulps=3),
    MoveCase("aclnnCat", cat, CAT),
    MoveCase("aclnnStack", stack, f"{NUMBERS} {COMPLEXES} {UNSIGNED}"),
    MoveCase("aclnnSplitTensor", split_tensor, f"{NUMBERS} {COMPLEXES}"),
    MoveCase("aclnnSplitWithSize", split_sizes, f"{NUMBERS} {COMPLEXES}"),
    *(
        MoveCase(f"aclnn{form}{name}", triangle(cut), f"{NUMBERS} {UNSIGNED}", inplace=form == "Inplace")
        for name, cut in (("Tril", np.tril), ("Triu", np.triu))
        for form in ("", "Inplace")
    ),
    MoveCase("aclnnDiag", diag, CAT),
    MoveCase("aclnnDiagFlat", diag_flat, CAT),
    MoveCase("aclnnRoll", roll, f"{FLOATS} {INTEGERS} bool uint32"),
    MoveCase("aclnnConstantPadNd", constant_pad, f"{NUMBERS} {COMPLEXES} {UNSIGNED}"),
    *(
        MoveCase(f"aclnn{name}Pad{axes}d", padding(axes, mode), PAD_DTYPES[name])
        for name, mode in PADS.items()
        for axes in (1, 2, 3)
        if (name, axes) != ("Circular", 1)
    ),
    *(
        MoveCase(
            f"aclnn{name}Pad{axes}dBackward",
            padding_backward(axes, mode),
            FLOATS if name == "Circular" else f"{REALS} {COMPLEXES}",
            ulps=16,
            absolute=1e-6,
        )
        for name, mode in PADS.items()
        for axes in (1, 2, 3)
        if (name, axes) != ("Circular", 1)
    ),
]


@parametrize(CASES)
def test_moves(case: MoveCase) -> None:
    check(case, examples=2)


@covers("aclnnCat aclnnStack", "float32 float16 int32")
def test_joined_tensors_meet_in_one_dtype() -> None:
    """They are rounded to the promoted type first: 2049 is no float16."""
    parts = [np.array([2049], np.int32), np.array([0.5], np.float16)]
    wanted = np.array([2048, 0.5])
    given = [ao.asarray(part) for part in parts]
    out = ao.zeros((2,), ao.float32)
    np.testing.assert_array_equal(ao.ops.cat(given, 0, out=out).numpy(), wanted)
    stacked = ao.zeros((2, 1), ao.float32)
    np.testing.assert_array_equal(ao.ops.stack(given, 0, out=stacked).numpy(), wanted[:, None])


@covers("aclnnCat", "float32")
def test_tensors_of_no_elements_and_one_axis_are_left_out() -> None:
    """Whatever their type is, and the axes of the others: as in PyTorch, the operator's source does so."""
    x, none = np.arange(6, dtype=np.float32).reshape(2, 3), ao.zeros((0,), ao.complex128)
    joined = ao.ops.cat([none, ao.asarray(x), none, ao.asarray(x)], 1, out=ao.zeros((2, 6), ao.float32))
    np.testing.assert_array_equal(joined.numpy(), np.concatenate([x, x], 1))
    untouched = ao.asarray(np.ones(2, np.float32))
    assert ao.ops.cat([none, none], 0, out=untouched).numpy().tolist() == [1, 1]


@pytest.mark.parametrize("name", ["reflection_pad2d", "replication_pad2d", "circular_pad2d"])
def test_a_batch_of_nothing_is_padded(name: str) -> None:
    assert getattr(ao.ops, name)(out_of(0, 2, 3, 3), [1, 0, 2, 0]).shape == (0, 2, 5, 4)


def test_unsigned_numbers_are_filled_by_scalars_alone() -> None:
    x = ao.zeros((2,), ao.uint32)
    assert ao.ops.inplace_fill_scalar(x, 3).numpy().tolist() == [3, 3]
    with pytest.raises(ao.AclError, match="data type of selfRef") as refused:
        ao.ops.inplace_fill_tensor(x, ao.zeros((), ao.uint32))
    assert refused.value.code == 161002


def test_integers_of_ranges_are_exact() -> None:
    start = 2**53 + 1
    out = ao.zeros((3,), ao.int64)
    ao.ops.arange(start, start + 5, 2, out=out)
    np.testing.assert_array_equal(out.numpy(), [start, start + 2, start + 4])
    halves = ao.ops.arange(0.0, 1.0, 0.25, out=ao.zeros((4,), ao.bfloat16)).numpy()
    np.testing.assert_array_equal(halves.astype(np.float32), np.arange(0, 1, 0.25, ml_dtypes.bfloat16))


def out_of(*shape: int) -> ao.Tensor:
    return ao.zeros(shape, ao.float32)


REFUSALS: list[tuple[str, Callable[[], tuple[Any, ...]], tuple[int, ...], str]] = [
    ("cat", lambda: ([out_of(2, 3), out_of(2, 2)], 0), (4, 3), "tensors\\[1\\]"),
    ("cat", lambda: ([out_of(2, 3)], 2), (2, 3), "dim is 2"),
    ("cat", lambda: ([out_of(2, 3), out_of(2, 3)], 0), (3, 3), "out"),
    ("stack", lambda: ([out_of(2), out_of(3)], 0), (2, 2), "tensors\\[1\\]"),
    ("arange", lambda: (0, 5, -1), (5,), "step"),
    ("arange", lambda: (0, 5, 1), (4,), "out"),
    ("linspace", lambda: (0, 5, 3), (4,), "steps is 3"),
    ("eye", lambda: (2, -1), (2, 1), "m is -1"),
    ("tril", lambda: (out_of(3), 0), (3,), "self"),
    ("diag", lambda: (out_of(3), 1), (3, 3), "out"),
    ("roll", lambda: (out_of(3), [1, 2], []), (3,), "shifts"),
    ("constant_pad_nd", lambda: (out_of(3), [1, -5], 0.0), (3,), "pad"),
    ("reflection_pad1d", lambda: (out_of(2, 3), [3, 0]), (2, 6), "padding"),
    ("reflection_pad2d", lambda: (out_of(2, 0, 3, 3), [1, 0, 0, 0]), (2, 0, 3, 4), "self has no channels"),
    ("reflection_pad1d", lambda: (out_of(2, 0), [0, 0]), (2, 0), "padding"),
    ("circular_pad2d", lambda: (out_of(2, 3, 3), [4, 0, 0, 0]), (2, 3, 7), "padding"),
    ("replication_pad2d", lambda: (out_of(3, 3), [1, 0, 0, 0]), (3, 4), "self"),
]


@pytest.mark.parametrize(("name", "arguments", "shape", "text"), REFUSALS)
def test_refusals(
    name: str, arguments: Callable[[], tuple[Any, ...]], shape: tuple[int, ...], text: str
) -> None:
    with pytest.raises(ao.AclError, match=text) as refused:
        getattr(ao.ops, name)(*arguments(), out=out_of(*shape))
    assert refused.value.code == 161002


@pytest.mark.parametrize(
    ("padding", "fits"), [([8, 0, 0, 0], True), ([7, 0, 7, 0], True), ([8, 0, 1, 0], False)]
)
def test_gradients_of_bf16_pads_are_for_small_ones(padding: list[int], fits: bool) -> None:
    left, right, top, bottom = padding
    x = ao.zeros((1, 10, 10), "bfloat16")
    grad = ao.zeros((1, 10 + top + bottom, 10 + left + right), "bfloat16")
    for name in ("replication_pad2d_backward", "reflection_pad2d_backward"):
        if fits:
            getattr(ao.ops, name)(grad, x, padding, out=ao.zeros(x.shape, "bfloat16"))
            continue
        with pytest.raises(ao.AclError, match="padding") as refused:
            getattr(ao.ops, name)(grad, x, padding, out=ao.zeros(x.shape, "bfloat16"))
        assert refused.value.code == 161002
