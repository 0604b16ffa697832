"""Output rules of losses over classes and sequences of labels, and of their gradients."""

from __future__ import annotations

from ascend_ops._layout import Shape
from ascend_ops.ops.rules._vocabulary import (
    Call,
    Output,
    Outputs,
    axes,
    computed,
    integers,
    like,
    refuse,
    same_as,
    shape_of,
)
from ascend_ops.ops.rules._vocabulary_parts import FLOAT32, INT32, copy_of


def _paths(call: Call) -> Shape:
    """Log probabilities of all paths: of each blank and label, in rows of whole eights."""
    shape, lengths = shape_of(call, "logProbs"), integers(call, "targetlengths")
    if not lengths:
        refuse("targetlengths", "is empty; give the length of each target")
    batch = shape[1] if len(shape) == 3 else 1
    return (batch, shape[0], (2 * max(lengths) + 8) // 8 * 8)


_TARGET_FLOAT, _TARGET_INT = Output(like("target"), FLOAT32), Output(like("target"), INT32)

RULES: dict[str, Outputs] = {
    "aclnnCrossEntropyLossGrad": {"out": Output(like("logProb"), same_as("gradLoss"))},
    "aclnnCrossEntropySumExpAndIndexLogit": {
        "predictedLogitsOut": _TARGET_FLOAT,
        "sumExpLogitsOut": _TARGET_FLOAT,
        "expLogitsOut": Output(like("vocabParallelLogits"), FLOAT32),
        "targetOffsetOut": _TARGET_INT,
        "targetMaskOut": _TARGET_INT,
    },
    "aclnnCtcLoss": {
        "negLogLikelihoodOut": Output(axes("logProbs", 1, -1), same_as("logProbs")),
        "logAlphaOut": Output(
            computed("shape (batch, time, 2 * max(targetlengths) + 1 rounded up to 8)", _paths),
            same_as("logProbs"),
        ),
    },
    "aclnnCtcLossBackward": {"out": Output(like("logProbs"), same_as("gradOut"))},
    "aclnnBinaryCrossEntropyWithLogitsTargetBackward": {"gradTarget": copy_of("self")},
    "aclnnChamferDistanceBackward": {"gradXyz1": copy_of("xyz1"), "gradXyz2": copy_of("xyz2")},
}
