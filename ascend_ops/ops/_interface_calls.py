"""The calls of an operator as definitions of a stub file.

A stub says which calls are understood; what an operator accepts is the library's to say. So None, a null
pointer, is allowed for whatever C takes by pointer: CANN marks only some of what may be left out. The names
of C are not in it, editors shall complete those of Python.

Two things that a single Python signature cannot say are overloads: required arguments behind optional ones,
and outputs that must be given, each by its name or all of them as `out`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ascend_ops._cann.operators import ParamKind
from ascend_ops.ops._signature import OperatorSignature, Parameter
from ascend_ops.ops.rules import Outputs, find

_NAMED: Final = "*"
_RECEIVER: Final = "_operator"  # of methods: `self` is what many operators call their input

_TYPES: Final = {
    ParamKind.TENSOR: "TensorLike | None",
    ParamKind.TENSOR_LIST: "_Tensors | None",
    ParamKind.SCALAR: "_Number | None",
    ParamKind.SCALAR_LIST: "_Numbers | None",
    ParamKind.INT_ARRAY: "_Ints | None",
    ParamKind.FLOAT_ARRAY: "_Reals | None",
    ParamKind.BOOL_ARRAY: "_Bools | None",
    ParamKind.INT: "_Int",
    ParamKind.REAL: "_Real",
    ParamKind.BOOL: "_Bool",
    ParamKind.STRING: "str | None",
    ParamKind.DTYPE: "_DTypeLike",
}
# What an operator writes is no array-like: the result would be in a copy that nobody has.
_WRITTEN: Final = {ParamKind.TENSOR: "Tensor", ParamKind.TENSOR_LIST: "Sequence[Tensor]"}
_RETURNED: Final = {ParamKind.TENSOR: "Tensor", ParamKind.TENSOR_LIST: "tuple[Tensor, ...]"}


def definitions(signature: OperatorSignature) -> str:
    """What an operator is: a function, or where there are several ways to call it an object with overloads.
    Both have `prepare`."""
    known = find(signature.c_name) or {}
    returned = _returned(signature, known)
    calls = [[*inputs, *outputs] for inputs in _inputs(signature) for outputs in _outputs(signature, known)]
    if len(calls) == 1:
        return f"@preparable\n{_definition(signature.name, calls[0], returned)}"
    kind = f"_{signature.name}"
    overloads = [_definition("__call__", [_RECEIVER, *call], returned) for call in calls]
    methods = "".join(f"    @overload\n    {each}" for each in overloads)
    return f"class {kind}(_Overloaded[{returned}]):\n{methods}{signature.name}: {kind}\n"


def _inputs(signature: OperatorSignature) -> Iterator[list[str]]:
    """The inputs: all by position, and for each optional one with a required one behind it the call that
    leaves it out and names what follows."""
    params = signature.inputs
    last = max((i for i, param in enumerate(params) if not param.optional), default=-1)
    yield [*map(_required, params[: last + 1]), *map(_input, params[last + 1 :])]
    for start in range(last):
        if params[start].optional and not (start and params[start - 1].optional):
            end = next(i for i in range(start, len(params)) if not params[i].optional)
            named = [_NAMED, *map(_input, params[end:])]
            yield [*map(_required, params[:start]), *map(_input, params[start:end]), *named]


def _required(param: Parameter) -> str:
    return f"{param.name}: {_type(param)}"


def _input(param: Parameter) -> str:
    return _required(param) + (" = None" if param.optional else "")


def _type(param: Parameter) -> str:
    if param.role != "in":
        return f"{_WRITTEN[param.kind]} | None"
    if param.kind is ParamKind.INT and param.name.endswith("type"):
        return "_IntOrDType"  # most are aclDataType codes
    return _TYPES[param.kind]


def _outputs(signature: OperatorSignature, known: Outputs) -> Iterator[list[str]]:
    """The outputs by name: each by its own, or all as `out`, unless that is the name of a list."""
    params = signature.outputs
    named = {param.name: _output(param, known) for param in params}
    if [*named] in ([], ["out"]) or any(p.name == "out" and p.kind is ParamKind.TENSOR_LIST for p in params):
        yield [_NAMED, *named.values()]
    elif any(_needed(param, known) for param in params):
        yield [_NAMED, *named.values()]
        yield [_NAMED, f"out: {_together(params)}"]
    else:
        own = "".join(f" | {_type(param)}" for param in params if param.name == "out")
        yield [_NAMED, *{**named, "out": f"out: {_together(params)}{own} = ..."}.values()]


def _needed(param: Parameter, known: Outputs) -> bool:
    return param.c_name not in known and not param.optional


def _output(param: Parameter, known: Outputs) -> str:
    if _needed(param, known):
        return _required(param)
    return _required(param) + (" = ..." if param.c_name in known else " = None")


def _together(params: Sequence[Parameter]) -> str:
    types = [_type(param) for param in params]
    return types[0] if len(types) == 1 else f"tuple[{', '.join(types)}]"


def _returned(signature: OperatorSignature, known: Outputs) -> str:
    types = [_result(param, known) for param in signature.results]
    if not types:
        return "None"
    return types[0] if len(types) == 1 else f"tuple[{', '.join(types)}]"


def _result(param: Parameter, known: Outputs) -> str:
    """None is returned for what was left out, by the caller or by the rule."""
    rule = known.get(param.c_name)
    absent = param.optional if rule is None else rule.when is not None
    return _RETURNED[param.kind] + (" | None" if absent else "")


def _definition(name: str, params: Sequence[str], returned: str) -> str:
    """A line, however long: the file is short to read, and a change to a rule is a line of a diff."""
    return f"def {name}({', '.join(_marked(params))}) -> {returned}: ...\n"


def _marked(params: Sequence[str]) -> list[str]:
    """With one mark in front of what is given by name, and none where nothing is."""
    first = params.index(_NAMED) if _NAMED in params else len(params)
    named = [param for param in params[first:] if param != _NAMED]
    return [*params[:first], *([_NAMED, *named] if named else [])]
