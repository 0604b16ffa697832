"""The operator calls that are measured. Small shapes: the host's work is the same for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

import ascend_ops as ao

Inputs = dict[str, ao.Tensor | None]

FOUR_TENSORS_US = 15.0  # Python eager on top of C eager, at most
MANY_TENSORS_US = 25.0
REPLAY_US = 3.0  # a prepared call on top of C's replay
REBIND_US = 5.0  # the same with one tensor rebound


@dataclass(frozen=True)
class Case:
    """A call of `ao.ops.<operator>`. `inputs` are all tensors that go in, by their names in Python and in the
    order of C, None for those left out; `others` what else the call is given; `ints` its integer array."""

    title: str
    operator: str
    c_name: str
    inputs: Inputs
    results: int  # those that are new: they come first
    eager_limit: float
    others: dict[str, Any] = field(default_factory=dict)
    ints: Sequence[int] = ()
    stand_in_kernel: bool = True  # otherwise it is given one that does nothing

    @property
    def function(self) -> Any:
        return getattr(ao.ops, self.operator)

    @property
    def arguments(self) -> dict[str, Any]:
        given = {name: tensor for name, tensor in self.inputs.items() if tensor is not None}
        return {**given, **self.others}

    @property
    def eager(self) -> Callable[[], Any]:
        return partial(self.function, **self.arguments)

    @property
    def first(self) -> tuple[str, ao.Tensor]:
        """The tensor that is rebound."""
        name, tensor = next(iter(self.inputs.items()))
        assert tensor is not None
        return name, tensor

    @property
    def shape(self) -> str:
        _, x = self.first
        return f"{x.dtype} {list(x.shape)}"

    def new_results(self) -> list[ao.Tensor]:
        """Outputs of one call, to see what they look like."""
        results = self.eager()
        return list(results if isinstance(results, tuple) else (results,))[: self.results]

    @property
    def tensors(self) -> int:
        return sum(tensor is not None for tensor in self.inputs.values()) + self.results


def all_cases() -> list[Case]:
    return [dynamic_quant(), anti_quant(), rms_norm(), add_rms_norm(), nsa_compress(), *dequant_ropes()]


def ones(shape: Sequence[int], dtype: Any) -> ao.Tensor:
    return ao.asarray(np.ones(shape, dtype))


def dynamic_quant() -> Case:
    inputs: Inputs = {"x": ones((1, 16), np.float16), "smooth_scales": None, "group_index": None}
    return Case(
        "dynamic_quant_v2, asymmetric",
        *("dynamic_quant_v2", "aclnnDynamicQuantV2", inputs, 3, FOUR_TENSORS_US),
        others={"symmetric": False},
    )


def anti_quant() -> Case:
    inputs: Inputs = {
        "x": ones((1, 16), np.int8),
        "scale": ones((1,), np.float32),
        "offset": ones((1,), np.float32),
    }
    title = "ascend_anti_quant with offset"
    return Case(title, "ascend_anti_quant", "aclnnAscendAntiQuant", inputs, 1, FOUR_TENSORS_US)


def rms_norm() -> Case:
    inputs: Inputs = {
        "x": ones((1, 16), np.float16),
        "gamma": ones((16,), np.float16),
    }
    return Case(
        "rms_norm (generic)",
        *("rms_norm", "aclnnRmsNorm", inputs, 2, FOUR_TENSORS_US),
        others={"epsilon": 1e-6},
        stand_in_kernel=False,
    )


def add_rms_norm() -> Case:
    inputs: Inputs = {
        "x1": ones((1, 16), np.float16),
        "x2": ones((1, 16), np.float16),
        "gamma": ones((16,), np.float16),
    }
    return Case(
        "add_rms_norm (generic)",
        *("add_rms_norm", "aclnnAddRmsNorm", inputs, 3, FOUR_TENSORS_US),
        others={"epsilon": 1e-6},
        stand_in_kernel=False,
    )


def nsa_compress() -> Case:
    tokens = 64
    inputs: Inputs = {
        "x": ones((tokens, 1, 16), np.float16),
        "weight": ones((32, 1), np.float16),
    }
    return Case(
        "nsa_compress",
        *("nsa_compress", "aclnnNsaCompress", inputs, 1, FOUR_TENSORS_US),
        others={"act_seq_len": [tokens], "block_size": 32, "stride": 16},
        ints=[tokens],
    )


def dequant_ropes() -> list[Case]:
    """With every tensor the operator knows, and with those it needs."""
    batch, heads, size = 2, 2, 32
    width = heads * size  # of q, k and v alike
    floats = {
        "scale_k": width,
        "scale_v": width,
        "offset_k": width,
        "offset_v": width,
        "weight_scale": 3 * width,
    }
    floats |= {"activation_scale": batch, "bias": 3 * width}
    needed = {
        "x": ones((batch, 3 * width), np.int32),
        "cos": ones((batch, size), np.float16),
        "sin": ones((batch, size), np.float16),
        "k_cache": ones((batch, 4, heads, size), np.int8),
        "v_cache": ones((batch, 4, heads, size), np.int8),
        "indices": ao.asarray(np.zeros(batch, np.int32)),
    }
    every: Inputs = {**needed, **{name: ones((length,), np.float32) for name, length in floats.items()}}
    optional = ("offset_k", "offset_v", "activation_scale", "bias")
    least: Inputs = {name: None if name in optional else tensor for name, tensor in every.items()}
    splits = [width] * 3
    return [
        Case(
            f"dequant_rope_quant_kvcache, {title}",
            *("dequant_rope_quant_kvcache", "aclnnDequantRopeQuantKvcache", inputs, 3, MANY_TENSORS_US),
            others={"size_splits": splits, "kv_output": True},
            ints=splits,
        )
        for title, inputs in (("all tensors", every), ("needed ones", least))
    ]
