"""Interpreter exit, forked children, and what import must not do: each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest


def run_whole(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "dev", "-c", PRELUDE + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )


def run(script: str) -> str:
    """Output of a script; it must end well and say nothing on stderr."""
    done = run_whole(script)
    quiet = [line for line in done.stderr.splitlines() if "stand-in" not in line]
    assert (done.returncode, quiet) == (0, [])
    return done.stdout


PRELUDE = """
import atexit, gc, os, sys, threading, weakref
import numpy as np
from ascend_ops.tensor import asarray, empty, zeros
from ascend_ops.runtime import *
from ascend_ops.runtime import memory
from ascend_ops._cann import rt
"""


def test_import_touches_no_device() -> None:
    out = run("""
        from ascend_ops._cann import lifecycle
        from ascend_ops.runtime import _lifetime
        print(lifecycle._initialised, _lifetime.running())
    """)
    assert out.split() == ["False", "False"]


def test_exit_with_live_tensors_streams_and_queued_work_is_silent() -> None:
    run("""
        stream = Stream()
        event = Event()
        with stream:
            kept = [zeros((1000, 100), "float32") for _ in range(20)]
            event.record()
        cycle = [kept[0]]
        cycle.append(cycle)
        views = [each[::2, 3:] for each in kept]
    """)


def test_exit_gives_everything_back_to_cann_once() -> None:
    out = run("""
        given, taken = [], []
        for what in ("malloc", "malloc_host", "create_stream", "create_event"):
            real = getattr(rt, what)
            setattr(rt, what, lambda *a, real=real: given.append(real(*a)) or given[-1])
        for what in ("free", "free_host", "destroy_stream", "destroy_event"):
            real = getattr(rt, what)
            setattr(rt, what, lambda h, real=real: (taken.append(h), real(h)))
        atexit.register(lambda: print(sorted(given) == sorted(taken), len(given)))
        stream = Stream()
        with stream:
            kept = asarray(np.arange(1000))
        other = kept[1:]
        other.block.use_on(default_stream())
        dropped = zeros(10, "int8")
        del dropped
        Event().record(), Stream()
    """)
    # The print above was registered before the runtime started, so it runs after its shutdown.
    assert out.startswith("True ")


def test_use_after_shutdown_is_a_clear_error_and_finalizers_do_nothing() -> None:
    out = run("""
        def late():
            for use in (
                *(tensor.numpy, stream.synchronize, event.synchronize, Stream, Event),
                *(lambda: asarray([1]), lambda: zeros(3, "int8"), lambda: empty((2, 2), "int8", 29)),
                *(lambda: quantize(tensor), lambda: quantize.prepare(tensor)),
                *(call, lambda: call(x=tensor), ao.CallSequence([call])),
            ):
                try:
                    use()
                except Exception as error:
                    print(type(error).__name__, str(error)[:35])
            call.close(), stream.close(), event.close(), tensor.close()
            gc.collect()
        import ascend_ops as ao
        atexit.register(late)
        tensor, stream, event = zeros((2, 8), "float16"), Stream(), Event().record()
        quantize = ao.ops.dynamic_quant_v2
        call = quantize.prepare(tensor)
    """)
    assert out.splitlines() == ["AscendError the ascend_ops runtime is shut down"] * 13


@pytest.mark.parametrize("caught", [True, False])
@pytest.mark.stand_in(reason="a wild address ends differently on hardware")
def test_a_device_error_that_was_raised_is_not_shown_again_at_exit(caught: bool) -> None:
    done = run_whole(f"""
        import ascend_ops as ao
        x = ao.from_pointer(1 << 20, (4, 8), "float16")
        y, _ = ao.ops.dynamic_quant_v2(x)
        if {caught}:
            try:
                y.numpy()
            except ao.AclError as error:
                print(error.code)
    """)
    assert done.returncode == 0
    assert (done.stdout.strip(), "507015" in done.stderr) == (("507015", False) if caught else ("", True))


def test_tensors_may_die_on_any_thread_while_the_stream_runs() -> None:
    run("""
        def work():
            with Stream() as stream:
                for _ in range(50):
                    batch = [zeros(5000, "uint8") for _ in range(4)]
                    shared.append(batch)
                    if len(shared) > 6:
                        shared.pop(0)
        shared = []
        threads = [threading.Thread(target=work) for _ in range(4)]
        [t.start() for t in threads]
        for _ in range(50):
            gc.collect()
        [t.join() for t in threads]
    """)


def test_daemon_threads_at_exit_do_not_crash_the_process() -> None:
    run("""
        os.environ.pop("ASCEND_STUB_CHECK", None)  # memory goes back under the feet of such threads
        def work():
            try:
                while True:
                    asarray(np.arange(100)).numpy()
            except Exception:
                pass
        for _ in range(2):
            threading.Thread(target=work, daemon=True).start()
        asarray([1]).numpy()
    """)


def test_forked_child_gets_an_error_instead_of_a_hang_and_leaves_the_parent_alone() -> None:
    out = run("""
        import warnings
        warnings.simplefilter("ignore")
        import ascend_ops as ao
        tensor = asarray(np.full((1, 2), 3, np.float16))
        call = ao.ops.dynamic_quant_v2.prepare(tensor)
        never_run = ao.ops.dynamic_quant_v2.prepare(tensor)
        uses = (
            *(tensor.numpy, lambda: asarray([1]), lambda: ao.ops.dynamic_quant_v2(tensor)),
            *(call, lambda: call(x=tensor), never_run, ao.CallSequence([call, never_run])),
            lambda: ao.ops.dynamic_quant_v2.prepare(tensor),
        )
        call()
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            for use in uses:
                try:
                    use()
                except Exception as error:
                    print(type(error).__name__, "spawn" in str(error), flush=True)
            call.close()
            del tensor, call, uses, use  # never_run is alive at the end
            gc.collect()
            sys.exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        print(tensor.numpy().tolist(), call()[0].numpy().tolist(), never_run()[0].numpy().tolist())
    """)
    assert out.splitlines() == ["AscendError True"] * 8 + ["0", "[[3.0, 3.0]] [[127, 127]] [[127, 127]]"]


def test_failed_work_nobody_waited_for_shows_at_exit_and_memory_goes_back() -> None:
    pytest.importorskip("ascend_ops.runtime")
    script = PRELUDE + textwrap.dedent("""
        from ascend_ops._cann.errors import AclError
        tensor = asarray([1])
        real = rt.synchronize_device
        def fail():
            raise AclError("aclrtSynchronizeDevice", 507015)
        rt.synchronize_device = fail
    """)
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )
    assert done.returncode == 0
    assert "507015" in done.stderr
