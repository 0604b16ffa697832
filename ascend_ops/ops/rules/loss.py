"""Output rules of losses and their gradients. Reduction 0 keeps every element; what the others give, () or
(1,), differs from operator to operator, as CANN's documents say.
"""

from __future__ import annotations

from ascend_ops._layout import Shape
from ascend_ops.ops.rules._vocabulary import (
    Call,
    Condition,
    Output,
    Outputs,
    ShapeRule,
    axes,
    axis_of,
    broadcast,
    computed,
    constant,
    either,
    equals,
    like,
    promoted,
    same_as,
    scalar_shape,
    shape_of,
)

_PAIR = broadcast("self", "target")
_PROMOTED = promoted("self", "target")
_SELF = same_as("self")
_NO_REDUCTION = equals("reduction", 0)
_ONE, _SCALAR = constant(1), scalar_shape()
_TOTAL_WEIGHT = Output(_ONE, _SELF)


def _unless_reduced(whole: ShapeRule, reduced: ShapeRule, when: Condition = _NO_REDUCTION) -> ShapeRule:
    return either(when, whole, reduced)


def _rows_unless_reduced(call: Call) -> Shape:
    """NLLLoss keeps the N of (N, C); of a single row (C,) there is one loss in any case."""
    shape = shape_of(call, "self")
    return shape[:1] if call["reduction"] == 0 and len(shape) == 2 else (1,)


def _first_axis_reduced(call: Call) -> Shape:
    shape = _PAIR(call)
    return shape if call["reduction"] == 0 else shape[1:]


_ROWS = computed("shape (N,) when reduction is 0 and self is (N, C), else (1,)", _rows_unless_reduced)
_ELEMENTS: Outputs = {"out": Output(_unless_reduced(_PAIR, _SCALAR), _PROMOTED)}
_COLUMNS = computed(
    "shape broadcast from self, target, without its first axis when reduction is not 0", _first_axis_reduced
)
_GRADIENT = Output(broadcast("gradOutput", "self", "target"), _SELF)
_LIKE_SELF: Outputs = {"out": Output(like("self"), _SELF)}
_ROW = axis_of("input", 0)
_LOSS = Output(_unless_reduced(_ROW, _ONE, equals("reductionOptional", "none")), same_as("input"))

RULES: dict[str, Outputs] = {
    "aclnnL1Loss": _ELEMENTS,
    "aclnnMseLoss": _ELEMENTS,
    "aclnnMseLossOut": {"out": Output(_COLUMNS, _PROMOTED)},
    "aclnnSoftMarginLoss": _ELEMENTS,
    "aclnnSmoothL1Loss": {"result": Output(_unless_reduced(_PAIR, _ONE), _PROMOTED)},
    "aclnnBinaryCrossEntropy": {"out": Output(_unless_reduced(like("self"), _ONE), _SELF)},
    "aclnnBinaryCrossEntropyWithLogits": {
        "out": Output(_unless_reduced(like("self"), _ONE), same_as("target"))
    },
    "aclnnNLLLoss": {
        "out": Output(_ROWS, _SELF),
        "totalWeightOut": _TOTAL_WEIGHT,
    },
    "aclnnNLLLoss2d": {
        "out": Output(_unless_reduced(like("target"), _ONE), _SELF),
        "totalWeightOut": _TOTAL_WEIGHT,
    },
    "aclnnCrossEntropyLoss": {
        "lossOut": _LOSS,
        "logProbOut": Output(like("input"), same_as("input")),
        "zlossOut": _LOSS,
        "lseForZlossOut": Output(_ROW, same_as("input")),
    },
    "aclnnMultilabelMarginLoss": {
        "out": Output(_unless_reduced(axes("self", None, -1), _SCALAR), _SELF),
        "isTarget": Output(like("target"), _SELF),
    },
    "aclnnHuberLoss": {"loss": Output(like("predictions"), same_as("predictions"))},
    "aclnnHingeLoss": {"loss": Output(like("predict"), same_as("predict"))},
    # Gradients.
    "aclnnHingeLossGrad": {"gradInput": Output(like("predict"), same_as("predict"))},
    "aclnnMseLossGrad": _LIKE_SELF,
    "aclnnMseLossBackward": {"out": _GRADIENT},
    "aclnnSoftMarginLossBackward": {"out": _GRADIENT},
    "aclnnSmoothL1LossBackward": {
        "gradInput": Output(broadcast("gradOut", "self", "target"), promoted("gradOut", "self", "target"))
    },
    "aclnnBinaryCrossEntropyBackward": _LIKE_SELF,
    "aclnnBinaryCrossEntropyWithLogitsBackward": _LIKE_SELF,
    "aclnnKlDivBackward": _LIKE_SELF,
    "aclnnKlDivTargetBackward": {"gradTarget": Output(like("target"), same_as("target"))},
    "aclnnNLLLossBackward": _LIKE_SELF,
    "aclnnNLLLoss2dBackward": _LIKE_SELF,
}
