"""nsa_compress through Python: the published vectors, and the independent reference for everything else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import reference as ref
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels.arrays import covers
from ops.vectors import Case, digest, load

import ascend_ops as ao

VECTORS = load("aclnnNsaCompress")["vectors"]
FLOATS = ("float16", "bfloat16")


def inputs(case: Case) -> tuple[ref.Array, ref.Array]:
    x = ref.nsa_generate(case["input"], (case["T"], case["N"], case["D"]), case["dtype"])
    return x, ref.nsa_generate(case["weight"], (case["compressBlockSize"], case["N"]), case["dtype"])


def floats(seed: int, shape: tuple[int, ...], dtype: str, scale: float = 4.0) -> ref.Array:
    values = np.random.default_rng(seed).standard_normal(shape) * scale
    return np.asarray(values.astype(ref.DTYPES[dtype]))


def same_bits(y: ao.Tensor, expected: ref.Array) -> bool:
    return y.shape == expected.shape and y.numpy().tobytes() == expected.tobytes()


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_nsa_compress_gives_the_published_vector(case: Case) -> None:
    expected = case["expected"]
    y = ao.ops.nsa_compress(
        *inputs(case), case["actSeqLen"], case["compressBlockSize"], case["compressStride"]
    )
    assert (y.dtype, y.shape) == (case["dtype"], tuple(expected["shape"]))
    assert digest(y.numpy()) == expected["sha256_le"]
    values = y.numpy().astype(float).reshape(-1)
    assert values[:8].tolist() == expected.get("first8", values[:8].tolist())
    assert values.sum() == expected.get("sum", values.sum())
    assert values.tolist() == expected.get("values", values.tolist())


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_the_reference_finds_the_windows_and_the_other_cast_of_the_published_vector(case: Case) -> None:
    block, stride = case["compressBlockSize"], case["compressStride"]
    starts = ref.nsa_starts(case["actSeqLen"], block, stride)
    assert starts == case.get("window_starts", starts)
    assert len(starts) == case["T_out"]
    if "expected_if_round_half_even" in case:
        y = ref.nsa_compress(*inputs(case), case["actSeqLen"], stride, half_even=True)
        assert digest(y) == case["expected_if_round_half_even"]["sha256_le"]


@covers("aclnnNsaCompress", "float16 bfloat16")
@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    dtype=st.sampled_from(FLOATS),
    block=st.integers(1, 8),
    stride=st.integers(1, 8),
    heads=st.integers(1, 5),
    columns=st.sampled_from([16, 32, 48, 80, 112, 256]),
    lengths=st.lists(st.integers(0, 150), min_size=1, max_size=6),
    surplus=st.integers(0, 20),
    order=st.permutations(range(3)),
    steps=st.tuples(*[st.integers(1, 2)] * 3),
)
def test_random_batches_are_compressed_bit_for_bit_in_any_layout(
    seed: int,
    dtype: str,
    block: int,
    stride: int,
    heads: int,
    columns: int,
    lengths: list[int],
    surplus: int,
    order: list[int],
    steps: tuple[int, int, int],
) -> None:
    block, stride = 16 * max(block, stride), 16 * min(block, stride)
    lengths = [*lengths, block + stride]  # at least two rows
    ends = np.cumsum(lengths)
    shape = (int(ends[-1]) + surplus, heads, columns)
    roomy = tuple(1 + length * step for length, step in zip(shape, steps, strict=True))
    storage = floats(seed, tuple(roomy[axis] for axis in order), dtype)
    back = tuple(np.argsort(order).tolist())
    cut = tuple(slice(1, None, step) for step in steps)
    x, view = storage.transpose(back)[cut], ao.asarray(storage).transpose(*back)[cut]
    weight = floats(seed + 1, (block, heads), dtype)
    y = ao.ops.nsa_compress(view, weight, ends, block, stride)
    assert view.shape == x.shape == shape
    assert same_bits(y, ref.nsa_compress(x, weight, ends.tolist(), stride))


@pytest.mark.parametrize("dtype", FLOATS)
def test_values_of_every_magnitude_are_summed_and_rounded_as_the_reference_does(dtype: str) -> None:
    rng = np.random.default_rng(8)
    bits = rng.integers(0, 2**16, (512, 3, 64), np.uint16)
    bits[64:] = np.where(rng.random((448, 3, 64)) < 0.5, bits[64:] & 0x83FF, bits[64:] & 0xBFFF)
    x = bits.view(ref.DTYPES[dtype])
    weight = rng.integers(0, 2**16, (16, 3), np.uint16).view(ref.DTYPES[dtype])
    weight[:, 0] = 1
    expected = ref.nsa_compress(x, weight, [512], 16)
    assert np.isfinite(expected[:, 0].astype(float)).sum() > 800
    assert same_bits(ao.ops.nsa_compress(x, weight, [512], 16, 16), expected)


@pytest.mark.parametrize(("step", "first"), [(2.0, 1024), (2.0**-24, 0)], ids=["normal", "subnormal"])
def test_every_float16_half_between_neighbours_is_rounded_away_from_zero(step: float, first: int) -> None:
    """From `step` times 1024 whole numbers on: half a step more, a bit less, a bit more, and nothing."""
    whole = step * np.arange(first, first + 1024)[:, None]
    beside = step / 2 * np.array(4 * [1, 1 - 2**-10, 1 + 2**-10, 0])
    factor = 1 if first else 2.0**-14  # keeps what is multiplied in the range of normal numbers
    x = np.zeros((16, 1024, 16), np.float16)
    x[0], x[3] = whole / factor, beside / factor
    x[:, ::2] *= -1
    y = ao.ops.nsa_compress(x, np.full((16, 1024), factor, np.float16), [16], 16, 16)
    expected = np.floor((whole + beside) / step + 0.5) * step
    expected[::2] *= -1
    np.testing.assert_array_equal(y.numpy()[0].astype(float), expected)


def test_windows_stay_inside_their_batch_and_unused_tokens_do_not_leak() -> None:
    x = np.ones((111, 2, 16), np.float16)
    x[:16] = x[48:63] = x[95 + 16 :] = np.nan  # a batch too short, what is left over, a batch too short again
    y = ao.ops.nsa_compress(x, np.ones((32, 2), np.float16), [16, 56, 63, 63, 111], 32, 16)
    assert (y.numpy() == 32).all()
    assert y.shape == (3, 2, 16)


def test_infinities_and_nans_spread_through_their_own_column_and_window_only() -> None:
    x = np.ones((48, 1, 16), np.float16)
    x[17, 0, :4] = [np.inf, np.nan, -np.inf, 1]
    weight = np.ones((16, 1), np.float16)
    y = ao.ops.nsa_compress(x, weight, [48], 16, 16).numpy()[:, 0]
    assert (y[:, 4:] == 16).all()
    np.testing.assert_array_equal(y[:, :4], [[16] * 4, [np.inf, np.nan, -np.inf, 16], [16] * 4])
    weight[1] = 0
    assert np.isnan(ao.ops.nsa_compress(x, weight, [48], 16, 16).numpy()[1, 0, :3]).all()


def test_products_that_are_all_negative_zeros_give_negative_zero() -> None:
    x = np.full((16, 1, 16), -0.0, np.float16)
    y = ao.ops.nsa_compress(x, np.ones((16, 1), np.float16), [16], 16, 16)
    assert np.signbit(y.numpy()).all()


def test_sums_beyond_float16_become_infinite_but_partial_sums_do_not() -> None:
    x = np.full((16, 1, 16), 60000, np.float16)
    weight = np.zeros((16, 1), np.float16)
    weight[:3, 0] = [1, 1, -1]
    assert (ao.ops.nsa_compress(x, weight, [16], 16, 16).numpy() == 60000).all()
    weight[2] = 0
    assert (ao.ops.nsa_compress(-x, weight, [16], 16, 16).numpy() == -np.inf).all()


def test_defaults_are_windows_of_32_tokens_every_16() -> None:
    x, weight = floats(1, (80, 2, 16), "float16"), floats(2, (32, 2), "float16")
    assert same_bits(ao.ops.nsa_compress(x, weight, [80]), ref.nsa_compress(x, weight, [80], 16))


@pytest.mark.parametrize(
    "ends",
    [
        [10, 80],
        (10, 80),
        np.array([10, 80]),
        np.array([10, 80], np.uint8),
        [np.int32(10), 80],
        range(10, 81, 70),
    ],
    ids=lambda ends: type(ends).__name__,
)
def test_prefix_sums_may_be_any_integers(ends: Any) -> None:
    x, weight = floats(3, (80, 1, 16), "bfloat16"), floats(4, (32, 1), "bfloat16")
    assert same_bits(ao.ops.nsa_compress(x, weight, ends), ref.nsa_compress(x, weight, [10, 80], 16))


def test_a_list_of_weights_takes_the_dtype_of_x() -> None:
    y = ao.ops.nsa_compress(np.ones((32, 1, 16), ref.DTYPES["bfloat16"]), [[0.5]] * 32, [32])
    assert (y.numpy().astype(float) == 16).all()


def test_a_strided_view_may_be_written_and_nothing_beside_it_is() -> None:
    x, weight = floats(5, (64, 2, 16), "float16"), floats(6, (32, 2), "float16")
    room = ao.zeros((3, 4, 33), "float16")
    out = room[:, 1::2, 1::2]
    assert ao.ops.nsa_compress(x, weight, [64], out=out) is out
    host = room.numpy()
    np.testing.assert_array_equal(host[:, 1::2, 1::2], ref.nsa_compress(x, weight, [64], 16))
    host[:, 1::2, 1::2] = 0
    assert not host.any()


def test_broadcast_tokens_and_weights_may_be_compressed() -> None:
    x = ao.asarray(floats(7, (1, 1, 16), "float16")).broadcast_to((64, 3, 16))
    y = ao.ops.nsa_compress(x, ao.asarray(np.ones((1, 1), np.float16)).broadcast_to((32, 3)), [64], 32, 32)
    np.testing.assert_array_equal(
        y.numpy(), ref.nsa_compress(x.numpy(), np.ones((32, 3), np.float16), [64], 32)
    )


@pytest.mark.parametrize(
    ("shape", "ends", "block", "stride"),
    [
        ((6000, 7, 128), [1000, 1063, 4100, 6000], 64, 48),
        ((1500, 13, 80), [700, 710, 1500], 128, 16),
        ((130, 96, 256), [65, 130], 32, 32),
    ],
    ids=["long", "overlapping", "wide"],
)
@pytest.mark.parametrize("dtype", FLOATS)
def test_a_large_tensor_is_right_in_every_row(
    dtype: str, shape: tuple[int, int, int], ends: list[int], block: int, stride: int
) -> None:
    """Larger than what is worked on at once, in tokens and in heads."""
    x, weight = floats(9, shape, dtype), floats(10, (block, shape[1]), dtype)
    assert same_bits(
        ao.ops.nsa_compress(x, weight, ends, block, stride), ref.nsa_compress(x, weight, ends, stride)
    )
