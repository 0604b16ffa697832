"""Host cost of one eager operator call, in layers, next to an empty ctypes call; all in one run.

    python tests/benchmarks/bench_calls.py [rounds]

Each measurement is CPU time of the calling thread, best of `rounds`, with the stream held so that only the
host works. Compare ratios, not microseconds, between machines.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import sys
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np

import ascend_ops as ao
from ascend_ops import dispatch
from ascend_ops._cann import nn
from ascend_ops._cann.operators import bind

CALLS = 300  # per measurement: less than a stream queues before it makes the caller wait
LIMIT_US = 15  # eager call on top of the same C calls, where a call of 9 arguments takes REFERENCE_US
REFERENCE_US = 0.65
OPERATOR = "aclnnDynamicQuantV2"
HOST_FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


@contextlib.contextmanager
def held(stream: ao.Stream) -> Iterator[None]:
    """Keeps the stream from running what is queued in the block."""
    released = threading.Event()
    function = HOST_FUNCTION(lambda _: released.wait(60) and None)
    assert ao.acl.aclrtLaunchHostFunc(stream.handle, ctypes.cast(function, ctypes.c_void_p).value, None) == 0
    try:
        yield
    finally:
        released.set()
        stream.synchronize()


def microseconds(call: Callable[[], object], rounds: int) -> float:
    """Best CPU time per call."""
    best = float("inf")
    for _ in range(rounds):
        with held(ao.current_stream()):
            start = time.thread_time()
            for _ in range(CALLS):
                call()
            best = min(best, time.thread_time() - start)
    return best / CALLS * 1e6


def c_function(arguments: int) -> Callable[..., object]:
    """A C function that does next to nothing, with that many declared arguments (which it ignores)."""
    function = ctypes.CDLL(None).getpagesize
    function.argtypes = [ctypes.c_uint64] * arguments
    return function


def layers() -> dict[str, Callable[[], object]]:
    x = ao.asarray(np.ones((1, 16), np.float16))
    y, scale = ao.empty((1, 16), ao.int8), ao.empty(1, ao.float32)
    arguments = (x, None, None, 2, y, scale, None)
    described = [each._descriptor() for each in (x, y, scale)]
    operator = bind(OPERATOR)
    kept = [nn.create_tensor(*each) for each in described]
    nine_arguments = functools.partial(c_function(9), *range(9))

    def two_phases(handles: list[int] = kept) -> None:
        x, y, scale = handles
        size, executor = operator.phase_one((x, None, None, 2, y, scale, None))
        operator.phase_two(0, size, executor, 0)

    def with_descriptors() -> None:
        handles = [nn.create_tensor(*each) for each in described]
        two_phases(handles)
        for handle in handles:
            nn.destroy_tensor(handle)

    return {
        "empty ctypes call": c_function(0),
        "ctypes call of 9 arguments": nine_arguments,
        "both phases, descriptors kept": two_phases,
        "both phases with 3 descriptors": with_descriptors,
        "dispatch.launch": lambda: dispatch.launch(OPERATOR, arguments),
        "ops.dynamic_quant_v2, out=": lambda: ao.ops.dynamic_quant_v2(x, out=(y, scale)),
        "ops.dynamic_quant_v2 (eager)": lambda: ao.ops.dynamic_quant_v2(x),
    }


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    cost = {name: microseconds(call, rounds) for name, call in layers().items()}
    unit, nine, base, raw, *_, eager = cost.values()
    print(f"{'':32}{'us':>8}{'empty calls':>13}{'x raw':>8}")
    for name, us in cost.items():
        print(f"{name:32}{us:8.2f}{us / unit:13.1f}{us / raw:8.2f}")
    on_top, with_descriptors = eager - base, eager - raw
    print(
        f"eager on top of the two phases {on_top:.1f} us, of those with descriptors {with_descriptors:.1f} us"
    )
    scale = REFERENCE_US / nine
    print(f"where a call of 9 arguments takes {REFERENCE_US} us that is", end=" ")
    print(f"{on_top * scale:.1f} and {with_descriptors * scale:.1f} us; the aim is {LIMIT_US} us")


if __name__ == "__main__":
    main()
