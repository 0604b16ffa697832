"""Output rules of matrix products over several ranks whose result does not depend on the number of ranks."""

from __future__ import annotations

from ascend_ops import dtypes
from ascend_ops.ops.rules._vocabulary import DTypeRule, Output, Outputs, either_dtype, fixed, matmul, same_as
from ascend_ops.ops.rules._vocabulary_parts import copy_of, each, has_dtype

_PRODUCT = matmul("x1", "x2")
_BY_SCALE = either_dtype(
    has_dtype("dequantScale", dtypes.bfloat16), fixed(dtypes.bfloat16), fixed(dtypes.float16)
)


def _summed(dtype: DTypeRule) -> Outputs:
    return {"output": Output(_PRODUCT, dtype)}


RULES: dict[str, Outputs] = {
    **each("MatmulAllReduce MatmulAllReduceV2 WeightQuantMatmulAllReduce", _summed(same_as("x1"))),
    **each("QuantMatmulAllReduce QuantMatmulAllReduceV2 QuantMatmulAllReduceV3", _summed(_BY_SCALE)),
    # The sum is added to the residual, and normalised.
    **each(
        "MatmulAllReduceAddRmsNorm QuantMatmulAllReduceAddRmsNorm WeightQuantMatmulAllReduceAddRmsNorm",
        {"y": copy_of("residual"), "normOut": copy_of("residual")},
    ),
    **each(
        "InplaceMatmulAllReduceAddRmsNorm InplaceQuantMatmulAllReduceAddRmsNorm "
        "InplaceWeightQuantMatmulAllReduceAddRmsNorm",
        {"normOut": copy_of("residual")},
    ),
}
