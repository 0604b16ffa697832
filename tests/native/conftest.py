"""The programs of this folder are built from the start of the run on, on cores that others leave idle."""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from native.building import build, compiler

Builds = dict[Path, "Future[Path]"]
BUILDS: pytest.StashKey[Builds] = pytest.StashKey()


def pytest_collection_finish(session: pytest.Session) -> None:
    sources = [item.callspec.params["source"] for item in session.items if _is_program(item)]
    if sources and not session.config.option.collectonly:
        session.config.pluginmanager.register(Builder(session.config, sources))


class Builder:
    """Starts with the first test that does not count what its process does: those want the machine quiet."""

    def __init__(self, config: pytest.Config, sources: list[Path]) -> None:
        self.config, self.sources = config, sources

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        if self.sources and "benchmarks" not in nodeid:
            self.start()
            self.sources = []

    def start(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="programs")
        pool = ThreadPoolExecutor(max(len(os.sched_getaffinity(0)) - 1, 1))
        builds = {source: pool.submit(build, source, Path(folder.name)) for source in self.sources}
        self.config.stash[BUILDS] = builds

        def end() -> None:
            pool.shutdown(cancel_futures=True)
            folder.cleanup()

        self.config.add_cleanup(end)


def _is_program(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and "program" in item.fixturenames


@pytest.fixture
def program(source: Path, pytestconfig: pytest.Config) -> Path:
    compiler(source)  # skips where there is none
    return pytestconfig.stash[BUILDS][source].result()
