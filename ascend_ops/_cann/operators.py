"""aclnn operators: their signatures, read from headers, and the two calls that run one."""

from __future__ import annotations

import ctypes
import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any, Final

from ascend_ops._cann import custom, headers, libraries, nn, ranges, stub_kernels
from ascend_ops._cann.carguments import CArgument
from ascend_ops._cann.declarations import Declaration, Parameter
from ascend_ops._cann.errors import AclError, AscendError, MissingFunctionError
from ascend_ops._cann.optional import is_optional
from ascend_ops._cann.stub_abi import Kind, Role
from ascend_ops._cann.vocabulary import LIMITS, ctype_of

_PHASE_ONE: Final = headers.PHASE_ONE


class ParamKind(Enum):
    """What an operator's parameter is; those down to BOOL_ARRAY are handles."""

    TENSOR = auto()
    TENSOR_LIST = auto()
    SCALAR = auto()
    SCALAR_LIST = auto()
    INT_ARRAY = auto()
    FLOAT_ARRAY = auto()
    BOOL_ARRAY = auto()
    INT = auto()
    REAL = auto()
    BOOL = auto()
    STRING = auto()
    DTYPE = auto()


_REF: Final = re.compile(r"Ref(?:Optional)?$")
_OUT: Final = re.compile(r"^(?:y|out|output)(?![a-z])|(?:Out|Output)(?:Optional)?$")
_BACKWARD: Final = re.compile(r"(?:Backward|Grad)(?:V\d+)?$")
_GRADIENT: Final = re.compile(r"^(?:grad|dy(?![a-z]))")

_KINDS: Final = {
    "aclTensor *": ParamKind.TENSOR,
    "aclTensorList *": ParamKind.TENSOR_LIST,
    "aclScalar *": ParamKind.SCALAR,
    "aclScalarList *": ParamKind.SCALAR_LIST,
    "aclIntArray *": ParamKind.INT_ARRAY,
    "aclFloatArray *": ParamKind.FLOAT_ARRAY,
    "aclBoolArray *": ParamKind.BOOL_ARRAY,
    "int": ParamKind.INT,
    "int8_t": ParamKind.INT,
    "int16_t": ParamKind.INT,
    "int32_t": ParamKind.INT,
    "int64_t": ParamKind.INT,
    "uint8_t": ParamKind.INT,
    "uint16_t": ParamKind.INT,
    "uint32_t": ParamKind.INT,
    "uint64_t": ParamKind.INT,
    "size_t": ParamKind.INT,
    "aclFormat": ParamKind.INT,
    "double": ParamKind.REAL,
    "float": ParamKind.REAL,
    "bool": ParamKind.BOOL,
    "char *": ParamKind.STRING,
    "aclDataType": ParamKind.DTYPE,
}


_STUB_KINDS: Final = {kind: Kind[kind.name] for kind in ParamKind if kind.name in Kind.__members__} | {
    ParamKind.BOOL: Kind.FLAG,
    ParamKind.STRING: Kind.TEXT,
    ParamKind.DTYPE: Kind.INT,
}


@dataclass(frozen=True)
class Param:
    """One parameter. `ctype` is its C type, as in "const aclTensor *", `role` one of "in", "out", "inout";
    None is NULL for an `optional` one that is left out."""

    name: str
    ctype: str
    kind: ParamKind
    role: str = "in"
    optional: bool = False


@dataclass(frozen=True)
class Signature:
    """An operator's parameters in C order, without workspaceSize and executor, as read from `header`."""

    name: str
    params: tuple[Param, ...]
    header: Path | None


@functools.cache
def signature(name: str) -> Signature:
    """The signature of an operator ("aclnnAbs"). MissingFunctionError when no header declares it."""
    found = headers.find(name + _PHASE_ONE)
    if found is None:
        raise MissingFunctionError(
            f"no header declares {name}{_PHASE_ONE}. Check the spelling; for a custom operator, name its "
            "package "
            "in ASCEND_CUSTOM_OPP_PATH (the header belongs in op_api/include)."
        )
    declaration, header = found
    documented, roles = headers.documented(name, header)
    try:
        named = _named(_params(declaration), [] if documented is None else _params(documented))
        params = tuple(_param(each, name, roles) for each in named)
    except AscendError as error:
        raise AscendError(f"{header}: {error}") from None
    return Signature(name, params, header)


class Plan:
    """What phase one returns: the size of the workspace in bytes and the executor, ready for phase two."""

    __slots__ = ("executor", "outputs", "workspace_size")

    def __init__(self) -> None:
        self.workspace_size, self.executor = ctypes.c_uint64(), ctypes.c_void_p()
        self.outputs = ctypes.byref(self.workspace_size), ctypes.byref(self.executor)


# Plans that wait for their next use. Each call has one to itself, also one that a finalizer makes in the
# middle of another.
_plans: list[Plan] = []


class BoundOperator:
    """Both calls of an operator, taken from the same library. Safe to use from any number of threads.

    `makers` turn the values of its parameters, in C order, into C arguments; they check nothing.
    """

    __slots__ = ("_first", "_second", "makers", "signature")

    def __init__(self, signature: Signature) -> None:
        name = signature.name
        types = [ctype_of(param.ctype, typed_pointers=False) for param in signature.params]
        self.makers = tuple(each.from_param for each in types)
        try:
            first, second = libraries.find("opapi", name + _PHASE_ONE, name)
        except MissingFunctionError as error:
            if not stub_kernels.registered(name):
                raise _without_kernel(error) from None
            first, second = stub_kernels.entry_points(name, [_record(param) for param in signature.params])
            self.makers = (_unchanged,) * len(types)
        self.signature = signature
        self._first, self._second = first, second

    def arguments(self, values: Sequence[Any]) -> list[CArgument]:
        """C arguments out of Python values: ints for handles, None for NULL. TypeError, ValueError or
        OverflowError for what C cannot hold."""
        params = self.signature.params
        if len(values) != len(params):
            raise TypeError(self._expected(f"takes {len(params)} arguments, {len(values)} given"))
        return [self._argument(*each) for each in zip(params, self.makers, values, strict=True)]

    def _argument(self, param: Param, make: Callable[[Any], CArgument], value: Any) -> CArgument:
        if isinstance(value, ctypes.c_void_p):
            return value
        ctype = ctype_of(param.ctype, typed_pointers=False)
        if ctype in LIMITS:
            ranges.checked(param.name, value, LIMITS[ctype])
        try:
            return make(value)
        except (TypeError, ctypes.ArgumentError):
            given = f"{type(value).__name__} ({value!r})"
            raise TypeError(
                self._expected(f"cannot take {given} for {param.name}, a {param.ctype}")
            ) from None

    def phase_one(self, args: Sequence[CArgument]) -> Plan:
        """Checks the arguments and plans the call, which `phase_two`, `replay` or `drop` must follow.
        AclError when the operator refuses."""
        try:
            plan = _plans.pop()
        except IndexError:
            plan = Plan()
        status = self._first(*args, *plan.outputs)
        if status:
            _plans.append(plan)
            raise AclError.from_status(self.signature.name + _PHASE_ONE, status)
        return plan

    def phase_two(self, plan: Plan, workspace: CArgument, stream: CArgument) -> None:
        """Queues the planned call on a stream. The executor belongs to the library from here on, even on
        failure."""
        status = self._second(workspace, plan.workspace_size, plan.executor, stream)
        if status:
            raise self.refused(status, plan)
        _plans.append(plan)

    def replay(self, plan: Plan, workspace: CArgument, stream: CArgument) -> Callable[[], int]:
        """Phase two of a repeatable executor, to be called any number of times; returns a status."""
        return functools.partial(self._second, workspace, plan.workspace_size, plan.executor, stream)

    def refused(self, status: int, plan: Plan) -> AclError:
        """The error for a status that phase two returned just now."""
        given = (f"workspaceSize: {plan.workspace_size.value}",)
        return AclError.from_status(self.signature.name, status, given)

    def close(self) -> None:
        """Lets go of the C functions; later calls raise."""
        self._first = self._second = libraries.closed_function

    def _expected(self, problem: str) -> str:
        params = ", ".join(f"{p.ctype} {p.name}".replace("* ", "*") for p in self.signature.params)
        return f"{self.signature.name} {problem}; its parameters are ({params})"


def _unchanged(value: Any) -> Any:
    return value


def drop(plan: Plan) -> None:
    """Destroys the executor of a planned call that will not run (again)."""
    try:
        nn.destroy_executor(plan.executor)
    finally:
        _plans.append(plan)


def bind(name: str) -> BoundOperator:
    """The operator `name` ("aclnnAbs"), bound on first use. MissingFunctionError if this CANN lacks it."""
    operator = _bound.get(name)
    if operator is None:
        libraries.check_open()
        operator = _bound.setdefault(name, BoundOperator(signature(name)))
    return operator


_bound: dict[str, BoundOperator] = {}


def _close_all() -> None:
    for operator in _bound.values():
        operator.close()


libraries.on_close(_close_all)
custom.on_change(_bound.clear)
custom.on_change(signature.cache_clear)


def _params(declaration: Declaration) -> list[Parameter]:
    *params, size, executor = (
        declaration.params if len(declaration.params) > 1 else (*declaration.params, None, None)
    )
    if size is None or executor is None or (size.ctype, executor.ctype) != ("uint64_t *", "aclOpExecutor **"):
        raise AscendError(
            f"{declaration} does not end in (uint64_t *, aclOpExecutor **); call it through ao.acl"
        )
    return [param for param in params if param is not None]


def _named(declared: list[Parameter], documented: list[Parameter]) -> list[Parameter]:
    """CANN has changed the names of parameters between releases, never their types: what a header calls
    otherwise gets its documented name, which keywords and output rules go by. A name that only stands at
    another place is no such change."""
    pairs = list(zip(declared, documented, strict=False))
    names = [[each.name for each in params] for params in (declared, documented)]
    if names[0] == names[1] or list(map(_type, declared)) != list(map(_type, documented)):
        return declared
    moved = any(a.name != b.name and (a.name in names[1] or b.name in names[0]) for a, b in pairs)
    return declared if moved else [Parameter(b.name, a.ctype) for a, b in pairs]


def _type(param: Parameter) -> str:
    return param.ctype.removeprefix("const ")


def _param(declared: Parameter, operator: str, roles: Mapping[str, str]) -> Param:
    """`roles` are those the stand-in's headers name; the others are inferred."""
    name, ctype = declared.name, declared.ctype
    kind = _KINDS.get(ctype.removeprefix("const "))
    if kind is None:
        raise AscendError(f"{operator}: no way to pass {name}, a {ctype!r}; call it through ao.acl")
    is_tensor = kind in (ParamKind.TENSOR, ParamKind.TENSOR_LIST)
    role = roles.get(name) or _role(operator, name, ctype) if is_tensor else "in"
    return Param(name, ctype, kind, role, is_optional(operator, name, ctype))


def _without_kernel(error: MissingFunctionError) -> MissingFunctionError:
    if not stub_kernels.available():
        return error
    return MissingFunctionError(f"{error} Or write its kernel in Python for the stand-in: ao.stub.kernel.")


def _record(param: Param) -> stub_kernels.Record:
    ctype = ctype_of(param.ctype, typed_pointers=False)
    return stub_kernels.Record(param.name, _STUB_KINDS[param.kind], Role[param.role.upper()], ctype)


def _role(operator: str, name: str, ctype: str) -> str:
    """By CANN's habits: what is named Ref is read and written; what is not const is written, and so is what
    is named as an output. Backward operators take forward outputs under such names."""
    if _REF.search(name):
        return "inout"
    if not ctype.startswith("const "):
        return "out"
    backward = _BACKWARD.search(operator) or _GRADIENT.search(name)
    return "out" if _OUT.search(name) and not backward else "in"
