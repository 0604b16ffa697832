"""From the arguments of a Python call to one value per C parameter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NoReturn

from ascend_ops._cann.operators import ParamKind
from ascend_ops.ops._signature import OperatorSignature, Parameter


class _Missing:
    """What stands for an output that was not given: None is a null pointer."""

    def __repr__(self) -> str:
        return "<not given>"


MISSING: Final = _Missing()


class Binding:
    """Binds calls of one operator: inputs by position or name, outputs by name, names in Python or in C."""

    def __init__(self, signature: OperatorSignature) -> None:
        self._signature = signature
        places = {param.c_name: place for place, param in enumerate(signature.params)}
        self._inputs = tuple(places[param.c_name] for param in signature.inputs)
        self._outputs = tuple(places[param.c_name] for param in signature.outputs)
        self._places = {**places, **{param.name: places[param.c_name] for param in signature.params}}
        # As many inputs as there are, if they come first in C and are followed by outputs.
        self._leading = len(self._inputs) if self._inputs == tuple(range(len(self._inputs))) else -1
        self._outputs_missing = [MISSING] * (len(signature.params) - len(self._inputs))
        # Names in C, by which an argument may be given too, and those in Python.
        self.spellings = {param.c_name: param.name for param in signature.params}

    def bind(self, args: Sequence[Any], named: Mapping[str, Any]) -> list[Any]:
        """The values in C order; MISSING for outputs that were not given. TypeError for calls that do not fit
        the signature."""
        if not named and len(args) == self._leading:  # the usual call, and no more to do for it
            return [*args, *self._outputs_missing]
        values: list[Any] = [MISSING] * len(self._signature.params)
        self._check_count(args)
        for place, value in zip(self._inputs, args, strict=False):
            values[place] = value
        for name, value in named.items():
            self._put(values, name, value)
        self._fill(values, self._inputs[len(args) :])
        return values

    def arguments(self, args: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
        """All arguments by their names in Python. TypeError for too many of them, and for one given twice."""
        self._check_count(args)
        inputs = self._signature.inputs
        given = {param.name: value for param, value in zip(inputs, args, strict=False)}
        for name, value in named.items():
            own = self.spellings.get(name, name)
            if own in given:
                self._refuse(f"was given {own} twice")
            given[own] = value
        return given

    def _check_count(self, args: Sequence[Any]) -> None:
        if len(args) > len(self._inputs):
            self._refuse(f"takes {len(self._inputs)} arguments by position, {len(args)} were given")

    def _put(self, values: list[Any], name: str, value: Any) -> None:
        place = self._places.get(name)
        if name == "out" and self._means_all(place, value):
            for each, output in self._each_output(value):
                self._set(values, each, output)
        elif place is None:
            self._refuse(f"has no parameter {name!r}")
        else:
            self._set(values, place, value)

    def _set(self, values: list[Any], place: int, value: Any) -> None:
        if values[place] is not MISSING:
            self._refuse(f"was given {self._signature.params[place].name} twice")
        values[place] = value

    def _means_all(self, place: int | None, value: Any) -> bool:
        """Whether `out=value` is about all outputs, not about the one that is called out."""
        if place is None:
            return bool(self._outputs)
        listed = self._signature.params[place].kind is ParamKind.TENSOR_LIST
        return len(self._outputs) > 1 and isinstance(value, (tuple, list)) and not listed

    def _each_output(self, value: Any) -> Iterable[tuple[int, Any]]:
        if len(self._outputs) == 1:
            return ((self._outputs[0], value),)
        names = ", ".join(param.name for param in self._signature.outputs)
        if not isinstance(value, (tuple, list)):
            self._refuse(f"writes {names}: out must be a tuple of these, not {type(value).__name__}")
        if len(value) != len(self._outputs):
            self._refuse(f"writes {names}: out must be a tuple of {len(self._outputs)}, not of {len(value)}")
        return zip(self._outputs, value, strict=True)

    def _fill(self, values: list[Any], places: Sequence[int]) -> None:
        """None for the optional inputs at `places` that were not given."""
        lacking = [place for place in places if values[place] is MISSING]
        params = self._signature.params
        names = [params[place].name for place in lacking if not params[place].optional]
        if names:
            self._refuse(f"needs {' and '.join(names)}")
        for place in lacking:
            values[place] = None

    def _refuse(self, problem: str) -> NoReturn:
        raise TypeError(f"ops.{self._signature.name} {problem}; {_summary(self._signature)}")


def _summary(signature: OperatorSignature) -> str:
    inputs = _listed(signature.inputs) or "none"
    outputs = _listed(signature.outputs)
    return f"its parameters are {inputs}" + (f"; its outputs, by name, are {outputs}" if outputs else "")


def _listed(params: Iterable[Parameter]) -> str:
    return ", ".join(f"{param.name}=None" if param.optional else param.name for param in params)
