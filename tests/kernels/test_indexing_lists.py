"""Index lists and masks, repetitions counted by tensors, KV-cache updates, sums into named rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from kernels.arrays import FLOATS, INTEGERS, NUMBERS, Array, covers, layout, random, shape_of, wide
from kernels.moves import Made, MoveCase, check, fails_on_device, parametrize

import ascend_ops as ao

UNSIGNED = "uint16 uint32 uint64"


EMPTY = np.zeros(0, np.int64)
"""Leaves its axis alone."""


def places(rng: np.random.Generator, shape: tuple[int, ...]) -> list[Array]:
    """Indices for some of the axes, broadcast together."""
    common = [int(n) for n in rng.integers(1, 4, rng.integers(1, 3))]
    axes = set(rng.permutation(len(shape))[: rng.integers(1, len(shape) + 1)].tolist())
    result: list[Array] = []
    for axis, size in enumerate(shape):
        own = tuple(n if rng.random() < 0.7 else 1 for n in common)
        drawn = rng.integers(-size, size, own).astype(rng.choice([np.int32, np.int64]))
        result.append(drawn if axis in axes else EMPTY)
    return result


def select(at: list[Array]) -> tuple[Any, ...]:
    return tuple(slice(None) if each is EMPTY else each for each in at)


def index(rng: np.random.Generator, dtype: str) -> Made:
    x = random(rng, [int(n) for n in rng.integers(1, 6, rng.integers(1, 5))], dtype)
    at = places(rng, x.shape)
    return (x, at), x[select(at)]


def index_mask(rng: np.random.Generator, dtype: str) -> Made:
    x = random(rng, [int(n) for n in rng.integers(1, 6, rng.integers(1, 5))], dtype)
    first = int(rng.integers(0, x.ndim))
    covered = int(rng.integers(1, x.ndim - first + 1))
    mask = rng.random(x.shape[first : first + covered]) < 0.5
    at = [EMPTY] * first + [mask]
    return (x, at), x[select(at)]


def index_put(rng: np.random.Generator, dtype: str) -> Made:
    x = random(rng, [int(n) for n in rng.integers(2, 6, rng.integers(1, 5))], dtype)
    adds = bool(rng.random() < 0.5)
    at = places(rng, x.shape) if adds else [rng.random(x.shape[:1]) < 0.6]
    shape = x[select(at)].shape
    values = random(rng, tuple(1 if rng.random() < 0.3 else n for n in shape), dtype, 0, 3)
    expected = wide(x).copy()
    if adds:
        np.add.at(expected, select(at), wide(values))
    else:
        expected[select(at)] = wide(values)
    return (x, at, values, adds, False), expected.astype(x.dtype)


def masked_scatter(rng: np.random.Generator, dtype: str) -> Made:
    x = random(rng, shape_of(rng, smallest=1), dtype)
    mask = rng.random(tuple(1 if rng.random() < 0.2 else n for n in x.shape)) < 0.5
    full = np.broadcast_to(mask, x.shape)
    source = random(rng, (int(full.sum()) + 2,), dtype)
    expected = x.copy()
    expected[full] = source[: int(full.sum())]
    return (x, mask.astype(rng.choice([np.bool_, np.uint8])), source), expected


def masked_select(rng: np.random.Generator, dtype: str) -> Made:
    """CANN wants an output of the full size, of which the call returns what was chosen."""
    x = random(rng, shape_of(rng, smallest=1), dtype)
    mask = rng.random(tuple(1 if rng.random() < 0.2 else n for n in x.shape)) < 0.5
    return (x, mask), x[np.broadcast_to(mask, x.shape)]


def nonzero(transposed: bool) -> Callable[[np.random.Generator, str], Made]:
    def make(rng: np.random.Generator, dtype: str) -> Made:
        x = random(rng, [int(n) for n in rng.integers(1, 5, rng.integers(1, 4))], dtype, 0, 1)
        x = np.where(rng.random(x.shape) < 0.5, x, np.zeros_like(x))
        found = np.argwhere(x.astype(bool))
        return (x,), found.T if transposed else found

    return make


def counts(rng: np.random.Generator, size: int) -> Array:
    return rng.integers(0, 4, size if rng.random() < 0.8 else 1).astype(rng.choice([np.int32, np.int64]))


def interleave(rng: np.random.Generator, dtype: str) -> Made:
    x = random(rng, shape_of(rng, smallest=1), dtype)
    times = counts(rng, x.size)
    expected = np.repeat(x.reshape(-1), times)
    return (x, times, expected.size), expected


def interleave_dim(rng: np.random.Generator, dtype: str) -> Made:
    x = random(rng, [int(n) for n in rng.integers(1, 6, rng.integers(1, 4))], dtype)
    axis = int(rng.integers(-x.ndim, x.ndim))
    times = counts(rng, x.shape[axis])
    expected = np.repeat(x, times, axis)
    return (x, times, axis, expected.shape[axis]), expected


def interleave_tensor(rng: np.random.Generator, dtype: str) -> Made:
    times = rng.integers(0, 4, 5).astype(dtype)
    expected = np.repeat(np.arange(5), times).astype(dtype)
    return (times, expected.size), expected


def one_hot(rng: np.random.Generator, dtype: str) -> Made:
    classes, on, off = int(rng.integers(1, 6)), np.array([3], dtype), np.array([-2], dtype)
    x = rng.integers(-1, classes + 2, shape_of(rng, most=3, smallest=1)).astype(
        rng.choice([np.int32, np.int64])
    )
    axis = int(rng.integers(-1, x.ndim + 1))
    hot = np.expand_dims(x, axis if axis >= 0 else x.ndim)
    shape = [1] * (x.ndim + 1)
    shape[axis] = classes
    return (x, classes, on, off, axis), np.where(hot == np.arange(classes).reshape(shape), on[0], off[0])


def cache_update(rng: np.random.Generator, dtype: str) -> Made:
    batches, heads, length, width = (int(n) for n in rng.integers(2, 6, 4))
    data = random(rng, (batches, heads, length, width), dtype)
    written, count = int(rng.integers(1, length + 1)), int(rng.integers(1, batches + 1))
    updates = random(rng, (count, heads, written, width), dtype)
    at = rng.integers(0, length - written + 1, count)
    rows = rng.permutation(batches)[:count] if rng.random() < 0.5 else np.arange(count)
    both = rng.random() < 0.5 or bool((rows != np.arange(count)).any())
    expected = data.copy()
    for i, (row, start) in enumerate(zip(rows, at, strict=True)):
        expected[row, :, start : start + written] = updates[i]
    return (data, np.stack([rows, at], -1) if both else at.astype(np.int32), updates, -2), expected


def embedding_backward(rng: np.random.Generator, dtype: str) -> Made:
    rows, width = (int(n) for n in rng.integers(2, 6, 2))
    at = rng.integers(0, rows, [int(n) for n in rng.integers(1, 5, 2)])
    grad = random(rng, (*at.shape, width), dtype, 0, 2)
    padding, scaled = int(rng.integers(0, rows)), bool(rng.random() < 0.5)
    expected = np.zeros((rows, width))
    np.add.at(expected, at, wide(grad))
    expected[padding] = 0
    if scaled:
        expected /= np.maximum(np.bincount(at.reshape(-1), minlength=rows), 1)[:, None]
    return (grad, at.astype(np.int32), rows, padding, scaled), expected.astype(grad.dtype)


def unfold_grad(rng: np.random.Generator, dtype: str) -> Made:
    shape = [int(n) for n in rng.integers(2, 7, rng.integers(1, 4))]
    axis = int(rng.integers(max(len(shape) - 2, 0), len(shape)))
    size, step = int(rng.integers(1, shape[axis] + 1)), int(rng.integers(1, 4))
    windows = (shape[axis] - size) // step + 1
    grad = random(rng, [windows if i == axis else n for i, n in enumerate(shape)] + [size], dtype, 0, 2)
    total = np.zeros([shape[axis], *shape[:axis], *shape[axis + 1 :]])
    for w in range(windows):
        for k in range(size):
            total[w * step + k] += np.moveaxis(wide(grad), axis, 0)[w][..., k]
    return (grad, shape, axis, size, step), np.moveaxis(total, 0, axis).astype(grad.dtype)


CASES = [
    MoveCase("aclnnIndex", index, NUMBERS),
    MoveCase("aclnnIndex", index_mask, NUMBERS, label="-masks"),
    MoveCase("aclnnIndexPutImpl", index_put, NUMBERS, inplace=True, ulps=6, absolute=1e-6),
    MoveCase("aclnnInplaceMaskedScatter", masked_scatter, NUMBERS, inplace=True),
    MoveCase("aclnnMaskedSelect", masked_select, NUMBERS, finds=True),
    MoveCase("aclnnNonzero", nonzero(False), NUMBERS, finds=True),
    MoveCase("aclnnNonzeroV2", nonzero(True), f"{NUMBERS} {UNSIGNED}", finds=True),
    MoveCase("aclnnRepeatInterleave", interleave, f"{FLOATS} {INTEGERS} bool"),
    MoveCase("aclnnRepeatInterleaveWithDim", interleave_dim, f"{FLOATS} {INTEGERS} bool"),
    MoveCase("aclnnRepeatInterleaveTensor", interleave_tensor, "int32 int64"),
    MoveCase("aclnnOneHot", one_hot, "float16 float32 int32 int64"),
    MoveCase("aclnnInplaceScatterUpdate", cache_update, f"{FLOATS} int8 int32", inplace=True),
    MoveCase("aclnnEmbeddingDenseBackward", embedding_backward, FLOATS, ulps=6, absolute=1e-6),
    MoveCase("aclnnUnfoldGrad", unfold_grad, FLOATS, ulps=6, absolute=1e-6),
]


@parametrize(CASES)
def test_lists(case: MoveCase) -> None:
    check(case, examples=2)


LISTED = f"{FLOATS} int8 int16 int32 uint8 uint16 uint32"


@covers("aclnnScatterList", LISTED)
@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize("dtype", LISTED.split())
def test_lists_of_caches_take_a_slice_each(dtype: str, pairs: bool) -> None:
    """A row of a two-dimensional indice is an offset and a length."""
    rng = np.random.default_rng(7)
    caches = [random(rng, (2, 5, 3), dtype) for _ in range(3)]
    updates, at = random(rng, (3, 2, 2, 3), dtype), np.array([[3, 1], [0, 2], [1, 2]])
    taken = at[:, 1] if pairs else np.full(3, 2)
    device = [layout(rng, cache) for cache in caches]
    mask = np.array([1, 0, 1], np.uint8)
    where = ao.asarray(at if pairs else at[:, 0].copy())
    ao.ops.scatter_list(device, where, layout(rng, updates), ao.asarray(mask), "update", -2)
    for i, cache in enumerate(caches):
        if mask[i]:
            cache[:, at[i, 0] : at[i, 0] + taken[i]] = updates[i][:, : taken[i]]
        assert device[i].numpy().tobytes() == cache.tobytes()


def zeros(*shape: int) -> ao.Tensor:
    return ao.zeros(shape, ao.float32)


def flags(*shape: int) -> ao.Tensor:
    return ao.zeros(shape, ao.bool_)


def numbers(*shape: int) -> ao.Tensor:
    return ao.zeros(shape, ao.int64)


REFUSALS: list[tuple[str, Callable[[], tuple[Any, ...]], tuple[int, ...], str]] = [
    ("index", lambda: (zeros(2, 3), [numbers(2), numbers(3)]), (2,), "broadcast"),
    ("index", lambda: (zeros(2, 3), [flags(3)]), (2, 3), "indices\\[0\\] is a mask"),
    ("index", lambda: (zeros(2), [numbers(2), numbers(2)]), (2,), "more axes"),
    ("index", lambda: (zeros(2, 3), [numbers(4)]), (2, 3), "out"),
    ("masked_select", lambda: (zeros(2, 3), flags(3)), (3,), "out"),
    ("nonzero", lambda: (zeros(2, 3),), (6, 3), "data type of out"),
    ("repeat_interleave", lambda: (zeros(2, 3), numbers(4), 4), (4,), "repeats has 4"),
    ("repeat_interleave_with_dim", lambda: (zeros(), numbers(1), 0, 1), (1,), "self .* has 0 dim"),
    ("repeat_interleave_int_with_dim", lambda: (zeros(), 2, 0, 2), (2,), "self .* has 0 dim"),
    ("embedding_dense_backward", lambda: (zeros(2, 3), numbers(3), 4, 0, False), (4, 3), "grad"),
    ("unfold_grad", lambda: (zeros(2, 3), [4], 0, 5, 1), (4,), "size 5"),
]


@pytest.mark.parametrize(("name", "arguments", "shape", "text"), REFUSALS)
def test_refusals(
    name: str, arguments: Callable[[], tuple[Any, ...]], shape: tuple[int, ...], text: str
) -> None:
    outputs = {"unfold_grad": "gradIn"}
    with pytest.raises(ao.AclError, match=text) as refused:
        getattr(ao.ops, name)(*arguments(), **{outputs.get(name, "out"): zeros(*shape)})
    assert refused.value.code == 161002


def test_repeated_places_have_the_type_of_the_counts() -> None:
    with pytest.raises(ao.AclError, match="out has data type ACL_INT64, repeats has ACL_INT32") as refused:
        ao.ops.repeat_interleave_tensor(ao.zeros((1,), ao.int32), 0, out=numbers(0))
    assert refused.value.code == 161002


@covers("aclnnNonzero aclnnNonzeroV2", "float32")
def test_places_need_as_much_room_as_there_are() -> None:
    x = ao.asarray(np.array([[0, 1, 0], [2, 0, 3]], np.float32))
    rows = ao.ops.nonzero(x, out=numbers(3, 2))
    np.testing.assert_array_equal(rows.numpy(), [[0, 1], [1, 0], [1, 2]])
    np.testing.assert_array_equal(ao.ops.nonzero_v2(x, out=numbers(2, 3)).numpy(), rows.numpy().T)
    fails_on_device(lambda: ao.ops.nonzero(x, out=numbers(2, 2)), "room for 2")


def test_masks_that_choose_another_number_than_the_output_has() -> None:
    x, mask = zeros(3), ao.asarray(np.ones(3, bool))
    fails_on_device(lambda: ao.ops.index(x, [mask], out=zeros(1)), "does not fit")
