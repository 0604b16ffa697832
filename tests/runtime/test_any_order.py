"""The C runtime in any order, right and wrong: every status is the one that CANN documents for the state
things are in, and what streams wrote is what a simple model says."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule

import ascend_ops as ao

pytestmark = [
    pytest.mark.stand_in(reason="hardware detects less, and destroyed handles crash there"),
    pytest.mark.mistakes("handles", "memory"),
]
OK, PARAM_INVALID, INVALID_HANDLE = 0, 107000, 107017
HUGE_FIRST, TO_HOST, ON_DEVICE = 0, 2, 3
SIZES = st.integers(1, 5000)
VALUES = st.integers(0, 255)


@dataclass(eq=False)
class Stream:
    handle: int
    alive: bool = True


@dataclass(eq=False)
class Event:
    handle: int
    alive: bool = True
    recorded: bool = False


@dataclass(eq=False)
class Block:
    """Memory; `user` is the stream that wrote it last, `values` what it wrote."""

    address: int
    size: int
    alive: bool = True
    user: Stream | None = None
    values: np.ndarray = field(default_factory=lambda: np.empty(0, np.uint8))


def status_of(thing: Stream | Event) -> int:
    return OK if thing.alive else INVALID_HANDLE


class Runtime(RuleBasedStateMachine):
    streams, events, blocks = Bundle("streams"), Bundle("events"), Bundle("blocks")

    def __init__(self) -> None:
        super().__init__()
        ao.Device(0).use()
        self.made: list[Stream | Event | Block] = []

    def new(self, create: str, *rest: int) -> int:
        out = ctypes.c_void_p()
        assert getattr(ao.acl, create)(ctypes.byref(out), *rest) == OK
        assert out.value
        return out.value

    @rule(target=streams)
    def create_stream(self) -> Stream:
        self.made.append(stream := Stream(self.new("aclrtCreateStream")))
        return stream

    @rule(target=events)
    def create_event(self) -> Event:
        self.made.append(event := Event(self.new("aclrtCreateEvent")))
        return event

    @rule(target=blocks, size=SIZES)
    def allocate(self, size: int) -> Block:
        self.made.append(block := Block(self.new("aclrtMalloc", size, HUGE_FIRST), size))
        return block

    @rule(stream=streams)
    def destroy_stream(self, stream: Stream) -> None:
        assert ao.acl.aclrtDestroyStream(stream.handle) == status_of(stream)
        stream.alive = False

    @rule(event=events)
    def destroy_event(self, event: Event) -> None:
        assert ao.acl.aclrtDestroyEvent(event.handle) == status_of(event)
        event.alive = False

    @rule(block=blocks)
    def free(self, block: Block) -> None:
        taken = any(each is not block and each.address == block.address for each in self.live_blocks())
        if block.alive:
            self.finish(block)
        elif taken:
            return  # the address is another block's by now, which no model could tell
        assert ao.acl.aclrtFree(block.address) == (OK if block.alive else PARAM_INVALID)
        block.alive = False

    @rule(block=blocks)
    def free_the_middle(self, block: Block) -> None:
        assert ao.acl.aclrtFree(block.address + 1) == PARAM_INVALID

    @rule(block=blocks, stream=streams, value=VALUES)
    def fill(self, block: Block, stream: Stream, value: int) -> None:
        if block.alive:
            self.finish(block)
            status = ao.acl.aclrtMemsetAsync(block.address, block.size, value, block.size, stream.handle)
            assert status == status_of(stream)
            if stream.alive:
                block.user, block.values = stream, np.full(block.size, value, np.uint8)

    @rule(target_block=blocks, source=blocks, stream=streams)
    def copy(self, target_block: Block, source: Block, stream: Stream) -> None:
        if target_block.alive and source.alive and target_block is not source and source.values.size:
            self.finish(source)
            self.finish(target_block)
            count = min(source.size, target_block.size)
            status = ao.acl.aclrtMemcpyAsync(
                target_block.address, target_block.size, source.address, count, ON_DEVICE, stream.handle
            )
            assert status == status_of(stream)
            if stream.alive:
                rest = target_block.values[count:]
                target_block.user = source.user = stream
                target_block.values = np.concatenate([source.values[:count], rest])

    @rule(block=blocks)
    def too_large_a_copy(self, block: Block) -> None:
        host = ctypes.create_string_buffer(8)
        assert ao.acl.aclrtMemcpy(host, 8, block.address, 9, TO_HOST) == PARAM_INVALID

    @rule(block=blocks)
    def read(self, block: Block) -> None:
        if block.alive and block.values.size:
            self.finish(block)
            host = np.zeros(block.values.size, np.uint8)
            assert ao.acl.aclrtMemcpy(host.ctypes.data, host.size, block.address, host.size, TO_HOST) == OK
            assert (host == block.values).all()

    @rule(event=events, stream=streams)
    def record(self, event: Event, stream: Stream) -> None:
        both_live = event.alive and stream.alive
        assert ao.acl.aclrtRecordEvent(event.handle, stream.handle) == (OK if both_live else INVALID_HANDLE)
        event.recorded |= both_live

    @rule(event=events, stream=streams)
    def wait(self, event: Event, stream: Stream) -> None:
        expected = OK if event.recorded else PARAM_INVALID
        if not (event.alive and stream.alive):
            expected = INVALID_HANDLE
        assert ao.acl.aclrtStreamWaitEvent(stream.handle, event.handle) == expected

    @rule(event=events)
    def synchronize_event(self, event: Event) -> None:
        assert ao.acl.aclrtSynchronizeEvent(event.handle) == status_of(event)

    @rule(stream=streams)
    def synchronize_stream(self, stream: Stream) -> None:
        assert ao.acl.aclrtSynchronizeStreamWithTimeout(stream.handle, 10_000) == status_of(stream)

    def live_blocks(self) -> list[Block]:
        return [each for each in self.made if isinstance(each, Block) and each.alive]

    def finish(self, block: Block) -> None:
        """Nothing orders streams here but the host."""
        if block.user is not None and block.user.alive:
            assert ao.acl.aclrtSynchronizeStream(block.user.handle) == OK
        block.user = None

    def teardown(self) -> None:
        for thing in self.made:
            if isinstance(thing, Stream):
                self.destroy_stream(thing)
        for thing in self.made:
            if isinstance(thing, Event):
                self.destroy_event(thing)
        for block in self.live_blocks():
            assert ao.acl.aclrtFree(block.address) == OK


TestRuntimeInAnyOrder = Runtime.TestCase
TestRuntimeInAnyOrder.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
