"""The C and C++ programs of this folder, built against the home the way CANN's samples are, and run."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from native.building import compiler, flags, run

HERE = Path(__file__).parent
PROGRAMS = sorted([*HERE.glob("test_*.c"), *HERE.glob("test_*.cpp")])
VECTORS = {  # aclnnSomeThingV2.vectors.json is for test_some_thing_v2
    "test" + re.sub("([A-Z])", r"_\1", path.name.split(".")[0].removeprefix("aclnn")).lower(): path
    for path in (HERE.parent / "vectors").glob("*.vectors.json")
}
VECTORS["test_matmul_helpers"] = VECTORS["test_quant_matmul_all_reduce_v2"]  # its "helpers"

pytestmark = pytest.mark.stand_in(reason="statuses are asserted more strictly than CANN documents them")


@pytest.fixture(scope="session")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Path, Future[Path]]]:
    """Every program on its way to be built, on all cores while the first ones already run."""
    folder = tmp_path_factory.mktemp("programs")
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        yield {source: pool.submit(build, source, folder) for source in PROGRAMS}
        pool.shutdown(cancel_futures=True)


def build(source: Path, folder: Path) -> Path:
    program = folder / source.stem
    run([*compiler(source), str(source), "-o", str(program), *flags(), "-lpthread", "-lm"])
    return program


def vectors_of(program: Path) -> list[str]:
    """The text form of a program's vectors as its argument."""
    if program.name not in VECTORS:
        return []
    text = program.with_suffix(".txt")
    run([sys.executable, str(HERE / "vectors_to_text.py"), str(VECTORS[program.name]), str(text)])
    return [str(text)]


@pytest.mark.parametrize("source", PROGRAMS, ids=lambda path: path.name)
def test_program_passes_against_the_installed_home(source: Path, request: pytest.FixtureRequest) -> None:
    compiler(source)  # skips before anything is built
    builds: dict[Path, Future[Path]] = request.getfixturevalue("builds")
    program = builds[source].result()
    run([str(program), *vectors_of(program)])
