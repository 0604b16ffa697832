"""Outputs that a call did not give: a rule says what they are, once for every kind of call."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any, Final

from ascend_ops._arguments import Slot
from ascend_ops._layout import Shape, checked_shape
from ascend_ops.dtypes import DType
from ascend_ops.ops import _conversion
from ascend_ops.ops._binding import MISSING
from ascend_ops.ops._signature import OperatorSignature
from ascend_ops.tensor import Tensor, new

if TYPE_CHECKING:  # the rules are many; they are read when an output is to be allocated
    from ascend_ops.ops.rules import Call, Output, OutputList, Outputs

MOST_KINDS: Final = 1024  # of calls that are remembered
Makers = tuple[tuple[int, Callable[[], Any]], ...]


class Allocation:
    """The outputs of one operator."""

    def __init__(self, signature: OperatorSignature, slots: Sequence[Slot]) -> None:
        self._signature, self._slots = signature, slots
        places = {param.c_name: place for place, param in enumerate(signature.params)}
        self.places = tuple(places[param.c_name] for param in signature.outputs)
        # Rules see shapes, dtypes, formats and attributes. A program makes the same few calls over and over.
        self._known: dict[Hashable, Makers] = {}

    @functools.cached_property
    def rules(self) -> Outputs:
        """What is known about the outputs, by C parameter name."""
        from ascend_ops.ops import rules

        return rules.find(self._signature.c_name) or {}

    def fill(self, values: list[Any]) -> None:
        """Replaces the outputs that were not given by new tensors, or by None where they may be left out."""
        for place in self.places:
            if values[place] is MISSING:
                break
        else:
            return
        key = tuple([_kind(value) for value in values])
        try:
            makers = self._known.get(key)
        except TypeError:  # an attribute that cannot be hashed
            makers = self._planned(values)
        if makers is None:
            makers = self._planned(values)
            if len(self._known) >= MOST_KINDS:
                self._known.clear()
            self._known[key] = makers
        for place, make in makers:
            values[place] = make()

    def _planned(self, values: Sequence[Any]) -> Makers:
        """How to make each output. All rules are asked first: one may refuse the call."""
        params = self._signature.params
        missing = [place for place in self.places if values[place] is MISSING]
        self._check_rules(missing)
        call = {
            param.c_name: None if value is MISSING else _conversion.plain(param, slot, value)
            for param, slot, value in zip(params, self._slots, values, strict=True)
        }
        return tuple((place, _maker(self.rules.get(params[place].c_name), call)) for place in missing)

    def _check_rules(self, missing: Sequence[int]) -> None:
        """TypeError that says how to give the outputs that no rule is known for."""
        params = [self._signature.params[place] for place in missing]
        unknown = [p.name for p in params if p.c_name not in self.rules and not p.optional]
        if not unknown:
            return
        outputs = [param.name for param in self._signature.outputs]
        each = ", ".join(f"{name}=ao.empty(shape, dtype)" for name in unknown)
        together = f", or all as out=({', '.join(outputs)})" if len(outputs) > 1 else ""
        raise TypeError(
            f"ops.{self._signature.name}: no rule says what shape and dtype {' and '.join(unknown)} must "
            f"have; give the Tensors to write: {each}{together}"
        )


def _kind(value: Any) -> Hashable:
    """What rules may look at. Equal numbers of different types are of different kinds."""
    if type(value) is Tensor:
        return (value._making or value._made())[0]
    if isinstance(value, (list, tuple)):
        return tuple(map(_kind, value))
    return type(value), value


def _maker(rule: Output | OutputList | None, call: Call) -> Callable[[], Any]:
    from ascend_ops.ops.rules import OutputList

    if rule is None or (rule.when is not None and not rule.when(call)):
        return _nothing
    dtype = rule.dtype(call)
    if isinstance(rule, OutputList):
        return functools.partial(_several, tuple(map(checked_shape, rule.shapes(call))), dtype)
    return functools.partial(new, checked_shape(rule.shape(call)), dtype)


def _nothing() -> None:
    """An output that is left out."""


def _several(shapes: Sequence[Shape], dtype: DType) -> tuple[Tensor, ...]:
    return tuple(new(shape, dtype) for shape in shapes)
