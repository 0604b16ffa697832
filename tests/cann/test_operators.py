"""Operators and descriptors: what Python passes is what C receives."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cann.fakehome import FakeHome, error_of, value_of

ECHO = "from ascend_ops._cann import nn, operators, rt\nfrom ascend_ops._cann.errors import AclError\n"
ECHO += (
    "def said(call, *a):\n    try:\n        call(*a)\n    except AclError as e:\n        return e.message\n"
    "def plan(name, values):\n    op = operators.bind(name)\n    return op.phase_one(op.arguments(values))\n"
)
FULL = "[4096, 0.1, 0.1, -2**63, True, b'ring', -128, 2**64 - 1, 27, None]"
RECEIVED = (
    "%s 0x1000 0.10000000000000001 0.100000001 -9223372036854775808 1 ring -128 18446744073709551615 27 (nil)"
)


@pytest.fixture
def root(fake_home: FakeHome) -> str:
    return str(fake_home.layout_81().root)


def test_every_kind_of_argument_arrives_as_it_was_sent(root: str) -> None:
    code = f"{ECHO}result = said(plan, 'aclnnEcho', {FULL})"
    assert value_of(code, ASCEND_HOME_PATH=root) == RECEIVED % "built-in"


def test_phase_two_passes_workspace_executor_and_stream(root: str) -> None:
    code = (
        f"{ECHO}from ascend_ops._cann.carguments import pointer\nplanned = operators.Plan()\n"
        "planned.workspace_size.value, planned.executor.value = 2**40, 0x1234\n"
        "result = said(operators.bind('aclnnEcho').phase_two, planned, pointer(2**63), None)"
    )
    assert value_of(code, ASCEND_HOME_PATH=root) == "built-in 0x8000000000000000 1099511627776 0x1234 (nil)"


def test_phase_one_returns_workspace_size_and_executor(root: str) -> None:
    code = f"{ECHO}planned = plan('aclnnPlan', [2**33])\n"
    code += "result = [planned.workspace_size.value, planned.executor.value]\n"
    code += "operators.bind('aclnnPlan').phase_two(planned, None, None)"
    assert value_of(code, ASCEND_HOME_PATH=root) == [2**33, 0xABCDEF123456]


def test_threads_do_not_share_the_cells_of_phase_one(root: str) -> None:
    code = (
        f"{ECHO}from concurrent.futures import ThreadPoolExecutor\n"
        "op = operators.bind('aclnnPlan')\n"
        "def size(n):\n"
        "    planned = plan('aclnnPlan', [n])\n"
        "    seen = planned.workspace_size.value\n"
        "    op.phase_two(planned, None, None)\n"
        "    return seen\n"
        "with ThreadPoolExecutor(4) as pool:\n"
        "    result = list(pool.map(size, range(2000))) == list(range(2000))\n"
    )
    assert value_of(code, ASCEND_HOME_PATH=root) is True


def test_the_signature_is_read_from_the_home_s_header(root: str) -> None:
    code = (
        f"{ECHO}s = operators.bind('aclnnEcho').signature\n"
        "result = [s.name, str(s.header), [(p.name, p.ctype, p.kind.name) for p in s.params]]"
    )
    name, header, params = value_of(code, ASCEND_HOME_PATH=root)
    assert (name, header) == ("aclnnEcho", f"{root}/include/aclnnop/aclnn_fakes.h")
    assert [tuple(p) for p in params] == [
        ("self", "const aclTensor *", "TENSOR"),
        ("alpha", "double", "REAL"),
        ("beta", "float", "REAL"),
        ("n", "int64_t", "INT"),
        ("flag", "bool", "BOOL"),
        ("name", "char *", "STRING"),
        ("small", "int8_t", "INT"),
        ("large", "uint64_t", "INT"),
        ("dtype", "aclDataType", "DTYPE"),
        ("dims", "const aclIntArray *", "INT_ARRAY"),
    ]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("[4096, 0.1, 0.1, 2**63, True, None, 0, 0, 0, None]", "OverflowError: n is 9223372036854775808"),
        ("[4096, 0.1, 0.1, 0, True, None, 128, 0, 0, None]", "OverflowError: small is 128"),
        ("[4096, 0.1, 0.1, 0, True, None, 0, -1, 0, None]", "ValueError: large is -1"),
        ("[4096, 0.1, 0.1, 1.5, True, None, 0, 0, 0, None]", "TypeError: n must be an integer, not float"),
        (
            "[4096, 0.1, 0.1, None, True, None, 0, 0, 0, None]",
            "TypeError: n must be an integer, not NoneType",
        ),
        (
            "[4096, 'x', 0.1, 0, True, None, 0, 0, 0, None]",
            "TypeError: aclnnEcho cannot take str ('x') for alpha, a double",
        ),
        (
            "[4.0, 0.1, 0.1, 0, True, None, 0, 0, 0, None]",
            "TypeError: aclnnEcho cannot take float (4.0) for self",
        ),
        (
            "[4096, 0.1, 0.1, 0, True, 7, 0, 0, 0, None]",
            "TypeError: aclnnEcho cannot take int (7) for name, a char *",
        ),
        ("[4096, 0.1]", "TypeError: aclnnEcho takes 10 arguments, 2 given"),
        ("[0] * 11", "TypeError: aclnnEcho takes 10 arguments, 11 given"),
    ],
)
def test_an_argument_that_c_cannot_take_is_refused_by_name(root: str, arguments: str, complaint: str) -> None:
    error = error_of(f"{ECHO}plan('aclnnEcho', {arguments})", ASCEND_HOME_PATH=root)
    assert complaint in error


def test_a_refused_call_says_which_phase_and_why(root: str) -> None:
    error = error_of(f"{ECHO}plan('aclnnEcho', {FULL})", ASCEND_HOME_PATH=root)
    assert "ParameterError: aclnnEchoGetWorkspaceSize failed with 161002 (ACLNN_ERR_PARAM_INVALID)" in error
    assert RECEIVED % "built-in" in error
    code = f"{ECHO}operators.bind('aclnnEcho').phase_two(operators.Plan(), None, None)"
    error = error_of(code, ASCEND_HOME_PATH=root)
    assert "Error: aclnnEcho failed with 561003" in error
    assert "\n  workspaceSize: 0\n" in error + "\n"


def test_a_plan_serves_one_call_at_a_time(root: str) -> None:
    """Also after a refusal, and when calls are planned inside one another."""
    code = (
        f"{ECHO}said(plan, 'aclnnEcho', {FULL})\nop = operators.bind('aclnnPlan')\n"
        "outer = plan('aclnnPlan', [1])\ninner = plan('aclnnPlan', [2])\n"
        "result = [outer.workspace_size.value, inner.workspace_size.value]\n"
        "op.phase_two(inner, None, None)\nop.phase_two(outer, None, None)\n"
        "again = [plan('aclnnPlan', [n]) for n in range(4)]\n"
        "result += [each.workspace_size.value for each in again]"
    )
    assert value_of(code, ASCEND_HOME_PATH=root) == [1, 2, 0, 1, 2, 3]


def test_an_unknown_operator_is_a_missing_function(root: str) -> None:
    error = error_of(f"{ECHO}operators.bind('aclnnNothing')", ASCEND_HOME_PATH=root)
    assert "MissingFunctionError: no header declares aclnnNothingGetWorkspaceSize" in error


def test_a_declared_operator_that_no_library_has_is_a_missing_function(fake_home: FakeHome) -> None:
    fake_home.layout_81()
    fake_home.header(
        "int aclnnNewGetWorkspaceSize(uint64_t *size, aclOpExecutor **executor);", "include/aclnnop/new.h"
    )
    error = error_of(f"{ECHO}operators.bind('aclnnNew')", ASCEND_HOME_PATH=str(fake_home.root))
    assert re.search(r"MissingFunctionError: aclnnNewGetWorkspaceSize is in none of \S*libopapi\.so", error)


def test_a_helper_with_another_signature_is_refused_as_an_operator(fake_home: FakeHome) -> None:
    fake_home.layout_81()
    fake_home.header("int aclnnOddGetWorkspaceSize(int64_t n, uint64_t *size);", "include/aclnnop/odd.h")
    error = error_of(f"{ECHO}operators.bind('aclnnOdd')", ASCEND_HOME_PATH=str(fake_home.root))
    assert "does not end in (uint64_t *, aclOpExecutor **); call it through ao.acl" in error


def test_a_split_library_wins_over_the_old_one(fake_home: FakeHome) -> None:
    fake_home.layout_85()
    code = f"{ECHO}result = said(plan, 'aclnnEcho', {FULL})"
    assert value_of(code, ASCEND_HOME_PATH=str(fake_home.root)) == RECEIVED % "split"


def test_a_split_library_of_a_new_name_is_found(fake_home: FakeHome) -> None:
    fake_home.layout_81()
    (fake_home.lib / "libopapi.so").unlink()
    fake_home.build("libopapi_future.so", "operators.c", '-DWHO="future"', needs=("libascendcl.so",))
    code = f"{ECHO}result = said(plan, 'aclnnEcho', {FULL})"
    assert value_of(code, ASCEND_HOME_PATH=str(fake_home.root)) == RECEIVED % "future"


def custom(fake_home: FakeHome, *flags: str) -> Path:
    vendor = fake_home.root.parent / "vendor"
    fake_home.build(vendor / "op_api/lib/libcust_opapi.so", "operators.c", *flags, needs=("libascendcl.so",))
    return vendor


def test_a_custom_package_overrides_a_built_in_operator(fake_home: FakeHome) -> None:
    fake_home.layout_81()
    vendor = custom(fake_home, '-DWHO="custom"')
    code = f"{ECHO}result = said(plan, 'aclnnEcho', {FULL})"
    variables = {"ASCEND_HOME_PATH": str(fake_home.root), "ASCEND_CUSTOM_OPP_PATH": str(vendor)}
    assert value_of(code, **variables) == RECEIVED % "custom"


def test_a_custom_package_brings_its_own_header(fake_home: FakeHome) -> None:
    fake_home.layout_81()
    vendor = custom(fake_home)
    (vendor / "op_api/include").mkdir()
    (vendor / "op_api/include/aclnn_plan.h").write_text(
        "int aclnnPlanGetWorkspaceSize(int64_t mine, uint64_t *workspaceSize, aclOpExecutor **executor);"
    )
    code = f"{ECHO}result = operators.bind('aclnnPlan').signature.params[0].name"
    variables = {"ASCEND_HOME_PATH": str(fake_home.root), "ASCEND_CUSTOM_OPP_PATH": str(vendor)}
    assert value_of(code, **variables) == "mine"


def test_both_halves_come_from_the_same_library(fake_home: FakeHome) -> None:
    """The custom package has only the first half of aclnnHalf: the built-in one must be taken whole."""
    fake_home.layout_81()
    vendor = custom(fake_home, "-DHALF")
    code = f"{ECHO}result = plan('aclnnHalf', []).workspace_size.value"
    variables = {"ASCEND_HOME_PATH": str(fake_home.root), "ASCEND_CUSTOM_OPP_PATH": str(vendor)}
    assert value_of(code, **variables) == 2


def test_a_tensor_s_description_arrives_as_it_was_sent(root: str) -> None:
    code = (
        f"{ECHO}from ascend_ops._cann import libraries\n"
        "handle = nn.create_tensor((2, 3), 1, (6, 2), 5, 29, [40], 2**63)\n"
        "result = [handle.value, libraries.recent_message()]\nnn.destroy(handle)"
    )
    assert value_of(code, ASCEND_HOME_PATH=root) == [
        0x7FFFFFFF1230,
        "2,3, 6,2, 40, 1 5 29 0x8000000000000000",
    ]


def test_a_tensor_of_no_dimensions_is_passed(root: str) -> None:
    code = (
        f"{ECHO}from ascend_ops._cann import libraries\nnn.create_tensor((), 0, (), 0, 2, (1,), 0)\n"
        "result = libraries.recent_message()"
    )
    assert value_of(code, ASCEND_HOME_PATH=root).split() == ["1,", "0", "0", "2", "(nil)"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("(2,), 0, (1, 1), 0, 2, (2,), 0", "ValueError: strides has 2 entries for a shape of 1"),
        ("(-2,), 0, (1,), 0, 2, (2,), 0", "ValueError: shape (-2,) has a negative dimension"),
        ("(2**63,), 0, (1,), 0, 2, (2,), 0", "OverflowError: shape[0] is 9223372036854775808"),
        ("(2,), 0, (1.5,), 0, 2, (2,), 0", "TypeError: strides[0] must be an integer, not float"),
        ("(2,), 0, (1,), 2**63, 2, (2,), 0", "OverflowError: offset is 9223372036854775808"),
        ("(2,), 0, (1,), 0, 2, (2,), -8", "ValueError: address is -8"),
        ("(2,), 13, (1,), 0, 2, (2,), 0", "ParameterError: aclCreateTensor failed with 161002"),
    ],
)
def test_a_tensor_that_cannot_be_described_is_refused(root: str, arguments: str, complaint: str) -> None:
    assert complaint in error_of(f"{ECHO}nn.create_tensor({arguments})", ASCEND_HOME_PATH=root)


def test_an_int_array_s_values_arrive_as_they_were_sent(root: str) -> None:
    code = (
        f"{ECHO}from ascend_ops._cann import libraries\n"
        "nn.create_int_array(x for x in (1, -2**63, 2**63 - 1))\n"
        "result = libraries.recent_message()"
    )
    assert value_of(code, ASCEND_HOME_PATH=root) == "1,-9223372036854775808,9223372036854775807,"


def test_an_int_array_refuses_what_does_not_fit(root: str) -> None:
    error = error_of(f"{ECHO}nn.create_int_array([0, 2**63])", ASCEND_HOME_PATH=root)
    assert "OverflowError: values[1] is 9223372036854775808" in error


def test_destroying_a_dead_handle_is_an_error_with_the_handle(root: str) -> None:
    error = error_of(f"{ECHO}nn.destroy(nn.TensorHandle(0xbad))", ASCEND_HOME_PATH=root)
    assert "aclDestroyTensor failed with 161001" in error
    assert "handle: 0xbad" in error


def test_the_c_functions_of_an_operator_are_reached_by_name(root: str) -> None:
    code = (
        "import ctypes\nfrom ascend_ops._cann.api import acl\n"
        "size, executor = ctypes.c_uint64(), ctypes.c_void_p()\n"
        "status = acl.aclnnPlanGetWorkspaceSize(2**40, ctypes.byref(size), ctypes.byref(executor))\n"
        "seconds = [acl.aclnnPlan(None, 0, e, None) for e in (executor, None)]\n"
        "result = [status, size.value, *seconds]"
    )
    fixture = "int aclnnPlan(void *workspace, uint64_t size, aclOpExecutor *executor, aclrtStream stream);"
    Path(root, "include/aclnnop/aclnn_plan.h").write_text(fixture)
    assert value_of(code, ASCEND_HOME_PATH=root) == [0, 2**40, 0, 161001]
