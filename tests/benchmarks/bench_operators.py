"""What the stand-in's operators cost beside NumPy doing the same amount of work.

    python tests/benchmarks/bench_operators.py [WORD]

Elementwise operators, reductions and norms: time over that of np.copyto of the same input, with contiguous,
strided, transposed and broadcast inputs. Matrix products: time over that of NumPy's BLAS in float32. Minima,
taken in turns, so that a noisy machine disturbs both sides alike."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import ascend_ops as ao

ROWS, COLUMNS = 2048, 4096
ROUNDS = 7
Row = tuple[str, Callable[[], object], Callable[[], object]]


def filled(dtype: str, shape: tuple[int, ...] = (ROWS, COLUMNS)) -> ao.Tensor:
    rng = np.random.default_rng(0)
    if dtype.startswith("int"):
        return ao.asarray(rng.integers(1, 100, shape), dtype)
    return ao.asarray(rng.uniform(0.5, 2, shape).astype(np.float32), dtype)


def copies(x: ao.Tensor) -> Callable[[], object]:
    source = np.ones(x.shape, x.numpy().dtype)
    target = source.copy()
    return lambda: np.copyto(target, source)


def elementwise() -> Iterator[Row]:
    for dtype in ("float32", "float16", "bfloat16", "int32"):
        x, y = filled(dtype), filled(dtype)
        out = ao.empty(x.shape, dtype)
        copied = copies(x)
        yield f"add {dtype}", lambda x=x, y=y, out=out: ao.ops.add(x, y, 1, out=out), copied
        yield f"add {dtype}, x broadcast", lambda x=x, y=y, out=out: ao.ops.add(x[:1], y, 1, out=out), copied
        half = x[:, ::2], y[:, ::2], ao.empty((ROWS, COLUMNS // 2), dtype)
        yield f"add {dtype}, every other", lambda h=half: ao.ops.add(h[0], h[1], 1, out=h[2]), copies(half[2])
        square = x.reshape(-1)[: ROWS * ROWS].reshape(ROWS, ROWS)
        flat = ao.empty((ROWS, ROWS), dtype)
        yield f"add {dtype}, x.T", lambda s=square, o=flat: ao.ops.add(s.T, s, 1, out=o), copies(flat)
        for name in () if dtype == "int32" else ("exp", "silu", "gelu", "tanh", "sqrt", "log", "sin"):
            call = getattr(ao.ops, name)
            yield f"{name} {dtype}", lambda call=call, x=x, out=out: call(x, out=out), copied


def reductions() -> Iterator[Row]:
    for dtype in ("float32", "float16", "bfloat16"):
        x, copied = filled(dtype), None
        copied = copies(x)
        for axes in ([1], [0], [0, 1]):
            yield (
                f"reduce_sum {dtype} over {axes}",
                lambda x=x, axes=axes: ao.ops.reduce_sum(x, axes, False, "float32"),
                copied,
            )
        yield f"amax {dtype} over [1]", lambda x=x: ao.ops.amax(x, [1], False), copied
        yield f"softmax {dtype}", lambda x=x: ao.ops.softmax(x, -1), copied
        gamma = filled(dtype, (COLUMNS,))
        yield f"rms_norm {dtype}", lambda x=x, g=gamma: ao.ops.rms_norm(x, g, 1e-6), copied


def products() -> Iterator[Row]:
    for sizes in ((1024, 1024, 1024), (1, 4096, 4096), (64, 2048, 2048)):
        m, k, n = sizes
        a, b = np.random.default_rng(0).random((m, k), np.float32), np.ones((k, n), np.float32)
        for dtype in ("float32", "bfloat16"):
            x, y = ao.asarray(a, dtype), ao.asarray(b, dtype)
            yield (
                f"matmul {dtype} {sizes}",
                lambda x=x, y=y: ao.ops.matmul(x, y, 0),
                lambda a=a, b=b: a @ b,
            )


def measure(ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float]:
    best = [float("inf")] * 2
    for _ in range(ROUNDS):
        for side, call in enumerate((ours, theirs)):
            started = time.perf_counter()
            kept: Any = call()
            ao.current_stream().synchronize()
            best[side] = min(best[side], time.perf_counter() - started)
            del kept
    return best[0], best[1]


def main() -> None:
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    for group in (elementwise, reductions, products):
        for title, ours, theirs in group():
            if wanted in title:
                first, second = measure(ours, theirs)
                print(
                    f"{title:34} {first * 1e3:9.3f} ms  {first / second:6.2f}x {group.__name__}", flush=True
                )


if __name__ == "__main__":
    main()
