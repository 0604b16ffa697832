"""Exceptions. A failed C call becomes an `AclError` that says which function, which code, why, and what to
do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ascend_ops._cann.status import Explanation, explain

# Errors of the device from here on stay with their stream: every later wait raises them again.
STICKY = 500000
told: set[tuple[int, str]] = set()  # those that were raised


class AscendError(RuntimeError):
    """Base of every error this package raises on its own account."""


class HomeError(AscendError):
    """No CANN can be used: none found, or the one found is broken. Names the missing piece and the next step.

    `steps` are the (name, taken, reason) records of the places looked at before.
    """

    steps: tuple[tuple[str, bool, str], ...] = ()


class MissingFunctionError(AscendError, AttributeError):
    """The CANN in use has no such function."""


class AclError(AscendError):
    """A C function answered a failing status.

    Attributes: `function`, `code`, `name` (symbolic, "ACL_ERROR_INVALID_PARAM"), `explanation` (what the code
    means and what to do), `message` (text of aclGetRecentErrMsg or ""), `arguments` (one description per
    argument; may be replaced by a caller that knows more).
    """

    function: str
    code: int
    name: str
    explanation: str
    message: str
    arguments: tuple[str, ...]

    def __init__(self, function: str, code: int, message: str = "", arguments: Iterable[str] = ()) -> None:
        meaning = explain(code)
        self.function = function
        self.code = code
        self.name = meaning.name
        self.explanation = _sentence(meaning)
        self.message = message
        self.arguments = tuple(arguments)
        super().__init__(function, code)

    @classmethod
    def from_status(cls, function: str, code: int, arguments: Iterable[str] = ()) -> AclError:
        """The exception for a status just returned; fetches the library's text, so call it in the failing
        thread before any other C call."""
        from ascend_ops._cann.libraries import recent_message  # libraries raises this module's errors

        message = recent_message()
        if code >= STICKY:
            told.add((code, message))
        return _class_of(code)(function, code, message, arguments)

    def __str__(self) -> str:
        """What the library says comes first: it knows the call, the explanation only the code."""
        said = self.message.strip().replace("\n", "\n  ")
        lines = [f"{self.function} failed with {self.code} ({self.name}): {said or self.explanation}"]
        if said:
            lines.append(f"In general: {self.explanation}")
        if self.arguments:
            lines.append("Arguments:")
            lines.extend("  " + argument for argument in self.arguments)
        return "\n".join(lines)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.function, self.code, self.message, self.arguments)


class ParameterError(AclError, ValueError):
    """An argument is NULL, out of range, of a wrong type, shape or format, or a dead handle."""


class OutOfMemoryError(AclError, MemoryError):
    """Device or host memory is exhausted."""


class UnsupportedError(AclError, NotImplementedError):
    """This CANN, product or stand-in does not do what was asked."""


class DeviceTimeoutError(AclError, TimeoutError):
    """A wait or a kernel took longer than allowed."""


def _sentence(meaning: Explanation) -> str:
    return f"{meaning.text} {meaning.advice}".strip()


# Codes below 100000 are HCCL's.
_PARAMETER = {
    1,
    2,
    100000,
    100026,
    100027,
    107000,
    107001,
    107003,
    107016,
    107017,
    107018,
    145000,
    161001,
    161002,
}
_PARAMETER |= {*range(100003, 100024), *range(107006, 107009), *range(145002, 145023), *range(107042, 107045)}
_MEMORY = {3, 24, 200000, 207001, 207018, 245000}
_UNSUPPORTED = {5, 100039, 107030, 200001, 200006, 207000, 207019, 207021, 148050, 507009, 561003, 561112}
_TIMEOUT = {9, 100036, 107019, 107020, 207020, 507012, 507014, 507017, 507034, 507046, 507047, 507048}
_TIMEOUT |= {507905, 507915, 545601}

_CLASSES: dict[int, type[AclError]] = {
    **dict.fromkeys(_PARAMETER, ParameterError),
    **dict.fromkeys(_MEMORY, OutOfMemoryError),
    **dict.fromkeys(_UNSUPPORTED, UnsupportedError),
    **dict.fromkeys(_TIMEOUT, DeviceTimeoutError),
}


def _class_of(code: int) -> type[AclError]:
    return _CLASSES.get(code, AclError)
