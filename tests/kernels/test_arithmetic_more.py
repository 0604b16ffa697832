"""Sums of lists, membership of one element, modulation, and what is made of logarithms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import (
    COMPLEXES,
    FLOATS,
    NUMBERS,
    assert_close,
    blank,
    covers,
    layout,
    random,
    wide,
)

import ascend_ops as ao

SUMMED = f"{FLOATS} int32 int64"


@covers("aclnnAddN", SUMMED)
@pytest.mark.parametrize("dtype", SUMMED.split())
@pytest.mark.parametrize("count", [1, 4])
def test_add_n_rounds_once(count: int, dtype: str) -> None:
    """Of halves: the document is silent, the sum is taken in fp32."""
    rng = np.random.default_rng(count)
    host = [random(rng, (3, 5), dtype, special=dtype[0] == "i") for _ in range(count)]
    with np.errstate(over="ignore"):
        expected = sum(map(wide, host))
    out = ao.ops.add_n([layout(rng, each) for each in host], out=blank(rng, (3, 5), dtype))
    assert_close(out, np.asarray(expected), dtype, 0.5, 1e-6)


def test_add_n_may_write_over_one_of_its_inputs() -> None:
    x, y = np.arange(4, dtype=np.float32), np.ones(4, np.float32)
    tensor = ao.asarray(y)
    ao.ops.add_n([ao.asarray(x), tensor, tensor], out=tensor)
    assert_close(tensor, x + 2 * y, "float32")


MEMBERS = f"{NUMBERS} {COMPLEXES} uint16"


@pytest.mark.parametrize(
    "operator",
    [
        pytest.param("is_in_tensor_scalar", marks=covers("aclnnIsInTensorScalar", MEMBERS)),
        pytest.param("is_in_scalar_tensor", marks=covers("aclnnIsInScalarTensor", MEMBERS)),
    ],
)
@pytest.mark.parametrize("dtype", MEMBERS.split())
def test_is_in(dtype: str, operator: str) -> None:
    rng = np.random.default_rng(3)
    host = random(rng, (4, 5), dtype, 0, 3).round() if dtype != "bool" else random(rng, (4, 5), dtype)
    element = host[1, 1].item() if dtype != "bfloat16" else float(host[1, 1])
    for invert in (False, True):
        pair = (layout(rng, host), element)
        order = pair if operator == "is_in_tensor_scalar" else pair[::-1]
        out = getattr(ao.ops, operator)(*order, False, invert)
        assert_close(out, (wide(host) == element) != invert, "bool")


@covers("aclnnLogitGrad", FLOATS)
@pytest.mark.parametrize("dtype", FLOATS.split())
@pytest.mark.parametrize("eps", [-1.0, 0.0, 0.25])
def test_logit_grad(eps: float, dtype: str) -> None:
    """Beyond the bounds 0, or NaN without eps; at 0 and 1 an infinity."""
    rng = np.random.default_rng(4)
    x, dy = random(rng, (6, 7), dtype, -0.5, 1.5), random(rng, (6, 7), dtype)
    x[0, :3] = 0, 1, np.nan
    wide_x = wide(x)
    with np.errstate(all="ignore"):
        slope = wide(dy) / (wide_x * (1 - wide_x))
    low = max(eps, 0.0)
    beyond = (wide_x < low) | (wide_x > 1 - low)
    out = ao.ops.logit_grad(layout(rng, x), layout(rng, dy), eps)
    assert_close(out, np.where(beyond, np.nan if eps < 0 else 0, slope), dtype, 2)


@covers("aclnnLogSpace", FLOATS)
@pytest.mark.parametrize("dtype", FLOATS.split())
def test_log_space(dtype: str) -> None:
    for start, end, steps, base in [
        (-2, 3.0, 6, 2.0),
        (0, 1.5, 1, 10.0),
        (1.0, -1.0, 5, 3.0),
        (0, 1, 0, 2.0),
    ]:
        out = blank(np.random.default_rng(5), (steps,), dtype)
        ao.ops.log_space(start, end, steps, base, out=out)
        assert_close(out, base ** np.linspace(start, end, steps), dtype)


@covers("aclnnModulate aclnnModulateBackward", FLOATS)
@pytest.mark.parametrize("dtype", FLOATS.split())
@pytest.mark.parametrize("given", [(True, True), (True, False), (False, True), (False, False)])
def test_modulate_and_its_gradients(given: tuple[bool, bool], dtype: str) -> None:
    """The gradient of the input is times scale, not 1 + scale: so the document and kernel say."""
    rng, (b, n, d) = np.random.default_rng(6), (2, 4, 5)
    host, grad = random(rng, (b, n, d), dtype), random(rng, (b, n, d), dtype)
    rows = [random(rng, (b, d), dtype) if each else None for each in given]
    scale, shift = (np.zeros((b, d)) if each is None else wide(each) for each in rows)
    tensors = [None if each is None else layout(rng, each) for each in rows]
    cubes = [None if each is None else layout(rng, each[:, None]) for each in rows]
    expected = wide(host) * (1 + scale[:, None]) + shift[:, None]
    assert_close(ao.ops.modulate(layout(rng, host), *tensors), expected, dtype, 1, 1e-6)
    assert_close(ao.ops.modulate(layout(rng, host), *cubes), expected, dtype, 1, 1e-6)
    out = [blank(rng, (b, n, d), dtype), *(blank(rng, (b, d), dtype) if each else None for each in given)]
    ao.ops.modulate_backward(layout(rng, grad), layout(rng, host), *tensors, out=tuple(out))
    factor = scale[:, None] if given[0] else 1
    for result, wanted in zip(
        out, [wide(grad) * factor, (wide(grad) * wide(host)).sum(1), wide(grad).sum(1)], strict=True
    ):
        if result is not None:
            assert_close(result, wanted, dtype, 1, 1e-6)


def zeros(*shape: int, dtype: str = "float32") -> ao.Tensor:
    return ao.asarray(np.zeros(shape, dtype))


REFUSALS: list[tuple[str, Any]] = [
    (r"tensors\[1\]", lambda: ao.ops.add_n([zeros(2), zeros(3)], out=zeros(2))),
    ("steps is -1", lambda: ao.ops.log_space(0.0, 1.0, -1, 2.0, out=zeros(2))),
    ("scaleOptional", lambda: ao.ops.modulate(zeros(2, 3, 4), zeros(2, 3), None)),
    ("data type of x", lambda: ao.ops.logit_grad(zeros(2, dtype="int32"), zeros(2, dtype="int32"), 0.1)),
]


@pytest.mark.parametrize(("text", "call"), REFUSALS)
def test_refusals_name_the_argument(text: str, call: Any) -> None:
    with pytest.raises(ao.AscendError, match=text) as refused:
        call()
    assert refused.value.code == 161002
