"""aclnnNsaCompress: its vectors and further cases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
import reference as ref

from texts.lines import Case, require_digest, tensor_line

TYPES = ("float16", "bfloat16")
MOST_ELEMENTS = 500_000  # of an input that a text holds


def nsa_compress_lines(case: Case) -> Iterator[str]:
    """Of an input beyond MOST_ELEMENTS the first heads only: heads do not know of each other."""
    x, weight = case["tensors"] if "tensors" in case else generated(case)
    y = ref.nsa_compress(x, weight, case["actSeqLen"], case["compressStride"])
    require_digest(case, digest_of(case), y.tobytes())
    heads = max(1, MOST_ELEMENTS * x.shape[1] // x.size)
    dtype = x.dtype.name
    yield f"number compressStride {case['compressStride']}"
    yield tensor_line("actSeqLen", "int64", np.array(case["actSeqLen"], np.int64))
    yield tensor_line("input", dtype, x[:, :heads])
    yield tensor_line("weight", dtype, weight[:, :heads])
    yield tensor_line("output", dtype, y[:, :heads])


def generated(case: Case) -> tuple[ref.Array, ref.Array]:
    shape = (case["T"], case["N"], case["D"])
    weight_shape = (case["compressBlockSize"], case["N"])
    return (
        ref.nsa_generate(case["input"], shape, case["dtype"]),
        ref.nsa_generate(case["weight"], weight_shape, case["dtype"]),
    )


def digest_of(case: Case) -> Case | None:
    return {"sha256": case["expected"]["sha256_le"]} if "expected" in case else None


def nsa_case(name: str, x: ref.Array, weight: ref.Array, ends: Sequence[int], stride: int) -> Case:
    case = {"name": f"{name}_{x.dtype.name}", "tensors": (x, weight), "actSeqLen": ends}
    return case | {"compressStride": stride}


def random_case(
    dtype: str, block: int, stride: int, heads: int, columns: int, lengths: Sequence[int], tokens: int = 0
) -> Case:
    """Batches of `lengths`, in an input of `tokens` where that is more."""
    ends = np.cumsum(lengths).tolist()
    rng = np.random.default_rng([block, stride, heads, columns])
    x = rng.standard_normal((max(tokens, ends[-1]), heads, columns)) * 4
    weight = rng.standard_normal((block, heads))
    name = f"L{block}_S{stride}_N{heads}_D{columns}_B{len(lengths)}"
    return nsa_case(name, x.astype(ref.DTYPES[dtype]), weight.astype(ref.DTYPES[dtype]), ends, stride)


def nsa_compress_extra() -> Iterator[Case]:
    for dtype in TYPES:
        yield from sizes(dtype)
        yield from borders_of_batches(dtype)
        yield from overlaps(dtype)
        yield from special_values(dtype)
    yield ties("bfloat16", 2.0**-100, 2.0**-34, "subnormal_ties")
    yield ties("float16", 2.0**-14, 2.0**-11, "subnormal_ties")
    yield ties("float16", 1.0, 1.0, "ties")
    yield ties("bfloat16", 1.0, 1.0, "ties")
    yield overflows("float16", 65504.0, 16.0, 15.9921875)
    yield overflows("bfloat16", 255 * 2.0**120, 2.0**119, 255 * 2.0**111)


def sizes(dtype: str) -> Iterator[Case]:
    """Every block and stride up to 128, and sizes around vector widths and tiles, in and outside the page."""
    multiples = range(16, 129, 16)
    for block, stride in product(multiples, multiples):
        if stride <= block:
            yield random_case(dtype, block, stride, 2, 16, [block + stride + 5])
    for columns in (1, 8, 15, 17, 32, 48, 64, 96, 100, 128, 192, 256, 1030):
        yield random_case(dtype, 32, 16, 3 if columns < 200 else 1, columns, [50])
    for heads in (1, 4, 6, 9, 24, 128):
        yield random_case(dtype, 16, 16, heads, 16, [20, 17])
    for block in (144, 256, 272, 1024):
        yield random_case(dtype, block, 48, 1, 16, [block + 100])
    yield random_case(dtype, 16, 16, 5, 256, [60])


def borders_of_batches(dtype: str) -> Iterator[Case]:
    yield random_case(dtype, 32, 16, 3, 16, [0, 0, 31, 32, 0, 33, 47, 48, 1, 49, 0])
    yield random_case(dtype, 32, 32, 1, 16, [5, 64, 0, 63, 95, 96, 7], tokens=400)


def overlaps(dtype: str) -> Iterator[Case]:
    """More windows than are worked on at once, heads of odd sizes, batches of one window or two."""
    yield random_case(dtype, 128, 16, 1, 20, [128 + 16 * 60 + 3])
    yield random_case(dtype, 96, 16, 2, 5, [700, 95, 96, 500])
    yield random_case(dtype, 80, 16, 1, 40, [79, 640])
    yield random_case(dtype, 112, 16, 3, 13, [300] * 3)
    yield random_case(dtype, 256, 16, 1, 33, [256 + 16 * 20])
    for columns in (17, 31, 33, 100):
        yield random_case(dtype, 48, 16, 1, columns, [48 + 16 * 30])
    yield random_case(dtype, 32, 32, 3, 40, [32 * 12 + 31])
    yield random_case(dtype, 64, 32, 2, 20, [64 + 32 * 15])
    yield random_case(dtype, 16, 16, 2, 24, [16, 17] * 30)
    yield random_case(dtype, 128, 16, 1, 16, [128, 140, 144, 12] * 4)


def special_values(dtype: str) -> Iterator[Case]:
    """Infinities, NaNs, signed zeros, subnormals: each window of 16 tokens has one of them in one place."""
    values = np.array([np.inf, -np.inf, np.nan, -0.0, 0.0, 1e-7, -3e-39, 6e4, 3e38, 1.0])
    rng = np.random.default_rng(4)
    x = rng.choice([1.0, -1.0, 0.5, -0.0], (320, 2, 16))
    x[rng.integers(0, 16, 20) + np.arange(0, 320, 16)] = rng.choice(values, (20, 2, 16))
    weight = rng.choice([1.0, -1.0, 0.0, -0.0], (16, 2))
    with np.errstate(over="ignore"):
        x, weight = x.astype(ref.DTYPES[dtype]), weight.astype(ref.DTYPES[dtype])
        everything = rng.choice(values, (80, 3, 16)).astype(ref.DTYPES[dtype])
    yield nsa_case("special_tokens", x, weight, [320], 16)
    yield nsa_case("special_weights", everything, everything[:32, :, 0].copy(), [16, 80], 16)
    zeros = np.full((64, 2, 8), -0.0).astype(ref.DTYPES[dtype])
    yield nsa_case("negative_zeros", zeros, np.ones_like(weight), [64], 16)


def ties(dtype: str, x_unit: float, weight_unit: float, name: str) -> Case:
    """Small integers whose sums lie between two neighbours of the type, and right and left of that."""
    rng = np.random.default_rng(5)
    bits = {"float16": 11, "bfloat16": 8}[dtype]
    x = np.zeros((160, 2, 32))
    x[0::16] = rng.integers(2**bits, 2 ** (bits + 1), (10, 2, 32)) // 2 * 2
    x[1::16] = rng.integers(-3, 4, (10, 2, 32))
    x[9::16] = rng.integers(-1, 2, (10, 2, 32)) / 2
    weight = np.full((16, 2), weight_unit)
    x *= np.array([x_unit, -x_unit])[:, None]
    return nsa_case(name, x.astype(ref.DTYPES[dtype]), weight.astype(ref.DTYPES[dtype]), [160], 16)


def overflows(dtype: str, largest: float, half: float, less: float) -> Case:
    """What is nearer to the largest number stays finite; half a step above it is infinite."""
    x = np.zeros((16, 1, 16))
    x[0], x[3] = largest, np.array([0.0, half, less, -half] * 4)
    x[0, :, 3::4] = -largest
    weight = np.ones((16, 1))
    return nsa_case("overflows", x.astype(ref.DTYPES[dtype]), weight.astype(ref.DTYPES[dtype]), [16], 16)
