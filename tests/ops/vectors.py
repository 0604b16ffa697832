"""The vector files: their cases as arrays, and calls of ascend_ops.ops with them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import reference as ref

Case = dict[str, Any]
FOLDER = Path(__file__).parents[1] / "vectors"


def load(operator: str) -> Case:
    content: Case = json.loads((FOLDER / f"{operator}.vectors.json").read_text())
    return content


def arrays(case: Case) -> Case:
    return {name: ref.generate(spec) if spec else None for name, spec in case["inputs"].items()}


def digest(array: ref.Array) -> str:
    data = ref.pack_int4(array) if array.dtype == ref.DTYPES["int4"] else np.ascontiguousarray(array)
    return hashlib.sha256(data.tobytes()).hexdigest()
