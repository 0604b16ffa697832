"""The help text of an operator, from its signature and its output rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from ascend_ops._cann.operators import ParamKind
from ascend_ops.ops._found import FOUND
from ascend_ops.ops._signature import OperatorSignature, Parameter

if TYPE_CHECKING:
    from ascend_ops.ops.rules import Outputs

_VALUES: Final[Mapping[ParamKind, str]] = {
    ParamKind.TENSOR: "Tensor or array-like",
    ParamKind.TENSOR_LIST: "sequence of Tensors or array-likes",
    ParamKind.SCALAR: "number; NumPy's keep their type",
    ParamKind.SCALAR_LIST: "sequence of numbers",
    ParamKind.INT_ARRAY: "sequence of integers",
    ParamKind.FLOAT_ARRAY: "sequence of real numbers",
    ParamKind.BOOL_ARRAY: "sequence of bools",
    ParamKind.INT: "integer",
    ParamKind.REAL: "real number",
    ParamKind.BOOL: "True or False",
    ParamKind.STRING: "str",
    ParamKind.DTYPE: "element type",
}


def document(signature: OperatorSignature, call: str, rules: Outputs) -> str:
    """What `help` shows; `call` is the signature in Python."""
    parts = [
        f"{signature.name}{call}",
        f"{signature.c_name} of CANN, queued on the current stream.",
        _table(signature, rules),
        _returns(signature),
        f"{signature}",
        f"Declared in {signature.header}; called in the home's operator libraries (family opapi), or in the "
        "custom package that has it.",
    ]
    return "\n\n".join(part for part in parts if part)


def _table(signature: OperatorSignature, rules: Outputs) -> str:
    rows = [(param.name, str(param), _explained(param, rules)) for param in signature.params]
    first, second = (max((len(row[i]) for row in rows), default=0) for i in (0, 1))
    return "\n".join(f"    {name:<{first}}  {ctype:<{second}}  {text}" for name, ctype, text in rows)


def _explained(param: Parameter, rules: Outputs) -> str:
    if param.role == "out":
        return f"output, {_given(param, rules)}"
    listed = param.kind is ParamKind.TENSOR_LIST
    written = "sequence of Tensors, written in place" if listed else "Tensor, written in place"
    text = written if param.role == "inout" else _VALUES[param.kind]
    return f"{text}; default None" if param.optional else text


def _given(param: Parameter, rules: Outputs) -> str:
    rule = rules.get(param.c_name)
    if rule is not None:
        return f"allocated unless given: {rule.describe()}"
    if param.optional:
        return "left out unless given"
    return "no rule is known: give " + (
        "the Tensors to write" if param.kind is ParamKind.TENSOR_LIST else "the Tensor to write"
    )


def _returns(signature: OperatorSignature) -> str:
    names = [param.name for param in signature.results]
    found = [param.name for param in signature.results if param.c_name in FOUND.get(signature.c_name, ())]
    if not names:
        return "Returns None."
    returned = f"Returns {names[0]}." if len(names) == 1 else f"Returns the tuple ({', '.join(names)})."
    if not found:
        return returned
    return (
        f"{returned}\nOnly the data tells how much is found, so the call waits for its stream; of "
        f"{' and '.join(found)} it returns the part\nthat was found, a view of what was allocated or given."
    )
