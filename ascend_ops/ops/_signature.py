"""What an operator takes, by the names it has in Python, and the inspect.Signature made of that."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

from ascend_ops._cann.operators import ParamKind, Signature
from ascend_ops.ops._names import operator_name, snake

TENSORS: Final = (ParamKind.TENSOR, ParamKind.TENSOR_LIST)


class Parameter(NamedTuple):
    """One parameter of an operator.

    name      in Python: "self_ref"
    c_name    in C: "selfRef"
    ctype     C type: "const aclTensor *"
    kind      what Python passes for it
    role      "in", "out" (a tensor that the operator writes), "inout" (one that it reads and writes)
    optional  whether None, a null pointer in C, is the default
    """

    name: str
    c_name: str
    ctype: str
    kind: ParamKind
    role: str
    optional: bool

    def __str__(self) -> str:
        return f"{self.ctype}{'' if self.ctype.endswith('*') else ' '}{self.c_name}"


@dataclass(frozen=True, repr=False)
class OperatorSignature:
    """An operator's parameters in C order, without workspaceSize and executor, as `header` declares them."""

    name: str
    c_name: str
    params: tuple[Parameter, ...]
    header: Path | None

    @staticmethod
    def of(found: Signature) -> OperatorSignature:
        """From what was read in a header."""
        params = tuple(
            Parameter(snake(p.name), p.name, p.ctype, p.kind, p.role, p.optional) for p in found.params
        )
        return OperatorSignature(operator_name(found.name), found.name, params, found.header)

    @cached_property
    def inputs(self) -> tuple[Parameter, ...]:
        """What a call gives, by position or name: all but the outputs."""
        return tuple(param for param in self.params if param.role != "out")

    @cached_property
    def outputs(self) -> tuple[Parameter, ...]:
        """The tensors that only the operator writes: given by name, or allocated."""
        return tuple(param for param in self.params if param.role == "out")

    @cached_property
    def results(self) -> tuple[Parameter, ...]:
        """What a call returns: the outputs, then what is written in place."""
        return (*self.outputs, *(param for param in self.params if param.role == "inout"))

    def __repr__(self) -> str:
        return f"<signature of {self.c_name}: {self.name}{python_signature(self)}>"

    def __str__(self) -> str:
        """The prototype of phase one."""
        tail = ("uint64_t *workspaceSize", "aclOpExecutor **executor")
        params = ",\n    ".join((*map(str, self.params), *tail))
        return f"aclnnStatus {self.c_name}GetWorkspaceSize(\n    {params})"


class _Default:
    """A default that only says in words what happens without the argument."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


# C has required parameters behind optional ones, which Python's grammar has not.
REQUIRED: Final = _Default("<required>")
ALLOCATED: Final = _Default("<allocated>")


def python_signature(signature: OperatorSignature, allocated: Iterable[str] = ()) -> inspect.Signature:
    """How the operator is called; `allocated` are the C names of the outputs that need not be given."""
    params = []
    optional_seen = False
    for param in signature.inputs:
        optional_seen = optional_seen or param.optional
        default = None if param.optional else REQUIRED if optional_seen else inspect.Parameter.empty
        params.append(inspect.Parameter(param.name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default))
    for param in signature.outputs:
        default = ALLOCATED if param.c_name in allocated else None if param.optional else REQUIRED
        params.append(inspect.Parameter(param.name, inspect.Parameter.KEYWORD_ONLY, default=default))
    if signature.outputs and "out" not in {param.name for param in signature.params}:
        params.append(inspect.Parameter("out", inspect.Parameter.KEYWORD_ONLY, default=None))
    return inspect.Signature(params)
