"""What prepares weights and scales of matrix products: FRACTAL_NZ and its size, packed scales."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, SupportsIndex

import numpy as np

from ascend_ops import _host, dtypes, formats
from ascend_ops._cann import weights
from ascend_ops._cann.enums import Format
from ascend_ops._layout import Layout, checked_shape
from ascend_ops.dispatch import Operator
from ascend_ops.dtypes import Array
from ascend_ops.ops._inputs import outputs, required, tensor
from ascend_ops.prepared import preparable
from ascend_ops.runtime import current_stream, memory, transfer
from ascend_ops.tensor import Tensor, empty

if TYPE_CHECKING:
    import numpy.typing as npt

    from ascend_ops.ops._inputs import TensorLike

_TRANS_WEIGHT = Operator("aclnnTransMatmulWeight", ("x2",))
_TRANS_QUANT_PARAM = Operator("aclnnTransQuantParamV2")


def trans_matmul_weight(x2: TensorLike) -> Tensor:
    """The weight of a matrix product in FRACTAL_NZ, as a new tensor. Queued on the current stream.

    x2       int8, float16 or bfloat16, [..., R, C], 2 to 6 axes; a Tensor in ND with any strides or an
             array-like
    returns  same shape and dtype; its storage is [..., ceil(C / C0), ceil(R / 16), 16, C0] with C0 = 32 for
             int8 and 16 for the others, element (r, c) at [c // C0, r // 16, r % 16, c % C0], zeros past the
             matrix

    For a weight that is used transposed convert the [n, k] tensor and pass the result's .T. (In C, phase one
    already turns the caller's descriptor into FRACTAL_NZ, and the tensor must have room for the padding; here
    both are looked after.) `asarray(x, format="FRACTAL_NZ")` gives the same tensor, converted on the host.

    Raises TypeError or ValueError, naming the argument, for what cannot become a tensor of CANN and for a
    tensor that is not in a base format; ParameterError (161002) for other dtypes and numbers of axes.

    Source: CANN operator document aclnnTransMatmulWeight.
    """
    given = required("x2", tensor("x2", x2))
    if not formats.is_base(given.format):
        raise ValueError(f"x2: {given!r} is in {given.format.name} already; give a tensor in ND")
    try:
        storage = formats.storage_shape(given.shape, given.dtype, Format.FRACTAL_NZ)
    except ValueError as error:
        raise ValueError(f"x2: {error}") from None
    plain = _roomy_copy(given, storage)
    _TRANS_WEIGHT.launch((plain,))
    return Tensor(plain.block, Layout.contiguous(given.shape), given.dtype, Format.FRACTAL_NZ, storage)


def _roomy_copy(x: Tensor, storage: Sequence[int]) -> Tensor:
    """A copy of the piece of memory that holds the elements, with room for the storage."""
    stream, layout, bits = current_stream(), x._layout, x.dtype.bits
    if x.block.device_index != stream.device_index:
        raise ValueError(
            f"x2 is on device {x.block.device_index}, but the call is queued on {stream!r}; "
            "an operator's tensors and its stream must be of one device"
        )
    count = layout.stop - layout.offset
    block = memory.allocate(x.dtype.nbytes(max(count, math.prod(storage))), stream)
    transfer.copy(block, x.block, layout.offset * bits // 8, x.dtype.nbytes(count), stream)
    return Tensor(block, Layout(layout.shape, layout.strides, 0), x.dtype, x.format)


def calculate_matmul_weight_size(shape: SupportsIndex | Sequence[SupportsIndex], dtype: object) -> int:
    """Elements (not bytes) of a weight of `shape` in FRACTAL_NZ, padding included. Runs on the host.

    shape    [..., R, C], 2 to 6 lengths, none 0
    dtype    of the weight: float16 or bfloat16 with C0 = 16; any other counts as int8, C0 = 32
    returns  product of the leading lengths * R rounded up to a multiple of 16 * C rounded up to one of C0

    [k, n] and [n, k] may need different sizes: ask for the shape that is converted.

    Raises TypeError, ValueError or OverflowError, naming the argument, for what is no shape or dtype;
    ParameterError (161002) for another number of axes and lengths of 0; AclError (361001) on products without
    FRACTAL_NZ weights. Source: CANN operator document aclnnCalculateMatmulWeightSizeV2.
    """
    return weights.matmul_weight_size(checked_shape(shape), dtypes.dtype(dtype).code)


def trans_quant_param(scale: npt.ArrayLike, offset: npt.ArrayLike | None = None) -> Array:
    """Packs float32 scales into what matrix products take as dequant_scale. Runs on the host.

    scale    float32 array-like, at least one element
    offset   float32, as many elements; for products with an int8 result
    returns  uint64, the shape of scale: the bits of scale | 2**46, and round(offset), limited to -256 .. 255,
             in bits 45..37 (halves away from zero)

    The matrix unit reads bits 31..13 of a scale: 1.1 acts as 1.099609375. All 32 are kept here;
    `trans_quant_param_v2` clears those below. (In C the caller frees the result, which is padded with zeros
    to a multiple of 16 elements; here it is as long as scale.)

    Raises TypeError or ValueError, naming the argument, for what is no array of numbers and for lengths that
    differ; ParameterError (161002) without elements. Source: CANN operator document aclnnTransQuantParam.
    """
    scales = _floats("scale", scale)
    offsets = None if offset is None else _floats("offset", offset)
    if offsets is not None and offsets.size != scales.size:
        raise ValueError(
            f"offset has {offsets.size} elements and scale {scales.size}; give one offset per scale"
        )
    packed = weights.trans_quant_param(scales.tobytes(), None if offsets is None else offsets.tobytes())
    return np.frombuffer(packed, np.uint64)[: scales.size].reshape(scales.shape).copy()


def _floats(name: str, value: npt.ArrayLike) -> Array:
    if value is None:
        raise TypeError(f"{name} is None; give an array of float32")
    host, element = _host.array(value, None if hasattr(value, "dtype") else dtypes.float32, name)
    if element is not dtypes.float32:
        raise TypeError(f"{name}: {element} elements; they must be float32")
    return host


@preparable
def trans_quant_param_v2(
    scale: TensorLike, offset: TensorLike | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Packs float32 scales into what matrix products take as dequant_scale. Queued on the current stream.

    scale    float32, [n] or [1, n]
    offset   float32, [n], [1, n] or [1]; for products with an int8 result
    out      uint64 or int64 tensor to write instead of a new one
    returns  uint64, [n] or [1, n]: (bits of scale & 0xFFFFE000) | 2**46, and round(offset), half to even,
             limited to -256 .. 255, in bits 45..37

    The scale that acts has the top 10 bits of the mantissa, the rest is cut off: 1.1 becomes 1.099609375.

    Raises TypeError, ValueError or OverflowError, naming the argument, for what cannot become a tensor of
    CANN, for closed tensors and tensors of another device; ParameterError (161002) for other dtypes and
    shapes. Source: CANN operator document aclnnTransQuantParamV2.
    """
    scales = tensor("scale", scale, dtypes.float32)
    offsets = tensor("offset", offset, dtypes.float32)
    if out is None:
        shapes = [each.shape for each in (required("scale", scales), offsets) if each is not None]
        packed: Tensor | None = empty(max(shapes, key=math.prod), dtypes.uint64)
    else:
        (packed,) = outputs((out,), ("out",))
    _TRANS_QUANT_PARAM.launch((scales, offsets, packed))
    assert packed is not None  # the library refuses NULL
    return packed
