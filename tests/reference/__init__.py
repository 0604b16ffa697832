"""Independent NumPy reference of the operators, written from their formulas (Atlas A2/A3 arithmetic).

Every step is one fp32 operation with one rounding, in the order the formulas give. Nothing here is shared
with the package or the stand-in, so a test that compares against it compares against a second opinion.
"""

from reference.arrays import DTYPES, F32, Array, generate, pack_int4, unpack_int4
from reference.attention import nsa_compress, nsa_generate, nsa_starts, round_half_away
from reference.kv_cache import RopeResult, dequant_rope_quant_kvcache
from reference.matmul import (
    all_reduce_sum,
    from_recipe,
    quant_matmul,
    to_nz,
    trans_quant_param,
    trans_quant_param_host,
    unpack_scale,
)
from reference.quantization import LIMITS, ascend_anti_quant, dynamic_quant_v2, expert_of_rows, near_tie

__all__ = [
    "DTYPES",
    "F32",
    "LIMITS",
    "Array",
    "RopeResult",
    "all_reduce_sum",
    "ascend_anti_quant",
    "dequant_rope_quant_kvcache",
    "dynamic_quant_v2",
    "expert_of_rows",
    "from_recipe",
    "generate",
    "near_tie",
    "nsa_compress",
    "nsa_generate",
    "nsa_starts",
    "pack_int4",
    "quant_matmul",
    "round_half_away",
    "to_nz",
    "trans_quant_param",
    "trans_quant_param_host",
    "unpack_int4",
    "unpack_scale",
]
