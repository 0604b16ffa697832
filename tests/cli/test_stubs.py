"""`python -m ascend_ops stubs`: flags that a C build can use."""

from __future__ import annotations

from pathlib import Path

import pytest

from ascend_ops._cann import homes
from ascend_ops.cli import main


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "the stubs"
    (root / "lib64").mkdir(parents=True)
    for name in ("ascendcl", "nnopbase", "opapi", "hccl"):
        (root / "lib64" / f"lib{name}.so").touch()
    monkeypatch.setattr(homes, "_stub_places", lambda: [root])
    return root


def test_prefix_prints_the_directory_quoted_for_a_shell(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["stubs", "--prefix"]) == 0
    assert capsys.readouterr().out == f"'{root}'\n"


def test_cflags_name_the_include_directories(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stubs", "--cflags"]) == 0
    assert capsys.readouterr().out == f"'-I{root}/include' '-I{root}/include/aclnnop'\n"


def test_libs_name_dependents_before_what_they_need(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stubs", "--libs"]) == 0
    lib = root / "lib64"
    wanted = f"'-L{lib}' '-Wl,-rpath,{lib}' -lhccl -lopapi -lnnopbase -lascendcl\n"
    assert capsys.readouterr().out == wanted


def test_cflags_and_libs_share_one_line(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stubs", "--libs", "--cflags"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert out.index("-I") < out.index("-L")


def test_without_an_option_it_is_wrong_usage(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["stubs"])
    assert caught.value.code == 2
    assert "--cflags" in capsys.readouterr().err


def test_an_installation_without_the_stand_in_is_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(homes, "_stub_places", list)
    assert main(["stubs", "--prefix"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "the CPU stand-in is not part of this installation" in captured.err
