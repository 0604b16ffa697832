"""The runtime wrappers on the home in use: the stand-in, or an NPU where there is one."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator

import pytest

from ascend_ops._cann import nn, rt
from ascend_ops._cann.enums import DataType, EventFlag, Format, MemcpyKind
from ascend_ops._cann.errors import AclError, HomeError, ParameterError


@pytest.fixture(autouse=True)
def device() -> Iterator[int]:
    try:
        rt.initialise()
    except HomeError as error:
        pytest.skip(f"no home: {error}")
    rt.set_device(0)
    yield 0
    rt.synchronize_device()
    rt.reset_device(0)


@pytest.fixture
def stream() -> Iterator[int]:
    handle = rt.create_stream()
    yield handle
    rt.destroy_stream(handle)


def test_the_device_that_was_set_is_current() -> None:
    assert rt.get_device() == 0
    assert 0 < rt.device_count() <= 64


def test_the_product_and_version_are_known() -> None:
    assert rt.soc_name().startswith("Ascend")
    assert rt.cann_version()


def test_a_fresh_thread_has_no_device() -> None:
    codes = []

    def ask() -> None:
        try:
            rt.get_device()
        except AclError as error:
            codes.append(error.code)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert codes == [107002]


def test_a_context_can_be_handed_to_a_thread() -> None:
    context = rt.current_context()
    devices = []

    def work() -> None:
        rt.set_current_context(context)
        devices.append(rt.get_device())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert devices == [0]


def test_free_memory_is_part_of_the_total() -> None:
    free, total = rt.mem_info()
    assert 0 < free <= total


def test_bytes_travel_to_the_device_and_back(stream: int) -> None:
    data = bytes(range(256)) * 16
    device, host = rt.malloc(len(data)), rt.malloc_host(len(data))
    view = rt.host_view(host, len(data))
    view[:] = data
    rt.memcpy_async(device, len(data), host, len(data), MemcpyKind.HOST_TO_DEVICE, stream)
    rt.synchronize_stream(stream)
    view[:] = bytes(len(data))
    rt.memcpy(host, len(data), device, len(data), MemcpyKind.DEVICE_TO_HOST)
    assert bytes(view) == data
    rt.memset_async(device, len(data), 0xA5, 100, stream)
    rt.synchronize_stream(stream, timeout_ms=10_000)
    rt.memcpy(host, len(data), device, len(data), MemcpyKind.DEVICE_TO_HOST)
    assert bytes(view) == b"\xa5" * 100 + data[100:]
    rt.free(device)
    rt.free_host(host)


def test_a_stream_and_an_event_are_done_after_synchronizing(stream: int) -> None:
    event = rt.create_event(EventFlag.SYNC | EventFlag.TIME_LINE)
    rt.record_event(event, stream)
    rt.synchronize_event(event)
    rt.synchronize_stream(stream)
    assert rt.event_done(event)
    assert rt.stream_done(stream)
    rt.destroy_event(event)


def test_a_stream_waits_for_another_one_s_event(stream: int) -> None:
    other = rt.create_stream()
    start, end = (rt.create_event(EventFlag.SYNC | EventFlag.TIME_LINE) for _ in range(2))
    rt.record_event(start, other)
    rt.stream_wait_event(stream, start)
    rt.record_event(end, stream)
    rt.synchronize_stream(stream)
    assert rt.elapsed_ms(start, end) >= 0
    for event in (start, end):
        rt.destroy_event(event)
    rt.destroy_stream(other)


@pytest.mark.parametrize("number", [-1, 10_000])
def test_a_device_that_does_not_exist_is_refused(number: int) -> None:
    with pytest.raises(ParameterError) as caught:
        rt.set_device(number)
    assert caught.value.code == 107001
    assert caught.value.arguments == (f"deviceId: {number}",)


def test_memory_of_no_size_is_refused() -> None:
    with pytest.raises(ParameterError, match="ACL_ERROR_INVALID_PARAM"):
        rt.malloc(0)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: rt.malloc(-1), ValueError, "size is -1"),
        (lambda: rt.malloc(2**64), OverflowError, "size is 18446744073709551616"),
        (lambda: rt.malloc(1.5), TypeError, "size must be an integer"),
        (lambda: rt.set_device(2**31), OverflowError, "device is 2147483648"),
        (lambda: rt.free(-5), ValueError, "address is -5"),
        (lambda: rt.memset_async(0, 1, 256, 1, 0), OverflowError, "value is 256"),
        (lambda: rt.memcpy(0, 0, 0, -1, MemcpyKind.HOST_TO_HOST), ValueError, "count is -1"),
        (lambda: rt.synchronize_stream(0, 2**31), OverflowError, "timeout_ms is 2147483648"),
        (lambda: rt.host_view(0, 1), ValueError, "address is NULL"),
    ],
)
def test_a_number_that_c_would_wrap_is_refused_by_name(
    call: object, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        call()  # type: ignore[operator]


def test_descriptors_are_made_and_destroyed() -> None:
    tensors = [nn.create_tensor((2, 3), DataType.FLOAT16, (3, 1), 0, Format.ND, (6,), 0) for _ in range(3)]
    nn.destroy(tensors[0])
    nn.destroy(nn.create_tensor_list(tensors[1:]))
    scalars = [nn.create_scalar(1.5, DataType.FLOAT), nn.create_scalar(True, DataType.BOOL)]
    nn.destroy(nn.create_scalar_list(scalars))
    nn.destroy(nn.create_scalar(2 + 1j, DataType.COMPLEX64))
    nn.destroy(nn.create_int_array([]))
    nn.destroy(nn.create_float_array([0.5, 2]))
    nn.destroy(nn.create_bool_array([True, False]))


def test_dropping_no_executor_is_an_error() -> None:
    with pytest.raises(AclError) as caught:
        nn.destroy_executor(ctypes.c_void_p())
    assert caught.value.code == 561103
