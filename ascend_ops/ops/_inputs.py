"""Arguments of operator functions: array-likes become Tensors, output tensors of the caller are counted."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from ascend_ops import _host
from ascend_ops.dtypes import DType
from ascend_ops.tensor import Tensor, asarray

if TYPE_CHECKING:  # numpy.typing is dear to import
    import numpy.typing as npt

    TensorLike: TypeAlias = Tensor | npt.ArrayLike

Outputs: TypeAlias = Sequence[Tensor | None]


def tensor(name: str, value: TensorLike | None, default: DType | None = None) -> Tensor | None:
    """`value` as a Tensor, uploaded to the current device if it is none; None stays None.

    `default` is the element type for Python numbers and lists, which have none of their own; arrays keep
    theirs.
    """
    if value is None or isinstance(value, Tensor):
        return value
    if default is not None and not hasattr(value, "dtype"):
        _check_numbers(name, value, default)
    else:
        default = None
    return asarray(*_host.array(value, default, name))


def tensors(values: Mapping[str, TensorLike | None], default: DType) -> list[Tensor | None]:
    """Each of the values as `tensor` does, by its name."""
    return [
        value if value is None or type(value) is Tensor else tensor(name, value, default)
        for name, value in values.items()
    ]


def _check_numbers(name: str, value: npt.ArrayLike, default: DType) -> None:
    """Refuses numbers that would be truncated: NumPy makes 2 of 2.5 when it is told to make integers."""
    if default.host().kind == "i":
        given = _host.as_numpy(value, name)
        if given.size and given.dtype.kind not in "iu":
            raise TypeError(f"{name}: {given.dtype} elements; {default} wants integers")


def flag(name: str, value: object) -> bool:
    """`value`, which must be a bool."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    raise TypeError(f"{name} must be True or False, not {type(value).__name__} ({reprlib.repr(value)})")


def required(name: str, value: Tensor | None) -> Tensor:
    """For arguments that the outputs' shapes follow from."""
    if value is None:
        raise TypeError(f"{name} is None; give a Tensor or an array: the shape of the result follows from it")
    return value


def outputs(out: Outputs, names: Sequence[str]) -> Outputs:
    """The caller's tensors, one per name. Their dtypes and shapes are the library's to check."""
    given = (out,) if isinstance(out, Tensor) else out
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise TypeError(f"out must be a Tensor or a tuple of {len(names)}, not {type(out).__name__}")
    if len(given) != len(names):
        raise ValueError(f"out has {len(given)} entries; this call writes {len(names)}: {', '.join(names)}")
    for name, each in zip(names, given, strict=True):
        if each is not None and not isinstance(each, Tensor):
            raise TypeError(f"out: {name} must be a Tensor (empty() makes one), not {type(each).__name__}")
    return given
