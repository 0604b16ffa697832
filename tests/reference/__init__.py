"""Independent NumPy reference of the operators, written from their formulas (Atlas A2/A3 arithmetic).

Every step is one fp32 operation with one rounding, in the order the formulas give. Nothing here is shared
with the package or the stand-in, so a test that compares against it compares against a second opinion.
"""

from reference.arrays import DTYPES, F32, Array, generate, pack_int4, unpack_int4
from reference.quantization import ascend_anti_quant, dynamic_quant_v2, expert_of_rows, near_tie

__all__ = [
    "DTYPES",
    "F32",
    "Array",
    "ascend_anti_quant",
    "dynamic_quant_v2",
    "expert_of_rows",
    "generate",
    "near_tie",
    "pack_int4",
    "unpack_int4",
]
