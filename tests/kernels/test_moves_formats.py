"""Conversions between ND and FRACTAL_NZ."""

from __future__ import annotations

import numpy as np
import pytest
from kernels.arrays import FLOATS, Array, covers, layout, random

import ascend_ops as ao

CASTABLE = f"{FLOATS} int8 uint8 int32 uint32"


def tiles(x: Array) -> Array:
    """[.., R, C] as [.., C / c0, R / 16, 16, c0], padded with zeros; c0 elements have 32 bytes."""
    c0 = 32 // x.dtype.itemsize
    *lead, rows, columns = x.shape
    padded = np.zeros((*lead, -(-rows // 16) * 16, -(-columns // c0) * c0), x.dtype)
    padded[..., :rows, :columns] = x
    split = padded.reshape(*lead, padded.shape[-2] // 16, 16, padded.shape[-1] // c0, c0)
    return np.moveaxis(split, -2, len(lead))


@covers("aclnnNpuFormatCast", CASTABLE)
@pytest.mark.parametrize("dtype", CASTABLE.split())
@pytest.mark.parametrize("shape", [(1, 1), (2, 33, 70), (16, 32)])
def test_matrices_become_tiles_and_come_back(dtype: str, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(3)
    x = random(rng, shape, dtype)
    made = ao.empty(shape, getattr(ao, dtype), ao.Format.FRACTAL_NZ)
    ao.ops.npu_format_cast(layout(rng, x), out=made)
    storage = tiles(x)
    raw = ao.from_pointer(made.address, storage.shape, made.dtype, owner=made)
    ao.current_stream().synchronize()
    assert raw.numpy().tobytes() == storage.tobytes()
    back = ao.zeros(shape, getattr(ao, dtype))
    ao.ops.npu_format_cast(made, out=back)
    assert back.numpy().tobytes() == x.tobytes()


def test_other_formats_are_refused_by_name() -> None:
    x = ao.zeros((16, 16), ao.float16)
    with pytest.raises(ao.AclError, match="no kernel for format 2 to 2") as refused:
        ao.ops.npu_format_cast(x, out=ao.zeros((16, 16), ao.float16))
    assert refused.value.code == 561003
    with pytest.raises(ao.AclError, match="data type of srcTensor") as refused:
        ao.ops.npu_format_cast(ao.zeros((16, 16), ao.int64), out=ao.zeros((16, 16), ao.int64))
    assert refused.value.code == 161002


def packed_bytes(weight: Array) -> Array:
    """Two numbers of four bits in a byte, the first one low."""
    return ((weight[..., ::2] & 15) | (weight[..., 1::2] & 15) << 4).astype(np.uint8)


@covers("aclnnConvertWeightToINT4Pack", "int32")
@pytest.mark.parametrize("shape", [(3, 8), (2, 17, 72)])
def test_numbers_of_four_bits_are_packed(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(4)
    weight = rng.integers(-8, 8, shape).astype(np.int32)
    wanted = packed_bytes(weight)
    out = ao.zeros((*shape[:-1], shape[-1] // 8), ao.int32)
    ao.ops.convert_weight_to_int4_pack(layout(rng, weight), out=out)
    assert out.numpy().tobytes() == wanted.tobytes()
    tiled = ao.empty(out.shape, ao.int32, ao.Format.FRACTAL_NZ)
    ao.ops.convert_weight_to_int4_pack(layout(rng, weight), out=tiled)
    storage = tiles(wanted)
    raw = ao.from_pointer(tiled.address, storage.shape, ao.uint8, owner=tiled)
    ao.current_stream().synchronize()
    assert raw.numpy().tobytes() == storage.tobytes()


def test_weights_that_do_not_pack_are_refused() -> None:
    with pytest.raises(ao.AclError, match="multiple of 8") as refused:
        ao.ops.convert_weight_to_int4_pack(ao.zeros((2, 12), ao.int32), out=ao.zeros((2, 1), ao.int32))
    assert refused.value.code == 161002
