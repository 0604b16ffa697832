"""Every generated header in one C and one C++ program, with the catalogue's prototype of every function."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from native.building import compiler, flags, run

CATALOGUE = Path(__file__).parents[2] / "native_stubs" / "catalogue"
TAIL = ["uint64_t *", "aclOpExecutor **"]
PHASE_TWO = ["void *", "uint64_t", "aclOpExecutor *", "aclrtStream"]

# What every program starts and ends with: `same` is true when a function has exactly that type.
CPP = """#include <type_traits>
#define SAME(function, type) std::is_same<decltype(&function), type>::value
"""
C = """#include <assert.h>
#define SAME(function, type) _Generic(&function, type: 1, default: 0)
"""
MAIN = """#include <stdio.h>
#include <stdlib.h>
typedef void (*address)(void);
static const address addresses[] = {
%s};
int main(void) {
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        printf("%%p\\n", (void *)addresses[i]);
    }
    return 0;
}
"""

pytestmark = pytest.mark.stand_in(reason="the stand-in's headers and libraries")


def catalogue(name: str) -> dict[str, Any]:
    entries: dict[str, Any] = json.loads((CATALOGUE / name).read_text(encoding="utf-8"))
    return entries


def prototypes() -> Iterator[tuple[str, str]]:
    """Every function of the aclnnop headers and its type, as the catalogue has it."""
    for name, operator in catalogue("operators.json").items():
        if not operator.get("experimental"):
            yield f"{name}GetWorkspaceSize", pointer([param[0] for param in operator["params"]] + TAIL)
            yield name, pointer(PHASE_TWO)
    for name, function in catalogue("functions.json").items():
        yield (
            name,
            pointer([param[0] for param in function["params"]], function.get("returns", "aclnnStatus")),
        )


def pointer(params: list[str], returns: str = "aclnnStatus") -> str:
    return f"{returns} (*)({', '.join(params) or 'void'})"


def program(headers: list[str], prologue: str) -> str:
    functions = dict(prototypes())
    includes = "".join(f'#include "{header}"\n' for header in headers)
    asserts = "".join(f'static_assert(SAME({name}, {type}), "{name}");\n' for name, type in functions.items())
    return includes + prologue + asserts + MAIN % "".join(f"    (address){name},\n" for name in functions)


def headers_of(home: Path, folder: str) -> list[str]:
    return sorted(f"{folder}/{path.name}" for path in (home / "include" / folder).glob("*.h"))


@pytest.fixture(scope="module")
def home() -> Path:
    return Path(flags()[0].removeprefix("-I")).parent


@pytest.mark.parametrize(
    ("suffix", "prologue", "folder"),
    [(".cpp", CPP, "aclnnop"), (".c", C, "aclnnop/level2")],
    ids=["C++", "C"],
)
def test_all_headers_compile_together_and_declare_every_function_as_the_catalogue_has_it(
    suffix: str,
    prologue: str,
    folder: str,
    home: Path,
    tmp_path: Path,
) -> None:
    source, binary = tmp_path / f"headers{suffix}", tmp_path / "headers"
    source.write_text(program(headers_of(home, folder), prologue))
    run([*compiler(source), "-Werror", "-O0", str(source), "-o", str(binary), *flags()])
    addresses = run([str(binary)]).split()
    assert len(set(addresses)) == len(addresses) == len(dict(prototypes()))
