"""Making tensors: uninitialised, zeroed, from host arrays, over foreign memory."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, SupportsIndex

from ascend_ops import _elements, _host, dtypes, formats
from ascend_ops._cann import libraries, nn
from ascend_ops._cann.enums import Format
from ascend_ops._layout import Layout, Shape, checked_shape, contiguous_strides, integers
from ascend_ops._tensor import Tensor
from ascend_ops.dtypes import DType
from ascend_ops.runtime import memory, transfer
from ascend_ops.runtime.device import ensure_current
from ascend_ops.runtime.stream import current_stream

if TYPE_CHECKING:  # numpy.typing is dear to import
    import numpy.typing as npt


def _storage_bytes(shape: Shape, dtype: DType) -> int:
    size = math.prod(shape)
    # For the limit, lengths of 0 count as 1, as they do for NumPy: strides must fit into 64 bits too.
    if dtype.nbytes(size or math.prod(n for n in shape if n)) >= 2**63:
        raise ValueError(f"shape: {shape} of {dtype} is too large; no device can address 2**63 bytes")
    return dtype.nbytes(size)


def empty(
    shape: SupportsIndex | Sequence[SupportsIndex], dtype: object, format: object = Format.ND
) -> Tensor:
    """A tensor with undefined contents, its memory ordered with the current stream.

    `format` FRACTAL_NZ allocates the tiled storage of a matrix of `shape`. TypeError or ValueError for bad
    arguments, OutOfMemoryError when the device is full.
    """
    lengths, element, form = checked_shape(shape), dtypes.dtype(dtype), formats.format(format)
    if form is Format.ND:
        return new(lengths, element)
    stream, plan = current_stream(), _plan(lengths, element, form)
    block = memory.allocate(plan.nbytes, stream)
    return Tensor(block, plan.layout, element, form, plan.storage, (plan.maker, block.argument))


def new(shape: Shape, dtype: DType) -> Tensor:
    """As `empty`, for arguments that are known to be right."""
    stream, plan = current_stream(), _plans.get((shape, dtype.name)) or _kept_plan(shape, dtype)
    block = memory.allocate(plan.nbytes, stream)
    return Tensor(block, plan.layout, dtype, Format.ND, None, (plan.maker, block.argument))


class _Plan(NamedTuple):
    """What a new tensor needs to know besides its memory."""

    layout: Layout
    storage: Shape | None
    nbytes: int
    maker: nn.TensorMaker


def _plan(shape: Shape, dtype: DType, form: Format) -> _Plan:
    storage = None if formats.is_base(form) else formats.storage_shape(shape, dtype, form)
    layout = Layout.contiguous(shape)
    nbytes = _storage_bytes(shape if storage is None else storage, dtype)
    maker = nn.tensor_maker(shape, dtype.code, layout.strides, 0, form, storage or (layout.size,))
    return _Plan(layout, storage, nbytes, maker)


# Programs make the same few tensors over and over. By name: hashing a DType would cost more than the rest.
_plans: dict[tuple[Shape, str], _Plan] = {}
_MOST_PLANS: Final = 4096


def _kept_plan(shape: Shape, dtype: DType) -> _Plan:
    if len(_plans) >= _MOST_PLANS:
        _plans.clear()
    return _plans.setdefault((shape, dtype.name), _plan(shape, dtype, Format.ND))


libraries.on_close(_plans.clear)


def zeros(
    shape: SupportsIndex | Sequence[SupportsIndex], dtype: object, format: object = Format.ND
) -> Tensor:
    """A tensor of zero bytes, set on the current stream. Arguments and errors as `empty`."""
    made = empty(shape, dtype, format)
    transfer.clear(made.block, current_stream())
    return made


def asarray(x: npt.ArrayLike | Tensor, dtype: object = None, format: object = None) -> Tensor:
    """Copies an array-like to the current device, on the current stream.

    `dtype` defaults to NumPy's for `x` and converts as by `astype`. Sub-byte elements are packed. `format`
    defaults to ND; for FRACTAL_NZ the host lays out the tiles of the matrix `x`. `x` may be changed as soon
    as the call returns. A Tensor of that dtype and format is returned as it is. TypeError for dtypes that
    CANN does not have (object, str, datetime64 ...), ValueError for other private formats.
    """
    form = None if format is None else formats.format(format)
    if isinstance(x, Tensor):
        return _same(x, dtype, form)
    host, element = _host.array(x, None if dtype is None else dtypes.dtype(dtype), "x")
    stream = current_stream()
    made = new(host.shape, element) if form is None else empty(host.shape, element, form)
    elements = formats.to_nz(host) if form is Format.FRACTAL_NZ else host
    _elements.fill(made.block, elements, element, stream)
    return made


def _same(x: Tensor, dtype: object, form: Format | None) -> Tensor:
    if dtype is not None and dtypes.dtype(dtype) is not x.dtype:
        raise ValueError(f"dtype: {x!r} is not converted to {dtypes.dtype(dtype)} here; call a cast operator")
    if form is not None and form is not x.format:
        raise ValueError(
            f"format: {x!r} is not converted to {form.name} here; call a converting operator "
            "(ops.trans_matmul_weight makes FRACTAL_NZ)"
        )
    x.block  # noqa: B018 - refuses a closed tensor
    return x


def from_pointer(
    address: int,
    shape: SupportsIndex | Sequence[SupportsIndex],
    dtype: object,
    strides: Sequence[int] | None = None,
    owner: object = None,
    format: object = Format.ND,
    storage_shape: Sequence[int] | None = None,
) -> Tensor:
    """A tensor over device memory of somebody else, on the current device.

    `strides` count elements (default: C order). `owner` is kept alive until the work queued on the tensor has
    passed; without one the caller keeps the memory alive. `storage_shape` is for private formats; that of
    FRACTAL_NZ follows from shape and strides: a transposed matrix has the storage it had before.
    """
    lengths, element, form = checked_shape(shape), dtypes.dtype(dtype), formats.format(format)
    steps = contiguous_strides(lengths) if strides is None else _checked_strides(strides, lengths)
    layout = Layout.of(lengths, steps, 0) if formats.is_base(form) else Layout(lengths, steps, 0)
    storage = _foreign_storage(layout, element, form, storage_shape)
    nbytes = _storage_bytes((layout.stop,) if storage is None else storage, element)
    block = memory.borrow(_checked_address(address, nbytes), nbytes, ensure_current(), owner)
    return Tensor(block, layout, element, form, storage)


def _foreign_storage(layout: Layout, dtype: DType, form: Format, given: Sequence[int] | None) -> Shape | None:
    if formats.is_base(form):
        if given is not None:
            raise ValueError(f"storage_shape: {tuple(given)} is for private formats, not for {form.name}")
        return None
    if given is not None:
        return checked_shape(given, "storage_shape")
    return formats.storage_shape([layout.shape[axis] for axis in layout.outermost_first], dtype, form)


def _checked_strides(strides: Sequence[int], shape: Shape) -> Shape:
    steps = integers(strides, "strides")
    if len(steps) != len(shape) or min(steps, default=0) < 0:
        raise ValueError(f"strides: {steps}; give one per axis of the shape {shape}, none negative")
    return steps


def _checked_address(address: int, nbytes: int) -> int:
    try:
        address = operator.index(address)
    except TypeError:
        raise TypeError(f"address: expected an integer, got {type(address).__name__}") from None
    if not 0 <= address <= 2**64 - nbytes or (nbytes and not address):
        raise ValueError(f"address: {address:#x} is not the address of {nbytes} bytes of device memory")
    return address
