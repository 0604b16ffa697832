"""The process ends well with work still queued: from any thread, after exceptions, on dropped streams."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

PRELUDE = """
import ctypes, sys, threading, time
import numpy as np
import ascend_ops as ao
x = np.ones((512, 4096), np.float16)

def queue(calls=40):
    t = ao.asarray(x)
    return [ao.ops.dynamic_quant_v2(t) for _ in range(calls)]
"""

SCRIPTS = {
    "from the main thread": """
        results = queue()
        """,
    "from the main thread, results dropped": """
        queue()
        """,
    "on a stream that is still open": """
        with ao.Stream() as stream:
            results = queue()
        """,
    "on a stream that was dropped": """
        with ao.Stream():
            results = queue()
        """,
    "from a finished thread": """
        results = []
        thread = threading.Thread(target=lambda: results.extend(queue()))
        thread.start()
        thread.join()
        """,
    "from a thread with a stream of its own": """
        kept = []
        def work():
            with ao.Stream() as stream:
                kept.append((stream, queue()))
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        """,
    "from a daemon thread that is still calling": """
        def work():
            try:
                while True:
                    ao.ops.dynamic_quant_v2(np.ones((4, 32), np.float16))
            except (ao.AscendError, ValueError):
                time.sleep(60)  # refused once the runtime was shut down
        threading.Thread(target=work, daemon=True).start()
        time.sleep(0.3)
        """,
    "by prepared calls": """
        calls = [ao.ops.dynamic_quant_v2.prepare(x) for _ in range(3)]
        sequence = ao.CallSequence(calls * 10)
        sequence()
        never_run, cycle = ao.ops.dynamic_quant_v2.prepare(x), [calls[0]]
        cycle.append(cycle)
        dropped = ao.ops.dynamic_quant_v2.prepare(x)
        dropped()
        del dropped
        """,
    "by prepared calls on a stream that is still open": """
        with ao.Stream() as stream:
            call = ao.ops.dynamic_quant_v2.prepare(x)
            for _ in range(20):
                call()
        """,
    "by prepared calls from daemon threads that are still calling": """
        def work():
            try:
                call = ao.ops.dynamic_quant_v2.prepare(np.ones((4, 32), np.float16))
                others = [ao.zeros((4, 32), "float16") for _ in range(3)]
                while True:
                    for other in others:
                        call(x=other)
                        call()
            except (ao.AscendError, ValueError):
                time.sleep(60)  # refused once the runtime was shut down
        for _ in range(3):
            threading.Thread(target=work, daemon=True).start()
        time.sleep(0.3)
        """,
    "after an exception": """
        results = queue()
        sys.excepthook = lambda *_: print("stopped")
        raise KeyError
        """,
    "after a refused call": """
        results = queue()
        try:
            ao.ops.dynamic_quant_v2(np.zeros((2, 2)))
        except ao.ParameterError as error:
            kept = error
        """,
}


@pytest.mark.parametrize("how", list(SCRIPTS))
def test_the_process_ends_well_with_work_queued(how: str) -> None:
    # Memory is given back under the feet of daemon threads: a mistake of such programs, which checks report.
    unchecked = {"ASCEND_STUB_CHECK": ""} if "still calling" in how else {}
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", PRELUDE + textwrap.dedent(SCRIPTS[how])],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} | unchecked,
        check=False,
    )
    quiet = [line for line in done.stderr.splitlines() if "stand-in" not in line]
    assert (done.returncode, quiet) == (1 if "exception" in how else 0, [])
