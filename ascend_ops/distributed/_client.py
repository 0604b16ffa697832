"""The other ranks' side of the meeting: find rank 0 among the candidate ports, wait for the root info."""

from __future__ import annotations

import os
import selectors
import socket
import time
from typing import Any

from ascend_ops.distributed import _protocol as protocol
from ascend_ops.distributed._environment import Place
from ascend_ops.distributed._errors import RendezvousError, RendezvousTimeoutError

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0  # seconds between two attempts at one port
_GRACE = 5.0  # seconds that rank 0's verdict may take beyond its own timeout

_FOREIGN = "somebody else listens"
_OTHER_JOB = "another job answers, or a rank 0 with another world size or number of init calls"


def ask(place: Place, sequence: int, timeout: float) -> bytes:
    """Finds rank 0, waits until it has seen all ranks, and returns the root info it hands out."""
    with _Search(place, protocol.greeting(place, sequence)) as search:
        connection = search.find(time.monotonic() + timeout)
        if connection is None:
            raise RendezvousTimeoutError(_not_found(place, search.seen, timeout))
    with connection:
        # From here on rank 0 decides; it waits no longer than its own timeout, which began before this.
        return _verdict(connection, place, protocol.greeting(place, sequence), timeout + _GRACE)


class _Attempt:
    """A connection to one candidate that is being made, or whose greeting has not come yet."""

    def __init__(self, target: _Target) -> None:
        self.target = target
        self.received = b""
        self.socket = socket.socket(target.family, socket.SOCK_STREAM)
        self.socket.setblocking(False)


class _Target:
    """One address and port, and when to try it next."""

    def __init__(self, family: int, end: Any) -> None:
        self.family, self.end = family, end
        self.due = 0.0
        self.pause = _FIRST_PAUSE
        self.busy = False

    def postpone(self) -> None:
        self.busy = False
        self.due = time.monotonic() + self.pause
        self.pause = min(2 * self.pause, _LONGEST_PAUSE)


class _Search:
    """Tries all candidates side by side, because one that never answers must not hold up the others.

    `seen` says for each end what was last found there.
    """

    def __init__(self, place: Place, greeting: bytes) -> None:
        self.place, self.greeting = place, greeting
        self.seen: dict[str, str] = {}
        self._targets: list[_Target] = []
        self._selector = selectors.DefaultSelector()

    def find(self, deadline: float) -> socket.socket | None:
        """The connection to rank 0, which has said the right greeting; None when the time is over."""
        while time.monotonic() < deadline:
            self._start_due()
            for key, _ in self._selector.select(self._nap(deadline)):
                found: socket.socket | None = self._progress(key.data)
                if found is not None:
                    return found
        return None

    def _nap(self, deadline: float) -> float:
        dues = [target.due for target in self._targets if not target.busy]
        until = min([deadline, *dues]) if self._targets else min(deadline, time.monotonic() + _LONGEST_PAUSE)
        return max(0.0, until - time.monotonic())

    def _start_due(self) -> None:
        self._targets = self._targets or self._resolved()
        now = time.monotonic()
        for target in self._targets:
            if not target.busy and target.due <= now:
                self._start(target)

    def _resolved(self) -> list[_Target]:
        try:
            return [
                _Target(family, end)
                for port in protocol.ports(self.place)
                for family, *_, end in socket.getaddrinfo(self.place.address, port, type=socket.SOCK_STREAM)
            ]
        except OSError as error:  # names of a cluster may take a while to appear
            self.seen[self.place.address] = f"the name does not resolve ({error.strerror or error})"
            return []

    def _start(self, target: _Target) -> None:
        target.busy = True
        attempt = _Attempt(target)
        self._selector.register(attempt.socket, selectors.EVENT_WRITE, attempt)
        try:
            attempt.socket.connect(target.end)
        except BlockingIOError:
            pass
        except OSError as error:
            self._give_up(attempt, str(error.strerror or error))

    def _progress(self, attempt: _Attempt) -> socket.socket | None:
        """Takes one step; returns the socket once its peer has turned out to be rank 0."""
        failure = attempt.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failure:
            self._give_up(attempt, os.strerror(failure))
            return None
        if self._selector.get_key(attempt.socket).events == selectors.EVENT_WRITE:
            self._note(attempt.target, f"{_FOREIGN} (connects, but says nothing)")
            self._selector.modify(attempt.socket, selectors.EVENT_READ, attempt)
            return None
        return self._listen(attempt)

    def _listen(self, attempt: _Attempt) -> socket.socket | None:
        try:
            data = attempt.socket.recv(len(self.greeting) - len(attempt.received))
        except BlockingIOError:
            return None
        except OSError:
            data = b""
        attempt.received += data
        if attempt.received == self.greeting:
            self._selector.unregister(attempt.socket)
            return attempt.socket
        if not data or not self.greeting.startswith(attempt.received):
            ours = attempt.received.startswith(protocol.MAGIC)
            self._give_up(attempt, _OTHER_JOB if ours else _FOREIGN)
        return None

    def _give_up(self, attempt: _Attempt, reason: str) -> None:
        self._note(attempt.target, reason)
        self._selector.unregister(attempt.socket)
        attempt.socket.close()
        attempt.target.postpone()

    def _note(self, target: _Target, what: str) -> None:
        self.seen[f"{target.end[0]}:{target.end[1]}"] = what

    def __enter__(self) -> _Search:
        return self

    def __exit__(self, *_: object) -> None:
        for key in list(self._selector.get_map().values()):
            key.data.socket.close()
        self._selector.close()


def _verdict(connection: socket.socket, place: Place, greeting: bytes, patience: float) -> bytes:
    connection.settimeout(patience)
    try:
        connection.sendall(protocol.HELLO.pack(greeting, place.rank))
        kind, length = protocol.FRAME.unpack(_exactly(connection, protocol.FRAME.size))
        body = _exactly(connection, min(length, protocol.LONGEST_BODY))
    except TimeoutError:
        raise RendezvousTimeoutError(
            f"rank {place.rank} of {place.world_size} found rank 0 at {_end(connection)}, which then said "
            f"nothing for {patience:g} s; its host may be down"
        ) from None
    except (OSError, EOFError):
        raise RendezvousError(
            f"rank 0 went away while rank {place.rank} of {place.world_size} waited for it to see the other "
            "ranks; look at rank 0's error first"
        ) from None
    if kind == protocol.INFO:
        return body
    error = RendezvousTimeoutError if kind == protocol.TIMEOUT else RendezvousError
    raise error(f"rank {place.rank} of {place.world_size} was told by {body.decode(errors='replace')}")


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def _end(connection: socket.socket) -> str:
    host, port, *_ = connection.getpeername()
    return f"{host} port {port}"


def _not_found(place: Place, seen: dict[str, str], timeout: float) -> str:
    found = "; ".join(
        f"{what}: {', '.join(end for end, each in seen.items() if each == what)}"
        for what in dict.fromkeys(seen.values())
    )
    return (
        f"rank {place.rank} of {place.world_size} waited {timeout:g} s for rank 0 at "
        f"{protocol.where(place)} ({found}). Does rank 0 run there? MASTER_ADDR must name its host, and "
        "MASTER_PORT, WORLD_SIZE and the number of earlier init calls must be the same on all ranks"
    )
