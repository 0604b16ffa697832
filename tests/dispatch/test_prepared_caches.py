"""Prepared calls of an operator with many tensors, some of which are inputs and outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import reference as ref
from dispatch.conftest import Calls

import ascend_ops as ao

RNG = np.random.default_rng(16)


def rope_arguments() -> dict[str, Any]:
    x = RNG.integers(-9, 9, (2, 1, 3 * 16)).astype(np.float16)
    table = RNG.standard_normal((2, 1, 1, 16)).astype(np.float16)
    return {
        "x": x,
        "cos": table,
        "sin": table[::-1].copy(),
        "k_cache": np.zeros((4, 8, 1, 16), np.int8),
        "v_cache": np.ones((4, 8, 1, 16), np.int8),
        "indices": np.array([2, 5], np.int32),
        "scale_k": np.full(16, 0.25, np.float32),
        "scale_v": np.full(16, 0.5, np.float32),
    }


def rope_expected(a: dict[str, Any]) -> ref.RopeResult:
    caches, scales = (a["k_cache"], a["v_cache"]), (a["scale_k"], a["scale_v"])
    return ref.dequant_rope_quant_kvcache(a["x"], a["cos"], a["sin"], caches, a["indices"], scales)


def assert_rope(results: tuple[ao.Tensor, ...], a: dict[str, Any]) -> None:
    for got, wanted in zip(results, rope_expected(a), strict=True):
        np.testing.assert_array_equal(got.numpy(), wanted)


def prepared_rope(tensors: dict[str, Any]) -> Any:
    splits, out = [16, 16, 16], ao.empty((2, 1, 1, 16), "float16")
    outs = (out, ao.empty(out.shape, "float16"), ao.empty(out.shape, "float16"))
    prepare = ao.ops.dequant_rope_quant_kvcache.prepare
    return prepare(**tensors, size_splits=splits, kv_output=True, out=outs)


@pytest.mark.parametrize("name", list(rope_arguments()))
def test_every_tensor_of_the_rope_operator_may_be_replaced(name: str, calls: Calls) -> None:
    """Fifteen tensors, some NULL, caches that are inputs and outputs: the indices that CANN is told count."""
    host = rope_arguments()
    tensors = {key: ao.asarray(value) for key, value in host.items()}
    call = prepared_rope(tensors)
    assert_rope(call(), host)
    host |= {key: tensors[key].numpy() for key in ("k_cache", "v_cache")}
    changed = host[name][::-1].copy() if name != "scale_k" and name != "scale_v" else host[name] * 2
    other = ao.asarray(changed)
    results = call(**{name: other})
    assert_rope(results, host | {name: changed})
    if name.endswith("cache"):
        assert results[3 if name == "k_cache" else 4] is other
        np.testing.assert_array_equal(tensors[name].numpy(), host[name])  # written no more
    assert calls["executors"] == 1
    call.close()


def test_caches_that_would_share_memory_are_refused() -> None:
    """As by the eager call: one by one, both at once, and in memory of somebody else."""
    tensors = {name: ao.asarray(value) for name, value in rope_arguments().items()}
    call = prepared_rope(tensors)
    both, shape = ao.zeros((4, 8, 1, 16), "int8"), (4, 8, 1, 16)
    alias = ao.from_pointer(both.address, shape, "int8", owner=both)
    caches = [
        {"k_cache": tensors["v_cache"]},
        {"v_cache": tensors["k_cache"]},
        {"k_cache": both, "v_cache": both},
        {"k_cache": both, "v_cache": alias},
    ]
    for change in caches:
        with pytest.raises(ValueError, match="k_cache and v_cache share memory"):
            call(**change)
    call(k_cache=alias)
    with pytest.raises(ValueError, match="k_cache and v_cache share memory"):
        call(v_cache=both)
    results = call(k_cache=both, v_cache=ao.zeros(shape, "int8"))
    assert results[3] is both
    call(k_cache=results[4], v_cache=results[3])  # swapped
    call.close()
