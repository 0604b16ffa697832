"""One suite for the stand-in and for hardware: ASCEND_OPS_HOME chooses, the stand-in where it is not set.

With ASCEND_STUB_CHECK set, every test fails in which the stand-in's checks find a mistake; one that makes it
on purpose is marked `mistakes("races")`.
"""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Iterator

import pytest

os.environ.setdefault("ASCEND_OPS_HOME", "stub")

pytest_plugins = ["pytester"]


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("PYTHONDONTWRITEBYTECODE"):
        share_bytecode(config)
    config.addinivalue_line("markers", "stand_in(reason): asserts what only the stand-in can be held to")
    config.addinivalue_line("markers", "mistakes(*checks): does on purpose what these checks report")
    config.addinivalue_line("markers", "kernel(operators, dtypes): holds these operators to a reference")
    if os.environ.get("ASCEND_STUB_CHECK"):
        config.pluginmanager.register(Checked(os.environ["ASCEND_STUB_CHECK"]))


def share_bytecode(config: pytest.Config) -> None:
    """Tests start hundreds of Python processes, and where none may leave bytecode behind, each compiles every
    module. Let them find each other's, in a folder that goes with the run."""
    folder = tempfile.TemporaryDirectory(prefix="bytecode")
    config.add_cleanup(folder.cleanup)
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    patch.delenv("PYTHONDONTWRITEBYTECODE")
    patch.setenv("PYTHONPYCACHEPREFIX", folder.name)


class Checked:
    """Looks at the reports of each test after its teardown. The block stays open from the first test on: what
    is made in one test and used in another is known to the checks."""

    def __init__(self, words: str) -> None:
        from ascend_ops import stub

        self.found = stub.checks(words)
        self.entered = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        if not self.entered:
            self.found.__enter__()
            self.entered = True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Iterator[None]:
        try:
            yield
        finally:
            self.look_at(item)

    def look_at(self, item: pytest.Item) -> None:
        from ascend_ops import stub

        allowed = {word for marker in item.iter_markers("mistakes") for word in marker.args}
        unexpected = [report for report in self.found.take() if report.check not in allowed]
        if unexpected:
            pytest.fail(str(stub.CheckError(unexpected)), pytrace=False)

    def pytest_sessionfinish(self) -> None:
        if self.entered:
            self.found.take()
            self.found.__exit__(None, None, None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ["ASCEND_OPS_HOME"] == "stub":
        return
    for item in items:
        marker = item.get_closest_marker("stand_in")
        if marker:
            reason = marker.kwargs.get("reason") or (marker.args[0] if marker.args else "")
            item.add_marker(pytest.mark.skip(reason=f"only for the stand-in: {reason}"))


def pytest_collection_finish() -> None:
    freeze()


@pytest.fixture(scope="module", autouse=True)
def _frozen() -> None:
    freeze()


def freeze() -> None:
    """What is there stays to the end: tests, reports, modules. Every leak check's gc.collect() would walk
    through all of that."""
    gc.collect()
    gc.freeze()
