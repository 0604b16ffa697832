"""Output rules of the foreach operators: lists of tensors in, a list of the same shapes and dtype out."""

from __future__ import annotations

from ascend_ops._layout import Shape
from ascend_ops.ops.rules._vocabulary import (
    Call,
    OutputList,
    Outputs,
    ShapesRule,
    like_each,
    of_list,
    tensors,
)

_ONE_LIST = (
    "Abs Acos Asin Atan Copy Cos Cosh Erf Erfc Exp Expm1 Log Log10 Log1p Log2 Neg Reciprocal Sigmoid Sign "
    "Sin Sinh Sqrt Tan Tanh AddScalar AddScalarV2 AddScalarList DivScalar DivScalarV2 DivScalarList "
    "MaximumScalar MaximumScalarV2 MaximumScalarList MinimumScalar MinimumScalarV2 MinimumScalarList "
    "MulScalar MulScalarV2 MulScalarList PowScalar PowScalarV2 PowScalarList PowScalarAndTensor SubScalar "
    "SubScalarV2 SubScalarList RoundOffNumber RoundOffNumberV2"
)
_SEVERAL_LISTS = (
    "AddList AddListV2 SubList SubListV2 MulList DivList PowList MaximumList MinimumList LerpList LerpScalar "
    "AddcdivList AddcdivScalar AddcdivScalarV2 AddcdivScalarList AddcmulList AddcmulScalar AddcmulScalarV2 "
    "AddcmulScalarList"
)


def _like(name: str) -> Outputs:
    return {"out": OutputList(like_each(name), of_list(name))}


def _single_elements(call: Call) -> tuple[Shape, ...]:
    return ((1,),) * len(tensors(call, "x"))


RULES: dict[str, Outputs] = {
    **{f"aclnnForeach{name}": _like("x") for name in _ONE_LIST.split()},
    **{f"aclnnForeach{name}": _like("x1") for name in _SEVERAL_LISTS.split()},
    "aclnnForeachNorm": {
        "out": OutputList(ShapesRule("shapes (1,), one for each of x", _single_elements), of_list("x"))
    },
}
