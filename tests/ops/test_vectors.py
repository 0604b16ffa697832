"""Every vector of the two files, through Python."""

from __future__ import annotations

import numpy as np
import pytest
import reference as ref
from ops.vectors import Case, arrays, digest, load

import ascend_ops as ao

QUANT = load("aclnnDynamicQuantV2")["vectors"]
ANTI_QUANT = load("aclnnAscendAntiQuant")["vectors"]


def values(y: ref.Array) -> ref.Array:
    """int4 values as int8, whatever they are packed in."""
    return ref.unpack_int4(y) if y.dtype == np.int32 else y.astype(np.int8)


def floats(spec: Case) -> ref.Array:
    """Expected float32 values, from their bits where the file gives all of them."""
    bits = [int(word, 16) for word in spec["bits_head"]]
    if len(bits) == np.prod(spec["shape"], dtype=int):
        return np.array(bits, np.uint32).view(np.float32).reshape(spec["shape"])
    return np.array(spec["data"], np.float32).reshape(spec["shape"])


@pytest.mark.parametrize("case", QUANT, ids=lambda case: case["name"])
def test_dynamic_quant_v2_gives_the_published_vector(case: Case) -> None:
    given, expected = arrays(case), case["expected"]
    results: tuple[ao.Tensor, ...] = ao.ops.dynamic_quant_v2(
        given["x"],
        given["smoothScalesOptional"],
        given["groupIndexOptional"],
        dst_type=case["dstType"],
        symmetric=case["offsetOut_is_null"],
    )
    y, scale = results[0], results[1]
    assert y.dtype == expected["yOut"]["dtype"]
    assert y.shape == tuple(expected["yOut"]["shape"])
    y_host = y.numpy()
    assert digest(y_host) == expected["yOut"]["sha256"]
    if "data" in expected["yOut"]:
        assert y_host.reshape(-1).tolist() == expected["yOut"]["data"]
    if "unpacked" in expected["yOut"]:
        assert values(y_host).reshape(-1).tolist() == expected["yOut"]["unpacked"]
    np.testing.assert_allclose(scale.numpy(), floats(expected["scaleOut"]), rtol=4e-7, atol=0)
    if expected["offsetOut"] is None:
        assert len(results) == 2
    else:
        limit = 127 if y.dtype == "int8" else 7
        offset = floats(expected["offsetOut"])
        error = np.abs(results[2].numpy() - offset)
        assert (error <= 4e-7 * np.maximum(np.abs(offset), limit)).all()


@pytest.mark.parametrize("case", ANTI_QUANT, ids=lambda case: case["name"])
def test_ascend_anti_quant_gives_the_published_vector(case: Case) -> None:
    given, expected = arrays(case), case["expected"]["y"]
    y = ao.ops.ascend_anti_quant(
        given["x"], given["scale"], given["offset"], dst_type=case["dstType"], sqrt_mode=case["sqrtMode"]
    )
    assert (y.dtype, y.shape) == (expected["dtype"], tuple(expected["shape"]))
    assert digest(y.numpy()) == expected["sha256"]
