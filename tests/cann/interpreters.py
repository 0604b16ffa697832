"""Python processes in which nothing of CANN was ever loaded, cheaper than new ones: forks of a process that
has imported NumPy, and waits. Run as a script, this is that process."""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib
import json
import os
import select
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

IMPORTED = ("argparse", "ctypes", "json", "ml_dtypes", "numpy", "subprocess", "threading", "traceback")
# What is read while a process starts is not seen by a fork.
EARLY = ("LD_", "PYTHON")


def run_fresh(code: str, environment: dict[str, str], seconds: float) -> subprocess.CompletedProcess[str]:
    """What `python -c code` does in an environment that `as_started` accepts."""
    return _spare().run(code, environment, seconds)


def as_started(environment: dict[str, str]) -> bool:
    """Whether a fork can play a process that is started with this environment."""

    def early(variables: Any) -> dict[str, str]:
        return {k: v for k, v in variables.items() if k.startswith(EARLY) and k != "PYTHONPATH"}

    return early(environment) == early(os.environ)


@functools.cache
def _spare() -> Spare:
    return Spare()


class Spare:
    """The waiting process."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="interpreters")
        self.files = [Path(self.folder.name) / name for name in ("stdout", "stderr")]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ASCEND")}
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            env={**environment, "OPENBLAS_NUM_THREADS": "1"},  # a process with threads does not fork well
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self.end)

    def run(self, code: str, environment: dict[str, str], seconds: float) -> subprocess.CompletedProcess[str]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        files = [str(path) for path in self.files]
        request = {"code": code, "environment": environment, "files": files, "folder": os.getcwd()}
        print(json.dumps(request), file=self.process.stdin, flush=True)
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            _spare.cache_clear()
            self.end(kill=True)
            raise subprocess.TimeoutExpired(code, seconds)
        status = int(self.process.stdout.readline())
        return subprocess.CompletedProcess(code, status, *(path.read_text() for path in self.files))

    def end(self, kill: bool = False) -> None:
        atexit.unregister(self.end)
        if kill:
            self.process.kill()
        with self.process:
            pass
        self.folder.cleanup()


def serve() -> dict[str, Any]:
    """Forks for every line of the input and answers with the fork's exit code. Returns in the forks only."""
    for line in sys.stdin:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pid = os.fork()
        if pid == 0:
            request: dict[str, Any] = json.loads(line)
            return request
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
    sys.exit()


def become(request: dict[str, Any]) -> str:
    """Makes a fork look like a new process. Returns the code it is for."""
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    for number, path in enumerate(request["files"], 1):
        with open(path, "w") as file:
            os.dup2(file.fileno(), number)
    sys.path[:] = [*filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)), *PLAIN_PATH]
    sys.argv[:] = ["-c"]
    return str(request["code"])


if __name__ == "__main__":
    here = str(Path(__file__).parent)
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    PLAIN_PATH = [path for path in sys.path if path not in (here, *inherited)]
    for name in IMPORTED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    exec(compile(become(serve()), "<string>", "exec"), {"__name__": "__main__"})
