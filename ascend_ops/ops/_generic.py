"""Any operator as a Python callable, made from its declaration in CANN's headers on first use."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from ascend_ops import dispatch
from ascend_ops._arguments import slots_of
from ascend_ops._cann import custom, headers, operators
from ascend_ops._cann.errors import MissingFunctionError
from ascend_ops._cann.homes import find_home
from ascend_ops.ops import _conversion
from ascend_ops.ops._binding import MISSING, Binding
from ascend_ops.ops._names import is_c_name, operator_name
from ascend_ops.ops._signature import TENSORS, OperatorSignature, python_signature
from ascend_ops.tensor import empty

if TYPE_CHECKING:  # the rules are many; they are read when an output is to be allocated
    from ascend_ops.ops.rules import Call, Output, OutputList, Outputs


class Operator:
    # No docstring: `__doc__` below is that of each operator.

    def __init__(self, found: operators.Signature) -> None:
        self.signature = OperatorSignature.of(found)
        self.name, self.c_name = self.signature.name, self.signature.c_name
        self.__name__ = self.__qualname__ = self.name
        self.__module__ = "ascend_ops.ops"
        self._binding = Binding(self.signature)
        self._slots = slots_of(self.c_name, found.params)
        places = {param.c_name: place for place, param in enumerate(self.signature.params)}
        self._outputs = tuple(places[param.c_name] for param in self.signature.outputs)
        self._results = tuple(places[param.c_name] for param in self.signature.results)

    def __call__(self, /, *args: Any, **named: Any) -> Any:
        """Queues the operator on the current stream; see `help` of the operator."""
        values = self._binding.bind(args, named)
        self._convert(values)
        if any(values[place] is MISSING for place in self._outputs):
            self._allocate(values)
        dispatch.launch(self.c_name, values)
        results = tuple(values[place] for place in self._results)
        return results if len(results) > 1 else results[0] if results else None

    def _convert(self, values: list[Any]) -> None:
        """Attributes first: they are refused before an array-like is uploaded for nothing."""
        params = self.signature.params
        for place, param in enumerate(params):
            if param.kind not in TENSORS:
                values[place] = _conversion.attribute(param, self._slots[place], values[place])
        for place, param in enumerate(params):
            if param.kind in TENSORS and values[place] is not MISSING:
                values[place] = _conversion.tensors(param, values[place])

    def _allocate(self, values: list[Any]) -> None:
        """Replaces the outputs that were not given by new tensors, or by None where they may be left out."""
        missing = [place for place in self._outputs if values[place] is MISSING]
        names = {place: self.signature.params[place] for place in missing}
        unknown = [p.name for p in names.values() if p.c_name not in self.rules and not p.optional]
        if unknown:
            raise TypeError(_give_outputs(self.signature, unknown))
        call = {
            param.c_name: None if value is MISSING else _conversion.plain(param, slot, value)
            for param, slot, value in zip(self.signature.params, self._slots, values, strict=True)
        }
        plans = {place: _planned(self.rules.get(param.c_name), call) for place, param in names.items()}
        for place, make in plans.items():
            values[place] = make()

    @functools.cached_property
    def rules(self) -> Outputs:
        """What is known about the outputs, by C parameter name."""
        from ascend_ops.ops import rules

        return rules.find(self.c_name) or {}

    @property
    def __signature__(self) -> inspect.Signature:
        return python_signature(self.signature, self.rules)

    @property
    def __doc__(self) -> str:  # type: ignore[override]
        from ascend_ops.ops._document import document

        return document(self.signature, str(self.__signature__), self.rules)

    def __repr__(self) -> str:
        return f"<operator {self.name}{self.__signature__}, {self.c_name}>"


def _planned(rule: Output | OutputList | None, call: Call) -> Callable[[], Any]:
    """How to make an output; its shape and dtype are worked out now, while a rule may refuse the call."""
    from ascend_ops.ops.rules import OutputList

    if rule is None or (rule.when is not None and not rule.when(call)):
        return lambda: None
    dtype = rule.dtype(call)
    if isinstance(rule, OutputList):
        shapes = rule.shapes(call)
        return lambda: tuple(empty(shape, dtype) for shape in shapes)
    return functools.partial(empty, rule.shape(call), dtype)


def _give_outputs(signature: OperatorSignature, unknown: Sequence[str]) -> str:
    outputs = [param.name for param in signature.outputs]
    each = ", ".join(f"{name}=ao.empty(shape, dtype)" for name in unknown)
    together = f", or all as out=({', '.join(outputs)})" if len(outputs) > 1 else ""
    return (
        f"ops.{signature.name}: no rule says what shape and dtype {' and '.join(unknown)} must have; "
        f"give the Tensors to write: {each}{together}"
    )


@functools.cache
def find(name: str) -> Operator:
    """The operator "add_rms_norm" or "aclnnAddRmsNorm" of the home in use. MissingFunctionError, which is an
    AttributeError, when no header declares it; AscendError when a header does in a way that no call can be
    made of."""
    if not is_c_name(name):
        found = headers.find_operator(name, lambda c_name: operator_name(c_name) == name)
        return _refuse(name) if found is None else find(found)
    try:
        return Operator(operators.signature(name))
    except MissingFunctionError:
        return _refuse(name)


custom.on_change(find.cache_clear)


def names() -> list[str]:
    """The operators of the home in use and of its custom packages, by their names in Python, sorted."""
    return sorted(map(operator_name, headers.operators()))


def _refuse(name: str) -> NoReturn:
    import difflib

    known = headers.operators()
    close = difflib.get_close_matches(name, known if is_c_name(name) else names(), 3)
    hint = f" did you mean {', '.join(close)}?" if close else ""
    raise MissingFunctionError(
        f"no header declares an operator {name!r};{hint} dir(ascend_ops.ops) lists what {find_home().root} "
        "has. A custom operator's package belongs in ASCEND_CUSTOM_OPP_PATH, its header in op_api/include."
    ) from None
