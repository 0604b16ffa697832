"""Cases of the output rules of matrix products, on one rank, on several, and in groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ops.rule_cases import Case, Maker, Spec, bf16, f16, f32, i8, i32, i64, out

from ascend_ops import dtypes

u64, i4, f8 = Maker(dtypes.uint64), Maker(dtypes.int4), Maker(dtypes.float8_e4m3fn)


def cases(operators: str, expected: Mapping[str, Spec | list[Spec] | None], **given: Any) -> list[Case]:
    """The same case for several operators."""
    return [Case(operator, given, expected) for operator in operators.split()]


def quantised(operator: str, expected: Spec, **given: Any) -> Case:
    """Without transposed operands, unless given says so."""
    return out(operator, expected, **({"transposeX1": False, "transposeX2": False} | given))


PLAIN = [
    out("Matmul", f32(2, 5, 3, 7), self=f16(5, 3, 4), mat2=f32(2, 1, 4, 7)),
    out("Matmul", f16(), self=f16(4), mat2=f16(4)),
    out("Matmul", f16(3), self=f16(3, 4), mat2=f16(4)),
    out("Matmul", bf16(5, 7), self=bf16(4), mat2=bf16(5, 4, 7)),
    out("Mm", f16(3, 7), self=f16(3, 4), mat2=f16(4, 7)),
    out("BatchMatMul", bf16(5, 3, 7), self=bf16(5, 3, 4), mat2=bf16(1, 4, 7)),
    out("MatmulWeightNz", f16(3, 48), self=f16(3, 32), mat2=f16(32, 48)),
    out("BatchMatMulWeightNz", f16(2, 3, 48), self=f16(2, 3, 32), mat2=f16(2, 32, 48)),
    *cases("Einsum", {"output": f32(2, 5, 3)}, tensors=(f32(2, 3, 4), f32(4, 5)), equation="abc, cd -> adb"),
    *cases("Einsum", {"output": f16(3)}, tensors=(f16(3, 4),), equation="ab->a"),
    out("AddLora", f16(2, 8), y=f16(2, 8), x=f16(2, 4)),
    out("Mv", f32(3), self=f32(3, 4), vec=f32(4)),
    out("Addmv", f32(3), self=f16(1), mat=f16(3, 4), vec=f32(4)),
    out("Addmm", f32(3, 7), self=f32(7), mat1=f16(3, 4), mat2=f16(4, 7)),
    out("AddmmWeightNz", f16(3, 48), self=f16(3, 1), mat1=f16(3, 32), mat2=f16(32, 48)),
    out("Baddbmm", f16(5, 3, 7), self=f16(7), batch1=f16(5, 3, 4), batch2=f16(5, 4, 7)),
    out("Addbmm", f16(3, 7), self=f16(3, 7), batch1=f16(5, 3, 4), batch2=f16(5, 4, 7)),
    out("Gemm", f32(3, 7), A=f16(4, 3), B=f16(7, 4), C=f32(3, 7), transA=1, transB=1),
    *cases("FusedMatmul", {"y": f16(3, 7)}, x1=f16(3, 4), x2=f16(4, 7), fusedOpType="relu"),
    *cases("FusedMatmul", {"y": f32(3, 7)}, x1=f16(3, 4), x2=f16(4, 7), fusedOpType="16cast32"),
    *cases("MatmulEmuSplitWeight", {"y": f32(3, 7)}, x=bf16(3, 4), wHigh=bf16(4, 7), wLow=bf16(4, 7)),
]

X1 = f16(32, 16, 512)
PERMUTED = {"permX1": (1, 0, 2), "permX2": (0, 1, 2), "permY": (1, 0, 2)}

TRANSPOSED = [
    out(
        "TransposeBatchMatMul", f16(32, 16, 128), x1=X1, x2=f16(16, 512, 128), **PERMUTED, batchSplitFactor=1
    ),
    out(
        "TransposeBatchMatMul", f16(2, 32, 1024), x1=X1, x2=f16(16, 512, 128), **PERMUTED, batchSplitFactor=2
    ),
    out("TransposeBatchMatMul", f16(4, 32, 512), x1=X1, x2=f16(16, 512, 128), **PERMUTED, batchSplitFactor=4),
    out(
        "TransposeBatchMatMul",
        i8(32, 1, 2048),
        x1=X1,
        x2=f16(16, 512, 128),
        scale=i64(2048),
        **PERMUTED,
        batchSplitFactor=1,
    ),
    out(
        "TransposeBatchMatMul",
        f16(3, 2, 5),
        x1=f16(2, 3, 4),
        x2=f16(2, 5, 4),
        permX1=(0, 1, 2),
        permX2=(0, 2, 1),
        permY=(1, 0, 2),
        batchSplitFactor=1,
    ),
    *[
        out(
            operator,
            bf16(3, 2, 5),
            x1=f8(3, 2, 64),
            x2=f8(2, 64, 5),
            dtype=27,
            **PERMUTED,
            batchSplitFactor=1,
        )
        for operator in ("TransposeQuantBatchMatMul", "TransposeQuantBatchMatMulWeightNz")
    ],
]

QUANTISED = [
    out("QuantMatmulV2", f16(2, 3, 5), x1=i8(2, 4, 3), x2=i8(5, 4), deqScale=u64(16), adjX1=True, adjX2=True),
    quantised("QuantMatmulV3", f16(3, 5), x1=i8(3, 4), x2=i8(4, 5), scale=i64(5)),
    quantised("QuantMatmulV3", i8(3, 5), x1=i8(3, 4), x2=i8(4, 5), scale=u64(5), offset=f32(5)),
    quantised("QuantMatmulV3", bf16(6, 3, 5), x1=i8(6, 3, 4), x2=i8(4, 5), scale=bf16(1)),
    quantised("QuantMatmulV3", f16(3, 40), x1=i32(3, 2), x2=i32(16, 5), scale=u64(40)),
    quantised("QuantMatmulV3", f16(3, 5), x1=i32(3, 2), x2=i32(5, 2), scale=u64(5), transposeX2=True),
    quantised("QuantMatmulV4", bf16(3, 5), x1=i8(4, 3), x2=i8(4, 5), scale=f32(5), transposeX1=True),
    quantised(
        "QuantMatmulV4",
        f16(3, 5),
        x1=i8(3, 4),
        x2=i8(5, 4),
        scale=f32(5),
        pertokenScaleOptional=f32(3),
        bias=f16(5),
        transposeX2=True,
    ),
    quantised(
        "QuantMatmulWeightNz", bf16(3, 64), x1=i8(3, 32), x2=i8(32, 64), x1Scale=f32(3), x2Scale=f32(64)
    ),
    quantised(
        "QuantMatmulWeightNz", i8(3, 64), x1=i8(3, 32), x2=i8(32, 64), x2Scale=u64(64), x2Offset=f32(64)
    ),
    out("QuantMatmulReduceSumWeightNz", bf16(3, 64), x1=i8(2, 3, 32), x2=i8(2, 32, 64)),
    out("QuantMatmulDequant", f16(3, 5), x=f16(3, 4), weight=i8(5, 4), transposeWeight=True),
    quantised("BatchMatmulQuant", i8(3, 5), x1=f16(4, 3), x2=f16(4, 5), transposeX1=True),
    out("Sparse4to2QuantMatmulWeightNz", bf16(3, 64), x=i8(3, 64), sparseWeight=i8(64, 32)),
    *cases(
        "WeightQuantBatchMatmulV2 WeightQuantBatchMatmulV3 WeightQuantBatchMatmulNz",
        {"y": bf16(3, 64)},
        x=bf16(3, 32),
        weight=i4(32, 64),
    ),
    *cases("WeightQuantBatchMatmulV2", {"y": f16(3, 64)}, x=f16(3, 32), weight=i32(32, 8)),
    *cases("WeightQuantBatchMatmulV2", {"y": f16(3, 8)}, x=f16(3, 32), weight=i32(4, 8)),
    *cases(
        "WeightQuantBatchMatmulV2",
        {"y": i8(3, 64)},
        x=f16(3, 32),
        weight=i8(32, 64),
        quantScaleOptional=u64(64),
    ),
    *cases("ConvertWeightToINT4Pack", {"weightInt4Pack": i4(32, 64)}, weight=i32(32, 64)),
]

_RESIDUAL = {"residual": bf16(2, 3, 7), "gamma": bf16(7)}

RANKS = [
    *cases("MatmulAllReduce MatmulAllReduceV2", {"output": f16(2, 3, 7)}, x1=f16(2, 3, 4), x2=f16(4, 7)),
    *cases("WeightQuantMatmulAllReduce", {"output": bf16(3, 7)}, x1=bf16(3, 4), x2=i8(4, 7)),
    *cases(
        "QuantMatmulAllReduce QuantMatmulAllReduceV2 QuantMatmulAllReduceV3",
        {"output": bf16(3, 7)},
        x1=i8(3, 4),
        x2=i8(4, 7),
        dequantScale=bf16(7),
    ),
    *cases("QuantMatmulAllReduce", {"output": f16(3, 7)}, x1=i8(3, 4), x2=i8(4, 7), dequantScale=i64(1)),
    *cases("QuantMatmulAllReduceV2", {"output": f16(3, 7)}, x1=i8(3, 4), x2=i8(4, 7), dequantScale=f32(7)),
    *cases(
        "MatmulAllReduceAddRmsNorm QuantMatmulAllReduceAddRmsNorm WeightQuantMatmulAllReduceAddRmsNorm",
        {"y": bf16(2, 3, 7), "normOut": bf16(2, 3, 7)},
        **_RESIDUAL,
    ),
    *cases(
        "InplaceMatmulAllReduceAddRmsNorm InplaceQuantMatmulAllReduceAddRmsNorm "
        "InplaceWeightQuantMatmulAllReduceAddRmsNorm",
        {"normOut": bf16(2, 3, 7)},
        **_RESIDUAL,
    ),
]

_ALL_ROWS = {"x": (f16(9, 4),), "weight": (f16(3, 4, 5),), "splitItem": 3, "groupType": 0}
_UNUSED = {"activationFeatureOutOptional": None, "dynQuantScaleOutOptional": None}

GROUPED = [
    *cases(
        "GroupedMatmul",
        {"y": [bf16(2, 5), bf16(3, 6)]},
        x=(bf16(2, 4), bf16(3, 7)),
        weight=(bf16(4, 5), bf16(7, 6)),
        splitItem=0,
    ),
    *cases(
        "GroupedMatmul",
        {"y": [f16(2, 5), f16(7, 6)]},
        x=(f16(9, 4),),
        weight=(f16(4, 5), f16(4, 6)),
        groupListOptional=(2, 9),
        splitItem=1,
    ),
    *cases(
        "GroupedMatmul",
        {"y": [f16(5, 5)]},
        x=(f16(2, 4), f16(3, 4)),
        weight=(f16(4, 5), f16(4, 5)),
        splitItem=2,
    ),
    *cases("GroupedMatmulV2 GroupedMatmulV3", {"y": [f16(9, 5)]}, **_ALL_ROWS),
    *cases(
        "GroupedMatmulV4 GroupedMatmulV5 GroupedMatmulWeightNz", {"out": [f16(9, 5)], **_UNUSED}, **_ALL_ROWS
    ),
    *cases(
        "GroupedMatmulSwigluQuant GroupedMatmulSwigluQuantWeightNZ",
        {"output": i8(9, 32), "outputScale": f32(9), "outputOffset": None},
        x=i8(9, 16),
        weight=i8(3, 16, 64),
        weightScale=f32(3, 64),
    ),
    *cases("FFN FFNV2 FFNV3", {"y": f16(9, 4)}, x=f16(9, 4), weight1=f16(4, 8), weight2=f16(8, 4)),
]

CASES = PLAIN + TRANSPOSED + QUANTISED + RANKS + GROUPED
