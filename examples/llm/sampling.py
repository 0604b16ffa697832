"""Top-k sampling with numbers that are drawn beforehand: on the device, and in NumPy for comparison."""

from __future__ import annotations

import numpy as np
from llm.config import Array

import ascend_ops as ao


def sample(logits: ao.Tensor, k: int, drawn: ao.Tensor) -> ao.Tensor:
    """Logits float32 [sequences, vocabulary] and numbers of [0, 1) [sequences, 1] give tokens int64
    [sequences, 1]: among the k largest, the one in whose share of their probability the number falls."""
    values, tokens = ao.ops.topk(logits, k, -1, True, True)
    ends = ao.ops.cumsum(ao.ops.softmax(values, -1), -1, "float32")
    passed = ao.ops.cast(ao.ops.le_tensor(ends, drawn), "int64")
    place = ao.ops.clamp_max(ao.ops.reduce_sum(passed, [-1], True, "int64"), k - 1)
    return ao.ops.gather(tokens, -1, place)


def reference(logits: Array, k: int, drawn: Array) -> Array:
    tokens = np.argsort(-logits, axis=-1, kind="stable")[:, :k]
    values = np.take_along_axis(logits, tokens, -1)
    ends = np.cumsum(np.exp(values - values[:, :1]), axis=-1)
    place = np.minimum((ends / ends[:, -1:] <= drawn).sum(axis=-1, keepdims=True), k - 1)
    return np.take_along_axis(tokens, place, -1)
