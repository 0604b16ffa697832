"""Cases of the output rules of reductions, sorting, searching and linear algebra."""

from __future__ import annotations

from ops.rule_cases import Case, Spec, b1, bf16, each, f16, f32, f64, i8, i32, i64, out

from ascend_ops import dtypes


def pair(operator: str, first: str, second: str, a: Spec, b: Spec, **given: object) -> Case:
    """A case with two outputs."""
    return Case(operator, given, {first: a, second: b})


X = f16(2, 3, 4)

AXES = [
    *each("Amax Amin", f16(3), self=X, dim=(0, -1), keepDim=False),
    *each("Amax Amin", f16(1, 3, 1), self=X, dim=(2, 0), keepDim=True),
    *each("Amax Amin", f16(), self=X, dim=(), keepDim=False),
    *each("Amax Amin", f16(1, 1, 1), self=X, dim=None, keepDim=True),
    *each("Std Var VarCorrection Norm", f16(2, 4), self=X, dim=(1,), keepdim=False),
    *each("Std Var VarCorrection", f16(), self=X, dim=None, keepdim=False),
    pair("Aminmax", "minOut", "maxOut", f16(2, 4), f16(2, 4), self=X, dim=(1,), keepDim=False),
    pair("AminmaxDim", "minOut", "maxOut", f16(2, 1, 4), f16(2, 1, 4), self=X, dim=-2, keepDim=True),
    pair("AminmaxAll", "minOut", "maxOut", i8(1), i8(1), self=i8(4, 5)),
    pair("VarMean", "varOut", "meanOut", f32(3), f32(3), self=f32(3, 2), dim=(1,), keepdim=False),
    pair("StdMeanCorrection", "stdOut", "meanOut", f32(), f32(), self=f32(3, 2), dim=(), keepdim=False),
    *each("Max Min", i32(1), self=i32(3, 3)),
    Case("Median", {"self": f32(3, 3)}, {"valuesOut": f32(1)}),
    out("NanMedian", f32(1), self=f32(3, 3)),
    out("MaxV2", f16(2, 3, 4), self=X, dims=(), keepDims=False, noopWithEmptyDims=True),
    out("MaxV2", f16(), self=X, dims=(), keepDims=False, noopWithEmptyDims=False),
    out("MeanV2", f16(2, 1, 4), self=X, dim=(1,), keepDim=True, noopWithEmptyAxes=True),
    Case(
        "ReduceLogSum",
        {"data": X, "axes": (), "keepDims": True, "noopWithEmptyAxes": False},
        {"reduce": f16(1, 1, 1)},
    ),
    out("Trace", f32(), self=f32(3, 4)),
    out("ReduceSum", i64(2, 3), self=i32(2, 3, 4), dims=(2,), keepDims=False, dtype=dtypes.int64),
    out("ReduceNansum", f32(), self=X, dim=(), keepDim=False, dtype=dtypes.float32),
    out("Mean", f32(2, 1, 4), self=X, dim=(1,), keepDim=True, dtype=dtypes.float32),
    out("LinalgVectorNorm", f32(3), self=X, dims=(0, 2), keepDims=False, dtype=dtypes.float32),
    out("LinalgVectorNorm", f16(), self=X, dims=None, keepDims=False, dtype=dtypes.float16),
    out("Prod", f32(1), self=X, dtype=dtypes.float32),
    out("Prod", f16(1), self=X, dtype=None),
    out("ProdDim", i64(2, 4), self=i8(2, 3, 4), dim=1, keepDim=False, dtype=dtypes.int64),
    out("LogSumExp", f32(2, 3), self=i32(2, 3, 4), dim=(-1,), keepDim=False),
    out("LogSumExp", bf16(1), self=bf16(3), dim=(0,), keepDim=True),
    *each("All Any", b1(2), self=i8(2, 3), dim=(1,), keepdim=False),
    *each("All Any", b1(), self=b1(2, 3), dim=(), keepdim=False),
    out("Histc", f32(7), self=f32(2, 3), bins=7, min=0, max=1),
    *each("ArgMax ArgMin", i64(2, 4), self=X, dim=1, keepdim=False),
    *each("ArgMax ArgMin", i64(), self=f32(), dim=-1, keepdim=True),
    pair("MaxDim", "out", "indices", f16(2, 1, 4), i64(2, 1, 4), self=X, dim=1, keepdim=True),
    pair("MinDim", "out", "indices", f16(2, 3), i32(2, 3), self=X, dim=-1, keepdim=False),
    pair("Kthvalue", "valuesOut", "indicesOut", f16(2, 3), i64(2, 3), self=X, k=2, dim=2, keepdim=False),
    *(
        pair(name, "valuesOut", "indicesOut", f16(2, 1, 4), i64(2, 1, 4), self=X, dim=1, keepDim=True)
        for name in ("MedianDim", "NanMedianDim")
    ),
    out("Cumsum", f32(2, 3, 4), self=X, dim=1, dtype=dtypes.float32),
    out("CumsumV2", f16(2, 3, 4), self=X, dim=1, exclusive=False, reverse=True),
    out("Cumprod", f32(2, 3, 4), input=X, dim=1, dtype=dtypes.float32),
    out("Cumprod", f16(2, 3, 4), input=X, dim=1, dtype=None),
    pair("Cummax", "valuesOut", "indicesOut", i32(5), i64(5), self=i32(5), dim=0),
    pair("Cummin", "valuesOut", "indicesOut", X, i64(2, 3, 4), self=X, dim=0),
]

SORTED = [
    pair("Sort", "valuesOut", "indicesOut", X, i64(2, 3, 4), self=X, stable=True, dim=-1, descending=False),
    out("Argsort", i64(2, 3, 4), self=X, dim=-1, descending=False),
    pair("Topk", "valuesOut", "indicesOut", f16(2, 3, 2), i64(2, 3, 2), self=X, k=2, dim=-1),
    pair("Topk", "valuesOut", "indicesOut", f16(0, 3, 4), i64(0, 3, 4), self=X, k=0, dim=0),
    out("Bucketize", i32(2, 3), self=f32(2, 3), boundaries=f32(5), outInt32=True, right=False),
    out("Bucketize", i64(2, 3), self=f32(2, 3), boundaries=f32(5), outInt32=False, right=False),
    pair(
        "TopKTopPSample",
        "logitsSelectIdx",
        "logitsTopKPSelect",
        i64(2),
        f32(2, 9),
        logits=f16(2, 9),
        topK=i32(2),
    ),
    out("SearchSorted", i64(2, 7), sortedSequence=f32(2, 5), self=f32(2, 7), outInt32=False),
    out("SearchSorteds", i32(1), sortedSequence=f32(5), self=2.5, outInt32=True),
    out("MaskedSelect", f32(6), self=f32(2, 1), mask=b1(3)),
    out("Nonzero", i64(24, 3), self=X),
    out("NonzeroV2", i64(3, 24), self=X),
    Case("Unique", {"self": X}, {"valueOut": f16(24), "inverseOut": i64(2, 3, 4)}),
    Case("Unique2", {"self": X}, {"valueOut": f16(24), "inverseOut": i64(2, 3, 4), "countsOut": i64(24)}),
    Case(
        "UniqueConsecutive",
        {"self": X, "dim": 1},
        {"valueOut": f16(2, 3, 4), "inverseOut": i64(3), "countsOut": i64(3)},
    ),
    Case(
        "UniqueDim",
        {"self": X, "dim": -1},
        {"valueOut": f16(2, 3, 4), "inverseOut": i64(4), "countsOut": i64(4)},
    ),
]

ALGEBRA = [
    out("Dot", f16(), self=f16(4), tensor=f16(4)),
    out("Ger", f32(3, 4), self=f16(3), vec2=f32(4)),
    out("Addr", f32(3, 4), self=f32(1, 4), vec1=f16(3), vec2=f16(4)),
    out("LinalgCross", f32(2, 3), self=f32(2, 3), other=f32(1, 3), dim=-1),
    out("Cdist", f32(2, 5, 7), x1=f32(5, 3), x2=f32(2, 7, 3), p=2.0),
    out("Pdist", f32(10), self=f32(5, 3), p=2.0),
    *each("Inverse LinalgCholesky Renorm", f32(2, 3, 3), self=f32(2, 3, 3)),
    out("Logdet", f64(2, 5), self=f64(2, 5, 3, 3)),
    pair("Slogdet", "signOut", "logOut", f32(2), f32(2), self=f32(2, 3, 3)),
    pair("TriangularSolve", "xOut", "mOut", f32(5, 3, 2), f32(5, 3, 3), self=f32(1, 3, 2), A=f32(5, 3, 3)),
]

CASES = AXES + SORTED + ALGEBRA
