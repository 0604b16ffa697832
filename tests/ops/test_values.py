"""Results against the independent reference: layouts, non-finite values, empty tensors, random cases."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
import reference as ref
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels.arrays import covers

import ascend_ops as ao

FLOATS = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16}


def floats(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> ref.Array:
    values = rng.standard_normal(shape) * rng.choice([1e-3, 1.0, 50.0])
    return np.asarray(values.astype(FLOATS[dtype]))


def int8_values(y: ao.Tensor) -> ref.Array:
    host = y.numpy()
    return ref.unpack_int4(host).reshape(*host.shape[:-1], -1) if y.dtype == "int32" else host.astype(np.int8)


def assert_quantized(results: tuple[ao.Tensor, ...], kind: str, expected: tuple[Any, ...]) -> None:
    y, scale, offset, before = expected
    difference = np.abs(int8_values(results[0]).astype(int) - y)
    assert (difference <= ref.near_tie(before)).all()
    np.testing.assert_allclose(results[1].numpy(), scale, rtol=4e-7, atol=0)
    assert len(results) == (2 if offset is None else 3)
    if offset is not None:
        error = np.abs(results[2].numpy() - offset)
        assert (error <= 4e-7 * np.maximum(np.abs(offset), ref.LIMITS[kind])).all()


@covers("aclnnDynamicQuantV2", "float16 bfloat16")
@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    lead=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    length=st.integers(1, 12),
    dtype=st.sampled_from(sorted(FLOATS)),
    dst=st.sampled_from(["int8", "int4", "int32"]),
    symmetric=st.booleans(),
    smooth=st.sampled_from(["none", "all", "experts"]),
)
def test_random_rows_are_quantized_as_the_reference_does(
    seed: int, lead: list[int], length: int, dtype: str, dst: str, symmetric: bool, smooth: str
) -> None:
    rng = np.random.default_rng(seed)
    length *= {"int8": 1, "int4": 2, "int32": 8}[dst]
    x = floats(rng, (*lead, length), dtype)
    experts = int(rng.integers(1, 5))
    rows = int(np.prod(lead))
    group = np.append(np.sort(rng.integers(0, rows + 1, experts - 1)), rows).astype(np.int32)
    shape = {"none": None, "all": (length,), "experts": (experts, length)}[smooth]
    scales = None if shape is None else floats(rng, shape, dtype)
    index = group if smooth == "experts" else None
    kind = "int8" if dst == "int8" else "int4"
    results = ao.ops.dynamic_quant_v2(x, scales, index, dst_type=dst, symmetric=symmetric)
    assert_quantized(results, kind, ref.dynamic_quant_v2(x, scales, index, kind, symmetric))


@covers("aclnnAscendAntiQuant", "int8 int4 int32")
@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=5),
    source=st.sampled_from(["int8", "int4", "int32"]),
    scale_dtype=st.sampled_from(["float32", "bfloat16"]),
    dst=st.sampled_from(sorted(FLOATS)),
    per_channel=st.booleans(),
    with_offset=st.booleans(),
    sqrt_mode=st.booleans(),
)
def test_random_tensors_are_dequantized_bit_for_bit(
    seed: int,
    shape: list[int],
    source: str,
    scale_dtype: str,
    dst: str,
    per_channel: bool,
    with_offset: bool,
    sqrt_mode: bool,
) -> None:
    rng = np.random.default_rng(seed)
    if source == "int4":
        shape = [*shape[:-1], shape[-1] * 2]
    low, high = {"int8": (-128, 128), "int4": (-8, 8), "int32": (-(2**31), 2**31)}[source]
    x = rng.integers(low, high, shape).astype(ref.DTYPES[source])
    length = (shape[-1] * (8 if source == "int32" else 1)) if per_channel else 1
    scale = rng.standard_normal(length).astype(ref.DTYPES[scale_dtype])
    offset = (rng.standard_normal(length) * 9).astype(ref.DTYPES[scale_dtype]) if with_offset else None
    y = ao.ops.ascend_anti_quant(x, scale, offset, dst_type=dst, sqrt_mode=sqrt_mode)
    expected = ref.ascend_anti_quant(x, scale, offset, dst, sqrt_mode)
    assert y.shape == expected.shape
    assert y.numpy().tobytes() == expected.tobytes()


VIEWS = {
    "transposed": lambda t: t.transpose(1, 0, 2),
    "every other row": lambda t: t[:, ::2],
    "every third column": lambda t: t[..., ::3],
    "behind an offset": lambda t: t[1:, 1:, 5:],
    "broadcast": lambda t: t[:1].broadcast_to((3, 6, 24)),
}


@pytest.mark.parametrize("view", list(VIEWS))
def test_views_of_every_layout_may_be_quantized(view: str) -> None:
    x = floats(np.random.default_rng(1), (4, 6, 24), "float16")
    expected_x = np.broadcast_to(x[:1], (3, 6, 24)) if view == "broadcast" else VIEWS[view](x)
    results = ao.ops.dynamic_quant_v2(VIEWS[view](ao.asarray(x)), symmetric=False)
    assert_quantized(results, "int8", ref.dynamic_quant_v2(expected_x, symmetric=False))


@pytest.mark.parametrize("view", list(VIEWS))
def test_views_of_every_layout_may_be_dequantized(view: str) -> None:
    x = np.random.default_rng(2).integers(-128, 128, (4, 6, 24)).astype(np.int8)
    expected_x = np.broadcast_to(x[:1], (3, 6, 24)) if view == "broadcast" else VIEWS[view](x)
    y = ao.ops.ascend_anti_quant(VIEWS[view](ao.asarray(x)), [0.37], [3])
    expected = ref.ascend_anti_quant(expected_x, np.array([0.37], np.float32), np.array([3], np.float32))
    assert y.numpy().tobytes() == expected.tobytes()


def test_strided_views_may_be_written_and_nothing_beside_them_is() -> None:
    x = floats(np.random.default_rng(3), (5, 8), "float16")
    y_all, scale_all = ao.zeros((5, 16), "int8"), ao.zeros((5, 3), "float32")
    out = (y_all[:, ::2], scale_all[:, 1])
    assert ao.ops.dynamic_quant_v2(x, out=out) == out
    y, scale, _, _ = ref.dynamic_quant_v2(x)
    np.testing.assert_array_equal(y_all.numpy()[:, ::2], y)
    np.testing.assert_allclose(scale_all.numpy()[:, 1], scale, rtol=4e-7)
    assert not y_all.numpy()[:, 1::2].any()
    assert not scale_all.numpy()[:, ::2].any()


def test_out_is_what_is_returned() -> None:
    y = ao.empty((4, 2), "bfloat16")
    x = np.arange(8, dtype=np.int8).reshape(4, 2)
    assert ao.ops.ascend_anti_quant(x, [1.0], dst_type=ao.bfloat16, out=y) is y
    np.testing.assert_array_equal(y.numpy().astype(int), x)


def test_a_row_with_an_infinity_gets_an_infinite_scale_and_zeros() -> None:
    x = np.array([[1, np.inf, -2, 3], [1, -np.inf, 0, 0], [127, 1, 2, -3]], np.float16)
    y, scale = ao.ops.dynamic_quant_v2(x)
    np.testing.assert_array_equal(scale.numpy()[:2], [np.inf, np.inf])
    np.testing.assert_array_equal(y.numpy(), [[0] * 4, [0] * 4, [127, 1, 2, -3]])


def test_a_row_with_a_nan_leaves_the_other_rows_alone() -> None:
    x = np.array([[1, np.nan, -2, 3], [127, 1, 2, -3]], np.float16)
    y, scale = ao.ops.dynamic_quant_v2(x)
    np.testing.assert_array_equal(y.numpy()[1], [127, 1, 2, -3])
    assert scale.numpy()[1] == 1


def test_non_finite_scales_follow_ieee_arithmetic() -> None:
    x = np.array([[0, 1, -1, 2]], np.int8)
    scale = np.array([np.inf, np.inf, -np.inf, np.nan], np.float32)
    y = ao.ops.ascend_anti_quant(x, scale).numpy()
    np.testing.assert_array_equal(y, [[np.nan, np.inf, np.inf, np.nan]])


@pytest.mark.parametrize(("shape", "symmetric"), [((0, 16), True), ((3, 0, 16), False)])
def test_no_rows_give_empty_results(shape: tuple[int, ...], symmetric: bool) -> None:
    y, *rest = ao.ops.dynamic_quant_v2(ao.empty(shape, ao.float16), symmetric=symmetric)
    assert y.numpy().shape == shape
    assert [each.numpy().shape for each in rest] == [shape[:-1]] * (1 if symmetric else 2)


def test_rows_without_elements_leave_the_scale_as_it_was() -> None:
    scale = ao.asarray(np.array([5, 6], np.float32))
    ao.ops.dynamic_quant_v2(ao.empty((2, 0), "float16"), out=(ao.empty((2, 0), "int8"), scale))
    assert scale.numpy().tolist() == [5, 6]


def test_nothing_to_dequantize_gives_an_empty_result() -> None:
    assert ao.ops.ascend_anti_quant(ao.empty((0, 8), "int8"), [1.0]).numpy().shape == (0, 8)
    assert ao.ops.ascend_anti_quant(ao.empty((2, 0), "int32"), [1.0]).numpy().shape == (2, 0)


def test_zero_dimensional_words_become_eight_elements() -> None:
    y = ao.ops.ascend_anti_quant(np.array(0x12345678, np.int32), [0.25])
    assert y.numpy().tolist() == [-2, 1.75, 1.5, 1.25, 1, 0.75, 0.5, 0.25]


def test_a_large_tensor_is_right_in_every_row() -> None:
    x = floats(np.random.default_rng(4), (300, 4096), "bfloat16")
    y, scale = ao.ops.dynamic_quant_v2(x)
    expected = ref.dynamic_quant_v2(x)
    assert_quantized((y, scale), "int8", expected)
    back = ao.ops.ascend_anti_quant(y, np.array([0.5], np.float32))
    assert back.numpy().tobytes() == ref.ascend_anti_quant(y.numpy(), np.array([0.5], np.float32)).tobytes()
