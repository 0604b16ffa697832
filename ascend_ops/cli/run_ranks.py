"""Starts the ranks, passes on what they print, ends them all when one fails or the launcher is told to end.

Every rank is a session of its own, so that a signal reaches what it started, too, and a terminal's Ctrl-C
reaches the launcher alone. When the launcher itself is killed, the kernel kills the ranks.
"""

from __future__ import annotations

import math
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Final

from ascend_ops._cann import die_with_parent
from ascend_ops.cli.run_output import Lines, write_all

PATIENCE: Final = 5.0  # seconds between SIGTERM and SIGKILL
NOTICE: Final = 5.0  # seconds that ranks may run on after one that has ended well, without a word about it
_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Rank:
    """One process. `status` is None while it runs, then the exit status, 128 + n for signal n."""

    def __init__(self, number: int, command: Sequence[str], env: dict[str, str], prefix: bool) -> None:
        self.number = number
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(die_with_parent.__file__)), str(os.getpid()), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if prefix else None,
            stderr=subprocess.PIPE if prefix else None,
            env=env,
            start_new_session=True,
        )

    def lines(self) -> Iterator[Lines]:
        """Its output streams, if they are passed on. The pipes become theirs."""
        for stream, target in ((self.process.stdout, 1), (self.process.stderr, 2)):
            if stream is not None:
                yield Lines(os.dup(stream.fileno()), target, b"[%d] " % self.number)
                stream.close()

    @property
    def status(self) -> int | None:
        code = self.process.poll()
        return code if code is None or code >= 0 else 128 - code

    def failure(self) -> str:
        code = self.process.returncode
        if code < 0:
            return f"rank {self.number} was killed by signal {-code} ({_name(-code)})"
        return f"rank {self.number} failed with exit status {code}"

    def send(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


class Job:
    """All ranks of one run, until the last has ended."""

    def __init__(self, prefix: bool) -> None:
        self.status = 0
        self._ending = False
        self._prefix = prefix
        self._lines: dict[Lines, Rank] = {}
        self._running: list[Rank] = []
        self._kill_at: float | None = None
        self._done: list[int] = []  # ranks that have ended well, which was not said yet
        self._notice_at = math.inf
        self._selector = selectors.DefaultSelector()

    def run(self, command: Sequence[str], environments: Sequence[dict[str, str]]) -> int:
        """Starts one process per environment; returns 0, or the status of the first that failed."""
        sys.stdout.flush()
        sys.stderr.flush()
        with _signals() as wakeup, self._selector:
            self._selector.register(wakeup, selectors.EVENT_READ)
            try:
                for number, env in enumerate(environments):
                    self._start(Rank(number, command, env, self._prefix))
                while self._running:
                    self._turn(wakeup)
                for lines in list(self._lines):  # whose other end something else still holds
                    self._finish(lines)
            finally:
                for rank in self._running:  # only when the launcher itself failed
                    rank.send(signal.SIGKILL)
                    rank.process.wait()
        return self.status

    def _start(self, rank: Rank) -> None:
        self._running.append(rank)
        for lines in rank.lines():
            self._lines[lines] = rank
            self._selector.register(lines.source, selectors.EVENT_READ, lines)

    def _turn(self, wakeup: int) -> None:
        """Waits for output, a signal, or the end of patience, and deals with it."""
        until = min(self._notice_at, math.inf if self._kill_at is None else self._kill_at)
        wait = None if until == math.inf else max(0.0, until - time.monotonic())
        for key, _ in self._selector.select(wait):
            if key.fd == wakeup:
                self._heed(os.read(wakeup, 4096))
            elif not key.data.pump():
                self._finish(key.data)
        self._reap()
        if self._kill_at is not None and time.monotonic() >= self._kill_at:
            self._kill()
        if time.monotonic() >= self._notice_at:
            self._notice()

    def _finish(self, lines: Lines) -> None:
        del self._lines[lines]
        self._selector.unregister(lines.source)
        lines.finish()

    def _heed(self, signals: bytes) -> None:
        for number in signals:
            if number in _ENDING and self._ending:  # asked again
                self._kill_at = time.monotonic()
            elif number in _ENDING:
                self._end(128 + number, f"got {_name(number)}; ending all ranks")

    def _reap(self) -> None:
        ended = [rank for rank in self._running if rank.status is not None]
        self._running = [rank for rank in self._running if rank not in ended]
        for lines, rank in self._lines.items():
            if rank in ended:  # its last words come before what is said about it
                lines.drain()
        for rank in ended:
            if rank.status and not self._ending:
                others = "; ending the others" if self._running else ""
                self._end(rank.status, rank.failure() + others)
            elif not rank.status and not self._ending:
                self._done.append(rank.number)
                self._notice_at = min(self._notice_at, time.monotonic() + NOTICE)

    def _notice(self) -> None:
        """Ranks may wait for one that has ended, for instance in init or in a collective it did not call."""
        if self._running and not self._ending:
            running = [rank.number for rank in self._running]
            ended, others = _ranks(self._done, "has", "have"), _ranks(running, "is", "are")
            _say(f"{ended} ended with status 0; {others} still running")
        self._done, self._notice_at = [], math.inf

    def _end(self, status: int, message: str) -> None:
        self.status, self._ending = status, True
        self._kill_at = time.monotonic() + PATIENCE
        _say(message)
        for rank in self._running:
            rank.send(signal.SIGTERM)

    def _kill(self) -> None:
        self._kill_at = None
        for rank in self._running:
            _say(f"rank {rank.number} does not end; killing it")
            rank.send(signal.SIGKILL)


@contextmanager
def _signals() -> Iterator[int]:
    """A pipe that gets a byte for every signal, among them that of a child's end."""
    source, target = os.pipe()
    os.set_blocking(source, False)
    os.set_blocking(target, False)
    handled = [number for number in _ENDING if not _is_nohup(number)]
    before = {number: signal.signal(number, _noted) for number in (*handled, signal.SIGCHLD)}
    former = signal.set_wakeup_fd(target, warn_on_full_buffer=False)
    try:
        yield source
    finally:
        signal.set_wakeup_fd(former)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(source)
        os.close(target)


def _is_nohup(number: int) -> bool:
    return number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN


def _noted(_number: int, _frame: FrameType | None) -> None:
    """Python needs a handler; the byte in the pipe does the work."""


def _ranks(numbers: list[int], one: str, several: str) -> str:
    listed = ", ".join(map(str, numbers))
    return f"rank {listed} {one}" if len(numbers) == 1 else f"ranks {listed} {several}"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "a real-time signal"


def _say(message: str) -> None:
    write_all(2, f"ascend_ops run: {message}\n".encode())
