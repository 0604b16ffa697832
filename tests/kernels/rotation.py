"""Rotary position embedding in NumPy, from the documents' formulas."""

from __future__ import annotations

import numpy as np
from kernels.arrays import Array

MODES = ("half", "interleave", "quarter", "interleave-half")


def _interleave(first: Array, second: Array) -> Array:
    return np.stack([first, second], -1).reshape(*first.shape[:-1], -1)


def arranged(mode: str, x: Array) -> Array:
    """What the cosines are multiplied with."""
    return np.concatenate([x[..., ::2], x[..., 1::2]], -1) if mode == "interleave-half" else x


def rotated(mode: str, x: Array) -> Array:
    """What the sines are multiplied with."""
    if mode == "half":
        first, second = np.split(x, 2, -1)
        return np.concatenate([-second, first], -1)
    if mode == "quarter":
        return np.concatenate([rotated("half", part) for part in np.split(x, 2, -1)], -1)
    if mode == "interleave":
        return _interleave(-x[..., 1::2], x[..., ::2])
    return np.concatenate([-x[..., 1::2], x[..., ::2]], -1)


def turn(mode: str, x: Array, cos: Array, sin: Array) -> Array:
    return np.asarray(arranged(mode, x) * cos + rotated(mode, x) * sin)


def gradients(mode: str, dy: Array, cos: Array, sin: Array, x: Array) -> tuple[Array, Array, Array]:
    """Of x, cos and sin: the transposes of the linear maps above, found by applying them to unit vectors."""
    size = x.shape[-1]
    unit = np.eye(size)
    arrange, rotate = arranged(mode, unit), rotated(mode, unit)
    dx = (dy * cos) @ arrange.T + (dy * sin) @ rotate.T
    summed = tuple(axis for axis in range(3) if cos.shape[axis] == 1)
    dcos = (dy * (x @ arrange)).sum(summed, keepdims=True)
    dsin = (dy * (x @ rotate)).sum(summed, keepdims=True)
    return dx, dcos, dsin
