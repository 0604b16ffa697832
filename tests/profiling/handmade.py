"""A trace file whose numbers are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HEADER = (
    '{"displayTimeUnit":"ns","otherData":{"writer":"ascend-ops","source":"stand-in"},"traceEvents":[\n'
    '{"ph":"M","name":"process_name","pid":1,"tid":0,"args":{"name":"python"}}'
)
FOOTER = "\n]}\n"


def line(category: str, name: str, duration_us: float, **args: Any) -> str:
    event = {"ph": "X", "cat": category, "name": name, "pid": 1, "tid": 1, "ts": 0.0, "dur": duration_us}
    return ",\n" + json.dumps({**event, "args": args})


LINES = [
    line("operator", "aclnnAbs", 1.0, bytes_read=100, bytes_written=100),
    line("operator", "aclnnAbs", 3.0, bytes_read=100, bytes_written=100),
    line("operator", "aclnnMul", 3.5, bytes_read=2048, bytes_written=0),
    line("operator,failed", "aclnnMul", 0.0, bytes_read=0, bytes_written=0, status=507015),
    line("collective", "HcclAllReduce", 1500.0, bytes_read=0, bytes_written=0),
    line("copy", "copy host to device, 10 bytes", 2.0, bytes_read=10, bytes_written=10),
    line("copy", "copy host to device, 30 bytes", 2.0, bytes_read=30, bytes_written=30),
    line("task", "aclrtStreamWaitEvent", 50.0, bytes_read=0, bytes_written=0),
    line("call", "aclrtStreamQuery", 10.0, calls=5),
    line("call,failed", "aclrtMalloc", 4.0, returned=207001),
]


def write(path: Path, text: str | None = None) -> Path:
    path.write_text("".join([HEADER, *LINES, FOOTER]) if text is None else text, encoding="utf-8")
    return path
