"""Operators as Python functions: NumPy arrays or Tensors in, Tensors out, queued on the current stream."""

from ascend_ops.ops.quantization import ascend_anti_quant, dynamic_quant_v2

__all__ = ["ascend_anti_quant", "dynamic_quant_v2"]
