"""Losses and gradients by element, of tensors of one shape; copies and biases as they are."""

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


EXPANDED = f"{FLOATS} bool int8 uint8 int16 uint16 int32 uint32"


@covers("aclnnExpandv", EXPANDED)
@pytest.mark.parametrize("dtype", EXPANDED.split())
def test_expandv(dtype: str) -> None:
    rng = np.random.default_rng(3)
    for shape, wanted in [((3, 1, 5), [2, 3, 4, 5]), ((), [2, 2]), ((4,), [4])]:
        host = random(rng, shape, dtype)
        out = blank(rng, wanted, dtype)
        ao.ops.expandv(layout(rng, host), wanted, out=out)
        np.testing.assert_array_equal(out.numpy(), np.broadcast_to(host, wanted))


@covers("aclnnBiasAdd", f"{FLOATS} int32")
@pytest.mark.parametrize("dtype", f"{FLOATS} int32".split())
@pytest.mark.parametrize("layout_name", ["NCHW", "NHWC", "NCDHW", None])
def test_bias_add(layout_name: str | None, dtype: str) -> None:
    rng = np.random.default_rng(4)
    shape = (2, 3, 4, 2, 5) if layout_name == "NCDHW" else (2, 3, 4, 5)
    channels = 3 if layout_name and layout_name[1] == "C" else 5
    host, bias = random(rng, shape, dtype), random(rng, (channels,), dtype)
    across = (channels, *[1] * (len(shape) - 2)) if channels == 3 else (channels,)
    out = blank(rng, shape, dtype)
    ao.ops.bias_add(layout(rng, host), layout(rng, bias), layout_name, out=out)
    assert_close(out, wide(host) + wide(bias).reshape(across), dtype, 0.5)


@covers("aclnnSoftmaxGrad", FLOATS)
@pytest.mark.parametrize("dtype", FLOATS.split())
def test_softmax_grad(dtype: str) -> None:
    rng = np.random.default_rng(5)
    y, dy = random(rng, (4, 9), dtype, 0, 1), random(rng, (4, 9), dtype)
    out = blank(rng, (4, 9), dtype)
    ao.ops.softmax_grad(layout(rng, y), layout(rng, dy), out=out)
    inner = (wide(y) * wide(dy)).sum(1, keepdims=True)
    assert_close(out, wide(y) * (wide(dy) - inner), dtype, 2, 1e-5)


def zeros(*shape: int) -> ao.Tensor:
    return ao.asarray(np.zeros(shape, np.float32))


REFUSALS: list[tuple[str, Any]] = [
    ("delta is 0", lambda: ao.ops.huber_loss(zeros(2), zeros(2), 0.0, out=zeros(2))),
    ("target", lambda: ao.ops.hinge_loss(zeros(2), zeros(1), out=zeros(2))),
    ("reduction is max", lambda: ao.ops.mse_loss_grad(zeros(2), zeros(2), zeros(2), "max", out=zeros(2))),
    ("dataFormat is NC", lambda: ao.ops.bias_add(zeros(2, 2), zeros(2), "NC", out=zeros(2, 2))),
    ("self does not", lambda: ao.ops.expandv(zeros(2), [3], out=zeros(3))),
    ("a square", lambda: ao.ops.diag_part(zeros(2, 3), out=zeros(2))),
]


@pytest.mark.parametrize(("text", "call"), REFUSALS)
def test_refusals_name_the_argument(text: str, call: Any) -> None:
    with pytest.raises(ao.AscendError, match=text) as refused:
        call()
    assert refused.value.code == 161002
