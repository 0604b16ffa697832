"""`with ao.profile("trace.json") as p:`"""

from __future__ import annotations

import os
import threading
import weakref
from pathlib import Path
from types import TracebackType
from typing import Protocol

from ascend_ops._cann.errors import AscendError
from ascend_ops._profile import stand_in, summary
from ascend_ops._profile.recorder import PythonRecorder
from ascend_ops._profile.stand_in import StandInTrace
from ascend_ops.runtime import device


class Source(Protocol):
    """Where a timeline comes from."""

    def start(self, path: Path) -> None:
        """Begins to record for the file."""

    def stop(self, path: Path) -> None:
        """Completes the file."""


_running = threading.Lock()  # held as long as a profile runs


class Profile:
    """A timeline of the process, as long as its block runs; see `profile`.

    Attributes: `path` (the file, complete after the block).
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, source: Source | None = None) -> None:
        """`source` is chosen by the home in use unless it is given."""
        self.path = _temporary(self) if path is None else _expanded(path)
        self._source = source
        self._process = 0
        self._state = "has not run yet"

    def __enter__(self) -> Profile:
        if self._process:
            raise AscendError(f"this profile {self._state}; make another one with ao.profile()")
        if not _running.acquire(blocking=False):
            raise AscendError("a profile is running in this process already; it records all threads")
        try:
            self.path.open("ab").close()  # an OSError says what is wrong with it
            self._source = self._source or (StandInTrace() if stand_in.available() else PythonRecorder())
            self._source.start(self.path)
        except BaseException:
            _running.release()
            raise
        self._process, self._state = os.getpid(), "is running"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process != os.getpid():  # a forked child: the timeline is its parent's
            return
        try:
            if kind is None:
                device.synchronize_all()
        finally:
            self._stop()

    def _stop(self) -> None:
        assert self._source is not None
        try:
            self._source.stop(self.path)
        finally:
            self._source, self._state = None, "is over"
            _running.release()

    def summary(self) -> summary.Summary:
        """What ran, how often and for how long; printing it shows a table. AscendError before the end of the
        block."""
        if self._state != "is over":
            raise AscendError(f"this profile {self._state}; its summary is there after the block")
        return summary.read(self.path)

    def __repr__(self) -> str:
        return f"<Profile {str(self.path)!r} {self._state}>"


def _expanded(path: str | os.PathLike[str]) -> Path:
    return Path(os.fspath(path).replace("%p", str(os.getpid()))).absolute()


def _temporary(owner: Profile) -> Path:
    import tempfile  # dear, and mostly not needed

    handle, name = tempfile.mkstemp(prefix="ascend-ops-trace-", suffix=".json")
    os.close(handle)
    path = Path(name)
    weakref.finalize(owner, path.unlink, missing_ok=True)
    return path
