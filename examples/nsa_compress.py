"""aclnnNsaCompress from Python: the official C++ sample's inputs, or arrays of your own.

    python examples/nsa_compress.py                              # the sample: 64 tokens of ones, 2 windows
    python examples/nsa_compress.py --block-size 16 --stride 16  # the same tokens in 4 windows of 16
    python examples/nsa_compress.py --input k.npy --weight w.npy --act-seq-len 100 250 --output compressed.npy

The sample prints every element of the result as "mean result[i] is: ..."; so does this script. (It is the sum
of a window, not its mean: 32 ones with weights of 1 give 32.)
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import numpy.typing as npt

import ascend_ops as ao

SHOWN = 256  # elements that are printed of large results; the sample has as many


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--input", type=Path, help=".npy with [tokens, heads, head size]")
    parser.add_argument("--weight", type=Path, help=".npy with [block size, heads]; default: all 1")
    parser.add_argument("--act-seq-len", type=int, nargs="+", help="running totals of the batches' tokens")
    parser.add_argument("--block-size", type=int, help="tokens in a window; default: rows of --weight, or 32")
    parser.add_argument("--stride", type=int, help="tokens between windows; default: the block size")
    parser.add_argument("--dtype", choices=("float16", "bfloat16"), help="what the arrays are converted to")
    parser.add_argument("--output", type=Path, help=".npy to write the result to (bfloat16 as float32)")
    return parser.parse_args()


def load(path: Path, dtype: str | None) -> npt.NDArray[np.generic]:
    x: npt.NDArray[np.generic] = np.load(path)
    if x.dtype == "V2":  # how NumPy reads back an array that was saved as bfloat16
        x = x.view(ml_dtypes.bfloat16)
    if dtype is None:
        dtype = "bfloat16" if x.dtype == ml_dtypes.bfloat16 else "float16"
    return x.astype(ao.dtype(dtype).host())


def main() -> None:
    args = arguments()
    if args.input is None:
        x = np.ones((64, 4, 32), ao.dtype(args.dtype or "float16").host())  # tokens, heads, head size
    else:
        x = load(args.input, args.dtype)
    if args.weight is None:
        weight = np.ones(
            (args.block_size or 32, *x.shape[1:2]), x.dtype
        )  # of every token in a window, per head
    else:
        weight = load(args.weight, x.dtype.name)
    block_size = len(weight) if args.block_size is None else args.block_size
    act_seq_len = args.act_seq_len or [len(x)]  # one batch of all tokens
    stride = block_size if args.stride is None else args.stride

    result = ao.ops.nsa_compress(x, weight, act_seq_len, block_size, stride)
    host = result.numpy()
    if args.output is not None:
        np.save(args.output, host if host.dtype == np.float16 else host.astype(np.float32))
    show(host)


def show(result: npt.NDArray[np.generic]) -> None:
    for i, value in enumerate(result.reshape(-1)[:SHOWN]):
        print(f"mean result[{i}] is: {float(value):f}")
    print(f"result {result.dtype} {list(result.shape)}")


if __name__ == "__main__":
    try:
        main()
    except (ao.AscendError, TypeError, ValueError, OSError) as error:
        sys.exit(f"nsa_compress.py: {error}")
