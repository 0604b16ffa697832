"""When the runtime may be called: from the first use until interpreter exit, and never in a forked child."""

from __future__ import annotations

import atexit
import enum
import os
import threading
from collections.abc import Callable

from ascend_ops._cann import errors, rt
from ascend_ops._cann.errors import AclError, AscendError


class Phase(enum.Enum):
    """What the process may do with the device."""

    IDLE = "not started"
    RUNNING = "running"
    CLOSED = "shut down"
    FORKED = "lost in a forked child"


_phase = Phase.IDLE
_start_lock = threading.Lock()
_before_shutdown: list[Callable[[], None]] = []
_at_shutdown: list[Callable[[], None]] = []
_when_over: list[Callable[[], None]] = []

_ADVICE = {
    Phase.CLOSED: "the interpreter is exiting and the device was released; finish device work before",
    Phase.FORKED: 'the process was forked after it had used the device; use the "spawn" start method',
}


def running() -> bool:
    """Whether calls into the runtime are allowed and make sense."""
    return _phase is Phase.RUNNING


def start() -> None:
    """Initialises the runtime on first use. AscendError after shutdown and in forked children."""
    if _phase is Phase.RUNNING:
        return
    if _phase in _ADVICE:
        raise AscendError(f"the ascend_ops runtime is {_phase.value}: {_ADVICE[_phase]}")
    _start_once()


def _start_once() -> None:
    global _phase
    with _start_lock:
        if _phase is Phase.IDLE:
            rt.initialise()
            # After rt's own registration, therefore run before it.
            atexit.register(shutdown)
            _phase = Phase.RUNNING


def before_shutdown(action: Callable[[], None]) -> Callable[[], None]:
    """Decorator: runs `action` before everything else that is run at shutdown."""
    _before_shutdown.append(action)
    return action


def at_shutdown(action: Callable[[], None]) -> Callable[[], None]:
    """Decorator: runs `action` at shutdown, the last registered one first."""
    _at_shutdown.append(action)
    return action


def when_over(action: Callable[[], None]) -> Callable[[], None]:
    """Decorator: runs `action`, which may not call C, once the runtime may not be called any more."""
    _when_over.append(action)
    return action


def shutdown() -> None:
    """Runs every registered action once; then raises the first error, which Python shows at exit.

    Not one that a stream keeps and the program has seen: it was raised where it could be caught.
    """
    if _phase is not Phase.RUNNING:
        return
    told = frozenset(errors.told)
    actions = (*_before_shutdown, *reversed(_at_shutdown))
    failures = [error for action in actions if (error := _attempt(action))]
    _end(Phase.CLOSED)
    for error in failures:
        if not (isinstance(error, AclError) and (error.code, error.message) in told):
            raise error


def _attempt(action: Callable[[], None]) -> AscendError | None:
    try:
        action()
    except AscendError as error:
        return error
    return None


def _end(phase: Phase) -> None:
    global _phase
    _phase = phase
    for action in _when_over:
        action()


def _forked() -> None:
    if _phase is Phase.RUNNING:
        _end(Phase.FORKED)


os.register_at_fork(after_in_child=_forked)
