"""Who is told of the calls that Python makes, while somebody records them: `ao.profile` on a CANN that keeps
no trace itself. Nobody is the usual case and costs one test."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ascend_ops._cann.operators import BoundOperator


class Recorder(Protocol):
    """`stream` is a runtime.Stream of the current device, `args` are the values of an operator's
    parameters."""

    def call(self, name: str, arguments: tuple[Any, ...]) -> int:
        """Calls a bound C function and returns its status."""

    def timed(self, bound: BoundOperator, args: Sequence[Any], stream: Any) -> BoundOperator:
        """What calls both phases in its place."""

    def replay(self, bound: BoundOperator, args: Sequence[Any], stream: Any, again: Callable[[], int]) -> int:
        """Makes one more run of a planned call and returns its status."""

    def waited(self, name: str, since: float) -> None:
        """Says that the calling thread has called a function again and again since then (time.monotonic)."""


recorder: Recorder | None = None


def record_with(new: Recorder | None) -> None:
    """Has `new` (None: nobody) told of all calls from now on."""
    global recorder
    recorder = new


os.register_at_fork(after_in_child=lambda: record_with(None))
