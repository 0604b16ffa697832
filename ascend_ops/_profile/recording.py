"""Writes what Python recorded as a trace file."""

from __future__ import annotations

import os
from pathlib import Path

from ascend_ops._profile.device_spans import Row, Timed
from ascend_ops._profile.recorder import Call, PythonRecorder, copy_of
from ascend_ops._profile.timeline import Writer, device_process, value


def write(recorder: PythonRecorder, path: Path) -> None:
    """Writes all of it."""
    rows = {row: number for number, row in enumerate(recorder.spans.rows, 1)}
    with Writer(path) as writer:
        _write_names(writer, recorder, rows)
        for call in recorder.calls:
            _write_call(writer, call)
        for timed in recorder.spans.timed:
            _write_work(writer, timed, rows[timed.work.row])
        for sample in recorder.samples:
            writer.counter(device_process(sample.device), "memory in use", sample.at, bytes=sample.used)


def _write_names(writer: Writer, recorder: PythonRecorder, rows: dict[Row, int]) -> None:
    for thread, name in recorder.threads.items():
        writer.name("thread_name", os.getpid(), thread, name)
    devices = {device for device, _ in rows} | {sample.device for sample in recorder.samples}
    for device in sorted(devices):
        name = f"device {device} of process {os.getpid()}"
        writer.name("process_name", device_process(device), 0, name)
    for (device, handle), number in rows.items():
        name = f"stream {number}" if handle else "default stream"
        writer.name("thread_name", device_process(device), number, name)


def _write_call(writer: Writer, call: Call) -> None:
    row = os.getpid(), call.thread
    times = call.began, call.ended
    args = {name: value(each) for name, each in call.arguments.items() if each is not None}
    if call.status:
        args["returned"] = call.status
    writer.complete(*row, "call", call.name, *times, args)
    copied = copy_of(call.name, call.arguments)
    if copied is not None and "stream" not in args and not call.status:
        name, nbytes = copied
        writer.complete(*row, "copy", name, *times, {"bytes_read": nbytes, "bytes_written": nbytes})


def _write_work(writer: Writer, timed: Timed, number: int) -> None:
    work, began = timed.work, timed.began
    row = device_process(work.row[0]), number
    args = {
        "task": work.task,
        "queued_us": (began - work.queued) / 1000,
        "bytes_read": work.reads,
        "bytes_written": work.writes,
    }
    writer.complete(*row, work.category, work.name, began, timed.ended, args)
    writer.arrow((os.getpid(), work.thread, work.queued), (*row, began))
