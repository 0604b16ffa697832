"""Fixtures for profiles: both sources of a timeline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from runtime.conftest import _memory_comes_back, hold  # noqa: F401 - fixtures

from ascend_ops._profile.recorder import PythonRecorder
from ascend_ops._profile.session import Profile
from ascend_ops._profile.stand_in import StandInTrace, available

NewProfile = Callable[[], Profile]


@pytest.fixture(params=["stand-in", "Python"])
def new_profile(request: pytest.FixtureRequest, tmp_path: Path) -> NewProfile:
    """Makes a profile, from the stand-in's trace or recorded by Python."""
    if request.param == "stand-in" and not available():
        pytest.skip("this CANN keeps no trace")
    kind = StandInTrace if request.param == "stand-in" else PythonRecorder
    return lambda: Profile(tmp_path / "trace.json", kind())
