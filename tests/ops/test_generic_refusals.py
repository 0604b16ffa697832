"""Calls that an operator's declaration or its output rules do not allow, and what is said about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import ascend_ops as ao
from ascend_ops import dispatch
from ascend_ops._cann.errors import MissingFunctionError
from ascend_ops.ops import _generic

quantize = _generic.find("aclnnDynamicQuantV2")
X = np.ones((2, 8), np.float16)


def tensor(*shape: int, dtype: str = "float32") -> ao.Tensor:
    return ao.empty(shape, dtype)


REFUSED: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: ao.ops.add(X, X, 1, alhpa=2), TypeError, r"^ops\.add has no parameter 'alhpa'; its parameters "
     r"are self, other, alpha; its outputs, by name, are out$"),
    (lambda: ao.ops.add(X, X), TypeError, r"^ops\.add needs alpha; its parameters are self"),
    (lambda: ao.ops.add(alpha=1), TypeError, r"^ops\.add needs self and other;"),
    (lambda: ao.ops.add(X, X, 1, tensor(2, 8)), TypeError, r"takes 3 arguments by position, 4 were given"),
    (lambda: ao.ops.add(X, X, 1, self=X), TypeError, r"was given self twice"),
    (lambda: ao.ops.inplace_add(tensor(1), X, 1, selfRef=X), TypeError, r"was given self_ref twice"),
    (lambda: ao.ops.inplace_add(other=X, alpha=1, self_ref=X, selfRef=X), TypeError, r"given self_ref twice"),
    (lambda: ao.ops.inplace_add(X, X, 1), TypeError, r"^self_ref is written by the operator and must be a "
     r"Tensor \(asarray and empty make one\), not ndarray"),
    (lambda: ao.ops.inplace_add([1.0], X, 1), TypeError, r"^self_ref is written .* not list"),
    (lambda: ao.ops.add(X, X, 1, out=X), TypeError, r"^out is written .* not ndarray"),
    (lambda: ao.ops.inplace_add(tensor(1), X, 1, out=tensor(1)), TypeError, r"has no parameter 'out'"),
    (lambda: quantize(X), TypeError, r"^ops\.dynamic_quant_v2 needs dst_type; its parameters are x, "
     r"smooth_scales_optional=None, group_index_optional=None, dst_type; its outputs, by name, are y_out, "),
    (lambda: quantize(X, dst_type=2, out=tensor(1)), TypeError, r"writes y_out, scale_out, offset_out: out "
     r"must be a tuple of these, not Tensor"),
    (lambda: quantize(X, dst_type=2, out=(tensor(1),)), TypeError, r"must be a tuple of 3, not of 1"),
    (lambda: quantize(X, dst_type=2, y_out=tensor(1), out=(None,) * 3), TypeError, r"was given y_out twice"),
    (lambda: quantize(X, dst_type=2.5), TypeError, r"aclnnDynamicQuantV2: dst_type must be an integer, not "),
    (lambda: quantize(X, dst_type=2**63), OverflowError, r"dst_type is 9223372036854775808"),
    (lambda: quantize("text", dst_type=2), TypeError, r"^x: <U4"),
    (lambda: quantize([[1], [1, 2]], dst_type=2), ValueError, r"^x: "),
    (lambda: ao.ops.cat(X, 0, out=tensor(1)), TypeError, r"^tensors must be a tuple or list of tensors, "
     r"not ndarray"),
    (lambda: ao.ops.cat([X, "a"], 0, out=tensor(1)), TypeError, r"^tensors\[1\]: "),
    (lambda: ao.ops.split_tensor(X, 1, 0, out=[X]), TypeError, r"^out\[0\] is written"),
    (lambda: ao.ops.add(X, X, "one", out=tensor(1)), TypeError, r"aclnnAdd: alpha must be a number, not str"),
    (lambda: ao.ops.amax(X, [0, "1"], True), TypeError, r"aclnnAmax: dim\[1\] must be an integer"),
    (lambda: ao.ops.cast(X, "int5"), TypeError, r"aclnnCast: dtype: 'int5'"),
    (lambda: ao.ops.add(np.ones((2, 3)), np.ones((2, 4)), 1), ValueError, r"^other: "),
    (lambda: ao.ops.sleep(1, out=tensor(1)), TypeError, r"its parameters are cycles$"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "says"), REFUSED)
def test_a_call_that_does_not_fit_says_what_is_wrong(
    call: Callable[[], Any], error: type[Exception], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch.Operator, "queue", lambda *_: pytest.fail("was launched"))
    with pytest.raises(error, match=says):
        call()


def test_outputs_without_a_rule_must_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(quantize._allocation.__dict__, "rules", {})
    monkeypatch.setattr(quantize._allocation, "_known", {})
    with pytest.raises(
        TypeError,
        match=r"^ops\.dynamic_quant_v2: no rule says what shape and dtype y_out and scale_out and offset_out "
        r"must have; give the Tensors to write: y_out=ao\.empty\(shape, dtype\), scale_out=.*, or all as "
        r"out=\(y_out, scale_out, offset_out\)$",
    ):
        quantize(X, dst_type=2)
    with pytest.raises(TypeError, match=r"what shape and dtype offset_out must have"):
        quantize(X, dst_type=2, y_out=tensor(1), scale_out=tensor(1))


def test_attributes_are_refused_before_anything_is_uploaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ascend_ops.ops._inputs.asarray", lambda *_: pytest.fail("was uploaded"))
    with pytest.raises(TypeError, match="dst_type must be an integer"):
        quantize(X, dst_type=None)


def test_closed_tensors_are_refused() -> None:
    x = ao.asarray(X)
    x.close()
    with pytest.raises(ValueError, match=r"x is a closed Tensor"):
        quantize(x, dst_type=2, out=(tensor(2, 8, dtype="int8"), tensor(2), None))


@pytest.mark.stand_in(reason="real operators check other things first")
def test_what_the_library_refuses_is_told_with_all_arguments() -> None:
    with pytest.raises(ao.ParameterError) as caught:
        quantize(X.astype(np.float64), dst_type=2, out=(tensor(2, 8, dtype="int8"), tensor(2), None))
    assert "x: float64 [2, 8]" in str(caught.value)
    assert "offset_out (offsetOut): NULL" in str(caught.value)


def test_an_operator_of_the_headers_that_no_library_has_is_refused_when_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(*_: object) -> None:
        raise MissingFunctionError("aclnnAddGetWorkspaceSize is in none of the libraries")

    monkeypatch.setattr("ascend_ops._cann.libraries.find", missing)
    monkeypatch.setattr("ascend_ops._cann.operators._bound", {})
    ao.ops.add._operator.forget()
    with pytest.raises(MissingFunctionError, match="in none of"):
        ao.ops.add(X, X, 1)
