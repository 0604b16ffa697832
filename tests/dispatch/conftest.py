"""Fixtures for dispatch: counted C calls, a latch that holds a stream, and a check that memory comes back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from runtime.conftest import _memory_comes_back, hold  # noqa: F401 - fixtures

from ascend_ops import _creation, _kept
from ascend_ops._cann import nn
from ascend_ops._cann.lifecycle import untyped
from ascend_ops._cann.operators import BoundOperator, Plan

KINDS = {
    "tensor": nn.TensorHandle,
    "scalar": nn.ScalarHandle,
    "int_array": nn.IntArrayHandle,
    "float_array": nn.FloatArrayHandle,
    "bool_array": nn.BoolArrayHandle,
    "tensor_list": nn.TensorListHandle,
    "scalar_list": nn.ScalarListHandle,
}


class Calls(Counter[str]):
    """How often each kind of descriptor was created and destroyed, which are alive, and the phases."""

    def __init__(self) -> None:
        super().__init__()
        self.alive: dict[str, list[int]] = {kind: [] for kind in KINDS}

    def living(self) -> dict[str, int]:
        return {kind: len(handles) for kind, handles in self.alive.items() if handles}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    """Counts creations and destructions; whatever a test does, none may be left over."""
    counted = Calls()
    _kept.destroy_all()
    for kind in KINDS:
        _watch(monkeypatch, counted, kind)
    _count(monkeypatch, counted, "aclDestroyAclOpExecutor", "destroy_executor")
    _watch_phases(monkeypatch, counted)
    _forget_makers()
    yield counted
    _kept.destroy_all()
    _forget_makers()
    assert counted.living() == {}
    assert counted["executors"] == counted["phase_two"] + counted["destroy_executor"]


def _forget_makers() -> None:
    """They hold the function that creates tensors."""
    nn.tensor_maker.cache_clear()
    _creation._plans.clear()


def _count(monkeypatch: pytest.MonkeyPatch, calls: Calls, function: str, name: str) -> None:
    real = untyped[function]

    def counting(*args: Any) -> Any:
        calls[name] += 1
        return real(*args)

    monkeypatch.setitem(untyped, function, counting)


def _watch(monkeypatch: pytest.MonkeyPatch, calls: Calls, kind: str) -> None:
    create, destroy = nn._creator(KINDS[kind]), untyped[nn._DESTROY[KINDS[kind]]]

    def counted_create(*args: Any) -> nn.Handle:
        calls[f"create_{kind}"] += 1
        handle = create(*args)
        if handle:
            calls.alive[kind].append(handle.value or 0)
        return handle

    def counted_destroy(handle: nn.Handle) -> int:
        calls[f"destroy_{kind}"] += 1
        calls.alive[kind].remove(handle.value or 0)
        status: int = destroy(handle)
        return status

    if kind.endswith("_list"):
        _watch_elements(monkeypatch, calls, kind)
    monkeypatch.setitem(nn._creators, KINDS[kind], counted_create)
    monkeypatch.setitem(untyped, nn._DESTROY[KINDS[kind]], counted_destroy)


def _watch_elements(monkeypatch: pytest.MonkeyPatch, calls: Calls, kind: str) -> None:
    """A list takes its elements over."""
    create = getattr(nn, f"create_{kind}")

    def taking(handles: list[nn.Handle]) -> nn.Handle:
        made: nn.Handle = create(handles)
        for handle in handles:
            calls.alive[kind.removesuffix("_list")].remove(handle.value or 0)
        return made

    monkeypatch.setattr(nn, f"create_{kind}", taking)


def _watch_phases(monkeypatch: pytest.MonkeyPatch, calls: Calls) -> None:
    phase_one, phase_two = BoundOperator.phase_one, BoundOperator.phase_two

    def counted_one(self: BoundOperator, args: Any) -> Plan:
        calls["phase_one"] += 1
        result = phase_one(self, args)
        calls["executors"] += 1
        return result

    def counted_two(self: BoundOperator, *args: Any) -> None:
        calls["phase_two"] += 1
        phase_two(self, *args)

    monkeypatch.setattr(BoundOperator, "phase_one", counted_one)
    monkeypatch.setattr(BoundOperator, "phase_two", counted_two)
