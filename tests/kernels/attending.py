"""Attention in NumPy, from the formula, and what its operators take: layouts, masks, paged caches."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np
from kernels.arrays import Array

import ascend_ops as ao
from ascend_ops.ops._names import operator_name

UNBOUNDED = 2147483647
AXES = {"BSH": "BSND", "SBH": "SBND"}


@dataclass
class Attended:
    out: Array
    """[N, rows, D]; zeros for rows that see nothing."""
    largest: Array
    total: Array
    """[N, rows]: the greatest score, and the sum of exp(score - greatest)."""

    @property
    def log_sum(self) -> Array:
        with np.errstate(all="ignore"):
            return np.where(self.total > 0, self.largest + np.log(self.total), np.inf)


def attend(
    q: Array,
    k: Array,
    v: Array,
    scale: float,
    visible: Array | bool = True,
    bias: Array | float = 0.0,
    *,
    bias_first: bool = False,
    factor: Array | float = 1.0,
    sink: Array | None = None,
) -> Attended:
    """q [N, rows, D]; k, v [Nkv, columns, D]; visible, bias and factor (of the weights, after softmax)
    broadcast to [N, rows, columns]."""
    group = len(q) // len(k)
    k, v = k.repeat(group, 0), v.repeat(group, 0)
    scores = q @ k.transpose(0, 2, 1)
    scores = (scores + bias) * scale if bias_first else scores * scale + bias
    scores = np.where(visible, scores, -np.inf)
    extra = (
        np.full((len(q), q.shape[1], 1), -np.inf)
        if sink is None
        else np.tile(sink[:, None, None], (1, q.shape[1], 1))
    )
    largest = np.concatenate([scores, extra], -1).max(-1)
    with np.errstate(invalid="ignore"):
        weights = np.nan_to_num(np.exp(scores - largest[..., None]))
        total = weights.sum(-1) + np.nan_to_num(np.exp(extra[..., 0] - largest))
    out = (weights * factor) @ v / np.where(total > 0, total, 1)[..., None]
    return Attended(out, largest, total)


def window(rows: int, columns: int, low: float, high: float) -> Array:
    """Row i sees columns i + low .. i + high."""
    distance = np.arange(columns)[None, :] - np.arange(rows)[:, None]
    return (distance >= low) & (distance <= high)


def causal(rows: int, columns: int) -> Array:
    return window(rows, columns, -np.inf, columns - rows)


TRIANGLE = np.triu(np.ones((2048, 2048), np.uint8), 1)


def arrange(values: Array, letters: str) -> Array:
    """[B, N, S, D] in the order of a layout."""
    axes = AXES.get(letters, letters)
    ordered = values.transpose(["BNSD".index(letter) for letter in axes])
    return np.ascontiguousarray(ordered.reshape(*ordered.shape[:2], -1) if "H" in letters else ordered)


def restore(values: Array, letters: str, heads: int) -> Array:
    """The way back to [B, N, S, D]."""
    axes = AXES.get(letters, letters)
    if "H" in letters:
        values = values.reshape(*values.shape[:2], heads, -1)
    return values.transpose([axes.index(letter) for letter in "BNSD"])


def call(operator: str, values: dict[str, Any], **named: Any) -> Any:
    """Calls an operator with those of the values (by CANN's names, "Optional" left out) that it has."""
    function = getattr(ao.ops, operator_name(operator))
    return function(**{**arguments(function, values), **named})


def arguments(function: Any, values: dict[str, Any]) -> dict[str, Any]:
    names = inspect.signature(function).parameters
    found = {}
    for name, value in values.items():
        for spelled in (name, f"{name}_optional"):
            if spelled in names:
                found[spelled] = value
    return found
