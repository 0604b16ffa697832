"""The output rules of the operators that networks are made of say what CANN's documents say."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ops import (
    rule_cases_attention,
    rule_cases_images,
    rule_cases_matmul,
    rule_cases_moe,
    rule_cases_normalisation,
    rule_cases_quantisation,
)
from ops.rule_cases import Case, bf16, f16, f32, i8, i32, i64
from ops.test_rules import call_of, said

from ascend_ops.ops import rules
from ascend_ops.ops.rules import (
    activation,
    attention,
    attention_inference,
    backward,
    classification,
    convolution,
    grouped_matmul,
    matmul,
    matmul_all_reduce,
    moe,
    normalisation,
    pooling,
    quantisation,
    quantisation_mx,
    rope,
    sampling,
)

FAMILIES = (
    *(activation, attention, attention_inference, backward, classification, convolution),
    *(grouped_matmul, matmul, matmul_all_reduce, moe, normalisation, pooling),
    *(quantisation, quantisation_mx, rope, sampling),
)
CASES = [
    *rule_cases_attention.CASES,
    *rule_cases_images.CASES,
    *rule_cases_matmul.CASES,
    *rule_cases_moe.CASES,
    *rule_cases_normalisation.CASES,
    *rule_cases_quantisation.CASES,
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.operator)
def test_a_rule_gives_the_outputs_of_the_document(case: Case) -> None:
    outputs = rules.find(f"aclnn{case.operator}")
    assert outputs is not None
    call = call_of(case)
    assert {name: said(output, call) for name, output in outputs.items()} == case.expected


def test_every_rule_of_these_families_has_a_case() -> None:
    written = {name for family in FAMILIES for name in family.RULES}
    assert written == {f"aclnn{case.operator}" for case in CASES}
    assert len(written) >= 280


_PERM = {"permX1": (1, 0, 2), "permX2": (0, 1, 2), "permY": (1, 0, 2)}
_BSH = {"query": f16(2, 5, 64), "value": f16(2, 7, 24), "numHeads": 4, "numKeyValueHeads": 2}
_CACHE = {"x": f16(2, 16), "cos": f16(2, 4), "kCacheRef": i8(1, 16, 1, 4)}
_WINDOW = {"kernelSize": (3,), "strides": (1,), "paddings": (0,), "ceilMode": False}

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("Matmul", {"self": f16(3, 4), "mat2": f16(5, 7)}, "mat2: shape (5, 7) does not fit (3, 4)"),
    ("Matmul", {"self": f16(), "mat2": f16(5)}, "self: is 0-d"),
    ("Addmm", {"self": f16(7), "mat1": f16(3, 4)}, "mat2: is None"),
    ("QuantMatmulV3", {"x1": i8(3, 4), "x2": i8(5, 4), "scale": i64(5)}, "x2: shape (5, 4) does not fit"),
    ("WeightQuantBatchMatmulV2", {"x": f16(3, 32), "weight": i32(5, 8)}, "weight: shape (5, 8) does not fit"),
    (
        "TransposeBatchMatMul",
        {"x1": f16(3, 2, 4), "x2": f16(2, 5, 6), **_PERM, "batchSplitFactor": 1},
        "x2: shape (2, 5, 6) does not fit (2, 3, 4)",
    ),
    (
        "TransposeBatchMatMul",
        {"x1": f16(3, 2, 4), "x2": f16(2, 4, 6), **_PERM, "batchSplitFactor": 3},
        "batch_split_factor: is 3",
    ),
    ("TransposeBatchMatMul", {"x1": f16(3, 2), "x2": f16(2, 4, 6), **_PERM}, "perm_x1: is (1, 0, 2)"),
    ("RmsNorm", {"x": f16(8), "gamma": f16(2, 8)}, "gamma: has 2 axes"),
    ("LayerNormBackward", {"outputMask": (True, True, True)}, "input: is None"),
    ("SwiGlu", {"x": f16(2, 7), "dim": -1}, "x: length 7 of axis 1"),
    ("Glu", {"self": f16(2, 6), "dim": 2}, "dim: axis 2 is out of range"),
    ("AscendQuant", {"x": f16(2, 12), "dstType": 3}, "x: length 12 of axis 1"),
    ("DynamicMxQuant", {"x": f16(2, 32), "axis": -1, "dstType": 36, "blocksize": 0}, "blocksize: is 0"),
    ("DynamicBlockQuant", {"x": f16(2, 32), "dstType": 2, "rowBlockSize": 0}, "row_block_size: is 0"),
    (
        "GroupedDynamicBlockQuant",
        {"x": f16(2, 32), "groupList": i32(1), "dstType": 36, "rowBlockSize": 0, "colBlockSize": 64},
        "row_block_size: is 0",
    ),
    ("DequantSwigluQuantV2", {"x": f16(3, 8), "dstType": 2, "activateDim": 0}, "x: length 3 of axis 0"),
    ("PromptFlashAttention", {**_BSH, "inputLayout": "SBH"}, "input_layout: is 'SBH'"),
    ("PromptFlashAttention", {**_BSH, "inputLayout": "BNSD"}, "query: has the shape (2, 5, 64)"),
    ("PromptFlashAttention", {**_BSH, "inputLayout": "BSH", "numHeads": 0}, "num_heads: is 0"),
    ("FusedInferAttentionScore", {**_BSH, "value": (), "inputLayout": "BSH"}, "value: is empty"),
    (
        "FlashAttentionScore",
        {"query": f16(9, 4, 8), "headNum": 4, "inputLayout": "TND"},
        "input_layout: is 'TND'",
    ),
    (
        "FlashAttentionScore",
        {"query": f16(9, 4, 8), "headNum": 4, "inputLayout": "BNSD"},
        "query: has 3 axes",
    ),
    (
        "NsaCompress",
        {"input": f16(50, 2, 16), "actSeqLenOptional": (60,), "compressBlockSize": 16, "compressStride": 16},
        "act_seq_len_optional: (60,)",
    ),
    (
        "NsaCompress",
        {"input": f16(50, 2, 16), "actSeqLenOptional": (50,), "compressBlockSize": 16, "compressStride": 0},
        "compress_stride: is 0",
    ),
    (
        "NsaCompressAttentionInfer",
        {"query": f16(9, 4, 8), "numKeyValueHeads": 0},
        "num_key_value_heads: is 0",
    ),
    ("DequantRopeQuantKvcache", {**_CACHE, "sizeSplits": (8, 4)}, "size_splits: is (8, 4)"),
    ("DequantRopeQuantKvcache", {**_CACHE, "sizeSplits": (6, 6, 4)}, "size_splits: (6, 6, 4)"),
    ("MoeTokenPermuteGrad", {"permutedOutputGrad": f16(9, 8), "numTopk": 2}, "num_topk: is 2"),
    ("GroupedMatmul", {"x": (i8(2, 4),), "weight": (i8(4, 5),), "splitItem": 0}, "x: dtype int8"),
    (
        "GroupedMatmul",
        {"x": (f16(2, 4),), "weight": (i32(4, 5),), "splitItem": 0},
        "weight: holds eight int4",
    ),
    (
        "GroupedMatmulV2",
        {"x": (f16(4, 2),), "weight": (f16(4, 5),), "splitItem": 3, "groupType": 2},
        "group_type: is 2",
    ),
    (
        "GroupedMatmulV3",
        {
            "x": (f16(9, 4),),
            "weight": (f16(4, 5), f16(4, 5)),
            "groupListOptional": i64(2),
            "splitItem": 0,
            "groupType": 0,
        },
        "group_list_optional: does not settle",
    ),
    (
        "GroupedMatmul",
        {"x": (f16(9, 4),), "weight": (f16(4, 5), f16(4, 5)), "groupListOptional": (9, 2), "splitItem": 0},
        "group_list_optional: (9, 2)",
    ),
    ("AvgPool2d", {"self": f16(2, 2), **_WINDOW}, "self: has 2 axes"),
    ("AvgPool2d", {"self": f16(1, 2, 2), **_WINDOW, "kernelSize": (4,)}, "self: shape (1, 2, 2) is smaller"),
    ("AvgPool2d", {"self": f16(1, 2, 2), **_WINDOW, "strides": (0,)}, "strides: is (0, 0)"),
    ("AvgPool2d", {"self": f16(1, 2, 2), **_WINDOW, "paddings": (0, 0, 0)}, "paddings: is (0, 0, 0)"),
    ("AdaptiveAvgPool2d", {"self": f16(1, 2, 2), "outputSize": (3,)}, "output_size: is (3,)"),
    ("UpsampleNearest2d", {"self": f16(1, 2, 2, 2), "outputSize": (3, -1)}, "output_size: is -1"),
    (
        "Im2colBackward",
        {"gradOutput": f16(7, 9), "inputSize": (4, 4), "kernelSize": (2, 2)},
        "grad_output: shape",
    ),
    ("Convolution", {"input": f16(1, 2, 8), "weight": f16(3, 2, 3, 3)}, "weight: shape (3, 2, 3, 3)"),
    ("CtcLoss", {"logProbs": f32(12, 20)}, "targetlengths: is empty"),
    ("RmsNormDynamicQuant", {"x": bf16(2, 8), "dstType": 999}, "dst_type: 999"),
]


@pytest.mark.parametrize(("operator", "given", "text"), REFUSED)
def test_a_rule_refuses_and_names_the_argument(operator: str, given: dict[str, Any], text: str) -> None:
    outputs = rules.find(f"aclnn{operator}")
    assert outputs is not None
    call = call_of(Case(operator, given, {}))
    with pytest.raises(ValueError, match=f"^{re.escape(text)}"):
        [said(output, call) for output in outputs.values()]
