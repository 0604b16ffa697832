"""aclnnAscendAntiQuant from Python: the official C++ sample's inputs, or an array of your own.

    python examples/ascend_anti_quant.py                         # the sample: (x + 1) * 1 as float16
    python examples/ascend_anti_quant.py --scale 2 --offset 3 --sqrt-mode
    python examples/ascend_anti_quant.py --input q.npy --scale 0.5 0.25 --dst-type bfloat16 --output y.npy

The sample prints the raw 16 bits of every element of y as "result[i] is: ..."; so does this script, with the
value they stand for behind.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

import ascend_ops as ao

SHOWN = 64  # elements that are printed of large arrays


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--input", type=Path, help=".npy with int8, or with int32 that hold 8 int4 each")
    parser.add_argument("--scale", type=float, nargs="+", default=[1.0], help="one, or one per channel")
    parser.add_argument("--offset", type=float, nargs="+", help="as many as scales; the sample has 1")
    parser.add_argument("--sqrt-mode", action="store_true", help="multiply by the scale twice")
    parser.add_argument("--dst-type", choices=("float16", "bfloat16"), default="float16", help="type of y")
    parser.add_argument("--output", type=Path, help=".npy to write y to (bfloat16 as float32)")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    if args.input is None:
        x = np.arange(8, dtype=np.int8).reshape(4, 2)
        offset = args.offset or [1.0] * len(args.scale)
    else:
        x, offset = np.load(args.input), args.offset

    y = ao.ops.ascend_anti_quant(x, args.scale, offset, args.dst_type, args.sqrt_mode).numpy()
    if args.output is not None:
        np.save(args.output, y if args.dst_type == "float16" else y.astype(np.float32))
    show(y)


def show(y: npt.NDArray[np.generic]) -> None:
    values = y.reshape(-1)[:SHOWN]
    for i, (bits, value) in enumerate(zip(values.view(np.int16), values, strict=True)):
        print(f"result[{i}] is: {bits}  ({float(value):g})")
    print(f"y {y.dtype} {list(y.shape)}")


if __name__ == "__main__":
    try:
        main()
    except (ao.AscendError, TypeError, ValueError, OSError) as error:
        sys.exit(f"ascend_anti_quant.py: {error}")
