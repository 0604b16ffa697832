"""What tests of image operators share: device tensors in plain and channels-last formats."""

from __future__ import annotations

import numpy as np
from kernels.arrays import Array, host_dtype, layout

import ascend_ops as ao


def image(rng: np.random.Generator, values: Array, last: bool = False) -> ao.Tensor:
    """An image [N, C, ...] on the device; with `last`, in a channels-last format, its axes in that order."""
    if not last:
        return layout(rng, values)
    moved = np.moveaxis(values, 1, -1)
    padded = np.zeros((*moved.shape[:-1], 2 * moved.shape[-1]), moved.dtype)
    padded[..., ::2] = moved
    form = "NHWC" if values.ndim == 4 else "NDHWC"
    stored: ao.Tensor = ao.asarray(padded, format=form)
    return stored[..., ::2]


def blank_image(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: str, last: bool = False
) -> ao.Tensor:
    return image(rng, np.zeros(shape, host_dtype(dtype)), last)


def read_image(tensor: ao.Tensor, last: bool = False) -> Array:
    """Its values as [N, C, ...]."""
    values = tensor.numpy()
    return np.moveaxis(values, -1, 1) if last else values
