"""The package as a whole: its public names, what an import leaves alone, the walls between its rooms."""

from __future__ import annotations

import ast
import importlib.metadata
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ascend_ops as ao

PACKAGE = Path(ao.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "_stubs" not in path.parts)

# A room may import from the rooms before it and from itself.
LAYERS = [
    ("_cann",),
    ("runtime",),
    ("dtypes", "formats", "_layout", "_elements", "_host", "_tensor", "_creation", "tensor"),
    ("_arguments", "_kept", "dispatch", "_replay", "prepared"),
    ("distributed",),
    ("ops", "stub", "_profile"),
    ("cli",),
    ("ascend_ops_pytest",),
]
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_every_public_name_exists() -> None:
    assert [name for name in ao.__all__ if not hasattr(ao, name)] == []


def test_the_version_is_that_of_the_distribution() -> None:
    assert importlib.metadata.version("ascend-ops") == ao.__version__


def test_importing_the_package_loads_no_library_of_cann() -> None:
    code = "import ascend_ops; print(open('/proc/self/maps').read())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {Path(line.split()[-1]).name for line in done.stdout.splitlines() if ".so" in line}
    assert {
        name for name in loaded if name.startswith(("libacl", "libascend", "libnnopbase", "libopapi"))
    } == set()
    assert done.stderr == ""


def test_pytest_finds_the_plugin_and_loads_nothing_else_for_it() -> None:
    (plugin,) = importlib.metadata.entry_points(group="pytest11", name="ascend_ops_pytest")
    loaded = "[name for name in ('numpy', 'ascend_ops') if name in sys.modules]"
    code = f"import sys, pytest, {plugin.value}; print({loaded})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_binding_knows_ctypes(path: Path) -> None:
    if room_of(path) != "_cann":
        assert [name for name in imported(path) if name.split(".")[0] in ("ctypes", "_ctypes")] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    room = room_of(path)
    if room not in LEVEL:  # __init__, __main__
        return
    rooms = {name.split(".")[1] for name in imported(path) if name.startswith("ascend_ops.")}
    assert {other for other in rooms & LEVEL.keys() if LEVEL[other] > LEVEL[room]} == set()


def test_every_room_has_its_layer() -> None:
    assert {room_of(path) for path in MODULES} - LEVEL.keys() == {"__init__", "__main__"}
