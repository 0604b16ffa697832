"""What is known of one operator, for `ops show`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from ascend_ops import ops
from ascend_ops._cann import inventory, libraries, operators, stand_in
from ascend_ops._cann.homes import find_home
from ascend_ops._cann.operators import Param
from ascend_ops.ops import rules
from ascend_ops.ops._names import operator_name, snake
from ascend_ops.ops._signature import TENSORS


@dataclass(frozen=True)
class Parameter:
    """One C parameter; `role` is "in", "out" or "inout", None for what is no tensor."""

    name: str
    python: str
    type: str
    role: str | None


@dataclass(frozen=True)
class About:
    """`signature` is the Python one. None are: `documentation` without a hand-written function, `library`
    where none exports the operator, `kernel` where the stand-in does not provide it, `outputs` (how they
    follow from inputs, in words) without an output rule."""

    name: str
    python: str
    signature: str
    documentation: str | None
    parameters: list[Parameter]
    header: str
    library: str | None
    kernel: bool | None
    outputs: str | None

    @property
    def prototype(self) -> str:
        """Phase one in C, a parameter a line, with the roles of tensors."""
        params = [f"{_joined(each)},{_comment(each.role)}" for each in self.parameters]
        lines = [*params, "uint64_t *workspaceSize,", "aclOpExecutor **executor);"]
        return "\n    ".join([f"aclnnStatus {self.name}GetWorkspaceSize(", *lines])

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "prototype": self.prototype}


def describe(name: str) -> About:
    """Looks everything up; `name` is the operator's C name."""
    found = operators.signature(name)
    home = find_home()
    providers = inventory.providers(libraries.files("opapi", home))
    library = providers.get(name)
    python = operator_name(name)
    function = getattr(ops, python)
    rule = rules.find(name)
    return About(
        name=name,
        python=python,
        signature=f"{python}{_call(function)}",
        documentation=_first_sentence(function),
        parameters=[_parameter(param) for param in found.params],
        header=str(found.header),
        library=None if library is None else str(library),
        kernel=stand_in.kernels(home, [name], providers).get(name),
        outputs=None if rule is None else rules.describe(rule),
    )


def _first_sentence(function: Any) -> str | None:
    """Of the documentation of a function written by hand; the others' repeats what is shown here."""
    if not inspect.isfunction(function):
        return None
    first, *_ = (inspect.getdoc(function) or "").split("\n\n")
    return re.split(r"(?<=\.)\s", first)[0].replace("\n", " ")


def _call(function: Any) -> str:
    """The Python signature, without types."""
    signature = inspect.signature(function)
    params = [param.replace(annotation=inspect.Parameter.empty) for param in signature.parameters.values()]
    return str(inspect.Signature(params))


def _parameter(param: Param) -> Parameter:
    role = param.role if param.kind in TENSORS else None
    return Parameter(param.name, snake(param.name), param.ctype, role)


def as_text(about: About) -> str:
    return "\n".join(_lines(about))


def _lines(about: About) -> Iterator[str]:
    yield f"ao.ops.{about.signature}"
    if about.documentation is not None:
        yield f"    {about.documentation}"
    yield ""
    yield about.prototype
    yield ""
    yield f"Header       {about.header}"
    yield f"Library      {about.library or 'none: no library of this home exports it'}"
    if about.kernel is not None:
        yield f"Kernel       {_KERNEL[about.kernel]}"
    yield from _outputs(about)


_KERNEL = {
    True: "yes, the stand-in computes it",
    False: "no; register one with ao.stub.kernel, or run on an NPU",
}


def _joined(parameter: Parameter) -> str:
    return f"{parameter.type}{'' if parameter.type.endswith('*') else ' '}{parameter.name}"


def _comment(role: str | None) -> str:
    return "" if role is None else f"  /* {role} */"


def _outputs(about: About) -> Iterator[str]:
    first, *others = (about.outputs or _without_rule(about)).splitlines()
    yield f"Output rule  {first}"
    yield from (f"             {line}" for line in others)


def _without_rule(about: About) -> str:
    if any(each.role == "out" for each in about.parameters):
        return "none: give the outputs"
    return "none needed: there are no outputs to allocate"
