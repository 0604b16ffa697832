"""The table of converters: what every kind of parameter takes, refuses, and turns it into."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

import ascend_ops as ao
from ascend_ops._arguments import CONVERTERS, TensorList, described, slots_of
from ascend_ops._cann.enums import DataType, Format
from ascend_ops._cann.operators import Param, ParamKind

TYPES = {
    ParamKind.TENSOR: "const aclTensor *",
    ParamKind.TENSOR_LIST: "const aclTensorList *",
    ParamKind.SCALAR: "const aclScalar *",
    ParamKind.SCALAR_LIST: "const aclScalarList *",
    ParamKind.INT_ARRAY: "const aclIntArray *",
    ParamKind.FLOAT_ARRAY: "const aclFloatArray *",
    ParamKind.BOOL_ARRAY: "const aclBoolArray *",
    ParamKind.INT: "int64_t",
    ParamKind.REAL: "double",
    ParamKind.BOOL: "bool",
    ParamKind.STRING: "char *",
    ParamKind.DTYPE: "aclDataType",
}
FLT_MAX = float(np.finfo(np.float32).max)
DBL_MAX = float(np.finfo(np.float64).max)


def check(kind: ParamKind, value: object, ctype: str | None = None) -> Any:
    (slot,) = slots_of("aclnnX", [Param("arg", ctype or TYPES[kind], kind)])
    return slot.check(slot, value)


def test_every_kind_of_parameter_has_a_converter() -> None:
    assert set(CONVERTERS) == set(ParamKind) == set(TYPES)


@pytest.mark.parametrize(
    ("ctype", "low", "high"),
    [
        ("int8_t", -(2**7), 2**7 - 1),
        ("int32_t", -(2**31), 2**31 - 1),
        ("int", -(2**31), 2**31 - 1),
        ("int64_t", -(2**63), 2**63 - 1),
        ("uint64_t", 0, 2**64 - 1),
        ("aclFormat", -(2**31), 2**31 - 1),
    ],
)
def test_integers_are_held_to_the_range_of_their_c_type(ctype: str, low: int, high: int) -> None:
    assert [check(ParamKind.INT, v, ctype) for v in (low, 0, high)] == [low, 0, high]
    for value in (low - 1, high + 1, 10**40):
        with pytest.raises((OverflowError, ValueError), match=rf"aclnnX: arg is {value};"):
            check(ParamKind.INT, value, ctype)


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3), np.array(3), Format.NDHWC - 24])
def test_whatever_is_an_integer_is_taken_as_one(value: object) -> None:
    result = check(ParamKind.INT, value)
    assert (result, type(result)) == (3, int)


@pytest.mark.parametrize("value", [True, np.True_, 3.0, np.float32(3), "3", None, [3], 3j])
def test_what_is_no_integer_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="aclnnX: arg must be an integer, not "):
        check(ParamKind.INT, value)


@pytest.mark.parametrize("value", [2.5, np.float16(2.5), np.float32(2.5), np.float64(2.5)])
def test_real_numbers_become_floats(value: object) -> None:
    result = check(ParamKind.REAL, value)
    assert (result, type(result)) == (2.5, float)


@pytest.mark.parametrize("value", [7, -0.0, float("inf"), float("-inf"), DBL_MAX])
def test_doubles_take_integers_and_infinities(value: float) -> None:
    assert check(ParamKind.REAL, value) == value


def test_a_nan_stays_a_nan() -> None:
    assert np.isnan(check(ParamKind.REAL, float("nan")))
    assert np.isnan(check(ParamKind.REAL, float("nan"), "float"))


@pytest.mark.parametrize("value", [True, np.False_, 1j, "1", None, [1.0]])
def test_what_is_no_real_number_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="aclnnX: arg must be a real number, not "):
        check(ParamKind.REAL, value)


def test_a_finite_number_never_becomes_infinite_on_the_way_to_c() -> None:
    assert check(ParamKind.REAL, FLT_MAX, "float") == FLT_MAX
    assert check(ParamKind.REAL, float("inf"), "float") == float("inf")
    with pytest.raises(OverflowError, match="aclnnX: arg is 1e\\+39; the C parameter is a float"):
        check(ParamKind.REAL, 1e39, "float")
    with pytest.raises(OverflowError, match="the C parameter is a double"):
        check(ParamKind.REAL, 10**400)


def test_flags_are_bools_and_nothing_else() -> None:
    assert check(ParamKind.BOOL, np.True_) is True
    assert check(ParamKind.BOOL, False) is False
    for value in (0, 1, None, "True"):
        with pytest.raises(TypeError, match="aclnnX: arg must be True or False, not "):
            check(ParamKind.BOOL, value)


def test_strings_become_utf_8_and_none_stays_null() -> None:
    assert check(ParamKind.STRING, "größe") == "größe".encode()
    assert check(ParamKind.STRING, "") == b""
    assert check(ParamKind.STRING, None) is None
    with pytest.raises(TypeError, match="aclnnX: arg must be a str or None, not bytes"):
        check(ParamKind.STRING, b"sum")
    with pytest.raises(ValueError, match="NUL"):
        check(ParamKind.STRING, "su\0m")


@pytest.mark.parametrize("value", [ao.bfloat16, "bfloat16", ml_dtypes.bfloat16, DataType.BF16, 27])
def test_element_types_become_their_code(value: object) -> None:
    assert check(ParamKind.DTYPE, value) == 27


@pytest.mark.parametrize("value", [99, "int5", None, object, True])
def test_what_is_no_element_type_is_refused(value: object) -> None:
    with pytest.raises((TypeError, ValueError), match="aclnnX: arg"):
        check(ParamKind.DTYPE, value)


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (True, "bool"),
        (3, "int64"),
        (-(2**63), "int64"),
        (2**63, "uint64"),
        (2.5, "float64"),
        (float("nan"), "float64"),
        (1j, "complex128"),
        (np.float16(1), "float16"),
        (np.int8(-1), "int8"),
        (np.True_, "bool"),
        (ml_dtypes.bfloat16(2), "bfloat16"),
    ],
)
def test_scalars_keep_their_type_or_get_the_widest_of_their_kind(value: Any, dtype: str) -> None:
    scalar = check(ParamKind.SCALAR, value)
    assert str(scalar.dtype) == dtype
    assert scalar.value == value or value != value


@pytest.mark.parametrize("value", ["1", [1], 2**64, -(2**63) - 1, np.str_("1")])
def test_what_no_scalar_can_hold_is_refused(value: object) -> None:
    with pytest.raises((TypeError, OverflowError), match="aclnnX: arg"):
        check(ParamKind.SCALAR, value)


def test_arrays_take_sequences_and_one_dimensional_numpy_arrays() -> None:
    assert check(ParamKind.INT_ARRAY, (1, np.int32(2))) == [1, 2]
    assert check(ParamKind.INT_ARRAY, np.array([1, 2], np.uint8)) == [1, 2]
    assert check(ParamKind.INT_ARRAY, range(3)) == [0, 1, 2]
    assert check(ParamKind.FLOAT_ARRAY, [1, 2.5]) == [1.0, 2.5]
    assert check(ParamKind.BOOL_ARRAY, [True, np.False_]) == [True, False]
    assert check(ParamKind.INT_ARRAY, []) == []
    assert [check(kind, None) for kind in TYPES if kind.name.endswith(("ARRAY", "LIST"))] == [None] * 5


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        (ParamKind.INT_ARRAY, 3, r"arg must be a sequence of integers or None, not int \(3\)"),
        (ParamKind.INT_ARRAY, "12", r"arg must be a sequence of integers or None, not str"),
        (ParamKind.INT_ARRAY, np.zeros((2, 2), int), r"arg must be a sequence of integers or None"),
        (ParamKind.INT_ARRAY, [1, 2.0], r"arg\[1\] must be an integer, not float \(2.0\)"),
        (ParamKind.INT_ARRAY, [True], r"arg\[0\] must be an integer, not bool"),
        (ParamKind.INT_ARRAY, [0, 2**63], r"arg\[1\] is 9223372036854775808"),
        (ParamKind.FLOAT_ARRAY, [0.0, "x"], r"arg\[1\] must be a real number, not str"),
        (ParamKind.FLOAT_ARRAY, [1e39], r"arg\[0\] is 1e\+39; the C parameter is a float"),
        (ParamKind.BOOL_ARRAY, [True, 0], r"arg\[1\] must be True or False, not int \(0\)"),
        (ParamKind.SCALAR_LIST, [1, "2"], r"arg\[1\] must be a number, not str"),
        (ParamKind.TENSOR_LIST, [None], r"arg\[0\] must be a Tensor, not NoneType"),
        (ParamKind.TENSOR, np.zeros(3), r"arg must be a Tensor or None, not ndarray"),
    ],
)
def test_the_offending_element_is_named(kind: ParamKind, value: object, says: str) -> None:
    with pytest.raises((TypeError, OverflowError), match="aclnnX: " + says):
        check(kind, value)


def test_tensors_are_passed_through_and_described() -> None:
    x = ao.zeros((4, 16), "float16")
    assert check(ParamKind.TENSOR, x) is x
    assert check(ParamKind.TENSOR, None) is None
    assert check(ParamKind.TENSOR_LIST, (x, x)) == TensorList([x, x])
    (slot,) = slots_of("aclnnX", [Param("self", TYPES[ParamKind.TENSOR], ParamKind.TENSOR)])
    assert described(slot, x) == "self: float16 [4, 16] strides (16, 1) ND"
    assert described(slot, x[1:, ::2]) == "self: float16 [3, 8] strides (16, 2) offset 16 ND"
    assert described(slot, [x]) == "self: [float16 [4, 16] strides (16, 1) ND]"
    assert described(slot, None) == "self: NULL"
    assert described(slot, list(range(1000))) == "self: [0, 1, 2, 3, 4, 5, ...]"


def test_a_parameter_may_have_a_name_of_its_own_in_python() -> None:
    x = ao.zeros((4, 16), "float16")
    (slot,) = slots_of("aclnnX", [Param("self", TYPES[ParamKind.TENSOR], ParamKind.TENSOR)], ("x",))
    assert described(slot, x) == "x (self): float16 [4, 16] strides (16, 1) ND"
    assert described(slot, [x]) == "x (self): [float16 [4, 16] strides (16, 1) ND]"
    assert described(slot, None) == "x (self): NULL"
    assert slot.label == "aclnnX: x"
