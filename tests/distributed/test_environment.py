"""Who a process is, out of the variables of every launcher; no process, no network."""

from __future__ import annotations

from typing import Any

import pytest

from ascend_ops import AscendError
from ascend_ops.distributed import _protocol
from ascend_ops.distributed._environment import LAUNCHERS, Place, first_host, place

TORCHRUN = {
    "RANK": "5",
    "WORLD_SIZE": "8",
    "LOCAL_RANK": "1",
    "LOCAL_WORLD_SIZE": "4",
    "MASTER_ADDR": "head",
    "MASTER_PORT": "29500",
    "TORCHELASTIC_RUN_ID": "none",
    "TORCHELASTIC_USE_AGENT_STORE": "True",
}
OPEN_MPI = {
    "OMPI_COMM_WORLD_RANK": "2",
    "OMPI_COMM_WORLD_SIZE": "4",
    "OMPI_COMM_WORLD_LOCAL_RANK": "2",
    "OMPI_COMM_WORLD_LOCAL_SIZE": "4",
    "PMIX_NAMESPACE": "prterun-head-77@1",
}
MPICH = {"PMI_RANK": "1", "PMI_SIZE": "2", "MPI_LOCALRANKID": "1", "MPI_LOCALNRANKS": "2", "PMI_JOBID": "7"}
SRUN = {
    "SLURM_PROCID": "9",
    "SLURM_NTASKS": "16",
    "SLURM_LOCALID": "1",
    "SLURM_NNODES": "2",
    "SLURM_JOB_ID": "4711",
    "SLURM_STEP_ID": "0",
    "SLURM_STEP_NODELIST": "npu[03-04]",
    "SLURM_LAUNCH_NODE_IPADDR": "10.0.0.1",
}
LOCAL = "127.0.0.1"

CASES: dict[str, tuple[dict[str, str], Place]] = {
    "torchrun, whose agent has the port": (TORCHRUN, Place(5, 8, 1, "head", 29500, True, "none")),
    "variables of torchrun set by hand": (
        {"RANK": "1", "WORLD_SIZE": "2"},
        Place(1, 2, 1, LOCAL, None, False, ""),
    ),
    "a port of one's own": (
        {"RANK": "1", "WORLD_SIZE": "2", "MASTER_PORT": " 4000 "},
        Place(1, 2, 1, LOCAL, 4000, False, ""),
    ),
    "Open MPI": (OPEN_MPI, Place(2, 4, 2, LOCAL, None, False, "prterun-head-77@1")),
    "Open MPI, both names of the job": (
        OPEN_MPI | {"OMPI_MCA_ess_base_jobid": "99"},
        Place(2, 4, 2, LOCAL, None, False, "prterun-head-77@1 99"),
    ),
    "MPICH": (MPICH, Place(1, 2, 1, LOCAL, None, False, "7")),
    "MPICH without local numbers": (
        {"PMI_RANK": "1", "PMI_SIZE": "2"},
        Place(1, 2, 1, LOCAL, None, False, ""),
    ),
    "PMI of srun": (
        {
            "PMI_RANK": "3",
            "PMI_SIZE": "4",
            "SLURM_LOCALID": "1",
            "SLURM_NNODES": "2",
            "SLURM_NODELIST": "a[1,3]",
        },
        Place(3, 4, 1, "a1", None, False, ""),
    ),
    "srun on two hosts": (SRUN, Place(9, 16, 1, "npu03", None, False, "4711 0")),
    "srun on one host": (
        SRUN | {"SLURM_NNODES": "1", "SLURM_STEP_NODELIST": "npu03"},
        Place(9, 16, 1, LOCAL, None, False, "4711 0"),
    ),
    "srun without a node list": (
        {k: v for k, v in SRUN.items() if "NODELIST" not in k},
        Place(9, 16, 1, "10.0.0.1", None, False, "4711 0"),
    ),
    "srun with MASTER_ADDR": (
        SRUN | {"MASTER_ADDR": "fe80::1%eth0"},
        Place(9, 16, 1, "fe80::1%eth0", None, False, "4711 0"),
    ),
    "torchrun before all others": (
        SRUN | MPICH | OPEN_MPI | TORCHRUN,
        Place(5, 8, 1, "head", 29500, True, "none"),
    ),
    "Open MPI before MPICH and srun": (
        SRUN | MPICH | OPEN_MPI,
        Place(2, 4, 2, LOCAL, None, False, "prterun-head-77@1"),
    ),
    "half a pair does not count": (
        {"WORLD_SIZE": "9", "RANK": "", **MPICH},
        Place(1, 2, 1, LOCAL, None, False, "7"),
    ),
}


@pytest.mark.parametrize(("variables", "expected"), CASES.values(), ids=CASES.keys())
def test_the_place_follows_from_the_variables(variables: dict[str, str], expected: Place) -> None:
    assert place(variables) == expected


ARGUMENTS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"rank": 3}, {"rank": 3}),
    ({"rank": 0, "world_size": 1}, {"rank": 0, "world_size": 1}),
    ({"local_rank": 0}, {"local_rank": 0}),
    ({"address": "::1"}, {"address": "::1"}),
    ({"port": 77}, {"port": 77, "taken": False}),
]


@pytest.mark.parametrize(("arguments", "changed"), ARGUMENTS)
def test_arguments_win_over_variables(arguments: dict[str, Any], changed: dict[str, Any]) -> None:
    assert place(TORCHRUN, **arguments) == place(TORCHRUN)._replace(**changed)


def test_rank_and_world_size_are_enough() -> None:
    assert place({}, rank=1, world_size=3) == Place(1, 3, 1, LOCAL, None, False, "")


def test_without_a_launcher_the_error_names_what_to_do() -> None:
    with pytest.raises(
        AscendError, match=r"none of RANK and WORLD_SIZE .*python -m ascend_ops run.*init_all"
    ):
        place({"SLURM_NTASKS": "4"})


WRONG: list[tuple[dict[str, str], dict[str, Any], str]] = [
    ({"RANK": "x", "WORLD_SIZE": "2"}, {}, "the variable RANK is 'x'"),
    ({"RANK": "0", "WORLD_SIZE": "-2"}, {}, "the variable WORLD_SIZE is '-2'"),
    ({"RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "0.0"}, {}, "the variable LOCAL_RANK is '0.0'"),
    ({"RANK": "2", "WORLD_SIZE": "2"}, {}, "rank is 2; 2 ranks are numbered 0 to 1"),
    ({"RANK": "0", "WORLD_SIZE": "0"}, {}, "world_size is 0; there is at least one rank"),
    ({"RANK": "0", "WORLD_SIZE": "1", "MASTER_PORT": "70000"}, {}, "the variable MASTER_PORT is 70000"),
    ({"RANK": "0", "WORLD_SIZE": "1", "MASTER_PORT": "http"}, {}, "the variable MASTER_PORT is 'http'"),
    ({}, {"rank": -1, "world_size": 2}, "rank is -1"),
    ({}, {"rank": 0, "world_size": 2, "local_rank": -1}, "local_rank is -1"),
    ({}, {"rank": 0, "world_size": 2, "port": 0}, "port is 0; ports are 1 to 65535"),
]


@pytest.mark.parametrize(("variables", "arguments", "text"), WRONG)
def test_what_does_not_fit_is_named(variables: dict[str, str], arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        place(variables, **arguments)


@pytest.mark.parametrize("name", ["rank", "world_size", "local_rank", "port"])
def test_arguments_that_are_no_integers_are_named(name: str) -> None:
    with pytest.raises(TypeError, match=f"{name} must be an integer, not str"):
        place(TORCHRUN, **{name: "1"})


@pytest.mark.parametrize(
    "variables",
    [
        OPEN_MPI | {"OMPI_COMM_WORLD_LOCAL_SIZE": "2"},
        MPICH | {"MPI_LOCALNRANKS": "1"},
        {**SRUN, "SLURM_STEP_NODELIST": "", "SLURM_LAUNCH_NODE_IPADDR": ""},
    ],
)
def test_several_hosts_need_an_address(variables: dict[str, str]) -> None:
    with pytest.raises(AscendError, match="MASTER_ADDR"):
        place(variables)


@pytest.mark.parametrize(
    ("nodes", "first"),
    [
        ("npu1", "npu1"),
        ("npu1,npu2", "npu1"),
        ("npu[07-09,12],login", "npu07"),
        ("npu[3,5]", "npu3"),
        ("rack[1-2]n[4-6]-ib,x", "rack1n4-ib"),
        ("a.b-c,d[1-2]", "a.b-c"),
    ],
)
def test_the_first_host_of_a_node_list(nodes: str, first: str) -> None:
    assert first_host(nodes) == first


def test_no_two_launchers_share_a_variable_for_the_rank() -> None:
    assert len({each.rank for each in LAUNCHERS}) == len(LAUNCHERS)


def test_candidate_ports_start_at_the_port_or_after_the_launchers_own() -> None:
    mine = Place(0, 2, 0, LOCAL, 4000, False, "")
    assert _protocol.ports(mine) == list(range(4000, 4008))
    assert _protocol.ports(mine._replace(taken=True)) == list(range(4001, 4009))
    assert _protocol.ports(mine._replace(port=65533)) == [65533, 65534, 65535, *range(1024, 1029)]


def test_without_a_port_the_job_chooses_below_the_systems_own_range() -> None:
    found = {_protocol.ports(Place(0, 2, 0, LOCAL, None, False, f"job {i}"))[0] for i in range(50)}
    assert len(found) > 45
    assert all(20000 <= port < 32768 - 8 for port in found)


def test_greetings_differ_by_job_port_world_size_and_count_not_by_rank() -> None:
    one = Place(0, 2, 0, LOCAL, 4000, False, "a")
    others = [one._replace(job="b"), one._replace(port=4001), one._replace(world_size=3)]
    greetings = {_protocol.greeting(each, 0) for each in (one, *others)} | {_protocol.greeting(one, 1)}
    assert len(greetings) == 5
    assert _protocol.greeting(one._replace(rank=1, local_rank=1, address="x"), 0) == _protocol.greeting(
        one, 0
    )


@pytest.mark.parametrize(("given", "missing"), [("rank", "world_size"), ("world_size", "rank")])
def test_what_is_missing_beside_an_argument_is_named(given: str, missing: str) -> None:
    with pytest.raises(AscendError, match=f"{given} was given, but not {missing}"):
        place({}, **{given: 1})  # type: ignore[arg-type]
