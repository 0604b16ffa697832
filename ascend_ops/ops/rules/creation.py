"""Output rules of operators that make tensors from numbers, by chance or by conversion.

CANN leaves the dtype of some of these to the caller: ranges are int64 for integers and float32 otherwise,
the others are float32. Give `out` for another dtype.
"""

from __future__ import annotations

import math

from ascend_ops import dtypes
from ascend_ops._layout import Shape
from ascend_ops.ops.rules._vocabulary import (
    Call,
    Output,
    Outputs,
    attribute,
    axes,
    broadcast,
    computed,
    fixed,
    from_attribute,
    joined,
    like,
    promoted,
    refuse,
    same_as,
    shape_from,
    shape_of,
)

_FLOAT32 = fixed(dtypes.float32)
_ENDS = promoted("start", "end", "step")


def _steps(call: Call, including_end: bool) -> Shape:
    start, end, step = call["start"], call["end"], call["step"]
    if step == 0:
        refuse("step", "is 0")
    if (end - start) * (1 if step > 0 else -1) < 0:
        refuse("step", f"{step} leads away from end {end}, seen from start {start}")
    if including_end:
        return (math.floor((end - start) / step) + 1,)
    if all(isinstance(value, int) for value in (start, end, step)):
        return (-((start - end) // step),)
    return (math.ceil((end - start) / step),)


def _mask_bytes(count: int) -> Shape:
    """One bit per element, the number of bits rounded up to a multiple of 128."""
    return (-(-count // 128) * 16,)


def _mask_of(name: str) -> Output:
    text = f"shape ({name}.size rounded up to 128, / 8)"
    return Output(
        computed(text, lambda call: _mask_bytes(math.prod(shape_of(call, name)))), fixed(dtypes.uint8)
    )


_GENERATED_MASK = Output(
    computed("shape (size of shape rounded up to 128, / 8)", lambda c: _mask_bytes(_size(c))),
    fixed(dtypes.uint8),
)


def _size(call: Call) -> int:
    return math.prod(shape_from("shape")(call))


def _length(call: Call) -> int:
    return math.prod(shape_of(call, "self"))


def _packed(call: Call) -> Shape:
    return _in_rows(call, -(-_length(call) // 8))


def _in_rows(call: Call, count: int) -> Shape:
    rows = call["size"]
    if rows < 1 or count % rows:
        refuse("size", f"is {rows}, which does not divide {count}, the number of elements of the output")
    return rows, count // rows


def _grid(call: Call) -> Shape:
    """affine_grid: (N, H, W, 2) or (N, D, H, W, 3) from the image's (N, C, H, W) or (N, C, D, H, W)."""
    size = shape_from("size")(call)
    if len(size) not in (4, 5):
        refuse("size", f"{size} has {len(size)} lengths; allowed are (N, C, H, W) and (N, C, D, H, W)")
    return (size[0], *size[2:], len(size) - 2)


RULES: dict[str, Outputs] = {
    # Conversion.
    "aclnnCast": {"out": Output(like("self"), from_attribute("dtype"))},
    "aclnnSignBitsPack": {
        "out": Output(computed("shape (size, ceil(self.size / 8) / size)", _packed), fixed(dtypes.uint8))
    },
    "aclnnSignBitsUnpack": {
        "out": Output(
            computed("shape (size, self.size * 8 / size)", lambda c: _in_rows(c, _length(c) * 8)),
            from_attribute("dtype"),
        )
    },
    # From numbers.
    "aclnnArange": {
        "out": Output(computed("shape (ceil((end - start) / step),)", lambda c: _steps(c, False)), _ENDS)
    },
    "aclnnRange": {
        "out": Output(computed("shape (floor((end - start) / step) + 1,)", lambda c: _steps(c, True)), _ENDS)
    },
    "aclnnLinspace": {"out": Output(joined(attribute("steps")), _FLOAT32)},
    "aclnnLogSpace": {"result": Output(joined(attribute("steps")), _FLOAT32)},
    "aclnnEye": {"out": Output(joined(attribute("n"), attribute("m")), _FLOAT32)},
    "aclnnAffineGrid": {
        "out": Output(
            computed("shape (N, H, W, 2) or (N, D, H, W, 3) of size (N, C, ...)", _grid), same_as("theta")
        )
    },
    # By chance.
    "aclnnRandperm": {"out": Output(joined(attribute("n")), fixed(dtypes.int64))},
    "aclnnMultinomial": {
        "out": Output(joined(axes("self", None, -1), attribute("numsamples")), fixed(dtypes.int64))
    },
    "aclnnMultinomialTensor": {
        "out": Output(joined(axes("self", None, -1), attribute("numsamples")), fixed(dtypes.int64))
    },
    "aclnnNormalFloatTensor": {"out": Output(like("std"), same_as("std"))},
    "aclnnNormalTensorFloat": {"out": Output(like("mean"), same_as("mean"))},
    "aclnnNormalTensorTensor": {"out": Output(broadcast("mean", "std"), same_as("mean"))},
    "aclnnBernoulli": {"out": Output(like("self"), same_as("self"))},
    "aclnnBernoulliTensor": {"out": Output(like("self"), same_as("self"))},
    "aclnnDropout": {"out": Output(like("input"), same_as("input")), "maskOut": _mask_of("input")},
    "aclnnDropoutV3": {"out": Output(like("input"), same_as("input")), "maskOut": _mask_of("input")},
    "aclnnDropoutDoMask": {"out": Output(like("self"), same_as("self"))},
    "aclnnDropoutGenMask": {"out": _GENERATED_MASK},
    "aclnnDropoutGenMaskV2": {"out": _GENERATED_MASK},
    "aclnnDropoutGenMaskV2Tensor": {"out": _GENERATED_MASK},
}
