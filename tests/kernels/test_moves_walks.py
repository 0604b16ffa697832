"""Operands that lie across each other: the walk goes tile by tile, on all cores."""

from __future__ import annotations

import numpy as np
import pytest
from kernels.arrays import covers, host_dtype

import ascend_ops as ao


@covers("aclnnAdd", "float32 float16 int8 float64 complex128")
@pytest.mark.parametrize("dtype", ["float32", "float16", "int8", "float64", "complex128"])
def test_transposed_operands_in_tiles(dtype: str) -> None:
    x = (np.arange(3 * 67 * 1100) % 41).reshape(3, 67, 1100).astype(host_dtype(dtype))
    y = (np.arange(3 * 67 * 1100) % 23).reshape(1100, 67, 3).astype(host_dtype(dtype))
    wanted = x + y.transpose(2, 1, 0)
    across = ao.asarray(y).transpose(2, 1, 0)
    np.testing.assert_array_equal(ao.ops.add(ao.asarray(x), across, 1).numpy(), wanted)
    out = ao.zeros(y.shape, getattr(ao, dtype)).transpose(2, 1, 0)
    np.testing.assert_array_equal(ao.ops.add(ao.asarray(x), across, 1, out=out).numpy(), wanted)


@covers("aclnnInplaceAdd", "float32")
def test_a_transposed_target_in_tiles() -> None:
    x = np.arange(130 * 600, dtype=np.float32).reshape(130, 600)
    target = ao.asarray(np.ones((600, 130), np.float32)).transpose(1, 0)
    ao.ops.inplace_add(target, ao.asarray(x), 1)
    np.testing.assert_array_equal(target.numpy(), x + 1)


@covers("aclnnInplaceCopy", "float32 float16")
def test_transposed_copies_with_conversion_in_tiles() -> None:
    x = (np.arange(130 * 600) % 2048).astype(np.float32).reshape(130, 600)
    out = ao.zeros((600, 130), ao.float16)
    ao.ops.inplace_copy(out, ao.asarray(x).transpose(1, 0))
    np.testing.assert_array_equal(out.numpy(), x.T.astype(np.float16))
