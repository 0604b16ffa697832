"""Rank 0's side of the meeting: waits until every rank has come, then gives all of them the root info."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import selectors
import socket
import time
from collections.abc import Callable, Iterator

from ascend_ops.distributed import _protocol as protocol
from ascend_ops.distributed._environment import LOCALHOST, Place
from ascend_ops.distributed._errors import RendezvousError, RendezvousTimeoutError

_SEND_SECONDS = 10.0  # for the few kilobytes that each rank gets at the end
_BUSY = {errno.EADDRINUSE, errno.EACCES}


def serve(place: Place, sequence: int, make_info: Callable[[], bytes], timeout: float) -> bytes:
    """Waits for all other ranks, calls `make_info`, hands its result to everybody and returns it.

    When a rank does not come, or leaves again, or `make_info` fails, all ranks that are waiting get told.
    """
    deadline = time.monotonic() + timeout
    with (
        _listener(place) as listener,
        _Meeting(place, protocol.greeting(place, sequence), listener) as meeting,
    ):
        try:
            while meeting.missing():
                meeting.turn(deadline, timeout)
            info = make_info()
        except BaseException as error:
            late = isinstance(error, RendezvousTimeoutError)
            meeting.tell_all(protocol.TIMEOUT if late else protocol.REFUSAL, f"rank 0: {error}".encode())
            raise
        meeting.tell_all(protocol.INFO, info)
        return info


class _Visitor:
    """A connection, and what it has sent so far. `rank` is known once its hello was right."""

    def __init__(self, connection: socket.socket, address: str) -> None:
        self.connection, self.address = connection, address
        self.received = b""
        self.rank: int | None = None


class _Meeting:
    def __init__(self, place: Place, greeting: bytes, listener: socket.socket) -> None:
        self.place, self.greeting, self.listener = place, greeting, listener
        self.waiting: dict[int, _Visitor] = {}
        self.twice = ""
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ)

    def missing(self) -> list[int]:
        return [rank for rank in range(1, self.place.world_size) if rank not in self.waiting]

    def turn(self, deadline: float, timeout: float) -> None:
        """Deals with what the connections have to say as soon as one says something."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise RendezvousTimeoutError(self._who_is_missing(timeout))
        for key, _ in self._selector.select(left):
            if key.data is None:
                self._welcome()
            else:
                self._hear(key.data)

    def _welcome(self) -> None:
        try:
            connection, address = self.listener.accept()
        except OSError:  # it went away again
            return
        connection.setblocking(False)
        visitor = _Visitor(connection, str(address[0]))
        self._selector.register(connection, selectors.EVENT_READ, visitor)
        try:
            connection.send(self.greeting)  # a fresh socket has room for it
        except OSError:
            self._leave(visitor)

    def _hear(self, visitor: _Visitor) -> None:
        try:
            data = visitor.connection.recv(protocol.HELLO.size)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data or visitor.rank is not None:  # nobody says anything after the hello
            self._leave(visitor)
            return
        visitor.received += data
        if len(visitor.received) >= protocol.HELLO.size:
            self._identify(visitor)

    def _identify(self, visitor: _Visitor) -> None:
        greeting, rank = protocol.HELLO.unpack(visitor.received[: protocol.HELLO.size])
        if greeting != self.greeting or not 0 < rank < self.place.world_size:
            self._leave(visitor)
        elif rank in self.waiting:
            self.twice = (
                f"two processes say they are rank {rank} (from {self.waiting[rank].address} and "
                f"{visitor.address}); give every process its own rank, and jobs side by side their own "
                "MASTER_PORT"
            )
            self._tell(visitor, protocol.frame(protocol.REFUSAL, self.twice.encode()))
            self._leave(visitor)
        else:
            visitor.rank = rank
            self.waiting[rank] = visitor

    def _leave(self, visitor: _Visitor) -> None:
        self._selector.unregister(visitor.connection)
        visitor.connection.close()
        if visitor.rank is not None:
            del self.waiting[visitor.rank]
            raise RendezvousError(
                f"rank {visitor.rank} (on {visitor.address}) came and went away again while rank 0 waited "
                "for the others; see its own error first"
            )

    def tell_all(self, kind: int, body: bytes) -> None:
        for visitor in self.waiting.values():
            self._tell(visitor, protocol.frame(kind, body))

    def _tell(self, visitor: _Visitor, message: bytes) -> None:
        with contextlib.suppress(OSError):  # it died; HCCL's own wait, or the launcher, finds out
            visitor.connection.settimeout(_SEND_SECONDS)
            visitor.connection.sendall(message)

    def _who_is_missing(self, timeout: float) -> str:
        missing = self.missing()
        ranks = f"rank{'s' if len(missing) > 1 else ''} {', '.join(map(str, missing))}"
        port = self.listener.getsockname()[1]
        told = f" But {self.twice}." if self.twice else ""
        return (
            f"rank 0 of {self.place.world_size} waited {timeout:g} s at {self.place.address}, port {port}, "
            f"and {ranks} never came.{told} Look at their errors first: were they started, with the same "
            "world size and MASTER_ADDR, and can they reach this host?"
        )

    def __enter__(self) -> _Meeting:
        return self

    def __exit__(self, *_: object) -> None:
        for key in list(self._selector.get_map().values()):
            if key.data is not None:
                key.data.connection.close()
        self._selector.close()


def _listener(place: Place) -> socket.socket:
    """A socket on the first candidate port that is free."""
    reason = ""
    for port in protocol.ports(place):
        for family, host in _hosts(place.address):
            try:
                return _listening(family, host, port)
            except OSError as error:
                reason = error.strerror or str(error)
                if error.errno in _BUSY:
                    break  # the next port
    raise RendezvousError(
        f"rank 0 could not listen at {protocol.where(place)} (the last: {reason}). Set MASTER_PORT to a port "
        "that is free, or whose successors are"
    )


def _listening(family: int, host: str, port: int) -> socket.socket:
    both = family == socket.AF_INET6 and host == "" and socket.has_dualstack_ipv6()
    listener = socket.create_server((host, port), family=family, backlog=1024, dualstack_ipv6=both)
    listener.setblocking(False)
    return listener


def _hosts(address: str) -> Iterator[tuple[int, str]]:
    """What to listen at, by preference: this host only where the address says so, else every interface. A
    host's own name is no hint: many hosts resolve theirs to a loopback address."""
    if address == "localhost":
        yield socket.AF_INET, LOCALHOST
        yield socket.AF_INET6, "::1"
    elif _is_loopback(address):
        yield socket.AF_INET6 if ":" in address else socket.AF_INET, address
    else:
        if socket.has_dualstack_ipv6():
            yield socket.AF_INET6, ""
        yield socket.AF_INET, ""


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
