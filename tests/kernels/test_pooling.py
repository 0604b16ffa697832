"""Pooling and its gradients, against loops over windows in NumPy."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from kernels.arrays import FLOATS, REALS, Array, assert_close, covers, random, seeds, wide
from kernels.images import blank_image, image, read_image

import ascend_ops as ao
from ascend_ops.ops._names import operator_name


@dataclass(frozen=True)
class Windows:
    """Attributes of a call, a number for each spatial axis."""

    image: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    ceil: bool
    adaptive: tuple[int, ...] = ()

    def counts(self) -> list[int]:
        return list(self.adaptive) or [len(self.axis(i)) for i in range(len(self.image))]

    def axis(self, i: int) -> list[tuple[int, int, int]]:
        """(first, end) inside of the image, and the length with the padding, for each output position."""
        n = self.image[i]
        if self.adaptive:
            m = self.adaptive[i]
            ends = [(o * n // m, math.ceil((o + 1) * n / m)) for o in range(m)]
            return [(a, b, b - a) for a, b in ends]
        before, after, k, s = self.before[i], self.after[i], self.kernel[i], self.stride[i]
        span = (n + before + after - k) / s
        count = (math.ceil(span) if self.ceil else math.floor(span)) + 1
        if self.ceil and (count - 1) * s >= n + before:
            count -= 1
        starts = [o * s - before for o in range(count)]
        return [(max(a, 0), min(a + k, n), min(a + k, n + after) - a) for a in starts]

    def boxes(self) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...], int]]:
        """(output position, the box of the image, the elements of the box with padding)."""
        axes = [self.axis(i) for i in range(len(self.image))]
        for place in itertools.product(*(range(len(a)) for a in axes)):
            found = [axis[o] for axis, o in zip(axes, place, strict=True)]
            yield place, tuple(slice(a, b) for a, b, _ in found), math.prod(p for _, _, p in found)


def pooled(
    x: Array, windows: Windows, largest: bool, include: bool, divisor: int
) -> tuple[Array, Array, Array]:
    """x: [planes, ...]. The result, the flat index of each largest element in its plane, and each average's
    divisor."""
    counts = windows.counts()
    y, divisors = np.zeros((len(x), *counts)), np.ones(counts)
    indices = np.zeros(y.shape, np.int64)
    flat = np.arange(math.prod(windows.image)).reshape(windows.image)
    for place, box, padded in windows.boxes():
        part = x[(slice(None), *box)].reshape(len(x), -1)
        divisors[place] = divisor or (padded if include else part.shape[1])
        if largest:
            best = part.argmax(axis=1)
            y[(slice(None), *place)] = part[np.arange(len(x)), best]
            indices[(slice(None), *place)] = flat[box].ravel()[best]
        else:
            y[(slice(None), *place)] = part.sum(axis=1) / divisors[place]
    return y, indices, divisors


def spread_averages(grad: Array, windows: Windows, divisors: Array) -> Array:
    """The gradient of an average: each position's share goes to all elements of its box."""
    made = np.zeros((len(grad), *windows.image))
    for place, box, _ in windows.boxes():
        share = grad[(slice(None), *place)] / divisors[place]
        made[(slice(None), *box)] += share.reshape(-1, *[1] * len(windows.image))
    return made


def spread_largest(grad: Array, indices: Array, shape: tuple[int, ...]) -> Array:
    made = np.zeros((len(grad), math.prod(shape)))
    for plane in range(len(grad)):
        np.add.at(made[plane], indices[plane].ravel(), grad[plane].ravel())
    return made.reshape(len(grad), *shape)


@dataclass(frozen=True)
class Case:
    operator: str
    axes: int
    dtypes: str = FLOATS
    index: str = ""
    """dtypes of indices"""
    last: bool = False

    @property
    def backward(self) -> bool:
        return self.operator.endswith("Backward")

    @property
    def adaptive(self) -> bool:
        return "Adaptive" in self.operator

    @property
    def largest(self) -> bool:
        return "Max" in self.operator


CASES = [
    Case("aclnnAvgPool2d", 2),
    Case("aclnnAvgPool2dBackward", 2),
    Case("aclnnAvgPool3d", 3),
    Case("aclnnAvgPool3dBackward", 3),
    Case("aclnnMaxPool", 2, "float32 float16"),
    Case("aclnnMaxPool2dWithIndices", 2, index="int32 int64"),
    Case("aclnnMaxPool2dWithIndicesBackward", 2, "float32", index="int32"),
    Case("aclnnMaxPool3dWithArgmax", 3, index="int32"),
    Case("aclnnMaxPool3dWithArgmaxBackward", 3, index="int32"),
    Case("aclnnAdaptiveAvgPool2d", 2),
    Case("aclnnAdaptiveAvgPool2dBackward", 2),
    Case("aclnnAdaptiveAvgPool3d", 3),
    Case("aclnnAdaptiveAvgPool3dBackward", 3),
    Case("aclnnAdaptiveMaxPool2d", 2, REALS, index="int64", last=True),
    Case("aclnnAdaptiveMaxPool2dBackward", 2, index="int32 int64"),
    Case("aclnnAdaptiveMaxPool3d", 3, index="int32"),
    Case("aclnnAdaptiveMaxPool3dBackward", 3, index="int32"),
]


def draw(rng: np.random.Generator, axes: int, adaptive: bool) -> Windows:
    def numbers(low: int, high: int) -> tuple[int, ...]:
        return tuple(int(n) for n in rng.integers(low, high, axes))

    size, kernel = numbers(3, 8), numbers(1, 4)
    pads = tuple(int(rng.integers(0, k // 2 + 1)) for k in kernel)
    ceil = bool(rng.random() < 0.5)
    return Windows(size, kernel, numbers(1, 4), pads, pads, ceil, numbers(1, 8) if adaptive else ())


def arguments_of(case: Case, windows: Windows, include: bool, divisor: int) -> list[Any]:
    """Those behind the tensors."""
    if case.adaptive:
        return [] if case.backward else [list(windows.adaptive)]
    kernel, stride, pads = list(windows.kernel), list(windows.stride), list(windows.before)
    if case.operator == "aclnnMaxPool":
        return [kernel, stride, 0, pads, [], int(windows.ceil)]
    if case.largest:
        return [kernel, stride, pads, [1] * case.axes, windows.ceil]
    return [kernel, stride, pads, windows.ceil, include, divisor, *([0] if case.axes == 2 else [])]


def check_once(case: Case, rng: np.random.Generator, dtype: str) -> None:
    windows = draw(rng, case.axes, case.adaptive)
    include, divisor = bool(rng.random() < 0.5), int(rng.choice([0, 0, 3, -2]))
    divisor = 0 if case.adaptive else divisor
    last = case.last and bool(rng.random() < 0.5)
    lead = (2, 3) if last or rng.random() < 0.5 else (3,)
    host = random(rng, (*lead, *windows.image), dtype)
    planes = wide(host).reshape(-1, *windows.image)
    y, indices, divisors = pooled(planes, windows, case.largest, include, divisor)
    arguments = arguments_of(case, windows, include, divisor)
    call = getattr(ao.ops, operator_name(case.operator))
    index = str(rng.choice(case.index.split())) if case.index else ""
    counts = (*lead, *windows.counts())
    if not case.backward:
        out = blank_image(rng, counts, dtype, last)
        outs = (out, blank_image(rng, counts, index, last)) if index else (out,)
        call(image(rng, host, last), *arguments, out=outs if index else out)
        assert_close(read_image(out, last), y.reshape(counts), dtype, 1, 2e-6)
        if index:
            assert_close(read_image(outs[1], last), indices.reshape(counts), index)
        return
    grad = random(rng, counts, dtype)
    flat = wide(grad).reshape(-1, *windows.counts())
    expected = (
        spread_largest(flat, indices, windows.image)
        if case.largest
        else spread_averages(flat, windows, divisors)
    )
    chosen = [image(rng, indices.reshape(counts).astype(index))] if index else []
    out = blank_image(rng, host.shape, dtype)
    call(image(rng, grad), image(rng, host), *chosen, *arguments, out=out)
    assert_close(out, expected.reshape(host.shape), dtype, 1, 1e-5)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(c, id=c.operator, marks=covers(c.operator, f"{c.dtypes} {c.index}".strip()))
        for c in CASES
    ],
)
def test_pooling(case: Case) -> None:
    @seeds(5)
    def example(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for dtype in case.dtypes.split():
            check_once(case, rng, dtype)

    example()


@covers("aclnnMaxPool2dWithMask aclnnMaxPool2dWithMaskBackward", FLOATS)
def test_the_mask_leads_gradients_to_the_largest_elements() -> None:
    """What the mask's bits mean is not documented: the pair of operators is tested together."""
    rng = np.random.default_rng(7)
    for dtype in FLOATS.split():
        windows = Windows((7, 6), (3, 2), (2, 1), (1, 1), (1, 1), True)
        host = random(rng, (2, 3, 7, 6), dtype)
        y, indices, _ = pooled(wide(host).reshape(-1, 7, 6), windows, True, False, 0)
        counts = windows.counts()
        attributes = ([3, 2], [2, 1], [1, 1], [1, 1], True)
        out, mask = ao.ops.max_pool2d_with_mask(image(rng, host), *attributes)
        assert mask.shape == (2, 3, 6, (math.ceil(math.prod(counts) / 16) + 1) * 32)
        assert_close(out, y.reshape(2, 3, *counts), dtype)
        grad = random(rng, (2, 3, *counts), dtype)
        back = ao.ops.max_pool2d_with_mask_backward(image(rng, grad), image(rng, host), mask, *attributes)
        expected = spread_largest(wide(grad).reshape(-1, *counts), indices, (7, 6)).reshape(host.shape)
        assert_close(back, expected, dtype, 1, 1e-5)


def test_largest_elements_of_nans_and_infinities() -> None:
    """NaN is larger than all; of several the last one counts. A window of -inf has its first element:
    PyTorch's rules, the document leaves them open."""
    nan, inf = np.nan, np.inf
    host = np.array([[[1, nan, 2, nan], [-inf, -inf, inf, 3]]], np.float32)
    out, indices = ao.ops.max_pool2d_with_indices(ao.asarray(host), [1, 2], [1, 2], [0], [1], False)
    np.testing.assert_array_equal(out.numpy(), [[[nan, nan], [-inf, inf]]])
    np.testing.assert_array_equal(indices.numpy(), [[[1, 3], [4, 6]]])


def test_padding_of_each_side() -> None:
    host = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    made = ao.ops.max_pool(ao.asarray(host), [3, 2], [1, 1], 0, [2, 1, 0, 0], [1], 0)
    windows = Windows((3, 4), (3, 2), (1, 1), (2, 1), (0, 0), False)
    np.testing.assert_array_equal(made.numpy(), pooled(host, windows, True, False, 0)[0])


def test_an_index_outside_of_the_plane_fails_on_the_device() -> None:
    x, indices = ao.asarray(np.zeros((1, 2, 2), np.float32)), ao.asarray(np.full((1, 2, 2), 4, np.int64))
    stream = ao.Stream()
    with stream:
        ao.ops.adaptive_max_pool2d_backward(x, x, indices)
        with pytest.raises(ao.AclError, match="indices") as caught:
            stream.synchronize()
    stream.close()
    assert caught.value.code == 507015


def test_empty_batches_are_nothing_to_do() -> None:
    assert ao.ops.adaptive_avg_pool2d(ao.empty((0, 3, 4, 4), "float32"), [2, 2]).shape == (0, 3, 2, 2)


def test_averages_may_be_of_values_rounded_to_float16() -> None:
    """cubeMathType 2, USE_FP16."""
    x = np.float32([[[2049, 2049], [1, 1]]])
    x[0, 1] += 2.0**-12
    out = ao.empty((1, 1, 1), "float32")
    ao.ops.avg_pool2d(ao.asarray(x), [2], [2], [0], False, True, 0, 2, out=out)
    assert float(out.numpy()[0, 0, 0]) == (2048 * 2 + 2) / 4


X = np.zeros((1, 2, 4, 4), np.float32)


@pytest.mark.parametrize(
    ("call", "arguments", "text"),
    [
        ("max_pool", (X.astype(np.int32), [2], [2], 0, [0], [1], 0), "self"),
        ("max_pool", (X, [2], [2], 0, [0], [2], 0), "dilations"),
        ("max_pool", (X, [2], [0], 0, [0], [1], 0), "strides"),
        ("avg_pool2d", (X, [2], [2], [2], False, True, 0, 0), "paddings"),
        ("avg_pool2d", (X, [2], [2], [0], False, True, 0, 1), "cubeMathType is 1"),
        ("max_pool", (X, [2], [2], 1, [], [1], 0), "autoPad is 1"),
        ("avg_pool2d", (X, [0], [2], [0], False, True, 0, 0), "kernelSize"),
        ("avg_pool2d", (X, [3], [3], [0], False, True, 0, 0), "out"),
        ("avg_pool2d", (X[0, 0], [2], [2], [0], False, True, 0, 0), "self"),
        ("adaptive_avg_pool2d", (X, [2]), "outputSize"),
    ],
)
def test_refusals_name_the_argument(call: str, arguments: tuple[object, ...], text: str) -> None:
    device = [ao.asarray(a) if isinstance(a, np.ndarray) else a for a in arguments]
    with pytest.raises(ao.AclError, match=text) as caught:
        getattr(ao.ops, call)(*device, out=ao.empty((1, 2, 2, 2), "float32"))
    assert caught.value.code == 161002
