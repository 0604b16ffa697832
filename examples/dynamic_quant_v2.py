"""aclnnDynamicQuantV2 from Python: the official C++ sample's inputs, or an array of your own.

    python examples/dynamic_quant_v2.py                          # the sample: 4 tokens of 2, two experts
    python examples/dynamic_quant_v2.py --symmetric              # without offsets
    python examples/dynamic_quant_v2.py --input x.npy --dst-type int4 --output quantized.npz

The sample prints the elements of y as "result[i] is: ..."; so does this script, then scales and offsets. (The
sample of CANN 8.1 reads the int8 result as floats, so its own numbers are not those of y.)
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import numpy.typing as npt

import ascend_ops as ao

SHOWN = 8  # rows, and elements of a row, that are printed of large arrays


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--input", type=Path, help=".npy with an array of 2 to 8 axes, one row per token")
    parser.add_argument("--symmetric", action="store_true", help="no offset: 0 stays 0")
    parser.add_argument("--dst-type", choices=("int8", "int4", "int32"), default="int8", help="type of y")
    parser.add_argument("--dtype", choices=("float16", "bfloat16"), help="what --input is converted to")
    parser.add_argument("--output", type=Path, help=".npz to write y, scale (and offset) to")
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
    how = {"dst_type": args.dst_type, "symmetric": args.symmetric}
    if args.input is None:
        x = np.arange(8, dtype=np.float16).reshape(4, 2)
        smooth_scales = np.arange(4, dtype=np.float16).reshape(2, 2)  # one row per expert
        group_index = np.array([2, 4], np.int32)  # rows 0 and 1 are expert 0's, rows 2 and 3 expert 1's
        results = ao.ops.dynamic_quant_v2(x, smooth_scales, group_index, **how)
    else:
        results = ao.ops.dynamic_quant_v2(load(args.input, args.dtype), **how)
    host = {name: each.numpy() for name, each in zip(("y", "scale", "offset"), results, strict=False)}
    if args.output is not None:
        # .npz knows NumPy's own types only: int4 is stored as int8.
        y = host["y"].astype(np.int8) if args.dst_type == "int4" else host["y"]
        np.savez(args.output, **{**host, "y": y})
    show(host)


def show(host: dict[str, npt.NDArray[np.generic]]) -> None:
    for i, value in enumerate(host["y"].reshape(-1)[: SHOWN * SHOWN]):
        print(f"result[{i}] is: {int(value)}")
    shapes = ", ".join(f"{name} {array.dtype} {list(array.shape)}" for name, array in host.items())
    print(shapes)
    for i in range(min(host["scale"].size, SHOWN)):
        numbers = [f"{name} {array.reshape(-1)[i]:.9g}" for name, array in host.items() if name != "y"]
        print(f"row {i}: {', '.join(numbers)}")


if __name__ == "__main__":
    try:
        main()
    except (ao.AscendError, TypeError, ValueError, OSError) as error:
        sys.exit(f"dynamic_quant_v2.py: {error}")
