"""Range checks at the door: ctypes wraps integers that do not fit without a word."""

from __future__ import annotations

import operator
from typing import Final

Limits = tuple[int, int]

INT8: Final[Limits] = (-(2**7), 2**7 - 1)
INT16: Final[Limits] = (-(2**15), 2**15 - 1)
INT32: Final[Limits] = (-(2**31), 2**31 - 1)
INT64: Final[Limits] = (-(2**63), 2**63 - 1)
UINT8: Final[Limits] = (0, 2**8 - 1)
UINT16: Final[Limits] = (0, 2**16 - 1)
UINT32: Final[Limits] = (0, 2**32 - 1)
UINT64: Final[Limits] = (0, 2**64 - 1)


def checked(name: str, value: object, limits: Limits) -> int:
    """`value` as an int within `limits`.

    TypeError for what is not an integer, ValueError for a negative number where none is allowed,
    OverflowError for any other number the C type cannot hold. All name the argument.
    """
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} must be an integer, not {type(value).__name__} ({value!r})") from None
    low, high = limits
    if low <= number <= high:
        return number
    if number < 0 == low:
        raise ValueError(f"{name} is {number}; it must not be negative")
    raise OverflowError(f"{name} is {number}; the C parameter holds {low} to {high}")


def size(name: str, value: object) -> int:
    """A byte count or other `size_t`."""
    return checked(name, value, UINT64)


def address(name: str, value: object) -> int:
    """An address or handle as an int; 0 is NULL."""
    return checked(name, value, UINT64)
