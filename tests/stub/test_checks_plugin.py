"""The pytest fixture `ascend_checks`."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.stand_in(reason="only the stand-in has checks")

NAME = "ascend_ops_pytest"
PLUGIN = NAME if find_spec(NAME) else f"ascend_ops.{NAME}"  # as it is installed, or where it lies

PRELUDE = """
import ascend_ops as ao

def unwritten():
    ao.memory.trim()
    ao.empty(4, ao.float32).numpy()
"""


def outcomes(pytester: pytest.Pytester, test: str) -> pytest.RunResult:
    pytester.makepyfile(test_it=PRELUDE + test)
    return pytester.runpytest_inprocess("-p", PLUGIN, "-p", "no:cacheprovider")


def test_a_mistake_fails_the_test_and_says_where(pytester: pytest.Pytester) -> None:
    result = outcomes(pytester, "def test_reads_nothing(ascend_checks):\n    unwritten()\n")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_reads_nothing*",
            "the stand-in's checks found a mistake",
            "[[]uninitialised[]] *",
            "    */test_it.py:5 in unwritten",
            "    */test_it.py:7 in test_reads_nothing",
        ]
    )
    assert "ascend_ops_pytest/" not in result.stdout.str()


def test_a_test_without_a_mistake_passes(pytester: pytest.Pytester) -> None:
    result = outcomes(
        pytester, "def test_writes_first(ascend_checks):\n    ao.zeros(4, ao.float32).numpy()\n"
    )
    result.assert_outcomes(passed=1)


def test_a_mistake_may_be_made_on_purpose(pytester: pytest.Pytester) -> None:
    test = "def test_takes(ascend_checks):\n    unwritten()\n    (report,) = ascend_checks.take()\n"
    outcomes(pytester, test).assert_outcomes(passed=1)


@pytest.mark.mistakes("uninitialised")
def test_other_tests_are_left_alone(pytester: pytest.Pytester) -> None:
    outcomes(pytester, "def test_without():\n    unwritten()\n").assert_outcomes(passed=1)


def test_a_failing_test_shows_both(pytester: pytest.Pytester) -> None:
    result = outcomes(pytester, "def test_fails(ascend_checks):\n    unwritten()\n    assert 1 == 2\n")
    result.assert_outcomes(failed=1, errors=1)


def test_the_example_of_the_readme_fails_as_it_says(pytester: pytest.Pytester) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (code,) = [
        block
        for block in re.findall(r"^```python\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)
        if "ascend_checks" in block
    ]
    pytester.makepyfile(test_streams=code)
    result = pytester.runpytest_inprocess("-p", PLUGIN, "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, errors=1)
    told = re.search(r"^```\n(\[races\].*?)\n  \.\.\.$", readme, re.DOTALL | re.MULTILINE)
    assert told is not None
    shown = re.sub(rf"{pytester.path}/|0x\w+|stream \d+", "", result.stdout.str())
    assert re.sub(r"0x\w+|stream \d+", "", told[1]) in shown
