"""Products with more around them: rotation and quantisation, sums over a batch, layers of experts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from kernels.arrays import Array, assert_close, blank, covers, host_dtype, layout, random, wide
from kernels.matmuls import packed_scale, unpacked_scale

import ascend_ops as ao

HALVES = ["float16", "bfloat16"]
ROUNDED = {"rint": np.rint, "round": lambda v: np.sign(v) * np.floor(np.abs(v) + 0.5), "floor": np.floor}


def nibbles(words: Array) -> Array:
    """The eight int4 values of each int32, the lowest first."""
    parts = (words[..., None] >> (4 * np.arange(8))) & 15
    return np.asarray(np.where(parts > 7, parts - 16, parts)).reshape(*words.shape[:-1], -1)


@covers("aclnnRotateQuant", "int8 int32")
@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("result", ["int8", "int32"])
@pytest.mark.parametrize("mode", ROUNDED)
def test_rotate_quant(mode: str, result: str, dtype: str) -> None:
    rng, (m, n, k) = np.random.default_rng(len(mode)), (3, 128, 16)
    x, rotation = random(rng, (m, n), dtype), random(rng, (k, k), dtype, -1, 1)
    out = blank(rng, (m, n), result) if result == "int8" else ao.empty((m, n // 8), dtype=result)
    scale = blank(rng, (m,), "float32")
    ao.ops.rotate_quant(
        layout(rng, x), layout(rng, rotation), None, -1, mode, 0, 0.0, False, out=(out, scale)
    )
    rotated = (wide(x).reshape(m, -1, k) @ wide(rotation)).reshape(m, n)
    rotated = wide(rotated.astype(host_dtype(dtype)))
    limit = 127 if result == "int8" else 7
    size = np.abs(rotated).max(1) / limit
    values = out.numpy() if result == "int8" else nibbles(out.numpy())
    # The product's own rounding may move a value to the type's neighbour.
    slack = limit * float(np.finfo(np.float16).eps if dtype == "float16" else 2**-7)
    assert (np.abs(values - ROUNDED[mode](rotated / size[:, None])) <= math.ceil(slack)).all()
    assert (values == ROUNDED[mode](rotated / size[:, None])).mean() > 0.95
    assert_close(scale, size, "float32", 2, float(size.max()) * slack / limit)


@covers("aclnnQuantMatmulReduceSumWeightNz", "int8")
def test_quant_matmul_reduce_sum() -> None:
    rng, (b, m, k, n) = np.random.default_rng(1), (3, 5, 40, 64)
    x1, x2 = rng.integers(-128, 128, (b, m, k), np.int8), rng.integers(-128, 128, (b, k, n), np.int8)
    x1_scale, x2_scale = random(rng, (b, m), "float32", 0.01, 0.1), random(rng, (n,), "bfloat16", 0.01, 0.1)
    out = blank(rng, (m, n), "bfloat16")
    scales = layout(rng, x1_scale), layout(rng, x2_scale)
    right = ao.asarray(x2, format="FRACTAL_NZ")
    rest = None, None, None, None, None, False, False, 0, [0], False
    ao.ops.quant_matmul_reduce_sum_weight_nz(layout(rng, x1), right, *scales, *rest, out=out)
    products = wide(x1) @ wide(x2) * wide(x1_scale)[..., None] * wide(x2_scale)
    assert_close(out, products.sum(0), "bfloat16", 0.5, 1e-3)


ACTIVATIONS = {
    "relu": lambda v: np.maximum(v, 0),
    "silu": lambda v: v / (1 + np.exp(-v)),
    "fastgelu": lambda v: v / (1 + np.exp(-1.702 * v)),
    "gelu": lambda v: 0.5 * v * (1 + np.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3))),
}


@pytest.mark.parametrize(
    "version",
    [
        pytest.param("v2", marks=covers("aclnnFFNV2", "float16 bfloat16")),
        pytest.param("v3", marks=covers("aclnnFFNV3", "float16 bfloat16")),
    ],
)
@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_ffn(activation: str, dtype: str, version: str) -> None:
    """What the activation gives is rounded to the type of x, before the second product."""
    rng, (k, middle) = np.random.default_rng(len(activation)), (6, 9)
    counts = [3, 0, 5]
    for experts, shape in [(counts, (8, k)), ([], (2, 4, k))]:
        lead = (len(experts),) if experts else ()
        x = random(rng, shape, dtype)
        weights = [random(rng, (*lead, *each), dtype, -1, 1) for each in ((k, middle), (middle, k))]
        bias_type = "float32" if dtype == "bfloat16" else dtype
        biases = [random(rng, (*lead, n), bias_type) for n in (middle, k)]
        group = np.repeat(np.arange(3), counts) if experts else np.zeros(8, int)
        rows = wide(x).reshape(8, k)
        first, second = (wide(each).reshape(-1, *each.shape[-2:])[group] for each in weights)
        before, after = (wide(each).reshape(-1, each.shape[-1])[group] for each in biases)
        hidden = ACTIVATIONS[activation](np.einsum("mk,mkn->mn", rows, first) + before)
        expected = np.einsum("mk,mkn->mn", wide(hidden.astype(host_dtype(dtype))), second) + after
        given = np.cumsum(experts) if dtype == "bfloat16" else np.array(experts, np.int64)
        tokens = None if not experts else [int(e) for e in given] if version == "v2" else layout(rng, given)
        tensors = [layout(rng, each) for each in (x, *weights)]
        out = blank(rng, shape, dtype)
        more = [layout(rng, each) for each in biases]
        getattr(ao.ops, f"ffn_{version}")(
            *tensors, tokens, *more, *[None] * 8, activation, 0, dtype == "bfloat16", out=out
        )
        # A value of the middle may be rounded to its neighbour.
        assert_close(out, expected.reshape(shape), dtype, 2, 0.05 if dtype == "bfloat16" else 0.01)


@covers("aclnnBatchMatmulQuant", "float16")
@pytest.mark.parametrize("flips", [False, True])
@pytest.mark.parametrize("batch", [(), (2,)])
def test_batch_matmul_quant(batch: tuple[int, ...], flips: bool) -> None:
    """One packed scale, or one for each column and what fills up a tile behind them."""
    rng, (m, k, n) = np.random.default_rng(len(batch)), (3, 6, 18)
    x1, x2 = random(rng, (*batch, m, k), "float16"), random(rng, (*batch, k, n), "float16")
    bias, scale, offset = random(rng, (n,), "float16"), rng.uniform(0.5, 3, 32), rng.integers(-20, 20, 32)
    packed = packed_scale(scale, offset)
    one, two = (np.swapaxes(each, -1, -2) if flips else each for each in (x1, x2))
    tensors = layout(rng, np.ascontiguousarray(one)), layout(rng, np.ascontiguousarray(two))
    for wanted, shift in [(32, bias), (1, None)]:
        out = blank(rng, (*batch, m, n), "int8")
        given = None if shift is None else layout(rng, shift)
        ao.ops.batch_matmul_quant(*tensors, ao.asarray(packed[:wanted]), given, flips, flips, out=out)
        factor, rest = unpacked_scale(packed)[:wanted][:n].astype(np.float64), offset[:wanted][:n]
        values = (wide(x1) @ wide(x2) + (0 if shift is None else wide(shift))) * factor + rest
        assert (np.abs(out.numpy() - np.clip(values, -128, 127)) <= 0.5 + 1e-4).all()


@covers("aclnnAddLora", "float16")
@pytest.mark.parametrize("two", [False, True])
def test_add_lora(two: bool) -> None:
    """Rows with a negative index are left as they are."""
    rng, (rows, n, rank, columns, weights, layers) = np.random.default_rng(two), (5, 48, 16, 32, 3, 2)
    y, x = random(rng, (rows, n), "float16"), random(rng, (rows, 32 if two else rank), "float16")
    b = random(rng, (weights, layers, columns, rank), "float16", -1, 1)
    a = random(rng, (weights, layers, rank, 32), "float16", -1, 1) if two else None
    indices = np.array([2, -1, 0, 2, 1], np.int32)
    expected = wide(y)
    for row, index in enumerate(indices):
        if index >= 0:
            hidden = (
                wide(x)[row] if a is None else wide((wide(a)[index, 1] @ wide(x)[row]).astype(np.float16))
            )
            expected[row, 16:] += wide(b)[index, 1] @ hidden * 0.5
    tensors = [layout(rng, each) for each in (y, x, b, indices)]
    out = blank(rng, (rows, n), "float16")
    ao.ops.add_lora(*tensors, None if a is None else layout(rng, a), 1, 0.5, 16, columns, out=out)
    assert_close(out, expected, "float16", 1, 0.05)
    np.testing.assert_array_equal(out.numpy()[:, :16], y[:, :16])


def zeros(*shape: int, dtype: str = "float16") -> ao.Tensor:
    return ao.asarray(np.zeros(shape, dtype))


HALF = zeros(4, 4)
NONE = [None] * 8
ROTATED = zeros(2, 128, dtype="int8"), zeros(2, dtype="float32")


def ffn(weight2: ao.Tensor, scale: ao.Tensor | None = None, activation: str = "relu") -> Any:
    rest = None, None, None, scale, *NONE[1:], activation
    return ao.ops.ffn_v2(HALF, HALF, weight2, *rest, 0, False)


def rotate(mode: str) -> Any:
    return ao.ops.rotate_quant(zeros(2, 128), zeros(16, 16), None, -1, mode, 0, 0.0, False, out=ROTATED)


REFUSALS: list[tuple[str, int, Any]] = [
    ("NULL for scale", 561003, lambda: ffn(HALF, zeros(1))),
    ("swiglu", 561003, lambda: ffn(HALF, None, "swiglu")),
    ("weight2", 161002, lambda: ffn(zeros(3, 4))),
    ("roundMode is ceil", 161002, lambda: rotate("ceil")),
]


@pytest.mark.parametrize(("text", "code", "call"), REFUSALS)
def test_refusals_name_the_argument(text: str, code: int, call: Any) -> None:
    with pytest.raises(ao.AscendError, match=text) as refused:
        call()
    assert refused.value.code == code


def test_experts_with_too_many_rows_fail_on_the_device() -> None:
    weights = zeros(1, 4, 4), zeros(1, 4, 4)
    stream = ao.Stream()
    with stream:
        tokens = ao.asarray(np.array([5]))
        ao.ops.ffn_v3(HALF, *weights, tokens, None, None, *NONE, "relu", 0, False)
        with pytest.raises(ao.AscendError, match="expertTokensOptional is 5") as refused:
            stream.synchronize()
    stream.close()
    assert refused.value.code == 507015
