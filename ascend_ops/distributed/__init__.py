"""Ranks: several devices, or processes, that compute together through HCCL.

comm = ao.distributed.init()                # one process per rank: torchrun, mpirun, srun, ascend_ops run
comms = ao.distributed.init_all(2)          # or all ranks in this process, for instance one thread each
y = comm.all_reduce(x)                      # queued on the current stream
"""

from ascend_ops.distributed._errors import RendezvousError, RendezvousTimeoutError
from ascend_ops.distributed.communicator import Communicator
from ascend_ops.distributed.creation import init, init_all, init_cluster, init_rank, root_info

__all__ = [
    "Communicator",
    "RendezvousError",
    "RendezvousTimeoutError",
    "init",
    "init_all",
    "init_cluster",
    "init_rank",
    "root_info",
]
