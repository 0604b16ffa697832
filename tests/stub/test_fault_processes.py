"""Faults in processes of their own: at the first use of the device, and in one rank of a job."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cann.fakehome import run_python
from distributed.conftest import shared_memory  # noqa: F401 - a fixture

pytestmark = pytest.mark.stand_in(reason="faults on demand exist on the stand-in only")


def test_the_first_use_may_fail_at_every_step_and_is_repeated() -> None:
    done = run_python(
        """
import numpy as np, ascend_ops as ao
for function in ("aclInit", "aclrtGetDevice", "aclrtSetDevice", "aclrtGetCurrentContext"):
    with ao.stub.fault(function, count=1) as fault:
        try:
            ao.asarray(np.ones(4, np.float32))
        except ao.AclError as error:
            print(error.function, fault.rule in str(error))
print(ao.asarray(np.ones(4, np.float32)).numpy())
"""
    )
    assert done.stdout.splitlines() == [
        "aclInit True",
        "aclrtGetDevice True",
        "aclrtSetDevice True",
        "aclrtGetCurrentContext True",
        "[1. 1. 1. 1.]",
    ]
    assert done.returncode == 0, done.stderr


RANK = """
import numpy as np, ascend_ops as ao
with ao.distributed.init() as comm:
    for _ in range(2):
        print(comm.all_reduce(np.ones(1000, np.float32)).numpy()[0], flush=True)
"""


@pytest.mark.usefixtures("shared_memory")
def test_a_rank_that_dies_ends_the_job_and_the_next_one_runs(tmp_path: Path) -> None:
    script = tmp_path / "rank.py"
    script.write_text(RANK, encoding="utf-8")
    died = job(script, ASCEND_STUB_FAULT="HcclAllReduce:die,rank=1,from=2")
    assert died.returncode == 137
    assert sorted(died.stdout.splitlines()) == ["[0] 2.0", "[1] 2.0"]
    assert "rank 1 was killed by signal 9 (SIGKILL); ending the others" in died.stderr
    again = job(script)
    assert again.returncode == 0, again.stderr
    assert sorted(again.stdout.splitlines()) == ["[0] 2.0"] * 2 + ["[1] 2.0"] * 2


def job(script: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ascend_ops", "run", "-n", "2", str(script)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
