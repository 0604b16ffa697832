"""Devices: which is current in which thread."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from ascend_ops._cann import rt
from ascend_ops.runtime import device as devices
from ascend_ops.runtime.device import Device, current_device


def in_thread(action: Any) -> Any:
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(action()))
    thread.start()
    thread.join()
    return results[0]


needs_two = pytest.mark.skipif("Device.count() < 2", reason="needs two devices")


def test_thread_without_a_context_gets_the_main_threads_device() -> None:
    assert in_thread(lambda: (current_device(), rt.get_device())) == (current_device(), 0)


@needs_two
def test_main_threads_choice_is_where_new_threads_start() -> None:
    Device(1).use()
    try:
        assert in_thread(current_device) == Device(1)
    finally:
        Device(0).use()
    assert in_thread(current_device) == Device(0)


@needs_two
def test_other_threads_choose_for_themselves_only() -> None:
    def choose() -> Device:
        Device(1).use()
        return current_device()

    assert in_thread(choose) == Device(1)
    assert current_device() == Device(0)
    assert in_thread(current_device) == Device(0)


@needs_two
def test_context_set_by_somebody_else_is_adopted() -> None:
    def foreign() -> Device:
        rt.set_device(1)
        try:
            return current_device()
        finally:
            rt.reset_device(1)

    with Device(1):  # so that the reset above is not the last
        assert in_thread(foreign) == Device(1)


@needs_two
def test_device_is_current_inside_its_block_only() -> None:
    with Device(1) as inner:
        assert current_device() == inner
        assert rt.get_device() == 1
        with Device(0):
            assert rt.get_device() == 0
        assert rt.get_device() == 1
    assert rt.get_device() == 0


def test_device_that_does_not_exist_is_refused_with_the_count() -> None:
    count = Device.count()
    for number in (-1, count):
        with pytest.raises(ValueError, match=f"index: there is no device {number}; this process has {count}"):
            Device(number)
    with pytest.raises(TypeError, match="index: expected the number of a device, got str"):
        Device("0")  # type: ignore[arg-type]


def test_device_describes_itself() -> None:
    device = current_device()
    assert repr(device) == "Device(0)"
    assert device.name.startswith("Ascend")
    assert 0 < device.memory_info().free <= device.memory_info().total
    device.synchronize()
    assert len({device, Device(0)}) == 1


@needs_two
def test_error_of_the_switch_leaves_the_thread_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise RuntimeError("no")

    with Device(1):
        pass
    monkeypatch.setattr(rt, "set_current_context", fail)
    with pytest.raises(RuntimeError), devices.activated(1):
        pass
    monkeypatch.undo()
    assert current_device() == Device(0)
    assert rt.get_device() == 0
