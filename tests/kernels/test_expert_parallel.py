"""Tokens go to the ranks of their experts and come back: ranks are threads of this process.

Which rows go where follows from the documents up to the order of an expert's rows, which is free: the
stand-in takes the sources' ranks, then their tokens. What comes back does not depend on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels.arrays import assert_close, covers, layout, random, wide
from ops.ranks import Group, together

import ascend_ops as ao


@pytest.fixture(scope="module")
def groups() -> Iterator[dict[int, Group]]:
    if ao.Device.count() < 4:
        pytest.skip("needs four devices")
    made = {ranks: ao.distributed.init_all(ranks) for ranks in (1, 2, 4)}
    yield made
    for group in made.values():
        for comm in group:
            comm.close()


class Layer:
    """A random layer: tokens of every rank, their experts and weights."""

    def __init__(self, rng: np.random.Generator, ranks: int, quantised: bool) -> None:
        self.ranks, self.local = ranks, int(rng.integers(1, 4))
        self.experts = ranks * self.local
        self.choices = int(rng.integers(1, self.experts + 1))
        self.width, self.quantised = 32, quantised
        self.dtype = str(rng.choice(["float16", "bfloat16"]))
        self.x, self.ids, self.weights, self.active = [], [], [], []
        for _ in range(ranks):
            tokens = int(rng.integers(1, 6))
            self.x.append(random(rng, (tokens, self.width), self.dtype))
            ids = [rng.permutation(self.experts)[: self.choices] for _ in range(tokens)]
            self.ids.append(np.array(ids, np.int32))
            self.weights.append(rng.random((tokens, self.choices)).astype(np.float32))
            self.active.append(rng.random(tokens) < 0.7 if rng.random() < 0.5 else None)
        smooth = rng.uniform(0.5, 2, (self.experts, self.width)).astype(np.float32)
        self.smooth = smooth if quantised and rng.random() < 0.5 else None
        self.room = 5 * ranks * min(self.local, self.choices)

    def received(self, rank: int) -> list[list[tuple[int, int, int]]]:
        """(source, token, choice) of each row of each expert of a rank."""
        return [
            [
                (source, token, choice)
                for source in range(self.ranks)
                for token, choice in np.argwhere(self.ids[source] == rank * self.local + e)
                if self.active[source] is None or self.active[source][token]
            ]
            for e in range(self.local)
        ]

    def common(self, comm: ao.distributed.Communicator) -> dict[str, Any]:
        return {
            "group_ep": comm.name,
            "ep_world_size": self.ranks,
            "ep_rank_id": comm.rank,
            "moe_expert_num": self.experts,
            "group_tp": "",
            "tp_world_size": 0,
            "tp_rank_id": 0,
            "expert_shard_type": 0,
            "shared_expert_num": 1,
            "shared_expert_rank_num": 0,
            "global_bs": 0,
        }


def dispatch(
    layer: Layer, comm: ao.distributed.Communicator, version: str, type_: int
) -> tuple[ao.Tensor, ...]:
    rank, rng = comm.rank, np.random.default_rng(comm.rank)
    out = (
        ao.zeros((layer.room, layer.width), "int8" if layer.quantised else layer.dtype),
        ao.zeros((layer.room,), "float32"),
        ao.zeros((layer.ids[rank].size,), "int32"),
        ao.zeros((layer.local,), "int64"),
        ao.zeros((layer.experts,), "int32"),
        None,
        ao.zeros((layer.room,), "float32"),
    )
    second = version == "V2"
    names = ("scales", "x_active_mask", "expert_scales")
    outputs = ("expand_x", "dynamic_scales", "expand_idx", "expert_token_nums", "ep_recv_counts")
    outputs = (*outputs, "tp_recv_counts", "expand_scales")
    if second:
        names = tuple(f"{name}_optional" for name in names)
        outputs = tuple(f"{name}_out" for name in outputs)
        outputs = (*outputs[:2], "assist_info_for_combine_out", *outputs[3:])
    active = layer.active[rank]
    given = (layer.smooth, None if active is None else ao.asarray(active), layer.weights[rank])
    call = getattr(ao.ops, f"aclnnMoeDistributeDispatch{version}")
    call(
        layout(rng, layer.x[rank]),
        layout(rng, layer.ids[rank]),
        **dict(zip(names, given, strict=True)),
        **layer.common(comm),
        **({"comm_alg": "fullmesh"} if second else {}),
        quant_mode=2 if layer.quantised else 0,
        expert_token_nums_type=type_,
        **dict(zip(outputs, out, strict=True)),
    )
    return out


def combine(
    layer: Layer,
    comm: ao.distributed.Communicator,
    version: str,
    rows: ao.Tensor,
    index: ao.Tensor,
    counts: ao.Tensor,
) -> ao.Tensor:
    rank, second = comm.rank, version == "V2"
    out = ao.zeros(layer.x[rank].shape, layer.dtype)
    active = layer.active[rank]
    mask = None if active is None else ao.asarray(active)
    call = getattr(ao.ops, f"aclnnMoeDistributeCombine{version}")
    call(
        rows,
        ao.asarray(layer.ids[rank]),
        index,
        counts,
        ao.asarray(layer.weights[rank]),
        None,
        mask,
        *[None] * (5 if second else 4),
        **layer.common(comm),
        out_dtype=0,
        comm_quant_mode=0,
        group_list_type=1,
        **({"comm_alg": None, "x_out": out} if second else {"x": out}),
    )
    return out


def check_received(layer: Layer, rank: int, out: tuple[ao.Tensor, ...], type_: int) -> None:
    groups = layer.received(rank)
    rows = [row for group in groups for row in group]
    numbers = np.array([len(group) for group in groups])
    np.testing.assert_array_equal(out[3].numpy(), numbers if type_ == 1 else np.cumsum(numbers))
    expanded, scales = out[0].numpy(), out[1].numpy()
    for place, (source, token, choice) in enumerate(rows):
        x = wide(layer.x[source][token])
        assert out[6].numpy()[place] == layer.weights[source][token, choice]
        if not layer.quantised:
            np.testing.assert_array_equal(wide(expanded[place]), x)
            continue
        smoothed = x * (1 if layer.smooth is None else layer.smooth[layer.ids[source][token, choice]])
        scale = np.abs(smoothed).max() / 127
        np.testing.assert_allclose(scales[place], scale, rtol=1e-6)
        assert (np.abs(expanded[place] - smoothed / scale) <= 0.5 + 1e-4).all()


@covers("aclnnMoeDistributeDispatch aclnnMoeDistributeDispatchV2", "float16 bfloat16")
@covers("aclnnMoeDistributeCombine aclnnMoeDistributeCombineV2", "float16 bfloat16")
@settings(max_examples=12, deadline=None, database=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    ranks=st.sampled_from([1, 2, 4]),
    version=st.sampled_from(["", "V2"]),
    quantised=st.booleans(),
    type_=st.sampled_from([0, 1]),
)
def test_tokens_go_to_their_experts_and_come_back(
    groups: dict[int, Group], seed: int, ranks: int, version: str, quantised: bool, type_: int
) -> None:
    layer = Layer(np.random.default_rng(seed), ranks, quantised)

    def rank(comm: ao.distributed.Communicator) -> tuple[tuple[ao.Tensor, ...], ao.Tensor]:
        with comm.device, ao.Stream():
            sent = dispatch(layer, comm, version, type_)
            # Every expert doubles what it gets; of quantised rows, the row number stands for the result.
            rows = np.arange(layer.room)[:, None] * np.ones(layer.width) / 8
            made = sent[0] if not quantised else ao.asarray(rows, layer.dtype)
            return sent, combine(layer, comm, version, made, sent[2], sent[4])

    results = together(groups[ranks], rank)
    for comm, (sent, _) in zip(groups[ranks], results, strict=True):
        check_received(layer, comm.rank, sent, type_)
    for source in range(ranks):
        expected = np.zeros(layer.x[source].shape)
        for other in range(ranks):
            rows = [row for group in layer.received(other) for row in group]
            for place, (origin, token, choice) in enumerate(rows):
                if origin == source:
                    value = place / 8 if quantised else wide(layer.x[source][token])
                    expected[token] += layer.weights[source][token, choice] * value
        assert_close(results[source][1], expected, layer.dtype, ulps=1, absolute=1e-6)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"tp_world_size": 2}, "tensor parallelism"),
        ({"shared_expert_rank_num": 1}, "shared experts"),
        ({"moe_expert_num": 0}, "moeExpertNum is 0"),
        ({"ep_rank_id": 1}, "epRankId is 1"),
        ({"group_ep": ""}, "groupEp is empty"),
    ],
)
def test_other_ways_to_share_experts_are_refused(
    groups: dict[int, Group], changed: dict[str, Any], says: str
) -> None:
    (comm,) = groups[1]
    layer = Layer(np.random.default_rng(1), 1, False)
    given = layer.common
    layer.common = lambda comm: {**given(comm), **changed}  # type: ignore[method-assign]
    with comm.device, pytest.raises(ao.AscendError, match=says):
        dispatch(layer, comm, "V2", 0)
