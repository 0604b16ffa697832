"""Random numbers: Philox against published vectors, kernels against Philox, and distributions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import (
    FLOATS,
    INTEGERS,
    NUMBERS,
    REALS,
    Array,
    assert_close,
    blank,
    covers,
    host_dtype,
    layout,
    random,
)
from kernels.philox import block, words

import ascend_ops as ao

SEED, OFFSET = 0x0123456789ABCDEF, 0x7EDCBA98_00000004

# Random123 1.14, tests/kat_vectors: philox4x32, 10 rounds.
KNOWN = [
    ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_the_reference_gives_the_published_vectors(
    counter: list[int], key: list[int], expected: list[int]
) -> None:
    assert block(counter, key) == expected


def test_the_kernel_gives_the_first_published_vector() -> None:
    x = ao.zeros((4,), "int64")
    ao.ops.inplace_random(x, 0, 2**32, 0, 0)
    assert x.numpy().tolist() == KNOWN[0][2]


def drawn(rng_shape: tuple[int, ...], dtype: str, name: str, *arguments: Any) -> Array:
    x = blank(np.random.default_rng(4), rng_shape, dtype)
    getattr(ao.ops, name)(x, *arguments)
    return x.numpy()


@covers("aclnnInplaceRandom", f"{NUMBERS} complex64 complex128")
@pytest.mark.parametrize("dtype", f"{NUMBERS} complex64 complex128".split())
def test_whole_numbers_are_words_modulo_the_range(dtype: str) -> None:
    low, high = (0, 2) if dtype in ("bool", "uint8") else (-3, 5)
    got = drawn((3, 70), dtype, "inplace_random", low, high, SEED, OFFSET)
    expected = (words(SEED, OFFSET, 210) % np.uint64(high - low)).astype(np.int64) + low
    np.testing.assert_array_equal(got, expected.reshape(3, 70).astype(host_dtype(dtype)))


def test_wide_ranges_take_two_words() -> None:
    got = drawn((50,), "int64", "inplace_random", -(2**40), 2**40, SEED, OFFSET)
    made = words(SEED, OFFSET, 100)
    pairs = made[1::2] << np.uint64(32) | made[::2]
    np.testing.assert_array_equal(got, (pairs % np.uint64(2**41)).astype(np.int64) - 2**40)


MOST = {"bool": 1, "uint8": 255, "int8": 127, "int16": 2**15 - 1, "int32": 2**31 - 1, "int64": 2**63 - 1}
MOST |= {"float32": 2**24, "float16": 2**11, "bfloat16": 2**8}
ANY = f"{FLOATS} {INTEGERS} bool"


@covers("aclnnInplaceRandomWithoutFromTo", ANY)
@pytest.mark.parametrize("dtype", ANY.split())
def test_without_a_range_it_is_that_of_the_type(dtype: str) -> None:
    got = drawn((4, 500), dtype, "inplace_random_without_from_to", SEED, 0).astype(np.float64)
    most = float(MOST[dtype])
    assert 0 <= got.min() <= most / 100
    assert most * 0.99 <= got.max() <= most
    assert abs(got.mean() - most / 2) < most * 0.05


@covers("aclnnInplaceUniform", f"{REALS} {INTEGERS}")
@pytest.mark.parametrize("dtype", f"{REALS} {INTEGERS}".split())
def test_uniform_numbers(dtype: str) -> None:
    low, high = (-2.0, 6.0) if dtype != "uint8" else (0.0, 8.0)
    got = drawn((2, 3000), dtype, "inplace_uniform", low, high, SEED, OFFSET).astype(np.float64)
    assert low <= got.min()
    assert got.max() < high
    middle = 2 + (2 if dtype == "uint8" else 0) - (0.5 if dtype in INTEGERS else 0)
    assert abs(got.mean() - middle) < 0.15
    assert abs(got.var() - 64 / 12) < 0.3


@covers("aclnnInplaceUniform", "float32")
def test_uniform_floats_are_the_low_bits_of_the_words() -> None:
    got = drawn((300,), "float32", "inplace_uniform", 0.0, 1.0, SEED, OFFSET)
    fractions = (words(SEED, OFFSET, 300) & np.uint64(2**23 - 1)).astype(np.float64) / 2**23
    np.testing.assert_array_equal(got, fractions.astype(np.float32))


def normal_reference(count: int) -> Array:
    made = words(SEED, OFFSET, count + count % 2).astype(np.float64)
    u, v = made[::2] / 2**32 + 2.0**-33, made[1::2] / 2**32
    radius = np.sqrt(-2 * np.log(u))
    return np.stack([radius * np.sin(2 * np.pi * v), radius * np.cos(2 * np.pi * v)], 1).ravel()[:count]


@covers("aclnnInplaceNormal aclnnNormalFloatFloat", REALS)
@pytest.mark.parametrize("dtype", REALS.split())
def test_normal_numbers(dtype: str) -> None:
    expected = 1.5 + 2 * normal_reference(2001).reshape(3, 667)
    loose = {"ulps": 2, "absolute": 4e-6}
    x, out = (
        blank(np.random.default_rng(2), (3, 667), dtype),
        blank(np.random.default_rng(3), (3, 667), dtype),
    )
    ao.ops.inplace_normal(x, 1.5, 2.0, SEED, OFFSET)
    ao.ops.normal_float_float(1.5, 2.0, SEED, OFFSET, out=out)
    assert_close(x, expected, dtype, **loose)
    assert_close(out, expected, dtype, **loose)
    got = x.numpy().astype(np.float64)
    assert abs(got.mean() - 1.5) < 0.15
    assert abs(got.std() - 2) < 0.1


@covers("aclnnInplaceNormal", f"{INTEGERS} bool")
@pytest.mark.parametrize("dtype", f"{INTEGERS} bool".split())
def test_normal_numbers_lose_their_fractions_in_integers(dtype: str) -> None:
    """By CANN's source; the document has floats alone."""
    x = blank(np.random.default_rng(2), (3, 7), dtype)
    ao.ops.inplace_normal(x, 40.0, 4.0, SEED, OFFSET)
    expected = (40 + 4 * normal_reference(21).reshape(3, 7)).astype(np.float32)
    np.testing.assert_array_equal(x.numpy(), expected.astype(host_dtype(dtype)))


def test_a_mean_is_broadcast_to_the_output() -> None:
    mean, out = np.float32([10, 20, 30]), ao.empty((2, 3), "float32")
    ao.ops.normal_tensor_float(ao.asarray(mean), 1.5, SEED, OFFSET, out=out)
    assert_close(out, mean + 1.5 * normal_reference(6).reshape(2, 3), "float32", 2, 4e-6)


@covers("aclnnNormalFloatTensor aclnnNormalTensorFloat aclnnNormalTensorTensor", REALS)
@pytest.mark.parametrize("dtype", REALS.split())
def test_mean_and_deviation_may_be_tensors(dtype: str) -> None:
    rng = np.random.default_rng(1)
    mean, std = random(rng, (4, 1), dtype), random(rng, (4, 5), dtype, 0, 2)
    wide_mean, wide_std, z = mean.astype(np.float64), std.astype(np.float64), normal_reference(20)
    loose = {"ulps": 2, "absolute": 4e-6}
    for name, arguments, expected in (
        ("normal_tensor_tensor", (mean, std), wide_mean + wide_std * z.reshape(4, 5)),
        ("normal_float_tensor", (2.0, std), 2 + wide_std * z.reshape(4, 5)),
        ("normal_tensor_float", (mean, 3.0), wide_mean + 3 * z[:4].reshape(4, 1)),
    ):
        device = [layout(rng, each) if isinstance(each, np.ndarray) else each for each in arguments]
        out = blank(rng, expected.shape, dtype)
        getattr(ao.ops, name)(*device, SEED, OFFSET, out=out)
        assert_close(out, expected, dtype, **loose)


@covers("aclnnBernoulli aclnnInplaceBernoulli", NUMBERS)
@pytest.mark.parametrize("dtype", NUMBERS.split())
def test_bernoulli_compares_words_with_the_probability(dtype: str) -> None:
    expected = (words(SEED, OFFSET, 200).astype(np.float64) / 2**32 < 0.25).reshape(4, 50)
    x, out = blank(np.random.default_rng(2), (4, 50), dtype), blank(np.random.default_rng(3), (4, 50), dtype)
    ao.ops.bernoulli(x, 0.25, SEED, OFFSET, out=out)
    ao.ops.inplace_bernoulli(x, 0.25, SEED, OFFSET)
    np.testing.assert_array_equal(out.numpy(), expected.astype(host_dtype(dtype)))
    np.testing.assert_array_equal(x.numpy(), expected.astype(host_dtype(dtype)))


@covers("aclnnBernoulliTensor aclnnInplaceBernoulliTensor", NUMBERS)
@pytest.mark.parametrize("dtype", NUMBERS.split())
def test_each_element_may_have_its_probability(dtype: str) -> None:
    rng = np.random.default_rng(9)
    prob = random(rng, (4, 50), "float32", 0, 1)
    expected = words(SEED, OFFSET, 200).astype(np.float64).reshape(4, 50) / 2**32 < prob
    x, out = blank(rng, (4, 50), dtype), blank(rng, (4, 50), dtype)
    ao.ops.bernoulli_tensor(x, layout(rng, prob), SEED, OFFSET, out=out)
    ao.ops.inplace_bernoulli_tensor(x, layout(rng, prob), SEED, OFFSET)
    np.testing.assert_array_equal(out.numpy(), expected.astype(host_dtype(dtype)))
    np.testing.assert_array_equal(x.numpy(), expected.astype(host_dtype(dtype)))


@covers("aclnnSimThreadExponential", FLOATS)
@pytest.mark.parametrize("dtype", FLOATS.split())
def test_exponential_numbers(dtype: str) -> None:
    got = drawn((3, 70), dtype, "sim_thread_exponential", 210, 2.0, SEED, OFFSET)
    expected = -np.log(1 - words(SEED, OFFSET, 210).astype(np.float64) / 2**32) / 2
    assert_close(got, expected.reshape(3, 70), dtype)


def bits(mask: Array, count: int) -> Array:
    return np.unpackbits(mask, bitorder="little")[:count].astype(bool)


def kept(count: int, p: float) -> Array:
    return words(SEED, OFFSET, count).astype(np.float64) / 2**32 < 1 - p


@covers("aclnnDropoutGenMask aclnnDropoutGenMaskV2", "uint8")
def test_masks_have_a_bit_for_each_element() -> None:
    out, other = ao.zeros((48,), "uint8"), ao.zeros((48,), "uint8")
    ao.ops.dropout_gen_mask([3, 100], 0.25, SEED, OFFSET, out=out)
    ao.ops.dropout_gen_mask_v2([300], 0.25, SEED, OFFSET, "float16", out=other)
    for mask in (out, other):
        np.testing.assert_array_equal(bits(mask.numpy(), 384), kept(384, 0.25))


@covers("aclnnDropout aclnnDropoutV3 aclnnDropoutDoMask aclnnDropoutBackward aclnnDropoutV3Grad", FLOATS)
@pytest.mark.parametrize("dtype", FLOATS.split())
def test_what_stays_is_scaled(dtype: str) -> None:
    rng = np.random.default_rng(6)
    values = random(rng, (6, 50), dtype)
    stays = kept(300, 0.25).reshape(6, 50)
    expected = np.where(stays, values.astype(np.float64) / 0.75, 0)
    out, mask = blank(rng, (6, 50), dtype), ao.zeros((48,), "uint8")
    ao.ops.dropout(layout(rng, values), 0.25, True, SEED, OFFSET, out=out, mask_out=mask)
    assert_close(out, expected, dtype)
    np.testing.assert_array_equal(bits(mask.numpy(), 300), stays.ravel())
    other, again = blank(rng, (6, 50), dtype), ao.zeros((48,), "uint8")
    ao.ops.dropout_v3(layout(rng, values), None, 0.25, SEED, OFFSET, out=other, mask_out=again)
    assert_close(other, expected, dtype)
    np.testing.assert_array_equal(again.numpy(), mask.numpy())
    for name, number in (
        ("dropout_do_mask", 0.25),
        ("dropout_backward", 1 / 0.75),
        ("dropout_v3_grad", 1 / 0.75),
    ):
        result = blank(rng, (6, 50), dtype)
        named = {"grad_x" if name == "dropout_v3_grad" else "out": result}
        getattr(ao.ops, name)(layout(rng, values), mask, number, **named)
        assert_close(result, expected, dtype)


@pytest.mark.parametrize(("p", "train", "factor"), [(0.0, True, 1), (1.0, True, 0), (0.5, False, 1)])
def test_without_a_choice_the_mask_stays(p: float, train: bool, factor: float) -> None:
    values = np.float32([[1, -2, np.nan], [np.inf, 0, 5]])
    expected = values if factor else np.zeros((2, 3), np.float32)
    mask = ao.asarray(np.full(16, 77, np.uint8))
    out = ao.zeros((2, 3), "float32")
    ao.ops.dropout(ao.asarray(values), p, train, 1, 0, out=out, mask_out=mask)
    np.testing.assert_array_equal(out.numpy(), expected)
    assert (mask.numpy() == 77).all()


PERMUTED = f"{REALS} {INTEGERS}"


@covers("aclnnRandperm", PERMUTED)
@pytest.mark.parametrize("dtype", PERMUTED.split())
def test_permutations_have_each_number_once(dtype: str) -> None:
    seen = set()
    for seed in range(4):
        out = blank(np.random.default_rng(seed), (100,), dtype)
        ao.ops.randperm(100, seed, 0, out=out)
        assert sorted(out.numpy().astype(int).tolist()) == list(range(100))
        seen.add(out.numpy().tobytes())
    assert len(seen) == 4


def test_permutations_are_equally_likely() -> None:
    out = ao.zeros((600, 3), "int64")
    for offset in range(600):
        ao.ops.randperm(3, 5, offset, out=out[offset])
    _, counts = np.unique(out.numpy(), axis=0, return_counts=True)
    assert len(counts) == 6
    assert counts.max() < 140
    assert counts.min() > 65


@covers("aclnnMultinomial", REALS)
@pytest.mark.parametrize("dtype", REALS.split())
def test_samples_follow_their_weights(dtype: str) -> None:
    weights = np.array([[1, 0, 3, 4], [2, 2, 0, 0]]).astype(host_dtype(dtype))
    rng = np.random.default_rng(8)
    out = blank(rng, (2, 4000), "int64")
    ao.ops.multinomial(layout(rng, weights), 4000, True, SEED, OFFSET, out=out)
    for row, expected in zip(out.numpy(), ([0.125, 0, 0.375, 0.5], [0.5, 0.5, 0, 0]), strict=True):
        np.testing.assert_allclose(np.bincount(row, minlength=4) / 4000, expected, atol=0.03)
    many = np.tile(weights[:1], (4000, 1))
    out = ao.zeros((4000, 2), "int64")
    ao.ops.multinomial(ao.asarray(many), 2, False, SEED, OFFSET, out=out)
    got = out.numpy()
    assert (got[:, 0] != got[:, 1]).all()
    assert not (got == 1).any()
    np.testing.assert_allclose(np.bincount(got[:, 0], minlength=4) / 4000, [0.125, 0, 0.375, 0.5], atol=0.03)
    after_last = got[got[:, 0] == 3, 1]
    np.testing.assert_allclose((after_last == 2).mean(), 0.75, atol=0.05)


IN_TENSORS = [
    ("inplace_uniform", (0.0, 1.0), "float32", "aclnnInplaceUniformTensor"),
    ("inplace_normal", (0.0, 1.0), "float32", "aclnnInplaceNormalTensor"),
    ("inplace_random", (0, 100), "int32", "aclnnInplaceRandomTensor"),
    ("inplace_random_without_from_to", (), "int32", "aclnnInplaceRandomWithoutFromToTensor"),
]


@pytest.mark.parametrize(
    ("name", "numbers", "dtype"),
    [pytest.param(*case[:3], marks=covers(case[3], case[2])) for case in IN_TENSORS],
)
def test_seed_and_offset_may_come_from_the_device(name: str, numbers: tuple[Any, ...], dtype: str) -> None:
    """The offset in the tensor and the one by value add up."""
    x, y = ao.zeros((99,), dtype), ao.zeros((99,), dtype)
    getattr(ao.ops, name)(x, *numbers, SEED, OFFSET + 8)
    seed, offset = ao.asarray(np.array([SEED])), ao.asarray(np.array([OFFSET]))
    getattr(ao.ops, f"{name}_tensor")(y, *numbers, seed, offset, 8)
    np.testing.assert_array_equal(y.numpy(), x.numpy())


@covers("aclnnDropoutGenMaskV2Tensor", "uint8")
def test_a_mask_by_a_seed_on_the_device() -> None:
    seed, offset, out = (
        ao.asarray(np.array([SEED])),
        ao.asarray(np.array([OFFSET - 4])),
        ao.zeros((16,), "uint8"),
    )
    ao.ops.dropout_gen_mask_v2_tensor([100], 0.25, seed, offset, 4, "float32", out=out)
    np.testing.assert_array_equal(bits(out.numpy(), 128), kept(128, 0.25))


@covers("aclnnMultinomialTensor", "float32")
def test_samples_by_a_seed_on_the_device() -> None:
    weights = ao.asarray(np.float32([1, 2, 3]))
    seed, offset = ao.asarray(np.array([SEED])), ao.asarray(np.array([OFFSET - 4]))
    x, y = ao.zeros((50,), "int64"), ao.zeros((50,), "int64")
    ao.ops.multinomial(weights, 50, True, SEED, OFFSET, out=x)
    ao.ops.multinomial_tensor(weights, 50, True, seed, offset, 4, out=y)
    np.testing.assert_array_equal(y.numpy(), x.numpy())


def test_a_large_tensor_is_the_same_stream_on_all_threads() -> None:
    whole, part = ao.zeros((70_001,), "float32"), ao.zeros((100,), "float32")
    ao.ops.inplace_uniform(whole, 0.0, 1.0, SEED, OFFSET)
    ao.ops.inplace_uniform(part, 0.0, 1.0, SEED, OFFSET)
    np.testing.assert_array_equal(whole.numpy()[:100], part.numpy())
    assert len(np.unique(whole.numpy())) > 69_000


FLOAT, INTS, COMPLEX = ("float32", (2, 3)), ("int8", (4,)), ("complex64", (2,))
REFUSED = [
    ("inplace_uniform", FLOAT, (2.0, 1.0, 0, 0), "from is 2, to is 1"),
    ("inplace_random", INTS, (0, 129, 0, 0), "from to to - 1 values of ACL_INT8"),
    ("inplace_random", INTS, (3, 3, 0, 0), "from must be smaller"),
    ("inplace_normal", FLOAT, (0.0, -1.0, 0, 0), "std is -1"),
    ("inplace_normal", COMPLEX, (0.0, 1.0, 0, 0), "data type of selfRef"),
    ("inplace_bernoulli", FLOAT, (1.5, 0, 0), "prob is 1.5"),
    ("sim_thread_exponential", FLOAT, (5, 1.0, 0, 0), "count the 6 elements"),
]


@pytest.mark.parametrize(("name", "tensor", "arguments", "text"), REFUSED)
def test_refusals(
    name: str, tensor: tuple[str, tuple[int, ...]], arguments: tuple[Any, ...], text: str
) -> None:
    x = ao.zeros(tensor[1], tensor[0])
    with pytest.raises(ao.AclError, match=text) as raised:
        getattr(ao.ops, name)(x, *arguments)
    assert raised.value.code == 161002


def test_masks_have_whole_groups() -> None:
    with pytest.raises(ao.AclError, match="out has 38 bytes; a mask of 300 elements has 48") as raised:
        ao.ops.dropout_gen_mask([300], 0.5, 0, 0, out=ao.zeros((38,), "uint8"))
    assert raised.value.code == 161002


def test_more_samples_than_choices_need_replacement() -> None:
    x, out = ao.zeros((3,), "float32"), ao.zeros((4,), "int64")
    with pytest.raises(ao.AclError, match="numsamples is 4") as raised:
        ao.ops.multinomial(x, 4, False, 0, 0, out=out)
    assert raised.value.code == 161002
