"""The tensor class: shape, dtype, strides and format over a block of device memory, and zero-copy views."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, SupportsIndex

from ascend_ops import _elements, _host, dtypes, formats
from ascend_ops._cann import carguments, nn
from ascend_ops._cann.enums import DataType, Format
from ascend_ops._layout import Layout, Shape, checked_shape, integers
from ascend_ops.dtypes import Array, DType
from ascend_ops.runtime.device import Device, known
from ascend_ops.runtime.memory import Block
from ascend_ops.runtime.stream import current_stream

if TYPE_CHECKING:  # numpy.typing is dear to import
    import numpy.typing as npt

ALIGNMENT_BITS = 32 * 8  # aclCreateTensor wants storage addresses that are multiples of 32 bytes


class Descriptor(NamedTuple):
    """The arguments of `_cann.nn.create_tensor` in its order. Counts are elements, not bytes."""

    shape: Shape
    dtype: DataType
    strides: Shape
    offset: int
    format: Format
    storage_shape: Shape
    address: int


@functools.lru_cache(maxsize=4096)
def _span(layout: Layout, bits: int) -> tuple[int, int, int]:
    """The smallest piece of storage that holds a view and starts aligned: its first element, the view's
    offset in it, its number of elements.
    """
    if layout.size == 0:
        return 0, 0, 0
    inner = layout.offset % (math.lcm(ALIGNMENT_BITS, bits) // bits)
    start = layout.offset - inner
    return start, inner, layout.stop - start


class Tensor:
    """An array in device memory. Made by `asarray`, `empty`, `zeros`, `from_pointer` and by operators.

    Attributes: `shape`; `dtype`; `strides` and `offset`, counted in elements of the storage that starts at
    `address`; `format` (ND unless said otherwise).

    Views share the memory: changing one changes the others. Memory lives as long as one of its tensors, and
    as the work queued on them. A tensor may be used on any thread; on a stream other than the one it was made
    on, its first use waits for its upload, later ordering between streams is up to `Stream.wait`.
    """

    __slots__ = ("__weakref__", "_block", "_layout", "_making", "_storage_shape", "dtype", "format")

    def __init__(
        self,
        block: Block,
        layout: Layout,
        dtype: DType,
        format: Format = Format.ND,
        storage: Shape | None = None,
        making: nn.Making | None = None,
    ) -> None:
        self._block: Block | None = block
        self._layout = layout
        self.dtype = dtype
        self.format = format
        self._storage_shape = storage  # of private formats only
        self._making = making

    @property
    def shape(self) -> Shape:
        """Lengths of the axes."""
        return self._layout.shape

    @property
    def strides(self) -> Shape:
        """Elements between neighbours along each axis."""
        return self._layout.strides

    @property
    def offset(self) -> int:
        """Elements between the start of the storage and the first element."""
        return self._layout.offset

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return self._layout.size

    @property
    def nbytes(self) -> int:
        """Bytes that the elements take without gaps, sub-byte elements packed."""
        return self.dtype.nbytes(self.size)

    @property
    def contiguous(self) -> bool:
        """Whether the elements lie in C order without gaps."""
        return formats.is_base(self.format) and self._layout.is_contiguous

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._block is None

    @property
    def block(self) -> Block:
        """The memory, on which `use_on` is called before work is queued; ValueError when closed."""
        if self._block is None:
            raise ValueError(f"{self!r} was closed and has no memory any more")
        return self._block

    @property
    def address(self) -> int:
        """Device address of the storage (the first element is at `offset`); 0 when it holds no bytes."""
        return self.block.address

    @property
    def device(self) -> Device:
        """Where the memory is."""
        return known(self.block.device_index)

    def close(self) -> None:
        """Gives up this tensor's claim on the memory now; queued work and views are not disturbed."""
        self._block = self._making = None

    def _made(self) -> nn.Making:
        """How its descriptor is made: aclCreateTensor with all arguments but the address, and that."""
        if self._making is None:
            *geometry, address = self._descriptor()
            block = self.block
            argument = block.argument if address == block.address else carguments.pointer(address)
            self._making = nn.tensor_maker(*geometry), argument
        return self._making

    def _descriptor(self) -> Descriptor:
        """What aclCreateTensor is told: the smallest piece of storage that holds the view."""
        layout, code, bits, address = self._layout, self.dtype.code, self.dtype.bits, self.block.address
        shape, strides, offset = layout.shape, layout.strides, layout.offset
        if self._storage_shape is not None:
            return Descriptor(shape, code, strides, offset, self.format, self._storage_shape, address)
        start, inner, span = _span(layout, bits)
        return Descriptor(shape, code, strides, inner, self.format, (span,), address + start * bits // 8)

    # Views

    def _view(self, layout: Layout, dtype: DType | None = None) -> Tensor:
        if self._storage_shape is not None:
            raise ValueError(
                f"{self!r}: tensors of a private format have no such view; convert the format first"
            )
        return Tensor(self.block, layout, dtype or self.dtype, self.format)

    def _found(self, shape: Shape) -> Tensor:
        """The first part, of the shape that an operator found: without gaps in a tensor without gaps."""
        return self if shape == self.shape else self._view(self._layout.found(shape))

    def __getitem__(self, key: Any) -> Tensor:
        """A view: integers, slices with positive steps, `...`, None. TypeError for lists, arrays, masks."""
        return self._view(self._layout.index(key))

    def transpose(self, *axes: SupportsIndex | Sequence[SupportsIndex]) -> Tensor:
        """A view with permuted axes, all reversed by default: `transpose(1, 0)` or `transpose((1, 0))`."""
        layout = self._layout.transpose(_flat(axes, "axes"), tiled=self._storage_shape is not None)
        return Tensor(self.block, layout, self.dtype, self.format, self._storage_shape)

    @property
    def T(self) -> Tensor:  # noqa: N802 - NumPy's name
        """The view with all axes reversed."""
        return self.transpose()

    def reshape(self, *shape: SupportsIndex | Sequence[SupportsIndex]) -> Tensor:
        """A view with another shape, one axis may be -1. ValueError where NumPy would copy."""
        return self._view(self._layout.reshape(_flat(shape, "shape")))

    def broadcast_to(self, shape: SupportsIndex | Sequence[SupportsIndex]) -> Tensor:
        """A view that repeats axes of length 1; for reading only."""
        return self._view(self._layout.broadcast_to(checked_shape(shape)))

    def view(self, dtype: object) -> Tensor:
        """The same bytes as elements of another type, for instance an int32 container as int4.

        The last axis, which must have stride 1, grows or shrinks. ValueError where the widths do not fit.
        """
        target = dtypes.dtype(dtype)
        return self._view(self._layout.rescale(self.dtype.bits, target.bits), target)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    # Host side

    def numpy(self) -> Array:
        """A new C-ordered host array. Waits for the streams that use the tensor. FRACTAL_NZ is undone.

        AclError when work on them failed, TypeError for a dtype without a host form, ValueError for another
        private format or a closed tensor.
        """
        if self._storage_shape is None:
            return _elements.read(self.block, self._layout, self.dtype)
        if self.format != Format.FRACTAL_NZ:
            self._need_base_format("numpy")
        return _elements.read_tiles(self.block, self._layout, self.dtype, self._storage_shape)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        if copy is False:
            raise ValueError("copy: False is impossible, the elements are in device memory; use copy=None")
        array = self.numpy()
        return array if dtype is None else array.astype(dtype, copy=False)

    def item(self) -> Any:
        """The only element as a Python number; ValueError when there are more or none."""
        if self.size != 1:
            raise ValueError(f"{self!r} has {self.size} elements; item() needs exactly one")
        return _host.python_number(self.numpy())

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{self!r} is in device memory and cannot be copied or pickled; send .numpy() instead"
        )

    def __bool__(self) -> bool:
        return bool(self.item())

    def copy_from(self, array: npt.ArrayLike) -> None:
        """Overwrites the elements with a host array, broadcast to the shape and converted as by `astype`.

        Queued on the current stream; the array may be changed afterwards. A large array, and a view with gaps
        or part of a byte, waits for the streams that use the tensor. ValueError for a broadcast view.
        """
        self._need_base_format("copy_from")
        if self._layout.overlaps:
            raise ValueError(
                f"{self!r} has several positions in one element (a broadcast view?); copy_from needs one each"
            )
        block = self.block
        host = _host.fitting(array, self.shape, self.dtype, "array")
        _elements.write(block, self._layout, self.dtype, host, current_stream())

    def _need_base_format(self, action: str) -> None:
        if self._storage_shape is not None:
            raise ValueError(
                f"{self!r}: {action} works on base formats; asarray(array, format='FRACTAL_NZ') makes a new "
                "tensor, operators convert the other private formats"
            )

    def __repr__(self) -> str:
        where = "closed" if self._block is None else f"device {self._block.device_index}"
        strides = "" if self._layout.is_contiguous else f", strides {self.strides}"
        form = "" if self.format == Format.ND else f", {self.format.name}"
        return f"<Tensor {self.dtype} {self.shape}{strides}{form}, {where}>"


def _flat(values: tuple[Any, ...], argument: str) -> Shape:
    return integers(values[0] if len(values) == 1 else values, argument)
