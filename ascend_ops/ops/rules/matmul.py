"""Output rules of matrix products. A weight in FRACTAL_NZ counts with its logical shape."""

from __future__ import annotations

from ascend_ops import dtypes
from ascend_ops._layout import Shape
from ascend_ops.ops.rules._vocabulary import (
    Call,
    DTypeRule,
    Output,
    Outputs,
    ShapeRule,
    axis_of,
    computed,
    either_dtype,
    equals,
    fixed,
    flag,
    from_attribute,
    integers,
    joined,
    like,
    matmul,
    number,
    of_list,
    present,
    promoted,
    refuse,
    same_as,
    shape_of,
    tensor,
    tensors,
)
from ascend_ops.ops.rules._vocabulary_parts import FLOAT32, INT8, all_of, each, has_dtype, only

_FLOAT16, _BFLOAT16 = fixed(dtypes.float16), fixed(dtypes.bfloat16)


def _product(a: str, b: str, dtype: DTypeRule | None = None, result: str = "out") -> Outputs:
    return {result: Output(matmul(a, b), dtype or promoted(a, b))}


def _unpacked(call: Call, name: str) -> Shape:
    """Shape of a quantised matrix in elements; an int32 holds eight int4 along the last axis."""
    shape = shape_of(call, name)
    return (*shape[:-1], shape[-1] * 8) if tensor(call, name).dtype is dtypes.int32 else shape


def _quantised_product(transpose_a: str, transpose_b: str) -> ShapeRule:
    product = matmul("x1", "x2", transpose_a="a", transpose_b="b")

    def of(call: Call) -> Shape:
        flags = {"a": flag(call, transpose_a), "b": flag(call, transpose_b)}
        return product({**flags, "x1": _Shaped(_unpacked(call, "x1")), "x2": _Shaped(_unpacked(call, "x2"))})

    return ShapeRule("shape of x1 @ x2 (an int32 is eight int4)", of)


class _Shaped:
    """What a rule of shapes asks of a tensor."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape


def _dequantised(scale: str, offset: str, bias: str = "bias") -> DTypeRule:
    """The first type that CANN has for the scales; more (int32, int8 without offset) need given outputs."""
    is_packed = has_dtype(scale, dtypes.uint64, dtypes.int64)
    is_half = all_of(present(bias), has_dtype(bias, dtypes.float16))
    return either_dtype(
        present(offset),
        INT8,
        either_dtype(is_packed, _FLOAT16, either_dtype(is_half, _FLOAT16, _BFLOAT16)),
    )


def _by_scales(scale: str, offset: str) -> Outputs:
    return {"out": Output(_quantised_product("transposeX1", "transposeX2"), _dequantised(scale, offset))}


def _weight_quantised(call: Call) -> Shape:
    """[m, k] times [k, n]; an int32 of the weight holds eight int4 along the axis that is stored last."""
    (m, k), weight = shape_of(call, "x"), shape_of(call, "weight")
    eight = 8 if tensor(call, "weight").dtype is dtypes.int32 else 1
    if weight[0] == k:
        return (m, weight[1] * eight)
    if weight[0] * eight == k:
        return (m, weight[1])
    refuse("weight", f"shape {weight} does not fit x of shape {(m, k)}: inner lengths {weight[0]} and {k}")


_WEIGHT_QUANTISED: Outputs = {
    "y": Output(
        computed("shape of x @ weight (an int32 of weight is eight int4)", _weight_quantised),
        either_dtype(present("quantScaleOptional"), INT8, same_as("x")),
    )
}


def _permuted(call: Call, name: str, order: str) -> tuple[int, int, int]:
    shape, perm = shape_of(call, name), integers(call, order)
    if len(shape) != 3 or sorted(perm) != [0, 1, 2]:
        refuse(order, f"is {perm} for {name} of shape {shape}; it must order three axes")
    a, b, c = (shape[i] for i in perm)
    return a, b, c


def _transposed_product(call: Call) -> Shape:
    left, right = _permuted(call, "x1", "permX1"), _permuted(call, "x2", "permX2")
    if left[0] != right[0] or left[2] != right[1]:
        refuse("x2", f"shape {right} does not fit {left}, permuted to [b, k, n] and [b, m, k]")
    b, m, n = left[0], left[1], right[2]
    pieces = number(call, "batchSplitFactor")
    if call.get("scale") is not None:
        return (m, 1, b * n)
    if pieces > 1 and b % pieces:
        refuse("batchSplitFactor", f"is {pieces}, but {b} matrices do not split into so many equal parts")
    return (pieces, m, b * n // pieces) if pieces > 1 else (m, b, n)


_TRANSPOSED = computed(
    "shape [m, b, n] of x1 @ x2 as permuted (in pieces: [batch_split_factor, m, b * n / batch_split_factor])",
    _transposed_product,
)
_SUMMED = joined(axis_of("x1", 1), axis_of("x2", -1))


def _einsum(call: Call) -> Shape:
    """Every letter of the inputs has one size; the output has those behind the arrow."""
    equation = str(call["equation"]).replace(" ", "")
    inputs, _, output = equation.partition("->")
    sizes: dict[str, int] = {}
    given = tensors(call, "tensors")
    for letters, each_ in zip(inputs.split(","), given, strict=False):
        if len(letters) != len(each_.shape):
            refuse("equation", f"{equation!r} has {letters!r} for a tensor of shape {tuple(each_.shape)}")
        sizes.update(zip(letters, each_.shape, strict=True))
    if inputs.count(",") + 1 != len(given) or not set(output) <= set(sizes):
        refuse("equation", f"{equation!r} is none of {len(given)} tensors with an output of their letters")
    return tuple(sizes[letter] for letter in output)


RULES: dict[str, Outputs] = {
    **each("Matmul Mm BatchMatMul MatmulWeightNz BatchMatMulWeightNz", _product("self", "mat2")),
    "aclnnEinsum": {"output": Output(computed("shape that equation says", _einsum), of_list("tensors"))},
    "aclnnAddLora": {"out": Output(like("y"), same_as("y"))},
    "aclnnMv": _product("self", "vec"),
    "aclnnAddmv": _product("mat", "vec", promoted("self", "mat", "vec")),
    **each("Addmm AddmmWeightNz", _product("mat1", "mat2", promoted("self", "mat1", "mat2"))),
    "aclnnBaddbmm": _product("batch1", "batch2", same_as("self")),
    "aclnnAddbmm": {"out": Output(joined(axis_of("batch1", 1), axis_of("batch2", 2)), same_as("self"))},
    "aclnnGemm": {
        "out": Output(matmul("A", "B", transpose_a="transA", transpose_b="transB"), promoted("A", "B", "C"))
    },
    "aclnnFusedMatmul": _product(
        "x1", "x2", either_dtype(equals("fusedOpType", "16cast32"), FLOAT32, promoted("x1", "x2")), "y"
    ),
    "aclnnMatmulEmuSplitWeight": _product("x", "wHigh", FLOAT32, "y"),
    "aclnnTransposeBatchMatMul": {
        "out": Output(_TRANSPOSED, either_dtype(present("scale"), INT8, promoted("x1", "x2")))
    },
    **each(
        "TransposeQuantBatchMatMul TransposeQuantBatchMatMulWeightNz",
        {"out": Output(_TRANSPOSED, from_attribute("dtype"))},
    ),
    # Quantised matrices.
    "aclnnQuantMatmulV2": {"out": Output(_quantised_product("adjX1", "adjX2"), _FLOAT16)},
    "aclnnQuantMatmulV3": _by_scales("scale", "offset"),
    "aclnnQuantMatmulV4": _by_scales("scale", "offset"),
    "aclnnQuantMatmulWeightNz": {
        "out": Output(
            _quantised_product("transposeX1", "transposeX2"),
            either_dtype(
                has_dtype("x1", dtypes.int8),
                _dequantised("x2Scale", "x2Offset"),
                only(same_as("x1"), "x1", dtypes.int8),
            ),
        )
    },
    "aclnnQuantMatmulReduceSumWeightNz": {"out": Output(_SUMMED, _BFLOAT16)},
    "aclnnQuantMatmulDequant": {
        "out": Output(matmul("x", "weight", transpose_b="transposeWeight"), _FLOAT16)
    },
    "aclnnBatchMatmulQuant": {
        "out": Output(matmul("x1", "x2", transpose_a="transposeX1", transpose_b="transposeX2"), INT8)
    },
    "aclnnSparse4to2QuantMatmulWeightNz": {
        "out": Output(joined(axis_of("x", 0), axis_of("sparseWeight", 0)), _BFLOAT16)
    },
    # Quantised weights.
    **each(
        "WeightQuantBatchMatmulV2 WeightQuantBatchMatmulV3 WeightQuantBatchMatmulNz",
        _WEIGHT_QUANTISED,
    ),
    "aclnnConvertWeightToINT4Pack": {"weightInt4Pack": Output(like("weight"), fixed(dtypes.int4))},
}
