"""Fixtures for several ranks in this process, one device each, and scripts in processes of their own."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence

import pytest
from runtime.conftest import hold  # noqa: F401 - a fixture

import ascend_ops as ao
from ascend_ops.distributed import Communicator
from ascend_ops.runtime import memory

Ranks = Callable[[int], list[Communicator]]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def memory_comes_back() -> Iterator[None]:
    """No test of the module leaks device memory. Collecting garbage after every single one takes too long."""
    gc.collect()
    before = _in_use()
    yield
    gc.collect()
    assert _in_use() == before, "a test leaks device memory"


def _in_use() -> list[int]:
    devices = [ao.Device(index) for index in range(ao.Device.count())]
    for device in devices:
        device.synchronize()
    return [memory.stats(device).in_use for device in devices]


@pytest.fixture
def ranks(memory_comes_back: None) -> Iterator[Ranks]:
    """`ranks(3)` makes three communicators of this process; they are closed afterwards."""
    made: list[Communicator] = []

    def make(size: int) -> list[Communicator]:
        if ao.Device.count() < size:
            pytest.skip(f"needs {size} devices")
        made.extend(ao.distributed.init_all(size))
        return made[-size:]

    yield make
    for comm in made:
        with comm.device:
            comm.close()


@pytest.fixture
def shared_memory() -> Iterator[None]:
    """Nothing is left in shared memory."""
    before = _shared()
    yield
    for _ in range(40):  # other programs come and go there
        if _shared() <= before:
            return
        time.sleep(0.05)
    assert _shared() <= before


def _shared() -> set[str]:
    return set(os.listdir("/dev/shm")) if os.path.isdir("/dev/shm") else set()


PRELUDE = """
import os, signal, sys, time
import numpy as np
import ascend_ops as ao
rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
"""


@pytest.fixture
def start() -> Iterator[Start]:
    """`start(script, rank, size, **variables)` runs a script as one rank; none outlives the test."""
    started: list[subprocess.Popen[str]] = []

    def run(script: str, rank: int, size: int, **variables: str) -> subprocess.Popen[str]:
        place = {"RANK": str(rank), "WORLD_SIZE": str(size), "LOCAL_RANK": str(rank)}
        process = subprocess.Popen(
            [sys.executable, "-c", PRELUDE + textwrap.dedent(script)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} | place | variables,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def outputs(processes: Sequence[subprocess.Popen[str]], timeout: float = 60) -> list[tuple[int, str, str]]:
    """(exit status, stdout, stderr) of each."""
    ended = [process.communicate(timeout=timeout) for process in processes]
    return [(process.returncode, *texts) for process, texts in zip(processes, ended, strict=True)]
