"""One call of a bound C function whose status is checked: what `rt` and `hccl` are made of."""

from __future__ import annotations

from typing import Any

from ascend_ops._cann import libraries, prototypes, watching
from ascend_ops._cann.errors import AclError
from ascend_ops._cann.lifecycle import functions

_HANDLES = {"HcclComm", "aclrtContext", "aclrtEvent", "aclrtStream"}


def call(name: str, *arguments: Any) -> None:
    """Calls a function by its C name; AclError, with its arguments described, for a failing status."""
    recorder = watching.recorder
    status = functions[name](*arguments) if recorder is None else recorder.call(name, arguments)
    if status:
        raise AclError.from_status(name, status, _described(name, arguments))


def status_of(name: str, arguments: tuple[Any, ...]) -> int:
    """Calls a function by its C name, recorded by nobody."""
    status: int = functions[name](*arguments)
    return status


def give_back(name: str, handle: int) -> None:
    """As `call`, for functions that destroy; does nothing once C may not be called any more."""
    if libraries.is_open():
        call(name, handle)


def _described(name: str, arguments: tuple[Any, ...]) -> list[str]:
    prototype = prototypes.find(name)
    assert prototype is not None
    params = prototype.declaration.params
    return [f"{p.name}: {_text(p.ctype, a)}" for p, a in zip(params, arguments, strict=True)]


def _text(ctype: str, argument: Any) -> str:
    if isinstance(argument, bytes):
        return repr(argument.decode(errors="replace")) if "char" in ctype else f"{len(argument)} bytes"
    if not isinstance(argument, int):
        return "(output)"
    return f"{argument:#x}" if ctype.endswith("*") or ctype in _HANDLES else repr(argument)
