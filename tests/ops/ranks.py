"""Ranks as threads of this process, and weights in every layout."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias, TypeVar

import numpy as np
import reference as ref

import ascend_ops as ao

Group: TypeAlias = list[ao.distributed.Communicator]
T = TypeVar("T")

LAYOUTS = ("nd", "nd_transposed", "nz", "nz_transposed", "nz_converted", "nz_converted_transposed")


def together(comms: Group, call: Callable[[ao.distributed.Communicator], T]) -> list[T]:
    """`call` for every rank at the same time; the results in the order of ranks."""
    with ThreadPoolExecutor(len(comms)) as pool:
        return list(pool.map(call, comms))


def laid_out(x2: ref.Array, layout: str) -> ao.Tensor:
    """A weight [k, n] on the current device, in one of LAYOUTS."""
    is_transposed = layout.endswith("transposed")
    stored = np.ascontiguousarray(x2.T) if is_transposed else x2
    if layout.startswith("nz_converted"):
        tensor = ao.ops.trans_matmul_weight(stored)
    else:
        tensor = ao.asarray(stored, format="FRACTAL_NZ" if layout.startswith("nz") else "ND")
    return tensor.T if is_transposed else tensor
