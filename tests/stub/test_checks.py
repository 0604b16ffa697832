"""`ao.stub.checks`: which mistakes end up in which block, and what becomes of them."""

from __future__ import annotations

import _thread
import ctypes
import os
import subprocess
import sys
import textwrap
import threading
import time
from typing import Any

import numpy as np
import pytest
from cann.conftest import fake_home  # noqa: F401 - a fixture
from cann.fakehome import FakeHome, value_of

import ascend_ops as ao
from ascend_ops._cann import stub_checks, stub_frames

pytestmark = pytest.mark.stand_in(reason="only the stand-in has checks")


def unwritten() -> None:
    """Reads device memory that nobody has written: new one, none of the pool's."""
    ao.memory.trim()
    ao.empty(4, ao.float32).numpy()


def checks_of(reports: tuple[ao.stub.Report, ...]) -> list[str]:
    return [report.check for report in reports]


def test_a_mistake_is_raised_at_the_end_of_the_block() -> None:
    with pytest.raises(ao.stub.CheckError) as caught, ao.stub.checks():
        unwritten()
    (report,) = caught.value.reports
    assert (report.check, report.times) == ("uninitialised", 1)
    assert f"[uninitialised] {report.text}" in str(caught.value)
    assert isinstance(caught.value, ao.AscendError)


def test_a_block_without_a_mistake_raises_nothing() -> None:
    with ao.stub.checks() as found:
        assert ao.asarray(np.float32([1, 2])).numpy().tolist() == [1, 2]
    assert found.reports == ()


def test_nothing_is_checked_outside() -> None:
    words = stub_checks.words()
    with ao.stub.checks():
        pass
    assert stub_checks.words() == words


def test_only_the_checks_that_were_asked_for_are_on() -> None:
    with ao.stub.checks("races", "leaks"):
        assert stub_checks.words() == "leaks,races"
        unwritten()
    with ao.stub.checks("all", "-uninitialised"):
        unwritten()


def test_taken_reports_are_not_raised() -> None:
    with ao.stub.checks() as found:
        unwritten()
        assert checks_of(found.reports) == ["uninitialised"]
        assert checks_of(found.take()) == ["uninitialised"]
        assert found.take() == ()


def test_the_same_mistake_is_one_report_that_counts() -> None:
    with ao.stub.checks() as found:
        for _ in range(3):
            unwritten()
            assert len(found.reports) == 1
        (report,) = found.take()
    assert report.times == 3
    assert str(ao.stub.CheckError([report])).startswith(
        "the stand-in's checks found a mistake\n\n[uninitialised] 3 times: "
    )


def test_a_mistake_belongs_to_the_innermost_block() -> None:
    with ao.stub.checks() as outer:
        unwritten()
        with ao.stub.checks("uninitialised") as inner:
            unwritten()
            assert len(inner.take()) == 1
        with ao.stub.checks("races"):
            unwritten()
        assert stub_checks.words().startswith("leaks,")
        (report,) = outer.take()
    assert report.times == 1


def test_blocks_of_threads_may_end_in_any_order() -> None:
    words = stub_checks.words()
    first, second = ao.stub.checks("races"), ao.stub.checks("uninitialised")
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    unwritten()
    assert checks_of(second.take()) == ["uninitialised"]
    second.__exit__(None, None, None)
    assert stub_checks.words() == words


def test_mistakes_of_other_threads_count() -> None:
    with ao.stub.checks() as found:
        thread = threading.Thread(target=unwritten)
        thread.start()
        thread.join()
        assert checks_of(found.take()) == ["uninitialised"]


def test_an_exception_stays_and_gets_the_mistakes_as_its_cause() -> None:
    def fails() -> None:
        unwritten()
        try:
            raise ValueError
        except ValueError:
            raise KeyError from None

    with pytest.raises(KeyError) as caught, ao.stub.checks():
        fails()
    assert isinstance(caught.value.__cause__, ao.stub.CheckError)
    assert isinstance(caught.value.__cause__.__context__, ValueError)


def test_an_exception_with_a_cause_keeps_it() -> None:
    def fails() -> None:
        unwritten()
        raise KeyError from ValueError()

    with pytest.raises(KeyError) as caught, ao.stub.checks():
        fails()
    cause = caught.value.__cause__
    assert isinstance(cause, ValueError)
    assert isinstance(cause.__cause__, ao.stub.CheckError)


def test_an_exception_alone_stays_alone() -> None:
    with pytest.raises(KeyError) as caught, ao.stub.checks():
        raise KeyError
    assert caught.value.__cause__ is None


def test_an_unknown_check_is_refused_and_changes_nothing() -> None:
    words = stub_checks.words()
    with pytest.raises(ao.ParameterError, match="race") as caught, ao.stub.checks("race"):
        pass
    assert "races" in str(caught.value)
    assert stub_checks.words() == words
    with pytest.raises(TypeError, match=r"words: .* got 7"):
        ao.stub.checks(7)  # type: ignore[arg-type]


# Leaks


def test_what_is_alive_at_the_end_is_a_leak_where_that_was_asked_for() -> None:
    kept = []
    with pytest.raises(ao.stub.CheckError) as caught, ao.stub.checks(leaks=True):
        kept.append(ao.asarray(np.float32([1, 2])))
    assert set(checks_of(caught.value.reports)) == {"leaks"}
    with ao.stub.checks():
        kept.append(ao.asarray(np.float32([1, 2])))


def test_what_is_kept_for_the_next_calls_is_no_leak() -> None:
    with ao.stub.checks(leaks=True):
        x = ao.asarray(np.ones((4, 64), np.float16))
        with ao.Stream() as stream:
            y, scale = ao.ops.dynamic_quant_v2(x)
            call = ao.ops.dynamic_quant_v2.prepare(x)
            call()
        stream.synchronize()
        y.numpy()
        del x, y, scale, call, stream


def test_what_was_there_before_is_no_leak() -> None:
    kept = ao.asarray(np.float32([1, 2]))
    with ao.stub.checks(leaks=True):
        kept.numpy()


def test_behind_an_exception_nothing_is_a_leak() -> None:
    kept = []

    def fails() -> None:
        kept.append(ao.asarray(np.float32([1, 2])))
        raise KeyError

    with pytest.raises(KeyError) as caught, ao.stub.checks(leaks=True):
        fails()
    assert caught.value.__cause__ is None


# Places


def test_places_are_innermost_first_and_without_the_package_s_own() -> None:
    scope: dict[str, Any] = {"places": stub_frames.places, "frame": sys._getframe}
    exec(compile("def own():\n    return places(frame())", stub_frames.__file__, "exec"), scope)

    def helper() -> str:
        lines: str = scope["own"]()
        return lines

    line = sys._getframe().f_lineno + 1
    lines = helper().splitlines()
    assert [each.split(":")[0] for each in lines] == [f"    {__file__}"] * 2, "without the test runner's"
    assert lines[0].endswith(" in helper")
    assert lines[1] == f"    {__file__}:{line} in {sys._getframe().f_code.co_name}"


def test_the_innermost_places_are_shown() -> None:
    def deeper(levels: int) -> str:
        return deeper(levels - 1) if levels else stub_frames.places(sys._getframe())

    assert [line.split()[-1] for line in deeper(20).splitlines()] == ["deeper"] * stub_frames.MOST_FRAMES


def test_the_package_s_own_places_are_better_than_none() -> None:
    """As of a finalizer at the end of the interpreter."""
    lines: list[str] = []
    done = threading.Event()
    scope = {"lines": lines, "done": done, "places": stub_frames.places, "frame": sys._getframe}
    code = "def run():\n    lines.extend(places(frame()).splitlines())\n    done.set()"
    exec(compile(code, stub_frames.__file__, "exec"), scope)
    _thread.start_new_thread(scope["run"], ())
    assert done.wait(10)
    assert lines == [f"    {stub_frames.__file__}:2 in run"]


def read_places(size: int) -> bytes:
    """What the stand-in gets of this line."""
    buffer = ctypes.create_string_buffer(b"x" * size, size)
    stub_frames._read(ctypes.addressof(buffer), size)
    return buffer.value


def test_places_are_cut_at_the_end_of_a_line() -> None:
    sizes = range(1, 200)
    for size, written in zip(sizes, map(read_places, sizes), strict=True):
        assert len(written) < size
        assert written == b"" or written.endswith(b"\n")


def test_a_signal_in_the_middle_of_a_place_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception would end in ctypes, which prints and drops it."""

    def interrupted(_: object) -> str:
        raise KeyboardInterrupt

    ao.memory.trim()
    memory = ao.empty(4, ao.float32)

    def waits() -> None:
        memory.numpy()
        for _ in range(10_000):
            time.sleep(1e-3)

    with ao.stub.checks() as found:
        monkeypatch.setattr(stub_frames, "places", interrupted)
        with pytest.raises(KeyboardInterrupt):
            waits()
        monkeypatch.undo()
        found.take()


def test_a_reader_that_fails_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stub_frames, "places", lambda _: 1 / 0)
    with ao.stub.checks() as found:
        unwritten()
        (report,) = found.take()
    assert "test_checks.py" not in report.text


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "dev", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | environment | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )


MISTAKE = """
    import numpy as np, os, sys
    import ascend_ops as ao
    def unwritten():
        ao.memory.trim()
        ao.empty(4, ao.float32).numpy()
"""


def test_the_variable_checks_what_is_outside_of_blocks() -> None:
    code = """
    for _ in range(2):
        with ao.stub.checks("uninitialised") as found:
            unwritten()
            print(len(found.take()), end=" ")
        print("outside", file=sys.stderr, flush=True)
        unwritten()
    """
    done = run(MISTAKE + code, ASCEND_STUB_CHECK="uninitialised")
    assert (done.returncode, done.stdout.split()) == (0, ["1", "1"]), done.stderr
    lines = [line for line in done.stderr.splitlines() if line == "outside" or "uninitialised" in line]
    assert [line.startswith("ascend-ops check") for line in lines] == [False, True, False, True]
    assert "    <string>:6 in unwritten\n    <string>:13 in <module>\n" in done.stderr


def test_a_forked_child_may_leave_a_block() -> None:
    code = """
    with ao.stub.checks() as found:
        unwritten()
        child = os.fork()
        if child:
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), len(found.take()))
    if not child:
        sys.exit(7)
    """
    done = run(MISTAKE + code)
    assert (done.returncode, done.stdout.split()) == (0, ["7", "1"]), done.stderr


def test_threads_that_outlive_the_interpreter_are_left_alone() -> None:
    code = """
    import threading
    started = threading.Event()
    def calls():
        ao.Device(0).use()
        while True:
            ao.Event()
            started.set()
    threading.Thread(target=calls, daemon=True).start()
    started.wait()
    """
    done = run(MISTAKE + code, ASCEND_STUB_CHECK="all,-leaks")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


REFUSED = """
import ascend_ops as ao
try:
    with ao.stub.checks():
        result = "entered"
except ao.UnsupportedError as error:
    result = str(error)
"""


def test_a_real_cann_has_no_checks(fake_home: FakeHome) -> None:  # noqa: F811
    text = value_of(REFUSED, ASCEND_HOME_PATH=str(fake_home.layout_81().root), ASCEND_STUB_CHECK="all")
    assert "checks are the stand-in's" in text
    assert "ASCEND_OPS_HOME=stub" in text
