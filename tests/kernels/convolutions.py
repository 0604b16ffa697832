"""References for convolutions: sums over the places of the kernel, in float64. Images are [N, C, ...]."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from kernels.arrays import Array


@dataclass(frozen=True)
class Shape:
    """A convolution's attributes, a number for each spatial axis. `transposed` ones go from the small image
    to the large one; `extra` is their output padding."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    transposed: bool = False
    extra: tuple[int, ...] = ()

    def small(self, large: tuple[int, ...]) -> tuple[int, ...]:
        rows = zip(large, self.kernel, self.stride, self.before, self.after, self.dilation, strict=True)
        return tuple((n + b + a - d * (k - 1) - 1) // s + 1 for n, k, s, b, a, d in rows)

    def large(self, small: tuple[int, ...]) -> tuple[int, ...]:
        extra = self.extra or (0,) * len(small)
        rows = zip(
            small, self.kernel, self.stride, self.before, self.after, self.dilation, extra, strict=True
        )
        return tuple((n - 1) * s - b - a + d * (k - 1) + 1 + e for n, k, s, b, a, d, e in rows)

    def places(self, small: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
        """(place in the kernel, the elements of the padded large image that it meets)."""
        for place in itertools.product(*map(range, self.kernel)):
            rows = zip(place, self.dilation, self.stride, small, strict=True)
            yield place, tuple(slice(p * d, p * d + (n - 1) * s + 1, s) for p, d, s, n in rows)


def padded(shape: Shape, large: Array) -> Array:
    pads = [(0, 0), (0, 0), *zip(shape.before, shape.after, strict=True)]
    return np.pad(large, pads)


def cropped(shape: Shape, large: Array, size: tuple[int, ...]) -> Array:
    rows = zip(shape.before, size, strict=True)
    return large[(slice(None), slice(None), *(slice(b, b + n) for b, n in rows))]


def by_group(groups: int, images: Array) -> Array:
    """[N, groups, channels of a group, ...]"""
    return images.reshape(images.shape[0], groups, -1, *images.shape[2:])


def to_small(shape: Shape, large: Array, weight: Array) -> Array:
    size = shape.small(large.shape[2:])
    x = by_group(shape.groups, padded(shape, large))
    w = weight.reshape(shape.groups, -1, *weight.shape[1:])
    made = np.zeros((len(large), shape.groups, w.shape[1], *size))
    for place, meets in shape.places(size):
        made += np.einsum(
            "ngc...,gsc->ngs...", x[(..., *meets)], w[(slice(None), slice(None), slice(None), *place)]
        )
    return made.reshape(len(large), -1, *size)


def to_large(shape: Shape, small: Array, weight: Array, size: tuple[int, ...]) -> Array:
    x = by_group(shape.groups, small)
    w = weight.reshape(shape.groups, -1, *weight.shape[1:])
    rows = zip(size, shape.before, shape.after, shape.kernel, shape.dilation, shape.stride, strict=True)
    room = [n + b + a + d * k + s for n, b, a, k, d, s in rows]
    made = np.zeros((len(small), shape.groups, weight.shape[1], *room))
    for place, meets in shape.places(small.shape[2:]):
        made[(..., *meets)] += np.einsum(
            "ngs...,gsc->ngc...", x, w[(slice(None), slice(None), slice(None), *place)]
        )
    return cropped(shape, made.reshape(len(small), -1, *room), size)


def to_weight(shape: Shape, large: Array, small: Array) -> Array:
    x, y = by_group(shape.groups, padded(shape, large)), by_group(shape.groups, small)
    made = np.zeros((shape.groups, y.shape[2], x.shape[2], *shape.kernel))
    for place, meets in shape.places(small.shape[2:]):
        met = x[(..., *meets)]
        flat = (y.reshape(*y.shape[:3], -1), met.reshape(*met.shape[:3], -1))
        made[(slice(None), slice(None), slice(None), *place)] = np.einsum("ngsp,ngcp->gsc", *flat)
    return made.reshape(-1, x.shape[2], *shape.kernel)
