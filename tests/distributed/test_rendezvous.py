"""Ranks find rank 0 over TCP, whatever else listens there; nobody waits for ever. Threads play the ranks."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from ascend_ops.distributed import RendezvousError, RendezvousTimeoutError, _client, _protocol, _server
from ascend_ops.distributed._environment import Place

INFO = bytes(range(256)) * 16 + b"the last 12."
Answers = list["Future[bytes]"]


@pytest.fixture
def port() -> int:
    """The first of eight free ports."""
    while True:
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            start: int = first.getsockname()[1]
            try:
                for each in range(start + 1, start + 9):
                    stack.enter_context(socket.create_server(("127.0.0.1", each)))
            except (OSError, OverflowError):
                continue
            return start


def places(world_size: int, port: int, address: str = "127.0.0.1", job: str = "job") -> list[Place]:
    return [Place(rank, world_size, rank, address, port, False, job) for rank in range(world_size)]


def meet(places: list[Place], timeout: float = 10.0, sequence: int = 0) -> Answers:
    """The answers of all places, each on a thread of its own, when all have one."""

    def one(place: Place) -> bytes:
        if place.rank:
            return _client.ask(place, sequence, timeout)
        return _server.serve(place, sequence, lambda: INFO, timeout)

    with ThreadPoolExecutor(len(places)) as threads:
        return [threads.submit(one, place) for place in places]


def results(answers: Answers) -> list[bytes]:
    return [answer.result() for answer in answers]


@contextlib.contextmanager
def service(port: int, behave: Callable[[socket.socket], None]) -> Iterator[list[bytes]]:
    """Somebody else on a port; yields what clients have said to it."""
    heard: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            behave(connection)
            heard.append(connection.recv(1000))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", port)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield heard
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("world_size", [2, 3, 16])
def test_every_rank_gets_the_bytes_of_rank_0(world_size: int, port: int) -> None:
    assert results(meet(places(world_size, port))) == [INFO] * world_size


@pytest.mark.parametrize("address", ["localhost", "::1", "hostname"])
def test_addresses_may_be_names_and_ipv6(address: str, port: int) -> None:
    if address == "::1":
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            pytest.skip("no IPv6 on this host")
    name = socket.gethostname() if address == "hostname" else address
    assert results(meet(places(3, port, name))) == [INFO] * 3


def test_ranks_may_come_before_rank_0(port: int) -> None:
    zero, *others = places(3, port)
    with ThreadPoolExecutor(2) as threads:
        early = [threads.submit(_client.ask, place, 0, 10.0) for place in others]
        time.sleep(0.3)
        assert _server.serve(zero, 0, lambda: INFO, 10.0) == INFO
        assert results(early) == [INFO, INFO]


def greets(connection: socket.socket) -> None:
    connection.sendall(b"220 mail ready\r\n" * 10)


def hangs_up(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def says_nothing(connection: socket.socket) -> None:
    pass


@pytest.mark.parametrize("behave", [says_nothing, greets, hangs_up])
def test_other_services_on_the_port_are_passed_over_and_told_nothing(
    behave: Callable[[socket.socket], None], port: int
) -> None:
    with service(port, behave) as heard:
        assert results(meet(places(3, port))) == [INFO] * 3
    assert b"".join(heard) == b""


def test_the_agent_of_torchrun_keeps_its_port(port: int) -> None:
    with service(port, says_nothing) as heard:
        taken = [place._replace(taken=True) for place in places(2, port)]
        assert results(meet(taken)) == [INFO] * 2
    assert heard == []


def test_jobs_side_by_side_on_the_same_ports_do_not_mix(port: int) -> None:
    jobs = [f"job {i}" for i in range(4)]
    with ThreadPoolExecutor(4) as threads:
        met = [threads.submit(meet, places(3, port, job=job)) for job in jobs]
        assert [results(each.result()) for each in met] == [[INFO] * 3] * 4


def test_a_second_meeting_on_the_same_port_works_at_once(port: int) -> None:
    for sequence in range(3):
        assert results(meet(places(2, port), sequence=sequence)) == [INFO] * 2


def test_a_missing_rank_is_named_on_rank_0_and_on_those_who_wait(port: int) -> None:
    zero, one, two, three, _ = places(5, port)
    start = time.monotonic()
    answers = meet([zero, one, three], timeout=0.5)
    assert time.monotonic() - start < 3
    for answer in answers:
        with pytest.raises(RendezvousTimeoutError, match=r"rank 0 of 5 waited 0.5 s .*ranks 2, 4 never came"):
            answer.result()
    with pytest.raises(TimeoutError, match="rank 3 of 5 was told by rank 0"):
        answers[2].result()
    assert two.rank == 2


def test_without_rank_0_a_rank_says_where_it_looked(port: int) -> None:
    with service(port, says_nothing):
        (answer,) = meet([places(2, port)[1]], timeout=0.5)
        text = str(answer.exception())
    assert isinstance(answer.exception(), RendezvousTimeoutError)
    assert f"rank 1 of 2 waited 0.5 s for rank 0 at 127.0.0.1, ports {port} to {port + 7}" in text
    assert f"somebody else listens (connects, but says nothing): 127.0.0.1:{port};" in text
    assert f"Connection refused: 127.0.0.1:{port + 1}," in text


def test_a_name_that_does_not_resolve_is_told(port: int) -> None:
    (answer,) = meet([places(2, port, "no-such-host.invalid")[1]], timeout=0.2)
    assert "the name does not resolve" in str(answer.exception())


def test_another_world_size_is_told_from_silence(port: int) -> None:
    answers = meet([places(2, port)[0], places(3, port)[1]], timeout=0.5)
    assert "rank 1 never came" in str(answers[0].exception())
    assert "another world size" in str(answers[1].exception())


def test_a_rank_0_that_dies_is_noticed_at_once(port: int) -> None:
    zero, one, _ = places(3, port)

    def die(connection: socket.socket) -> None:
        connection.sendall(_protocol.greeting(zero, 0))
        connection.recv(1000)
        connection.close()

    with service(port, die):
        start = time.monotonic()
        with pytest.raises(RendezvousError, match="rank 0 went away while rank 1 of 3 waited"):
            _client.ask(one, 0, 60.0)
        assert time.monotonic() - start < 5


def test_a_rank_that_leaves_again_ends_the_wait_of_all(port: int) -> None:
    zero, one, two, _ = places(4, port)
    with ThreadPoolExecutor(2) as threads:
        answers = [
            threads.submit(_server.serve, zero, 0, lambda: INFO, 60.0),
            threads.submit(_client.ask, one, 0, 60.0),
        ]
        with _client._Search(two, _protocol.greeting(two, 0)) as search:
            connection = search.find(time.monotonic() + 10)
        assert connection is not None
        connection.sendall(_protocol.HELLO.pack(_protocol.greeting(two, 0), 2))
        time.sleep(0.1)
        connection.close()
        for answer in answers:
            with pytest.raises(RendezvousError, match=r"rank 2 .*came and went away again"):
                answer.result(10)


def test_when_rank_0_fails_the_others_get_its_error(port: int) -> None:
    zero, one = places(2, port)

    def fail() -> bytes:
        raise ValueError("no device today")

    with ThreadPoolExecutor(2) as threads:
        waiting = threads.submit(_client.ask, one, 0, 60.0)
        with pytest.raises(ValueError, match="no device today"):
            _server.serve(zero, 0, fail, 60.0)
        with pytest.raises(RendezvousError, match="rank 1 of 2 was told by rank 0: no device today"):
            waiting.result(10)


def test_a_rank_that_comes_twice_is_told_so(port: int) -> None:
    zero, one, _ = places(3, port)
    answers = meet([zero, one, one], timeout=1.0)
    texts = [str(answer.exception()) for answer in answers[1:]]
    assert sum("two processes say they are rank 1" in text for text in texts) == 2
    assert sum("rank 2 never came" in text for text in texts) == 1
    assert "two processes say they are rank 1" in str(answers[0].exception())


def test_strangers_at_rank_0s_door_do_no_harm(port: int) -> None:
    zero, one = places(2, port)
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(_server.serve, zero, 0, lambda: INFO, 10.0)
        greeting = _protocol.greeting(zero, 0)
        wrong = _protocol.HELLO.pack(greeting[:-1] + bytes([greeting[-1] ^ 1]), 1)
        too_high = _protocol.HELLO.pack(greeting, 2)
        for message in (b"GET / HTTP/1.0\r\n\r\n", b"\0" * 5000, wrong, too_high, b""):
            with _connected(port) as stranger, contextlib.suppress(ConnectionError):
                stranger.sendall(message)
        with _connected(port):  # stays, silent
            assert _client.ask(one, 0, 10.0) == INFO
        assert answer.result() == INFO


def _connected(port: int) -> socket.socket:
    for _ in range(100):
        with contextlib.suppress(ConnectionRefusedError):
            return socket.create_connection(("127.0.0.1", port))
        time.sleep(0.02)
    raise TimeoutError


def test_ports_that_are_all_taken_are_an_error_of_rank_0(port: int) -> None:
    with contextlib.ExitStack() as stack:
        for each in range(port, port + _protocol.CANDIDATES):
            stack.enter_context(socket.create_server(("127.0.0.1", each)))
        (answer,) = meet(places(2, port)[:1])
    with pytest.raises(RendezvousError, match=f"could not listen at 127.0.0.1, ports {port} to {port + 7}"):
        answer.result()
