"""Losses and gradients by element, of tensors of one shape; copies as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from kernels.arrays import FLOATS, NUMBERS, Array, assert_close, blank, covers, layout, random, wide

import ascend_ops as ao
from ascend_ops.ops._names import operator_name

DELTA = 0.75


def huber(x: Array, y: Array) -> Array:
    error = np.abs(x - y)
    return np.where(error <= DELTA, error * error / 2, DELTA * (error - DELTA / 2))


def hinge_grad(x: Array, y: Array, grad: Array) -> Array:
    return np.where(1 - x * y > 0, -y * grad, 0)


def mse_grad(grad: Array, x: Array, y: Array) -> Array:
    return grad * (x - y) * 2


LOSSES: list[tuple[str, Callable[..., Array], int, tuple[Any, ...]]] = [
    ("aclnnHuberLoss", huber, 2, (DELTA,)),
    ("aclnnHingeLoss", lambda x, y: np.maximum(0, 1 - x * y), 2, ()),
    ("aclnnHingeLossGrad", hinge_grad, 3, ()),
    ("aclnnMseLossGrad", mse_grad, 3, ("sum",)),
]


@pytest.mark.parametrize("loss", [pytest.param(each, marks=covers(each[0], FLOATS)) for each in LOSSES])
@pytest.mark.parametrize("dtype", FLOATS.split())
def test_kept_losses(dtype: str, loss: tuple[str, Callable[..., Array], int, tuple[Any, ...]]) -> None:
    operator, reference, count, more = loss
    call = getattr(ao.ops, operator_name(operator))
    rng = np.random.default_rng(count)
    for shape in [(3, 4, 5), (7,), (0, 2)]:
        host = [random(rng, shape, dtype) for _ in range(count)]
        expected = reference(*map(wide, host))
        out = blank(rng, shape, dtype)
        call(*(layout(rng, each) for each in host), *more, out=out)
        assert_close(out, expected, dtype, 2, 1e-5)
        if operator == "aclnnMseLossGrad" and host[0].size:
            call(*(layout(rng, each) for each in host), "mean", out=out)
            assert_close(out, expected / host[0].size, dtype, 2, 1e-5)


@pytest.mark.parametrize(
    "dtype",
    [
        pytest.param(dtype, marks=covers("aclnnTensorMove", dtype))
        for dtype in f"{NUMBERS} uint16 uint32 uint64".split()
    ],
)
def test_tensor_move(dtype: str) -> None:
    rng = np.random.default_rng(1)
    for shape in [(3, 4, 5), (), (0, 2)]:
        host = random(rng, shape, dtype, special=True)
        out = blank(rng, shape, dtype)
        ao.ops.tensor_move(layout(rng, host), out=out)
        np.testing.assert_array_equal(out.numpy(), host)


@covers("aclnnDiagPart", "float32 float16 int32")
@pytest.mark.parametrize("dtype", ["float32", "float16", "int32"])
def test_diag_part(dtype: str) -> None:
    rng = np.random.default_rng(2)
    host = random(rng, (5, 5), dtype)
    out = blank(rng, (5,), dtype)
    ao.ops.diag_part(layout(rng, host), out=out)
    np.testing.assert_array_equal(out.numpy(), np.diagonal(host))


def zeros(*shape: int) -> ao.Tensor:
    return ao.asarray(np.zeros(shape, np.float32))


REFUSALS: list[tuple[str, Any]] = [
    ("delta is 0", lambda: ao.ops.huber_loss(zeros(2), zeros(2), 0.0, out=zeros(2))),
    ("target", lambda: ao.ops.hinge_loss(zeros(2), zeros(1), out=zeros(2))),
    ("reduction is max", lambda: ao.ops.mse_loss_grad(zeros(2), zeros(2), zeros(2), "max", out=zeros(2))),
    ("a square", lambda: ao.ops.diag_part(zeros(2, 3), out=zeros(2))),
]


@pytest.mark.parametrize(("text", "call"), REFUSALS)
def test_refusals_name_the_argument(text: str, call: Any) -> None:
    with pytest.raises(ao.AscendError, match=text) as refused:
        call()
    assert refused.value.code == 161002
