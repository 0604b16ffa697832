"""Registers Python functions as kernels, and calls them with the arguments they name."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from ascend_ops._cann import stub_kernels
from ascend_ops._cann.errors import AscendError, MissingFunctionError
from ascend_ops._cann.operators import signature
from ascend_ops._cann.stub_arguments import Argument
from ascend_ops._cann.words import snake
from ascend_ops.stub import _values

F = TypeVar("F", bound=Callable[..., Any])

_active: dict[str, Kernel[Any]] = {}


class Kernel(Generic[F]):
    """A function registered as an operator's kernel. Calling it calls the function.

    As a context manager it ends the registration behind the block, and what it had replaced is back.
    Attributes: `operator` (its C name), `function`, `check`, `active` (whether it is registered now).
    """

    def __init__(self, operator: str, function: F, check: Callable[..., None] | None) -> None:
        self.operator, self.function, self.check = operator, function, check
        self._run = _Caller(operator, "kernel", function)
        self._check = _Caller(operator, "check", check) if check is not None else None
        self._replaced = _active.get(operator)
        functools.update_wrapper(self, function)
        self._register()

    @property
    def active(self) -> bool:
        return _active.get(self.operator) is self

    def unregister(self) -> None:
        """Ends the registration, if it is active; the kernel it had replaced is registered again."""
        if not self.active:
            return
        if self._replaced is None:
            unregister(self.operator)
        else:
            self._replaced._register()

    def _register(self) -> None:
        if stub_kernels.available():
            check = None if self._check is None else self._check.check
            stub_kernels.register(self.operator, self._run.run, check)
            _active[self.operator] = self

    def __call__(self, *args: Any, **named: Any) -> Any:
        return self.function(*args, **named)

    def __enter__(self) -> Kernel[F]:
        return self

    def __exit__(self, *_: object) -> None:
        self.unregister()

    def __repr__(self) -> str:
        return f"<kernel of {self.operator}, {'active' if self.active else 'not registered'}>"


def kernel(operator: str, *, check: Callable[..., None] | None = None) -> Callable[[F], Kernel[F]]:
    """Decorator: a Python function becomes the stand-in's kernel of `operator` ("aclnnAdd").

    The function names the operator's parameters it wants, in snake case or as in C, in any order; `**rest`
    gets all others. Tensors are NumPy arrays over the stand-in's own memory with the strides of the call:
    inputs read-only, outputs to be written into (`out[...] = ...`; what is returned does not count). They are
    valid until the function returns. Elements of fewer than 8 bits are unpacked copies that are written back,
    a tensor of a private format is the array of its storage, types that NumPy and ml_dtypes lack are unsigned
    integers of their bits. Lists and arrays are tuples, scalars are numbers, dtypes are `ao.DType`, NULL is
    None. Outputs keep the shapes they have: such a kernel cannot tell how much it found, as that of
    aclnnNonzero does (C kernels can, with stub_tell_shape).

    It runs in the stream's order on the stream's thread, so several calls may run at once. It must not wait
    for a stream. An exception becomes the stream's error, with its traceback, and the next synchronise raises
    it.

    `check` sees the call when it is made: same names, tensors as `Spec`. What it raises the caller gets; a
    ValueError as ParameterError (161002) with its text.

    While registered, it is used for every call of the operator in this process, C++ included, also where the
    stand-in has a kernel. Registering again replaces it. Calls that are queued keep the kernel they were made
    with. On a real CANN the function is left alone.

    Raises TypeError when the function names a parameter that the operator's header does not have.
    """
    if not isinstance(operator, str) or not operator.isidentifier():
        raise TypeError(f'operator: {operator!r} is not the C name of an operator, as in "aclnnAdd"')

    def register(function: F) -> Kernel[F]:
        return Kernel(operator, function, check)

    return register


def unregister(operator: str) -> None:
    """Ends the registration of an operator's kernel; the stand-in's own, if it has one, is back. ValueError
    when none is registered; nothing on a real CANN."""
    if not stub_kernels.available():
        return
    _active.pop(operator, None)
    if not stub_kernels.unregister(operator):
        raise ValueError(f"operator: no kernel is registered for {operator!r}")


class _Caller:
    """One function, and which of an operator's parameters it wants."""

    def __init__(self, operator: str, what: str, function: Callable[..., Any]) -> None:
        if not callable(function):
            raise TypeError(f"{what}: {function!r} cannot be called")
        self.operator, self.what, self.function = operator, what, function
        params = inspect.signature(function).parameters.values()
        self.wanted = [p.name for p in params if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        self.needed = [p.name for p in params if p.name in self.wanted and p.default is p.empty]
        self.rest = any(p.kind is p.VAR_KEYWORD for p in params)
        if any(p.kind in (p.POSITIONAL_ONLY, p.VAR_POSITIONAL) for p in params):
            raise TypeError(
                f"{what} of {operator}: arguments are passed by name; use neither `/` nor `*args`"
            )
        declared = _declared(operator)
        if declared is not None:
            self._require(declared)

    def run(self, arguments: Sequence[Argument]) -> None:
        chosen = self._chosen(arguments)
        values = {name: _values.opened(each, self._ctype(each)) for name, each in chosen.items()}
        self.function(**{name: value.value for name, value in values.items()})
        for value in values.values():
            value.finish()

    def check(self, arguments: Sequence[Argument]) -> None:
        chosen = self._chosen(arguments)
        self.function(**{n: _values.described(each, self._ctype(each)) for n, each in chosen.items()})

    def _chosen(self, arguments: Sequence[Argument]) -> Mapping[str, Argument]:
        """The arguments to pass, by the names the function has for them."""
        names = {name: each for each in arguments for name in (each.name, snake(each.name))}
        chosen = {name: names[name] for name in self.wanted if name in names}
        if self.rest:
            taken = {each.name for each in chosen.values()}
            chosen |= {snake(each.name): each for each in arguments if each.name not in taken}
        if len(chosen) < len(self.needed):
            self._require([each.name for each in arguments])
        return chosen

    def _require(self, declared: Iterable[str]) -> None:
        known = dict.fromkeys(declared)
        missing = [n for n in self.needed if n not in known and n not in map(snake, known)]
        if missing:
            raise TypeError(
                f"{self.what} of {self.operator}: the operator has no parameter {' or '.join(missing)}; "
                f"it has {', '.join(map(snake, known))}"
            )

    def _ctype(self, argument: Argument) -> str:
        return self._types.get(argument.name, "")

    @functools.cached_property
    def _types(self) -> dict[str, str]:
        """The C types of the parameters. The stand-in tells dtypes and integers not apart, headers do."""
        try:
            return {param.name: param.ctype for param in signature(self.operator).params}
        except AscendError:
            return {}


def _declared(operator: str) -> list[str] | None:
    """The operator's parameters; None when no header of this home declares it (one may be loaded later)."""
    try:
        return [param.name for param in signature(operator).params]
    except MissingFunctionError:
        return None
