"""The porting guide: its Python runs, the names in it exist, and every script has its row."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import reduce
from pathlib import Path

import pytest

import ascend_ops as ao

EXAMPLES = Path(__file__).parents[2] / "examples"
GUIDE = (EXAMPLES / "README.md").read_text(encoding="utf-8")
FOUND = set(re.findall(r"\bao\.([A-Za-z_]\w*(?:\.\w+)*)", GUIDE))
NAMES = sorted(name.replace("ops.xxx", "ops.abs") for name in FOUND)  # any operator
IN_C = [name for name in NAMES if name.startswith("acl.") and "Xxx" not in name]
IN_PYTHON = [name for name in NAMES if not name.startswith("acl.")]


def test_the_python_of_the_guide_runs_from_top_to_bottom() -> None:
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE))
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": path},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[0] == "[15360 16384 16896 17408 17664 17920 18176 18432]"
    assert done.stdout.split("\n")[1] == "[1. 2. 3. 4. 5. 6. 7. 8.]"


@pytest.mark.parametrize("name", IN_PYTHON)
def test_a_name_of_the_guide_exists(name: str) -> None:
    reduce(getattr, name.split("."), ao)


@pytest.mark.parametrize("name", IN_C)
def test_a_c_function_of_the_guide_is_there(name: str) -> None:
    assert callable(getattr(ao.acl, name.removeprefix("acl.")))


def test_every_script_has_its_row() -> None:
    rows = re.findall(r"^\| `(\w+\.py)` \| (?:aclnn\w+|a model) \|", GUIDE, re.MULTILINE)
    assert sorted(rows) == sorted(path.name for path in EXAMPLES.glob("*.py"))
