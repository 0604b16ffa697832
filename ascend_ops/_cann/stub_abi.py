"""The records and functions of include/ascend_stub/kernel.h, which only the stand-in has."""

from __future__ import annotations

import ctypes
import os
import threading
from enum import IntEnum
from typing import Any, Final

from ascend_ops._cann import libraries


class Kind(IntEnum):
    """stub_kind; those up to BOOL_ARRAY are handles."""

    TENSOR = 0
    TENSOR_LIST = 1
    SCALAR = 2
    SCALAR_LIST = 3
    INT_ARRAY = 4
    FLOAT_ARRAY = 5
    BOOL_ARRAY = 6
    INT = 7
    REAL = 8
    FLAG = 9
    TEXT = 10


class Role(IntEnum):
    """stub_role."""

    IN = 0
    OUT = 1
    INOUT = 2


class Value(ctypes.Union):
    """stub_value; `handle` stands for every descriptor."""

    _fields_ = (
        ("handle", ctypes.c_void_p),
        ("integer", ctypes.c_int64),
        ("real", ctypes.c_double),
        ("flag", ctypes.c_bool),
        ("text", ctypes.c_char_p),
    )


class Param(ctypes.Structure):
    """stub_param."""

    _fields_ = (("name", ctypes.c_char_p), ("kind", ctypes.c_int), ("role", ctypes.c_int))


class Operator(ctypes.Structure):
    """stub_operator."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("params", ctypes.POINTER(Param)),
        ("count", ctypes.c_uint32),
        ("kernel", ctypes.c_void_p),
    )


class Call(ctypes.Structure):
    """stub_call."""

    _fields_ = (
        ("op", ctypes.POINTER(Operator)),
        ("args", ctypes.POINTER(Value)),
        ("workspace", ctypes.c_void_p),
        ("workspace_size", ctypes.c_uint64),
        ("comm", ctypes.c_void_p),
        ("ticket", ctypes.c_uint64),
        ("user", ctypes.c_void_p),
        ("told", ctypes.c_void_p),
    )


class TensorInfo(ctypes.Structure):
    """stub_tensor_info."""

    _fields_ = (
        ("dtype", ctypes.c_int),
        ("format", ctypes.c_int),
        ("rank", ctypes.c_uint32),
        ("storage_rank", ctypes.c_uint32),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("storage", ctypes.POINTER(ctypes.c_int64)),
        ("offset", ctypes.c_int64),
        ("address", ctypes.c_void_p),
    )


CHECK = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)
RUN = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)
RELEASE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Kernel(ctypes.Structure):
    """stub_kernel."""

    _fields_ = (("check", CHECK), ("run", RUN))


PROTOTYPES: Final[dict[str, tuple[Any, list[Any]]]] = {
    "stub_phase_one": (ctypes.c_int32, [ctypes.c_void_p] * 4),
    "stub_phase_two": (
        ctypes.c_int32,
        [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_void_p, ctypes.c_void_p],
    ),
    "stub_register_kernel": (ctypes.c_int32, [ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p, RELEASE]),
    "stub_unregister_kernel": (ctypes.c_int32, [ctypes.c_char_p]),
    "stub_kernel_is_registered": (ctypes.c_bool, [ctypes.c_char_p]),
    "stub_close_kernels": (None, []),
    "stub_kernel_fail": (ctypes.c_int32, [ctypes.c_int32, ctypes.c_char_p]),
    "stub_tensor_read": (None, [ctypes.c_void_p, ctypes.c_void_p]),
    "stub_tensor_open": (
        ctypes.c_int32,
        [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_void_p],
    ),
    "stub_argument_items": (ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p]),
    "stub_scalar_read": (ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_void_p]),
}


loaded: dict[str, Any] = {}  # for callbacks, which may come when the libraries are closed
loaded_by = 0  # process
_lock = threading.Lock()


def function(name: str) -> Any:
    """A function of the interface; the first use loads the stand-in. AscendError after its end."""
    libraries.check_open()
    if not loaded:
        _load()
    return loaded[name]


def _load() -> None:
    global loaded_by
    with _lock:
        functions = libraries.find("nnopbase", *PROTOTYPES)
        for found, (result, types) in zip(functions, PROTOTYPES.values(), strict=True):
            libraries.set_types(found, result, types)
        loaded_by = os.getpid()
        loaded.update(zip(PROTOTYPES, functions, strict=True))
