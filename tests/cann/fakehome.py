"""Fake CANN installations, built by the C compiler of the machine, to see what the binding makes of them."""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from cann.interpreters import as_started, run_fresh

FAKES = Path(__file__).parent / "fakes"
PACKAGE = Path(__file__).parents[2]

ECHO_HEADER = """
#include "aclnn/acl_meta.h"
aclnnStatus aclnnEchoGetWorkspaceSize(const aclTensor *self, double alpha, float beta, int64_t n, bool flag,
                                      char *name, int8_t small, uint64_t large, aclDataType dtype,
                                      const aclIntArray *dims, uint64_t *workspaceSize,
                                      aclOpExecutor **executor);
aclnnStatus aclnnEcho(void *workspace, uint64_t workspaceSize, aclOpExecutor *executor, aclrtStream stream);
aclnnStatus aclnnPlanGetWorkspaceSize(int64_t bytes, uint64_t *workspaceSize, aclOpExecutor **executor);
aclnnStatus aclnnHalfGetWorkspaceSize(uint64_t *workspaceSize, aclOpExecutor **executor);
"""


@functools.cache
def _folder() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="fakes")
    atexit.register(folder.cleanup)
    return Path(folder.name)


_known: dict[tuple[str, ...], Path] = {}


def _built(compiler: str, options: tuple[str, ...], linked: Path | None) -> Path:
    """A library, compiled once in the run. What it is linked with only lends its names."""
    if options not in _known:
        target = _folder() / f"{len(_known)}.so"
        search = [] if linked is None else [f"-L{linked}"]
        subprocess.run([compiler, "-shared", "-fPIC", "-o", str(target), *search, *options], check=True)
        _known[options] = target
    return _known[options]


class FakeHome:
    """A directory to fill with libraries and headers as a test needs them."""

    def __init__(self, root: Path, compiler: str) -> None:
        self.root = root
        self.lib = root / "lib64"
        self.compiler = compiler
        self.lib.mkdir(parents=True)

    def build(self, library: str | Path, source: str, *flags: str, needs: tuple[str, ...] = ()) -> Path:
        """Compiles one source of fakes/ into lib64 (or to the path given), linked to other libraries of
        lib64."""
        target = self.lib / library
        target.parent.mkdir(parents=True, exist_ok=True)
        path = "$ORIGIN" if target.parent == self.lib else str(self.lib)
        links = (f"-Wl,-rpath,{path}", "-Wl,--no-as-needed", *(f"-l:{name}" for name in needs))
        options = (str(FAKES / source), *flags, *links, f"-Wl,-soname,{target.name}")
        shutil.copy(_built(self.compiler, options, self.lib if needs else None), target)
        return target

    def header(self, text: str = ECHO_HEADER, path: str = "include/aclnnop/aclnn_fakes.h") -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def layout_81(self, *flags: str) -> FakeHome:
        """libascendcl.so, libnnopbase.so and libopapi.so, as CANN 8.1 has them."""
        self.build("libascendcl.so", "runtime.c", *flags)
        self.build("libnnopbase.so", "nnopbase.c", needs=("libascendcl.so",))
        self.build("libopapi.so", "operators.c", needs=("libnnopbase.so", "libascendcl.so"))
        self.header()
        return self

    def layout_85(self) -> FakeHome:
        """libacl_rt.so below libascendcl.so, and split operator libraries."""
        self.build("libacl_rt.so", "runtime.c", "-DLATER")
        self.build("libascendcl.so", "empty.c", needs=("libacl_rt.so",))
        self.build("libnnopbase.so", "nnopbase.c", needs=("libacl_rt.so",))
        self.build("libopapi_math.so", "empty.c", needs=("libnnopbase.so",))
        self.build("libopapi_nn.so", "operators.c", '-DWHO="split"', needs=("libnnopbase.so", "libacl_rt.so"))
        self.build("libopapi.so", "operators.c", '-DWHO="old"', needs=("libnnopbase.so", "libacl_rt.so"))
        self.header()
        return self


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs code in a fresh interpreter: what is loaded into a process stays, so every CANN needs its own."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("ASCEND")}
    path = os.pathsep.join([str(PACKAGE), inherited.get("PYTHONPATH", "")])
    variables = {**inherited, "PYTHONPATH": path, **environment}
    if as_started(variables):
        return run_fresh(code, variables, seconds=60)
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60)


def value_of(code: str, **environment: str) -> Any:
    """What the code leaves in `result`, through JSON."""
    done = run_python(f"import json\n{code}\nprint(json.dumps(result))", **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def error_of(code: str, **environment: str) -> str:
    """The last exception's traceback of code that must fail."""
    done = run_python(code, **environment)
    assert done.returncode == 1, f"did not fail: {done.stdout} {done.stderr}"
    return done.stderr
