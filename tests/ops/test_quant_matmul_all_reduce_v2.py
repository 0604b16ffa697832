"""quant_matmul_all_reduce_v2 with ranks as threads of this process: vectors in every layout of the weight,
random cases against the reference, the order of calls, streams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import reference as ref
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels.arrays import covers
from ops.ranks import LAYOUTS, Group, laid_out, together
from ops.vectors import Case, digest, load

import ascend_ops as ao
from ascend_ops.dispatch import launch

VECTORS = load("aclnnQuantMatmulAllReduceV2")["vectors"]


@pytest.fixture(scope="module")
def groups() -> Iterator[dict[int, Group]]:
    if ao.Device.count() < 8:
        pytest.skip("needs eight devices")
    made = {ranks: ao.distributed.init_all(ranks) for ranks in (1, 2, 4, 8)}
    yield made
    for group in made.values():
        for comm in group:
            comm.close()


def inputs(case: Case, rank: int) -> dict[str, Any]:
    """A rank's arguments by their names in Python."""
    *rows, k = case["x1_shape"]
    n = case["n"]
    scale = case["dequantScale_shape"], case["dequantScale_dtype"]
    return {
        "x1": ref.from_recipe(case["x1"], (*rows, k), "int8", rank),
        "x2": ref.from_recipe(case["x2"], (k, n), "int8", rank),
        "dequant_scale": ref.from_recipe(case["dequantScale"], *scale, rank),
        "bias": ref.from_recipe(case["bias"], (n,), "int32", rank),
        "x3": ref.from_recipe(case["x3"], (*rows, n), case["output_dtype"], rank),
        "pertoken_scale": ref.from_recipe(case["pertokenScale"], (int(np.prod(rows)),), "float32", rank),
    }


def call(comm: ao.distributed.Communicator, given: dict[str, Any], layout: str = "nd") -> ao.Tensor:
    with comm.device:
        x2 = laid_out(given["x2"], layout)
    return ao.ops.quant_matmul_all_reduce_v2(**{**given, "x2": x2}, group=comm)


def assert_is(case: Case, name: str, y: ao.Tensor) -> None:
    expected = case["expected"]
    host = y.numpy()
    assert (y.dtype, y.shape) == (case["output_dtype"], (*case["x1_shape"][:-1], case["n"]))
    if name == "result" and "accept_values" in case:
        assert set(host.reshape(-1).tolist()) <= set(case["accept_values"])
        return
    if f"{name}_values" in expected:
        assert host.astype(float).reshape(-1).tolist() == expected[f"{name}_values"]
    assert digest(host) == expected[f"{name}_sha256_le"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_every_rank_gets_the_published_result(groups: dict[int, Group], case: Case, layout: str) -> None:
    comms = groups[case["ranks"]]
    results = together(comms, lambda comm: call(comm, inputs(case, comm.rank), layout))
    for comm, y in zip(comms, results, strict=True):
        assert y.device == comm.device
        assert_is(case, "result", y)
    assert len({digest(y.numpy()) for y in results}) == 1


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_a_rank_alone_gets_the_published_part(groups: dict[int, Group], case: Case, layout: str) -> None:
    (alone,) = groups[1]
    for rank in range(min(case["ranks"], 2)):
        assert_is(case, f"local_rank{rank}", call(alone, inputs(case, rank), layout))


@pytest.mark.parametrize("case", VECTORS[:2], ids=lambda case: case["name"])
def test_the_weights_lie_as_the_vectors_say(case: Case) -> None:
    x2, published = inputs(case, 0)["x2"], case["x2_storage_rank0"]
    assert digest(ao.formats.to_nz(x2)) == published["nz_sha256"]
    assert digest(ao.formats.to_nz(np.ascontiguousarray(x2.T))) == published["nz_transposed_sha256"]


def random_case(rng: np.random.Generator, rows: tuple[int, ...], k: int, n: int, kind: str) -> dict[str, Any]:
    """One rank's inputs: packed scales, float32 ones with per-token scales, or bfloat16 ones."""
    dtype = ml_dtypes.bfloat16 if kind.startswith("bf16") else np.float16
    scale = (rng.random(1 if rng.random() < 0.3 else n) * 0.05).astype(np.float32)
    given: dict[str, Any] = {
        "x1": rng.integers(-128, 128, (*rows, k), np.int8),
        "x2": rng.integers(-128, 128, (k, n), np.int8),
        "bias": rng.integers(-9999, 9999, n, np.int32) if rng.random() < 0.5 else None,
        "x3": rng.standard_normal((*rows, n)).astype(dtype) if rng.random() < 0.5 else None,
        "pertoken_scale": None,
        "dequant_scale": scale,
    }
    if kind.endswith("pertoken"):
        given["pertoken_scale"] = rng.random(int(np.prod(rows))).astype(np.float32)
    if kind == "packed":
        given["dequant_scale"] = ref.trans_quant_param(scale)
    elif kind.startswith("bf16"):
        given["dequant_scale"] = scale.astype(dtype)
    return given


@covers("aclnnQuantMatmulAllReduceV2", "int8")
@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.lists(st.integers(1, 20), min_size=1, max_size=2),
    k=st.integers(1, 100),
    n=st.integers(1, 70),
    kind=st.sampled_from(["packed", "fp16 pertoken", "bf16", "bf16 pertoken"]),
    layout=st.sampled_from(LAYOUTS),
    ranks=st.sampled_from([1, 2, 4]),
)
def test_random_cases_are_those_of_the_reference(
    groups: dict[int, Group],
    seed: int,
    rows: list[int],
    k: int,
    n: int,
    kind: str,
    layout: str,
    ranks: int,
) -> None:
    rng = np.random.default_rng(seed)
    given_per_rank = [random_case(rng, tuple(rows), k, n, kind) for _ in range(ranks)]
    # Queueing does not wait, so one thread may do it for all ranks.
    results = [call(comm, given_per_rank[comm.rank], layout) for comm in groups[ranks]]
    dst = "bfloat16" if kind.startswith("bf16") else "float16"
    parts = [
        ref.quant_matmul(
            *(g[name] for name in ("x1", "x2", "dequant_scale", "bias", "x3", "pertoken_scale")), dst
        )
        for g in given_per_rank
    ]
    expected = ref.all_reduce_sum(parts)
    for y in results:
        assert y.dtype == dst
        np.testing.assert_array_equal(y.numpy().astype(np.float32), expected.astype(np.float32))


@covers("aclnnQuantMatmulAllReduce", "int8")
def test_the_first_version_is_the_second_without_per_token_scales(groups: dict[int, Group]) -> None:
    given_per_rank = [random_case(np.random.default_rng(rank), (3, 4), 20, 9, "packed") for rank in range(2)]

    def rank(comm: ao.distributed.Communicator) -> ao.Tensor:
        given = dict(given_per_rank[comm.rank])
        del given["pertoken_scale"]
        with comm.device, ao.Stream():
            output = ao.empty((3, 4, 9), "float16")
            ao.ops.aclnnQuantMatmulAllReduce(
                **given, group=comm.name, reduce_op="sum", comm_turn=0, stream_mode=1, output=output
            )
            return output

    parts = [
        ref.quant_matmul(*(g[name] for name in ("x1", "x2", "dequant_scale", "bias", "x3")), None, "float16")
        for g in given_per_rank
    ]
    for y in together(groups[2], rank):
        np.testing.assert_array_equal(y.numpy(), ref.all_reduce_sum(parts))


# Arguments


def test_lists_take_the_element_type_that_belongs_there(groups: dict[int, Group]) -> None:
    (alone,) = groups[1]
    y = ao.ops.quant_matmul_all_reduce_v2(
        [[1, 2]], [[3], [4]], [0.5], [1], [[0.25]], pertoken_scale=[2.0], group=alone
    )
    assert (y.dtype, y.numpy().tolist()) == ("float16", [[12.25]])
    packed = ao.ops.trans_quant_param([0.5])
    y = ao.ops.quant_matmul_all_reduce_v2([[1, 2]], [[3], [4]], packed, group=alone)
    assert y.numpy().tolist() == [[5.5]]


def test_out_is_written_and_returned(groups: dict[int, Group]) -> None:
    (alone,) = groups[1]
    out = ao.zeros((1, 1), "float16")
    scale = ao.ops.trans_quant_param_v2([0.5])
    assert ao.ops.quant_matmul_all_reduce_v2([[1, 2]], [[3], [4]], scale, group=alone, out=out) is out
    assert out.numpy().tolist() == [[5.5]]


def test_an_int64_scale_keeps_its_type_for_the_next_call(groups: dict[int, Group]) -> None:
    (alone,) = groups[1]
    scale = ao.asarray(ao.ops.trans_quant_param([0.5]).view(np.int64))
    for _ in range(3):
        y = ao.ops.quant_matmul_all_reduce_v2([[1, 2]], [[3], [4]], scale, group=alone)
        assert y.numpy().tolist() == [[5.5]]
    assert scale.dtype == "int64"


def test_the_group_may_be_given_by_its_name_on_the_current_device(groups: dict[int, Group]) -> None:
    def rank(comm: ao.distributed.Communicator) -> ao.Tensor:
        with comm.device, ao.Stream():
            return ao.ops.quant_matmul_all_reduce_v2(
                [[1, 2]], [[3], [4]], [0.5], pertoken_scale=[2.0], group=comm.name
            )

    for y in together(groups[2], rank):
        assert y.numpy().tolist() == [[22]]


def test_optional_inputs_of_the_c_function_may_have_gaps(groups: dict[int, Group]) -> None:
    (alone,) = groups[1]
    given = random_case(np.random.default_rng(3), (5,), 8, 6, "fp16 pertoken")
    given["bias"] = np.arange(6, dtype=np.int32)
    expected = call(alone, given).numpy()
    for name in ("bias", "dequant_scale", "pertoken_scale"):
        given[name] = ao.asarray(np.repeat(given[name], 2))[::2]
    x1, x2, out = ao.asarray(given["x1"]), ao.asarray(given["x2"]), ao.empty((5, 6), "float16")
    scales = given["dequant_scale"], given["pertoken_scale"]
    x3 = None if given["x3"] is None else ao.asarray(given["x3"])
    launch("aclnnQuantMatmulAllReduceV2", (x1, x2, given["bias"], x3, *scales, alone.name, "sum", 0, 1, out))
    np.testing.assert_array_equal(out.numpy(), expected)


@pytest.mark.parametrize("name", ["x1", "bias", "x3", "dequant_scale", "pertoken_scale", "out"])
def test_other_strides_than_those_of_x2_are_refused(groups: dict[int, Group], name: str) -> None:
    (alone,) = groups[1]
    given = random_case(np.random.default_rng(4), (5,), 8, 6, "fp16 pertoken")
    given["dequant_scale"] = np.ones(6, np.float32)
    given |= {
        "bias": np.ones(6, np.int32),
        "x3": np.ones((5, 6), np.float16),
        "out": np.ones((5, 6), np.float16),
    }
    out = ao.asarray(given["out"])
    wide = ao.asarray(np.repeat(given[name], 2, axis=-1))[..., ::2]
    with pytest.raises(ValueError, match=f"^{name} has the strides .*only x2 may be a view"):
        call(alone, {**given, "out": out, name: wide})
    assert (out.numpy() == 1).all()


# Streams and order


def test_the_call_follows_the_callers_stream_and_later_work_follows_it(groups: dict[int, Group]) -> None:
    given = random_case(np.random.default_rng(7), (64,), 512, 256, "packed")
    expected = call(groups[1][0], given).numpy()
    for use_stream in (False, True):

        def rank(comm: ao.distributed.Communicator, use_stream: bool = use_stream) -> list[ao.Tensor]:
            with comm.device, ao.Stream() if use_stream else ao.default_stream():
                results = []
                for _ in range(5):
                    y = call(comm, given if comm.rank == 0 else {**given, "x1": given["x1"] * 0, "x3": None})
                    results.append(y[:1])  # the memory of y is free for the next call, in stream order
                return results

        bias_part = call(groups[1][0], {**given, "x1": given["x1"] * 0, "x3": None}).numpy()
        whole = ref.all_reduce_sum([expected, bias_part])
        for per_rank in together(groups[2], rank):
            for y in per_rank:
                np.testing.assert_array_equal(y.numpy(), whole[:1])


def test_collectives_and_the_operator_may_follow_each_other(groups: dict[int, Group]) -> None:
    def rank(comm: ao.distributed.Communicator) -> ao.Tensor:
        first = comm.all_reduce(np.full((1, 2), comm.rank + 1, np.int8))  # [[3, 3]]
        y = ao.ops.quant_matmul_all_reduce_v2(first, [[1], [1]], [1.0], pertoken_scale=[1.0], group=comm)
        return comm.all_reduce(y)  # 2 * (6 + 6)

    for y in together(groups[2], rank):
        assert y.numpy().tolist() == [[24]]


def test_a_rank_that_waits_for_another_can_stop_waiting(groups: dict[int, Group]) -> None:
    first, second = groups[2]
    given = random_case(np.random.default_rng(9), (3,), 4, 5, "packed")
    with first.device, ao.Stream() as stream:
        y = call(first, given)
        with pytest.raises(ao.DeviceTimeoutError):
            stream.synchronize(timeout=0.05)
        z = call(second, given)
        assert (y.numpy() == z.numpy()).all()
