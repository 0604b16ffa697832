"""Calls that are checked and planned once and run many times: `ao.ops.<operator>.prepare(...)`."""

from __future__ import annotations

import contextlib
import inspect
import weakref
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Final, Generic, NamedTuple, ParamSpec, Protocol, TypeVar, cast

from ascend_ops._cann.errors import AclError, AscendError
from ascend_ops._replay import Step, apart, blocks_of, destroy_orphans, planned
from ascend_ops.dispatch import Shapes, recording
from ascend_ops.runtime import Stream, current_stream
from ascend_ops.runtime._lifetime import at_shutdown
from ascend_ops.tensor import Tensor

P = ParamSpec("P")
R = TypeVar("R", covariant=True)
NO_OTHERS: Final[Mapping[str, str]] = {}


class _Place(NamedTuple):
    """Where an argument went: to which argument of which step; `returned` says it is among the results."""

    name: str
    step: Step
    at: int
    returned: bool = False


class PreparedCall(Generic[R]):
    """An operator call that is checked and planned already. `call()` queues it on the current stream.

    Attributes: `results` (what the operator returns: the same tensors for every run, each run overwrites
    them; of an operator whose results have a shape that only the data tells, views of them, of each run's own
    shape), `replayed` (whether CANN keeps the plan; where it cannot, for operators that copy data themselves,
    say, each run plans anew and costs what the operator costs otherwise), `closed`.

    What was given is held: tensors stay alive, host arrays were uploaded once. `call(x=other)` is the call
    with another argument from now on. A Tensor of the same dtype, shape, strides and format only changes an
    address; with anything else the call is prepared again, and its new results may be other tensors.

    Made on one stream it may run on another, which then waits for the tensors as in any call. Prepared calls
    may be used by any thread, by one at a time.
    """

    def __init__(
        self,
        function: Callable[..., R],
        arguments: Mapping[str, Any],
        spellings: Mapping[str, str] = NO_OTHERS,
    ) -> None:
        """`spellings` maps other names that the arguments have to those in `arguments`."""
        self._function, self._arguments, self._spellings = function, dict(arguments), spellings
        self._steps: list[Step] = []
        self._idle: list[None] = [None]  # empty while it runs, and after `close`
        self.closed = False
        self.results: R
        self._whole: Any  # the results as they were allocated
        self._places: dict[str, _Place] = {}
        self._prepare(self._arguments)
        _all.add(self)

    @property
    def replayed(self) -> bool:
        """Whether runs use an executor that is kept."""
        return all(step.replayed for step in self._steps)

    def __call__(self, /, **changes: Any) -> R:
        """Queues the call, with `changes` to its arguments from now on, and returns `results`.

        AclError when the library refuses it; ValueError when it was closed, and for tensors or a stream that
        are; AscendError while another thread runs it. What `changes` are refused with leaves it as it was.
        """
        stream = current_stream()
        try:
            self._idle.pop()
        except IndexError:
            raise self._not_idle() from None
        try:
            if changes:
                self._change(changes, stream)
            for step in self._steps:
                if (found := step.run(stream)) is not None:
                    self.results = _found(self._whole, step, found)
            return self.results
        finally:
            self._idle.append(None)

    def _not_idle(self) -> Exception:
        if self.closed:
            return ValueError("this PreparedCall is closed; prepare another one")
        return AscendError("this PreparedCall is running in another thread; prepare one for each thread")

    def _change(self, changes: Mapping[str, Any], stream: Stream) -> None:
        for name, value in changes.items():
            place = self._places.get(name)
            if place is None or type(value) is not Tensor or not place.step.accepts(place.at, value):
                break
        else:
            if len(changes) == 1 or apart(self._spelt(changes).values()):
                self._rebind_all(changes, stream)
                return
        self._prepare({**self._arguments, **self._spelt(changes)})

    def _spelt(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """By their names in Python. TypeError for an argument that was given by both of its names."""
        spelt: dict[str, Any] = {}
        for given, value in changes.items():
            name = self._spellings.get(given, given)
            if name in spelt:
                raise TypeError(f"{name} was given twice, by its names in C and in Python; give it once")
            spelt[name] = value
        return spelt

    def _rebind_all(self, changes: Mapping[str, Any], stream: Stream) -> None:
        """All or, when CANN refuses one, none."""
        before: list[tuple[_Place, Tensor]] = []
        try:
            for name, value in changes.items():
                place = self._places[name]
                old = self._arguments[place.name]
                self._rebind(place, value, stream)
                before.append((place, old))
        except AclError:
            for place, old in before:
                self._rebind(place, old, stream)
            raise

    def _rebind(self, place: _Place, value: Tensor, stream: Stream) -> None:
        old = self._arguments[place.name]
        place.step.rebind(place.at, value, stream)
        self._arguments[place.name] = value
        if place.returned:
            self.results = self._whole = _replaced(self._whole, old, value)

    def _prepare(self, arguments: dict[str, Any]) -> None:
        steps: list[Step] = []
        before, recording.recorder = recording.recorder, lambda *call: steps.append(planned(*call))
        try:
            results = self._function(**arguments)
        except BaseException:
            _close(steps)
            raise
        finally:
            recording.recorder = before
        replaced, self._steps, self.results, self._whole = self._steps, steps, results, results
        self._arguments = {name: _as_uploaded(steps, name, value) for name, value in arguments.items()}
        self._places = self._find_places()
        _close(replaced)

    def _find_places(self) -> dict[str, _Place]:
        """Where each tensor that was given went as it is, if that is one argument; by all its names."""
        found: dict[str, _Place] = {}
        for name, value in self._arguments.items():
            places = [place for step in self._steps for place in _places(step, name, value)]
            if type(value) is Tensor and len(places) == 1:
                found[name] = places[0]._replace(returned=_is_among(value, self.results))
        return found | {other: found[name] for other, name in self._spellings.items() if name in found}

    def close(self) -> None:
        """Gives up what it holds. Runs that are queued are not disturbed. May be repeated. AscendError while
        another thread runs it."""
        if self.closed:
            return
        try:
            self._idle.pop()
        except IndexError:
            raise self._not_idle() from None
        self.closed = True
        _close(self._steps)
        self._arguments, self._places, self._steps = {}, {}, []

    def __enter__(self) -> PreparedCall[R]:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        names = ", ".join(step.operator.name for step in self._steps)
        state = "closed" if self.closed else f"{names}, {'replayed' if self.replayed else 'planned anew'}"
        return f"<PreparedCall {state}>"


_all: weakref.WeakSet[PreparedCall[Any]] = weakref.WeakSet()


@at_shutdown
def _close_all() -> None:
    for call in tuple(_all):
        with contextlib.suppress(AscendError):  # a thread that nobody waited for is running it
            call.close()
    destroy_orphans()


class CallSequence:
    """Prepared calls to be queued one behind the other by one Python call, on the current stream."""

    def __init__(self, calls: Iterable[PreparedCall[Any]]) -> None:
        self.calls = tuple(calls)
        for i, call in enumerate(self.calls):
            if not isinstance(call, PreparedCall):
                raise TypeError(f"calls[{i}] must be a PreparedCall, not {type(call).__name__}")

    def __call__(self) -> list[Any]:
        """Queues all of them and returns their results. An error leaves the calls before it queued."""
        return [call() for call in self.calls]

    def __len__(self) -> int:
        return len(self.calls)

    def __repr__(self) -> str:
        return f"<CallSequence of {len(self.calls)}>"


def _close(steps: list[Step]) -> None:
    for step in steps:
        step.close()


def _as_uploaded(steps: list[Step], name: str, value: Any) -> Any:
    """What an argument became in device memory, so that it is uploaded once and stays as it was."""
    for step in steps:
        for place, given in enumerate(step.args):
            if step.operator.argument_name(place) == name and _was_uploaded(value, given):
                return given
    return value


def _was_uploaded(value: Any, given: Any) -> bool:
    if value is None or isinstance(value, Tensor):
        return False
    items = value if isinstance(value, (list, tuple)) else ()
    if isinstance(given, Tensor):
        return not any(isinstance(each, Tensor) for each in items)  # else it is `out` of all outputs
    return bool(blocks_of(given)) and len(items) == len(given)


def _places(step: Step, name: str, value: Any) -> list[_Place]:
    return [
        _Place(name, step, i)
        for i, given in enumerate(step.args)
        if given is value and step.operator.argument_name(i) == name
    ]


def _is_among(tensor: Tensor, results: Any) -> bool:
    return any(each is tensor for each in (results if isinstance(results, tuple) else (results,)))


def _found(results: Any, step: Step, shapes: Shapes) -> Any:
    """The results of a step, cut to what it found."""
    for place, shape in zip(step.operator.tells, shapes, strict=True):
        results = _replaced(results, step.args[place], step.args[place]._found(shape))
    return results


def _replaced(results: Any, old: Tensor, new: Tensor) -> Any:
    """The results with another tensor, if the argument is one of them: updated in place."""
    if isinstance(results, tuple):
        return tuple(new if each is old else each for each in results)
    return new if results is old else results


class Preparable(Protocol[P, R]):
    """An operator function: call it, or prepare a call of it."""

    def __call__(self, *args: P.args, **named: P.kwargs) -> R: ...

    def prepare(self, *args: P.args, **named: P.kwargs) -> PreparedCall[R]: ...


def preparable(function: Callable[P, R]) -> Preparable[P, R]:
    """Decorator for functions that launch operators and queue nothing else: gives them `prepare`."""
    names = tuple(inspect.signature(function).parameters)

    def prepare(*args: P.args, **named: P.kwargs) -> PreparedCall[R]:
        """As the call itself, but queues nothing: returns a PreparedCall, which does when it is called."""
        inspect.signature(function).bind(*args, **named)
        return PreparedCall(function, {**dict(zip(names, args, strict=False)), **named})

    function.__name__ = function.__qualname__ = function.__name__.lstrip("_")
    prepared = cast(Preparable[P, R], function)
    prepared.prepare = prepare  # type: ignore[method-assign]
    return prepared
