"""Schedules: orders that streams may choose, and mistakes that show in them, each time."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pytest

import ascend_ops as ao
from ascend_ops._cann import stub_schedules
from ascend_ops._cann.api import acl

pytestmark = pytest.mark.stand_in(reason="schedules exist on the stand-in only")

DEVICE_TO_HOST = 2
SEEDS = [f"shuffle:{seed}" for seed in range(8)]


@pytest.fixture(autouse=True)
def _nothing_else_asks_for_a_schedule() -> Iterator[None]:
    with ao.stub.schedule(""):
        yield
        assert stub_schedules.words() == ""


class Scene:
    """Two streams; the first writes 127 into `y`, the second copies `y` to `z`. Both hold zeros before."""

    def __init__(self) -> None:
        self.x = ao.asarray(np.full((4, 32), 254, np.float16))
        self.one = ao.asarray(np.ones(1, np.float32))
        self.y = ao.asarray(np.zeros((4, 32), np.int8))
        self.scale = ao.asarray(np.zeros(4, np.float32))
        self.z = ao.asarray(np.zeros((4, 32), np.float16))
        ao.current_device().synchronize()
        self.first, self.second = ao.Stream(), ao.Stream()

    def write(self) -> None:
        with self.first:
            ao.ops.dynamic_quant_v2(self.x, out=(self.y, self.scale))

    def copy(self) -> None:
        with self.second:
            ao.ops.ascend_anti_quant(self.y, self.one, out=self.z)

    def close(self) -> None:
        for stream in (self.first, self.second):
            stream.synchronize()
            stream.close()
        for tensor in (self.x, self.one, self.y, self.scale, self.z):
            tensor.close()


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    yield made
    made.close()


def copied_bytes(tensor: ao.Tensor) -> npt.NDArray[np.int8]:
    """What a program finds that copies device memory to the host, which is in order with nothing."""
    host = np.full(tensor.shape, -1, np.int8)
    assert acl.aclrtMemcpy(host.ctypes.data, host.nbytes, tensor.address, host.nbytes, DEVICE_TO_HOST) == 0
    return host


def host_reads(synchronised: bool) -> int:
    scene = Scene()
    scene.write()
    if synchronised:
        scene.first.synchronize()
    value = copied_bytes(scene.y).max()
    scene.close()
    return int(value)


def other_stream_reads(ordered: bool) -> int:
    scene = Scene()
    scene.write()
    if ordered:
        scene.second.wait(scene.first.record())
    scene.copy()
    value = scene.z.numpy().max()
    scene.close()
    return int(value)


@pytest.mark.mistakes("races")
def test_a_read_by_the_host_without_synchronising_finds_old_numbers_each_time() -> None:
    for words in ["deferred", *SEEDS]:
        with ao.stub.schedule(words):
            assert [host_reads(synchronised=False) for _ in range(3)] == [0, 0, 0]
            assert [host_reads(synchronised=True) for _ in range(3)] == [127, 127, 127]


@pytest.mark.mistakes("races")
def test_a_missing_event_between_streams_shows_each_time() -> None:
    with ao.stub.schedule("deferred"):
        assert [other_stream_reads(ordered=False) for _ in range(3)] == [0, 0, 0]
        assert [other_stream_reads(ordered=True) for _ in range(3)] == [127, 127, 127]


@pytest.mark.mistakes("races")
def test_a_missing_event_shows_under_some_seeds_and_those_are_the_same_each_time() -> None:
    def found(ordered: bool) -> list[list[int]]:
        values = []
        for words in SEEDS:
            with ao.stub.schedule(words):
                values.append([other_stream_reads(ordered) for _ in range(2)])
        return values

    first = found(ordered=False)
    assert {value for values in first for value in values} == {0, 127}
    assert found(ordered=False) == first
    assert found(ordered=True) == [[127, 127]] * len(SEEDS)


@pytest.mark.mistakes("races")
def test_eager_work_is_done_when_the_call_returns() -> None:
    with ao.stub.schedule("eager"):
        assert [host_reads(synchronised=False) for _ in range(3)] == [127, 127, 127]
        assert other_stream_reads(ordered=False) == 127


@pytest.mark.mistakes("races")
def test_held_work_runs_when_told(scene: Scene) -> None:
    with ao.stub.schedule("hold"):
        scene.write()
        scene.second.wait(scene.first.record())
        scene.copy()
        assert not scene.first.done
        with pytest.raises(ao.DeviceTimeoutError):
            scene.second.synchronize(timeout=0.005)
        while copied_bytes(scene.y).max() == 0:
            assert ao.stub.step(1) == 1
        assert not scene.first.done  # the event is not recorded yet
        assert ao.stub.step() >= 3
        assert scene.first.done
        assert scene.second.done
        assert ao.stub.step() == 0


def test_an_exception_that_leaves_work_held_does_not_hang(scene: Scene) -> None:
    def make_a_mistake() -> None:
        with ao.stub.schedule("hold"):
            scene.write()
            ao.stub.step(-1)

    with pytest.raises(ValueError, match="tasks"):
        make_a_mistake()
    scene.first.synchronize()
    assert copied_bytes(scene.y).max() == 127


def test_a_thread_that_waits_is_released_by_another(scene: Scene) -> None:
    with ao.stub.schedule("hold"):
        scene.write()
        waiter = threading.Thread(target=scene.first.synchronize)
        waiter.start()
        assert ao.stub.step() >= 1
        waiter.join(60)
        assert not waiter.is_alive()


def test_the_schedule_from_before_counts_again() -> None:
    with ao.stub.schedule("deferred") as outer:
        with ao.stub.schedule("shuffle:18446744073709551615"), outer:
            assert stub_schedules.words() == "deferred"
        assert stub_schedules.words() == "deferred"
    assert stub_schedules.words() == ""


@pytest.mark.parametrize("words", ["lazy", "shuffle", "shuffle:-1", "Hold", " "])
def test_unknown_words_are_refused_and_nothing_changes(words: str) -> None:
    with pytest.raises(ao.ParameterError, match="shuffle:<seed>"), ao.stub.schedule(words):
        pass
    assert stub_schedules.words() == ""


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: ao.stub.schedule(b"eager"), TypeError),  # type: ignore[arg-type]
        (lambda: ao.stub.step(-1), ValueError),
        (lambda: ao.stub.step(2**64), ValueError),
        (lambda: ao.stub.step(1.5), TypeError),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_schedule_and_no_number_is_refused(
    call: Callable[[], object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        call()


def test_held_work_does_not_keep_the_interpreter() -> None:
    program = """
import numpy as np, ascend_ops as ao
ao.stub.schedule("hold").__enter__()
kept = ao.ops.dynamic_quant_v2(np.ones((1, 32), np.float16))
print("queued")
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "queued\n", "")
