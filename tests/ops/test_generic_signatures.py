"""What is told about operators: their signatures, help, which parameters are optional, who writes what."""

from __future__ import annotations

import inspect
import pydoc
import re

import pytest

import ascend_ops as ao
from ascend_ops._cann import headers, operators
from ascend_ops._cann.optional import UNNAMED
from ascend_ops.ops import _generic

stand_in = pytest.mark.stand_in(reason="other homes offer other operators")


def test_signature_tells_names_types_roles_and_where_it_was_read() -> None:
    signature = ao.ops.signature("aclnnAdd")
    assert signature == ao.ops.signature("add")
    assert (signature.name, signature.c_name) == ("add", "aclnnAdd")
    assert signature.header is not None
    assert signature.header.name == "aclnn_add.h"
    assert [(p.name, p.c_name, p.ctype, p.kind.name, p.role, p.optional) for p in signature.params] == [
        ("self", "self", "const aclTensor *", "TENSOR", "in", False),
        ("other", "other", "const aclTensor *", "TENSOR", "in", False),
        ("alpha", "alpha", "const aclScalar *", "SCALAR", "in", False),
        ("out", "out", "aclTensor *", "TENSOR", "out", False),
    ]
    assert repr(signature).startswith("<signature of aclnnAdd: add(self, other, alpha, *, out=")
    assert str(signature) == (
        "aclnnStatus aclnnAddGetWorkspaceSize(\n    const aclTensor *self,\n    const aclTensor *other,\n"
        "    const aclScalar *alpha,\n    aclTensor *out,\n    uint64_t *workspaceSize,\n"
        "    aclOpExecutor **executor)"
    )


def test_optional_parameters_are_those_called_so_and_those_documented_as_such() -> None:
    def optional(c_name: str) -> list[str]:
        return [param.name for param in ao.ops.signature(c_name).params if param.optional]

    assert optional("aclnnDynamicQuantV2") == ["smooth_scales_optional", "group_index_optional"]
    assert optional("aclnnAscendAntiQuant") == ["offset"]
    assert optional("aclnnAdd") == []
    assert optional("aclnnFusedSgd") == ["momentum_buffer_list_optional_ref", "grad_scale_optional"]


@stand_in
def test_every_parameter_listed_as_optional_is_one_of_its_operator() -> None:
    for c_name, listed in UNNAMED.items():
        assert listed <= {param.c_name for param in ao.ops.signature(c_name).params if param.optional}, c_name


def test_inspect_knows_how_an_operator_is_called() -> None:
    signature = inspect.signature(ao.ops.layer_norm)
    assert list(signature.parameters) == [
        *("input", "normalized_shape", "weight_optional", "bias_optional", "eps"),
        *("out", "mean_out_optional", "rstd_out_optional"),
    ]
    kinds = [param.kind for param in signature.parameters.values()]
    assert kinds == [inspect.Parameter.POSITIONAL_OR_KEYWORD] * 5 + [inspect.Parameter.KEYWORD_ONLY] * 3
    assert signature.parameters["weight_optional"].default is None
    assert repr(signature.parameters["eps"].default) == "<required>"
    assert signature.bind(1, 2, eps=3).arguments == {"input": 1, "normalized_shape": 2, "eps": 3}


@stand_in
def test_the_python_signature_of_every_operator_can_be_made() -> None:
    for c_name in sorted(headers.operators()):
        operator = _generic.find(c_name)
        params = list(inspect.signature(operator).parameters)
        expected = [param.name for param in (*operator.signature.inputs, *operator.signature.outputs)]
        assert [name for name in params if name != "out" or "out" in expected] == expected


def test_help_shows_the_call_the_prototype_and_what_becomes_of_outputs() -> None:
    text = pydoc.plain(pydoc.render_doc(ao.ops.add))
    assert "add(self, other, alpha, *, out=" in text
    assert re.search(r"alpha +const aclScalar \*alpha +number", text)
    assert re.search(r"out +aclTensor \*out +output, allocated unless given: .*self, other", text)
    assert "aclnnStatus aclnnAddGetWorkspaceSize(\n" in text
    assert "aclnn_add.h" in text
    assert "Returns out." in text
    assert repr(ao.ops.add) == "<operator add(self, other, alpha, *, out=<allocated>), aclnnAdd>"


def test_help_says_which_outputs_must_be_given_and_what_is_written_in_place() -> None:
    text = _generic.find("aclnnForeachACosInplace").__doc__
    assert "sequence of Tensors, written in place" in text
    assert "Returns x." in text
    assert "Returns None." in _generic.find("aclnnSleep").__doc__


@stand_in
def test_every_operator_documents_itself() -> None:
    for c_name in sorted(headers.operators()):
        assert c_name in _generic.find(c_name).__doc__


@pytest.mark.parametrize(
    ("operator", "ctype", "name", "role"),
    [
        ("aclnnMine", "const aclTensor *", "x", "in"),
        ("aclnnMine", "const aclTensor *", "y", "out"),
        ("aclnnMine", "const aclTensor *", "out", "out"),
        ("aclnnMine", "const aclTensor *", "output", "out"),
        ("aclnnMine", "const aclTensorList *", "yOut", "out"),
        ("aclnnMine", "const aclTensor *", "meanOutOptional", "out"),
        ("aclnnMine", "const aclTensor *", "outer", "in"),
        ("aclnnMine", "const aclTensor *", "yaw", "in"),
        ("aclnnMine", "aclTensor *", "scale", "out"),
        ("aclnnMine", "aclTensor *", "cacheRef", "inout"),
        ("aclnnMine", "const aclTensor *", "cacheRef", "inout"),
        ("aclnnMine", "const aclTensor *", "gradOutput", "in"),
        ("aclnnMineGrad", "const aclTensor *", "y", "in"),
        ("aclnnMineBackward", "const aclTensor *", "output", "in"),
        ("aclnnMineGradV2", "aclTensor *", "output", "out"),
    ],
)
def test_roles_nobody_documents_follow_from_type_and_name(
    operator: str, ctype: str, name: str, role: str
) -> None:
    assert operators._role(operator, name, ctype) == role
