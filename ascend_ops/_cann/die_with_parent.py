"""Becomes another program, which the kernel kills when the process that started it dies, however it dies.

    python -I -S die_with_parent.py PARENT_PID PROGRAM ARGUMENT...

Run as a file: the request has to be made in the new process, and code between fork and exec is not safe. It
survives exec, but not fork: what the program starts is its own to end.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() == parent:  # else it died before the request was made
        os.execv(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
