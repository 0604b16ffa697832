"""The C and C++ programs of this folder, built against the home the way CANN's samples are, and run."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from native.building import run

HERE = Path(__file__).parent
PROGRAMS = sorted([*HERE.glob("test_*.c"), *HERE.glob("test_*.cpp")])
VECTORS = {  # aclnnSomeThingV2.vectors.json is for test_some_thing_v2
    "test" + re.sub("([A-Z])", r"_\1", path.name.split(".")[0].removeprefix("aclnn")).lower(): path
    for path in (HERE.parent / "vectors").glob("*.vectors.json")
}
VECTORS["test_matmul_helpers"] = VECTORS["test_quant_matmul_all_reduce_v2"]  # its "helpers"

pytestmark = pytest.mark.stand_in(reason="statuses are asserted more strictly than CANN documents them")


def vectors_of(program: Path) -> list[str]:
    """The text form of a program's vectors as its argument."""
    if program.name not in VECTORS:
        return []
    text = program.with_suffix(".txt")
    run([sys.executable, str(HERE / "vectors_to_text.py"), str(VECTORS[program.name]), str(text)])
    return [str(text)]


@pytest.mark.parametrize("source", PROGRAMS, ids=lambda path: path.name)
def test_program_passes_against_the_installed_home(program: Path) -> None:
    run([str(program), *vectors_of(program)])
