"""aclnnDynamicQuantV2 and aclnnAscendAntiQuant: their vectors and further cases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import reference as ref

from texts.lines import ACL_TYPES, Case, data, inputs_of, lcg, require_digest, tensor_line


def dynamic_quant_lines(case: Case) -> Iterator[str]:
    inputs, lines = inputs_of(case)
    expected = case["expected"]
    kind = expected["yOut"]["dtype"]
    dst = "int8" if kind == "int8" else "int4"
    smooth, group = inputs["smoothScalesOptional"], inputs["groupIndexOptional"]
    x = inputs["x"]
    assert x is not None
    quantise = partial(ref.dynamic_quant_v2, x, smooth, group, dst, case["offsetOut_is_null"])
    y, scale, offset, before = quantise()
    check_dynamic_quant(case, quantise, dst)
    yield from lines
    yield f"number dstType {case['dstType']}"
    if kind == "int32":
        words = ref.pack_int4(y).view(np.int32).reshape(*x.shape[:-1], x.shape[-1] // 8)
        yield tensor_line("yOut", kind, words)
    else:
        yield tensor_line("yOut", kind, y)
    yield tensor_line("values", "int8", y)
    yield tensor_line("near_tie", "uint8", ref.near_tie(before).astype(np.uint8))
    yield tensor_line("scaleOut", "float32", scale)
    if offset is not None:
        yield tensor_line("offsetOut", "float32", offset)


def check_dynamic_quant(case: Case, quantise: Callable[..., Any], dst: str) -> None:
    """Both legal forms of the scale against the digests of the file."""
    expected = case["expected"]
    for form, key in (("S1", "scaleOut"), ("S2", "scaleOut_form_S2")):
        y, scale, offset, _ = quantise(scale_form=form)
        data = y.tobytes() if dst == "int8" else ref.pack_int4(y).tobytes()
        require_digest(case, expected["yOut"], data)
        require_digest(case, expected.get(key, expected.get("scaleOut")), scale.tobytes())
        if offset is not None:
            require_digest(case, expected.get("offsetOut"), offset.tobytes())


def anti_quant_lines(case: Case) -> Iterator[str]:
    inputs, lines = inputs_of(case)
    x, scale = inputs["x"], inputs["scale"]
    assert x is not None
    assert scale is not None
    dst = case["expected"]["y"]["dtype"]
    y = ref.ascend_anti_quant(x, scale, inputs["offset"], dst, case["sqrtMode"])
    require_digest(case, case["expected"]["y"], y.tobytes())
    yield from lines
    yield f"number dstType {ACL_TYPES[dst]}"
    yield f"number sqrtMode {int(case['sqrtMode'])}"
    yield tensor_line("y", dst, y)
    other = case["expected"].get("y_other_order_950")
    if other:
        yield tensor_line("y_on_950", dst, ref.generate(other))


def dynamic_quant_case(
    name: str, x: Case, y: str, symmetric: bool, smooth: Case | None, group: Case | None
) -> Case:
    return {
        "name": name,
        "inputs": {"x": x, "smoothScalesOptional": smooth, "groupIndexOptional": group},
        "dstType": ACL_TYPES[y],
        "offsetOut_is_null": symmetric,
        "expected": {"yOut": {"dtype": y}},
    }


def dynamic_quant_extra() -> Iterator[Case]:
    """Row lengths around vector widths and the chunk, all kinds of output, infinities, tiny and huge rows."""
    modes = list(
        product(("float16", "bfloat16"), ("int8", "int4", "int32"), (True, False), ("plain", "smooth"))
    )
    for columns, (dtype, y, symmetric, factors) in product((1, 2, 31, 33, 64, 1023, 1024, 2056), modes):
        if columns % {"int8": 1, "int4": 2, "int32": 8}[y] == 0:
            x = lcg(dtype, [3, columns], columns + 1, 5.0)
            smooth = lcg(dtype, [columns], columns + 2, 2.0) if factors == "smooth" else None
            name = f"{dtype}_{columns}_{y}_{'sym' if symmetric else 'asym'}_{factors}"
            yield dynamic_quant_case(name, x, y, symmetric, smooth, None)
    yield from far_from_zero()
    for symmetric in (True, False):
        mode = "sym" if symmetric else "asym"
        special = ["inf", 1, -2, 0, "-inf", 3, -0.0, 5, "-inf", "inf", 1, -1, -0.0, -0.0, 0.0, -0.0]
        tiny = [
            1e-40,
            -1e-39,
            0,
            2e-40,
            3e38,
            -3e38,
            1,
            0,
            1e-38,
            1e-38,
            1e-38,
            1e-38,
            3e38,
            3e38,
            3e38,
            3e38,
        ]
        groups = data("int32", [3], [2, 3, 5])
        yield dynamic_quant_case(
            f"infinities_{mode}", data("float16", [4, 4], special), "int8", symmetric, None, None
        )
        yield dynamic_quant_case(
            f"extreme_rows_{mode}", data("bfloat16", [4, 4], tiny), "int8", symmetric, None, None
        )
        yield dynamic_quant_case(
            f"extreme_int4_{mode}", data("bfloat16", [4, 4], tiny), "int4", symmetric, None, None
        )
        yield dynamic_quant_case(
            f"rows_behind_the_last_group_{mode}",
            lcg("float16", [7, 40], 71, 9.0),
            "int8",
            symmetric,
            lcg("float16", [3, 40], 72, 1.5),
            groups,
        )
        yield dynamic_quant_case(
            f"rank_8_{mode}",
            lcg("float16", [1, 2, 1, 2, 1, 2, 1, 24], 73, 9.0),
            "int32",
            symmetric,
            None,
            None,
        )
        yield dynamic_quant_case(
            f"group_without_smooth_is_ignored_{mode}",
            lcg("float16", [3, 40], 74, 9.0),
            "int8",
            symmetric,
            None,
            groups,
        )


def far_from_zero() -> Iterator[Case]:
    """Asymmetric rows of products that differ in their last bits: the sum with the offset leaves the range.

    (1 + (a-j)/1024) (1 + (a+j)/1024) = (1 + a/1024)^2 - j^2/2^20.
    """
    for a, columns, y in product((10, 100, 333, 900), (2, 4, 6, 8), ("int8", "int4")):
        x = data("float16", [1, columns], [1 + (a - j) / 1024 for j in range(columns)])
        smooth = data("float16", [columns], [1 + (a + j) / 1024 for j in range(columns)])
        yield dynamic_quant_case(f"far_from_zero_{a}_{columns}_{y}", x, y, False, smooth, None)


def anti_quant_case(name: str, x: Case, scale: Case, offset: Case | None, y: str, sqrt_mode: bool) -> Case:
    inputs = {"x": x, "scale": scale, "offset": offset}
    return {"name": name, "inputs": inputs, "sqrtMode": sqrt_mode, "expected": {"y": {"dtype": y}}}


def anti_quant_extra() -> Iterator[Case]:
    """Every combination of data types and modes, at row lengths around vector widths and the chunk."""
    ranges = {"int8": (-128, 127), "int4": (-8, 7), "int32": (-(2**23), 2**23)}
    modes = product(
        ranges, ("float32", "bfloat16"), ("float16", "bfloat16"), ("tensor", "channel"), (False, True)
    )
    for columns, (kind, parameter, y, per, sqrt_mode) in product((8, 40, 1024, 2072), list(modes)):
        low, high = ranges[kind]
        width = columns // 8 if kind == "int32" else columns
        count = 1 if per == "tensor" else columns
        x = {"dtype": kind, "shape": [2, 3, width], "lcg_int": {"seed": columns, "lo": low, "hi": high}}
        offset = lcg(parameter, [count], columns + 2, 9.0) if columns != 40 else None
        name = f"{kind}_{columns}_{parameter}_per_{per}_{y}{'_sqrt' if sqrt_mode else ''}"
        yield anti_quant_case(name, x, lcg(parameter, [count], columns + 1, 3.0), offset, y, sqrt_mode)
    bytes_of_8 = data("int8", [2, 4], [0, 1, -1, 127, -128, 0, 5, -5])
    special = data("float32", [4], ["inf", -1, "-inf", "nan"])
    plain = data("float32", [4], [0, 0, 1, 2])
    for y in ("float16", "bfloat16"):
        yield anti_quant_case(f"infinite_scale_{y}", bytes_of_8, special, None, y, False)
        yield anti_quant_case(f"infinite_offset_{y}", bytes_of_8, plain, special, y, True)
        yield anti_quant_case(
            f"rank_0_{y}", data("int8", [], [-7]), data("float32", [1], [0.3]), None, y, False
        )
