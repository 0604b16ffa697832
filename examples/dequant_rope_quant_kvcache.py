"""aclnnDequantRopeQuantKvcache from Python: the official C++ sample's inputs, with options to vary them.

    python examples/dequant_rope_quant_kvcache.py                    # the sample: 320 batches of one token
    python examples/dequant_rope_quant_kvcache.py --batches 2 --tokens 3 --rows 8
    python examples/dequant_rope_quant_kvcache.py --page 7 -1 3 --dtype bfloat16 --no-offsets

The sample fills x, an int32 matrix product, with ones and everything that scales or offsets with 2; its cos
and sin are the integer 1 in 16 bits, as float16 2^-24. It prints every element of the two caches as "mean
result[i] is: ..."; so does this script for rows that were written, with the sample's i, and then a line for
each of these rows and for q, k and v.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
import numpy.typing as npt

import ascend_ops as ao

Q_HEADS, KV_HEADS, D = 8, 1, 128
COLUMNS = (Q_HEADS + 2 * KV_HEADS) * D
SHOWN = 8  # rows, and elements of a row, that are printed
UNTOUCHED = 6  # what the caches are filled with


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--batches", type=int, help="320 as in the sample, or as many as --page has rows")
    parser.add_argument("--tokens", type=int, default=1, help="of each batch")
    parser.add_argument("--rows", type=int, default=1280, help="of each batch in the caches")
    parser.add_argument("--start", type=int, default=0, help="row of each batch's first token")
    parser.add_argument("--page", type=int, nargs="+", metavar="ROW", help="page mode: a row for each token")
    parser.add_argument("--dtype", choices=("float16", "bfloat16"), default="float16", help="of cos and sin")
    parser.add_argument("--cos", type=float, default=2.0**-24)
    parser.add_argument("--sin", type=float, default=2.0**-24)
    parser.add_argument("--no-offsets", action="store_true", help="quantize without offsets")
    parser.add_argument("--no-bias", action="store_true", help="dequantize without bias")
    args = parser.parse_args()
    if args.page is None and not 0 <= args.start <= args.rows - args.tokens:
        parser.error(f"--start {args.start}: {args.tokens} tokens from there on do not fit {args.rows} rows")
    return args


def run(args: argparse.Namespace) -> tuple[ao.Tensor, ...]:
    batches = args.batches or (len(args.page) // args.tokens if args.page else 320)
    tokens = (batches, args.tokens)
    twos = np.full(KV_HEADS * D, 2, np.float32)
    table = ao.dtype(args.dtype).host()
    cache = np.full((batches, args.rows, KV_HEADS, D), UNTOUCHED, np.int8)
    k_cache, v_cache = ao.asarray(cache), ao.asarray(cache)  # updated in place
    return ao.ops.dequant_rope_quant_kvcache(
        np.ones((*tokens, COLUMNS), np.int32),
        np.full((*tokens, 1, D), args.cos, table),
        np.full((*tokens, 1, D), args.sin, table),
        k_cache,
        v_cache,
        np.array(args.page if args.page else [args.start] * batches, np.int32),
        twos,
        twos,
        [Q_HEADS * D, KV_HEADS * D, KV_HEADS * D],
        offset_k=None if args.no_offsets else twos,
        offset_v=None if args.no_offsets else twos,
        weight_scale=np.full(COLUMNS, 2, np.float32),
        activation_scale=np.full(batches * args.tokens, 2, np.float32),
        bias=None if args.no_bias else np.full(COLUMNS, 2, np.float32),
        kv_output=True,
        cache_mode="page" if args.page else "contiguous",
    )


def written(args: argparse.Namespace, batches: int) -> list[int]:
    """The flat cache rows that the call writes, in order."""
    if args.page:
        return sorted(row for row in args.page if row >= 0)
    first = range(args.start, batches * args.rows, args.rows)
    return [row for start in first for row in range(start, start + args.tokens)]


def show_cache(name: str, cache: npt.NDArray[np.int8], rows: list[int]) -> None:
    """As the sample prints a whole cache, and the rows in short."""
    flat = cache.reshape(-1, KV_HEADS * D)
    for row in rows[:SHOWN]:
        for column, value in enumerate(flat[row, :SHOWN]):
            print(f"mean result[{row * flat.shape[1] + column}] is: {value}")
    for row in rows[:SHOWN]:
        print(f"{name} row {row}: {flat[row, :4].tolist()} .. {flat[row, -4:].tolist()}")
    kept = (np.delete(flat, rows, axis=0) == UNTOUCHED).all()
    print(f"{name} {list(cache.shape)}: {len(rows)} rows written, others {'kept' if kept else 'changed'}")


def main() -> None:
    args = arguments()
    q, k, v, k_cache, v_cache = (each.numpy() for each in run(args))
    rows = written(args, len(k_cache))
    show_cache("k_cache", k_cache, rows)
    show_cache("v_cache", v_cache, rows)
    for name, array in (("q", q), ("k", k), ("v", v)):
        head = array.reshape(-1, D)[0].astype(float)
        print(f"{name} {array.dtype} {list(array.shape)}: {head[0]:g} .. {head[-1]:g}")


if __name__ == "__main__":
    try:
        main()
    except (ao.AscendError, TypeError, ValueError, OSError) as error:
        sys.exit(f"dequant_rope_quant_kvcache.py: {error}")
