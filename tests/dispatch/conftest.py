"""Fixtures for dispatch: counted C calls, a latch that holds a stream, and a check that memory comes back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from runtime.conftest import _memory_comes_back, hold  # noqa: F401 - fixtures

from ascend_ops._cann import nn
from ascend_ops._cann.operators import BoundOperator

KINDS = ("tensor", "scalar", "int_array", "float_array", "bool_array", "tensor_list", "scalar_list")


class Calls(Counter[str]):
    """How often each function of `_cann.nn` was called, and the descriptors that are alive."""

    def __init__(self) -> None:
        super().__init__()
        self.alive: dict[str, list[int]] = {kind: [] for kind in KINDS}

    def living(self) -> dict[str, int]:
        return {kind: len(handles) for kind, handles in self.alive.items() if handles}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    """Counts creations and destructions; whatever a test does, none may be left over."""
    counted = Calls()
    for kind in KINDS:
        _watch(monkeypatch, counted, kind)
    real_destroy_executor = nn.destroy_executor

    def destroy_executor(handle: int) -> None:
        counted["destroy_executor"] += 1
        real_destroy_executor(handle)

    monkeypatch.setattr(nn, "destroy_executor", destroy_executor)
    _watch_phases(monkeypatch, counted)
    yield counted
    assert counted.living() == {}
    assert counted["executors"] == counted["phase_two"] + counted["destroy_executor"]


def _watch(monkeypatch: pytest.MonkeyPatch, calls: Calls, kind: str) -> None:
    create, destroy = getattr(nn, f"create_{kind}"), getattr(nn, f"destroy_{kind}")

    def counted_create(*args: Any) -> int:
        calls[f"create_{kind}"] += 1
        handle: int = create(*args)
        calls.alive[kind].append(handle)
        if kind.endswith("_list"):  # a list takes its elements over
            for element in args[0]:
                calls.alive[kind.removesuffix("_list")].remove(element)
        return handle

    def counted_destroy(handle: int) -> None:
        calls[f"destroy_{kind}"] += 1
        calls.alive[kind].remove(handle)
        destroy(handle)

    monkeypatch.setattr(nn, f"create_{kind}", counted_create)
    monkeypatch.setattr(nn, f"destroy_{kind}", counted_destroy)


def _watch_phases(monkeypatch: pytest.MonkeyPatch, calls: Calls) -> None:
    phase_one, phase_two = BoundOperator.phase_one, BoundOperator.phase_two

    def counted_one(self: BoundOperator, args: Any) -> tuple[int, int]:
        calls["phase_one"] += 1
        result = phase_one(self, args)
        calls["executors"] += 1
        return result

    def counted_two(self: BoundOperator, *args: int) -> None:
        calls["phase_two"] += 1
        phase_two(self, *args)

    monkeypatch.setattr(BoundOperator, "phase_one", counted_one)
    monkeypatch.setattr(BoundOperator, "phase_two", counted_two)
