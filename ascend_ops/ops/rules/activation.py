"""Output rules of softmax, of gated activations (whose result has half the length of one axis) and of
activations that are more than elementwise.
"""

from __future__ import annotations

from ascend_ops.ops.rules._vocabulary import Output, Outputs, equals, from_attribute, like, same_as
from ascend_ops.ops.rules._vocabulary_parts import FLOAT32, copy_of, each, halved, rows


def _gated(name: str, dim: int | str = "dim") -> Outputs:
    return {"out": Output(halved(name, dim), same_as(name))}


_GEGLU = Output(halved("self", "dim"), same_as("self"))

RULES: dict[str, Outputs] = {
    **each("Softmax LogSoftmax RReluWithNoise Modulate", {"out": copy_of("self")}),
    "aclnnScaledMaskedSoftmax": {"y": copy_of("x")},
    "aclnnMaskedSoftmaxWithRelPosBias": {"out": copy_of("x")},
    "aclnnLogSigmoidForward": {"out": copy_of("self"), "buffer": copy_of("self")},
    **each("SwiGlu ClippedSwiglu ClippedSwigluV2 SituGlu", _gated("x")),
    "aclnnGlu": _gated("self"),
    "aclnnSwigluGroup": _gated("x", -1),
    **each("GeluMul FatreluMul", _gated("input", -1)),
    **each("GeGlu GeGluV3", {"out": _GEGLU, "outGelu": _GEGLU}),
    "aclnnGeluQuant": {
        "y": Output(like("self"), from_attribute("dstType")),
        "outScaleOptional": Output(rows("self"), FLOAT32, equals("quantMode", "dynamic")),
    },
}
