"""`stubs`: where the CPU stand-in is, in a form that a C or C++ build can use."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from ascend_ops._cann.errors import HomeError
from ascend_ops._cann.homes import stub_home

# Dependents before what they depend on.
_LIBRARIES = ("hccl", "opapi", "nnopbase", "ascendcl")


def add_to(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        "stubs",
        help="compiler and linker flags for building against the CPU stand-in",
        description="Prints where the CPU stand-in is. Several options print on one line, prefix first, then "
        "cflags, then libs, quoted for a shell.",
        epilog="Example: c++ sample.cpp $(python -m ascend_ops stubs --cflags --libs)",
    )
    parser.add_argument("--prefix", action="store_true", help="directory that holds include/ and lib64/")
    parser.add_argument("--cflags", action="store_true", help="include directories")
    parser.add_argument("--libs", action="store_true", help="library directory, run path and libraries")
    parser.set_defaults(run=lambda options: run(options, parser))


def run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    if not (options.prefix or options.cflags or options.libs):
        parser.error("give at least one of --prefix, --cflags, --libs")
    try:
        root = stub_home()
    except HomeError as error:
        print(f"ascend_ops: {error}", file=sys.stderr)
        return 1
    print(shlex.join(_flags(root, options)))
    return 0


def _flags(root: Path, options: argparse.Namespace) -> list[str]:
    library = root / "lib64"
    flags = [str(root)] if options.prefix else []
    if options.cflags:
        flags += [f"-I{root / 'include'}", f"-I{root / 'include' / 'aclnnop'}"]
    if options.libs:
        flags += [f"-L{library}", f"-Wl,-rpath,{library}"]
        flags += [f"-l{name}" for name in _LIBRARIES if (library / f"lib{name}.so").is_file()]
    return flags
