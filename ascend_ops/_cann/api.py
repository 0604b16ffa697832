"""`ao.acl`: the C functions themselves, for ports and for odd needs."""

from __future__ import annotations

from ascend_ops._cann import custom, headers, libraries, lifecycle, prototypes
from ascend_ops._cann.libraries import Function


class Acl:
    """Every function of CANN by its C name: the runtime, aclnn meta functions, HCCL, and both halves and the
    helpers of operators.

    A function takes ctypes values (`ctypes.byref(x)` for an output), ints for handles and addresses, bytes
    for strings, and returns what C returns: an int status, not an exception. Nothing is initialised on its
    own account: call `acl.aclInit(None)` and `acl.aclrtSetDevice(0)` as in C. MissingFunctionError when this
    CANN lacks the function.
    """

    def __getattr__(self, name: str) -> Function:
        if name.startswith("_"):
            raise AttributeError(name)
        libraries.check_open()
        function = lifecycle.bind(name, typed_pointers=True)
        self.__dict__[name] = function
        return function

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *prototypes.table(), *headers.names()})


acl = Acl()
libraries.on_close(acl.__dict__.clear)
custom.on_change(acl.__dict__.clear)
