"""Output rules: shape and dtype of an operator's outputs from its inputs, as data.

One module per family holds a table `RULES` from C operator names to `Outputs`; they are read on first use.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from ascend_ops.ops.rules._vocabulary_base import Call, Output, OutputList, Outputs, describe

__all__ = ["Call", "Output", "OutputList", "Outputs", "describe", "find", "names"]


def find(c_name: str) -> Outputs | None:
    """The rules of an operator's outputs by C parameter name, None when it has none.

    `find("aclnnAdd")["out"].shape(call)` is a shape, `.dtype(call)` an element type; an `OutputList` has
    `shapes` instead. Both raise ValueError, naming the argument, where the inputs cannot give an output.
    """
    return _merged().get(c_name)


def names() -> tuple[str, ...]:
    """The C names of the operators with rules, sorted."""
    return tuple(sorted(_merged()))


@functools.cache
def _merged() -> Mapping[str, Outputs]:
    merged: dict[str, Outputs] = {}
    for family in pkgutil.iter_modules(__path__):
        if not family.name.startswith("_"):
            _add(merged, importlib.import_module(f"{__name__}.{family.name}").RULES)
    return MappingProxyType(merged)


def _add(merged: dict[str, Outputs], rules: Mapping[str, Outputs]) -> None:
    twice = merged.keys() & rules.keys()
    if twice:
        raise RuntimeError(f"operators with two output rules: {', '.join(sorted(twice))}")
    merged.update(rules)
