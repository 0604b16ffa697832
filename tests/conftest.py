"""One suite for the stand-in and for hardware: ASCEND_OPS_HOME chooses, the stand-in where it is not set."""

from __future__ import annotations

import gc
import os

import pytest

os.environ.setdefault("ASCEND_OPS_HOME", "stub")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "stand_in(reason): asserts what only the stand-in can be held to")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ["ASCEND_OPS_HOME"] == "stub":
        return
    for item in items:
        marker = item.get_closest_marker("stand_in")
        if marker:
            reason = marker.kwargs.get("reason") or (marker.args[0] if marker.args else "")
            item.add_marker(pytest.mark.skip(reason=f"only for the stand-in: {reason}"))


def pytest_collection_finish() -> None:
    """Collected tests stay to the end; without this every leak check's gc.collect() walks them all."""
    gc.collect()
    gc.freeze()
