"""Custom operator packages: which count, and in which order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ascend_ops._cann.custom import custom_packages
from ascend_ops._cann.homes import Home, make_home


def vendor(root: Path) -> Path:
    (root / "op_api" / "lib").mkdir(parents=True)
    (root / "op_api" / "lib" / "libcust_opapi.so").touch()
    return root


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.delenv("ASCEND_CUSTOM_OPP_PATH", raising=False)
    monkeypatch.delenv("ASCEND_OPP_PATH", raising=False)
    return make_home(tmp_path / "cann", "test")


def names(home: Home) -> list[str]:
    return [package.root.name for package in custom_packages(home)]


def test_a_home_without_vendors_has_no_custom_packages(home: Home) -> None:
    assert names(home) == []


def test_the_environment_comes_first_then_vendors_by_priority(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendors = home.root / "opp" / "vendors"
    for name in ("low", "high", "unlisted"):
        vendor(vendors / name)
    (vendors / "config.ini").write_text("# comment\nload_priority = high, low ,absent\n")
    paths = [vendor(tmp_path / "two"), tmp_path / "no-library", vendor(tmp_path / "one")]
    monkeypatch.setenv("ASCEND_CUSTOM_OPP_PATH", ":".join(map(str, paths)) + ":")
    assert names(home) == ["two", "one", "high", "low"]


def test_the_operator_directory_may_lie_elsewhere(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor(tmp_path / "opp" / "vendors" / "mine")
    (tmp_path / "opp" / "vendors" / "config.ini").write_text("load_priority=mine")
    monkeypatch.setenv("ASCEND_OPP_PATH", str(tmp_path / "opp"))
    assert names(home) == ["mine"]


def test_a_vendor_library_of_a_third_party_is_passed_over(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = vendor(home.root / "opp" / "vendors" / "mine")
    (home.root / "opp" / "vendors" / "config.ini").write_text("load_priority=mine")
    library = root / "op_api/lib/libcust_opapi.so"
    assert names(home) == ["mine"]
    if os.geteuid() == 0:
        os.chown(library, 12345, -1)
    else:
        owner = library.stat().st_uid
        monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert names(home) == []
