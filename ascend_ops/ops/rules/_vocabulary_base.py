"""What an output rule is made of: the types, access to the call's arguments, and their refusals."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeVar

from ascend_ops._layout import Shape
from ascend_ops.dtypes import DType
from ascend_ops.ops import _names

__all__ = [
    "Call",
    "Condition",
    "DTypeRule",
    "Output",
    "OutputList",
    "Outputs",
    "Rule",
    "ShapeRule",
    "ShapesRule",
    "axis",
    "describe",
    "flag",
    "integers",
    "is_tensor",
    "length",
    "number",
    "refuse",
    "shape_of",
    "snake",
    "tensor",
    "tensors",
]

Call = Mapping[str, Any]
"""A call's arguments by C parameter name: Tensors for aclTensor*, tuples of Tensors for lists, numbers for
scalars and attributes, tuples for arrays, DType for aclDataType, None for what is absent.
"""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Rule(Generic[Result]):
    """An expression over the arguments: `text` says it in words, `of` computes it."""

    text: str
    of: Callable[[Call], Result]

    def __call__(self, call: Call) -> Result:
        return self.of(call)

    def describe(self) -> str:
        """The rule in words."""
        return self.text


class ShapeRule(Rule[Shape]):
    """The shape of an output."""


class ShapesRule(Rule[tuple[Shape, ...]]):
    """The shapes of a list of outputs, whose number may depend on the arguments."""


class DTypeRule(Rule[DType]):
    """The element type of an output."""


class Condition(Rule[bool]):
    """Whether an output exists in a call, or which of two rules counts."""


@dataclass(frozen=True)
class Output:
    """How one output tensor (aclTensor*) follows from the inputs.

    `when` says whether the call has this output at all; where it does not, nothing is allocated and the C
    function is given a null pointer.
    """

    shape: ShapeRule
    dtype: DTypeRule
    when: Condition | None = None

    def describe(self) -> str:
        """The output in words: "shape of self, dtype of self"."""
        return f"{self.shape.describe()}; {self.dtype.describe()}" + _when(self.when)


@dataclass(frozen=True)
class OutputList:
    """How an aclTensorList* of outputs follows from the inputs; all have the same dtype."""

    shapes: ShapesRule
    dtype: DTypeRule
    when: Condition | None = None

    def describe(self) -> str:
        """The outputs in words."""
        return f"list of {self.shapes.describe()}; {self.dtype.describe()}" + _when(self.when)


Outputs = Mapping[str, Output | OutputList]
"""The outputs of an operator by C parameter name, in the order of the prototype."""


def _when(condition: Condition | None) -> str:
    return "" if condition is None else f"; only when {condition.describe()}"


def describe(outputs: Outputs) -> str:
    """The rules of an operator in words, one line per output, names in snake case."""
    return "\n".join(f"{snake(name)}: {output.describe()}" for name, output in outputs.items())


snake = functools.cache(_names.snake)


def refuse(name: str, problem: str) -> NoReturn:
    """ValueError about an argument, which is named in snake case."""
    raise ValueError(f"{snake(name)}: {problem}")


def is_tensor(value: object) -> bool:
    """Whether an argument is a tensor (and not a number, a list or absent)."""
    return hasattr(value, "shape") and hasattr(value, "dtype") and not hasattr(value, "__array_interface__")


def tensor(call: Call, name: str) -> Any:
    """The tensor that was given for `name`; ValueError when it is absent."""
    value = call[name]
    if value is None:
        refuse(name, "is None, but the outputs follow from it; give the tensor, or give the outputs")
    return value


def shape_of(call: Call, name: str) -> Shape:
    """Shape of a tensor argument."""
    return tuple(tensor(call, name).shape)


def tensors(call: Call, name: str) -> tuple[Any, ...]:
    """The tensors of a list argument; ValueError when there are none."""
    values = tuple(call[name] or ())
    if not values:
        refuse(name, "is empty; give at least one tensor")
    return values


def integers(call: Call, name: str) -> tuple[int, ...]:
    """The integers of an array attribute; an absent array counts as empty, a single number as an array."""
    value = call[name]
    if value is None:
        return ()
    return tuple(int(each) for each in value) if isinstance(value, (tuple, list)) else (int(value),)


def number(call: Call, attribute: int | str) -> int:
    """An integer attribute by name, or the integer itself."""
    if isinstance(attribute, int):
        return attribute
    value = call[attribute]
    if value is None:
        refuse(attribute, "is None, but the outputs follow from it; give an integer")
    return int(value)


def flag(call: Call, attribute: bool | str) -> bool:
    """A boolean attribute by name, or the truth value itself."""
    return attribute if isinstance(attribute, bool) else bool(call[attribute])


def axis(call: Call, attribute: int | str, rank: int) -> int:
    """An axis as a number from 0 on; 0-d tensors count as having one. ValueError when out of range."""
    given, axes = number(call, attribute), max(rank, 1)
    if not -axes <= given < axes:
        refuse(
            attribute if isinstance(attribute, str) else "dim",
            f"axis {given} is out of range for {rank} dimension(s); allowed are {-axes} to {axes - 1}",
        )
    return given % axes


def length(call: Call, attribute: int | str) -> int:
    """A number of elements; ValueError when it is negative."""
    value = number(call, attribute)
    if value < 0:
        refuse(str(attribute), f"is {value}, but a number of elements cannot be negative")
    return value
