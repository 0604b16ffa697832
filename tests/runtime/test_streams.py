"""Streams and events: order, waiting, which stream is current, closing, errors."""

from __future__ import annotations

import copy
import gc
import os
import signal
import threading
import time
from typing import Any

import pytest

from ascend_ops._cann.errors import DeviceTimeoutError
from ascend_ops.runtime import memory
from ascend_ops.runtime import stream as streams
from ascend_ops.runtime.device import Device, current_device
from ascend_ops.runtime.event import Event
from ascend_ops.runtime.stream import Stream, current_stream, default_stream


def test_default_stream_is_current_outside_and_one_per_device() -> None:
    assert current_stream() is default_stream()
    assert default_stream().handle == 0
    assert default_stream().is_default


def test_entered_stream_is_current_until_the_block_ends() -> None:
    outer, inner = Stream(), Stream()
    with outer:
        with inner:
            assert current_stream() is inner
        assert current_stream() is outer
        with outer:
            assert current_stream() is outer
        assert current_stream() is outer
    assert current_stream() is default_stream()
    outer.close()
    inner.close()


def test_current_stream_is_each_threads_own() -> None:
    seen: list[bool] = []
    with Stream() as stream:
        thread = threading.Thread(target=lambda: seen.append(current_stream() is default_stream()))
        thread.start()
        thread.join()
    stream.close()
    assert seen == [True]


def test_stream_may_be_entered_by_several_threads_at_once() -> None:
    stream = Stream()
    both = threading.Barrier(2)
    seen: list[Stream] = []

    def enter() -> None:
        with stream:
            both.wait()
            seen.append(current_stream())
            both.wait()

    threads = [threading.Thread(target=enter) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [stream, stream]
    stream.close()


def test_done_tells_whether_work_is_left(hold: Any) -> None:
    stream = Stream()
    with hold(stream):
        assert not stream.done
    assert stream.done
    stream.close()


def test_synchronize_gives_up_after_the_timeout(hold: Any) -> None:
    stream = Stream()
    with hold(stream), pytest.raises(DeviceTimeoutError):
        stream.synchronize(timeout=0.02)
    stream.synchronize(timeout=5)
    stream.close()


def test_a_long_timeout_is_told_as_it_was_given(hold: Any) -> None:
    stream = Stream()
    started = time.monotonic()
    with hold(stream):
        with pytest.raises(DeviceTimeoutError, match="within 450 ms") as caught:
            stream.synchronize(timeout=0.45)
        assert 0.44 < time.monotonic() - started < 5
    assert caught.value.arguments[1] == "timeout: 450"
    stream.close()


@pytest.mark.parametrize("timeout", [None, 30])
def test_ctrl_c_ends_the_wait_and_not_the_work(timeout: float | None, hold: Any) -> None:
    stream = Stream()
    with hold(stream):
        interrupt = threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT))
        interrupt.start()
        with pytest.raises(KeyboardInterrupt):
            stream.synchronize(timeout)
        interrupt.join()
        assert not stream.done
    stream.close()


def test_a_thread_waits_in_one_piece(hold: Any) -> None:
    stream = Stream()
    with hold(stream):
        waiting = threading.Thread(target=stream.synchronize)
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
    waiting.join(30)
    assert not waiting.is_alive()
    stream.close()


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), 1e9])
def test_impossible_timeout_is_refused(timeout: float) -> None:
    with pytest.raises(ValueError, match=r"timeout: .* give more than 0"):
        default_stream().synchronize(timeout)


def test_waiting_stream_does_not_pass_before_the_event(hold: Any) -> None:
    first, second = Stream(), Stream()
    with hold(first):
        second.wait(first.record())
        with pytest.raises(DeviceTimeoutError):
            second.synchronize(timeout=0.05)
    second.synchronize(timeout=10)
    first.close()
    second.close()


def test_event_dropped_while_a_stream_waits_for_it_does_no_harm(hold: Any) -> None:
    first, second = Stream(), Stream()
    with hold(first):
        second.wait(first.record())
        gc.collect()
        Event().close()  # destroys what was dropped
        with pytest.raises(DeviceTimeoutError):
            second.synchronize(timeout=0.05)
    second.synchronize(timeout=10)
    first.close()
    second.close()


def test_event_never_recorded_is_done_and_holds_nobody() -> None:
    event = Event()
    assert event.query()
    event.synchronize()
    default_stream().wait(event)
    default_stream().synchronize(timeout=10)


def test_event_records_on_the_current_stream_and_again(hold: Any) -> None:
    event = Event()
    with Stream() as stream:
        event.record()
        event.synchronize()
        with hold(stream):
            assert not event.record().query()
        event.synchronize()
    stream.close()


def test_elapsed_is_the_time_between_two_timing_events(hold: Any) -> None:
    start, end = Event(timing=True), Event(timing=True)
    with Stream() as stream:
        start.record().synchronize()
        with hold(stream):
            end.record()
            assert not threading.Event().wait(0.02)
        assert 15 <= start.elapsed(end) < 5000
    stream.close()


def test_elapsed_needs_events_that_take_time() -> None:
    plain = Event().record()
    timing = Event(timing=True).record()
    with pytest.raises(ValueError, match="start: elapsed needs events made with"):
        plain.elapsed(timing)
    with pytest.raises(ValueError, match=r"end: .*timing, not recorded"):
        timing.elapsed(Event(timing=True))


def test_closed_objects_say_so() -> None:
    stream, event = Stream(), Event()
    event.record(stream)
    stream.close()
    stream.close()
    event.close()
    event.close()
    on_stream: list[Any] = [stream.synchronize, stream.record, stream.__enter__, lambda: stream.done]
    on_event: list[Any] = [
        event.query,
        event.synchronize,
        event.record,
        lambda: default_stream().wait(event),
    ]
    for use in on_stream:
        with pytest.raises(ValueError, match="this Stream is closed"):
            use()
    for use in on_event:
        with pytest.raises(ValueError, match="this Event is closed"):
            use()


def test_default_stream_cannot_be_closed() -> None:
    with pytest.raises(ValueError, match="default stream cannot be closed"):
        default_stream().close()


def test_close_waits_for_the_work(hold: Any) -> None:
    first, second = Stream(), Stream()
    with hold(first):
        second.wait(first.record())
        event = second.record()
        closer = threading.Thread(target=second.close)
        closer.start()
        closer.join(0.05)
        assert closer.is_alive()
        assert not event.query()
    closer.join()
    assert event.query()
    first.close()


def test_dropped_stream_is_destroyed_once_its_work_is_done(hold: Any) -> None:
    stream = Stream()
    handle = stream.handle
    with hold(stream):
        pass
    assert handle in streams._live
    del stream
    gc.collect()
    streams.destroy_orphans(0)
    assert handle not in streams._live


def test_a_stream_dropped_in_a_cycle_with_memory_lives_until_both_are_done(hold: Any) -> None:
    """The memory is finalized after the stream, and has to ask it whether its work is done."""
    gate, stream, block = Stream(), Stream(), memory.allocate(64, default_stream())
    handle = stream.handle
    block.use_on(stream)
    with hold(gate):
        stream.wait(gate.record())
        cycle: list[Any] = [stream, block]
        cycle.append(cycle)
        del cycle, stream, block
        gc.collect()
        assert memory.stats().pending == 512
        assert handle in streams._live
    Device(0).synchronize()
    memory.stats()
    assert memory.stats().pending == 0
    assert handle not in streams._live
    gate.close()


def test_events_are_not_copied() -> None:
    with pytest.raises(TypeError, match="cannot be copied"):
        copy.copy(Event())


def test_stream_of_another_device_makes_that_device_current() -> None:
    if Device.count() < 2:
        pytest.skip("needs two devices")
    with Device(1):
        stream = Stream()
    with stream:
        assert current_device() == Device(1)
        assert current_stream() is stream
        with Device(0):
            assert current_stream() is default_stream()
    assert current_device() == Device(0)
    with pytest.raises(ValueError, match="event: it belongs to device 0, the stream to 1"):
        stream.record(Event())
    stream.synchronize()
    stream.close()


def test_what_is_no_event_or_time_is_refused_by_name() -> None:
    stream, wrong = default_stream(), Stream()
    for call, name in (
        (lambda: stream.wait(wrong), "event"),
        (lambda: stream.record(5), "event"),
        (lambda: Event(timing=True).elapsed(wrong), "end"),
        (lambda: stream.synchronize("soon"), "timeout"),
    ):
        with pytest.raises(TypeError, match=f"^{name}: expected"):
            call()
    wrong.close()


def test_streams_cannot_be_copied() -> None:
    with pytest.raises(TypeError, match="streams cannot be copied"):
        copy.copy(default_stream())
