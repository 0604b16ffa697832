"""Runs the command line in a process of its own, as a user does: the home of a process never changes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from cann.fakehome import run_python


def run(*arguments: str, stub: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """`stub` plays the stand-in that comes with the package."""
    code = "import sys\nfrom ascend_ops.cli import main\n"
    if stub is not None:
        code += "from pathlib import Path\nfrom ascend_ops._cann import homes\n"
        code += f"homes._stub_places = lambda: [Path({str(stub)!r})]\n"
    return run_python(f"{code}sys.exit(main({list(arguments)!r}))", **environment)


def answer(code: int, *arguments: str, stub: Path | None = None, **environment: str) -> Any:
    """What a command prints with --json, when it ends with that exit code."""
    done = run(*arguments, "--json", stub=stub, **environment)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def declare(name: str, params: str) -> str:
    """Both phases of an operator, as a header declares them."""
    return (
        f"aclnnStatus {name}GetWorkspaceSize(\n    {params}{', ' if params else ''}uint64_t *workspaceSize,\n"
        "    aclOpExecutor **executor);\n"
        f"aclnnStatus {name}(void *workspace, uint64_t workspaceSize, aclOpExecutor *executor,\n"
        "    aclrtStream stream);\n"
    )


def headers_only(root: Path, **operators: str) -> Path:
    """What counts as the package's stand-in, with headers alone. `operators` are names and parameters."""
    (root / "lib64").mkdir(parents=True)
    (root / "lib64" / "libascendcl.so").touch()
    (root / "include" / "aclnnop").mkdir(parents=True)
    for name, params in operators.items():
        (root / "include" / "aclnnop" / f"{name}.h").write_text(declare(name, params))
    return root
