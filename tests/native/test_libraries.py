"""The stand-in's libraries as files: names, sonames, the chain of dependencies, what they export."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.stand_in(reason="the files of the stand-in"),
    pytest.mark.skipif(shutil.which("readelf") is None or shutil.which("nm") is None, reason="no binutils"),
]

# What a client may rely on, from the link lines and dependency lists of CANN.
NEEDED = {
    "libascendcl.so": set(),
    "libacl_rt.so": set(),
    "libnnopbase.so": {"libascendcl.so"},
    "libopapi.so": {"libnnopbase.so", "libascendcl.so"},
    "libhcomm.so": {"libascendcl.so"},
    "libhccl.so": {"libhcomm.so", "libascendcl.so"},
}
CATALOGUE = Path(__file__).parents[2] / "native_stubs" / "catalogue"


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def home() -> Path:
    return Path(output(sys.executable, "-m", "ascend_ops", "stubs", "--prefix").strip())


def exported(library: Path) -> set[str]:
    return {line.split()[-1] for line in output("nm", "-D", "--defined-only", str(library)).splitlines()}


@pytest.mark.parametrize("name", NEEDED)
def test_the_soname_is_the_file_name_and_the_chain_is_that_of_cann(home: Path, name: str) -> None:
    dynamic = output("readelf", "-d", str(home / "lib64" / name))
    assert re.findall(r"SONAME.*\[(.*)\]", dynamic) == [name]
    assert NEEDED[name] <= set(re.findall(r"NEEDED.*\[(.*)\]", dynamic))


@pytest.mark.parametrize("name", NEEDED)
def test_a_library_stays_loaded_because_its_work_may_outlive_the_client(home: Path, name: str) -> None:
    assert "NODELETE" in output("readelf", "-d", str(home / "lib64" / name))


def test_both_runtime_libraries_export_the_same(home: Path) -> None:
    names = exported(home / "lib64" / "libascendcl.so")
    assert names == exported(home / "lib64" / "libacl_rt.so")
    assert {"aclInit", "aclrtMalloc", "aclrtLaunchHostFunc", "aclmdlRICaptureBegin"} <= names


def test_every_operator_of_the_catalogue_is_exported_and_declared(home: Path) -> None:
    entries = json.loads((CATALOGUE / "operators.json").read_text(encoding="utf-8"))
    offered = {name: entry for name, entry in entries.items() if not entry.get("experimental")}
    wanted = {f"{name}{suffix}" for name in offered for suffix in ("", "GetWorkspaceSize")}
    assert wanted <= exported(home / "lib64" / "libopapi.so")
    headers = {entry["header"] for entry in offered.values()}
    assert sorted(path for path in headers if not (home / "include" / path).exists()) == []


def test_every_function_beside_the_operators_is_exported_and_declared(home: Path) -> None:
    functions = json.loads((CATALOGUE / "functions.json").read_text(encoding="utf-8"))
    assert set(functions) <= exported(home / "lib64" / "libopapi.so")
    for name, function in functions.items():
        header = (home / "include" / function["header"]).read_text(encoding="utf-8")
        assert re.search(rf"^ACL_FUNC_VISIBILITY \w+ {name}\(", header, re.MULTILINE), name


def test_the_libraries_export_nothing_of_their_own_but_the_marked_names(home: Path) -> None:
    foreign = re.compile(r"acl|Acl|Hccl|stub_")
    for name in NEEDED:
        assert [symbol for symbol in exported(home / "lib64" / name) if not foreign.match(symbol)] == []
