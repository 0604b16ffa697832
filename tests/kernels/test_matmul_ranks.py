"""Products over several ranks, which are threads of this process. Each rank's product is rounded to the type
of the output, x3 is added to that and rounded again, and the ranks' results are summed in that type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from kernels.arrays import Array, assert_close, blank, covers, host_dtype, layout, random, wide
from kernels.matmuls import dequantised, int_product, packed_scale
from ops.ranks import Group

import ascend_ops as ao

HALVES = ["float16", "bfloat16"]
SUM: dict[str, Any] = {"reduce_op": "sum", "comm_turn": 0, "stream_mode": 1}


@pytest.fixture(scope="module")
def group() -> Iterator[Group]:
    if ao.Device.count() < 2:
        pytest.skip("needs two devices")
    comms = ao.distributed.init_all(2)
    yield comms
    for comm in comms:
        comm.close()


def each(group: Group) -> Iterator[ao.distributed.Communicator]:
    """The ranks in turn, each with its device current. Queueing does not wait for the others."""
    for comm in group:
        with comm.device:
            yield comm


def rng_of(name: str, dtype: str) -> np.random.Generator:
    return np.random.default_rng([len(name), len(dtype)])


def part(x1: Array, x2: Array, bias: Array | None, x3: Array | None, dtype: str) -> Array:
    """What one rank gives to the sum."""
    y = (wide(x1) @ wide(x2) + (0 if bias is None else wide(bias))).astype(host_dtype(dtype))
    return y if x3 is None else (wide(y) + wide(x3)).astype(host_dtype(dtype))


def assert_sum(y: ao.Tensor, parts: list[Array], dtype: str) -> None:
    """An fp32 sum may round to the other neighbour on each rank."""
    expected = np.sum([wide(given) for given in parts], axis=0)
    largest = max(float(np.abs(wide(given)).max()) for given in parts)
    assert_close(y, expected, dtype, 1, len(parts) * largest * (2.0**-10 if dtype == "float16" else 2.0**-7))


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("rows", [(5,), (2, 3)])
@covers("aclnnMatmulAllReduce aclnnMatmulAllReduceV2", "float16 bfloat16")
def test_all_ranks_get_the_sum(group: Group, rows: tuple[int, ...], dtype: str) -> None:
    rng = rng_of("sum", dtype)
    x1 = [random(rng, (*rows, 7), dtype, -2, 2) for _ in group]
    x2 = [random(rng, (7, 6), dtype, -2, 2) for _ in group]
    bias = [random(rng, (6,), dtype) for _ in group]
    x3 = [random(rng, (*rows, 6), dtype) for _ in group]
    plain, added = [], []
    for comm in each(group):
        i = comm.rank
        left, right, b = layout(rng, x1[i]), layout(rng, x2[i]), layout(rng, bias[i])
        shape = (*rows, 6)
        plain.append(
            ao.ops.matmul_all_reduce(
                left, right, None, group=comm.name, **SUM, output=blank(rng, shape, dtype)
            )
        )
        added.append(
            ao.ops.matmul_all_reduce_v2(
                left, right, b, layout(rng, x3[i]), group=comm.name, **SUM, output=blank(rng, shape, dtype)
            )
        )
    for y in plain:
        assert_sum(y, [part(a, b, None, None, dtype) for a, b in zip(x1, x2, strict=True)], dtype)
    for y in added:
        assert_sum(y, [part(*given, dtype) for given in zip(x1, x2, bias, x3, strict=True)], dtype)
    np.testing.assert_array_equal(added[0].numpy(), added[1].numpy())


@pytest.mark.parametrize("dtype", HALVES)
@covers("aclnnMatmulReduceScatter", "float16 bfloat16")
def test_each_rank_gets_its_rows_of_the_sum(group: Group, dtype: str) -> None:
    rng = rng_of("scatter", dtype)
    x1 = [random(rng, (6, 256), dtype, -1, 1) for _ in group]
    x2 = [random(rng, (256, 5), dtype, -1, 1) for _ in group]
    results = [
        ao.ops.matmul_reduce_scatter(
            layout(rng, x1[comm.rank]),
            layout(rng, x2[comm.rank]),
            None,
            group=comm.name,
            **SUM,
            output=blank(rng, (3, 5), dtype),
        )
        for comm in each(group)
    ]
    parts = [part(a, b, None, None, dtype) for a, b in zip(x1, x2, strict=True)]
    for rank, y in enumerate(results):
        assert_sum(y, [given[3 * rank : 3 * rank + 3] for given in parts], dtype)


@pytest.mark.parametrize("dtype", HALVES)
@covers("aclnnAllGatherMatmul", "float16 bfloat16")
def test_every_rank_multiplies_all_rows(group: Group, dtype: str) -> None:
    rng = rng_of("gather", dtype)
    x1 = [random(rng, (3, 256), dtype, -1, 1) for _ in group]
    x2 = [random(rng, (256, 5), dtype, -1, 1) for _ in group]
    results = [
        ao.ops.all_gather_matmul(
            layout(rng, x1[comm.rank]),
            layout(rng, x2[comm.rank]),
            None,
            comm.name,
            0,
            0,
            1,
            output=blank(rng, (6, 5), dtype),
            gather_out=blank(rng, (6, 256), dtype),
        )
        for comm in each(group)
    ]
    rows = np.concatenate(x1)
    for rank, (y, gathered) in enumerate(results):
        np.testing.assert_array_equal(gathered.numpy(), rows)
        assert_sum(y, [part(rows, x2[rank], None, None, dtype)], dtype)


@pytest.mark.parametrize("dtype", HALVES)
@covers("aclnnWeightQuantMatmulAllReduce", "float16 bfloat16")
def test_quantised_weights(group: Group, dtype: str) -> None:
    rng = rng_of("weights", dtype)
    x1, x2 = random(rng, (4, 64), dtype, -1, 1), rng.integers(-128, 128, (64, 6), np.int8)
    scale, offset = random(rng, (2, 6), dtype, 0.01, 0.02), random(rng, (2, 6), dtype)
    results = []
    for comm in each(group):
        tensors = [layout(rng, values) for values in (x1, x2, scale, offset)]
        named = {"bias": None, "antiquant_scale": tensors[2], "antiquant_offset": tensors[3], "x3": None}
        output = blank(rng, (4, 6), dtype)
        ao.ops.weight_quant_matmul_all_reduce(
            *tensors[:2], **named, group=comm.name, **SUM, antiquant_group_size=32, output=output
        )
        results.append(output)
    spread = [np.repeat(wide(values), 32, 0).astype(np.float32) for values in (scale, offset)]
    weight = ((x2.astype(np.float32) + spread[1]) * spread[0]).astype(host_dtype(dtype))
    for y in results:
        assert_sum(y, [part(x1, weight, None, None, dtype)] * 2, dtype)


@covers("aclnnQuantMatmulAllReduceV3", "int8")
def test_the_third_quantised_version_without_its_scales_is_the_second(group: Group) -> None:
    rng = np.random.default_rng(5)
    x1, x2 = rng.integers(-128, 128, (4, 9), np.int8), rng.integers(-128, 128, (9, 6), np.int8)
    scale = packed_scale(rng.uniform(0.001, 0.01, 6))
    results = []
    for comm in each(group):
        tensors = [ao.asarray(values) for values in (x1, x2, scale)]
        output = ao.zeros((4, 6), "float16")
        ao.ops.quant_matmul_all_reduce_v3(
            *tensors[:2], dequant_scale=tensors[2], group=comm.name, **SUM, output=output
        )
        results.append(output)
    one = dequantised(int_product(x1, x2), "float16", scale)
    for y in results:
        np.testing.assert_array_equal(y.numpy(), one + one)


def normalised(summed: Array, residual: Array, gamma: Array, dtype: str) -> tuple[Array, Array]:
    y = (wide(summed) + wide(residual)).astype(host_dtype(dtype))
    rms = np.sqrt((wide(y) ** 2).mean(-1, keepdims=True) + 1e-3)
    return y, wide(y) / rms * wide(gamma)


NORMALISED = (
    "aclnnMatmulAllReduceAddRmsNorm aclnnInplaceMatmulAllReduceAddRmsNorm "
    "aclnnWeightQuantMatmulAllReduceAddRmsNorm aclnnInplaceWeightQuantMatmulAllReduceAddRmsNorm"
)


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("quantised", [False, True])
@pytest.mark.parametrize("dtype", HALVES)
@covers(NORMALISED, "float16 bfloat16")
def test_sums_are_normalised(group: Group, dtype: str, quantised: bool, inplace: bool) -> None:
    rng = rng_of("norm", dtype)
    # Small whole numbers: every sum is exact.
    x1 = rng.integers(-2, 3, (2, 3, 8)).astype(host_dtype(dtype))
    x2 = rng.integers(-2, 3, (8, 6)).astype(np.int8 if quantised else host_dtype(dtype))
    residual, gamma = random(rng, (2, 3, 6), dtype), random(rng, (6,), dtype)
    results = []
    if inplace:
        x1 = x1.reshape(6, 8)
    for comm in each(group):
        left, right, kept = layout(rng, x1), layout(rng, x2), layout(rng, residual)
        middle = [ao.asarray(np.ones(6, host_dtype(dtype))), None] if quantised else []
        y, norm = blank(rng, residual.shape, dtype), blank(rng, residual.shape, dtype)
        name = (
            "weight_quant_matmul_all_reduce_add_rms_norm" if quantised else "matmul_all_reduce_add_rms_norm"
        )
        named: dict[str, Any] = {"norm_out": norm} if inplace else {"y": y, "norm_out": norm}
        if quantised:
            named["antiquant_group_size"] = 0
        call = getattr(ao.ops, f"inplace_{name}" if inplace else name)
        call(left, right, None, *middle, kept, layout(rng, gamma), 1e-3, comm.name, **SUM, **named)
        results.append((kept if inplace else y, norm))
    summed = (2 * (wide(x1) @ x2.astype(np.float64))).astype(host_dtype(dtype)).reshape(residual.shape)
    expected = normalised(summed, residual, gamma, dtype)
    for y, norm in results:
        np.testing.assert_array_equal(y.numpy(), expected[0])
        assert_close(norm, expected[1], dtype)


QUANTISED = "aclnnQuantMatmulAllReduceAddRmsNorm aclnnInplaceQuantMatmulAllReduceAddRmsNorm"


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("dtype", HALVES)
@covers(QUANTISED, "int8")
def test_quantised_sums_are_normalised(group: Group, dtype: str, inplace: bool) -> None:
    """Also where x1 has two dimensions and the residual three."""
    rng = rng_of("quantised norm", dtype)
    x1, x2 = rng.integers(-9, 10, (6, 8)).astype(np.int8), rng.integers(-9, 10, (8, 6)).astype(np.int8)
    bias, spread = rng.integers(-9, 10, 6).astype(np.int32), 2.0 ** -rng.integers(1, 4, 6)
    scale = packed_scale(spread) if dtype == "float16" else spread.astype(host_dtype(dtype))
    residual, gamma = random(rng, (2, 3, 6), dtype), random(rng, (6,), dtype)
    results = []
    for comm in each(group):
        left = ao.asarray(x1 if inplace else x1.reshape(2, 3, 8))
        tensors = [ao.asarray(values) for values in (x2, bias, scale, residual, gamma)]
        y, norm = blank(rng, residual.shape, dtype), blank(rng, residual.shape, dtype)
        named: dict[str, Any] = {"norm_out": norm} if inplace else {"y": y, "norm_out": norm}
        name = "inplace_" * inplace + "quant_matmul_all_reduce_add_rms_norm"
        getattr(ao.ops, name)(left, *tensors, 1e-3, comm.name, **SUM, **named)
        results.append((tensors[3] if inplace else y, norm))
    one = ((int_product(x1, x2) + bias) * spread).astype(host_dtype(dtype))
    summed = (wide(one) * 2).astype(host_dtype(dtype)).reshape(residual.shape)
    expected = normalised(summed, residual, gamma, dtype)
    for y, norm in results:
        np.testing.assert_array_equal(y.numpy(), expected[0])
        assert_close(norm, expected[1], dtype)


INVALID, NO_KERNEL = 161002, 561003
X, W = np.zeros((4, 256), np.float16), np.zeros((256, 5), np.float16)


@pytest.mark.parametrize(
    ("x1", "x2", "named", "text"),
    [
        (X[:, :64].copy(), W[:64].copy(), {}, "k must be the same, and 256 to"),
        (X[:3].copy(), W, {}, "2 ranks cannot share"),
        (X, W, {"reduce_op": "max"}, "reduceOp is max"),
        (X, W, {"comm_turn": 1}, "commTurn is 1"),
        (X, W.astype(np.float32), {}, "data type of x2"),
    ],
)
def test_what_does_not_fit_is_refused(group: Group, x1: Array, x2: Array, named: Any, text: str) -> None:
    with group[0].device, pytest.raises(ao.AclError, match=text) as refusal:
        ao.ops.matmul_reduce_scatter(
            ao.asarray(x1),
            ao.asarray(x2),
            None,
            group=group[0].name,
            **{**SUM, **named},
            output=ao.zeros((2, 5), "float16"),
        )
    assert refusal.value.code == INVALID
