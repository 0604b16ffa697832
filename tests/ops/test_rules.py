"""The output rules of elementwise, reducing, indexing, rearranging and creating operators say what CANN's
documents say.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ops import rule_cases_elementwise, rule_cases_gradients, rule_cases_moves, rule_cases_reduction
from ops.rule_cases import Case, Spec, f32, i64

from ascend_ops.ops import rules
from ascend_ops.ops.rules import (
    algebra,
    binary,
    creation,
    elementwise,
    foreach,
    gradients,
    indexing,
    loss,
    ordering,
    reduction,
    shaping,
)

FAMILIES = (
    algebra,
    binary,
    creation,
    elementwise,
    foreach,
    gradients,
    indexing,
    loss,
    ordering,
    reduction,
    shaping,
)
CASES = (
    rule_cases_elementwise.CASES
    + rule_cases_reduction.CASES
    + rule_cases_moves.CASES
    + rule_cases_gradients.CASES
)
CATALOGUE = Path(__file__).parents[2] / "native_stubs/catalogue/operators.json"


@functools.cache
def catalogue() -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    return loaded


def output_names(operator: str) -> list[str]:
    return [
        name for _, name, *role in catalogue()[operator]["params"] if role and role[0].rstrip("?") == "out"
    ]


def call_of(case: Case) -> dict[str, Any]:
    """All inputs by name, None for those that the case leaves out."""
    params = [name for _, name, *_ in catalogue()[f"aclnn{case.operator}"]["params"]]
    unknown = set(case.given) - set(params)
    assert not unknown, f"{case.operator} has no {unknown}"
    return dict.fromkeys(params) | dict(case.given)


def said(output: rules.Output | rules.OutputList, call: dict[str, Any]) -> Spec | list[Spec] | None:
    if output.when is not None and not output.when(call):
        return None
    dtype = output.dtype(call)
    if isinstance(output, rules.OutputList):
        return [Spec(dtype, shape) for shape in output.shapes(call)]
    return Spec(dtype, output.shape(call))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.operator)
def test_a_rule_gives_the_outputs_of_the_document(case: Case) -> None:
    outputs = rules.find(f"aclnn{case.operator}")
    assert outputs is not None
    call = call_of(case)
    assert {name: said(output, call) for name, output in outputs.items()} == case.expected


def test_every_rule_of_these_families_has_a_case() -> None:
    written = {name for family in FAMILIES for name in family.RULES}
    assert written == {f"aclnn{case.operator}" for case in CASES}
    assert len(written) >= 400


def test_rules_are_about_the_outputs_of_the_catalogue_in_its_order() -> None:
    """Optional outputs may lack a rule; they are not allocated then."""
    for operator in rules.names():
        outputs = rules.find(operator)
        assert outputs is not None
        declared = output_names(operator)
        assert list(outputs) == [name for name in declared if name in outputs], operator
        lacking = [name for name in declared if name not in outputs]
        assert all(name.endswith("Optional") for name in lacking), (operator, lacking)


def test_rules_describe_each_output_in_words() -> None:
    for operator in rules.names():
        outputs = rules.find(operator)
        assert outputs is not None
        lines = rules.describe(outputs).splitlines()
        assert len(lines) == len(outputs), operator
        assert all(": " in line and "dtype" in line for line in lines), lines


def test_operators_without_a_rule_are_none() -> None:
    assert rules.find("aclnnIndexPutImpl") is None
    assert rules.find("aclnnInplaceAdd") is None
    assert rules.find("aclnnNoSuchOperator") is None


REFUSED = [
    ("Add", {"self": f32(2), "other": f32(3)}, "other: shape (3,) does not broadcast"),
    ("Amax", {"self": f32(2, 3), "dim": (2,), "keepDim": False}, "dim: axis 2 is out of range"),
    ("Amax", {"self": f32(2, 3), "dim": (1, -1), "keepDim": False}, "dim: (1, -1) names an axis"),
    ("ReduceSum", {"self": f32(2), "dims": (), "keepDims": False}, "dtype: None"),
    ("Cat", {"tensors": (), "dim": 0}, "tensors: is empty"),
    ("Cat", {"tensors": (f32(2, 3), f32(3, 3)), "dim": 1}, "tensors: shapes"),
    ("Stack", {"tensors": (f32(2), f32(3)), "dim": 0}, "tensors: shapes"),
    ("SplitTensor", {"self": f32(4), "splitSections": 0, "dim": 0}, "split_sections: is 0"),
    ("SplitWithSize", {"self": f32(4), "splitSize": (1, 2), "dim": 0}, "split_size: (1, 2)"),
    ("Permute", {"self": f32(2, 3), "dims": (0, 0)}, "dims: (0, 0)"),
    ("Expand", {"self": f32(2, 3), "size": (2, 4)}, "size: (2, 4)"),
    ("Expand", {"self": f32(3), "size": (-1, 3)}, "size: (-1, 3)"),
    ("Expand", {"self": f32(2, 3), "size": (3,)}, "size: (3,) has fewer axes"),
    ("Repeat", {"self": f32(2, 3), "repeats": (2,)}, "repeats: (2,)"),
    ("ConstantPadNd", {"self": f32(2), "pad": (1,)}, "pad: (1,) has 1 numbers"),
    ("ConstantPadNd", {"self": f32(2), "pad": (-2, -1)}, "pad: (-2, -1) cuts more"),
    ("ReflectionPad2d", {"self": f32(2, 3), "padding": (1, 1)}, "padding: (1, 1)"),
    ("Topk", {"self": f32(2, 3), "k": 4, "dim": 1}, "k: is 4"),
    ("Slice", {"self": f32(4), "dim": 0, "start": 0, "end": 4, "step": 0}, "step: is 0"),
    ("Diag", {"self": f32(2, 2, 2), "diagonal": 0}, "self: shape (2, 2, 2)"),
    ("GatherNd", {"self": f32(2), "indices": i64(4, 2)}, "indices: shape (4, 2)"),
    ("GatherV3", {"self": f32(2, 3), "dim": 1, "index": i64(4), "batchDims": 1}, "index: shape (4,)"),
    ("Index", {"self": f32(2), "indices": (i64(2), i64(2))}, "indices: has 2 tensors"),
    ("Arange", {"start": 0, "end": 4, "step": 0}, "step: is 0"),
    ("Arange", {"start": 0, "end": 4, "step": -1}, "step: -1 leads away"),
    ("Linspace", {"steps": -1}, "steps: is -1"),
    ("Einsum", {"tensors": (f32(2, 3),), "equation": "abc->a"}, "equation: 'abc->a' has 'abc' for"),
    ("Einsum", {"tensors": (f32(2, 3),), "equation": "ab,c->a"}, "equation: 'ab,c->a' is none of 1 tensors"),
    ("AffineGrid", {"theta": f32(2, 2, 3), "size": (2, 3)}, "size: (2, 3) has 2"),
    ("Pdist", {"self": f32(2)}, "self: shape (2,)"),
    ("Cdist", {"x1": f32(2, 3), "x2": f32(2, 4)}, "x2: shape (2, 4)"),
    ("Inverse", {}, "self: is None"),
]


@pytest.mark.parametrize(("operator", "given", "text"), REFUSED)
def test_a_rule_refuses_and_names_the_argument(operator: str, given: dict[str, Any], text: str) -> None:
    outputs = rules.find(f"aclnn{operator}")
    assert outputs is not None
    call = call_of(Case(operator, given, {}))
    with pytest.raises(ValueError, match=f"^{re.escape(text)}"):
        said(next(iter(outputs.values())), call)
