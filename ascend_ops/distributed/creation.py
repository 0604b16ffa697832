"""Making communicators: from a launcher's variables, in one process, from a root info, from a rank table."""

from __future__ import annotations

import numbers
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ascend_ops._cann import hccl
from ascend_ops._cann.errors import AclError
from ascend_ops.distributed._buffers import integer, rank_number
from ascend_ops.distributed.communicator import Communicator
from ascend_ops.runtime.device import Device, activated, checked, current_device, ensure_current, known

if TYPE_CHECKING:
    import numpy.typing as npt

    from ascend_ops.distributed._environment import Place

CONNECT_SECONDS: Final = 120.0  # where neither variable is set
_CONNECT_VARIABLES: Final = ("ASCEND_STUB_CONNECT_TIMEOUT", "HCCL_CONNECT_TIMEOUT")  # the stand-in's own wins

_meetings: Counter[Place] = (
    Counter()
)  # how often the ranks of a job have met; part of what they must agree on


def init(
    rank: int | None = None,
    world_size: int | None = None,
    local_rank: int | None = None,
    *,
    device: Device | int | None = None,
    address: str | None = None,
    port: int | None = None,
    timeout: float | None = None,
) -> Communicator:
    """This process's rank in the communicator of a job. Every process of the job calls it; it waits for all.

    Without arguments it reads what `python -m ascend_ops run`, torchrun, mpirun (Open MPI, MPICH, Intel MPI)
    or srun have set, looked for in this order: RANK, WORLD_SIZE, LOCAL_RANK; OMPI_COMM_WORLD_*; PMI_*;
    SLURM_*. Arguments win over variables.

    rank, world_size  this process's number and how many there are
    local_rank        its number on this host (default: the launcher's, else the rank)
    device            what to compute on, from now on the current device (default: device `local_rank`)
    address           host name or address of rank 0 (default: MASTER_ADDR; 127.0.0.1 when all ranks are on
                      one host; Slurm's first host)
    port              where to find rank 0 there (default: MASTER_PORT, else made from the job's id). Rank 0
                      takes the first free one of 8 ports from here on; under torchrun, whose agent has this
                      one itself, of the 8 after it
    timeout           seconds to wait for the other ranks (default: ASCEND_STUB_CONNECT_TIMEOUT, which the
                      stand-in heeds, else HCCL_CONNECT_TIMEOUT, else 120)

    Rank 0 gets a root info from HCCL and hands it out over TCP, unencrypted, as HCCL's own traffic is. A
    further call, in the same order on all ranks, makes a further communicator.

    Raises AscendError when nothing tells the rank; ValueError for numbers that do not fit and when this host
    has fewer devices than local ranks; RendezvousTimeoutError (a TimeoutError), naming the ranks, when some
    do not come; RendezvousError when rank 0 or another rank goes away; DeviceTimeoutError and other AclErrors
    when HCCL cannot connect the devices.
    """
    from ascend_ops.distributed import _environment  # what only processes of a job need is imported there

    place = _environment.place(os.environ, rank, world_size, local_rank, address, port)
    seconds = _seconds(timeout)
    _device(place, device).use()
    return init_rank(_exchanged(place, seconds), place.rank, place.world_size)


def init_all(
    devices: int | Sequence[Device | int] | npt.NDArray[np.integer[Any]] | None = None,
) -> list[Communicator]:
    """One communicator per device, all in this process; rank i is on the i-th device.

    devices  how many (from device 0 on), or which, none twice; None for all there are

    Collectives only queue work: one thread may call them for one rank after the other, or every rank may have
    its own thread. The current device stays as it is. TypeError or ValueError for devices that are none.
    """
    chosen = _devices(devices)
    with activated(ensure_current()):
        handles = hccl.comm_init_all([each.index for each in chosen])
    return _communicators(handles, chosen)


def _communicators(handles: list[int], devices: list[Device]) -> list[Communicator]:
    """All of them or, when CANN does not tell about one, none."""
    made: list[Communicator] = []
    try:
        for handle, device in zip(handles, devices, strict=True):
            made.append(Communicator(handle, device))
    except AclError:
        for handle, device in zip(handles[len(made) + 1 :], devices[len(made) + 1 :], strict=True):
            with activated(device.index):
                hccl.destroy(handle)
        for comm in made:
            comm.close()
        raise
    return made


def root_info() -> bytes:
    """Where the ranks of a new communicator will meet, 4108 bytes; for programs that hand it out themselves
    (mpi4py's bcast, a store). One rank calls this and gives the result to all; it must stay alive."""
    with activated(ensure_current()):
        return hccl.get_root_info()


def init_rank(info: bytes, rank: int, world_size: int, device: Device | int | None = None) -> Communicator:
    """Rank `rank` of `world_size` in the communicator of a root info, on `device` (default: the current one).
    Waits until all ranks have come; DeviceTimeoutError after HCCL_CONNECT_TIMEOUT."""
    if not isinstance(info, (bytes, bytearray)):
        raise TypeError(f"info must be bytes, as root_info() returns them, not {type(info).__name__}")
    ranks = integer("world_size", world_size)
    if not 0 < ranks < 2**32:
        raise ValueError(f"world_size is {ranks}; give 1 to {2**32 - 1} ranks")
    number = rank_number("rank", rank, ranks)
    chosen = current_device() if device is None else _as_device(device)
    with activated(chosen.index):
        return Communicator(hccl.comm_init_root_info(ranks, bytes(info), number), chosen)


def init_cluster(path: str | os.PathLike[str], rank: int, device: Device | int | None = None) -> Communicator:
    """Rank `rank` in the communicator of a rank table, a JSON file that lists the servers and devices of all
    ranks, on `device` (default: the current one). Waits until all ranks have come; AclError for a file that
    cannot be read or used."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise TypeError(f"path must be that of a rank table, not {type(path).__name__}")
    number = integer("rank", rank)
    chosen = current_device() if device is None else _as_device(device)
    with activated(chosen.index):
        return Communicator(hccl.comm_init_cluster_info(path, number), chosen)


def _exchanged(place: Place, timeout: float) -> bytes:
    """The root info that rank 0 of this job hands out."""
    if place.world_size == 1:
        return root_info()
    from ascend_ops.distributed import _client, _server

    job = place._replace(rank=0, local_rank=0)
    if place.rank == 0:
        info = _server.serve(place, _meetings[job], root_info, timeout)
    else:
        info = _client.ask(place, _meetings[job], timeout)
    _meetings[job] += 1
    return info


def _seconds(timeout: float | None) -> float:
    if timeout is None:
        texts = (os.environ.get(name, "") for name in _CONNECT_VARIABLES)
        numbers_set = (float(text) for text in texts if re.fullmatch(r"\d+", text) and int(text))
        return next(numbers_set, CONNECT_SECONDS)
    if isinstance(timeout, bool) or not isinstance(timeout, numbers.Real):
        raise TypeError(f"timeout must be a number of seconds or None, not {type(timeout).__name__}")
    if not 0 < timeout < 2**31:
        raise ValueError(f"timeout is {timeout!r} s; give more than 0, or None")
    return float(timeout)


def _device(place: Place, device: Device | int | None) -> Device:
    if device is not None:
        return _as_device(device)
    count = Device.count()
    if place.local_rank >= count:
        visible = os.environ.get("ASCEND_RT_VISIBLE_DEVICES")
        limit = f" (ASCEND_RT_VISIBLE_DEVICES is {visible})" if visible is not None else ""
        raise ValueError(
            f"local_rank is {place.local_rank}, which wants device {place.local_rank}, but this process has "
            f"{count}{limit}: 0 to {count - 1}. Start at most {count} ranks per host, set LOCAL_RANK where "
            "ranks are on several hosts, or pass device"
        )
    return Device(place.local_rank)


def _devices(devices: Any) -> list[Device]:
    if devices is None:
        devices = Device.count()
    chosen = [_as_device(each, f"devices[{i}]") for i, each in enumerate(_listed(devices))]
    if not chosen:
        raise ValueError("devices is empty; a communicator has at least one rank")
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"devices is {devices!r}; every rank needs a device of its own")
    return chosen


def _listed(devices: Any) -> Iterable[Device | int]:
    """What was given as a list; for a number of devices, the first ones."""
    if isinstance(devices, str):
        raise TypeError(f"devices must be a number of devices or a sequence of them, not str ({devices!r})")
    if isinstance(devices, Iterable) and not (isinstance(devices, np.ndarray) and devices.ndim == 0):
        return devices
    asked = integer("devices", devices, "a number of devices or a sequence of them")
    count = Device.count()
    if not 0 < asked <= count:
        raise ValueError(f"{asked} ranks were asked for; this process has {count} devices, give 1 to {count}")
    return range(asked)


def _as_device(device: Device | int, name: str = "device") -> Device:
    if isinstance(device, Device):
        return device
    return known(checked(name, integer(name, device, "a Device or the number of one")))
