"""Making communicators: which arguments are taken, what the errors say."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import ascend_ops as ao
from ascend_ops.distributed import creation


def test_all_devices_or_some_of_them() -> None:
    count = ao.Device.count()
    if count < 4:
        pytest.skip("needs 4 devices")
    for devices, expected in (
        (None, list(range(count))),
        (2, [0, 1]),
        ([3, 1], [3, 1]),
        ((ao.Device(2),), [2]),
    ):
        comms = ao.distributed.init_all(devices)
        assert [comm.device.index for comm in comms] == expected
        assert [comm.rank for comm in comms] == list(range(len(expected)))
        for comm in comms:
            comm.close()


@pytest.mark.parametrize(
    ("devices", "kind", "text"),
    [
        (0, ValueError, "0 ranks were asked for"),
        (1000, ValueError, "1000 ranks were asked for; this process has"),
        (-1, ValueError, "-1 ranks were asked for"),
        ([], ValueError, "devices is empty"),
        ([0, 0], ValueError, r"devices is \[0, 0\]; every rank needs a device of its own"),
        ([0, 1000], ValueError, "there is no device 1000"),
        (["npu"], TypeError, r"devices\[0\]"),
        ([0, 8000], ValueError, r"devices\[1\]: there is no device 8000"),
        (1.5, TypeError, "devices must be"),
        ("0", TypeError, "devices must be"),
        (True, TypeError, "devices must be"),
        ([True], TypeError, r"devices\[0\]"),
    ],
)
def test_devices_that_are_none_are_refused(devices: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        ao.distributed.init_all(devices)


@pytest.mark.parametrize(
    ("info", "rank", "size", "kind", "text"),
    [
        (b"short", 0, 1, ValueError, "info has 5 bytes; a root info has 4108"),
        (bytes(4108), 2, 2, ValueError, "rank is 2; the communicator has ranks 0 to 1"),
        (bytes(4108), -1, 2, ValueError, "rank is -1"),
        (bytes(4108), 0, 0, ValueError, "world_size is 0"),
        (bytes(4108), 0.5, 2, TypeError, "rank must be an integer"),
        (bytes(4108), True, 2, TypeError, "rank must be an integer"),
        (bytes(4108), 0, "2", TypeError, "world_size must be an integer"),
        (bytes(4108), 0, 2**40, ValueError, "world_size is 1099511627776"),
        ("x" * 4108, 0, 1, TypeError, "info must be bytes"),
        (None, 0, 1, TypeError, "info must be bytes"),
    ],
)
def test_impossible_ranks_are_refused(
    info: Any, rank: Any, size: Any, kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text):
        ao.distributed.init_rank(info, rank, size)


def test_other_arguments_are_named_too() -> None:
    distributed: Any = ao.distributed
    for call, kind, text in (
        (lambda: distributed.init(0, 1, device=99), ValueError, "device: there is no device 99"),
        (lambda: distributed.init(1, 2, address=5), TypeError, "address must be"),
        (lambda: distributed.init(0, 1, timeout=True), TypeError, "timeout must be"),
        (lambda: distributed.init_cluster(None, 0), TypeError, "path must be"),
        (lambda: distributed.init_cluster("table.json", "0"), TypeError, "rank must be"),
    ):
        with pytest.raises(kind, match=text):
            call()


def test_numpy_numbers_are_devices() -> None:
    for devices in (np.array([0, 1]), (0, np.int64(1)), np.int32(2)):
        comms = ao.distributed.init_all(devices)
        assert [comm.device.index for comm in comms] == [0, 1]
        for comm in comms:
            comm.close()


def test_what_is_no_root_info_is_refused() -> None:
    with pytest.raises(ao.AclError):
        ao.distributed.init_rank(bytes(range(256)) * 16 + bytes(12), 0, 1)


def test_a_missing_rank_table_is_an_error() -> None:
    with pytest.raises(ao.AclError, match="HcclCommInitClusterInfo failed") as caught:
        ao.distributed.init_cluster("/no/such/table.json", 0)
    assert "clusterInfo: '/no/such/table.json'" in caught.value.arguments


def test_threads_may_share_a_root_info() -> None:
    info = ao.distributed.root_info()
    with ThreadPoolExecutor(2) as threads:
        comms = list(threads.map(lambda i: ao.distributed.init_rank(info, i, 2, device=i), range(2)))
    assert [(comm.rank, comm.size, comm.device.index) for comm in comms] == [(0, 2, 0), (1, 2, 1)]
    assert [x.item() for x in [comm.all_reduce([3]) for comm in comms]] == [6, 6]
    for comm in comms:
        comm.close()


def test_a_world_of_one_needs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ascend_ops.distributed._server", None)
    with ao.distributed.init(0, 1) as comm:
        assert (comm.rank, comm.size) == (0, 1)
        assert comm.all_reduce([1, 2], "prod").numpy().tolist() == [1, 2]
        comm.barrier()


def test_more_local_ranks_than_devices_are_explained() -> None:
    count = ao.Device.count()
    with pytest.raises(
        ValueError, match=rf"local_rank is {count}, .*has {count}.*: 0 to {count - 1}. Start at most"
    ):
        ao.distributed.init(0, 1, count)


def test_a_timeout_that_is_no_number_is_refused() -> None:
    with pytest.raises(TypeError, match="timeout must be a number of seconds or None, not str"):
        ao.distributed.init(0, 1, timeout="5")  # type: ignore[arg-type]


def test_the_variables_for_the_wait_have_an_order(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ASCEND_STUB_CONNECT_TIMEOUT", "HCCL_CONNECT_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)
    assert creation._seconds(None) == 120
    monkeypatch.setenv("HCCL_CONNECT_TIMEOUT", "300")
    assert creation._seconds(None) == 300
    monkeypatch.setenv("ASCEND_STUB_CONNECT_TIMEOUT", "7")
    assert creation._seconds(None) == 7
    assert creation._seconds(0.5) == 0.5


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_impossible_timeouts_are_refused(timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout is"):
        ao.distributed.init(0, 1, timeout=timeout)
