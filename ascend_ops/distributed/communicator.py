"""A communicator: one rank's end of a group of devices, and the collectives that the group runs together."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING, Final, NoReturn

from ascend_ops._cann import errors, hccl
from ascend_ops._cann.errors import AclError, AscendError, DeviceTimeoutError, MissingFunctionError
from ascend_ops.distributed import _buffers
from ascend_ops.distributed._buffers import first_byte
from ascend_ops.runtime import _lifetime
from ascend_ops.runtime.device import Device, activated
from ascend_ops.runtime.stream import Stream, current_stream
from ascend_ops.tensor import Tensor

if TYPE_CHECKING:
    from ascend_ops.distributed._buffers import TensorLike

_live: dict[int, Communicator] = {}  # what is not destroyed yet at exit is destroyed there

CLOSE_SECONDS: Final = 30.0
_FAILED_SECONDS: Final = 5.0  # at exit after an uncaught exception: the launcher waits for the exit status


class Communicator:
    """One rank of a group; made by `init`, `init_all`, `init_rank` and `init_cluster`.

    Attributes: `name` (the group name that operators want), `rank`, `size` (number of ranks), `device`.

    Collectives are queued on the current stream of the communicator's device and return at once; their
    result is there when the stream is (`Tensor.numpy` waits). On the default stream they take a stream of the
    communicator's own, ordered before and after: HCCL refuses the default one. Operators queued behind them
    run even when they failed; waiting for the default stream then raises their error. All collectives of a
    communicator run in the order of the calls, on whichever streams, and every rank must make the same ones
    in the same order, with the same shapes, dtypes and arguments.

    When ranks disagree, when one dies, or does not come within HCCL_EXEC_TIMEOUT, the stream's next
    `synchronize` (or `numpy`) raises AclError, and the communicator is of no use any more.

    A context manager that closes at its end, without waiting when an exception ends it. What is still open at
    interpreter exit is destroyed there; operations that others do not take part in are aborted after 30 s,
    after an uncaught exception 5 s.
    """

    def __init__(self, handle: int, device: Device) -> None:
        self._handle = handle
        self._closed = False
        self.device = device
        with activated(device.index):
            try:
                self.name = hccl.comm_name(handle)
                self.rank = hccl.rank_id(handle)
                self.size = hccl.rank_size(handle)
            except AclError:
                hccl.destroy(handle)
                raise
        self._lock = threading.RLock()  # held while an operation is queued: its events belong together
        self._last: Stream | None = None
        self._own: Stream | None = None
        _live[handle] = self

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

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
        not for int16 and bfloat16. Python floats become float32. Without elements it is a `barrier`.

        Raises ValueError or TypeError, naming the argument, for closed, strided and foreign tensors and
        dtypes that HCCL does not have; AclError for what the library refuses.
        """
        reduce_op = _buffers.reduction(op)
        with self._ready():
            x_in = _buffers.tensor_in("x", x, self.device)
            dtype = _buffers.element_type("x", x_in.dtype)
            y = _buffers.output(out, x_in, x_in.shape, self.device)
            ends = _buffers.ends(x_in, y, in_place=True)
            with self._ordered(x_in, y) as stream, _buffers.reducing(x_in, op):
                if x_in.size:
                    hccl.all_reduce(*ends, x_in.size, dtype, reduce_op, self.handle, stream.handle)
                else:
                    hccl.barrier(self.handle, stream.handle)
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
            with self._ordered(x_in, y) as stream:
                if x_in.size:
                    hccl.all_gather(*ends, x_in.size, dtype, self.handle, stream.handle)
                else:  # a rank that has elements must not wait for one that has none
                    hccl.barrier(self.handle, stream.handle)
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
            with self._ordered(x_in, y) as stream, _buffers.reducing(x_in, op):
                if y.size:
                    hccl.reduce_scatter(*ends, y.size, dtype, reduce_op, self.handle, stream.handle)
                else:
                    hccl.barrier(self.handle, stream.handle)
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
            with self._ordered(x) as stream:
                if x.size:
                    hccl.broadcast(first_byte(x), x.size, dtype, source, self.handle, stream.handle)
                else:
                    hccl.barrier(self.handle, stream.handle)
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
            if stream is not current:
                current.also_settle(stream)
            self._last = stream
            yield stream
            if stream is not current:
                current.wait(stream.record())

    def close(self, timeout: float | None = CLOSE_SECONDS) -> None:
        """Waits for the communicator's work, at most `timeout` seconds (None: without limit), and destroys
        it. May be repeated; the other ranks do the same on their own.

        AclError, after destroying, when some of the work had failed and nothing has raised that before.
        DeviceTimeoutError when the time is over: operations queued on the default stream are then aborted;
        those on other streams go on, and the communicator is destroyed at interpreter exit.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if _lifetime.running():
                with activated(self.device.index):
                    self._finish(timeout)

    def _finish(self, timeout: float | None) -> None:
        told = frozenset(errors.told)
        try:
            self._settle(timeout)
        except AclError as error:
            if isinstance(error, DeviceTimeoutError) or (error.code, error.message) not in told:
                raise
        finally:
            self._destroy(abort=self._last is self._own)

    def _settle(self, timeout: float | None) -> None:
        """Every earlier operation is ordered before the last."""
        if self._last is None:
            return
        if self._last is self._own:  # which nobody else closes; not held up by a thread that waits for it
            self._last.synchronize(timeout)
        else:
            self._last.settle(timeout)

    def _destroy(self, *, abort: bool) -> None:
        """Destroys the communicator if it is idle, or `abort` makes it so."""
        idle = self._idle()
        if abort and not idle and self._last is not None:
            with suppress(MissingFunctionError):
                self._last.abort()
                idle = True
        if idle and _live.pop(self._handle, None) is not None:
            try:
                hccl.destroy(self._handle)
            finally:
                if self._own is not None:
                    self._own.close()

    def _idle(self) -> bool:
        return self._last is None or self._last.passed(unknown=True)

    def _abandon(self) -> None:
        """Closes without waiting."""
        with self._lock:
            if not self._closed and _lifetime.running():
                with activated(self.device.index), suppress(AclError):
                    self._destroy(abort=self._last is self._own)
            self._closed = True

    def _leave(self, *, abort: bool) -> None:
        """At exit: as `close`, without waiting; does nothing while there is work, unless `abort` ends it."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            with activated(self.device.index):
                if self._idle():
                    self._closed = True
                    self._finish(None)
                elif abort:
                    self._closed = True
                    self._destroy(abort=True)
                    raise AscendError(
                        f"{self!r} had work left at exit that other ranks did not join; aborted"
                    )
        finally:
            self._lock.release()

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
        if kind is None:
            self.close()
        else:  # the error that ended the block says more, and others may not come any more
            self._abandon()

    def __reduce__(self) -> NoReturn:
        raise TypeError("communicators cannot be copied or pickled; every rank makes its own")

    def __repr__(self) -> str:
        where = "closed" if self.closed else f"device {self.device.index}"
        return f"<Communicator {self.name!r} rank {self.rank} of {self.size}, {where}>"


@_lifetime.at_shutdown
def _close_all() -> None:
    """The idle ones first: that ends the waits of their peers in this process."""
    failures: list[AscendError] = []
    failed = hasattr(sys, "last_type")  # an uncaught exception, which says more than what follows from it
    end = time.monotonic() + (_FAILED_SECONDS if failed else CLOSE_SECONDS)
    while _live:
        over = time.monotonic() >= end
        for comm in list(_live.values()):
            try:
                comm._leave(abort=over)
            except AscendError as error:
                failures.append(error)
        if over:
            break
        if _live and _interrupted():
            end = 0.0
    if failures and not failed:
        raise failures[0]


def _interrupted() -> bool:
    """Lets a moment pass; whether Ctrl-C came."""
    try:
        time.sleep(0.005)
    except KeyboardInterrupt:
        return True
    return False
