"""`python -m ascend_ops doctor`: what it says and the exit code a script sees."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest
from cann.fakehome import FakeHome, run_python

from ascend_ops._cann import homes
from ascend_ops._cann.errors import HomeError


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    code = f"import sys\nfrom ascend_ops.cli import main\nsys.exit(main({list(arguments)!r}))"
    return run_python(code, **environment)


def report(code: int, **environment: str) -> dict[str, Any]:
    done = run("doctor", "--json", **environment)
    assert done.returncode == code, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


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
    answer = report(1, ASCEND_HOME_PATH=str(fake_home.root))
    assert answer["root"] == str(fake_home.root)
    assert answer["stand_in"] is False
    assert answer["steps"][-1] == {
        "name": "ASCEND_HOME_PATH",
        "taken": True,
        "reason": f"uses {fake_home.root}",
    }
    assert [(entry["family"], entry["loads"]) for entry in answer["libraries"]] == [
        ("runtime", True),
        ("nnopbase", True),
        ("opapi", True),
    ]
    assert any(
        "no hccl library: collective communication is not available" in text for text in answer["problems"]
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
    answer = report(0, ASCEND_OPS_HOME=home, ASCEND_STUB_DEVICES="3", ASCEND_STUB_HBM="2G")
    assert (answer["ok"], answer["stand_in"], answer["problems"]) == (True, True, [])
    assert [(device["id"], device["total"]) for device in answer["devices"]] == [
        (n, 2 * 2**30) for n in range(3)
    ]
    assert answer["soc_name"].startswith("Ascend")


def test_custom_packages_are_listed(fake_home: FakeHome) -> None:
    fake_home.layout_81()
    vendor = fake_home.root.parent / "vendor"
    fake_home.build(vendor / "op_api/lib/libcust_opapi.so", "operators.c", needs=("libascendcl.so",))
    variables = {"ASCEND_HOME_PATH": str(fake_home.root), "ASCEND_CUSTOM_OPP_PATH": str(vendor)}
    assert report(1, **variables)["custom_packages"] == [f"{vendor} (from ASCEND_CUSTOM_OPP_PATH)"]


@pytest.mark.parametrize("arguments", [[], ["physician"], ["doctor", "--colour"]])
def test_wrong_usage_is_code_2(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "usage: python -m ascend_ops" in done.stderr
