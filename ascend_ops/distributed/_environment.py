"""Who this process is among the ranks, from the variables that launchers set. Pure: reads a mapping."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from ascend_ops._cann.errors import AscendError

Environment = Mapping[str, str]


class Launcher(NamedTuple):
    """The variables of one launcher. The first of `local_ranks`, `local_sizes` and `hosts` that is set
    counts; all of `job` together name the job."""

    name: str
    rank: str
    world_size: str
    local_ranks: tuple[str, ...]
    local_sizes: tuple[str, ...]  # ranks on this host
    hosts: tuple[str, ...]  # number of hosts
    job: tuple[str, ...]


LAUNCHERS: Final = (
    Launcher(
        "torchrun or ascend_ops run",
        "RANK",
        "WORLD_SIZE",
        ("LOCAL_RANK",),
        ("LOCAL_WORLD_SIZE",),
        (),
        ("TORCHELASTIC_RUN_ID",),
    ),
    Launcher(
        "Open MPI",
        "OMPI_COMM_WORLD_RANK",
        "OMPI_COMM_WORLD_SIZE",
        ("OMPI_COMM_WORLD_LOCAL_RANK",),
        ("OMPI_COMM_WORLD_LOCAL_SIZE",),
        (),
        ("PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid"),
    ),
    Launcher(
        "MPICH or Intel MPI",
        "PMI_RANK",
        "PMI_SIZE",
        ("MPI_LOCALRANKID", "PMI_LOCAL_RANK", "SLURM_LOCALID"),
        ("MPI_LOCALNRANKS", "PMI_LOCAL_SIZE"),
        ("SLURM_NNODES",),
        ("PMI_JOBID", "I_MPI_HYDRA_UUID"),
    ),
    Launcher(
        "Slurm",
        "SLURM_PROCID",
        "SLURM_NTASKS",
        ("SLURM_LOCALID",),
        (),
        ("SLURM_NNODES",),
        ("SLURM_JOB_ID", "SLURM_STEP_ID"),
    ),
)

LOCALHOST: Final = "127.0.0.1"


class Place(NamedTuple):
    """One rank's place: `address` is where rank 0 is, `port` the one that was set (None: none was), `taken`
    whether the launcher itself listens there, `job` what this job's ranks have in common."""

    rank: int
    world_size: int
    local_rank: int
    address: str
    port: int | None
    taken: bool
    job: str


def place(
    env: Environment,
    rank: int | None = None,
    world_size: int | None = None,
    local_rank: int | None = None,
    address: str | None = None,
    port: int | None = None,
) -> Place:
    """The place of this process; arguments win over variables.

    AscendError when nothing tells, ValueError, naming the variable, for what is no number or does not fit.
    """
    if address is not None and not isinstance(address, str):
        raise TypeError(f"address must be a host name or address, not {type(address).__name__} ({address!r})")
    rank, world_size = _given("rank", rank), _given("world_size", world_size)
    local_rank, port = _given("local_rank", local_rank), _given("port", port)
    launcher = next((each for each in LAUNCHERS if env.get(each.rank) and env.get(each.world_size)), None)
    if launcher is None and (rank is None or world_size is None):
        raise AscendError(_nothing_set() if rank is None and world_size is None else _half_set(rank))
    if launcher is not None:
        rank = _number(env, launcher.rank) if rank is None else rank
        world_size = _number(env, launcher.world_size) if world_size is None else world_size
        local_rank = _first(env, launcher.local_ranks) if local_rank is None else local_rank
    assert rank is not None
    assert world_size is not None
    local_rank = rank if local_rank is None else local_rank
    _check(rank, world_size, local_rank)
    taken = port is None and env.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    return Place(
        rank,
        world_size,
        local_rank,
        address or _address(env, launcher, world_size),
        _port(env) if port is None else _checked_port("port", port),
        taken,
        " ".join(_set(env, launcher.job)) if launcher else "",
    )


def _given(name: str, value: Any) -> int | None:
    """An argument as an int; None stays None."""
    try:
        if isinstance(value, bool):
            raise TypeError
        return None if value is None else operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, not {type(value).__name__} ({value!r})") from None


def _check(rank: int, world_size: int, local_rank: int) -> None:
    if world_size < 1:
        raise ValueError(f"world_size is {world_size}; there is at least one rank")
    if not 0 <= rank < world_size:
        raise ValueError(f"rank is {rank}; {world_size} ranks are numbered 0 to {world_size - 1}")
    if local_rank < 0:
        raise ValueError(f"local_rank is {local_rank}; it is the number of a device, 0 or more")


def _half_set(rank: int | None) -> str:
    given, missing = ("world_size", "rank") if rank is None else ("rank", "world_size")
    return f"{given} was given, but not {missing}, and no launcher has set it: pass {missing} too"


def _nothing_set() -> str:
    pairs = ", ".join(f"{each.rank} and {each.world_size} ({each.name})" for each in LAUNCHERS)
    return (
        f"no launcher told this process its rank: none of {pairs} are set. Start it with `python -m "
        "ascend_ops run -n N script.py`, torchrun, mpirun or srun, or pass rank and world_size; init_all() "
        "takes several devices in one process."
    )


def _number(env: Environment, name: str) -> int:
    text = env[name]
    if not re.fullmatch(r"\s*\d+\s*", text):
        raise ValueError(f"the variable {name} is {text!r}; it must be a number, 0 or more")
    return int(text)


def _set(env: Environment, names: tuple[str, ...]) -> Iterator[str]:
    return (env[name] for name in names if env.get(name))


def _first(env: Environment, names: tuple[str, ...]) -> int | None:
    return next((_number(env, name) for name in names if env.get(name)), None)


def _port(env: Environment) -> int | None:
    return (
        _checked_port("the variable MASTER_PORT", _number(env, "MASTER_PORT"))
        if env.get("MASTER_PORT")
        else None
    )


def _checked_port(name: str, port: int) -> int:
    if not 0 < port < 65536:
        raise ValueError(f"{name} is {port}; ports are 1 to 65535")
    return port


def _address(env: Environment, launcher: Launcher | None, world_size: int) -> str:
    """MASTER_ADDR, or this host when all ranks are on it, or Slurm's first host."""
    given = env.get("MASTER_ADDR")
    if given:
        return given
    local_size = _first(env, launcher.local_sizes) if launcher else None
    hosts = _first(env, launcher.hosts) if launcher else None
    if hosts == 1 or (local_size is not None and local_size >= world_size):
        return LOCALHOST
    if _slurm_host(env):
        return _slurm_host(env)
    if hosts is not None or local_size is not None:
        raise AscendError(
            "the ranks are on several hosts, but nothing says where rank 0 is: set MASTER_ADDR to its host "
            "name or address (mpirun -x MASTER_ADDR=..., with MPICH -genv MASTER_ADDR ...), or pass address"
        )
    return LOCALHOST


def _slurm_host(env: Environment) -> str:
    """The first host of a job step on several, which is where srun puts rank 0; "" when there is no such."""
    if env.get("SLURM_NNODES", "1") == "1":
        return ""
    nodes = next(_set(env, ("SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST", "SLURM_NODELIST")), "")
    return first_host(nodes) if nodes else env.get("SLURM_LAUNCH_NODE_IPADDR", "")


def first_host(nodes: str) -> str:
    """The first name of a Slurm node list: "gpu[07-09,12],login1" -> "gpu07"."""
    entry = re.match(r"(?:[^,\[]|\[[^\]]*\])*", nodes)
    assert entry is not None
    return re.sub(r"\[([^\],-]*)[^\]]*\]", r"\1", entry[0])
