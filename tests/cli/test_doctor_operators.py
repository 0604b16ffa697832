"""What `doctor` finds out about operators. It reads files only, so no process of its own is needed."""

from __future__ import annotations

from pathlib import Path

import pytest
from cann.fakehome import ECHO_HEADER, FakeHome
from cli.command import declare, headers_only

from ascend_ops._cann import homes
from ascend_ops._cann.homes import Home, make_home
from ascend_ops.cli.doctor_operators import operator_sections
from ascend_ops.cli.report_operators import OperatorReport, examine_operators, problems

ECHO = "aclnnEcho"
WIDER = "const aclTensor *self, double alpha, int64_t added"


@pytest.fixture
def home(fake_home: FakeHome, monkeypatch: pytest.MonkeyPatch) -> Home:
    """aclnnEcho declared and exported, aclnnPlan and aclnnHalf exported only. No stand-in beside it."""
    monkeypatch.setattr(homes, "_stub_places", list)
    monkeypatch.delenv("ASCEND_CUSTOM_OPP_PATH", raising=False)
    monkeypatch.delenv("ASCEND_OPP_PATH", raising=False)
    return make_home(fake_home.layout_81().root, "test")


def add_package(fake_home: FakeHome, header: str | None, *flags: str, name: str = "vendor") -> str:
    """A custom package that has the home's operators too; `header` is its own, for aclnnEcho."""
    vendor = fake_home.root.parent / name
    fake_home.build(vendor / "op_api/lib/libcust_opapi.so", "operators.c", *flags, needs=("libascendcl.so",))
    if header is not None:
        (vendor / "op_api/include").mkdir()
        (vendor / "op_api/include/aclnn_echo.h").write_text(header)
    return str(vendor)


def lines_of(report: OperatorReport, verbose: bool = False) -> list[str]:
    return [line for section in operator_sections(report, verbose) for line in section]


def test_operators_are_counted_by_headers_and_by_libraries(home: Home, fake_home: FakeHome) -> None:
    fake_home.header(declare("aclnnNew", ""), "include/aclnnop/aclnn_new.h")
    report = examine_operators(home)
    assert (report.declared, report.exported) == (2, 3)
    assert report.provided_by == {f"{fake_home.lib}/libopapi.so": 3}
    assert (report.not_exported, report.not_declared) == (["aclnnNew"], ["aclnnHalf", "aclnnPlan"])
    assert (report.collisions, report.catalogue, problems(report)) == ([], None, [])


@pytest.mark.parametrize(
    ("header", "same", "words"),
    [
        (declare(ECHO, WIDER), False, "with another signature; ascend_ops calls the first as its own header"),
        (ECHO_HEADER, True, ""),
        (None, None, "its package has no header for it"),
    ],
)
def test_a_custom_operator_in_place_of_a_built_in_one_is_a_collision(
    home: Home,
    fake_home: FakeHome,
    monkeypatch: pytest.MonkeyPatch,
    header: str | None,
    same: bool | None,
    words: str,
) -> None:
    vendor = add_package(fake_home, header)
    monkeypatch.setenv("ASCEND_CUSTOM_OPP_PATH", vendor)
    report = examine_operators(home)
    assert [each["name"] for each in report.collisions] == ["aclnnEcho", "aclnnHalf", "aclnnPlan"]
    collision = report.collisions[0]
    assert collision["same_signature"] is same
    assert collision["taken"] == f"{vendor}/op_api/lib/libcust_opapi.so"
    assert collision["hidden"] == f"{fake_home.lib}/libopapi.so"
    found = [problem for problem in problems(report) if problem.startswith(f"{ECHO} is in ")]
    assert len(found) == (same is not True)
    assert words in "".join(found)


def test_both_prototypes_of_a_collision_are_shown_on_request(
    home: Home, fake_home: FakeHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASCEND_CUSTOM_OPP_PATH", add_package(fake_home, declare(ECHO, WIDER)))
    report = examine_operators(home)
    assert not any("(aclnn" in line or "GetWorkspaceSize" in line for line in lines_of(report))
    lines = lines_of(report, verbose=True)
    start = next(i for i, line in enumerate(lines) if line.startswith("  aclnnEcho: "))
    assert lines[start].endswith("(another signature)")
    assert lines[start + 1].startswith(f"    it is aclnnStatus aclnnEchoGetWorkspaceSize({WIDER}, ")
    assert lines[start + 2].startswith(
        "    not   aclnnStatus aclnnEchoGetWorkspaceSize(const aclTensor *self, "
    )


def test_half_an_operator_takes_nothing_s_place(
    home: Home, fake_home: FakeHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASCEND_CUSTOM_OPP_PATH", add_package(fake_home, None, "-DHALF"))
    assert [each["name"] for each in examine_operators(home).collisions] == ["aclnnEcho", "aclnnPlan"]


def test_packages_collide_with_one_another_too(
    home: Home, fake_home: FakeHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = (add_package(fake_home, ECHO_HEADER, name=name) for name in ("one", "two"))
    monkeypatch.setenv("ASCEND_CUSTOM_OPP_PATH", f"{one}:{two}")
    found = [each for each in examine_operators(home).collisions if each["name"] == ECHO]
    pairs = [(Path(each["taken"]).parts[-4], Path(each["hidden"]).parts[-4]) for each in found]
    assert examine_operators(home).provided_by == {f"{one}/op_api/lib/libcust_opapi.so": 3}
    assert pairs == [("one", "two"), ("two", Path(fake_home.lib / "libopapi.so").parts[-4])]


def test_the_installed_headers_are_compared_with_the_catalogue(
    home: Home, fake_home: FakeHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_home.header(declare("aclnnMine", ""), "include/aclnnop/mine.h")
    stub = headers_only(tmp_path / "stub", aclnnEcho=WIDER, aclnnLater="int64_t n")
    monkeypatch.setattr(homes, "_stub_places", lambda: [stub])
    report = examine_operators(home)
    assert report.catalogue is not None
    assert report.catalogue.only_installed == ["aclnnMine"]
    assert report.catalogue.only_in_catalogue == ["aclnnLater"]
    assert [(each["name"], each["types_differ"]) for each in report.catalogue.changed] == [(ECHO, True)]
    brief = lines_of(report)
    assert brief[brief.index("Against the stand-in's catalogue") + 1 :] == [
        "  only in this home: 1",
        "  only in the catalogue: 1",
        "  other signature: 1",
    ]
    verbose = lines_of(report, verbose=True)
    assert [line for line in verbose if line in ("    aclnnMine", "    aclnnLater", f"    {ECHO}")] != []
    assert verbose[-1].startswith(f"    not   aclnnStatus aclnnEchoGetWorkspaceSize({WIDER}, ")


def test_equal_headers_have_no_difference(
    home: Home, fake_home: FakeHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = headers_only(tmp_path / "stub")
    (stub / "include/aclnnop/aclnn_echo.h").write_text(ECHO_HEADER)
    monkeypatch.setattr(homes, "_stub_places", lambda: [stub])
    assert lines_of(examine_operators(home))[-1] == "  no difference"


def test_a_home_without_headers_is_not_compared(
    home: Home, fake_home: FakeHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (fake_home.root / "include/aclnnop/aclnn_fakes.h").unlink()
    stub = headers_only(tmp_path / "stub", aclnnEcho=WIDER)
    monkeypatch.setattr(homes, "_stub_places", lambda: [stub])
    report = examine_operators(home)
    assert (report.declared, report.exported, report.catalogue) == (0, 3, None)
