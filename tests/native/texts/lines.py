"""What the texts of all operators are made of; see vectors_to_text.py."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import reference as ref

Case = dict[str, Any]
ACL_TYPES = {"int8": 2, "int32": 3, "int4": 29, "float16": 1, "bfloat16": 27}


def tensor_line(name: str, dtype: str, array: ref.Array) -> str:
    data = ref.pack_int4(array).tobytes() if dtype == "int4" else np.ascontiguousarray(array).tobytes()
    dims = " ".join(map(str, array.shape))
    return f"tensor {name} {dtype} {array.ndim} {dims} {len(data)} {data.hex() or '-'}"


def inputs_of(case: Case) -> tuple[dict[str, ref.Array | None], list[str]]:
    specs = case["inputs"]
    arrays = {name: ref.generate(spec) if spec else None for name, spec in specs.items()}
    lines = [tensor_line(name, specs[name]["dtype"], a) for name, a in arrays.items() if a is not None]
    return arrays, lines


def require_digest(case: Case, spec: Case | None, data: bytes) -> None:
    if spec and "sha256" in spec and hashlib.sha256(data).hexdigest() != spec["sha256"]:
        raise SystemExit(f"{case['name']}: the reference does not have the vector's SHA-256")


def lcg(dtype: str, shape: list[int], seed: int, amp: float) -> Case:
    return {"dtype": dtype, "shape": shape, "lcg": {"seed": seed, "amp": amp}}


def data(dtype: str, shape: list[int], values: list[Any]) -> Case:
    return {"dtype": dtype, "shape": shape, "data": values}
