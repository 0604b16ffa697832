"""Shapes of the output rules agree with NumPy where NumPy has the same function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from ops.rule_cases import f32, i64

from ascend_ops.ops import rules
from ascend_ops.ops.rules._vocabulary import matmul

Shape = tuple[int, ...]
patient = settings(deadline=None, max_examples=60)  # no deadline: the first example reads all the rules
shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
similar = hnp.array_shapes(min_dims=2, max_dims=3, min_side=0, max_side=2)
full = hnp.array_shapes(min_side=1, max_side=3)
some = hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)


def shape_said(operator: str, **call: Any) -> Shape:
    outputs = rules.find(f"aclnn{operator}")
    assert outputs is not None
    rule = outputs["out"]
    assert isinstance(rule, rules.Output)
    return rule.shape(call)


def shape_or_refusal(attempt: Callable[[], Shape]) -> Shape | str:
    try:
        return attempt()
    except (ValueError, IndexError):
        return "refused"


def agrees(expected: Callable[[], np.ndarray[Any, Any]], operator: str, **call: Any) -> None:
    """NumPy and the rule give one shape, or both refuse."""
    numpys = shape_or_refusal(lambda: expected().shape)
    assert shape_or_refusal(lambda: shape_said(operator, **call)) == numpys


def zeros(shape: Shape) -> np.ndarray[Any, Any]:
    return np.zeros(shape, np.int8)


@patient
@given(shapes, shapes, shapes)
def test_broadcasting_is_numpys(a: Shape, b: Shape, c: Shape) -> None:
    agrees(lambda: zeros(a) + zeros(b), "Add", self=f32(*a), other=f32(*b))
    agrees(
        lambda: np.where(zeros(a), zeros(b), zeros(c)),
        "SWhere",
        condition=f32(*a),
        self=f32(*b),
        other=f32(*c),
    )


@patient
@given(shapes, st.lists(st.integers(-4, 3), max_size=4), st.booleans())
def test_reductions_are_numpys(shape: Shape, dims: list[int], keep: bool) -> None:
    assume(shape)
    axis = tuple(dims) or None
    agrees(
        lambda: np.asarray(np.sum(zeros(shape), axis=axis, keepdims=keep)),
        "Amax",
        self=f32(*shape),
        dim=tuple(dims),
        keepDim=keep,
    )


@patient
@given(st.lists(similar, min_size=1, max_size=3), st.integers(-4, 3))
def test_concatenation_and_stacking_are_numpys(parts: list[Shape], dim: int) -> None:
    tensors = tuple(f32(*part) for part in parts)
    arrays = [zeros(part) for part in parts]
    agrees(lambda: np.concatenate(arrays, dim), "Cat", tensors=tensors, dim=dim)
    agrees(lambda: np.stack(arrays, dim), "Stack", tensors=tensors, dim=dim)


@patient
@given(some, st.data())
def test_permutation_and_expansion_are_numpys(shape: Shape, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(shape))))
    agrees(lambda: zeros(shape).transpose(order), "Permute", self=f32(*shape), dims=tuple(order))
    target = data.draw(shapes)
    agrees(lambda: np.broadcast_to(zeros(shape), target), "Expand", self=f32(*shape), size=target)


@patient
@given(some, st.lists(st.integers(0, 3), min_size=1, max_size=5))
def test_repetition_is_numpys_tile(shape: Shape, repeats: list[int]) -> None:
    assume(len(repeats) >= len(shape))
    agrees(lambda: np.tile(zeros(shape), repeats), "Repeat", self=f32(*shape), repeats=tuple(repeats))


@patient
@given(some, st.data())
def test_padding_is_numpys(shape: Shape, data: st.DataObject) -> None:
    pads = data.draw(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=len(shape)))
    widths = [(0, 0)] * (len(shape) - len(pads)) + pads[::-1]
    flat = tuple(n for pair in pads for n in pair)
    agrees(lambda: np.pad(zeros(shape), widths), "ConstantPadNd", self=f32(*shape), pad=flat)


@patient
@given(some, st.integers(0, 3), st.integers(-6, 6), st.integers(-6, 6), st.integers(1, 3))
def test_slices_are_pythons(shape: Shape, dim: int, start: int, end: int, step: int) -> None:
    assume(dim < len(shape))
    key = (slice(None),) * dim + (slice(start, end, step),)
    one = {"dim": dim, "start": start, "end": end, "step": step}
    agrees(lambda: zeros(shape)[key], "Slice", self=f32(*shape), **one)
    axes = {"starts": (start,), "ends": (end,), "axes": (dim,), "steps": (step,)}
    agrees(lambda: zeros(shape)[key], "SliceV2", self=f32(*shape), **axes)


@patient
@given(some, shapes, st.integers(-5, 4))
def test_taking_is_numpys(shape: Shape, index: Shape, dim: int) -> None:
    assume(all(shape))
    agrees(
        # But a scalar index counts as a vector of one.
        lambda: np.take(zeros(shape), np.zeros(index or 1, np.int64), dim),
        "GatherV2",
        self=f32(*shape),
        dim=dim,
        index=i64(*index),
    )


@patient
@given(hnp.array_shapes(min_dims=3, max_dims=3), st.lists(full, min_size=1, max_size=3), st.data())
def test_indexing_by_tensors_is_numpys(shape: Shape, index: list[Shape], data: st.DataObject) -> None:
    skipped = data.draw(st.lists(st.booleans(), min_size=len(index), max_size=len(index)))
    assume(not all(skipped))
    pairs = list(zip(index, skipped, strict=True))
    key = tuple(slice(None) if skip else np.zeros(part, np.int64) for part, skip in pairs)
    tensors = tuple(i64(0) if skip else i64(*part) for part, skip in pairs)
    agrees(lambda: zeros(shape)[key], "Index", self=f32(*shape), indices=tensors)


@patient
@given(hnp.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=4), st.integers(-5, 5))
def test_diagonals_are_numpys(shape: Shape, offset: int) -> None:
    agrees(lambda: np.diag(zeros(shape), offset), "Diag", self=f32(*shape), diagonal=offset)
    agrees(lambda: np.diagflat(zeros(shape), offset), "DiagFlat", self=f32(*shape), diagonal=offset)


@patient
@given(st.integers(-20, 20), st.integers(-20, 20), st.integers(-5, 5))
def test_ranges_are_numpys(start: int, end: int, step: int) -> None:
    assume(step and (end - start) * step >= 0)
    assert shape_said("Arange", start=start, end=end, step=step) == np.arange(start, end, step).shape
    past = end + (1 if step > 0 else -1)
    assert shape_said("Range", start=start, end=end, step=step) == np.arange(start, past, step).shape


@patient
@given(some, st.integers(0, 5), st.integers(-5, 4))
def test_pieces_of_a_split_are_numpys(shape: Shape, size: int, dim: int) -> None:
    assume(-len(shape) <= dim < len(shape) and size and shape[dim])
    rule = (rules.find("aclnnSplitTensor") or {})["out"]
    assert isinstance(rule, rules.OutputList)
    said = rule.shapes({"self": f32(*shape), "splitSections": size, "dim": dim})
    expected = np.split(zeros(shape), range(size, shape[dim], size), dim)
    assert said == tuple(piece.shape for piece in expected)


@patient
@given(
    hnp.array_shapes(min_dims=1, max_dims=4, max_side=3),
    hnp.array_shapes(min_dims=1, max_dims=4, max_side=3),
    st.booleans(),
    st.booleans(),
)
def test_matrix_products_are_numpys(a: Shape, b: Shape, swap_a: bool, swap_b: bool) -> None:
    rule = matmul("a", "b", transpose_a="ta", transpose_b=swap_b)
    call = {"a": f32(*a), "b": f32(*b), "ta": swap_a}
    numpys = shape_or_refusal(lambda: (swapped(a, swap_a) @ swapped(b, swap_b)).shape)
    assert shape_or_refusal(lambda: rule(call)) == numpys


def swapped(shape: Shape, swap: bool) -> np.ndarray[Any, Any]:
    array = zeros(shape)
    return array.swapaxes(-1, -2) if swap and array.ndim > 1 else array
