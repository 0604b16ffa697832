"""What the ranks print, passed on line by line with the rank in front. Bytes in, bytes out."""

from __future__ import annotations

import os
from typing import Final

_CHUNK: Final = 1 << 16


class Lines:
    """One rank's stdout or stderr: reads it from `source`, writes whole lines to `target`."""

    def __init__(self, source: int, target: int, prefix: bytes) -> None:
        self.source = source
        self._target, self._prefix = target, prefix
        self._rest = bytearray()  # a line that has not ended yet
        os.set_blocking(source, False)

    def pump(self) -> bool:
        """Passes on some of what is there; False at the end of the stream."""
        data = self._read()
        return data is None or self._pass_on(data)

    def _read(self) -> bytes | None:
        try:
            return os.read(self.source, _CHUNK)
        except BlockingIOError:  # nothing for now
            return None

    def _pass_on(self, data: bytes) -> bool:
        self._rest += data
        if b"\n" in data:
            whole, _, rest = bytes(self._rest).rpartition(b"\n")
            self._rest = bytearray(rest)
            self._write(whole)
        return bool(data)

    def drain(self) -> None:
        """Passes on all whole lines that are there."""
        while data := self._read():
            self._pass_on(data)

    def finish(self) -> None:
        """Passes on all that is there, the start of a line too, and closes."""
        self.drain()
        if self._rest:
            self._write(bytes(self._rest))
        os.close(self.source)

    def _write(self, lines: bytes) -> None:
        text = b"".join(b"%b%b\n" % (self._prefix, line) for line in lines.split(b"\n"))
        write_all(self._target, text)


def write_all(target: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]
