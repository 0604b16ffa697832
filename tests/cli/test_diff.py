"""`python -m ascend_ops diff`: what two homes' headers offer, told from the headers alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ascend_ops._cann import homes
from ascend_ops.cli import main

TAIL = "uint64_t *workspaceSize, aclOpExecutor **executor"
SECOND = "void *workspace, uint64_t workspaceSize, aclOpExecutor *executor, aclrtStream stream"
ABS = "const aclTensor *self, aclTensor *out"
BASE = {"aclnnAbs": ABS, "aclnnSum": "const aclTensor *self, bool keepDim, aclTensor *out"}


def declare(name: str, params: str, tail: str = TAIL) -> str:
    return (
        f"aclnnStatus {name}GetWorkspaceSize(\n    {params}, {tail});\n/* of {name} */\n"
        f"aclnnStatus {name}({SECOND});\n"
    )


def make_home(root: Path, operators: Mapping[str, str], folder: str = "include/aclnnop") -> str:
    """A directory with one header per operator, and with no library at all."""
    (root / folder).mkdir(parents=True, exist_ok=True)
    for name, params in operators.items():
        (root / folder / f"{name}.h").write_text(declare(name, params))
    return str(root)


@pytest.fixture
def before(tmp_path: Path) -> str:
    return make_home(tmp_path / "before", BASE)


def compared(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    code = main(["diff", *arguments, "--json"])
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, answer


def test_equal_homes_are_code_0(before: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    after = make_home(tmp_path / "after", BASE)
    assert main(["diff", before, after]) == 0
    wanted = [
        f"--- {before}: 2 operators",
        f"+++ {after}: 2 operators",
        "0 added, 0 removed, 0 changed, 2 the same",
    ]
    assert capsys.readouterr().out.splitlines() == wanted


def test_what_differs_is_told_in_the_order_of_names(
    before: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    after = make_home(
        tmp_path / "after",
        {"aclnnSum": "const aclTensor *self, int64_t dim, bool keepDim, aclTensor *out", "aclnnAdd": ABS},
    )
    assert main(["diff", before, after]) == 1
    assert capsys.readouterr().out.splitlines()[2:] == [
        "- aclnnAbs",
        "+ aclnnAdd",
        "~ aclnnSum: other types",
        f"    - aclnnStatus aclnnSumGetWorkspaceSize({BASE['aclnnSum']}, {TAIL})",
        "    + aclnnStatus aclnnSumGetWorkspaceSize(const aclTensor *self, int64_t dim, bool keepDim, "
        f"aclTensor *out, {TAIL})",
        "1 added, 1 removed, 1 changed, 0 the same",
    ]


@pytest.mark.parametrize(
    ("params", "types_differ"),
    [
        ("const aclTensor *x, aclTensor *out", False),
        ("aclTensor *self, aclTensor *out", False),
        ("const aclTensor *self, const aclTensor *out", False),
        ("const aclTensorList *self, aclTensor *out", True),
        ("const aclTensor *self, double out", True),
        ("aclTensor *out, const aclTensor *self", False),
        ("const aclTensor *self", True),
    ],
)
def test_a_change_says_whether_types_differ_or_only_names_and_const(
    before: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], params: str, types_differ: bool
) -> None:
    after = make_home(tmp_path / "after", {**BASE, "aclnnAbs": params})
    code, answer = compared(before, after, capsys=capsys)
    assert (code, answer["same"]) == (1, 1)
    (change,) = answer["changed"]
    assert (change["name"], change["types_differ"]) == ("aclnnAbs", types_differ)
    assert change["before"]["prototype"] == f"aclnnStatus aclnnAbsGetWorkspaceSize({ABS}, {TAIL})"
    assert change["after"]["prototype"] == f"aclnnStatus aclnnAbsGetWorkspaceSize({params}, {TAIL})"
    assert change["after"]["header"] == f"{after}/include/aclnnop/aclnnAbs.h"


@pytest.mark.parametrize("narrow", ["float alpha", "int32_t alpha", "aclDataType alpha", "uint64_t alpha"])
def test_a_number_of_another_type_is_another_type(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], narrow: str
) -> None:
    homes_ = [make_home(tmp_path / n, {"aclnnX": p}) for n, p in (("a", "double alpha"), ("b", narrow))]
    code, answer = compared(*homes_, capsys=capsys)
    assert (code, answer["changed"][0]["types_differ"]) == (1, True)


def test_the_names_of_what_phase_one_returns_do_not_count(
    before: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    after = make_home(tmp_path / "after", BASE)
    other = declare("aclnnAbs", ABS, "uint64_t* workspace_size, aclOpExecutor **opExecutor")
    (tmp_path / "after/include/aclnnop/aclnnAbs.h").write_text(other)
    assert compared(before, after, capsys=capsys)[0] == 0


def test_a_header_that_is_in_both_directories_of_cann_counts_once(
    before: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    after = make_home(tmp_path / "after", BASE)
    make_home(tmp_path / "after", {**BASE, "aclnnAbs": "bool hidden"}, "include/aclnnop/level2")
    code, answer = compared(before, after, capsys=capsys)
    assert (code, answer["after"]) == (0, {"root": after, "operators": 2})


def test_only_functions_with_both_phases_are_operators(
    before: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    after = make_home(tmp_path / "after", BASE)
    helper = f"aclnnStatus aclnnHelperGetWorkspaceSize(int64_t n, {TAIL});\nint aclnnOther(void);"
    (tmp_path / "after/include/aclnnop/helper.h").write_text(helper)
    assert compared(before, after, capsys=capsys)[0] == 0


@pytest.mark.parametrize("pattern", ["abs", "aclnnA*", "?bs", "BS"])
def test_a_pattern_narrows_the_comparison(
    before: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], pattern: str
) -> None:
    after = make_home(tmp_path / "after", {"aclnnAbs": ABS})
    assert compared(before, after, pattern, capsys=capsys)[0] == 0
    assert compared(before, after, capsys=capsys)[0] == 1


def test_the_word_stub_is_the_stand_in(
    before: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stub = make_home(tmp_path / "stub", {**BASE, "aclnnNew": ABS})
    (tmp_path / "stub/lib64").mkdir()
    (tmp_path / "stub/lib64/libascendcl.so").touch()
    monkeypatch.setattr(homes, "_stub_places", lambda: [tmp_path / "stub"])
    code, answer = compared(before, "stub", capsys=capsys)
    assert (code, answer["after"]["root"]) == (1, stub)
    assert [each["name"] for each in answer["added"]] == ["aclnnNew"]
    assert compared("stub", before, capsys=capsys)[1]["removed"] == answer["added"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["before", "no/such"], "'no/such' is not a directory"),
        (["no/such", "before"], "'no/such' is not a directory"),
        (["before", "empty"], "has no operator headers (include/aclnnop)"),
        (["before", "before", "*soft*"], "no operator of either home fits '*soft*'"),
    ],
)
def test_what_cannot_be_compared_is_code_2(
    before: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    complaint: str,
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["diff", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert complaint in captured.err


def test_a_damaged_header_is_code_2_and_named(
    before: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    after = make_home(tmp_path / "after", {**BASE, "aclnnAbs": ABS.replace(",", "")})
    assert main(["diff", before, after]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"{after}/include/aclnnop/aclnnAbs.h: cannot read the declaration of aclnnAbs" in captured.err


def test_a_name_in_a_comment_is_no_declaration(
    before: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    after = make_home(tmp_path / "after", BASE)
    comment = "/* see aclnnNewGetWorkspaceSize(x) and aclnnNew(x), and aclnnAbsGetWorkspaceSize(x) */\n"
    (tmp_path / "after/include/aclnnop/a.h").write_text(comment + declare("aclnnOld", ABS))
    code, answer = compared(before, after, capsys=capsys)
    assert (code, [each["name"] for each in answer["added"]], answer["same"]) == (1, ["aclnnOld"], 2)


def test_one_home_alone_is_wrong_usage(before: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["diff", before])
    assert caught.value.code == 2
