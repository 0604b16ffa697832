"""Any operator as a Python callable, made from its declaration in CANN's headers on first use."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, NoReturn

from ascend_ops import dispatch
from ascend_ops._arguments import Slot, slots_of
from ascend_ops._cann import custom, headers, operators
from ascend_ops._cann.errors import MissingFunctionError
from ascend_ops._cann.homes import find_home
from ascend_ops.ops import _conversion
from ascend_ops.ops._allocation import Allocation
from ascend_ops.ops._binding import MISSING, Binding
from ascend_ops.ops._found import FOUND
from ascend_ops.ops._names import is_c_name, operator_name
from ascend_ops.ops._signature import TENSORS, OperatorSignature, python_signature
from ascend_ops.prepared import PreparedCall
from ascend_ops.tensor import Tensor

if TYPE_CHECKING:  # the rules are many; they are read when an output is to be allocated
    from ascend_ops.ops.rules import Outputs


class Operator:
    # No docstring: `__doc__` below is that of each operator.

    def __init__(self, found: operators.Signature) -> None:
        self.signature = OperatorSignature.of(found)
        self.name, self.c_name = self.signature.name, self.signature.c_name
        self.__name__ = self.__qualname__ = self.name
        self.__module__ = "ascend_ops.ops"
        self._found, params = found, self.signature.params
        names, found_names = tuple(param.name for param in params), FOUND.get(self.c_name, ())
        tells = tuple(place for place, param in enumerate(params) if param.c_name in found_names)
        self._operator = dispatch.Operator(self.c_name, names, tells=tells)
        self._results = tuple(params.index(param) for param in self.signature.results)
        self._tensors = tuple(place for place, param in enumerate(params) if param.kind in TENSORS)
        self._attributes = tuple(place for place, param in enumerate(params) if param.kind not in TENSORS)

    # What only calls need, not those who look an operator up.

    @functools.cached_property
    def _binding(self) -> Binding:
        return Binding(self.signature)

    @functools.cached_property
    def _slots(self) -> tuple[Slot, ...]:
        return slots_of(self.c_name, self._found.params, self._operator.names)

    @functools.cached_property
    def _allocation(self) -> Allocation:
        return Allocation(self.signature, self._slots)

    def __call__(self, /, *args: Any, **named: Any) -> Any:
        """Queues the operator on the current stream; see `help` of the operator."""
        values = self._binding.bind(args, named)
        self._convert(values)
        self._allocation.fill(values)
        found = self._operator.launch(values)
        if found is not None:
            for place, shape in zip(self._operator.tells, found, strict=True):
                values[place] = values[place]._found(shape)
        results = tuple([values[place] for place in self._results])
        return results if len(results) > 1 else results[0] if results else None

    def prepare(self, /, *args: Any, **named: Any) -> PreparedCall[Any]:
        """As the call itself, but queues nothing: returns a PreparedCall, which does when it is called."""
        return PreparedCall(self, self._binding.arguments(args, named), self._binding.spellings)

    def _convert(self, values: list[Any]) -> None:
        """Attributes first: they are refused before an array-like is uploaded for nothing."""
        params = self.signature.params
        for place in self._attributes:
            values[place] = _conversion.attribute(params[place], self._slots[place], values[place])
        for place in self._tensors:
            value = values[place]
            if type(value) is not Tensor and value is not MISSING:
                values[place] = _conversion.tensors(params[place], value)

    @property
    def rules(self) -> Outputs:
        """What is known about the outputs, by C parameter name."""
        return self._allocation.rules

    @property
    def __signature__(self) -> inspect.Signature:
        return python_signature(self.signature, self.rules)

    @property
    def __doc__(self) -> str:  # type: ignore[override]
        from ascend_ops.ops._document import document

        return document(self.signature, str(self.__signature__), self.rules)

    def __repr__(self) -> str:
        return f"<operator {self.name}{self.__signature__}, {self.c_name}>"


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
