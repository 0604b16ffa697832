"""`trace`: what a trace file says."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from ascend_ops._profile import summary


def add_to(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        "trace",
        help="what a trace file says",
        description="Reads the files that ao.profile() and ASCEND_STUB_TRACE write.",
    )
    parts = parser.add_subparsers(dest="part", required=True, metavar="summary")
    _add_summary(parts)


def _add_summary(parts: Any) -> None:
    parser: argparse.ArgumentParser = parts.add_parser(
        "summary",
        help="operators and copies by time, calls and bytes",
        description="Prints operators by their time on the device, and copies. Reads what there is of the "
        "file of a process that was killed. Exit code 0, or 1 for a file that is no trace of ascend-ops.",
    )
    parser.add_argument("file", metavar="FILE", help="a file of ao.profile() or ASCEND_STUB_TRACE")
    parser.add_argument(
        "--sort", choices=summary.SORTS, default="total", help="by which column (default: total time)"
    )
    parser.add_argument("--top", type=_count, metavar="N", help="show the first N of each table only")
    parser.add_argument("--calls", action="store_true", help="show the C functions that were called, too")
    parser.add_argument("--json", action="store_true", help="print one JSON object; times in seconds")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    try:
        found = summary.read(options.file).arranged(options.sort, options.top)
    except summary.TraceError as error:
        print(f"ascend_ops trace: {error}", file=sys.stderr)
        return 1
    print(json.dumps(found.as_dict(), indent=2) if options.json else found.text(options.calls))
    return 0


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return count
