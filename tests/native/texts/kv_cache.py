"""aclnnDequantRopeQuantKvcache: its vectors and further cases."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, product
from typing import Any

import numpy as np
import reference as ref

from texts.lines import Case, data, inputs_of, lcg, require_digest, tensor_line

OUTPUTS = ("qOut", "kOut", "vOut", "kCacheRef", "vCacheRef")


def rope_lines(case: Case) -> Iterator[str]:
    inputs, lines = inputs_of(case)
    yield from lines
    result = rope_result(case, inputs)
    wanted = case["kvOutput"]
    for name, array in zip(OUTPUTS, result, strict=True):
        given = array if wanted or name not in ("kOut", "vOut") else np.empty(0, array.dtype)
        spec = case["expected"].get(name)
        require_digest(case, spec if isinstance(spec, dict) else None, given.tobytes())
        dtype = "int8" if name.endswith("Ref") else case["inputs"]["cos"]["dtype"]
        yield tensor_line(f"{name}_expected", dtype, given)
    yield from (f"number sizeSplits{i} {size}" for i, size in enumerate(case["sizeSplits"]))
    yield f"number kvOutput {int(wanted)}"
    yield f"number page {int(case['cacheModeOptional'].lower() == 'page')}"


def rope_result(case: Case, inputs: dict[str, Any]) -> ref.RopeResult:
    return ref.dequant_rope_quant_kvcache(
        *(inputs[name] for name in ("x", "cos", "sin")),
        (inputs["kCacheRef"], inputs["vCacheRef"]),
        inputs["indices"],
        (inputs["scaleK"], inputs["scaleV"]),
        (inputs["offsetKOptional"], inputs["offsetVOptional"]),
        *(inputs[name] for name in ("weightScaleOptional", "activationScaleOptional", "biasOptional")),
        page=case["cacheModeOptional"].lower() == "page",
    )


def rope_case(
    name: str,
    lead: list[int],
    heads: tuple[int, int],
    d: int,
    kinds: tuple[str, str] = ("float16", "float16"),
    *,
    page: list[int] | None = None,
    bias: str | None = None,
    activation: bool = True,
    offsets: str = "both",
    kv_output: bool = True,
    cache: tuple[int, int] | None = None,
) -> Case:
    """Random values; `page` gives the flat rows, else batch b begins at row b and batches are to spare."""
    x_kind, table = kinds
    q, kv = heads[0] * d, heads[1] * d
    seed = sum(map(ord, name)) + d
    length = lead[1] if len(lead) > 1 else 1
    tables = [*lead, 1, d] if len(lead) > 1 else [*lead, d]
    c1, c2 = cache or (lead[0] + 2, lead[0] + length)
    integers = {
        "dtype": "int32",
        "shape": [*lead, q + 2 * kv],
        "lcg_int": {"seed": seed, "lo": -3000, "hi": 3000},
    }
    inputs: Case = {
        "x": integers if x_kind == "int32" else lcg(x_kind, [*lead, q + 2 * kv], seed, 4.0),
        "cos": lcg(table, tables, seed + 1, 1.0),
        "sin": lcg(table, tables, seed + 2, 1.0),
        "kCacheRef": codes([c1, c2, heads[1], d], seed + 3),
        "vCacheRef": codes([c1, c2, heads[1], d], seed + 4),
        "indices": data("int32", [len(page)], page)
        if page
        else data("int32", lead[:1], list(range(lead[0]))),
        "scaleK": lcg("float32", [heads[1], d], seed + 5, 0.2),
        "scaleV": lcg("float32", [heads[1], d], seed + 6, 0.2),
        "offsetKOptional": lcg("float32", [kv], seed + 7, 9.0) if offsets in ("both", "k") else None,
        "offsetVOptional": lcg("float32", [kv], seed + 8, 9.0) if offsets in ("both", "v") else None,
    }
    inputs |= dequantiser(q + 2 * kv, int(np.prod(lead)), seed + 9, x_kind == "int32", activation, bias)
    return {
        "name": name,
        "inputs": inputs,
        "sizeSplits": [q, kv, kv],
        "kvOutput": kv_output,
        "cacheModeOptional": "page" if page else "contiguous",
        "expected": {},
    }


def codes(shape: list[int], seed: int) -> Case:
    return {"dtype": "int8", "shape": shape, "lcg_int": {"seed": seed, "lo": -128, "hi": 127}}


def dequantiser(
    columns: int, tokens: int, seed: int, integers: bool, activation: bool, bias: str | None
) -> Case:
    """The parameters that an int32 x needs, or may have, and that other inputs ignore."""
    biases = {
        "int32": {"dtype": "int32", "shape": [columns], "lcg_int": {"seed": seed, "lo": -500, "hi": 500}},
        None: None,
    }
    return {
        "weightScaleOptional": lcg("float32", [columns], seed + 1, 0.004) if integers else None,
        "activationScaleOptional": lcg("float32", [tokens], seed + 2, 2.0) if activation else None,
        "biasOptional": biases[bias] if bias in biases else lcg(str(bias), [columns], seed, 3.0),
    }


KINDS = [("float16", "float16"), ("bfloat16", "bfloat16"), ("int32", "float16"), ("int32", "bfloat16")]


def rope_extra() -> Iterator[Case]:
    """Head lengths and counts, every kind of input, bias and option, pages that skip, non-finite numbers."""
    modes = cycle(
        product(("both", "k", "v", "none"), (True, False), ("int32", None, "float32", "bfloat16", "float16"))
    )
    shapes = [
        (16, (1, 1)),
        (32, (3, 2)),
        (48, (0, 1)),
        (64, (4, 4)),
        (80, (5, 1)),
        (128, (2, 3)),
        (144, (1, 2)),
        (256, (1, 2)),
    ]
    for (d, heads), kinds, lead in product(shapes, KINDS, ([3], [2, 2])):
        offsets, activation, bias = next(modes)
        name = f"{'_'.join(kinds)}_{d}_{heads[0]}_{heads[1]}_rank_{len(lead) + 1}"
        yield rope_case(
            name, lead, heads, d, kinds, bias=bias, activation=activation, offsets=offsets, kv_output=d != 64
        )
    for kinds, bias in product(KINDS, ("float16", "bfloat16", "float32", "int32", None)):
        yield rope_case(f"bias_{bias}_{'_'.join(kinds)}", [2, 3], (2, 1), 32, kinds, bias=bias)
        yield rope_case(
            f"no_activation_bias_{bias}_{'_'.join(kinds)}",
            [2],
            (2, 1),
            32,
            kinds,
            bias=bias,
            activation=False,
        )
    for kinds in KINDS:
        name = "_".join(kinds)
        pages = [11, -1, 0, -5, 7, -2147483648]
        yield rope_case(f"pages_{name}", [2, 3], (1, 2), 32, kinds, page=pages, cache=(3, 4))
        yield rope_case(
            f"all_skipped_{name}", [3], (1, 2), 16, kinds, page=[-1] * 3, cache=(1, 1), kv_output=False
        )
        yield rope_case(
            f"the_last_of_equal_pages_{name}", [6], (1, 1), 16, kinds, page=[2, 1, 2, 2, 0, 1], cache=(1, 3)
        )
        yield rope_case(f"no_kv_heads_{name}", [2, 2], (2, 0), 32, kinds)
    yield from special_numbers()
    yield from all_patterns()


def special_numbers() -> Iterator[Case]:
    """Infinities, NaNs, ties, saturation, subnormals; scales that are zero, negative or not finite."""
    numbers = [
        "inf",
        "-inf",
        "nan",
        0.0,
        -0.0,
        0.5,
        1.5,
        2.5,
        -0.5,
        -1.5,
        127.5,
        -128.5,
        65504.0,
        6e-8,
        -6e-8,
        3e-5,
    ]
    scales = [1.0, 0.0, -0.0, -1.0, "inf", "-inf", "nan", 1e-38, 3e38, 0.5, 2.0, -0.25, 1.0, 1.0, 1.0, 1.0]
    for kind in ("float16", "bfloat16"):
        case = rope_case(f"special_{kind}", [16], (1, 1), 16, (kind, kind), offsets="none")
        rows = [(numbers[i:] + numbers[:i]) * 3 for i in range(16)]
        case["inputs"]["x"] = data(kind, [16, 48], [value for row in rows for value in row])
        case["inputs"]["scaleK"] = case["inputs"]["scaleV"] = data("float32", [16], scales)
        yield case
    # 65472 * (1 + 2**-10) is more than the largest float16: infinite before -60000 is added.
    case = rope_case("an_infinite_product", [1], (1, 1), 16, offsets="none")
    case["inputs"]["x"] = data("float16", [1, 48], [65472] * 8 + [60000] * 8 + [1] * 32)
    case["inputs"]["cos"] = data("float16", [1, 16], [1 + 2**-10] * 16)
    case["inputs"]["sin"] = data("float16", [1, 16], [1] * 16)
    yield case
    extremes = [2**31 - 1, -(2**31), 2**24 + 1, 0, -1, 65520, -65520, 33554435] * 6
    weights = [1.0, -1.0, 0.0, "inf", "nan", 1e-40, 3e38, 1e-5] * 6
    for table, bias in product(("float16", "bfloat16"), ("int32", "float32")):
        case = rope_case(f"extreme_integers_{table}_{bias}", [8], (1, 1), 16, ("int32", table), bias=bias)
        rows = [extremes[i:] + extremes[:i] for i in range(8)]
        case["inputs"]["x"] = data("int32", [8, 48], [value for row in rows for value in row])
        case["inputs"]["weightScaleOptional"] = data("float32", [48], weights)
        yield case


def all_patterns() -> Iterator[Case]:
    """Every 16-bit number, as q, k or v."""
    for kind in ("float16", "bfloat16"):
        case = rope_case(
            f"all_patterns_{kind}", [128], (4, 2), 64, (kind, kind), page=list(range(128)), cache=(2, 64)
        )
        patterns = (np.arange(65536) * 40503 % 65536).astype(np.uint16).view(ref.DTYPES[kind])
        case["inputs"]["x"] = data(kind, [128, 512], [float(value) for value in patterns])
        yield case
