"""The int8 matrix product of quant_matmul_all_reduce_v2 on one device, next to NumPy's int32 and float32 `@`
and, where torch is installed, oneDNN's quantized linear layer; all in one run.

    python tests/benchmarks/bench_matmul.py [rounds]

Best of `rounds`, in turns, so that all meet the same noise. Compare ratios, not numbers, between machines.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

import ascend_ops as ao

SHAPES = [(1, 4096, 4096), (32, 4096, 4096), (512, 4096, 4096), (333, 1000, 777)]  # m, k, n
LAYOUTS = ["rows", "columns", "NZ", "NZ of columns"]
NUMPY_ROWS = 8  # NumPy's integer product takes the same time for every row: more would only be slow
SPIN_SECONDS = 0.15  # threads of the other libraries spin this long after a call and keep the cores busy
TIMES_NUMPY = 10  # the aim: so many times as fast
TIMES_ONEDNN = 3  # the aim: oneDNN at most so many times as fast

Int8 = npt.NDArray[np.int8]


@contextlib.contextmanager
def one_rank() -> Iterator[ao.distributed.Communicator]:
    (comm,) = ao.distributed.init_all([0])
    with comm:
        yield comm


def weights(w: Int8) -> dict[str, ao.Tensor]:
    """The weight in every layout the operator takes."""
    columns = np.ascontiguousarray(w.T)
    made = [
        ao.asarray(w),
        ao.asarray(columns).T,
        ao.ops.trans_matmul_weight(ao.asarray(w)),
        ao.ops.trans_matmul_weight(ao.asarray(columns).T),
    ]
    return dict(zip(LAYOUTS, made, strict=True))


def with_numpy(x: Int8, w: Int8) -> dict[str, tuple[Callable[[], object], int]]:
    """Calls, and the rows of x that each works on."""
    rows = min(len(x), NUMPY_ROWS)
    xi, wi = x[:rows].astype(np.int32), w.astype(np.int32)
    xf, wf = x.astype(np.float32), w.astype(np.float32)
    return {"NumPy int32": (lambda: xi @ wi, rows), "NumPy float32": (lambda: xf @ wf, len(x))}


def with_onednn(x: Int8, w: Int8) -> dict[str, tuple[Callable[[], object], int]]:
    """Nothing without torch. uint8 x and float32 out: what oneDNN is fastest for on common processors."""
    try:
        torch: Any = importlib.import_module("torch")
    except ImportError:
        return {}
    onednn = torch.ops.onednn
    packed = onednn.qlinear_prepack(torch.from_numpy(np.ascontiguousarray(w.T)), list(x.shape))
    scale, zero = torch.ones(w.shape[1]), torch.zeros(w.shape[1], dtype=torch.int32)
    u = torch.from_numpy(x.view(np.uint8))

    def call() -> object:
        return onednn.qlinear_pointwise(
            u, 1.0, 0, packed, scale, zero, None, 1.0, 0, torch.float32, "none", [], ""
        )

    return {"oneDNN": (call, len(x))}


def with_ascend_ops(
    x: Int8, w: Int8, comm: ao.distributed.Communicator
) -> dict[str, tuple[Callable[[], object], int]]:
    x1, scale = ao.asarray(x), ao.asarray(np.ones(1), dtype=ao.bfloat16)
    out = ao.empty((len(x), w.shape[1]), ao.bfloat16)

    def caller(x2: ao.Tensor) -> Callable[[], object]:
        def call() -> None:
            ao.ops.quant_matmul_all_reduce_v2(x1, x2, scale, group=comm, out=out)
            ao.current_stream().synchronize()

        return call

    return {layout: (caller(x2), len(x)) for layout, x2 in weights(w).items()}


def rates(calls: dict[str, tuple[Callable[[], object], int]], per_row: int, rounds: int) -> dict[str, float]:
    """Best rate of each, in 10^9 products and sums a second; `per_row` products and sums make a row."""
    best = dict.fromkeys(calls, float("inf"))
    for call, _ in calls.values():
        call()
    for _ in range(rounds):
        for name, (call, rows) in calls.items():
            time.sleep(SPIN_SECONDS)
            start = time.perf_counter()
            call()
            best[name] = min(best[name], (time.perf_counter() - start) / rows)
    return {name: per_row / seconds / 1e9 for name, seconds in best.items()}


def measure(m: int, k: int, n: int, comm: ao.distributed.Communicator, rounds: int) -> dict[str, float]:
    rng = np.random.default_rng(1)
    x, w = (rng.integers(-128, 128, shape, np.int8) for shape in ((m, k), (k, n)))
    return rates({**with_ascend_ops(x, w, comm), **with_numpy(x, w), **with_onednn(x, w)}, k * n, rounds)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print("10^9 products and sums a second, the weight in four layouts")
    with one_rank() as comm:
        for m, k, n in SHAPES:
            found = measure(m, k, n, comm, rounds)
            print(f"{m} x {k} x {n}: " + ", ".join(f"{name} {rate:.1f}" for name, rate in found.items()))
            slowest = min(found[layout] for layout in LAYOUTS)
            print(f"    slowest layout: {slowest / found['NumPy int32']:.0f} times NumPy int32", end="")
            print(f" (aim: {TIMES_NUMPY})", end="")
            if "oneDNN" in found:
                print(
                    f", oneDNN is {found['oneDNN'] / slowest:.2f} times as fast (aim: {TIMES_ONEDNN})", end=""
                )
            print()


if __name__ == "__main__":
    main()
