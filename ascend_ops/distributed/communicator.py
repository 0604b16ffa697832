"""A communicator: one rank's end of a group of devices, and the collectives that the group runs together."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, NoReturn

from ascend_ops._cann import hccl
from ascend_ops._cann.errors import AclError
from ascend_ops.distributed import _buffers
from ascend_ops.distributed._buffers import first_byte
from ascend_ops.runtime import _lifetime
from ascend_ops.runtime.device import Device, activated
from ascend_ops.runtime.stream import Stream, current_stream
from ascend_ops.tensor import Tensor

if TYPE_CHECKING:
    from ascend_ops.distributed._buffers import TensorLike

_live: dict[int, Communicator] = {}  # what is still open at exit is destroyed there


class Communicator:
    """One rank of a group; made by `init`, `init_all`, `init_rank` and `init_cluster`.

    Attributes: `name` (the group name that operators want), `rank`, `size` (number of ranks), `device`.

    Collectives are queued on the current stream of the communicator's device and return at once; their
    result is there when the stream is (`Tensor.numpy` waits). On the default stream they take a stream of the
    communicator's own, ordered before and after: HCCL refuses the default one. All collectives of a
    communicator run in the order of the calls, on whichever streams, and every rank must make the same ones
    in the same order, with the same shapes, dtypes and arguments.

    When ranks disagree, when one dies, or does not come within HCCL_EXEC_TIMEOUT, the stream's next
    `synchronize` (or `numpy`) raises AclError, and the communicator is of no use any more.

    A context manager that closes at its end; what is still open is closed at interpreter exit.
    """

    def __init__(self, handle: int, device: Device) -> None:
        self._handle = handle
        self.device = device
        with activated(device.index):
            self.name = hccl.comm_name(handle)
            self.rank = hccl.rank_id(handle)
            self.size = hccl.rank_size(handle)
        self._lock = threading.RLock()  # held while an operation is queued: its events belong together
        self._last: Stream | None = None
        self._own: Stream | None = None
        _live[handle] = self

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._handle == 0

    @property
    def handle(self) -> int:
        """The HcclComm; ValueError when closed."""
        if self.closed:
            raise ValueError(f"{self!r} is closed; make another one")
        return self._handle

    def all_reduce(self, x: TensorLike, op: str = "sum", out: Tensor | None = None) -> Tensor:
        """The elements of all ranks' `x`, combined one by one; the same on every rank.

        x    any shape; a contiguous Tensor on the communicator's device, or an array-like
        op   "sum", "prod", "max" or "min"
        out  tensor to write instead of a new one, of x's shape and dtype; may be x itself

        Sums and products are in the dtype of x, rounded (integers: wrapped) at each step. The stand-in goes
        through the ranks in order, rank 0 first; on a device the order is HCCL's (HCCL_DETERMINISTIC=true
        fixes it). HCCL on Atlas A2/A3 has int8, int16, int32, int64, float16, float32 and bfloat16; "prod"
        not for int16 and bfloat16. Without elements nothing runs.

        Raises ValueError or TypeError, naming the argument, for closed, strided and foreign tensors and
        dtypes that HCCL does not have; AclError for what the library refuses.
        """
        reduce_op = _buffers.reduction(op)
        with self._ready():
            x_in = _buffers.tensor_in("x", x, self.device)
            dtype = _buffers.element_type("x", x_in.dtype)
            y = _buffers.output(out, x_in, x_in.shape, self.device)
            ends = _buffers.ends(x_in, y, in_place=True)
            if x_in.size:
                with self._ordered(x_in, y) as stream:
                    hccl.all_reduce(*ends, x_in.size, dtype, reduce_op, self.handle, stream.handle)
        return y

    def all_gather(self, x: TensorLike, out: Tensor | None = None) -> Tensor:
        """The `x` of all ranks, one after the other in the order of ranks, along axis 0.

        x    [n, ...] (or 0-d, as [1]), the same shape on every rank; a contiguous Tensor on the
             communicator's device, or an array-like; any dtype that HCCL has
        out  tensor to write instead of a new one, [size * n, ...] of x's dtype; may not overlap x

        Errors as `all_reduce`.
        """
        with self._ready():
            x_in = _buffers.tensor_in("x", x, self.device)
            dtype = _buffers.element_type("x", x_in.dtype)
            length, *rest = x_in.shape or (1,)
            y = _buffers.output(out, x_in, (length * self.size, *rest), self.device)
            ends = _buffers.ends(x_in, y, in_place=False)
            if x_in.size:
                with self._ordered(x_in, y) as stream:
                    hccl.all_gather(*ends, x_in.size, dtype, self.handle, stream.handle)
        return y

    def reduce_scatter(self, x: TensorLike, op: str = "sum", out: Tensor | None = None) -> Tensor:
        """As `all_reduce`, of which rank i gets the i-th of `size` equal parts along axis 0.

        x    [size * n, ...], the same shape on every rank; otherwise as in `all_reduce`
        out  tensor to write instead of a new one, [n, ...] of x's dtype; may not overlap x

        Errors as `all_reduce`; ValueError also when axis 0 does not divide.
        """
        reduce_op = _buffers.reduction(op)
        with self._ready():
            x_in = _buffers.tensor_in("x", x, self.device)
            dtype = _buffers.element_type("x", x_in.dtype)
            y = _buffers.output(out, x_in, self._part(x_in), self.device)
            ends = _buffers.ends(x_in, y, in_place=False)
            if y.size:
                with self._ordered(x_in, y) as stream:
                    hccl.reduce_scatter(*ends, y.size, dtype, reduce_op, self.handle, stream.handle)
        return y

    def broadcast(self, x: Tensor, root: int = 0) -> Tensor:
        """Overwrites `x` on every rank with that of rank `root`, and returns it.

        x     a contiguous Tensor on the communicator's device, the same shape and dtype on every rank; any
              dtype that HCCL has

        Errors as `all_reduce`.
        """
        source = _buffers.rank_number("root", root, self.size)
        with self._ready():
            _buffers.usable("x", x, self.device)
            dtype = _buffers.element_type("x", x.dtype)
            if x.size:
                with self._ordered(x) as stream:
                    hccl.broadcast(first_byte(x), x.size, dtype, source, self.handle, stream.handle)
        return x

    def barrier(self) -> None:
        """Holds the current stream until the streams of all ranks have got here. The host does not wait:
        synchronize the stream for that."""
        with self._ready(), self._ordered() as stream:
            hccl.barrier(self.handle, stream.handle)

    @contextmanager
    def ordered(self, *tensors: Tensor) -> Iterator[Stream]:
        """The stream to queue one multi-rank operation on, inside the block: behind the work of the current
        stream and of the communicator's earlier operations, and before later work of the current stream.

        For operators that take a group name. `tensors` are marked as used on that stream. ValueError when
        closed.
        """
        with self._ready(), self._ordered(*tensors) as stream:
            yield stream

    @contextmanager
    def _ordered(self, *tensors: Tensor) -> Iterator[Stream]:
        """As `ordered`; the device is current."""
        with self._lock:
            self.handle  # noqa: B018 - may have been closed while this thread waited
            current = current_stream()
            stream = self._usable_stream(current)
            for before in (current, self._last):
                if before is not None and before is not stream and not before.closed:
                    stream.wait(before.record())
            for tensor in tensors:
                tensor.block.use_on(stream)
            self._last = stream
            yield stream
            if stream is not current:
                current.wait(stream.record())

    def close(self) -> None:
        """Waits for the communicator's work and destroys it. May be repeated; the other ranks do the same on
        their own. AclError, after destroying, when some of the work had failed."""
        with self._lock:
            handle, self._handle = self._handle, 0
            if not handle:
                return
            del _live[handle]
            if _lifetime.running():
                with activated(self.device.index):
                    self._finish(handle)

    def _finish(self, handle: int) -> None:
        try:
            if self._last is not None:  # every earlier operation is ordered before the last
                self._last.settle()
        finally:
            hccl.destroy(handle)
            if self._own is not None:
                self._own.close()

    def _ready(self) -> AbstractContextManager[int]:
        """Makes the device current inside the block."""
        self.handle  # noqa: B018 - refuses a closed communicator
        return activated(self.device.index)

    def _usable_stream(self, current: Stream) -> Stream:
        if not current.is_default:
            return current
        if self._own is None:
            self._own = Stream()
        return self._own

    def _part(self, x: Tensor) -> tuple[int, ...]:
        """Shape of a rank's share of `x`."""
        length, *rest = x.shape or (1,)
        if length % self.size:
            raise ValueError(
                f"x has shape {x.shape}; axis 0 must be a multiple of the number of ranks, {self.size}"
            )
        return (length // self.size, *rest)

    def __enter__(self) -> Communicator:
        self.handle  # noqa: B018 - refuses a closed communicator
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            self.close()
        except AclError:
            if kind is None:  # otherwise the error that ended the block says more
                raise

    def __reduce__(self) -> NoReturn:
        raise TypeError("communicators cannot be copied or pickled; every rank makes its own")

    def __repr__(self) -> str:
        where = "closed" if self.closed else f"device {self.device.index}"
        return f"<Communicator {self.name!r} rank {self.rank} of {self.size}, {where}>"


@_lifetime.at_shutdown
def _close_all() -> None:
    errors = []
    for comm in list(_live.values()):
        try:
            comm.close()
        except AclError as error:
            errors.append(error)
    if errors:
        raise errors[0]
