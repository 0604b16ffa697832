"""What the first phases of norms refuse, with which status, and that the text names the argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import ascend_ops as ao


def tensor(*shape: int, dtype: str = "float32") -> ao.Tensor:
    return ao.empty(shape, dtype)


X, ROW, HALF = tensor(2, 3, 4), tensor(4), tensor(2, 3, 4, dtype="float16")
RSTD, INTEGERS = tensor(2, 3, 1), tensor(2, 3, 4, dtype="int32")
IMAGE, PLANES = tensor(2, 6, 5), tensor(6)

REFUSALS: list[tuple[Callable[[], Any], int, str]] = [
    (lambda: ao.ops.rms_norm(X, None, 1e-6, out=(X, RSTD)), 161001, "gamma is NULL"),
    (lambda: ao.ops.rms_norm(INTEGERS, ROW, 1e-6, out=(X, RSTD)), 161002, "data type of x"),
    (lambda: ao.ops.rms_norm(X, tensor(3), 1e-6, out=(X, RSTD)), 161002, "gamma"),
    (lambda: ao.ops.rms_norm(X, ROW, 1e-6, out=(HALF, RSTD)), 161002, "yOut"),
    (lambda: ao.ops.rms_norm(X, ROW, 1e-6, out=(X, tensor(2, 3, 4))), 161002, "rstdOut"),
    (lambda: ao.ops.add_rms_norm(X, HALF, ROW, 1e-6, out=(X, RSTD, X)), 161002, "x2"),
    (lambda: ao.ops.add_rms_norm(X, X, ROW, 1e-6, out=(X, RSTD, None)), 161001, "xOut is NULL"),
    (lambda: ao.ops.add_rms_norm(X, X, ROW, 1e-6, out=(X, None, None)), 161002, "data type of x1"),
    (
        lambda: ao.ops.group_norm(
            IMAGE, PLANES, PLANES, 2, 6, 5, 2, 0.0, out=(IMAGE, tensor(2, 2), tensor(2, 2))
        ),
        161002,
        "eps is 0",
    ),
    (lambda: ao.ops.layer_norm(X, [3], ROW, ROW, 1e-5, out=(X, None, None)), 161002, "normalizedShape"),
    (lambda: ao.ops.layer_norm(X, [4], tensor(3), ROW, 1e-5, out=(X, None, None)), 161002, "weightOptional"),
    (
        lambda: ao.ops.layer_norm_with_impl_mode(X, [4], ROW, ROW, 1e-5, 3, out=(X, None, None)),
        161002,
        "implMode is 3",
    ),
    (lambda: ao.ops.ada_layer_norm(X, tensor(3, 4), tensor(2, 4), None, None, 1e-5, out=X), 161002, "scale"),
    (
        lambda: ao.ops.group_norm_silu(
            IMAGE, PLANES, PLANES, 4, 1e-5, out=(IMAGE, tensor(2, 4), tensor(2, 4))
        ),
        161002,
        "group is 4",
    ),
    (
        lambda: ao.ops.group_norm(
            IMAGE, PLANES, PLANES, 2, 6, 4, 2, 1e-5, out=(IMAGE, tensor(2, 2), tensor(2, 2))
        ),
        161002,
        "HxW is 4",
    ),
    (
        lambda: ao.ops.batch_norm(
            IMAGE, ROW, PLANES, PLANES, PLANES, False, 0.1, 1e-5, out=(IMAGE, PLANES, PLANES)
        ),
        161002,
        "weight",
    ),
    (
        lambda: ao.ops.batch_norm_stats(tensor(3), 1e-5, out=(tensor(3), tensor(3))),
        161002,
        "input",
    ),
    (
        lambda: ao.ops.layer_norm_backward(
            X, X, [4], RSTD, RSTD, ROW, ROW, [True, True, True], out=(X, None, ROW)
        ),
        161001,
        "gradWeightOut is NULL",
    ),
]


@pytest.mark.parametrize(("call", "status", "text"), REFUSALS, ids=lambda value: str(value)[:24])
def test_refusals(call: Callable[[], Any], status: int, text: str) -> None:
    with pytest.raises(ao.AclError, match=text) as error:
        call()
    assert error.value.code == status
