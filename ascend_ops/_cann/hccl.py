"""CANN's collectives (HCCL) in Python: every failing status is an `AclError`, handles and addresses are plain
ints.

Functions that make a communicator wait for the other ranks. Collectives are queued on a stream, which must
not be the default stream (0), and return at once; counts are elements. A device must be current in the
calling thread. `destroy` does nothing once C may not be called any more.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from typing import Final

from ascend_ops._cann.calls import call, give_back
from ascend_ops._cann.ranges import INT32, UINT32, address, checked, size

__all__ = [
    "ROOT_INFO_BYTES",
    "all_gather",
    "all_reduce",
    "async_error",
    "barrier",
    "broadcast",
    "comm_init_all",
    "comm_init_cluster_info",
    "comm_init_root_info",
    "comm_name",
    "destroy",
    "get_root_info",
    "rank_id",
    "rank_size",
    "reduce_scatter",
]

ROOT_INFO_BYTES: Final = 4108
_NAME_BYTES = 128

_byref = ctypes.byref


# Communicators


def get_root_info() -> bytes:
    """Opens the meeting point of a new communicator in this process and tells where it is. Does not wait; the
    process must be one of the communicator's, and stay alive."""
    info = ctypes.create_string_buffer(ROOT_INFO_BYTES)
    call("HcclGetRootInfo", info)
    return info.raw


def comm_init_root_info(count: int, info: bytes, rank: int) -> int:
    """Joins the communicator of a root info as `rank` of `count`."""
    if len(info) != ROOT_INFO_BYTES:
        raise ValueError(f"info has {len(info)} bytes; a root info has {ROOT_INFO_BYTES}")
    comm = ctypes.c_void_p()
    ranks, rank = checked("count", count, UINT32), checked("rank", rank, UINT32)
    call("HcclCommInitRootInfo", ranks, bytes(info), rank, _byref(comm))
    return comm.value or 0


def comm_init_all(devices: Sequence[int]) -> list[int]:
    """One communicator per device, rank i on devices[i], all in this process."""
    numbers = [checked(f"devices[{i}]", device, INT32) for i, device in enumerate(devices)]
    comms = (ctypes.c_void_p * len(numbers))()
    call("HcclCommInitAll", len(numbers), (ctypes.c_int32 * len(numbers))(*numbers), comms)
    return [comm or 0 for comm in comms]


def comm_init_cluster_info(path: str | os.PathLike[str], rank: int) -> int:
    """Joins, as `rank`, the communicator that a rank table (a JSON file) describes."""
    comm = ctypes.c_void_p()
    call("HcclCommInitClusterInfo", os.fsencode(path), checked("rank", rank, UINT32), _byref(comm))
    return comm.value or 0


def comm_name(comm: int) -> str:
    """The group name, by which operators find the communicator."""
    name = ctypes.create_string_buffer(_NAME_BYTES)
    call("HcclGetCommName", address("comm", comm), name)
    return name.value.decode("utf-8", "replace")


def rank_size(comm: int) -> int:
    count = ctypes.c_uint32()
    call("HcclGetRankSize", address("comm", comm), _byref(count))
    return count.value


def rank_id(comm: int) -> int:
    rank = ctypes.c_uint32()
    call("HcclGetRankId", address("comm", comm), _byref(rank))
    return rank.value


def async_error(comm: int) -> int:
    """The HcclResult of what went wrong in the background; 0 while nothing did."""
    result = ctypes.c_int()
    call("HcclGetCommAsyncError", address("comm", comm), _byref(result))
    return result.value


def destroy(comm: int) -> None:
    """Destroys this rank's communicator. Synchronize the streams it was used on first."""
    give_back("HcclCommDestroy", address("comm", comm))


# Collectives


def all_reduce(send: int, receive: int, count: int, dtype: int, op: int, comm: int, stream: int) -> None:
    """`count` elements from every rank, reduced, to every rank. `dtype` is an HcclDataType, `op` an
    HcclReduceOp."""
    call("HcclAllReduce", *_buffers(send, receive, count), _type(dtype), _op(op), *_queue(comm, stream))


def all_gather(send: int, receive: int, count: int, dtype: int, comm: int, stream: int) -> None:
    """`count` elements from every rank, in the order of ranks, to every rank."""
    call("HcclAllGather", *_buffers(send, receive, count), _type(dtype), *_queue(comm, stream))


def reduce_scatter(send: int, receive: int, count: int, dtype: int, op: int, comm: int, stream: int) -> None:
    """As `all_reduce` over ranks x `count` elements, of which every rank gets its `count`."""
    call("HcclReduceScatter", *_buffers(send, receive, count), _type(dtype), _op(op), *_queue(comm, stream))


def broadcast(buffer: int, count: int, dtype: int, root: int, comm: int, stream: int) -> None:
    """`count` elements of rank `root` to every rank."""
    where, count = address("buffer", buffer), size("count", count)
    call("HcclBroadcast", where, count, _type(dtype), checked("root", root, UINT32), *_queue(comm, stream))


def barrier(comm: int, stream: int) -> None:
    """Holds the stream until the streams of all ranks have got here. The host does not wait."""
    call("HcclBarrier", *_queue(comm, stream))


def _buffers(send: int, receive: int, count: int) -> tuple[int, int, int]:
    return address("send", send), address("receive", receive), size("count", count)


def _type(dtype: int) -> int:
    return checked("dtype", dtype, INT32)


def _op(op: int) -> int:
    return checked("op", op, INT32)


def _queue(comm: int, stream: int) -> tuple[int, int]:
    return address("comm", comm), address("stream", stream)
