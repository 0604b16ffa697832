"""Kernels in Python for the stand-in, registered by the operator's name (include/ascend_stub/kernel.h).

Three C functions serve all of them; what is registered is known by a number. They run on a stream's thread
or on the caller's and take the GIL there. Before the interpreter ends, the stand-in is told to call no Python
any more.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import itertools
import os
import traceback
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from ascend_ops._cann import stub_abi as abi
from ascend_ops._cann.errors import AclError
from ascend_ops._cann.homes import find_home
from ascend_ops._cann.stub_arguments import FIELDS, Argument, Unreadable, arguments

_INVALID: Final = 161002  # ACLNN_ERR_PARAM_INVALID
_RAISED: Final = 361001  # ACLNN_ERR_RUNTIME_ERROR: reported once, after which the stream is usable
_TEXT: Final = 12_000  # characters of a traceback; the stand-in keeps 16 kB of texts

Function = Callable[[tuple[Argument, ...]], None]


class _Entry(NamedTuple):
    run: Function
    check: Function | None


_numbers = itertools.count(1)
_entries: dict[int, _Entry] = {}
_operators: list[abi.Operator] = []  # queued work refers to them


def available() -> bool:
    """Whether the home in use is the stand-in."""
    return find_home().stand_in


def register(name: str, run: Function, check: Function | None) -> None:
    """Has the stand-in call `run` for the operator `name`, in place of what it did before, and `check` in its
    phase one. A ValueError of `check` refuses the call (161002); what else they raise fails the call or its
    stream (361001) with the traceback."""
    number = next(_numbers)
    _entries[number] = _Entry(run, check)
    kernel = abi.Kernel(_check if check else abi.CHECK(), _run)
    status = abi.function("stub_register_kernel")(name.encode(), ctypes.addressof(kernel), number, _release)
    if status:
        del _entries[number]
        raise AclError.from_status("stub_register_kernel", status, (f"name: {name}",))


def unregister(name: str) -> bool:
    """Ends a registration; False when there is none."""
    return registered(name) and not abi.function("stub_unregister_kernel")(name.encode())


def registered(name: str) -> bool:
    """Whether a kernel, from Python or C, is registered for an operator. False on a real home."""
    return available() and bool(abi.function("stub_kernel_is_registered")(name.encode()))


class Record(NamedTuple):
    """A parameter of an operator as the stand-in keeps it; `ctype` is what C callers pass."""

    name: str
    kind: abi.Kind
    role: abi.Role
    ctype: Any


def entry_points(name: str, params: Sequence[Record]) -> tuple[Any, Any]:
    """Both phases of an operator that no library has, to be called with its C arguments."""
    records = (abi.Param * len(params))()
    for record, param in zip(records, params, strict=True):
        record.name, record.kind, record.role = param.name.encode(), param.kind, param.role
    operator = abi.Operator(name.encode(), records, len(params), None)
    _operators.append(operator)
    address = ctypes.addressof(operator)
    first = functools.partial(_phase_one, address, params)
    return first, functools.partial(abi.function("stub_phase_two"), address)


def _phase_one(operator: int, params: Sequence[Record], *given: Any) -> int:
    *values, size, executor = given
    packed = (abi.Value * len(params))()
    for slot, param, value in zip(packed, params, values, strict=True):
        # As C would receive it: a float is rounded on the way, an integer must be one.
        plain = value.value if isinstance(value, ctypes.c_void_p) else value
        setattr(slot, FIELDS.get(param.kind, "handle"), param.ctype(plain).value)
    status: int = abi.function("stub_phase_one")(operator, packed, size, executor)
    return status


# What C calls. None of these may raise; not even a SystemExit may end a thread that is not Python's.


def _called_run(address: int) -> int:
    call = abi.Call.from_address(address)
    try:
        _entries[call.user].run(arguments(call, address, opened=True))
    except Unreadable as error:
        return error.status
    except BaseException as error:
        return _refuse(_RAISED, f"{_name(call)} raised in its Python kernel:\n{_trace(error)}")
    return 0


def _called_check(address: int, _plan: int) -> int:
    call = abi.Call.from_address(address)
    try:
        check = _entries[call.user].check
        assert check is not None
        check(arguments(call, address, opened=False))
    except ValueError as error:
        return _refuse(_INVALID, f"{_name(call)}GetWorkspaceSize: {error}")
    except BaseException as error:
        return _refuse(_RAISED, f"{_name(call)}GetWorkspaceSize raised in its check:\n{_trace(error)}")
    return 0


def _called_release(number: int) -> None:
    _entries.pop(number, None)


_run = abi.RUN(_called_run)
_check = abi.CHECK(_called_check)
_release = abi.RELEASE(_called_release)


def _trace(error: BaseException) -> str:
    """The traceback behind this module's own frame."""
    trace = error.__traceback__ and error.__traceback__.tb_next
    return "".join(traceback.format_exception(type(error), error, trace)).rstrip()[-_TEXT:]


def _name(call: abi.Call) -> str:
    return bytes(call.op.contents.name).decode()


def _refuse(status: int, text: str) -> int:
    return int(abi.loaded["stub_kernel_fail"](status, text.encode("utf-8", "replace")))


def _close() -> None:
    if abi.loaded and abi.loaded_by == os.getpid():  # a forked child may not call C
        abi.loaded["stub_close_kernels"]()


# At the import: what registers later runs earlier, as the shutdown does that drains the streams.
atexit.register(_close)
