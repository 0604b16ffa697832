"""Output rules of the gradients of normalisation, gated activations and position embedding."""

from __future__ import annotations

from ascend_ops.ops.rules._vocabulary import (
    Condition,
    DTypeRule,
    Output,
    Outputs,
    ShapeRule,
    attribute,
    axis_of,
    first_of,
    is_set,
    like,
    present,
    same_as,
    shape_from,
)
from ascend_ops.ops.rules._vocabulary_parts import FLOAT32, INT8, asked, copy_of, each

_CHANNELS = axis_of("input", 1)


def _asked(index: int, shape: ShapeRule, dtype: DTypeRule) -> Output:
    return Output(shape, dtype, asked("outputMask", index))


def _wanted(flag: str, dtype: DTypeRule) -> Output:
    return Output(_CHANNELS, dtype, is_set(flag))


def _of_optional(name: str, dtype: DTypeRule, when: Condition | None = None) -> Output:
    return Output(like(name), dtype, when or present(name))


_NORMALISED, _WEIGHT = shape_from("normalizedShape"), first_of("weightOptional", "input")
_BATCH_NORM: Outputs = {
    "gradInput": _asked(0, like("gradOut"), same_as("gradOut")),
    "gradWeight": _asked(1, _CHANNELS, first_of("weight", "input")),
    "gradBias": _asked(2, _CHANNELS, first_of("weight", "input")),
}

_NORMS: dict[str, Outputs] = {
    "aclnnLayerNormBackward": {
        "gradInputOut": _asked(0, like("input"), same_as("input")),
        "gradWeightOut": _asked(1, _NORMALISED, _WEIGHT),
        "gradBiasOut": _asked(2, _NORMALISED, _WEIGHT),
    },
    "aclnnAdaLayerNormBackward": {
        "gradInputOut": copy_of("input"),
        "gradScaleOut": Output(like("scale"), same_as("input")),
        "gradShiftOut": Output(like("shift"), same_as("input")),
        "gradWeightOut": _of_optional("weightOptional", same_as("weightOptional")),
        "gradBiasOut": _of_optional("biasOptional", first_of("weightOptional", "biasOptional")),
    },
    "aclnnAddLayerNormGrad": {
        "dxOut": copy_of("dy"),
        "dgammaOut": Output(like("gamma"), FLOAT32),
        "dbetaOut": Output(like("gamma"), FLOAT32),
    },
    "aclnnDeepNormGrad": {
        "dxOut": copy_of("x"),
        "dgxOut": copy_of("x"),
        "dbetaOut": Output(like("gamma"), FLOAT32),
        "dgammaOut": Output(like("gamma"), FLOAT32),
    },
    "aclnnRmsNormGrad": {"dxOut": copy_of("dy"), "dgammaOut": Output(like("gamma"), FLOAT32)},
    "aclnnRmsNormGradQuant": {
        "dxOut": Output(like("dy"), INT8),
        "dgammaOut": Output(like("gamma"), FLOAT32),
    },
    "aclnnGroupNormBackward": {
        "gradInput": _asked(0, like("input"), same_as("gradOut")),
        "gradGammaOut": _asked(1, attribute("C"), same_as("mean")),
        "gradBetaOut": _asked(2, attribute("C"), same_as("mean")),
    },
    "aclnnGroupNormSwishGrad": {
        "dxOut": copy_of("x"),
        "dgammaOut": copy_of("gamma"),
        "dbetaOut": copy_of("gamma"),
    },
    **each("BatchNormBackward FastBatchNormBackward", _BATCH_NORM),
    "aclnnBatchNormElemtBackward": {"gradInput": copy_of("input")},
    "aclnnBatchNormReduceBackward": {
        "sumDy": _wanted("inputG", same_as("mean")),
        "sumDyXmu": _wanted("inputG", same_as("mean")),
        "gradWeight": _wanted("weightG", same_as("weight")),
        "gradBias": _wanted("biasG", same_as("weight")),
    },
}

RULES: dict[str, Outputs] = {
    **_NORMS,
    # Activations.
    **each("HardswishBackward HardswishBackwardV2", {"out": copy_of("self")}),
    "aclnnClippedSwigluGrad": {"gradXOut": copy_of("x")},
    **each(
        "SwigluGroupGrad SwigluGroupQuantGrad",
        {"gradXOut": copy_of("x"), "gradWeightOutOptional": _of_optional("weightOptional", FLOAT32)},
    ),
    "aclnnScaledMaskedSoftmaxBackward": {"out": copy_of("gradOutput")},
    "aclnnModulateBackward": {
        "grad_input": copy_of("input"),
        "grad_scale": copy_of("scale"),
        "grad_shift": copy_of("shift"),
    },
    # Position embedding: without x cos and sin have no gradients.
    "aclnnRotaryPositionEmbeddingGrad": {
        "dxOut": copy_of("dy"),
        "dcosOut": _of_optional("cos", same_as("cos"), present("xOptional")),
        "dsinOut": _of_optional("sin", same_as("sin"), present("xOptional")),
    },
    # A cell of a recurrent network.
    "aclnnThnnFusedLstmCell": {
        "hyOut": copy_of("cx"),
        "cyOut": copy_of("cx"),
        "storageOut": copy_of("inputGates"),
    },
    "aclnnThnnFusedLstmCellBackward": {
        "gradGatesOut": copy_of("storage"),
        "gradCxOut": copy_of("cx"),
        "gradBiasOut": Output(axis_of("storage", 1), same_as("storage"), is_set("hasBias")),
    },
}
