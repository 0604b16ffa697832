"""Operators as Python functions: NumPy arrays or Tensors in, Tensors out, queued on the current stream."""

from ascend_ops.ops.attention import nsa_compress
from ascend_ops.ops.kv_cache import dequant_rope_quant_kvcache
from ascend_ops.ops.matmul import quant_matmul_all_reduce_v2
from ascend_ops.ops.matmul_helpers import (
    calculate_matmul_weight_size,
    trans_matmul_weight,
    trans_quant_param,
    trans_quant_param_v2,
)
from ascend_ops.ops.quantization import ascend_anti_quant, dynamic_quant_v2

__all__ = [
    "ascend_anti_quant",
    "calculate_matmul_weight_size",
    "dequant_rope_quant_kvcache",
    "dynamic_quant_v2",
    "nsa_compress",
    "quant_matmul_all_reduce_v2",
    "trans_matmul_weight",
    "trans_quant_param",
    "trans_quant_param_v2",
]
