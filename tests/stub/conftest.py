"""Fixtures for kernels in Python: a latch that holds a stream, and checks that nothing stays behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from runtime.conftest import _memory_comes_back, hold  # noqa: F401 - fixtures
from stub.mistakes import _absolute, memory, streams  # noqa: F401 - fixtures

from ascend_ops.stub import _kernel


@pytest.fixture(autouse=True)
def _kernels_are_unregistered() -> Iterator[None]:
    yield
    left = list(_kernel._active)
    for operator in left:
        _kernel.unregister(operator)
    assert left == [], "the test leaves kernels registered"
