"""The status cases of the vector files as calls: which arguments differ from the base case."""

from __future__ import annotations

from typing import Any

Spec = tuple[str, tuple[int, ...]] | None  # dtype and shape of a tensor
Change = dict[str, Any]

QUANT_BASE: Change = {
    "x": ("float16", (4, 16)),
    "smooth": None,
    "group": None,
    "dst": 2,
    "y": ("int8", (4, 16)),
    "scale": ("float32", (4,)),
    "offset": ("float32", (4,)),
}
QUANT: dict[str, Change] = {
    "base case": {},
    "offsetOut null (symmetric)": {"offset": None},
    "x null": {"x": None},
    "yOut null": {"y": None},
    "scaleOut null": {"scale": None},
    "x FLOAT": {"x": ("float32", (4, 16))},
    "smooth BFLOAT16 while x FLOAT16": {"smooth": ("bfloat16", (16,))},
    "group FLOAT16 with smooth [2,16]": {"smooth": ("float16", (2, 16)), "group": ("float16", (2,))},
    "yOut UINT8": {"y": ("uint8", (4, 16))},
    "scaleOut FLOAT16": {"scale": ("float16", (4,))},
    "offsetOut FLOAT16": {"offset": ("float16", (4,))},
    "x [16] rank 1, y [16], scale []": {
        "x": ("float16", (16,)),
        "y": ("int8", (16,)),
        "scale": ("float32", ()),
        "offset": ("float32", ()),
    },
    "x rank 9": {
        "x": ("float16", (1,) * 7 + (4, 16)),
        "y": ("int8", (1,) * 7 + (4, 16)),
        "scale": ("float32", (1,) * 7 + (4,)),
        "offset": ("float32", (1,) * 7 + (4,)),
    },
    "smooth [8], group null": {"smooth": ("float16", (8,))},
    "smooth [1,16], group null": {"smooth": ("float16", (1, 16))},
    "smooth [2,16], group [1,2] (rank 2)": {"smooth": ("float16", (2, 16)), "group": ("int32", (1, 2))},
    "y [4,8]": {"y": ("int8", (4, 8))},
    "x [4,15], y INT4 [4,15]": {"x": ("float16", (4, 15)), "y": ("int4", (4, 15)), "dst": 29},
    "y INT32 [4,16]": {"y": ("int32", (4, 16)), "dst": 3},
    "y INT32 [4,2], dstType 3": {"y": ("int32", (4, 2)), "dst": 3},
    "scale [4,1]": {"scale": ("float32", (4, 1))},
    "offset [3]": {"offset": ("float32", (3,))},
    "smooth [16] with group [2]": {"smooth": ("float16", (16,)), "group": ("int32", (2,))},
    "smooth [3,16] with group [2]": {"smooth": ("float16", (3, 16)), "group": ("int32", (2,))},
    "smooth [2,16] with group INT64 [2]": {"smooth": ("float16", (2, 16)), "group": ("int64", (2,))},
    "group [2] with smooth null": {"group": ("int32", (2,))},
    "x [0,16], y [0,16], scale [0]": {
        "x": ("float16", (0, 16)),
        "y": ("int8", (0, 16)),
        "scale": ("float32", (0,)),
        "offset": ("float32", (0,)),
    },
    "x [4,0], y [4,0], scale [4]": {"x": ("float16", (4, 0)), "y": ("int8", (4, 0))},
    "dstType 99 with y INT8": {"dst": 99},
}

ANTI_QUANT_BASE: Change = {
    "x": ("int8", (4, 8)),
    "scale": ("float32", (8,)),
    "offset": ("float32", (8,)),
    "dst": 1,
    "sqrt": False,
    "y": ("float16", (4, 8)),
}
INFERENCE_CARD = "scale and offset BFLOAT16 on an Atlas inference card"
ANTI_QUANT: dict[str, Change] = {
    "base case": {},
    "offset null": {"offset": None},
    "x null": {"x": None},
    "scale null": {"scale": None},
    "y null": {"y": None},
    "x FLOAT16": {"x": ("float16", (4, 8))},
    "y FLOAT, dstType 0": {"y": ("float32", (4, 8)), "dst": 0},
    "scale FLOAT16": {"scale": ("float16", (8,))},
    "offset BFLOAT16 while scale FLOAT": {"offset": ("bfloat16", (8,))},
    "scale and offset BFLOAT16, y FLOAT16": {"scale": ("bfloat16", (8,)), "offset": ("bfloat16", (8,))},
    "dstType 27 while y FLOAT16": {"dst": 27},
    "y [4,4]": {"y": ("float16", (4, 4))},
    "x INT4 [4,7], y [4,7]": {
        "x": ("int4", (4, 7)),
        "y": ("float16", (4, 7)),
        "scale": ("float32", (7,)),
        "offset": ("float32", (7,)),
    },
    "x INT32 [4,1], y [4,8]": {"x": ("int32", (4, 1))},
    "x INT32 [4,8], y [4,8]": {"x": ("int32", (4, 8))},
    "x INT32 rank 0, scale [1], offset [1], y [8]": {
        "x": ("int32", ()),
        "scale": ("float32", (1,)),
        "offset": ("float32", (1,)),
        "y": ("float16", (8,)),
    },
    "x rank 9": {"x": ("int8", (1,) * 7 + (4, 8)), "y": ("float16", (1,) * 7 + (4, 8))},
    "scale [1,8]": {"scale": ("float32", (1, 8)), "offset": ("float32", (1, 8))},
    "scale [4] (last dim of y is 8)": {"scale": ("float32", (4,)), "offset": ("float32", (4,))},
    "scale [8], offset [1]": {"offset": ("float32", (1,))},
    "scale [1], offset [1]": {"scale": ("float32", (1,)), "offset": ("float32", (1,))},
    "x [0,8], y [0,8]": {"x": ("int8", (0, 8)), "y": ("float16", (0, 8))},
    INFERENCE_CARD: {"scale": ("bfloat16", (8,)), "offset": ("bfloat16", (8,))},
}
