"""Checks for mistakes that hardware hides, in a block of Python."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterable
from typing import Literal

from ascend_ops import _kept, _replay
from ascend_ops._cann import stub_checks
from ascend_ops._cann.errors import AscendError
from ascend_ops._cann.stub_checks import Report
from ascend_ops.runtime import Device, device, event, memory, stream

_lock = threading.RLock()
_open: list[Checks] = []  # the innermost last
_before = ""  # what was on outside of all


class CheckError(AscendError):
    """The stand-in's checks found mistakes; `reports` has them."""

    reports: tuple[Report, ...]

    def __init__(self, reports: Iterable[Report]) -> None:
        self.reports = tuple(reports)
        super().__init__(self.reports)

    def __str__(self) -> str:
        count = len(self.reports)
        mistakes = "a mistake" if count == 1 else f"{count} mistakes"
        texts = (f"[{each.check}]{_often(each)} {each.text}" for each in self.reports)
        return "\n\n".join((f"the stand-in's checks found {mistakes}", *texts))


def _often(report: Report) -> str:
    return f" {report.times} times:" if report.times > 1 else ""


class Checks:
    """A block whose mistakes are reported; `checks` makes it."""

    def __init__(self, words: str, leaks: bool) -> None:
        self.words, self.leaks = words, leaks
        self._reports: dict[tuple[str, str], Report] = {}
        self._mark = 0

    @property
    def reports(self) -> tuple[Report, ...]:
        """What was found so far and not taken."""
        _hand_out()
        return tuple(self._reports.values())

    def take(self) -> tuple[Report, ...]:
        """Removes the reports and returns them, for mistakes that are made on purpose: the end of the block
        does not raise them any more."""
        taken = self.reports
        self._reports.clear()
        return taken

    def __enter__(self) -> Checks:
        global _before
        stub_checks.need_stand_in()
        if self.leaks:
            _drop_caches()
            self._mark = stub_checks.mark_leaks()
        with _lock:
            _hand_out()
            before = stub_checks.words()
            stub_checks.turn_on(self.words)
            stub_checks.print_reports(False)
            if not _open:
                _before = before
                stub_checks.take_reports()
            _open.append(self)
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> Literal[False]:
        if not stub_checks.reachable():
            return False
        try:
            if self.leaks and error is None:
                _drop_caches()
                stub_checks.report_leaks(self._mark)
        finally:
            self._close()
        if self._reports:
            _raise(CheckError(self._reports.values()), error)
        return False

    def _close(self) -> None:
        with _lock:
            _hand_out()
            _open.remove(self)
            stub_checks.turn_on(_open[-1].words if _open else _before)
            stub_checks.print_reports(not _open)

    def _add(self, report: Report) -> None:
        key = report.check, report.text
        known = self._reports.get(key)
        self._reports[key] = report._replace(times=report.times + known.times) if known else report


def checks(*words: str, leaks: bool = False) -> Checks:
    """A block in which the stand-in looks for mistakes that hardware hides; its end raises CheckError when
    there were any.

        with ao.stub.checks():              # all checks
        with ao.stub.checks("races"):       # some; names as in README.md
        with ao.stub.checks("all", "-pageable") as found:
            ...
            assert [report.check for report in found.take()] == ["races"]    # made on purpose

    Mistakes of all threads count. What was made before the block is unknown to the checks, unless they were
    on already. Blocks may be nested: a mistake belongs to the innermost one, and only its checks are on.
    Nothing is waited for at the end: synchronise inside. The reports are in CheckError, not on stderr.

    With `leaks`, what was made in the block and is alive at its end is a mistake, tensors included, but not
    what ascend_ops keeps for the next calls; this waits for the devices. Without it, leaks are looked for at
    the end of the process only, and then only where ASCEND_STUB_CHECK says so.

    An exception that leaves the block stays as it is and gets the CheckError as its cause.

    UnsupportedError on a real CANN, ParameterError for an unknown name, both when the block is entered.
    """
    for word in words:
        if not isinstance(word, str):
            raise TypeError(f'words: expected names of checks, as in "races", got {word!r}')
    return Checks(",".join((*(words or ("all",)), *(("leaks",) if leaks else ()))), leaks)


def _hand_out() -> None:
    """Gives the innermost block the reports that were made since it last got some."""
    with _lock:
        if _open and stub_checks.reachable():
            for report in stub_checks.take_reports():
                _open[-1]._add(report)


def _raise(found: CheckError, error: BaseException | None) -> None:
    """Raises it, or makes it the first cause of an exception that is on its way."""
    if error is None:
        raise found
    while error.__cause__ is not None:
        error = error.__cause__
    found.__context__, error.__cause__ = error.__context__, found


def _drop_caches() -> None:
    """Destroys what is kept for the next calls: that is no leak, and its memory hides what is."""
    gc.collect()
    _kept.destroy_all()
    _replay.destroy_orphans()
    for _ in range(2):  # memory that waits for a dropped stream keeps that one alive
        for index in device.taken():
            memory.trim(Device(index))
    stream.drop_marks()
    event.destroy_orphans()
