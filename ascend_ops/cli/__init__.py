"""The command line: `python -m ascend_ops doctor|ops|diff|run|stubs|trace`.

Every command returns an exit code: 0 when things are as they should be, 1 when not, 2 for wrong usage.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ascend_ops.cli import diff, doctor, ops, run, stubs, trace


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m ascend_ops", description="CANN operators from Python.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    doctor.add_to(commands)
    ops.add_to(commands)
    diff.add_to(commands)
    run.add_to(commands)
    stubs.add_to(commands)
    trace.add_to(commands)
    options = parser.parse_args(arguments)
    code: int = options.run(options)
    return code
