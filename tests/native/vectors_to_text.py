"""Writes a vectors file of tests/vectors as text that a C++ program reads with `>>`.

    vectors_to_text.py aclnnX.vectors.json output.txt

Expected tensors come from the NumPy reference; where the file gives a SHA-256, the reference's bytes must
have it. The cases that the *_extra functions make are added to the file's own. Lines:

    status CODE CHANGE...
    vector NAME
    number NAME VALUE
    tensor NAME DTYPE RANK DIMS... BYTES HEX
    end

A tensor's bytes are packed, row-major and little endian; HEX is - when there are none.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # where `reference` is
from texts import attention, kv_cache, matmul, quantization
from texts.lines import Case

# Operator: the lines of one case, and cases beside the file's own.
OPERATORS: dict[str, tuple[Callable[[Case], Iterator[str]], Callable[[], Iterator[Case]]]] = {
    "aclnnDequantRopeQuantKvcache": (kv_cache.rope_lines, kv_cache.rope_extra),
    "aclnnDynamicQuantV2": (quantization.dynamic_quant_lines, quantization.dynamic_quant_extra),
    "aclnnAscendAntiQuant": (quantization.anti_quant_lines, quantization.anti_quant_extra),
    "aclnnQuantMatmulAllReduceV2": (matmul.matmul_lines, matmul.matmul_extra),
    "aclnnNsaCompress": (attention.nsa_compress_lines, attention.nsa_compress_extra),
}


def status_of(case: Case) -> int:
    status = case["status"]
    return matmul.STATUSES[status] if status in matmul.STATUSES else int(status)


def main(source: Path, target: Path) -> None:
    content = json.loads(source.read_text())
    convert, extra = OPERATORS[content["operator"]]
    lines = [f"status {status_of(case)} {case['change']}" for case in content["status_cases"]]
    for case in [*content["vectors"], *extra()]:
        lines += [f"vector {case['name']}", *convert(case), "end"]
    target.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
