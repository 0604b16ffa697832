"""Whether tensors share memory: for what an operator must not write while it reads or writes another."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ascend_ops import formats
from ascend_ops.tensor import Tensor


class _Extent:
    """Where the elements of a tensor lie, as NumPy takes it. Nothing is read there."""

    def __init__(self, tensor: Tensor) -> None:
        layout, width = tensor._layout, tensor.dtype.bits // 8
        if width and formats.is_base(tensor.format):
            shape, strides, offset = layout.shape, tuple(width * s for s in layout.strides), layout.offset
        else:  # packed elements and tiles: the bytes from the first to the last
            count = math.prod(tensor._descriptor().storage_shape)
            width, shape, strides, offset = 1, (tensor.dtype.nbytes(count),), (1,), 0
        self.__array_interface__: dict[str, Any] = {
            "version": 3,
            "typestr": f"|V{width}",
            "shape": shape,
            "strides": strides,
            "data": (tensor.address + offset * width, True),
        }


def _bounds(tensor: Tensor) -> tuple[int, int]:
    """Addresses that no element lies outside of."""
    told = tensor._descriptor()
    return told.address, told.address + tensor.dtype.nbytes(math.prod(told.storage_shape))


def share_memory(first: Tensor | None, second: Tensor | None) -> bool:
    """Whether some byte belongs to an element of both. Views with the elements of one between those of the
    other share none. Not for tensors that are refused anyway: closed, or None."""
    if first is None or second is None or first.closed or second.closed:
        return False
    if first.block is not second.block and first.block.stream and second.block.stream:
        return False  # two pieces of the pool, which hands out none that overlap
    if first.block.device_index != second.block.device_index or not first.size or not second.size:
        return False
    (start, stop), (other_start, other_stop) = _bounds(first), _bounds(second)
    if stop <= other_start or other_stop <= start:  # nearly always; what follows is exact, and slow
        return False
    return np.shares_memory(np.asarray(_Extent(first)), np.asarray(_Extent(second)))
