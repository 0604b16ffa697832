"""Status codes in words, and the exceptions they become."""

from __future__ import annotations

import pickle

import pytest

from ascend_ops._cann import errors, status
from ascend_ops._cann.status_texts import TEXTS

MET = [
    100000,
    100001,
    100002,
    100039,
    107000,
    107001,
    107002,
    107003,
    107017,
    107019,
    161001,
    161002,
    207000,
    207001,
]
MET += [
    207018,
    361001,
    500000,
    507000,
    507014,
    507015,
    507018,
    507046,
    507899,
    561000,
    561001,
    561002,
    561003,
    561103,
]
MET += [561112, 1, 2, 5, 9]


@pytest.mark.parametrize("code", MET)
def test_a_status_people_meet_has_a_name_a_meaning_and_advice(code: int) -> None:
    name, text, advice = status.explain(code)
    assert name.startswith(("ACL_ERROR", "ACLNN_ERR", "HCCL_E"))
    assert text.endswith(".")
    assert advice.endswith(".") or code == 5


def test_every_explained_code_is_a_code_of_cann() -> None:
    assert {code for code in TEXTS if status.explain(code).name == "unknown status"} == set()


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (100000, "ACL_ERROR_INVALID_PARAM"),
        (107002, "ACL_ERROR_RT_CONTEXT_NULL"),
        (145000, "ACL_ERROR_GE_PARAM_INVALID"),
        (161002, "ACLNN_ERR_PARAM_INVALID"),
        (561105, "ACLNN_ERR_INNER_KEY_CONFLICT"),
        (9, "HCCL_E_TIMEOUT"),
    ],
)
def test_a_code_has_its_c_name(code: int, name: str) -> None:
    assert status.explain(code).name == name


@pytest.mark.parametrize(
    ("code", "word"), [(107099, "argument"), (599999, "internal"), (77, "collective"), (-3, "newer")]
)
def test_an_unknown_code_gets_the_meaning_of_its_range(code: int, word: str) -> None:
    assert status.explain(code).name == "unknown status"
    assert word in status.explain(code).text


def test_the_enums_are_reached_through_the_module() -> None:
    assert status.AclnnStatus.ACLNN_ERR_PARAM_NULLPTR == 161001
    assert status.HcclStatus.HCCL_E_OOM == 24
    with pytest.raises(AttributeError, match="NoStatus"):
        _ = status.NoStatus


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (100000, errors.ParameterError),
        (107000, errors.ParameterError),
        (107017, errors.ParameterError),
        (161001, errors.ParameterError),
        (161002, errors.ParameterError),
        (1, errors.ParameterError),
        (2, errors.ParameterError),
        (3, errors.OutOfMemoryError),
        (5, errors.UnsupportedError),
        (9, errors.DeviceTimeoutError),
        (20, errors.AclError),
        (200000, errors.OutOfMemoryError),
        (207001, errors.OutOfMemoryError),
        (207018, errors.OutOfMemoryError),
        (100039, errors.UnsupportedError),
        (207000, errors.UnsupportedError),
        (561003, errors.UnsupportedError),
        (107019, errors.DeviceTimeoutError),
        (507046, errors.DeviceTimeoutError),
        (107002, errors.AclError),
        (507015, errors.AclError),
        (424242, errors.AclError),
    ],
)
def test_the_code_chooses_the_exception(code: int, expected: type[errors.AclError]) -> None:
    assert type(errors.AclError.from_status("f", code)) is expected


@pytest.mark.parametrize(
    ("special", "general"),
    [
        (errors.ParameterError, ValueError),
        (errors.OutOfMemoryError, MemoryError),
        (errors.UnsupportedError, NotImplementedError),
        (errors.DeviceTimeoutError, TimeoutError),
        (errors.MissingFunctionError, AttributeError),
    ],
)
def test_an_exception_is_also_python_s_own_kind(special: type[Exception], general: type[Exception]) -> None:
    assert issubclass(special, general)
    assert issubclass(special, errors.AscendError)


@pytest.mark.parametrize("code", [507015, 161002, 207001, 100039, 507046])
def test_an_error_tells_function_code_name_text_and_arguments(code: int) -> None:
    kind = type(errors.AclError.from_status("aclnnX", code))
    error = kind("aclnnX", code, "line one\nline two", ("self: FLOAT (2, 3)",))
    text = str(error)
    assert text == (
        f"aclnnX failed with {code} ({error.name}): line one\n  line two\n"
        f"In general: {error.explanation}\n"
        "Arguments:\n  self: FLOAT (2, 3)"
    )


def test_without_a_text_of_the_library_the_code_is_explained() -> None:
    error = errors.AclError("aclnnX", 561103, " \n")
    assert str(error) == f"aclnnX failed with 561103 ({error.name}): {error.explanation}"


@pytest.mark.parametrize("code", [507015, 161002, 207001, 100039, 507046])
def test_an_error_survives_pickling(code: int) -> None:
    error = type(errors.AclError.from_status("f", code))("f", code, "text", ["a: 1"])
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.code) == (type(error), str(error), code)


def test_a_caller_may_replace_the_arguments() -> None:
    error = errors.AclError.from_status("f", 161002, ["self: 0x1"])
    error.arguments = ("self: FLOAT16 (4, 4)",)
    assert "FLOAT16 (4, 4)" in str(error)
    assert "0x1" not in str(error)
