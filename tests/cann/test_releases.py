"""The stand-in as an older CANN (ASCEND_STUB_CANN): what came later is missing, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ascend_ops._cann import prototypes

CATALOGUE = Path(__file__).parents[2] / "native_stubs/catalogue"


def load(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((CATALOGUE / name).read_text(encoding="utf-8"))
    return content


def later_prototypes() -> Iterator[tuple[str, str]]:
    for name, prototype in prototypes.table().items():
        if prototype.since != "8.1":
            yield name, prototype.since


def test_the_stand_in_knows_the_release_of_every_function_that_the_binding_knows() -> None:
    catalogue = {name: since for since, names in load("since.json").items() for name in names}
    assert catalogue == dict(later_prototypes())


PROGRAM = """
import json, sys
import ascend_ops as ao
from ascend_ops._cann import libraries, prototypes, rt
from ascend_ops._cann.errors import MissingFunctionError

def is_missing(family, *names):
    try:
        libraries.find(family, *names)
    except MissingFunctionError:
        return True
    return False

try:
    ao.acl.aclrtMemsetD32
except MissingFunctionError as error:
    text = str(error)
known = {name: entry.family for name, entry in prototypes.table().items() if entry.family != "platform"}
functions = [name for name, family in known.items() if is_missing(family, name)]
operators = [name for name in json.load(sys.stdin) if is_missing("opapi", name + "GetWorkspaceSize", name)]
print(json.dumps([functions, operators, rt.cann_version(), text]))
"""


def number(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.rstrip("+").split(".")))


def as_played(release: str, program: str, given: str) -> Any:
    environment = {**os.environ, "ASCEND_STUB_CANN": release, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, input=given, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.stand_in(reason="a release is played on the stand-in only")
@pytest.mark.parametrize(("release", "version"), [("8.1", "8.1.RC1"), ("9.0", "9.0.0")])
def test_what_came_later_is_missing_and_nothing_else(release: str, version: str) -> None:
    catalogue = {name: entry for name, entry in load("operators.json").items() if "experimental" not in entry}
    functions, operators, told, text = as_played(release, PROGRAM, json.dumps(list(catalogue)))
    assert set(functions) == {
        name
        for name, since in later_prototypes()
        if number(since) > number(release) and prototypes.table()[name].family != "platform"
    }
    assert set(operators) == {
        name for name, entry in catalogue.items() if number(entry["since"]) > number(release)
    }
    assert ("aclnnNsaCompress" in operators) == (release == "8.1")
    assert told == version
    assert "It exists since CANN 9.1." in text
    assert f"plays CANN {release}" in text
