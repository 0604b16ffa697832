"""aclnnQuantMatmulAllReduceV2 from Python: the official C++ sample's inputs, on as many ranks as you say.

    python examples/quant_matmul_all_reduce_v2.py                   # ranks are threads, as in the sample
    python examples/quant_matmul_all_reduce_v2.py --ranks 8
    python -m ascend_ops run -n 2 examples/quant_matmul_all_reduce_v2.py     # ranks are processes
    mpirun -n 2 python examples/quant_matmul_all_reduce_v2.py                # or torchrun, or srun

Every rank computes int8 ones [32, 64] @ ones [64, 128] + 1 = 65, adds x3 and sums over the ranks: with x3 = 1
(the sample from CANN 9.0 on) 132 on 2 ranks. The samples up to CANN 8.5 meant 1 too but wrote the integer 1
into a 16-bit float, which is 2**-24 and disappears: `--ranks 8 --x3 5.9604645e-08` gives their 520.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

import ascend_ops as ao

M, K, N = 32, 64, 128
SECONDS = 10  # that the sample waits for its stream
LAUNCHED = ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID")  # set by launchers


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--ranks", type=int, default=2, help="threads; a launcher says itself how many")
    parser.add_argument("--x3", type=float, default=1.0, help="what every rank adds")
    parser.add_argument("--format", choices=("ND", "FRACTAL_NZ"), default="ND", help="of x2 on the device")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    if any(name in os.environ for name in LAUNCHED):
        with ao.distributed.init() as comm:
            show(comm, compute(comm, args))
        return
    comms = ao.distributed.init_all(args.ranks)
    with ThreadPoolExecutor(args.ranks) as pool:
        results = list(pool.map(lambda comm: compute(comm, args), comms))
    for comm, y in zip(comms, results, strict=True):
        show(comm, y)
        comm.close()


def compute(comm: ao.distributed.Communicator, args: argparse.Namespace) -> npt.NDArray[np.generic]:
    """One rank: the result, which is the same on all of them."""
    with comm.device, ao.Stream() as stream:
        x2: npt.NDArray[np.int8] | ao.Tensor = np.ones((K, N), np.int8)
        if args.format == "FRACTAL_NZ":
            x2 = ao.ops.trans_matmul_weight(x2)
        y = ao.ops.quant_matmul_all_reduce_v2(
            np.ones((M, K), np.int8),
            x2,
            dequant_scale=np.ones(N, np.float32),
            bias=np.ones(N, np.int32),
            x3=np.full((M, N), args.x3, np.float16),
            pertoken_scale=np.ones(M, np.float32),
            group=comm,
        )
        stream.synchronize(SECONDS)
        return y.numpy()


def show(comm: ao.distributed.Communicator, y: npt.NDArray[np.generic]) -> None:
    low, high = float(y.min()), float(y.max())
    values = f"all {low:g}" if low == high else f"from {low:g} to {high:g}"
    print(f"rank {comm.rank} of {comm.size}: output {y.dtype} {list(y.shape)}, {values}")


if __name__ == "__main__":
    try:
        main()
    except (ao.AscendError, TypeError, ValueError, OSError) as error:
        sys.exit(f"quant_matmul_all_reduce_v2.py: {error}")
