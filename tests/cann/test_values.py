"""Range checks and scalar values: nothing wraps, nothing is cut off in silence."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ascend_ops._cann import ranges
from ascend_ops._cann.enums import DataType
from ascend_ops._cann.scalars import scalar_bytes

INTEGERS = {
    DataType.INT8: np.int8,
    DataType.INT16: np.int16,
    DataType.INT32: np.int32,
    DataType.INT64: np.int64,
    DataType.UINT8: np.uint8,
    DataType.UINT16: np.uint16,
    DataType.UINT32: np.uint32,
    DataType.UINT64: np.uint64,
}
REALS = {DataType.FLOAT: np.float32, DataType.FLOAT16: np.float16, DataType.DOUBLE: np.float64}


@given(value=st.integers(-(2**70), 2**70))
def test_an_integer_passes_exactly_when_c_can_hold_it(value: int) -> None:
    for name, limits in vars(ranges).items():
        if name.startswith(("INT", "UINT")):
            kind = np.iinfo(name.lower())
            if kind.min <= value <= kind.max:
                assert ranges.checked("n", value, limits) == value
            else:
                with pytest.raises(ValueError if value < 0 == kind.min else OverflowError, match="n is "):
                    ranges.checked("n", value, limits)


@pytest.mark.parametrize("value", [1.0, "1", None, [1]])
def test_what_is_not_an_integer_is_refused_by_name(value: object) -> None:
    with pytest.raises(TypeError, match=f"size must be an integer, not {type(value).__name__}"):
        ranges.size("size", value)


def test_numpy_integers_are_integers() -> None:
    assert ranges.size("size", np.int64(5)) == 5


@given(value=st.integers(-(2**70), 2**70))
def test_an_integer_scalar_has_numpy_s_bytes_or_is_refused(value: int) -> None:
    for dtype, kind in INTEGERS.items():
        if np.iinfo(kind).min <= value <= np.iinfo(kind).max:
            assert scalar_bytes(value, dtype) == kind(value).tobytes()
        else:
            with pytest.raises((OverflowError, ValueError), match="value is"):
                scalar_bytes(value, dtype)


@given(value=st.floats(allow_nan=False))
def test_a_real_scalar_has_numpy_s_bytes_or_is_refused(value: float) -> None:
    for dtype, kind in REALS.items():
        with np.errstate(over="ignore"):
            expected = kind(value)
        if np.isinf(expected) and not np.isinf(value):
            with pytest.raises(OverflowError, match=dtype.name):
                scalar_bytes(value, dtype)
        else:
            assert scalar_bytes(value, dtype) == expected.tobytes()


@given(value=st.floats(width=32))
def test_a_bfloat16_scalar_is_rounded_to_nearest_even(value: float) -> None:
    got = np.frombuffer(scalar_bytes(value, DataType.BF16), ml_dtypes.bfloat16)[0]
    expected = np.float32(value).astype(ml_dtypes.bfloat16)
    assert np.isnan(got) if np.isnan(value) else got == expected


@given(value=st.complex_numbers(allow_nan=False, max_magnitude=1e30))
def test_a_complex_scalar_has_numpy_s_bytes(value: complex) -> None:
    assert scalar_bytes(value, DataType.COMPLEX64) == np.complex64(value).tobytes()
    assert scalar_bytes(value, DataType.COMPLEX128) == np.complex128(value).tobytes()


def test_a_bool_scalar_is_one_byte() -> None:
    assert (scalar_bytes(True, DataType.BOOL), scalar_bytes(0, DataType.BOOL)) == (b"\1", b"\0")


@pytest.mark.parametrize(
    ("value", "dtype", "error"),
    [
        (1.5, DataType.INT32, TypeError),
        (1j, DataType.FLOAT, TypeError),
        (1, DataType.INT4, ValueError),
        (1, DataType.STRING, ValueError),
        (1, DataType.COMPLEX32, ValueError),
    ],
)
def test_a_value_that_does_not_fit_its_type_is_refused(
    value: complex, dtype: DataType, error: type[Exception]
) -> None:
    with pytest.raises(error, match=r"value|dtype"):
        scalar_bytes(value, dtype)
