"""Cases of the output rules of quantisation and dequantisation."""

from __future__ import annotations

from ops.rule_cases import Maker, b1, bf16, f16, f32, i8, i32, i64, out
from ops.rule_cases_matmul import cases

from ascend_ops import dtypes

f8, e8, i4 = Maker(dtypes.float8_e4m3fn), Maker(dtypes.float8_e8m0fnu), Maker(dtypes.int4)
f4, hif8, u64 = Maker(dtypes.float4_e2m1fn), Maker(dtypes.hifloat8), Maker(dtypes.uint64)

X = f16(2, 3, 16)

STATIC = [
    *cases("AscendQuant AscendQuantV3 GroupQuant", {"y": i8(2, 16)}, x=f16(2, 16), dstType=2),
    *cases("AscendQuant AscendQuantV3 GroupQuant", {"y": i4(2, 16)}, x=f16(2, 16), dstType=29),
    *cases("AscendQuant AscendQuantV3 GroupQuant", {"y": i32(2, 2)}, x=f16(2, 16), dstType=3),
    *cases("AscendQuantV3", {"y": hif8(2, 16)}, x=f16(2, 16), dstType=34),
    out("Quantize", i32(2, 16), x=f16(2, 16), dtype=dtypes.int32),
    *cases(
        "FakeQuantPerChannelAffineCachemask FakeQuantPerTensorAffineCachemask",
        {"out": X, "mask": b1(2, 3, 16)},
        self=X,
    ),
    *cases("AscendAntiQuant", {"y": f16(2, 16)}, x=i8(2, 16), dstType=1),
    *cases("AscendAntiQuant", {"y": bf16(2, 16)}, x=i4(2, 16), dstType=27),
    *cases("AscendAntiQuant", {"y": bf16(2, 16)}, x=i32(2, 2), dstType=27),
    out("DequantBias", bf16(3, 5), x=i32(3, 5), outputDtype=27),
    *cases("TransQuantParamV2 TransQuantParamV3", {"out": u64(1, 5)}, scale=f32(1, 5)),
    *cases("TransQuantParamV2 TransQuantParamV3", {"out": u64(5)}, scale=f32(1), offset=f32(5)),
    *cases("TransQuantParamV2", {"out": u64(1, 5)}, scale=f32(1, 5), offset=f32(1, 5)),
]

DYNAMIC = [
    *cases("DynamicQuant", {"yOut": i8(2, 3, 16), "scaleOut": f32(2, 3)}, x=X),
    *cases(
        "DynamicQuantV2",
        {"yOut": i8(2, 3, 16), "scaleOut": f32(2, 3), "offsetOut": f32(2, 3)},
        x=X,
        dstType=2,
    ),
    *cases(
        "DynamicQuantV2",
        {"yOut": i32(2, 3, 2), "scaleOut": f32(2, 3), "offsetOut": f32(2, 3)},
        x=X,
        dstType=3,
    ),
    *cases(
        "DynamicQuantV3 DynamicQuantV4",
        {"yOut": i4(2, 3, 16), "scaleOut": f32(2, 3), "offsetOut": None},
        x=X,
        dstType=29,
        isSymmetrical=True,
        quantMode="pertoken",
    ),
    *cases(
        "DynamicQuantV3",
        {"yOut": i8(2, 3, 16), "scaleOut": f32(1), "offsetOut": f32(1)},
        x=X,
        dstType=2,
        isSymmetrical=False,
        quantMode="pertensor",
    ),
    *cases(
        "DynamicQuantV4",
        {"yOut": i8(2, 3, 16), "scaleOut": f32(2, 16), "offsetOut": f32(2, 16)},
        x=X,
        dstType=2,
        isSymmetrical=False,
        quantMode="perchannel",
    ),
    *cases(
        "DynamicBlockQuant DynamicBlockQuantV2",
        {"yOut": i8(2, 3, 300), "scaleOut": f32(2, 3, 3)},
        x=f16(2, 3, 300),
        dstType=2,
        rowBlockSize=1,
        colBlockSize=128,
    ),
    *cases(
        "DynamicBlockQuant",
        {"yOut": f8(130, 64), "scaleOut": f32(2, 1)},
        x=f16(130, 64),
        dstType=36,
        rowBlockSize=128,
        colBlockSize=64,
    ),
    *cases("FlatQuant FlatQuantV2 FlatQuantV3", {"out": i4(2, 3, 16), "quantScale": f32(2)}, x=X),
    *cases("QuantMax", {"y": hif8(2, 3, 16), "amax": f16(1)}, x=X, dstType=34),
    *cases(
        "GroupedQuantMax",
        {"y": hif8(2, 3, 16), "amax": f16(4)},
        x=X,
        scale=f32(4),
        groupList=i64(4),
        dstType=34,
    ),
    *cases("SwiGluQuant DequantSwigluQuant", {"yOut": i8(2, 3, 8), "scaleOut": f32(2, 3)}, x=X),
    *cases("SwiGluQuantV2", {"yOut": i4(2, 3, 8), "scaleOut": f32(2, 3)}, x=X, dstType=29),
    *cases(
        "DequantSwigluQuantV2",
        {"yOut": i8(2, 3, 8), "scaleOut": f32(2, 3)},
        x=i32(2, 3, 16),
        dstType=2,
        activateDim=2,
    ),
    *cases(
        "DequantSwigluQuantV2",
        {"yOut": f8(4, 3, 16), "scaleOut": f32(4, 3)},
        x=i32(4, 6, 16),
        dstType=36,
        activateDim=-2,
    ),
    *cases("DequantSituQuant", {"yOut": i8(2, 3, 8), "yScaleOut": f32(2, 3)}, x=i8(2, 3, 16)),
]

MX = [
    *cases(
        "DynamicMxQuant DynamicMxQuantV2 DynamicMxQuantV3",
        {"yOut": f8(2, 3, 100), "mxscaleOut": e8(2, 3, 2, 2)},
        x=f16(2, 3, 100),
        axis=-1,
        dstType=36,
        blocksize=32,
    ),
    *cases(
        "DynamicMxQuant",
        {"yOut": f4(2, 130, 4), "mxscaleOut": e8(2, 2, 4, 2)},
        x=f16(2, 130, 4),
        axis=1,
        dstType=40,
        blocksize=64,
    ),
    *cases("AntiMxQuant", {"y": f32(2, 64)}, x=f8(2, 64), mxscale=e8(2, 1, 2), dstType=0),
    *cases("SituMxQuant", {"yOut": f8(2, 100), "yScaleOut": e8(2, 2, 2)}, x=f16(2, 200), dstType=36),
    *cases(
        "DynamicMxQuantWithDualAxis DynamicMxQuantWithDualAxisV2",
        {
            "y1Out": f8(5, 65, 100),
            "mxscale1Out": e8(5, 65, 2, 2),
            "y2Out": f8(5, 65, 100),
            "mxscale2Out": e8(5, 2, 100, 2),
        },
        x=bf16(5, 65, 100),
        dstType=36,
    ),
    *cases(
        "DynamicBlockMxQuant",
        {"yOut": f8(64, 96), "scale1Out": e8(64, 2, 2), "scale2Out": e8(1, 96, 2)},
        x=f16(64, 96),
        dstType=36,
    ),
    *cases(
        "MxToBlockMxQuant",
        {"y": f8(64, 96), "scale1": e8(64, 2, 2), "scale2": e8(1, 96, 2)},
        x=f4(64, 96),
        dstType=36,
    ),
    *cases(
        "SwigluMxQuantWithDualAxis",
        {
            "y1Out": f8(130, 96),
            "mxscale1Out": e8(130, 2, 2),
            "y2Out": f8(130, 96),
            "mxscale2Out": e8(3, 96, 2),
        },
        x=f16(130, 192),
        dstType=36,
    ),
    *cases(
        "SwigluMxQuantWithDualAxis",
        {
            "y1Out": f8(130, 96),
            "mxscale1Out": e8(130, 2, 2),
            "y2Out": f8(130, 96),
            "mxscale2Out": e8(6, 96, 2),
        },
        x=f16(130, 192),
        groupIndexOptional=i64(4),
        dstType=36,
    ),
    *cases(
        "DynamicDualLevelMxQuant",
        {"yOut": f4(3, 600), "level0ScaleOut": f32(3, 2), "level1ScaleOut": e8(3, 10, 2)},
        x=f16(3, 600),
        level0BlockSize=512,
        level1BlockSize=32,
    ),
    *cases(
        "GroupedDynamicBlockQuant GroupedDynamicBlockQuantV2",
        {"yOut": hif8(2, 300, 200), "scaleOut": f32(2, 5, 2)},
        x=f16(2, 300, 200),
        groupList=i32(3),
        dstType=34,
        rowBlockSize=128,
        colBlockSize=128,
    ),
    *cases(
        "GroupedDynamicMxQuant GroupedDynamicMxQuantV2",
        {"y": f8(130, 7), "mxscale": e8(5, 7, 2)},
        x=f16(130, 7),
        groupIndex=i32(3),
        dstType=36,
        blocksize=32,
    ),
    *cases(
        "GroupedDynamicMxQuantWithDualAxis",
        {
            "y1Out": f8(130, 128),
            "y1ScaleOut": e8(130, 2, 2),
            "y2Out": f8(130, 128),
            "y2ScaleOut": e8(5, 128, 2),
        },
        x=f16(130, 128),
        groupIndex=i64(3),
        dstDtype=36,
    ),
]

CASES = STATIC + DYNAMIC + MX
