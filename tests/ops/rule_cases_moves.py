"""Cases of the output rules of operators that move, read, write and make elements."""

from __future__ import annotations

from ops.rule_cases import Case, Spec, b1, bf16, each, f16, f32, f64, i8, i32, i64, out, u8

from ascend_ops import dtypes

X = f32(2, 3, 4)


def padding(operator: str, expected: Spec, *pads: int, name: str = "padding") -> Case:
    """X padded."""
    return out(operator, expected, self=X, **{name: pads})


SHAPING = [
    out("Cat", f32(2, 8), tensors=(f32(2, 3), f16(2, 5)), dim=-1),
    out("Cat", f32(2, 3), tensors=(f32(0), f32(2, 3)), dim=1),
    out("Expandv", f32(5, 2, 3, 4), self=X, shape=(5, 2, 3, 4)),
    Case("DiagPart", {"x": i32(3, 3)}, {"y": i32(3)}),
    Case("TensorMove", {"x": X}, {"y": X}),
    out("Stack", f32(3, 2, 4), tensors=(f32(3, 4), f16(3, 4)), dim=1),
    out("Stack", i8(4, 1), tensors=(i8(4),), dim=-1),
    out("SplitTensor", [f16(2, 3), f16(2, 3), f16(2, 1)], self=f16(2, 7), splitSections=3, dim=1),
    out("SplitTensor", [f16(2, 0)], self=f16(2, 0), splitSections=3, dim=1),
    out("SplitWithSize", [f16(1, 7), f16(0, 7), f16(4, 7)], self=f16(5, 7), splitSize=(1, 0, 4), dim=0),
    out("Permute", f32(4, 2, 3), self=X, dims=(2, 0, -2)),
    out("Flatten", f32(2, 12), self=X, axis=1),
    out("Flatten", f32(1, 24), self=X, axis=0),
    out("ChannelShuffle", f16(2, 6, 5), self=f16(2, 6, 5), groups=3),
    out("ConfusionTranspose", f32(6, 4), x=X, perm=(2, 0, 1), shape=(6, 4), transpose_first=True),
    out("ConfusionTranspose", f32(4, 6), x=X, perm=(1, 0), shape=(6, 4), transpose_first=False),
    out("Expand", f32(5, 2, 3), self=f32(2, 1), size=(5, -1, 3)),
    out("Repeat", f32(3, 2, 8), self=f32(1, 4), repeats=(3, 2, 2)),
    *each("RepeatInterleave RepeatInterleaveInt", f32(9), self=f32(3), repeats=3, outputSize=9),
    out("RepeatInterleaveTensor", i32(7), repeats=i32(3), outputSize=7),
    *each("RepeatInterleaveWithDim RepeatInterleaveIntWithDim", f32(2, 9, 4), self=X, dim=1, outputSize=9),
    out("Roll", bf16(2, 3), x=bf16(2, 3), shifts=(1,), dims=(0,)),
    *each("Flip Tril Triu", u8(3, 3), self=u8(3, 3)),
    padding("ConstantPadNd", f32(2, 6, 7), 1, 2, 3, 0, name="pad"),
    padding("ConstantPadNd", f32(2, 3, 2), -1, -1, name="pad"),
    padding("CircularPad2d", f32(2, 4, 6), 1, 1, 0, 1),
    padding("CircularPad3d", f32(5, 4, 6), 1, 1, 0, 1, 2, 1),
    padding("ReflectionPad1d", f32(2, 3, 6), 1, 1),
    padding("ReflectionPad2d", f32(2, 4, 6), 1, 1, 0, 1),
    padding("ReflectionPad3d", f32(3, 4, 6), 1, 1, 0, 1, 0, 1),
    padding("ReplicationPad1d", f32(2, 3, 6), 1, 1),
    padding("ReplicationPad2d", f32(2, 4, 6), 1, 1, 0, 1),
    padding("ReplicationPad3d", f32(3, 4, 6), 1, 1, 0, 1, 0, 1),
    out("Slice", f32(2, 3, 2), self=X, dim=-1, start=-3, end=100, step=2),
    out("Slice", f32(2, 0, 4), self=X, dim=1, start=2, end=1, step=1),
    out("SliceV2", f32(1, 3, 2), self=X, starts=(1, 0), ends=(9, -1), axes=(0, -1), steps=(1, 2)),
    out("Diag", f32(5, 5), self=f32(3), diagonal=-2),
    out("Diag", f32(2), self=f32(3, 4), diagonal=2),
    out("Diag", f32(2), self=f32(3, 4), diagonal=-1),
    out("DiagFlat", f32(7, 7), self=f32(2, 3), diagonal=1),
    out(
        "Im2col",
        f16(2, 12, 20),
        self=f16(2, 3, 6, 6),
        kernelSize=(2, 2),
        dilation=(1, 2),
        padding=(0, 0),
        stride=(1, 1),
    ),
    out(
        "Im2col",
        f16(18, 12),
        self=f16(3, 6, 6),
        kernelSize=(3, 2),
        dilation=(1, 2),
        padding=(1, 0),
        stride=(2, 1),
    ),
    Case("UnfoldGrad", {"gradOut": f16(3, 4), "inputSizes": (12,), "dim": 0}, {"gradIn": f16(12)}),
    out("ExpSegsum", f32(2, 3, 4, 4), self=X),
]

INDEXING = [
    out("Gather", f32(2, 5), self=f32(2, 3), dim=1, index=i64(2, 5)),
    out("GatherV2", f32(2, 5, 6, 4), self=X, dim=1, index=i64(5, 6)),
    out("GatherV2", f32(2, 1, 4), self=X, dim=1, index=i32()),
    out("GatherV3", f32(2, 5, 6, 4), self=X, dim=1, index=i64(5, 6), batchDims=0),
    out("GatherV3", f32(2, 6, 4), self=X, dim=1, index=i64(2, 6), batchDims=1),
    out("GatherV3", f32(2, 6, 4), self=X, dim=1, index=i64(2, 6), batchDims=-1),
    out("GatherNd", f32(5, 4), self=X, indices=i64(5, 2)),
    out("GatherNd", f32(7), self=X, indices=i64(7, 3)),
    out("Index", f32(5, 4), self=X, indices=(i64(5), i64(5))),
    out("Index", f32(2, 5, 6), self=X, indices=(i64(0), i64(5, 1), i64(6))),
    out("Index", f32(5, 3), self=X, indices=(i64(5), i64(0), i64(5))),
    out("Index", f32(6, 2, 4), self=f32(2, 3, 4, 5), indices=(i64(0), i64(6), i64(0), i64(6))),
    out("IndexSelect", f32(2, 5, 4), self=X, dim=-2, index=i64(5)),
    out("IndexSelect", f32(2, 1, 4), self=X, dim=1, index=i64()),
    out("Take", f32(5, 6), self=X, index=i64(5, 6)),
    out("Embedding", bf16(3, 4, 16), weight=bf16(100, 16), indices=i64(3, 4)),
    out("EmbeddingDenseBackward", f32(50, 16), grad=f32(3, 4, 16), indices=i64(3, 4), numWeights=50),
    out("OneHot", f16(2, 10), self=i64(2), numClasses=10, onValue=f16(1), offValue=f16(1), axis=-1),
    out("OneHot", i32(10, 2, 3), self=i64(2, 3), numClasses=10, onValue=i32(1), offValue=i32(1), axis=0),
    *each("IndexAdd IndexAddV2", f32(2, 3, 4), self=X, dim=0, index=i64(5), source=f32(5, 3, 4)),
    *each("IndexFill IndexFillTensor", f32(2, 3, 4), self=X, dim=0),
    Case("IndexCopy", {"selfRef": X, "dim": 0}, {"outRef": X}),
    *each("Scatter ScatterAdd ScatterReduce ScatterValue", f32(2, 3, 4), self=X, dim=0),
    out("ScatterNd", f16(8), data=f16(8), indices=i64(4, 1), updates=f16(4)),
    out("MaxUnpool2d", f32(2, 3, 8, 9), self=f32(2, 3, 4, 4), outputSize=(8, 9)),
    Case("MaxUnpool3d", {"self": f32(3, 2, 4, 4), "outputSize": (5, 8, 9)}, {"outRef": f32(3, 5, 8, 9)}),
]

CREATION = [
    out("Cast", i8(2, 3), self=f32(2, 3), dtype=dtypes.int8),
    out("SignBitsPack", u8(3, 2), self=f16(43), size=3),
    out("SignBitsUnpack", f32(4, 6), self=u8(3), size=4, dtype=dtypes.float32),
    out("Arange", i64(4), start=0, end=10, step=3),
    out("Arange", i64(3), start=10, end=1, step=-3),
    out("Arange", f32(5), start=0.0, end=1.0, step=0.2),
    out("Range", i64(4), start=0, end=9, step=3),
    out("Range", f32(3), start=1, end=2.2, step=0.5),
    out("Linspace", f32(8), start=0, end=1, steps=8),
    Case("LogSpace", {"start": 0, "end": 1, "steps": 8, "base": 10.0}, {"result": f32(8)}),
    out("Eye", f32(3, 4), n=3, m=4),
    out("AffineGrid", f16(2, 5, 6, 2), theta=f16(2, 2, 3), size=(2, 3, 5, 6)),
    out("AffineGrid", f32(2, 4, 5, 6, 3), theta=f32(2, 3, 4), size=(2, 3, 4, 5, 6)),
    out("Randperm", i64(9), n=9),
    out("Multinomial", i64(3, 5), self=f32(3, 10), numsamples=5),
    out("Multinomial", i64(5), self=f32(10), numsamples=5),
    out("NormalFloatTensor", f16(3), mean=0.5, std=f16(3)),
    out("NormalTensorFloat", f64(3), mean=f64(3), std=0.5),
    out("NormalTensorTensor", f32(2, 3), mean=f32(2, 1), std=f32(3)),
    *each("Bernoulli BernoulliTensor DropoutDoMask", bf16(2, 3), self=bf16(2, 3)),
    Case("Dropout", {"input": f16(1111)}, {"out": f16(1111), "maskOut": u8(144)}),
    Case("Dropout", {"input": f16(128)}, {"out": f16(128), "maskOut": u8(16)}),
    *each("DropoutGenMask DropoutGenMaskV2 DropoutGenMaskV2Tensor", u8(32), shape=(3, 43)),
    out("ReduceSum", b1(2), self=f32(2, 2), dims=(0,), keepDims=False, dtype=dtypes.bool_),
]

CASES = SHAPING + INDEXING + CREATION
