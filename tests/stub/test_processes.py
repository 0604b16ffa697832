"""Kernels in Python and the life of a process: its end, forks, and homes that are no stand-in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import pytest
from cann.conftest import fake_home  # noqa: F401 - fixture
from cann.fakehome import FakeHome, value_of

stand_in = pytest.mark.stand_in(reason="kernels in Python exist on the stand-in only")

PRELUDE = """
import os, sys, threading, time
import numpy as np
import ascend_ops as ao
from ascend_ops.dispatch import launch

@ao.stub.kernel("aclnnAbs")
def kernel(self, out):
    print("in", flush=True)
    time.sleep(0.2)
    out[...] = self
    print("out", flush=True)

def queue(calls=1):
    x = ao.asarray(np.ones(4, np.float32))
    for _ in range(calls):
        launch("aclnnAbs", [x, ao.empty(4, ao.float32)])
"""

ENDS = {
    "with a kernel running": ("queue()", 1),
    "with kernels queued": ("queue(3)", 3),
    "with kernels queued on a stream of its own": ("stream = ao.Stream()\nwith stream:\n    queue(2)", 2),
    "with kernels queued by a thread": ("threading.Thread(target=queue, args=(2,)).start()", 2),
    "after an exception": ("queue()\nsys.excepthook = lambda *_: None\nraise KeyError", 1),
    "with an executor that was never run": (
        "from ascend_ops._cann import nn, operators\nao.current_stream().synchronize()\n"
        "x = nn.create_tensor((), 0, (), 0, 2, (1,), 0)\n"
        "kept = [operators.bind('aclnnAbs').phase_one([x, x]) for _ in range(2)]",
        0,
    ),
    "with a function that was unregistered": ("queue(2)\nao.stub.unregister('aclnnAbs')", 2),
}


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "dev", "-c", PRELUDE + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | environment | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )


@stand_in
@pytest.mark.parametrize("how", list(ENDS))
def test_the_process_ends_well(how: str) -> None:
    code, calls = ENDS[how]
    unchecked = {"ASCEND_STUB_CHECK": ""} if "never run" in how else {}  # that is a mistake
    done = run(code, **unchecked)
    quiet = [line for line in done.stderr.splitlines() if "stand-in" not in line]
    assert (done.returncode, quiet) == (1 if "exception" in how else 0, [])
    assert done.stdout.split() == ["in", "out"] * calls


@stand_in
def test_no_python_is_entered_behind_the_interpreter_s_end() -> None:
    """A stream that nobody drains: the running kernel ends, those behind it are not begun."""
    done = run(
        """
        import ctypes
        from ascend_ops._cann import nn, operators
        stream, memory = ctypes.c_void_p(), ctypes.c_void_p()
        assert ao.acl.aclInit(None) == 0  # ours to finalise, and we do not
        assert ao.acl.aclrtSetDevice(0) == 0
        assert ao.acl.aclrtCreateStream(ctypes.byref(stream)) == 0
        assert ao.acl.aclrtMalloc(ctypes.byref(memory), 64, 0) == 0
        x = nn.create_tensor((4,), 0, (1,), 0, 2, (4,), memory.value)
        bound = operators.bind("aclnnAbs")
        for _ in range(50):
            bound.phase_two(bound.phase_one([x, x]), None, stream)
        """
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.split()
    assert len(lines) < 100
    assert lines == ["in", "out"] * (len(lines) // 2)


@stand_in
def test_a_forked_child_ends_without_a_call() -> None:
    done = run(
        """
        queue()
        ao.current_stream().synchronize()
        child = os.fork()
        if child == 0:
            try:
                ao.stub.unregister("aclnnAbs")
            except ao.AscendError as error:
                print("forked" in str(error))
            sys.exit(7)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """
    )
    assert (done.returncode, done.stdout.split()) == (0, ["in", "out", "True", "7"]), done.stderr


INERT = """
import ascend_ops as ao
from ascend_ops._cann import operators
from ascend_ops._cann.processmap import loaded_libraries

@ao.stub.kernel("aclnnPlan", check=lambda bytes: 1 / 0)
def plan(bytes):
    return bytes + 1

with ao.stub.kernel("aclnnPlan")(plan.function) as second:
    active = second.active
second.unregister()
ao.stub.unregister("aclnnPlan")
names = [path.name for path in loaded_libraries().values()]
loaded = [name for name in names if name.startswith(("libacl", "libnnopbase"))]
bound = operators.bind("aclnnPlan")
result = [plan(1), plan.active, active, loaded, bound.phase_one(bound.arguments([77])).workspace_size.value]
"""


def test_on_a_real_home_it_has_no_effect(fake_home: FakeHome) -> None:  # noqa: F811
    root = fake_home.layout_81().root
    assert value_of(INERT, ASCEND_HOME_PATH=str(root)) == [2, False, False, [], 77]


def test_importing_the_package_loads_nothing_for_it() -> None:
    code = (
        "import json, ascend_ops\nfrom ascend_ops._cann import stub_abi\nprint(json.dumps(stub_abi.loaded))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert json.loads(done.stdout) == {}
