"""A timeline recorded by Python, on a CANN that keeps none: the calls that this package makes, and when what
they queued ran. Kept in memory until it is written."""

from __future__ import annotations

import functools
import reprlib
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from ascend_ops._cann import prototypes, timing, watching
from ascend_ops._cann.calls import status_of
from ascend_ops._cann.carguments import CArgument
from ascend_ops._cann.enums import MemcpyKind
from ascend_ops._cann.errors import AclError
from ascend_ops._cann.operators import BoundOperator, Plan
from ascend_ops._profile.device_spans import DeviceSpans, Row, Work
from ascend_ops._profile.timeline import copy_name
from ascend_ops.runtime import Stream
from ascend_ops.runtime.device import current
from ascend_ops.tensor import Tensor

_DIRECTIONS: Final = {
    MemcpyKind.HOST_TO_DEVICE: "host to device",
    MemcpyKind.HOST_TO_BUF_TO_DEVICE: "host to device",
    MemcpyKind.DEVICE_TO_HOST: "device to host",
    MemcpyKind.DEVICE_TO_DEVICE: "device to device",
}
_CHANGES_MEMORY: Final = {"aclrtMalloc", "aclrtFree"}
_QUEUES: Final = ("aclrtMemcpy", "aclrtMemset", "Hccl")
Arguments = dict[str, Any]


class Call(NamedTuple):
    """A call of a C function; times in nanoseconds."""

    name: str
    thread: int
    began: int
    ended: int
    arguments: Arguments
    status: int = 0


class Sample(NamedTuple):
    """Bytes of a device's memory that are in use from a time on."""

    device: int
    at: int
    used: int


class PythonRecorder:
    """A source of a timeline."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.samples: list[Sample] = []
        self.threads: dict[int, str] = {}
        self.spans = DeviceSpans()

    def start(self, path: Path) -> None:
        """Begins to record; the file can be written."""
        if current.device is not None:
            self.spans.clock(current.device)
            self._sample()
        watching.record_with(self)

    def stop(self, path: Path) -> None:
        """Writes the file."""
        from ascend_ops._profile.recording import write

        watching.record_with(None)
        self.spans.finish()
        write(self, path)

    # What `watching.Recorder` promises

    def call(self, name: str, arguments: tuple[Any, ...]) -> int:
        names = _parameters(name)
        given = {key: _plain(each) for key, each in zip(names, arguments, strict=True)}
        device = current.device
        if device is None or not _queues_work(name):
            return self._made(name, arguments, given).status

        def queue() -> tuple[int, Work | None]:
            call = self._made(name, arguments, given)
            return call.status, _queued_work(call, row)

        row = device, given["stream"] or 0
        return self.spans.around(row, queue)

    def timed(self, bound: BoundOperator, args: Sequence[Any], stream: Stream) -> BoundOperator:
        return cast(BoundOperator, _TimedOperator(self, bound, args, stream))

    def replay(
        self, bound: BoundOperator, args: Sequence[Any], stream: Stream, again: Callable[[], int]
    ) -> int:
        name, reads, writes = bound.signature.name, *_bytes(bound, args)
        row = stream.device_index, stream.handle

        def queue() -> tuple[int, Work | None]:
            began = time.monotonic_ns()
            status = again()
            call = self._note(name, began, {}, status)
            work = Work("operator", name, name, row, call.thread, call.began, reads, writes)
            return status, None if status else work

        return self.spans.around(row, queue)

    def waited(self, name: str, since: float) -> None:
        self._note(name, round(since * 1e9), {}, 0)

    # How

    def _made(self, name: str, arguments: tuple[Any, ...], given: Arguments) -> Call:
        began = time.monotonic_ns()
        status = status_of(name, arguments)
        call = self._note(name, began, given, status)
        if name in _CHANGES_MEMORY and not status:
            self._sample()
        return call

    def _note(self, name: str, began: int, given: Arguments, status: int) -> Call:
        ended = time.monotonic_ns()
        thread = threading.get_native_id()
        if thread not in self.threads:
            self.threads[thread] = threading.current_thread().name
        call = Call(name, thread, began, ended, given, status)
        self.calls.append(call)
        return call

    def _sample(self) -> None:
        used = timing.memory_in_use()
        if used is not None and current.device is not None:
            self.samples.append(Sample(current.device, time.monotonic_ns(), used))


class _TimedOperator:
    """Both phases of one call, in the place of a BoundOperator."""

    def __init__(
        self, recorder: PythonRecorder, bound: BoundOperator, args: Sequence[Any], stream: Stream
    ) -> None:
        self._recorder, self._bound, self._args, self._stream = recorder, bound, args, stream

    def phase_one(self, arguments: Sequence[CArgument]) -> Plan:
        began, status = time.monotonic_ns(), 0
        try:
            return self._bound.phase_one(arguments)
        except AclError as error:
            status = error.code
            raise
        finally:
            signature = self._bound.signature
            params = zip(signature.params, self._args, strict=False)
            given = {param.name: _text(each) for param, each in params}
            self._recorder._note(f"{signature.name}GetWorkspaceSize", began, given, status)

    def phase_two(self, plan: Plan, workspace: CArgument, stream: CArgument) -> None:
        failures: list[AclError] = []

        def launch() -> int:
            try:
                self._bound.phase_two(plan, workspace, stream)
            except AclError as error:
                failures.append(error)
                return error.code
            return 0

        self._recorder.replay(self._bound, self._args, self._stream, launch)
        if failures:
            raise failures[0]


@functools.cache
def _parameters(name: str) -> tuple[str, ...]:
    prototype = prototypes.find(name)
    assert prototype is not None
    return tuple(param.name for param in prototype.declaration.params)


@functools.cache
def _queues_work(name: str) -> bool:
    return name.startswith(_QUEUES) and "stream" in _parameters(name)


def _text(value: Any) -> int | str | None:
    """An operator's argument, tensors as the stand-in's trace has them."""
    if isinstance(value, Tensor):
        return f"{value.dtype.code.name} {list(value.shape)}"
    if isinstance(value, (list, tuple)):
        return f"{len(value)} {'tensors' if value and isinstance(value[0], Tensor) else 'numbers'}"
    return value if value is None or type(value) is int else reprlib.repr(value)


def _plain(argument: Any) -> int | None:
    """What can be written down: not where a result goes, nor the contents of memory."""
    return int(argument) if isinstance(argument, int) else None


def _queued_work(call: Call, row: Row) -> Work | None:
    if call.status:
        return None
    category, title, reads, writes = "task", call.name, 0, call.arguments.get("count") or 0
    if call.name.startswith("Hccl"):
        category, writes = "collective", 0
    elif (copied := copy_of(call.name, call.arguments)) is not None:
        category, (title, reads) = "copy", copied
    return Work(category, title, call.name, row, call.thread, call.began, reads, writes)


def copy_of(name: str, given: Arguments) -> tuple[str, int] | None:
    """What a copy is called, and its bytes; None for calls that do not copy."""
    direction = _DIRECTIONS.get(given.get("kind", -1))
    if direction is None or not name.startswith("aclrtMemcpy"):
        return None
    nbytes: int = given["count"] if "count" in given else given["width"] * given["height"]
    return copy_name(direction, nbytes), nbytes


def _bytes(bound: BoundOperator, args: Sequence[Any]) -> tuple[int, int]:
    """What an operator reads and writes, at most."""
    reads = writes = 0
    for param, given in zip(bound.signature.params, args, strict=False):
        tensors = given if isinstance(given, (list, tuple)) else (given,)
        nbytes = sum(each.nbytes for each in tensors if isinstance(each, Tensor))
        reads += nbytes if param.role != "out" else 0
        writes += nbytes if param.role != "in" else 0
    return reads, writes
