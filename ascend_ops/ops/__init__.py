"""Operators as Python functions: NumPy arrays or Tensors in, Tensors out, queued on the current stream.

Every operator of the home in use is here, `ops.add_rms_norm` for aclnnAddRmsNorm. Those listed in `__all__`
are written by hand. The others are made when they are first asked for: they take the inputs and attributes in
the order of the C prototype, by position or by name (in Python's spelling or in C's), and outputs by name.
Outputs that are not given are allocated where a rule says what they are. `help(ops.add)` tells all of it.
"""

from __future__ import annotations

from ascend_ops._cann import custom
from ascend_ops._cann.errors import HomeError
from ascend_ops.ops import _generic
from ascend_ops.ops._matmul import quant_matmul_all_reduce_v2
from ascend_ops.ops._signature import OperatorSignature
from ascend_ops.ops.attention import nsa_compress
from ascend_ops.ops.kv_cache import dequant_rope_quant_kvcache
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
    "signature",
    "trans_matmul_weight",
    "trans_quant_param",
    "trans_quant_param_v2",
]


def signature(name: str) -> OperatorSignature:
    """What the operator `name` ("aclnnAdd" or "add") takes, as its header declares it: `name`, `c_name`,
    `params` in C order (each with name, c_name, ctype, kind, role, optional) and `header`.

    MissingFunctionError when no header of the home in use declares it.
    """
    return _generic.find(name).signature


def __getattr__(name: str) -> _generic.Operator:
    if name.startswith("_") or name == "rules":  # `from ascend_ops.ops import rules` asks here first
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = _found[name] = _generic.find(name)  # the next look-up is a plain one
    return found


_found: dict[str, _generic.Operator] = {}


def _forget() -> None:
    for name in tuple(_found):
        globals().pop(name, None)
        del _found[name]


custom.on_change(_forget)


def __dir__() -> list[str]:
    try:
        return sorted({*globals(), *_generic.names()})
    except HomeError:  # looking around must not fail where nothing can be called
        return sorted(globals())
