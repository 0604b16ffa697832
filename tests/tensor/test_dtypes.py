"""Element types: what names them, how their bits lie in memory."""

from __future__ import annotations

import pickle
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ascend_ops import dtypes
from ascend_ops._cann.enums import DataType
from ascend_ops.dtypes import DType

# Values and widths of aclDataType as CANN's headers have them.
CODES = {
    "float32": (0, 32),
    "float16": (1, 16),
    "int8": (2, 8),
    "int32": (3, 32),
    "uint8": (4, 8),
    "int16": (6, 16),
    "uint16": (7, 16),
    "uint32": (8, 32),
    "int64": (9, 64),
    "uint64": (10, 64),
    "float64": (11, 64),
    "bool": (12, 8),
    "complex64": (16, 64),
    "complex128": (17, 128),
    "bfloat16": (27, 16),
    "int4": (29, 4),
    "uint1": (30, 1),
    "complex32": (33, 32),
    "hifloat8": (34, 8),
    "float8_e5m2": (35, 8),
    "float8_e4m3fn": (36, 8),
    "float8_e8m0fnu": (37, 8),
    "float6_e3m2fn": (38, 6),
    "float6_e2m3fn": (39, 6),
    "float4_e2m1fn": (40, 4),
    "float4_e1m2": (41, 4),
    "hifloat4": (42, 4),
}


def test_table_has_every_acl_type_with_its_code_and_width() -> None:
    assert {each.name: (int(each.code), each.bits) for each in dtypes.ALL} == CODES


@pytest.mark.parametrize("name", CODES)
def test_name_resolves_to_one_object(name: str) -> None:
    found = dtypes.dtype(name)
    assert found.name == str(found) == name
    assert dtypes.dtype(found) is found
    assert dtypes.dtype(found.code) is found
    assert pickle.loads(pickle.dumps(found)) is found


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (np.float16, dtypes.float16),
        (np.dtype(">f4"), dtypes.float32),
        (float, dtypes.float64),
        (int, dtypes.int64),
        (bool, dtypes.bool_),
        (complex, dtypes.complex128),
        (np.longlong, dtypes.int64),
        (ml_dtypes.bfloat16, dtypes.bfloat16),
        (np.dtype(ml_dtypes.int4), dtypes.int4),
        ("ACL_BF16", dtypes.bfloat16),
        ("FLOAT8_E8M0", dtypes.float8_e8m0fnu),
        ("f2", dtypes.float16),
        (DataType.INT4, dtypes.int4),
    ],
)
def test_spec_resolves(spec: Any, expected: DType) -> None:
    assert dtypes.dtype(spec) is expected
    assert expected == spec


@pytest.mark.parametrize(
    "spec",
    [
        object,
        str,
        "datetime64[s]",
        np.dtype([("a", "f4")]),
        "nonsense",
        None,
        27,
        np.longdouble,
        ml_dtypes.int2,
        (),
    ],
)
def test_unknown_spec_is_refused_by_name_with_the_choices(spec: Any) -> None:
    with pytest.raises(
        TypeError, match=r"weight: .* is not an element type of CANN; use one of float16, .*int4"
    ):
        dtypes.dtype(spec, "weight")


def test_equality_follows_numpy_and_hash_agrees() -> None:
    assert dtypes.float16 == "float16"
    assert np.dtype("float16") == dtypes.float16
    assert hash(np.dtype("float16")) == hash(dtypes.float16)
    assert dtypes.float16 != dtypes.bfloat16
    assert dtypes.float16 != 3


def test_numpy_takes_a_dtype_object() -> None:
    assert np.zeros(3, dtypes.int4).dtype == ml_dtypes.int4


def test_types_without_host_form_say_so() -> None:
    assert dtypes.hifloat8.numpy is None
    with pytest.raises(TypeError, match=r"hifloat8: neither NumPy nor the installed ml_dtypes .* uint8"):
        dtypes.hifloat8.host()


def test_byte_count_rounds_up() -> None:
    assert [dtypes.int4.nbytes(n) for n in (0, 1, 2, 3)] == [0, 1, 1, 2]
    assert [dtypes.uint1.nbytes(n) for n in (1, 8, 9)] == [1, 1, 2]
    assert [dtypes.float6_e3m2fn.nbytes(n) for n in (1, 4, 5)] == [1, 3, 4]


def test_int4_low_nibble_comes_first_and_the_rest_is_zero() -> None:
    assert dtypes.pack(np.array([1, -1, 7], ml_dtypes.int4), dtypes.int4).tolist() == [0xF1, 0x07]


@pytest.mark.skipif(dtypes.uint1.numpy is None, reason="this ml_dtypes has no uint1")
def test_uint1_low_bit_comes_first() -> None:
    packed = dtypes.pack(np.array([1, 0, 0, 0, 0, 0, 0, 0, 1], dtypes.uint1.host()), dtypes.uint1)
    assert packed.tolist() == [0x01, 0x01]


def test_float6_four_elements_fill_three_bytes_from_the_low_bits_up() -> None:
    codes = np.array([0b000001, 0b100000, 0b000011, 0b111111], np.uint8)
    packed = dtypes.pack(codes.view(ml_dtypes.float6_e3m2fn), dtypes.float6_e3m2fn)
    word = sum(int(code) << 6 * i for i, code in enumerate(codes))
    assert packed.tobytes() == word.to_bytes(3, "little")


@given(
    target=st.sampled_from([each for each in dtypes.ALL if each.numpy is not None]),
    count=st.integers(0, 70),
    seed=st.integers(0, 2**32 - 1),
)
def test_unpack_inverts_pack_bit_for_bit(target: DType, count: int, seed: int) -> None:
    host = target.host()
    limit = 2 if target == dtypes.bool_ else 1 << min(target.bits, 8)
    raw = np.random.default_rng(seed).integers(0, limit, count * host.itemsize, np.uint8)
    packed = dtypes.pack(raw.view(host), target)
    assert packed.nbytes == target.nbytes(count)
    assert dtypes.unpack(packed, target, count).tobytes() == raw.tobytes()
