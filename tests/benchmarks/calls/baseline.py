"""The C++ side: builds baseline.cpp against the home in use, loads it, and describes tensors to it."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Any

from native.building import compiler, run

import ascend_ops as ao
from ascend_ops._cann.homes import find_home

HERE = Path(__file__).parent
MOST_AXES = 8
LIBRARIES = ("opapi", "opapi_math", "opapi_nn", "opapi_transformer", "nnopbase", "ascendcl")


class Mode(IntEnum):
    """What a C++ call does; see baseline.cpp."""

    EAGER, REPLAY, REBIND = range(3)

    @property
    def label(self) -> str:
        return self.name.lower()


class Described(ctypes.Structure):
    """A tensor, as baseline_call.h declares it."""

    _fields_ = [
        ("dtype", ctypes.c_int32),
        ("rank", ctypes.c_int32),
        ("shape", ctypes.c_int64 * MOST_AXES),
        ("strides", ctypes.c_int64 * MOST_AXES),
        ("elements", ctypes.c_int64),
        ("bytes", ctypes.c_uint64),
        ("address", ctypes.c_void_p),
    ]


def build(folder: Path) -> Path:
    """The library, built into `folder` with the headers and libraries of the home in use."""
    home, library = find_home(), folder / "libbaseline.so"
    source = HERE / "baseline.cpp"
    include = [f"-I{folder}{below}" for folder in home.include for below in ("", "/aclnnop")]
    places = [option for folder in home.lib for option in (f"-L{folder}", f"-Wl,-rpath,{folder}")]
    names = [f"-l{name}" for name in LIBRARIES if home.library(f"lib{name}.so")]
    options = [f"-I{HERE.parents[1]}", "-O2", "-fPIC", "-shared", "-o", str(library)]
    run([*compiler(source), *options, str(source), *include, *places, *names])
    return library


class Baseline:
    """The loaded library, until the end of a `with` block. Everything it queues goes to the stream that is
    current when it is made."""

    def __init__(self, library: Path) -> None:
        self.stream = ao.current_stream()
        self._opened: list[tuple[int, object]] = []  # calls, and what their addresses point into
        self._c = ctypes.CDLL(str(library), mode=os.RTLD_LOCAL)
        handle, size = ctypes.c_void_p, ctypes.c_size_t
        ints, tensors = ctypes.POINTER(ctypes.c_int64), ctypes.POINTER(Described)
        declare = {
            "open": (handle, [ctypes.c_char_p, tensors, size, size, ints, size, handle, handle]),
            "close": (None, [handle]),
            "entry": (handle, [ctypes.c_char_p]),
            "register": (ctypes.c_int, [ctypes.c_char_p]),
            "hold": (handle, [handle]),
            "release": (ctypes.c_int, [handle, handle]),
            "run": (ctypes.c_int, [handle, ctypes.c_int, ctypes.c_int]),
            "measure": (ctypes.c_double, [handle, ctypes.c_int, ctypes.c_int]),
        }
        for name, (result, arguments) in declare.items():
            function = getattr(self._c, f"baseline_{name}")
            function.restype, function.argtypes = result, arguments

    def __enter__(self) -> Baseline:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.synchronize()
        while self._opened:
            self._c.baseline_close(self._opened.pop()[0])

    def register(self, operator: str) -> None:
        """Gives an operator ("aclnnRmsNorm") a kernel that does nothing, where the home is the stand-in."""
        assert self._c.baseline_register(operator.encode()) == 0

    def entry(self, operator: str) -> int:
        """The address of the operator's phase two that this library calls."""
        address: int = self._c.baseline_entry(operator.encode())
        return address

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keeps the stream from running what is queued in the block."""
        gate = self._c.baseline_hold(self.stream.handle)
        assert gate, ao.acl.aclGetRecentErrMsg()
        try:
            yield
        finally:
            assert self._c.baseline_release(gate, self.stream.handle) == 0, ao.acl.aclGetRecentErrMsg()

    def call(
        self,
        operator: str,
        inputs: Sequence[ao.Tensor | None],
        outputs: Sequence[ao.Tensor],
        ints: Sequence[int],
        other: ao.Tensor,
    ) -> Call:
        """The operator call with these tensors, in C order, and outputs like these. `other` can take the
        place of the first tensor."""
        tensors = (Described * (len(inputs) + len(outputs)))(*map(described, (*inputs, *outputs)))
        numbers = (ctypes.c_int64 * len(ints))(*ints)
        opened = self._c.baseline_open(
            *(operator.encode(), tensors, len(tensors), len(outputs), numbers, len(ints)),
            *(other.address, self.stream.handle),
        )
        assert opened, f"{operator} is not in baseline_operators.h"
        self._opened.append((opened, (inputs, other)))
        return Call(self._c, opened)


class Call:
    """One operator call in C++, as long as its library is open."""

    def __init__(self, library: Any, opened: int) -> None:
        self._c, self._opened = library, opened

    def run(self, mode: Mode, calls: int) -> None:
        """Queues as many calls; RuntimeError with CANN's text when one is refused."""
        status = self._c.baseline_run(self._opened, mode, calls)
        if status:
            raise RuntimeError(f"status {status}: {(ao.acl.aclGetRecentErrMsg() or b'').decode()}")

    def seconds(self, mode: Mode, calls: int) -> float:
        """CPU time of this thread for each of `calls` calls, with the stream held."""
        seconds: float = self._c.baseline_measure(self._opened, mode, calls)
        if seconds != seconds:
            raise RuntimeError(f"a C++ call failed: {(ao.acl.aclGetRecentErrMsg() or b'').decode()}")
        return seconds


def described(tensor: ao.Tensor | None) -> Described:
    """A contiguous tensor, or NULL, in C."""
    if tensor is None:
        return Described(rank=-1)
    assert tensor.contiguous
    assert tensor.offset == 0
    axes = ctypes.c_int64 * MOST_AXES
    code, shape, strides = int(tensor.dtype.code), axes(*tensor.shape), axes(*tensor.strides)
    extents = shape, strides, tensor.size
    return Described(code, tensor.ndim, *extents, tensor.nbytes, tensor.address)
