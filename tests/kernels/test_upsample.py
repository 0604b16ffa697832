"""Upsampling and its gradients. The reference builds, from the documents' formulas, a dense matrix for each
axis: the forward operators multiply with it, the backward operators with its transpose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from kernels.arrays import FLOATS, REALS, Array, assert_close, covers, random, seeds, wide
from kernels.images import blank_image, image, read_image

import ascend_ops as ao
from ascend_ops.ops._names import operator_name


def cubic(distance: Array, a: float) -> Array:
    d = np.abs(distance)
    near = (a + 2) * d**3 - (a + 3) * d**2 + 1
    far = a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def nearest(inputs: int, outputs: int, step: float, shift: float) -> Array:
    """In float32, as PyTorch and the operators' tiling have it."""
    place = (np.arange(outputs, dtype=np.float32) + np.float32(shift)) * np.float32(step)
    return np.eye(inputs)[np.minimum(np.floor(place).astype(int), inputs - 1)]


def interpolated(inputs: int, outputs: int, step: float, corners: bool, kind: str) -> Array:
    o = np.arange(outputs)
    place = o * step if corners else (o + 0.5) * step - 0.5
    if kind == "linear":
        place = np.minimum(np.maximum(place, 0), inputs - 1)
    left = np.floor(place).astype(int)
    matrix = np.zeros((outputs, inputs))
    for k in range(-1, 3):
        distance = place - left - k
        weight = np.maximum(1 - np.abs(distance), 0) if kind == "linear" else cubic(distance, -0.75)
        np.add.at(matrix, (o, np.clip(left + k, 0, inputs - 1)), weight)
    return matrix


def antialiased(inputs: int, outputs: int, step: float, kind: str) -> Array:
    """The filter stretched by the step when shrinking, cut off at the image's edges, normalised."""
    wide_by, reach = max(step, 1.0), 1 if kind == "linear" else 2
    matrix = np.zeros((outputs, inputs))
    for o in range(outputs):
        centre = (o + 0.5) * step
        low = max(int(centre - reach * wide_by + 0.5), 0)
        high = min(int(centre + reach * wide_by + 0.5), inputs)
        distance = (np.arange(low, high) + 0.5 - centre) / wide_by
        weight = np.maximum(1 - np.abs(distance), 0) if kind == "linear" else cubic(distance, -0.5)
        matrix[o, low:high] = weight / weight.sum() if weight.sum() else 0
    return matrix


def matrix_of(method: str, inputs: int, outputs: int, corners: bool, scale: float) -> Array:
    if corners:
        step = (inputs - 1) / (outputs - 1) if outputs > 1 else 0.0
    else:
        step = 1 / scale if scale > 0 else inputs / outputs
    if method.startswith("nearest"):
        return nearest(inputs, outputs, step, 0.5 if method == "nearest exact" else 0.0)
    if method.endswith("AA"):
        return antialiased(inputs, outputs, step, method[:-3])
    return interpolated(inputs, outputs, step, corners, method)


@dataclass(frozen=True)
class Case:
    operator: str
    method: str
    axes: int
    dtypes: str
    scales: bool = True
    last: bool = False
    """Takes NHWC, NDHWC."""
    ratio: float = 1
    """The most that lengths may shrink by."""

    @property
    def backward(self) -> bool:
        return "Backward" in self.operator or "Grad" in self.operator

    @property
    def corners(self) -> bool:
        return not self.method.startswith("nearest")


def family(axes: int, name: str, method: str, dtypes: str, gradients: str, **more: bool) -> list[Case]:
    back = "Grad" if name == "Bicubic2dAA" else "Backward"
    return [
        Case(f"aclnnUpsample{name}", method, axes, dtypes, **more),
        Case(f"aclnnUpsample{name}{back}", method, axes, gradients, **more),
    ]


BYTES = " uint8"
CASES = [
    Case("aclnnUpsampleNearest1d", "nearest", 1, REALS + BYTES, scales=False),
    Case("aclnnUpsampleNearest1dV2", "nearest", 1, REALS + BYTES),
    Case("aclnnUpsampleNearest1dBackward", "nearest", 1, REALS),
    Case("aclnnUpsampleNearest2d", "nearest", 2, REALS + BYTES, scales=False, last=True),
    Case("aclnnUpsampleNearest2dV2", "nearest", 2, REALS + BYTES, last=True),
    Case("aclnnUpsampleNearest2dBackward", "nearest", 2, FLOATS, last=True),
    *family(3, "Nearest3d", "nearest", REALS, REALS, last=True),
    *family(1, "NearestExact1d", "nearest exact", FLOATS + BYTES, FLOATS),
    *family(2, "NearestExact2d", "nearest exact", FLOATS + BYTES, FLOATS),
    *family(3, "NearestExact3d", "nearest exact", FLOATS, FLOATS, last=True),
    *family(1, "Linear1d", "linear", FLOATS, FLOATS),
    *family(2, "Bilinear2d", "linear", FLOATS, FLOATS, last=True),
    Case("aclnnUpsampleBilinear2d", "linear", 2, "float64", last=True),
    Case("aclnnUpsampleBilinear2dBackwardV2", "linear", 2, FLOATS, last=True),
    *family(3, "Trilinear3d", "linear", REALS, REALS, last=True),
    *family(2, "Bicubic2d", "cubic", FLOATS, FLOATS),
    *family(2, "Bilinear2dAA", "linear AA", FLOATS, FLOATS),
    *family(2, "Bicubic2dAA", "cubic AA", FLOATS, FLOATS),
]


def apply(values: Array, matrices: list[Array]) -> Array:
    """Along the axes behind the first two; where a weight is 0 the element does not count."""
    for axis, matrix in enumerate(matrices, start=2):
        values = np.moveaxis(np.tensordot(matrix, values, axes=(1, axis)), 0, axis)
    return values


def sizes(
    rng: np.random.Generator, case: Case, given_scales: bool
) -> tuple[list[int], list[int], list[float]]:
    """Lengths of the image, of the resampled image, and the scales between them (0: not given)."""
    inputs = [int(n) for n in rng.integers(2, 9, case.axes)]
    if not given_scales:
        return inputs, [int(n) for n in rng.integers(1, 15, case.axes)], [0.0] * case.axes
    scales = [float(s) for s in rng.choice([0.5, 1.0, 1.5, 2.0, 2.75], case.axes)]
    return inputs, [max(int(n * s), 1) for n, s in zip(inputs, scales, strict=True)], scales


def check_once(case: Case, rng: np.random.Generator, dtype: str) -> None:
    given_scales = case.scales and rng.random() < 0.5
    inputs, outputs, scales = sizes(rng, case, given_scales)
    corners = case.corners and bool(rng.random() < 0.5)
    last = case.last and (dtype == "float64" or bool(rng.random() < 0.5))
    lead = (int(rng.integers(1, 3)), int(rng.integers(1, 4)))
    matrices = [
        matrix_of(case.method, n, m, corners, s) for n, m, s in zip(inputs, outputs, scales, strict=True)
    ]
    source, target = (outputs, inputs) if case.backward else (inputs, outputs)
    host = random(rng, (*lead, *source), dtype, 0 if dtype == "uint8" else -4, 200 if dtype == "uint8" else 4)
    expected = apply(wide(host), [m.T for m in matrices] if case.backward else matrices)
    shape = [*lead, *inputs] if not last else [lead[0], *inputs, lead[1]]
    arguments: list[object] = [outputs, *([shape] if case.backward else [])]
    arguments += [corners] if case.corners else []
    arguments += scales if case.scales else []
    out = blank_image(rng, (*lead, *target), dtype, last)
    call = getattr(ao.ops, operator_name(case.operator))
    assert call(image(rng, host, last), *arguments, out=out) is out
    exact = case.method.startswith("nearest") and not case.backward
    assert_close(read_image(out, last), expected, dtype, 0 if exact else 1, 0 if exact else 2e-5)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(c, id=f"{c.operator}-{c.dtypes.split()[0]}", marks=covers(c.operator, c.dtypes))
        for c in CASES
    ],
)
def test_upsampling(case: Case) -> None:
    @seeds(5)
    def example(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for dtype in case.dtypes.split():
            check_once(case, rng, dtype)

    example()


def test_nearest_copies_infinities_and_nans() -> None:
    host = np.array([[[np.nan, np.inf, -np.inf, -0.0]]], np.float32)
    got = ao.ops.upsample_nearest1d(ao.asarray(host), [8]).numpy()
    np.testing.assert_array_equal(got, host.repeat(2, axis=-1))


def test_scales_win_over_sizes() -> None:
    """PyTorch's rule, and the documents' formula: 1 / scale is the step, whatever the sizes say."""
    host = np.arange(4, dtype=np.float32).reshape(1, 1, 4, 1)
    got = ao.ops.upsample_bilinear2d(ao.asarray(host), [4, 1], False, 4.0, 1.0).numpy()
    np.testing.assert_allclose(got.ravel(), [0, 0, 0.125, 0.375])


def test_no_images_are_nothing_to_do() -> None:
    made = ao.ops.upsample_bicubic2d(ao.empty((0, 3, 4, 4), "float32"), [8, 8], False, 0.0, 0.0)
    assert made.shape == (0, 3, 8, 8)


X = np.zeros((1, 2, 4, 4), np.float32)


@pytest.mark.parametrize(
    ("call", "arguments", "text"),
    [
        ("upsample_nearest2d", (X.astype(np.int32), [8, 8]), "self"),
        ("upsample_nearest2d", (X[0], [8, 8]), "self"),
        ("upsample_nearest2d", (X, [8, 0]), "outputSize"),
        ("upsample_bilinear2d", (X, [8, 8], False, -1.0, 1.0), "scalesH"),
        ("upsample_bicubic2d", (X, [8, 8], False, 3.0, 2.0), "outputSize"),
        ("upsample_bicubic2d_aa", (np.zeros((1, 2, 408, 8), np.float32), [8, 8], False, 0.0, 0.0), "50"),
        ("upsample_bilinear2d", (X.astype(np.float64), [8, 8], False, 2.0, 2.0), "NHWC"),
        ("upsample_nearest2d_backward", (X, [4, 4], [1, 2, 2], 0.0, 0.0), "inputSize"),
        ("upsample_nearest2d_backward", (X, [4, 5], [1, 2, 2, 2], 0.0, 0.0), "gradOut"),
    ],
)
def test_refusals_name_the_argument(call: str, arguments: tuple[object, ...], text: str) -> None:
    device = [ao.asarray(a) if isinstance(a, np.ndarray) else a for a in arguments]
    out = ao.empty((1, 2, 8, 8), "float32")
    with pytest.raises(ao.AclError, match=text) as caught:
        getattr(ao.ops, call)(*device, out=out)
    assert caught.value.code == 161002
