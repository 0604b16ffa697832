"""Ranks as processes: launchers' variables, several communicators, rank tables, and ranks that die."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from pathlib import Path

import pytest
from distributed.conftest import Start, outputs

ALL_OF_IT = """
    for count in (1, 2):
        comm = ao.distributed.init()
        assert (comm.rank, comm.size, comm.device.index) == (rank, size, ao.current_device().index)
        x = ao.asarray(np.arange(size * 2, dtype=np.float32) + rank)
        total = sum(range(size))
        np.testing.assert_array_equal(comm.all_reduce(x).numpy(), np.arange(size * 2) * size + total)
        np.testing.assert_array_equal(comm.all_gather([rank]).numpy(), range(size))
        mine = np.array([0, 1]) + 2 * rank + size - 1
        np.testing.assert_array_equal(comm.reduce_scatter(x, "max").numpy(), mine)
        np.testing.assert_array_equal(comm.broadcast(x, size - 1).numpy(), np.arange(size * 2) + size - 1)
        comm.barrier()
    print(comm.name)
"""


def all_well(ends: list[tuple[int, str, str]]) -> list[str]:
    """What the ranks printed; they must have ended well."""
    assert [end[0] for end in ends] == [0] * len(ends), "\n".join(end[2] for end in ends)
    return [end[1].strip() for end in ends]


def test_ranks_of_torchrun_meet_beside_its_agent(start: Start, shared_memory: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as agent:
        port = str(agent.getsockname()[1])
        variables = {"MASTER_ADDR": "localhost", "MASTER_PORT": port, "TORCHELASTIC_USE_AGENT_STORE": "True"}
        printed = all_well(outputs([start(ALL_OF_IT, rank, 2, **variables) for rank in range(2)]))
        agent.setblocking(False)
        with pytest.raises(BlockingIOError):
            agent.accept()
    assert len(set(printed)) == 1


def test_ranks_of_srun_meet_without_a_port(start: Start) -> None:
    script = """
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        del os.environ[name]
    comm = ao.distributed.init()
    print(comm.all_gather([comm.rank + 5]).numpy())
    """
    job = {"SLURM_NTASKS": "2", "SLURM_NNODES": "1", "SLURM_JOB_ID": str(os.getpid()), "SLURM_STEP_ID": "0"}
    processes = [
        start(script, rank, 2, SLURM_PROCID=str(rank), SLURM_LOCALID=str(rank), **job) for rank in (0, 1)
    ]
    assert all_well(outputs(processes)) == ["[5 6]"] * 2


def test_ranks_of_a_rank_table_meet(start: Start, tmp_path: Path) -> None:
    devices = [{"device_id": str(i), "rank_id": str(i)} for i in range(2)]
    table = {
        "status": "completed",
        "version": "1.0",
        "server_count": "1",
        "server_list": [{"server_id": "127.0.0.1", "device": devices}],
    }
    path = tmp_path / "ranks.json"
    path.write_text(json.dumps(table))
    script = """
        ao.Device(rank).use()
        comm = ao.distributed.init_cluster(sys.argv[-1] if sys.argv[1:] else os.environ["TABLE"], rank)
        print(comm.rank, comm.size, comm.all_reduce([rank + 1]).item())
    """
    printed = all_well(outputs([start(script, rank, 2, TABLE=str(path)) for rank in range(2)]))
    assert printed == ["0 2 3", "1 2 3"]


MISSING = """
    try:
        ao.distributed.init(port={port}, timeout=0.3)
    except TimeoutError as error:
        print(type(error).__name__, error)
    started = time.monotonic()
    try:
        ao.distributed.init_rank(ao.distributed.root_info(), 0, 2)
    except ao.DeviceTimeoutError as error:
        print(error.function, error.code, error.name, time.monotonic() - started < 10)
    print(ao.distributed.init(0, 1).all_reduce([5]).item())
"""


@pytest.mark.stand_in(reason="HCCL waits for two minutes at least")
def test_a_rank_that_never_comes_is_a_timeout_and_the_process_can_go_on(start: Start) -> None:
    script = MISSING.replace("{port}", str(_free_port()))
    (printed,) = all_well(outputs([start(script, 0, 2, ASCEND_STUB_CONNECT_TIMEOUT="1")]))
    first, second, third = printed.splitlines()
    assert first.startswith("RendezvousTimeoutError rank 0 of 2 waited 0.3 s")
    assert "rank 1 never came" in first
    assert second == "HcclCommInitRootInfo 9 HCCL_E_TIMEOUT True"
    assert third == "5"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


LOST = """
    comm = ao.distributed.init(port={port})
    comm.all_reduce(np.ones(10, np.float32)).numpy()
    print("ready", flush=True)
    if rank == 1:
        {end}
    started = time.monotonic()
    try:
        comm.all_reduce(np.ones(3_000_000, np.float32)).numpy()
    except ao.AclError as error:
        print("lost", time.monotonic() - started < 10, str(error).count("rank 1") > 0)
"""


@pytest.mark.stand_in(reason="a device notices after half an hour")
@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("sys.exit(3)", 3),
        ("comm.close(); sys.exit(0)", 0),
    ],
    ids=["exits", "closes"],
)
def test_a_rank_that_is_lost_is_an_error_of_the_others_within_seconds(
    end: str, status: int, start: Start, shared_memory: None
) -> None:
    script = LOST.replace("{port}", str(_free_port())).replace("{end}", end)
    ends = outputs([start(script, rank, 2) for rank in range(2)], timeout=40)
    assert ends[1][0] == status
    code, out, err = ends[0]
    assert out.split() == ["ready", "lost", "True", "True"], err
    assert code == 0  # ends well with its communicator open and its peer gone


@pytest.mark.stand_in(reason="a device does not notice soon")
def test_a_rank_killed_in_the_middle_of_a_collective_is_noticed(start: Start, shared_memory: None) -> None:
    script = """
    comm = ao.distributed.init(port={port})
    x = ao.asarray(np.ones(1_000_000, np.float32))
    print("ready", flush=True)
    try:
        while True:
            x = comm.all_reduce(x, "max")
            x.numpy()
    except ao.AclError as error:
        print("lost", "rank 1" in str(error))
    """.replace("{port}", str(_free_port()))
    processes = [start(script, rank, 2) for rank in range(2)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    time.sleep(0.1)
    processes[1].kill()
    started = time.monotonic()
    (code, out, err), _ = outputs(processes, timeout=40)
    assert (code, out) == (0, "lost True\n"), err
    assert time.monotonic() - started < 20


@pytest.mark.stand_in(reason="a device does not check that ranks agree")
def test_processes_that_disagree_all_get_the_error(start: Start) -> None:
    script = """
    comm = ao.distributed.init(port={port})
    try:
        comm.all_reduce(np.ones(10 + rank)).numpy()
    except ao.UnsupportedError:
        pass
    try:
        comm.all_reduce(np.ones(10 + rank, np.float32)).numpy()
    except ao.AclError as error:
        print("disagree" in str(error))
    """.replace("{port}", str(_free_port()))
    assert all_well(outputs([start(script, rank, 2) for rank in range(2)])) == ["True", "True"]


def test_when_rank_0_dies_before_all_have_come_the_others_do_not_hang(start: Start) -> None:
    port = str(_free_port())
    script = f"""
    try:
        ao.distributed.init(port={port})
    except ao.distributed.RendezvousError as error:
        print(error)
    """
    zero, one = start(script, 0, 3), start(script, 1, 3)
    with contextlib.suppress(OSError):
        _wait_until_listening(int(port))
    time.sleep(0.5)  # rank 1 finds it
    zero.kill()
    (printed,) = all_well(outputs([one], timeout=20))
    assert "rank 0 went away while rank 1 of 3 waited" in printed


def _wait_until_listening(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        time.sleep(0.05)
