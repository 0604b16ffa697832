"""`ao.profile`: what is in the timeline, from either source, and what becomes of it."""

from __future__ import annotations

import gc
import os
import threading
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from profiling.conftest import NewProfile
from profiling.timeline import Timeline, began, ended, row
from runtime.conftest import Hold

import ascend_ops as ao
from ascend_ops._cann import stub_watch, watching
from ascend_ops._cann.errors import AclError, AscendError
from ascend_ops._profile.recorder import PythonRecorder
from ascend_ops._profile.session import Profile

OPERATOR = "aclnnDynamicQuantV2"
X = np.linspace(-1, 1, 4096, dtype=np.float16).reshape(4, 1024)


def read(profile: Profile) -> Timeline:
    return Timeline(profile.path)


def use_everything(x: ao.Tensor) -> None:
    """Three calls on the default stream, two on another, in another thread three prepared ones."""
    for _ in range(3):
        ao.ops.dynamic_quant_v2(x)
    with ao.Stream() as stream:
        y, _ = ao.ops.dynamic_quant_v2(x)
        ao.ops.dynamic_quant_v2(x)
        y.numpy()
    stream.close()

    def prepared() -> None:
        with ao.Stream() as stream, ao.ops.dynamic_quant_v2.prepare(x) as call:
            for _ in range(3):
                call()
        stream.close()

    thread = threading.Thread(target=prepared)
    thread.start()
    thread.join()


def test_every_operator_is_in_the_timeline_once(new_profile: NewProfile) -> None:
    x = ao.asarray(X)
    with new_profile() as profile:
        use_everything(x)
    timeline = read(profile)
    assert timeline.counts("operator") == {OPERATOR: 8}
    calls = timeline.counts("call")
    assert (calls[f"{OPERATOR}GetWorkspaceSize"], calls[OPERATOR]) == (6, 8)


def test_events_of_a_row_nest(new_profile: NewProfile) -> None:
    x = ao.asarray(X)
    with new_profile() as profile:
        use_everything(x)
    assert list(read(profile).badly_nested()) == []


def test_arrows_lead_from_the_call_to_what_it_queued(new_profile: NewProfile) -> None:
    x = ao.asarray(X)
    with new_profile() as profile:
        use_everything(x)
    timeline = read(profile)
    arrows = [(start, end) for start, end in timeline.arrows() if end["cat"] == "operator"]
    assert len(arrows) == 8
    for start, end in arrows:
        assert (start["cat"], start["name"], end["name"]) == ("call", OPERATOR, OPERATOR)
        assert began(end) >= began(start)


def test_streams_threads_and_devices_have_rows_with_names(new_profile: NewProfile) -> None:
    x = ao.asarray(X)
    with new_profile() as profile:
        use_everything(x)
    timeline = read(profile)
    streams = {row(event) for event in timeline.spans("operator")}
    assert len(streams) == 3
    threads = {row(event) for event in timeline.spans("call") if event["name"] == OPERATOR}
    assert {process for process, _ in threads} == {os.getpid()}
    assert len(threads) == 2
    assert streams | threads <= timeline.names("thread_name").keys()
    (device,) = {process for process, _ in streams}
    assert f"device {x.device.index} " in timeline.names("process_name")[device, 0]


def test_an_operator_tells_bytes_and_how_long_it_was_queued(new_profile: NewProfile, hold: Hold) -> None:
    x = ao.asarray(X)
    ao.ops.dynamic_quant_v2(x)
    with new_profile() as profile:
        with hold(ao.current_stream()):
            ao.ops.dynamic_quant_v2(x)
            queued = threading.Event()
            queued.wait(0.002)
        ao.current_stream().synchronize()
    (event,) = read(profile).spans("operator")
    args = event["args"]
    assert (args["bytes_read"], args["bytes_written"]) == (X.nbytes, X.size + 4 * len(X))
    assert args["queued_us"] >= 2000


def test_phase_one_tells_the_arguments(new_profile: NewProfile) -> None:
    x = ao.asarray(X)
    with new_profile() as profile:
        ao.ops.dynamic_quant_v2(x)
    (call,) = [event for event in read(profile).spans("call") if event["name"].endswith("WorkspaceSize")]
    assert call["args"]["x"] == "FLOAT16 [4, 1024]"
    assert call["args"]["yOut"] == "INT8 [4, 1024]"
    assert call["args"]["dstType"] == ao.int8.code
    assert call["args"].get("smoothScalesOptional") is None


def test_copies_are_named_by_direction_and_bytes(new_profile: NewProfile, hold: Hold) -> None:
    x = ao.asarray(X)
    x.numpy()
    with new_profile() as profile:
        ao.asarray(X).numpy()
        with hold(ao.current_stream()):
            x.copy_from(X[::-1])
    timeline = read(profile)
    assert timeline.counts("copy") == {
        f"copy host to device, {X.nbytes} bytes": 2,
        f"copy device to host, {X.nbytes} bytes": 1,
    }
    assert {event["pid"] == os.getpid() for event in timeline.spans("copy")} == {True, False}
    assert timeline.counts("call")["aclrtMemcpyAsync"] >= 1


def test_memory_in_use_follows_allocations(new_profile: NewProfile) -> None:
    gc.collect()  # what earlier tests left would be freed inside
    ao.current_device().synchronize()
    ao.memory.trim()
    before = ao.empty((1 << 20,), "int8")
    with new_profile() as profile:
        tensors = [ao.empty((1 << 20,), "int8") for _ in range(3)]
        del tensors
        ao.memory.trim()
    devices: defaultdict[int, list[int]] = defaultdict(list)
    for event in sorted(read(profile).of("C"), key=began):
        devices[event["pid"]].append(event["args"]["bytes"])
    (used,) = (values for values in devices.values() if len(set(values)) > 1)
    assert [int(np.sign(change)) for change in np.diff(used)] == [1, 1, 1, -1, -1, -1]
    assert used[0] == used[-1] >= before.nbytes
    assert max(used) >= used[0] + (3 << 20)


def test_what_failed_is_marked(new_profile: NewProfile) -> None:
    x = ao.asarray(X)
    with new_profile() as profile, pytest.raises(AclError) as caught:
        ao.ops.dynamic_quant_v2(x, smooth_scales=ao.zeros((3,), "float16"), dst_type="int8")
    (event,) = [each for each in read(profile).of("X") if each["cat"] == "call,failed"]
    assert event["name"] == f"{OPERATOR}GetWorkspaceSize"
    assert event["args"]["returned"] == caught.value.code


def test_what_came_before_and_after_is_not_there(new_profile: NewProfile) -> None:
    x = ao.asarray(X)
    ao.ops.dynamic_quant_v2(x)
    with new_profile() as profile:
        pass
    size = profile.path.stat().st_size
    ao.ops.dynamic_quant_v2(x)[0].numpy()
    assert profile.path.stat().st_size == size
    assert read(profile).counts("operator") == {}


def test_the_end_of_the_block_waits_for_what_is_queued(new_profile: NewProfile, hold: Hold) -> None:
    x = ao.asarray(X)
    with new_profile() as profile:
        release = hold(ao.current_stream())
        release.__enter__()
        ao.ops.dynamic_quant_v2(x)
        threading.Timer(0.01, release.__exit__, (None, None, None)).start()
    assert read(profile).counts("operator") == {OPERATOR: 1}


def test_an_exception_leaves_a_complete_file_and_waits_for_nothing(
    new_profile: NewProfile, hold: Hold
) -> None:
    x = ao.asarray(X)
    profile = new_profile()

    def fail() -> None:
        with profile:
            ao.ops.dynamic_quant_v2(x)
            raise ZeroDivisionError

    with hold(ao.current_stream()):
        with pytest.raises(ZeroDivisionError):
            fail()
        assert read(profile).counts("call")[OPERATOR] == 1
    ao.current_stream().synchronize()
    assert read(profile).counts("operator") == {}
    assert profile.summary().operators == ()


def test_more_work_than_there_are_events_is_timed(tmp_path: Path) -> None:
    x = ao.asarray(X)
    recorder = PythonRecorder()
    with Profile(tmp_path / "trace.json", recorder), ao.ops.dynamic_quant_v2.prepare(x) as call:
        for _ in range(40):
            for _ in range(25):
                call()
            ao.current_stream().synchronize()
    assert len(recorder.spans.timed) == 1000
    (clock,) = recorder.spans._clocks.values()
    assert len(clock._spare) < 1000


def test_both_sources_agree(tmp_path: Path, new_profile: NewProfile) -> None:
    x = ao.asarray(X)
    recorded = Profile(tmp_path / "python.json", PythonRecorder())
    with new_profile() as profile:
        use_everything(x)
    with recorded:
        use_everything(x)
    mine, other = profile.summary(), recorded.summary()
    assert [(row.name, row.calls, row.bytes) for row in mine.operators] == [
        (row.name, row.calls, row.bytes) for row in other.operators
    ]
    assert [row.name for row in mine.copies] == [row.name for row in other.copies]


def test_device_times_lie_inside_of_the_block(new_profile: NewProfile) -> None:
    x = ao.asarray(X)
    with new_profile() as profile:
        first = ao.ops.dynamic_quant_v2(x)
        first[0].numpy()
    timeline = read(profile)
    (operator,) = timeline.spans("operator")
    (call,) = [event for event in timeline.spans("call") if event["name"] == OPERATOR]
    last = max(ended(event) for event in timeline.spans("call"))
    assert began(call) <= began(operator) < ended(operator) <= last


def test_one_profile_at_a_time(tmp_path: Path) -> None:
    x = ao.asarray(X)
    with ao.profile(tmp_path / "outer.json") as outer:
        with pytest.raises(AscendError, match="running in this process already"), ao.profile():
            pass
        ao.ops.dynamic_quant_v2(x)
    assert outer.summary().operators[0].calls == 1


@pytest.mark.stand_in(reason="has a trace of its own")
def test_the_trace_of_the_whole_process_is_not_disturbed(tmp_path: Path) -> None:
    path = tmp_path / "process.json"
    assert stub_watch.function("stub_trace_begin")(os.fsencode(path)) == 0
    with pytest.raises(AscendError, match="ASCEND_STUB_TRACE; unset that"), ao.profile(path):
        pass
    assert stub_watch.function("stub_trace_end")() == 0
    assert Timeline(path).names("process_name")


def test_a_profile_runs_once_and_has_its_summary_afterwards(tmp_path: Path) -> None:
    profile = ao.profile(tmp_path / "trace.json")
    with pytest.raises(AscendError, match="has not run yet"):
        profile.summary()
    with profile, pytest.raises(AscendError, match="is running"):
        profile.summary()
    with pytest.raises(AscendError, match="is over; make another one"):
        profile.__enter__()
    assert str(profile.summary()) == "No operator ran."


def test_a_path_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), ao.profile(tmp_path / "missing" / "trace.json"):
        pass
    with ao.profile(tmp_path / "trace-%p.json") as profile:  # the one that failed is not running
        pass
    assert profile.path == tmp_path / f"trace-{os.getpid()}.json"


def test_without_a_path_the_file_lives_as_long_as_the_profile() -> None:
    x = ao.asarray(X)
    with ao.profile() as profile:
        ao.ops.dynamic_quant_v2(x)
    path = profile.path
    assert profile.summary().operators[0].name == OPERATOR
    del profile
    assert not path.exists()


def test_nobody_records_outside_of_profiles(new_profile: NewProfile) -> None:
    with new_profile():
        pass
    assert watching.recorder is None


def exit_code_in_fork(check: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        try:
            check()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_writes_nothing(new_profile: NewProfile) -> None:
    x = ao.asarray(X)
    with new_profile() as profile:
        ao.ops.dynamic_quant_v2(x)

        def leave() -> None:
            assert watching.recorder is None
            profile.__exit__(None, None, None)

        assert exit_code_in_fork(leave) == 0
        ao.ops.dynamic_quant_v2(x)
    assert read(profile).counts("operator") == {OPERATOR: 2}
