"""Building C and C++ against the home in use, the way CANN's samples are built."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

COMPILERS = {".c": ("c11", "CC", "gcc"), ".cpp": ("c++17", "CXX", "g++")}


def run(command: list[str]) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def compiler(source: Path) -> list[str]:
    """The compiler for a source and its options; skips the test where there is none."""
    standard, variable, usual = COMPILERS[source.suffix]
    command = os.environ.get(variable, usual).split()
    if shutil.which(command[0]) is None:
        pytest.skip(f"no compiler: {variable} is not set and there is no {usual}")
    return [*command, f"-std={standard}", "-O1", "-Wall", "-Wextra", "-D_GNU_SOURCE"]


@functools.cache
def flags() -> tuple[str, ...]:
    """What `stubs` says a program needs, and the library behind include/ascend_stub/{check,fault,...}.h."""
    return (
        *run([sys.executable, "-m", "ascend_ops", "stubs", "--cflags", "--libs"]).split(),
        "-lascend_stub",
    )


def build(source: Path, folder: Path) -> Path:
    program = folder / source.stem
    run([*compiler(source), str(source), "-o", str(program), *flags(), "-lpthread", "-lm"])
    return program
