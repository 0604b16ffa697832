"""Elements and slices, each once. Outputs have room for all; what is found comes first, which is what the
call returns, and the rest of the memory stays as it is, as the documents of aclnnUnique2 have it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import REALS, Array, assert_close, covers, host_dtype, layout, random

import ascend_ops as ao

ALL = f"{REALS} int8 uint8 int16 uint16 int32 uint32 int64 uint64 bool"
dtypes = pytest.mark.parametrize("dtype", ALL.split())


def full(shape: tuple[int, ...], dtype: str) -> ao.Tensor:
    return ao.asarray(np.ones(shape).astype(host_dtype(dtype)))


def assert_starts(tensor: ao.Tensor, found: ao.Tensor, expected: Array) -> None:
    """The expected elements, which are what was found, and then the ones that were there before."""
    assert found.address == tensor.address
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found.numpy().astype(np.float64), expected.astype(np.float64))
    values = tensor.numpy().astype(np.float64).reshape(-1)
    np.testing.assert_array_equal(values[: expected.size], expected.reshape(-1).astype(np.float64))
    assert (values[expected.size :] == 1).all()


def drawn(dtype: str, shape: tuple[int, ...]) -> tuple[Array, ao.Tensor]:
    rng = np.random.default_rng(len(dtype) + len(shape))
    host = random(rng, shape, dtype, -2, 2)
    if host_dtype(dtype).kind in "fV":
        host = np.round(host.astype(np.float64)).astype(host.dtype)
    if dtype == "uint64":
        host[0] = np.uint64(2**63)
    return host, layout(rng, host)


@covers("aclnnUnique aclnnUnique2", ALL)
@dtypes
def test_unique_elements_in_order(dtype: str) -> None:
    host, tensor = drawn(dtype, (5, 6))
    found, inverse, counts = np.unique(host.astype(np.float64), return_inverse=True, return_counts=True)
    value, where = full((30,), dtype), full((5, 6), "int64")
    given = ao.ops.unique(tensor, True, True, value_out=value, inverse_out=where)
    assert_starts(value, given[0], found)
    assert_close(where, inverse.reshape(5, 6), "int64")
    outs = full((30,), dtype), full((5, 6), "int64"), full((30,), "int64")
    given = ao.ops.unique2(tensor, True, False, True, out=outs)
    assert_starts(outs[0], given[0], found)
    assert_close(outs[1], inverse.reshape(5, 6), "int64")
    assert_starts(outs[2], given[2], counts)


@covers("aclnnUniqueDim", ALL)
@dtypes
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_unique_slices_in_order(dim: int, dtype: str) -> None:
    host, tensor = drawn(dtype, (3, 4, 2))
    host = np.concatenate([host, host], dim)
    tensor = ao.asarray(host)
    found, inverse, counts = np.unique(
        host.astype(np.float64), return_inverse=True, return_counts=True, axis=dim
    )
    size = host.shape[dim]
    outs = full(host.shape, dtype), full((size,), "int64"), full((size,), "int64")
    given = ao.ops.unique_dim(tensor, True, True, dim, out=outs)
    assert_starts(outs[0], given[0], found)
    assert_close(outs[1], inverse.reshape(-1), "int64")
    assert_starts(outs[2], given[2], counts)


def runs(x: Array, axis: int) -> tuple[Array, Array, Array]:
    """Slices that differ from the one before, the run that each slice is in, and the runs' lengths."""
    lines = np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1)
    starts = np.concatenate([[True], (lines[1:] != lines[:-1]).any(1)])
    inverse = np.cumsum(starts) - 1
    return np.compress(starts, x, axis), inverse, np.bincount(inverse)


@covers("aclnnUniqueConsecutive", ALL)
@dtypes
@pytest.mark.parametrize("dim", [1000, 0, 1])
def test_unique_consecutive(dim: int, dtype: str) -> None:
    host, _ = drawn(dtype, (6, 4))
    host = np.repeat(host, [1, 3, 1, 2, 1, 1], 0)
    flat = host.reshape(-1) if dim == 1000 else host
    found, inverse, counts = runs(flat, 0 if dim == 1000 else dim)
    shape = host.shape if dim == 1000 else (host.shape[dim],)
    outs = full(flat.shape, dtype), full(shape, "int32"), full((flat.size,), "int32")
    given = ao.ops.unique_consecutive(ao.asarray(host), True, True, dim, out=outs)
    assert_starts(outs[0], given[0], found)
    assert_close(outs[1], inverse.reshape(shape), "int32")
    assert_starts(outs[2], given[2], counts)


def test_all_nan_differ_and_zeros_do_not() -> None:
    host = np.array([np.nan, 0.0, 3, -0.0, np.nan], np.float32)
    outs = full((5,), "float32"), full((5,), "int64"), full((5,), "int64")
    ao.ops.unique2(ao.asarray(host), True, True, True, out=outs)
    np.testing.assert_array_equal(outs[0].numpy(), [0, 3, np.nan, np.nan, 1])
    np.testing.assert_array_equal(outs[2].numpy(), [2, 1, 1, 1, 1])


def refusals() -> list[tuple[str, Any]]:
    x, places = full((4,), "float32"), full((4,), "int64")
    return [
        (
            "dim is 1",
            lambda: ao.ops.unique_dim(x, True, True, 1, value_out=x, inverse_out=places, counts_out=places),
        ),
        ("data type of inverseOut", lambda: ao.ops.unique(x, True, True, value_out=x, inverse_out=x)),
        (
            "valueOut has data type",
            lambda: ao.ops.unique(x, True, True, value_out=places, inverse_out=places),
        ),
    ]


@pytest.mark.parametrize("number", range(3))
def test_refusals_name_the_argument(number: int) -> None:
    text, call = refusals()[number]
    with pytest.raises(ao.AscendError, match=text) as refused:
        call()
    assert refused.value.code == 161002
