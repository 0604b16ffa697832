"""`python -m ascend_ops ops`: the list of operators and what is told of one."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from cann.fakehome import FakeHome
from cli.command import answer, declare, headers_only, run

from ascend_ops._cann import homes
from ascend_ops._cann.errors import HomeError
from ascend_ops._cann.homes import make_home
from ascend_ops.cli import main
from ascend_ops.cli.patterns import close, matches

SOURCES = Path(__file__).parents[2] / "native_stubs" / "src" / "opapi"
NEXT = "const aclTensor *selfRef, const aclTensor *scaleOptional, int64_t dstType, aclTensor *yOut"


@pytest.fixture
def root(fake_home: FakeHome, monkeypatch: pytest.MonkeyPatch) -> str:
    """A CANN that is not the stand-in: two operators with both phases, one of them not in its library. It is
    this process's home for a while: the list reads files only."""
    fake_home.layout_81()
    fake_home.header(declare("aclnnNextQuantV2", NEXT), "include/aclnnop/aclnn_next_quant_v2.h")
    monkeypatch.setattr(homes, "_found", make_home(fake_home.root, "test"))
    monkeypatch.delenv("ASCEND_CUSTOM_OPP_PATH", raising=False)
    monkeypatch.delenv("ASCEND_OPP_PATH", raising=False)
    return str(fake_home.root)


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert main(["ops", "--json", *arguments]) == 0
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return rows


@pytest.fixture
def stub() -> dict[str, str]:
    setting = os.environ["ASCEND_OPS_HOME"]
    if setting == "stub":
        try:
            homes.stub_home()
        except HomeError as error:
            pytest.skip(f"no stand-in: {error}")
    return {"ASCEND_OPS_HOME": setting}


def test_the_list_has_the_operators_by_both_names(root: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ops"]) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["ao.ops.", "C", "name", "output", "rule"],
        ["echo", "aclnnEcho", "no"],
        ["next_quant_v2", "aclnnNextQuantV2", "no"],
    ]


def test_json_names_the_library_and_nothing_where_there_is_none(
    root: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert listed(capsys) == [
        {
            "python": "echo",
            "name": "aclnnEcho",
            "kernel": None,
            "output_rule": False,
            "library": f"{root}/lib64/libopapi.so",
        },
        {
            "python": "next_quant_v2",
            "name": "aclnnNextQuantV2",
            "kernel": None,
            "output_rule": False,
            "library": None,
        },
    ]


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("DynamicQuant", True),
        ("dynamic_quant", True),
        ("aclnnDynamicQuantV2", True),
        ("quant", True),
        ("QUANT", True),
        ("quant*", False),
        ("*quant*", True),
        ("*quant*v2", True),
        ("aclnn*V2", True),
        ("dynamic_quant_v?", True),
        ("dynamic_quant_v[13]", False),
        ("dynamicquant", True),
        ("quant_dynamic", False),
        ("", True),
    ],
)
def test_a_pattern_is_a_part_or_a_glob_of_either_name(pattern: str, fits: bool) -> None:
    assert matches("aclnnDynamicQuantV2", pattern) is fits


def test_names_that_look_alike_are_found_by_either_name() -> None:
    names = ["aclnnDynamicQuant", "aclnnDynamicQuantV2", "aclnnAbs", "aclnnAscendAntiQuant"]
    assert close(names, "aclnnDynamicQant")[0] == "aclnnDynamicQuant"
    assert close(names, "dynamic_qunat_v2")[0] == "aclnnDynamicQuantV2"
    assert close(names, "zzz") == []


def test_a_pattern_selects(root: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert [row["name"] for row in listed(capsys, "*V2")] == ["aclnnNextQuantV2"]


@pytest.mark.parametrize(
    ("words", "answer_"),
    [
        (["next_qant_v2"], "no operator fits 'next_qant_v2'; near to it are aclnnNextQuantV2"),
        (["zzz"], "no operator fits 'zzz'"),
        (
            ["show", "aclnnNextQuantV3"],
            "this home has no operator 'aclnnNextQuantV3'. Do you mean aclnnNextQuantV2?",
        ),
        (["show", "zzz"], "this home has no operator 'zzz'. `python -m ascend_ops ops` lists all."),
    ],
)
def test_what_is_not_there_is_code_1_with_what_is_near(
    root: str, capsys: pytest.CaptureFixture[str], words: list[str], answer_: str
) -> None:
    assert main(["ops", *words]) == 1
    assert tuple(capsys.readouterr()) == ("", f"ascend_ops ops: {answer_}\n")


@pytest.mark.parametrize("name", ["aclnnNextQuantV2", "next_quant_v2"])
def test_show_tells_what_is_known_by_either_name(root: str, tmp_path: Path, name: str) -> None:
    roles = NEXT.replace("selfRef,", "selfRef, /* inout */").replace("yOut", "yOut /* out */")
    catalogue = headers_only(tmp_path / "stub", aclnnNextQuantV2=roles)
    done = run("ops", "show", name, stub=catalogue, ASCEND_HOME_PATH=root)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "ao.ops.next_quant_v2(self_ref, scale_optional=None, dst_type=<required>, *, y_out=<required>, "
        "out=None)",
        "",
        "aclnnStatus aclnnNextQuantV2GetWorkspaceSize(",
        "    const aclTensor *selfRef,  /* inout */",
        "    const aclTensor *scaleOptional,  /* in */",
        "    int64_t dstType,",
        "    aclTensor *yOut,  /* out */",
        "    uint64_t *workspaceSize,",
        "    aclOpExecutor **executor);",
        "",
        f"Header       {root}/include/aclnnop/aclnn_next_quant_v2.h",
        "Library      none: no library of this home exports it",
        "Output rule  none: give the outputs",
    ]


def test_options_may_stand_anywhere(root: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ops", "echo", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == listed(capsys, "echo")


def test_show_as_json(root: str) -> None:
    about = answer(0, "ops", "show", "aclnnEcho", ASCEND_HOME_PATH=root)
    assert (about["name"], about["python"], about["kernel"], about["outputs"]) == (
        "aclnnEcho",
        "echo",
        None,
        None,
    )
    assert about["library"] == f"{root}/lib64/libopapi.so"
    assert about["documentation"] is None
    assert about["parameters"][0] == {
        "name": "self",
        "python": "self",
        "type": "const aclTensor *",
        "role": "in",
    }
    assert about["parameters"][1] == {"name": "alpha", "python": "alpha", "type": "double", "role": None}
    assert "\n    double alpha,\n    float beta,\n" in about["prototype"]


def test_a_home_that_cannot_be_used_is_code_1() -> None:
    done = run("ops", ASCEND_OPS_HOME="/no/such/place")
    assert (done.returncode, done.stdout) == (1, "")
    assert "ASCEND_OPS_HOME is '/no/such/place', which is not a directory" in done.stderr


@pytest.mark.parametrize(
    "arguments", [["a", "b"], ["show"], ["show", "a", "b"], ["--colour"], ["show", "-x"]]
)
def test_wrong_usage_is_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["ops", *arguments])
    assert caught.value.code == 2
    assert "usage: python -m ascend_ops" in capsys.readouterr().err


def test_a_custom_operator_comes_from_its_package(
    root: str, fake_home: FakeHome, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    vendor = fake_home.root.parent / "vendor"
    library = fake_home.build(
        vendor / "op_api/lib/libcust_opapi.so", "operators.c", needs=("libascendcl.so",)
    )
    (vendor / "op_api/include").mkdir()
    (vendor / "op_api/include/aclnn_half.h").write_text(declare("aclnnHalf", ""))
    monkeypatch.setenv("ASCEND_CUSTOM_OPP_PATH", str(vendor))
    assert [(row["name"], row["library"]) for row in listed(capsys, "half")] == [("aclnnHalf", str(library))]


@pytest.mark.stand_in(reason="kernels of the stand-in")
def test_the_stand_in_s_kernels_are_those_of_its_sources(stub: dict[str, str]) -> None:
    text = "\n".join(path.read_text() for path in SOURCES.rglob("*.c"))
    written = set(re.findall(r"^STUB_\w*KERNEL\w*\(\s*(\w+)", text, re.MULTILINE))
    rows = answer(0, "ops", **stub)
    assert {row["name"] for row in rows if row["kernel"]} == written
    assert {row["kernel"] for row in rows} == {True, False}
    assert {Path(row["library"]).name for row in rows} == {"libopapi.so"}
    assert len({row["python"] for row in rows}) == len(rows) > 1000


@pytest.mark.stand_in(reason="kernels of the stand-in")
def test_show_tells_of_an_operator_of_the_stand_in(stub: dict[str, str]) -> None:
    done = run("ops", "show", "dynamic_quant_v2", **stub)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("ao.ops.dynamic_quant_v2(x, smooth_scales=None, group_index=None, dst_type=")
    assert lines[1].startswith("    Quantizes every row (token)")
    assert "Kernel       yes, the stand-in computes it" in lines
    assert any(line.startswith("Output rule  y") for line in lines)


@pytest.mark.stand_in(reason="a custom package in place of the stand-in's operator")
def test_a_custom_operator_has_no_kernel_of_the_stand_in(stub: dict[str, str], fake_home: FakeHome) -> None:
    vendor = fake_home.root.parent / "vendor"
    (fake_home.root / "half.c").write_text(
        "void aclnnHalfGetWorkspaceSize(void) {}\nvoid aclnnHalf(void) {}\n"
    )
    fake_home.build(vendor / "op_api/lib/libcust_opapi.so", str(fake_home.root / "half.c"))
    (vendor / "op_api/include").mkdir()
    (vendor / "op_api/include/aclnn_half.h").write_text(declare("aclnnHalf", ""))
    variables = {**stub, "ASCEND_CUSTOM_OPP_PATH": str(vendor)}
    assert answer(0, "ops", "show", "half", **variables)["kernel"] is None
    listing = run("ops", **variables).stdout
    assert re.search(r"^half +aclnnHalf +- +no$", listing, re.MULTILINE)
    assert re.search(r"^dynamic_quant_v2 +aclnnDynamicQuantV2 +yes +(yes|no)$", listing, re.MULTILINE)


@pytest.mark.stand_in(reason="kernels of the stand-in")
def test_coverage_tells_which_tests_hold_which_kernels(capsys: pytest.CaptureFixture[str]) -> None:
    abs_, relu6 = (listed(capsys, "--coverage", name)[0] for name in ("aclnnAbs", "aclnnRelu6"))
    assert abs_["kernel"] is True
    assert {"float16", "float32", "int32"} <= set(abs_["dtypes"])
    assert all((SOURCES.parents[2] / test).is_file() for test in abs_["tests"])
    assert relu6 == {"name": "aclnnRelu6", "kernel": False, "dtypes": [], "tests": []}
    assert main(["ops", "--coverage", "aclnn*RmsNorm"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["operator", "kernel", "dtypes", "tested", "by"]
    assert any(line.split()[:2] == ["aclnnAddRmsNorm", "yes"] for line in lines)
    assert lines[-1].endswith("operators have a kernel and its test")
    with pytest.raises(SystemExit) as ended:
        main(["ops", "--coverage", "show", "abs"])
    assert ended.value.code == 2
    assert "--coverage is about the list" in capsys.readouterr().err
