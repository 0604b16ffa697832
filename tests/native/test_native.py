"""The C and C++ programs of this folder, built against the home the way CANN's samples are, and run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROGRAMS = sorted([*HERE.glob("test_*.c"), *HERE.glob("test_*.cpp")])
COMPILERS = {".c": ("c11", "CC", "gcc"), ".cpp": ("c++17", "CXX", "g++")}
VECTORS = {  # aclnnSomeThingV2.vectors.json is for test_some_thing_v2
    "test" + re.sub("([A-Z])", r"_\1", path.name.split(".")[0].removeprefix("aclnn")).lower(): path
    for path in (HERE.parent / "vectors").glob("*.vectors.json")
}
VECTORS["test_matmul_helpers"] = VECTORS["test_quant_matmul_all_reduce_v2"]  # its "helpers"

pytestmark = pytest.mark.stand_in(reason="statuses are asserted more strictly than CANN documents them")


def run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def flags() -> list[str]:
    return run([sys.executable, "-m", "ascend_ops", "stubs", "--cflags", "--libs"]).split()


@pytest.fixture(scope="session")
def vector_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("vectors")
    files = {program: folder / f"{program}.txt" for program in VECTORS}
    for program, path in files.items():
        run([sys.executable, str(HERE / "vectors_to_text.py"), str(VECTORS[program]), str(path)])
    return files


def compiler(source: Path) -> list[str]:
    standard, variable, usual = COMPILERS[source.suffix]
    command = os.environ.get(variable, usual).split()
    if shutil.which(command[0]) is None:
        pytest.skip(f"no compiler: {variable} is not set and there is no {usual}")
    return [*command, f"-std={standard}", "-O1", "-Wall", "-Wextra", "-D_GNU_SOURCE"]


@pytest.mark.parametrize("source", PROGRAMS, ids=lambda path: path.name)
def test_program_passes_against_the_installed_home(
    source: Path, flags: list[str], vector_files: dict[str, Path], tmp_path: Path
) -> None:
    program = tmp_path / source.stem
    run([*compiler(source), str(source), "-o", str(program), *flags, "-lpthread", "-lm"])
    arguments = [str(vector_files[source.stem])] if source.stem in vector_files else []
    run([str(program), *arguments])
