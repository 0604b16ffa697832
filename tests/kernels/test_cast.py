"""aclnnCast between every two types."""

from __future__ import annotations

import numpy as np
import pytest
from kernels.arrays import COMPLEXES, NUMBERS, Array, covers, host_dtype, layout, random, shape_of, wide

import ascend_ops as ao

UNSIGNED = "uint16 uint32 uint64"
TYPES = f"{NUMBERS} {UNSIGNED} {COMPLEXES}"


def convert(values: Array, dtype: str) -> Array:
    """Floats to integers: without their fraction, NaN as 0 (documented), kept in range; integers to narrower
    ones: their low bits; complex to real: the real part, as in PyTorch; to bool: whether it is not 0."""
    target = host_dtype(dtype)
    if dtype == "bool":
        return wide(values) != 0
    real = values.real if values.dtype.kind == "c" and target.kind != "c" else values
    if target.kind in "iu" and real.dtype.kind not in "iub":
        return saturate(wide(real).real, target)
    if real.dtype.kind in "iub":
        return real.astype(target)
    return wide(real).astype(target)


def saturate(values: Array, target: np.dtype[np.generic]) -> Array:
    limits = np.iinfo(target)  # type: ignore[type-var]
    whole = np.trunc(np.nan_to_num(values, nan=0, posinf=1e300, neginf=-1e300))
    flat = [min(max(int(value), limits.min), limits.max) for value in whole.ravel().tolist()]
    return np.array(flat, target).reshape(whole.shape)


@covers("aclnnCast aclnnCastV3", TYPES)
@pytest.mark.parametrize("source", TYPES.split())
def test_cast(source: str) -> None:
    rng = np.random.default_rng(len(source))
    for target in TYPES.split():
        with np.errstate(all="ignore"):
            values = random(rng, shape_of(rng), source, -300, 70000, special=True)
            expected = convert(values, target)
        result = ao.ops.cast(layout(rng, values), target)
        np.testing.assert_array_equal(result.numpy(), expected)
        out = layout(rng, np.zeros(values.shape, host_dtype(target)))
        ao.ops.cast_v3(layout(rng, values), int(out.dtype.code), out=out)
        np.testing.assert_array_equal(out.numpy(), expected)


def test_an_output_of_another_type_is_refused() -> None:
    x = ao.zeros((2,), "float32")
    with pytest.raises(ao.AclError, match="dtype is ACL_FLOAT16, but out is of type ACL_FLOAT") as raised:
        ao.ops.cast(x, "float16", out=x)
    assert raised.value.code == 161002
