"""What prepares weights and scales: against the published numbers, and against NumPy on random cases."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels.arrays import covers
from ops.vectors import load

import ascend_ops as ao

HELPERS = load("aclnnQuantMatmulAllReduceV2")["helpers"]
SCALES = HELPERS["trans_quant_param"]
OFFSETS = HELPERS["trans_quant_param_with_offset"]
FLAG = 1 << 46


def published_scales() -> Any:
    return np.array([int(each["scale_float32_bits"], 16) for each in SCALES], np.uint32).view(np.float32)


# FRACTAL_NZ on the device


@covers("aclnnTransMatmulWeight", "float16 bfloat16 int8")
@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(1, 3), max_size=4),
    st.integers(1, 40),
    st.integers(1, 70),
    st.sampled_from([np.int8, np.float16, ml_dtypes.bfloat16]),
    st.sampled_from(["contiguous", "transposed", "sliced", "offset", "host"]),
)
def test_trans_matmul_weight_makes_the_storage_that_the_host_makes(
    outer: list[int], rows: int, columns: int, dtype: Any, how: str
) -> None:
    count = math.prod([*outer, rows, columns])
    weight = (np.arange(count) % 127).astype(dtype).reshape(*outer, rows, columns)
    made = ao.ops.trans_matmul_weight(weight if how == "host" else spread(weight, how))
    assert (made.shape, made.dtype, made.format) == (weight.shape, dtype, ao.Format.FRACTAL_NZ)
    storage = ao.formats.to_nz(weight)
    assert made._descriptor().storage_shape == storage.shape
    raw = ao.from_pointer(made.address, storage.shape, made.dtype, owner=made)
    ao.current_stream().synchronize()
    assert raw.numpy().tobytes() == storage.tobytes()
    assert made.numpy().tobytes() == weight.tobytes()


def spread(weight: Any, how: str) -> ao.Tensor:
    """The weight as a view of the kind that is asked for."""
    if how == "transposed":
        axes = (*range(weight.ndim - 2), weight.ndim - 1, weight.ndim - 2)
        return ao.asarray(np.ascontiguousarray(weight.swapaxes(-1, -2))).transpose(axes)
    if how == "sliced":
        return ao.asarray(np.repeat(weight, 2, axis=-1))[..., ::2]
    if how == "offset":
        return ao.asarray(np.concatenate([weight[..., :1, :], weight], axis=-2))[..., 1:, :]
    return ao.asarray(weight)


def test_trans_matmul_weight_leaves_its_input_alone() -> None:
    weight = np.arange(33 * 40, dtype=np.int16).astype(np.int8).reshape(33, 40)
    x2 = ao.asarray(weight)
    made = ao.ops.trans_matmul_weight(x2)
    ao.current_stream().synchronize()
    np.testing.assert_array_equal(x2.numpy(), weight)
    assert made.address != x2.address
    assert made.block.nbytes == ao.ops.calculate_matmul_weight_size((33, 40), "int8")


def test_trans_matmul_weight_on_another_stream_waits_for_the_upload() -> None:
    weight = np.full((256, 512), 7, np.int8)
    for _ in range(5):
        x2 = ao.asarray(weight)
        with ao.Stream():
            made = ao.ops.trans_matmul_weight(x2)
        del x2
        assert (made.numpy() == 7).all()


@pytest.mark.parametrize(
    ("x2", "error", "says"),
    [
        (None, TypeError, "x2 is None"),
        (np.zeros(5, np.int8), ValueError, "x2: format FRACTAL_NZ needs a shape of at least 2 axes"),
        ([["a"]], TypeError, "x2: <U1"),
        (np.zeros((2, 2), np.float32), ao.ParameterError, "mmWeightRef\\): float32"),
        (np.zeros((1,) * 5 + (2, 2), np.int8), ao.ParameterError, "161002"),
    ],
)
def test_trans_matmul_weight_says_what_is_wrong(x2: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        ao.ops.trans_matmul_weight(x2)


def test_trans_matmul_weight_refuses_what_is_converted_closed_or_elsewhere() -> None:
    with pytest.raises(ValueError, match=r"x2: .* is in FRACTAL_NZ already"):
        ao.ops.trans_matmul_weight(ao.ops.trans_matmul_weight(np.zeros((2, 2), np.int8)))
    closed = ao.zeros((2, 2), "int8")
    closed.close()
    with pytest.raises(ValueError, match="closed"):
        ao.ops.trans_matmul_weight(closed)


@pytest.mark.skipif("ao.Device.count() < 2", reason="needs two devices")
def test_trans_matmul_weight_refuses_a_tensor_of_another_device() -> None:
    with ao.Device(1):
        other = ao.zeros((2, 2), "int8")
    with pytest.raises(ValueError, match=r"x2 is on device 1, but .* device 0"):
        ao.ops.trans_matmul_weight(other)


# Sizes


@pytest.mark.parametrize("case", HELPERS["calculate_matmul_weight_size_v2"], ids=str)
def test_calculate_matmul_weight_size_gives_the_published(case: Any) -> None:
    assert ao.ops.calculate_matmul_weight_size(case["shape"], case["dtype"]) == case["elements"]


@pytest.mark.parametrize("dtype", ["int8", "float16", "bfloat16"])
def test_calculate_matmul_weight_size_is_the_size_of_the_storage(dtype: str) -> None:
    for shape in [(m, n) for m in (1, 15, 16, 17, 33) for n in (1, 16, 31, 32, 33)]:
        storage = ao.formats.to_nz(np.zeros((2, *shape), ao.dtype(dtype).host()))
        assert ao.ops.calculate_matmul_weight_size((2, *shape), dtype) == storage.size


@pytest.mark.parametrize(
    ("shape", "dtype", "error", "says"),
    [
        ((5,), "int8", ao.ParameterError, r"tensorShape: \[5\]"),
        ((1,) * 7, "int8", ao.ParameterError, "161002"),
        ((0, 5), "int8", ao.ParameterError, "161002"),
        ((-1, 5), "int8", ValueError, "shape: .*-1"),
        ("ab", "int8", TypeError, "shape: expected"),
        ((5, 5), "int5", TypeError, "dtype: 'int5'"),
    ],
)
def test_calculate_matmul_weight_size_says_what_is_wrong(
    shape: Any, dtype: Any, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        ao.ops.calculate_matmul_weight_size(shape, dtype)


# Packed scales


def test_trans_quant_param_packs_the_published_scales() -> None:
    packed = ao.ops.trans_quant_param(published_scales())
    assert packed.dtype == np.uint64
    assert packed.tolist() == [each["host_v1"] for each in SCALES]


def test_trans_quant_param_v2_packs_the_published_scales() -> None:
    packed = ao.ops.trans_quant_param_v2(published_scales())
    assert (packed.dtype, packed.shape) == ("uint64", (len(SCALES),))
    assert packed.numpy().tolist() == [each["device_v2_truncate"] for each in SCALES]
    used = (packed.numpy() & np.uint64(0xFFFFFFFF)).astype(np.uint32).view(np.float32)
    assert used.tolist() == [each["value_used_by_matmul_after_v2"] for each in SCALES]


def test_trans_quant_param_v2_packs_the_published_offsets() -> None:
    scales, offsets = ([each[name] for each in OFFSETS] for name in ("scale", "offset"))
    assert ao.ops.trans_quant_param_v2(scales, offsets).numpy().tolist() == [each["v2"] for each in OFFSETS]


def test_halves_of_offsets_are_rounded_away_from_zero_on_the_host_and_to_even_on_the_device() -> None:
    offsets = [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 400.0, -400.0]
    one = [1.0] * len(offsets)
    base = int(np.float32(1).view(np.uint32)) | FLAG
    host = [1, 2, 3, -1, -2, -3, 255, -256]
    device = [0, 2, 2, 0, -2, -2, 255, -256]
    assert ao.ops.trans_quant_param(one, offsets).tolist() == [base | (each & 0x1FF) << 37 for each in host]
    packed = ao.ops.trans_quant_param_v2(one, offsets)
    assert packed.numpy().tolist() == [base | (each & 0x1FF) << 37 for each in device]


@covers("aclnnTransQuantParam aclnnTransQuantParamV2", "float32")
@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=40), st.booleans())
def test_any_float_is_packed_bit_by_bit(bits: list[int], is_row: bool) -> None:
    words = np.array(bits, np.uint32)
    scales = words.view(np.float32).reshape((1, -1) if is_row else -1)
    expected = words.astype(np.uint64) | np.uint64(FLAG)
    host = ao.ops.trans_quant_param(scales)
    assert host.shape == scales.shape
    assert host.reshape(-1).tolist() == expected.tolist()
    device = ao.ops.trans_quant_param_v2(scales)
    assert device.shape == scales.shape
    cut = (words & np.uint32(0xFFFFE000)).astype(np.uint64) | np.uint64(FLAG)
    assert device.numpy().reshape(-1).tolist() == cut.tolist()


@covers("aclnnTransQuantParamV3", "float32")
@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=40))
def test_trans_quant_param_v3_cuts_or_rounds_to_even_as_it_is_told(bits: list[int]) -> None:
    words = np.array(bits, np.uint32)
    exponents = words >> 23 & 0xFF
    near = words + 0xFFF + (words >> 13 & 1)
    rounded = np.where(exponents == 0, words & 0x80000000, np.where(exponents == 0xFF, words, near))
    for mode, expected in enumerate((words, rounded)):
        packed = ao.ops.trans_quant_param_v3(words.view(np.float32), round_mode=mode).numpy()
        assert (
            packed.tolist()
            == ((expected & np.uint32(0xFFFFE000)).astype(np.uint64) | np.uint64(FLAG)).tolist()
        )


def test_trans_quant_param_v2_writes_the_callers_tensor_of_either_type() -> None:
    for dtype in ("uint64", "int64"):
        out = ao.zeros(2, dtype)
        assert ao.ops.trans_quant_param_v2([1.0, 3.0], out=out) is out
        assert out.dtype == dtype
        assert out.numpy().tolist() == [70369809530880, 70369822113792]


def test_one_offset_serves_all_scales_on_the_device() -> None:
    packed = ao.ops.trans_quant_param_v2([1.0, 1.0], [2.0]).numpy().tolist()
    assert packed == [70644687437824] * 2


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: ao.ops.trans_quant_param(None), TypeError, "scale is None"),
        (lambda: ao.ops.trans_quant_param([]), ao.ParameterError, "scaleSize: 0"),
        (lambda: ao.ops.trans_quant_param(["x"]), TypeError, "scale: "),
        (lambda: ao.ops.trans_quant_param(np.ones(2)), TypeError, "scale: float64 elements"),
        (
            lambda: ao.ops.trans_quant_param([1.0], [1.0, 2.0]),
            ValueError,
            "offset has 2 elements and scale 1",
        ),
        (lambda: ao.ops.trans_quant_param([1.0], np.ones(1, int)), TypeError, "offset: int64 elements"),
        (lambda: ao.ops.trans_quant_param_v2(None), TypeError, "scale is None"),
        (lambda: ao.ops.trans_quant_param_v2(None, out=ao.empty(1, "uint64")), ao.ParameterError, "161001"),
        (lambda: ao.ops.trans_quant_param_v2(np.ones(2)), ao.ParameterError, "scale: float64"),
        (lambda: ao.ops.trans_quant_param_v2([[1.0], [1.0]]), ao.ParameterError, "scale: float32"),
        (lambda: ao.ops.trans_quant_param_v2([1.0] * 3, [1.0] * 2), ao.ParameterError, "161002"),
        (
            lambda: ao.ops.trans_quant_param_v2([1.0], out=ao.empty(1, "int32")),
            ao.ParameterError,
            "out: int32",
        ),
        (lambda: ao.ops.trans_quant_param_v2([1.0], out=[1]), TypeError, "out must be a Tensor|out: out"),
    ],
)
def test_packing_says_what_is_wrong(call: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        call()


def test_packing_many_scales_on_the_host_gives_the_memory_back() -> None:
    scales = np.ones(1 << 17, np.float32)  # 1 MiB of results per call
    ao.ops.trans_quant_param(scales)
    before = resident_pages()
    for _ in range(100):
        ao.ops.trans_quant_param(scales)
    assert resident_pages() - before < 50 << 20 >> 12


def resident_pages() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1])
