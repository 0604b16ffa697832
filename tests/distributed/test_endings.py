"""How communicators end: closed, left by an error, still open at exit."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest
from distributed.conftest import Ranks

import ascend_ops as ao
from ascend_ops.distributed import Communicator


def test_close_waits_for_the_communicators_work(ranks: Ranks) -> None:
    zero, one = ranks(2)
    mine = zero.all_reduce(np.ones(1000, np.float32))
    closing = threading.Thread(target=zero.close)
    closing.start()
    closing.join(0.1)
    assert closing.is_alive()
    theirs = one.all_reduce(np.ones(1000, np.float32))
    closing.join(60)
    assert not closing.is_alive()
    one.close()
    for result in (mine, theirs):
        np.testing.assert_array_equal(result.numpy(), np.full(1000, 2, np.float32))


def test_a_block_closes_at_its_end(ranks: Ranks) -> None:
    zero, one = ranks(2)
    with zero as inner, one:
        assert inner is zero
        results = [comm.all_reduce([1]) for comm in (zero, one)]
    assert (zero.closed, one.closed) == (True, True)
    assert [result.numpy().tolist() for result in results] == [[2], [2]]


@pytest.mark.stand_in(reason="a device does not check that ranks agree")
def test_closing_raises_an_error_that_nothing_has_raised(ranks: Ranks) -> None:
    comms = ranks(2)
    for comm in comms:
        comm.all_reduce(np.ones(4 + comm.rank, np.float32))
    for comm in comms:
        with pytest.raises(ao.AclError, match="disagree"):
            comm.close()
        assert comm.closed


def test_closing_does_not_wait_for_ever(ranks: Ranks) -> None:
    zero, one = ranks(2)
    result = zero.all_reduce(np.ones(4, np.float32))
    with pytest.raises(ao.DeviceTimeoutError):
        zero.close(timeout=0.1)
    assert zero.closed
    for _ in range(2):
        with pytest.raises(ao.AscendError, match="aborted"):
            result.numpy()
    one.close()


def test_a_block_that_an_error_ends_waits_for_nobody(ranks: Ranks) -> None:
    zero, one = ranks(2)
    started = time.monotonic()
    with pytest.raises(ValueError, match="op is"), one, zero:  # noqa: PT012
        zero.all_reduce(np.ones(4, np.float32))
        zero.all_reduce([1], "mean")
    assert (zero.closed, one.closed) == (True, True)
    assert time.monotonic() - started < 5
    drain(zero)


def drain(comm: Communicator) -> None:
    """Takes the error that an aborted collective leaves on the default stream, which waited for it."""
    with comm.device, contextlib.suppress(ao.AclError):
        ao.current_stream().synchronize()


@pytest.mark.stand_in(reason="a device does not check that ranks agree")
def test_the_error_that_ends_a_block_is_not_hidden_by_that_of_closing(ranks: Ranks) -> None:
    zero, one = ranks(2)
    for comm in (zero, one):
        comm.all_reduce(np.ones(4 + comm.rank, np.float32))
    with pytest.raises(KeyError), zero:
        raise KeyError
    with pytest.raises(ao.AclError), one:
        pass
    drain(zero)


EXITS = {
    "open": "comms = ao.distributed.init_all(2)",
    "with queued work": """
        comms = ao.distributed.init_all(3)
        results = [comm.all_reduce(np.ones(1_000_000, np.float32)) for comm in comms]
        """,
    "on a stream that is gone": """
        comms = ao.distributed.init_all(2)
        for comm in comms:
            with comm.device, ao.Stream():
                comm.all_reduce(np.ones(1_000_000, np.float32))
        """,
}


DEAD_ENDS = {
    "exit": ("comms[0].all_reduce(a); sys.exit(3)", 3),
    "an error": ("comms[0].all_reduce(a); raise KeyError(5)", 1),
    "an error on a stream": (
        "with ao.Stream(): comms[0].all_reduce(a); [c.barrier() for c in comms]; raise KeyError",
        1,
    ),
    "an error in a block": ("with comms[1], comms[0]: comms[0].all_reduce(a); raise KeyError(5)", 1),
}


@pytest.mark.parametrize("how", list(DEAD_ENDS))
def test_a_process_ends_though_its_ranks_wait(how: str, shared_memory: None) -> None:
    script, status = DEAD_ENDS[how]
    prelude = "import sys\nimport numpy as np\nimport ascend_ops as ao\ncomms = ao.distributed.init_all(2)\n"
    done = subprocess.run(
        [sys.executable, "-c", prelude + "a = ao.asarray(np.ones(4, np.float32))\n" + script],
        capture_output=True,
        text=True,
        timeout=20,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )
    assert done.returncode == status, done.stderr


@pytest.mark.parametrize("how", list(EXITS))
def test_a_process_may_end_with_open_communicators(how: str, shared_memory: None) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-X",
            "dev",
            "-c",
            "import sys\nimport numpy as np\nimport ascend_ops as ao\n" + textwrap.dedent(EXITS[how]),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )
    quiet = [line for line in done.stderr.splitlines() if "stand-in" not in line]
    assert (done.returncode, quiet) == (0, [])
