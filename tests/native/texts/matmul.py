"""aclnnQuantMatmulAllReduceV2 and its helpers: their vectors and further cases.

A case has the tensors of each rank under "RANK.NAME", the layouts of x2 as numbers of 1, and what all ranks
hold afterwards under "result". A helper's case has no number "ranks".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import reference as ref

from texts.lines import Case, require_digest, tensor_line

VECTORS = Path(__file__).parents[2] / "vectors" / "aclnnQuantMatmulAllReduceV2.vectors.json"
# What the stand-in answers where the file leaves a choice.
STATUSES = {
    "161002 from 9.0 on, 561002 before": 161002,
    "nonzero, exact code unconfirmed": 561002,
    "phase one 0, phase two 561000 (code); document: not supported": 0,
}
WEIGHT_DTYPES = ("int8", "uint8", "float16", "bfloat16")


def matmul_lines(case: Case) -> Iterator[str]:
    if "helper" in case:
        yield from (tensor_line(name, dtype, array) for name, (dtype, array) in case["helper"].items())
        return
    yield f"number ranks {case['ranks']}"
    yield from (f"number {layout} 1" for layout in case["x2_layouts"])
    parts = []
    for rank in range(case["ranks"]):
        tensors = tensors_of(case, rank)
        parts.append(local_result(case, tensors))
        require(case, f"local_rank{rank}_sha256_le", parts[-1])
        for name, (dtype, array) in tensors.items():
            yield tensor_line(f"{rank}.{name}", dtype, array)
        yield from weight_lines(case, rank, tensors["x2"][1])
    result = ref.all_reduce_sum(parts)
    require(case, "result_sha256_le", result)
    yield tensor_line("result", case["output_dtype"], result)


def require(case: Case, key: str, array: ref.Array) -> None:
    digest = case["expected"].get(key)
    require_digest(case, {"sha256": digest} if digest else None, array.tobytes())


def tensors_of(case: Case, rank: int) -> dict[str, tuple[str, ref.Array]]:
    """Name: (dtype, the rank's array), without the absent ones."""
    *lead, _ = case["x1_shape"]
    k, n, output = case["k"], case["n"], case["output_dtype"]
    shapes = {
        "x1": ("int8", case["x1_shape"]),
        "x2": ("int8", [k, n]),
        "bias": ("int32", [n]),
        "dequantScale": (case["dequantScale_dtype"], case["dequantScale_shape"]),
        "pertokenScale": ("float32", [int(np.prod(lead))]),
        "x3": (output, [*lead, n]),
    }
    arrays = {
        name: (dtype, ref.from_recipe(case[name], shape, dtype, rank))
        for name, (dtype, shape) in shapes.items()
    }
    return {name: (dtype, array) for name, (dtype, array) in arrays.items() if array is not None}


def local_result(case: Case, tensors: dict[str, tuple[str, ref.Array]]) -> ref.Array:
    x1, x2, scale = (tensors[name][1] for name in ("x1", "x2", "dequantScale"))
    bias, x3, pertoken = (
        tensors[name][1] if name in tensors else None for name in ("bias", "x3", "pertokenScale")
    )
    return ref.quant_matmul(x1, x2, scale, bias, x3, pertoken, case["output_dtype"])


def weight_lines(case: Case, rank: int, x2: ref.Array) -> Iterator[str]:
    stored = {"nz": ref.to_nz(x2), "nz_transposed": ref.to_nz(x2.T)}
    for layout, array in stored.items():
        if rank == 0 and "x2_storage_rank0" in case:
            require_digest(case, {"sha256": case["x2_storage_rank0"][f"{layout}_sha256"]}, array.tobytes())
        if layout in case["x2_layouts"]:
            yield tensor_line(f"{rank}.{layout}", "int8", array)


def lcg(seed: int, mod: int, sub: int = 0, div: float = 1) -> dict[str, Any]:
    return {"kind": "lcg", "seed": seed, "mod": mod, "sub": sub, "div": div}


def matmul_case(
    name: str, sizes: tuple[int, int, int], ranks: int, mode: str, scale_shape: str, **changes: Any
) -> Case:
    """A case of our own; mode is "packed", "float", "bf16" or "bf16_pertoken"."""
    m, k, n = sizes
    packed = {"kind": "packed_lcg", "seed": 21, "mod": 9973, "sub": 99, "div": 1 << 20}
    case: Case = {
        "name": name,
        "ranks": ranks,
        "output_dtype": "float16" if mode in {"packed", "float"} else "bfloat16",
        "x1_shape": [m, k],
        "k": k,
        "n": n,
        "x1": lcg(m + k, 256, 128),
        "x2": lcg(k + n, 256, 128),
        "x2_layouts": ["nd", "nd_transposed", "nz", "nz_transposed"] if k * n > 1 else ["nd", "nz"],
        "bias": lcg(31, 60001, 30000),
        "dequantScale": packed if mode == "packed" else lcg(22, 255, 99, 1 << 13),
        "dequantScale_dtype": {"packed": "uint64", "float": "float32"}.get(mode, "bfloat16"),
        "dequantScale_shape": {"tensor": [1], "channel": [n], "row": [1, n]}[scale_shape],
        "pertokenScale": lcg(23, 999, 111, 1 << 10) if mode in {"float", "bf16_pertoken"} else None,
        "x3": lcg(24, 257, 128, 8),
        "expected": {},
    }
    return {**case, **changes}


def matmul_extra() -> Iterator[Case]:
    """Every mode, scale shape and set of optional tensors, at sizes around tiles and vector widths."""
    sizes = [(1, 1, 1), (3, 16, 32), (2, 33, 17), (17, 31, 50), (5, 70, 33)]
    modes = product(("packed", "float", "bf16", "bf16_pertoken"), ("tensor", "channel", "row"))
    for index, (mode, shape) in enumerate(modes):
        for optional in product((False, True), repeat=2):
            changes = {name: None for name, given in zip(("bias", "x3"), optional, strict=True) if not given}
            name = f"{mode}_per_{shape}{'_bias' * optional[0]}{'_x3' * optional[1]}"
            yield matmul_case(name, sizes[index % len(sizes)], 1 + index % 2, mode, shape, **changes)
    ones = {"kind": "const", "value": 1}
    yield matmul_case("signed_packed_int64", (4, 20, 9), 1, "packed", "channel", dequantScale_dtype="int64")
    yield matmul_case("three_dimensions", (6, 20, 9), 8, "float", "channel", x1_shape=[3, 2, 20])
    full = {"kind": "const", "value": (1 << 31) - 1}
    yield matmul_case("bias_wraps", (2, 5, 40), 1, "bf16", "channel", x1=ones, x2=ones, bias=full)
    yield from beyond_fp16(ones)
    yield from helper_cases()


def beyond_fp16(ones: dict[str, Any]) -> Iterator[Case]:
    """Past 65504 the packed path saturates and the others give infinity; NaNs and infinities get through."""
    largest = {"kind": "const", "value": 127}
    special = {
        "kind": "literal",
        "values": ["inf", "-inf", "nan", 0.0, -0.0, 1e38, 1e-38, 3e-6, 2.0, -2.0] * 4,
    }
    big = {"kind": "literal", "values": [65519 - 127 + i for i in range(-20, 20)]}
    for mode in ("packed", "float"):
        scale = {"kind": "packed_lcg", "seed": 1, "mod": 1, "sub": -1} if mode == "packed" else ones
        pertoken = None if mode == "packed" else ones
        changes = {"x1": ones, "x2": largest, "bias": big, "dequantScale": scale, "pertokenScale": pertoken}
        yield matmul_case(f"largest_fp16_{mode}", (1, 1, 40), 1, mode, "tensor", x3=None, **changes)
        yield matmul_case(f"sum_of_largest_fp16_{mode}", (1, 1, 40), 2, mode, "tensor", x3=largest, **changes)
    for mode in ("float", "bf16", "bf16_pertoken"):
        yield matmul_case(f"special_scales_{mode}", (3, 4, 40), 1, mode, "channel", dequantScale=special)


def helper_cases() -> Iterator[Case]:
    helpers = json.loads(VECTORS.read_text())["helpers"]
    yield {"name": "trans_quant_param", "helper": published_scales(helpers["trans_quant_param"])}
    yield {"name": "offsets", "helper": published_offsets(helpers["trans_quant_param_with_offset"])}
    yield {"name": "weight_sizes", "helper": published_sizes(helpers["calculate_matmul_weight_size_v2"])}
    yield {"name": "random_scales", "helper": random_scales()}
    order = helpers["nz_int8_element_order"]
    for dtype, shape in product(
        WEIGHT_DTYPES, [(40, 33), (1, 1), (16, 32), (2, 3, 17, 5), (3, 1, 2, 1, 18, 35)]
    ):
        nd = (np.arange(np.prod(shape)).reshape(shape) % 127).astype(ref.DTYPES[dtype])
        nz = ref.to_nz(nd)
        if (dtype, list(shape)) == ("int8", order["nd_shape"]):
            require_digest({"name": "nz"}, {"sha256": order["sha256_of_int8_storage"]}, nz.tobytes())
        yield {"name": f"nz_{dtype}_{len(shape)}d", "helper": {"nd": (dtype, nd), "nz": (dtype, nz)}}


def published_scales(rows: list[Case]) -> dict[str, tuple[str, ref.Array]]:
    bits = np.array([int(row["scale_float32_bits"], 16) for row in rows], np.uint32)
    keys = ("host_v1", "device_v2_truncate", "device_v3_round_mode_1")
    scales = {"scale": ("float32", bits.view(np.float32))}
    expected = {key: ("uint64", np.array([row[key] for row in rows], np.uint64)) for key in keys}
    for mode, key in enumerate(keys[1:]):
        same = ref.trans_quant_param(scales["scale"][1], None, mode) == expected[key][1]
        if not same.all():
            raise SystemExit(f"{key}: the reference does not have the vector's numbers")
    return {**scales, **expected}


def published_offsets(rows: list[Case]) -> dict[str, tuple[str, ref.Array]]:
    scale, offset = (np.array([row[key] for row in rows], np.float32) for key in ("scale", "offset"))
    expected = np.array([row["v2"] for row in rows], np.uint64)
    if not (ref.trans_quant_param(scale, offset) == expected).all():
        raise SystemExit("offsets: the reference does not have the vector's numbers")
    host = ref.trans_quant_param_host(scale, offset)
    return {
        "scale": ("float32", scale),
        "offset": ("float32", offset),
        "v2": ("uint64", expected),
        "host": ("uint64", host),
    }


def published_sizes(rows: list[Case]) -> dict[str, tuple[str, ref.Array]]:
    """Shapes padded to six dimensions with -1."""
    shapes = np.array([row["shape"] + [-1] * (6 - len(row["shape"])) for row in rows], np.int64)
    types = {"float16": 1, "int8": 2, "bfloat16": 27}
    return {
        "shapes": ("int64", shapes),
        "dtypes": ("int64", np.array([types[row["dtype"]] for row in rows], np.int64)),
        "elements": ("int64", np.array([row["elements"] for row in rows], np.int64)),
    }


def random_scales() -> dict[str, tuple[str, ref.Array]]:
    """Bit patterns of every kind: ties at the 13th bit, subnormals, the largest, infinities and NaNs."""
    generator = np.random.default_rng(11)
    bits = generator.integers(0, 1 << 32, 900, np.uint32)
    ends = [
        0,
        0x80000000,
        1,
        0x7FFFFF,
        0x7F7FFFFF,
        0x7F800000,
        0xFF800000,
        0x7FC00001,
        0xFF800001,
        0x7F7FF000,
    ]
    ties = generator.integers(0, 1 << 19, 90, np.uint32) << 13 | 0x1000
    scale = np.concatenate([bits, np.array(ends, np.uint32), ties]).view(np.float32)
    offset = np.concatenate([generator.uniform(-300, 300, 980), np.arange(-10, 10) + 0.5]).astype(np.float32)
    offset[:5] = [np.nan, np.inf, -np.inf, 3e9, -3e9]
    return {
        "scale": ("float32", scale),
        "offset": ("float32", offset),
        "v2": ("uint64", ref.trans_quant_param(scale, offset)),
        "v3": ("uint64", ref.trans_quant_param(scale, offset, 1)),
        "host": ("uint64", ref.trans_quant_param_host(scale, np.nan_to_num(offset))),
    }
