"""The fixture of the fake CANN installations."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cann.fakehome import FakeHome


@pytest.fixture
def fake_home(tmp_path: Path) -> FakeHome:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler to build a fake CANN")
    return FakeHome(tmp_path / "cann", compiler)
