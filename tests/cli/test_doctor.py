"""`python -m ascend_ops doctor`: what it says and the exit code a script sees."""

from __future__ import annotations

import os
from typing import Any

import pytest
from cann.fakehome import ECHO_HEADER, FakeHome
from cli.command import answer, run

from ascend_ops._cann import homes
from ascend_ops._cann.errors import HomeError


def report(code: int, **environment: str) -> dict[str, Any]:
    found: dict[str, Any] = answer(code, "doctor", **environment)
    return found


def test_a_broken_setting_is_told_with_the_next_step_and_code_1() -> None:
    done = run("doctor", ASCEND_OPS_HOME="/no/such/place")
    assert done.returncode == 1
    assert "Operators cannot run here:" in done.stdout
    assert "ASCEND_OPS_HOME is '/no/such/place', which is not a directory" in done.stdout
    assert done.stderr == ""


def test_the_reason_for_the_choice_is_told(fake_home: FakeHome) -> None:
    fake_home.layout_81()
    done = run("doctor", ASCEND_HOME_PATH=str(fake_home.root))
    assert f"Home      {fake_home.root} (CANN)" in done.stdout
    assert "- ASCEND_OPS_HOME: not set" in done.stdout
    assert f"* ASCEND_HOME_PATH: uses {fake_home.root}" in done.stdout


def test_json_has_the_steps_libraries_and_problems(fake_home: FakeHome) -> None:
    fake_home.layout_81()
    found = report(1, ASCEND_HOME_PATH=str(fake_home.root))
    assert found["root"] == str(fake_home.root)
    assert found["stand_in"] is False
    assert found["steps"][-1] == {
        "name": "ASCEND_HOME_PATH",
        "taken": True,
        "reason": f"uses {fake_home.root}",
    }
    assert [(entry["family"], entry["loads"]) for entry in found["libraries"]] == [
        ("runtime", True),
        ("nnopbase", True),
        ("opapi", True),
    ]
    assert any(
        "no hccl library: collective communication is not available" in text for text in found["problems"]
    )


def test_every_missing_library_is_told_in_one_run(fake_home: FakeHome) -> None:
    fake_home.build("libascendcl.so", "runtime.c")
    problems = " ".join(report(1, ASCEND_HOME_PATH=str(fake_home.root))["problems"])
    for family in ("nnopbase", "opapi", "hccl"):
        assert f"no {family} library" in problems
    assert "no operator headers" in problems


def test_a_link_stub_is_told(fake_home: FakeHome) -> None:
    fake_home.layout_81("-DINIT_STATUS=100039")
    problems = " ".join(report(1, ASCEND_HOME_PATH=str(fake_home.root))["problems"])
    assert "is a link stub" in problems


@pytest.mark.stand_in(reason="an NPU machine may lack collectives or headers")
def test_the_stand_in_has_devices_and_no_problem() -> None:
    home = os.environ["ASCEND_OPS_HOME"]
    if home == "stub":
        try:
            homes.stub_home()
        except HomeError as error:
            pytest.skip(f"no stand-in: {error}")
    found = report(0, ASCEND_OPS_HOME=home, ASCEND_STUB_DEVICES="3", ASCEND_STUB_HBM="2G")
    assert (found["ok"], found["stand_in"], found["problems"]) == (True, True, [])
    assert [(device["id"], device["total"]) for device in found["devices"]] == [
        (n, 2 * 2**30) for n in range(3)
    ]
    assert found["soc_name"].startswith("Ascend")
    operators = found["operators"]
    assert operators["declared"] == operators["exported"] > 1000
    assert (operators["not_exported"], operators["not_declared"]) == ([], [])
    assert (operators["collisions"], operators["catalogue"]) == ([], None)


def test_custom_packages_are_listed(fake_home: FakeHome) -> None:
    fake_home.layout_81()
    vendor = fake_home.root.parent / "vendor"
    fake_home.build(vendor / "op_api/lib/libcust_opapi.so", "operators.c", needs=("libascendcl.so",))
    variables = {"ASCEND_HOME_PATH": str(fake_home.root), "ASCEND_CUSTOM_OPP_PATH": str(vendor)}
    assert report(1, **variables)["custom_packages"] == [f"{vendor} (from ASCEND_CUSTOM_OPP_PATH)"]


def test_the_operators_behind_the_numbers_are_named_on_request(fake_home: FakeHome) -> None:
    fake_home.layout_81()
    variables = {"ASCEND_HOME_PATH": str(fake_home.root)}
    assert (
        "Operators\n"
        "  declared  1 (headers of the home and of custom packages)\n"
        "  exported  3\n"
        f"         3 by {fake_home.lib}/libopapi.so\n"
        "  exported, but not declared: 2\n"
        "    aclnnHalf\n"
        "    aclnnPlan\n"
    ) in run("doctor", "--verbose", **variables).stdout


def test_a_damaged_header_is_named(fake_home: FakeHome) -> None:
    fake_home.layout_81()
    damaged = ECHO_HEADER.replace("int64_t n, bool flag", "int64_t n bool flag")
    fake_home.header(damaged)
    problems = report(1, ASCEND_HOME_PATH=str(fake_home.root))["problems"]
    header = f"{fake_home.root}/include/aclnnop/aclnn_fakes.h"
    assert any(text.startswith(f"The operators cannot be listed: {header}: ") for text in problems)


def test_a_custom_library_that_does_not_load_is_told_but_the_others_serve(fake_home: FakeHome) -> None:
    fake_home.layout_81()
    vendor = fake_home.root.parent / "vendor"
    (vendor / "op_api/lib").mkdir(parents=True)
    (vendor / "op_api/lib/libcust_opapi.so").write_bytes(b"cut off")
    variables = {"ASCEND_HOME_PATH": str(fake_home.root), "ASCEND_CUSTOM_OPP_PATH": str(vendor)}
    found = report(1, **variables)
    assert [entry["loads"] for entry in found["libraries"] if entry["family"] == "opapi"] == [False, True]
    assert any("libcust_opapi.so does not load" in problem for problem in found["problems"])
    assert found["operators"]["exported"] == 3


@pytest.mark.parametrize("arguments", [[], ["physician"], ["doctor", "--colour"]])
def test_wrong_usage_is_code_2(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "usage: python -m ascend_ops" in done.stderr
