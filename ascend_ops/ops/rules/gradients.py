"""Output rules of the gradients of elementwise, rearranging and reducing operators."""

from __future__ import annotations

from ascend_ops.ops.rules._vocabulary import (
    Output,
    Outputs,
    axes,
    broadcast,
    like,
    promoted,
    same_as,
)


def _like(source: str, result: str = "gradInput") -> Outputs:
    return {result: Output(like(source), same_as(source))}


def _joined(a: str, b: str, result: str = "gradInput") -> Outputs:
    return {result: Output(broadcast(a, b), promoted(a, b))}


def _each(names: str, rule: Outputs) -> dict[str, Outputs]:
    return {f"aclnn{name}": rule for name in names.split()}


RULES: dict[str, Outputs] = {
    # Activations.
    **_each("GeluBackward GeluBackwardV2 MishBackward", _joined("gradOutput", "self")),
    **_each("HardshrinkBackward SoftshrinkBackward", _joined("gradOutput", "self")),
    **_each("SigmoidBackward TanhBackward", _joined("gradOutput", "output")),
    "aclnnLeakyReluBackward": _joined("gradOutput", "self", "out"),
    **_each("FastGeluBackward GeGluBackward GeGluV3Backward SiluBackward", _like("self")),
    **_each("SwishBackward SoftplusBackward LogSigmoidBackward", _like("self")),
    **_each("GluBackward HardsigmoidBackward HardtanhBackward", _like("self", "out")),
    "aclnnThresholdBackward": {"out": Output(broadcast("gradOutput", "self"), same_as("self"))},
    **_each("EluBackward SeluBackward", _like("gradOutput")),
    **_each("SoftmaxBackward LogSoftmaxBackward", _like("gradOutput", "out")),
    **_each("SwiGluGrad SituGluGrad LogitGrad", _like("x", "out")),
    **_each("TanhGrad SoftmaxGrad", _like("y", "dx")),
    "aclnnAsinGrad": _like("y", "z"),
    "aclnnReluGradV3": _like("x", "z"),
    "aclnnPreluBackward": {**_like("self"), **_like("weight", "gradWeight")},
    # Padding: the gradient has the shape of what was padded.
    **_each("CircularPad2dBackward CircularPad3dBackward", _like("self")),
    **_each("ReflectionPad1dBackward ReflectionPad2dBackward ReflectionPad3dBackward", _like("self")),
    **_each("ReplicationPad1dBackward ReplicationPad2dBackward ReplicationPad3dBackward", _like("self")),
    # Others.
    "aclnnDropoutBackward": _like("gradOutput", "out"),
    "aclnnDropoutV3Grad": _like("gradY", "gradX"),
    **_each("MaxUnpool2dBackward MaxUnpool3dBackward", _like("self", "out")),
    "aclnnCdistBackward": {"out": Output(like("x1"), same_as("grad"))},
    "aclnnExpSegsumBackward": {"gradInput": Output(axes("gradOutput", None, -1), same_as("gradOutput"))},
}
