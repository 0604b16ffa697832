"""aclInit at first use, aclFinalize at exit, and the table of bound functions in between."""

from __future__ import annotations

import atexit
import sys
import threading

from ascend_ops._cann import headers, libraries, prototypes
from ascend_ops._cann.declarations import Declaration
from ascend_ops._cann.errors import AclError, HomeError, MissingFunctionError
from ascend_ops._cann.homes import find_home
from ascend_ops._cann.libraries import Function
from ascend_ops._cann.processmap import is_link_stub, loaded_libraries
from ascend_ops._cann.vocabulary import signature_of

_REPEAT_INITIALIZE = 100002
_COMPILING_STUB_MODE = 100039

# Packages that initialise ACL on their own account; aclFinalize would pull it from under them.
_OTHER_USERS = ("torch_npu", "acl", "mindspore", "aclruntime")

_lock = threading.Lock()
_initialised = False
_owned = False


def bind(name: str, *, typed_pointers: bool = False) -> Function:
    """A function of the runtime, of aclnn's or HCCL's interface or one that an operator's header declares,
    with restype and argtypes set; a new object each time."""
    prototype = prototypes.find(name)
    if prototype is not None:
        family, declaration = prototype.family, prototype.declaration
    else:
        family, declaration = "opapi", _declared(name)
    (function,) = libraries.find(family, name)
    libraries.set_types(function, *signature_of(declaration, typed_pointers=typed_pointers))
    return function


def _declared(name: str) -> Declaration:
    found = headers.find(name)
    if found is None:
        raise MissingFunctionError(
            f"no CANN function {name!r} is known: no prototype and no header declares it."
        )
    return found[0]


class _Functions(dict[str, Function]):
    """Bound functions by name. The first use of any initialises ACL; a hit costs one dictionary look-up."""

    def __missing__(self, name: str) -> Function:
        initialise()
        function = bind(name)
        if libraries.is_open():
            self[name] = function
        return function


functions = _Functions()
libraries.on_close(functions.clear)


class _Untyped(dict[str, Function]):
    """As `functions`, for arguments of `carguments` only: nothing is checked and nothing converted."""

    def __missing__(self, name: str) -> Function:
        initialise()
        function = bind(name)
        function.argtypes = None  # type: ignore[attr-defined]
        if libraries.is_open():
            self[name] = function
        return function


untyped = _Untyped()
libraries.on_close(untyped.clear)


def initialise() -> None:
    """Loads CANN and calls aclInit, once per process. Being initialised by somebody else is success.

    Raises HomeError when only link stubs were found, AclError when aclInit fails.
    """
    global _initialised, _owned
    libraries.check_open()
    if _initialised:
        return
    with _lock:
        if _initialised:
            return
        status = bind("aclInit")(None)
        if status == _COMPILING_STUB_MODE:
            raise HomeError(_link_stub_text())
        if status not in (0, _REPEAT_INITIALIZE):
            raise AclError.from_status("aclInit", status, ("configPath: NULL", f"home: {find_home().root}"))
        _owned = status == 0
        _initialised = True
        atexit.register(finalise)


def finalise() -> None:
    """Calls aclFinalize if this package initialised ACL and nobody else is using it; afterwards no C function
    is called any more. Waits for nothing: the runtime room has drained its streams by then."""
    if not libraries.is_open():
        return  # in a forked child, whose copy of the lock may be held by a thread that is not there
    with _lock:
        mine = _initialised and _owned and libraries.is_open()
        if mine and not any(name in sys.modules for name in _OTHER_USERS):
            functions["aclFinalize"]()
        libraries.close("ascend_ops has been finalised; no operator can run in this process any more.")


def _link_stub_text() -> str:
    suspects = [str(path) for path in loaded_libraries().values() if is_link_stub(path)]
    loaded = ", ".join(suspects) or ", ".join(map(str, libraries.files("runtime")))
    return (
        f"aclInit answered 100039: {loaded} is a link stub, made for building programs, not for running "
        "them. The NPU driver is missing (set_env.sh then puts CANN's devlib directory on LD_LIBRARY_PATH). "
        "Install the driver, or in a container pass /usr/local/Ascend/driver in, and source set_env.sh "
        "again; "
        "or set ASCEND_OPS_HOME=stub."
    )
