"""Output rules of linear algebra on vectors and batches of matrices, apart from the matrix products."""

from __future__ import annotations

from ascend_ops._layout import Shape
from ascend_ops.ops.rules._vocabulary import (
    Call,
    Output,
    Outputs,
    axes,
    axis_of,
    broadcast,
    broadcast_shapes,
    computed,
    joined,
    like,
    promoted,
    refuse,
    same_as,
    scalar_shape,
    shape_of,
)

_SAME = same_as("self")
_MATRIX: Outputs = {"out": Output(like("self"), _SAME)}


def _batch(call: Call, a: str, b: str) -> Shape:
    """The common leading axes of two batches of matrices."""
    for name in (a, b):
        if len(shape_of(call, name)) < 2:
            refuse(name, f"shape {shape_of(call, name)} is no matrix; give at least 2 axes")
    return broadcast_shapes(b, shape_of(call, a)[:-2], shape_of(call, b)[:-2])


def _distances(call: Call) -> Shape:
    x1, x2 = shape_of(call, "x1"), shape_of(call, "x2")
    batch = _batch(call, "x1", "x2")
    if x1[-1] != x2[-1]:
        refuse("x2", f"shape {x2} and {x1} of x1 differ in the last axis")
    return (*batch, x1[-2], x2[-2])


def _pairs(call: Call) -> Shape:
    shape = shape_of(call, "self")
    if len(shape) != 2:
        refuse("self", f"shape {shape} has {len(shape)} axes; give (N, M)")
    return (shape[0] * (shape[0] - 1) // 2,)


_PAIRS: Outputs = {"out": Output(computed("shape (N (N - 1) / 2,) of (N, M)", _pairs), _SAME)}


def _solution(name: str) -> Output:
    """Batches of `A` and `self` broadcast, before the rows of A and the columns of `name`."""
    text = f"shape of {name} with the batches of self and A broadcast"

    def of(call: Call) -> Shape:
        return (*_batch(call, "A", "self"), *shape_of(call, name)[-2:])

    return Output(computed(text, of), _SAME)


def _factors(call: Call, name: str, full: bool) -> tuple[Shape, int, int, int]:
    """Batch, rows, columns and the inner length of a factorisation: the rows when full, else the lesser."""
    shape = shape_of(call, name)
    if len(shape) < 2:
        refuse(name, f"shape {shape} is no matrix; give at least 2 axes")
    *batch, rows, columns = shape
    return tuple(batch), rows, columns, rows if full else min(rows, columns)


def _qr(attribute: str, full: object, modes: tuple[object, ...]) -> Outputs:
    """Q (..., M, K) and R (..., K, N) of (..., M, N); K is M when complete, else min(M, N)."""

    def parts(call: Call) -> tuple[Shape, int, int, int]:
        if call[attribute] not in modes:
            refuse(attribute, f"is {call[attribute]!r}; without Q and R given, allowed are {modes}")
        return _factors(call, "self", call[attribute] == full)

    def q(call: Call) -> Shape:
        batch, rows, _, inner = parts(call)
        return (*batch, rows, inner)

    def r(call: Call) -> Shape:
        batch, _, columns, inner = parts(call)
        return (*batch, inner, columns)

    k = f"K = M when {attribute} is {full}, else min(M, N)"
    return {
        "Q": Output(computed(f"shape (..., M, K), {k}", q), _SAME),
        "R": Output(computed(f"shape (..., K, N), {k}", r), _SAME),
    }


def _singular(part: str) -> Output:
    """sigma (..., K), u (..., M, K), v (..., N, K), K = min(M, N); u and v are square when full."""

    def of(call: Call) -> Shape:
        batch, rows, columns, inner = _factors(call, "input", False)
        full = bool(call["fullMatrices"])
        ends = {
            "sigma": (inner,),
            "u": (rows, rows if full else inner),
            "v": (columns, columns if full else inner),
        }
        return (*batch, *ends[part])

    return Output(computed(f"shape of {part} in the (full or thin) decomposition", of), same_as("input"))


RULES: dict[str, Outputs] = {
    "aclnnDot": {"out": Output(scalar_shape(), _SAME)},
    "aclnnGer": {"out": Output(joined(axis_of("self", 0), axis_of("vec2", 0)), promoted("self", "vec2"))},
    "aclnnAddr": {
        "out": Output(joined(axis_of("vec1", 0), axis_of("vec2", 0)), promoted("self", "vec1", "vec2"))
    },
    "aclnnLinalgCross": {"out": Output(broadcast("self", "other"), _SAME)},
    "aclnnCdist": {
        "out": Output(computed("shape (..., P, R) of (..., P, M), (..., R, M)", _distances), same_as("x1"))
    },
    "aclnnPdist": _PAIRS,
    "aclnnPdistForward": _PAIRS,
    "aclnnInverse": _MATRIX,
    "aclnnLinalgCholesky": _MATRIX,
    "aclnnRenorm": _MATRIX,
    "aclnnLogdet": {"out": Output(axes("self", None, -2), _SAME)},
    "aclnnSlogdet": {
        "signOut": Output(axes("self", None, -2), _SAME),
        "logOut": Output(axes("self", None, -2), _SAME),
    },
    "aclnnQr": _qr("some", False, (False, True)),
    "aclnnLinalgQr": _qr("mode", 1, (0, 1)),
    "aclnnSvd": {part: _singular(part) for part in ("sigma", "u", "v")},
    "aclnnSinkhorn": {"p": Output(like("cost"), same_as("cost"))},
    "aclnnTriangularSolve": {"xOut": _solution("self"), "mOut": _solution("A")},
}
