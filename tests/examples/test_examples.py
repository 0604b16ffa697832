"""The examples run as a user runs them, and print what the operators' pages give for the official samples."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import reference as ref

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(script: str, *arguments: object, status: int = 0) -> tuple[str, str]:
    """(stdout, stderr without the note about the stand-in)."""
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / script), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": path},
        check=False,
    )
    assert done.returncode == status, done.stderr
    return done.stdout, "\n".join(line for line in done.stderr.splitlines() if "stand-in" not in line)


def results(output: str) -> list[int]:
    return [int(value) for value in re.findall(r"^result\[\d+\] is: (-?\d+)", output, re.MULTILINE)]


def columns(output: str, name: str) -> list[float]:
    return [float(value) for value in re.findall(rf"^row .*\b{name} (\S+?),?(?: |$)", output, re.MULTILINE)]


def test_dynamic_quant_v2_prints_the_official_samples_results() -> None:
    output, errors = run("dynamic_quant_v2.py")
    assert errors == ""
    assert results(output) == [-128, 127] * 4
    assert "y int8 [4, 2], scale float32 [4], offset float32 [4]" in output
    np.testing.assert_allclose(
        columns(output, "scale"), [0.003921569, 0.011764706, 0.02745098, 0.03529412], rtol=4e-7
    )
    np.testing.assert_allclose(columns(output, "offset"), [-127.999985, -128, -419.4286, -468], rtol=4e-7)


def test_dynamic_quant_v2_symmetric_prints_the_pages_second_example() -> None:
    output, _ = run("dynamic_quant_v2.py", "--symmetric")
    assert results(output) == [0, 127, 0, 127, 68, 127, 73, 127]
    np.testing.assert_allclose(columns(output, "scale"), np.array([1, 3, 15, 21]) / 127, rtol=4e-7)
    assert "offset" not in output


@pytest.mark.parametrize("dst", ["int8", "int4", "int32"])
def test_dynamic_quant_v2_works_on_an_array_of_the_users(tmp_path: Path, dst: str) -> None:
    x = (np.random.default_rng(5).standard_normal((3, 5, 16)) * 4).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    arguments = ("--input", tmp_path / "x.npy", "--dst-type", dst, "--output", tmp_path / "q.npz")
    output, _ = run("dynamic_quant_v2.py", *arguments)
    kind = "int8" if dst == "int8" else "int4"
    y, scale, offset, before = ref.dynamic_quant_v2(x.astype(np.float16), dst=kind, symmetric=False)
    with np.load(tmp_path / "q.npz") as saved:
        got = ref.unpack_int4(saved["y"]).reshape(x.shape) if dst == "int32" else saved["y"]
        assert (np.abs(got.astype(int) - y) <= ref.near_tie(before)).all()
        np.testing.assert_allclose(saved["scale"], scale, rtol=4e-7)
        assert offset is not None
        np.testing.assert_allclose(saved["offset"], offset, rtol=4e-7, atol=4e-7 * 127)
        assert results(output) == saved["y"].reshape(-1)[:64].tolist()


def test_dynamic_quant_v2_reads_a_saved_bfloat16_array(tmp_path: Path) -> None:
    x = np.array([[127, 1], [2, -127]], ml_dtypes.bfloat16)
    np.save(tmp_path / "x.npy", x)
    output, _ = run("dynamic_quant_v2.py", "--input", tmp_path / "x.npy", "--symmetric")
    assert results(output) == [127, 1, 2, -127]


def test_ascend_anti_quant_prints_the_official_samples_results() -> None:
    output, errors = run("ascend_anti_quant.py")
    assert errors == ""
    assert results(output) == [15360, 16384, 16896, 17408, 17664, 17920, 18176, 18432]
    assert re.findall(r"\((\S+)\)", output) == ["1", "2", "3", "4", "5", "6", "7", "8"]


def test_ascend_anti_quant_in_sqrt_mode_prints_the_pages_third_example() -> None:
    output, _ = run("ascend_anti_quant.py", "--scale", 2, "--offset", 3, "--sqrt-mode")
    assert re.findall(r"\((\S+)\)", output) == ["12", "16", "20", "24", "28", "32", "36", "40"]


def test_ascend_anti_quant_works_on_an_array_of_the_users(tmp_path: Path) -> None:
    np.save(tmp_path / "q.npy", np.array(0x12345678, np.int32))
    arguments = ("--input", tmp_path / "q.npy", "--scale", 0.25, "--output", tmp_path / "y.npy")
    run("ascend_anti_quant.py", *arguments)
    assert np.load(tmp_path / "y.npy").tolist() == [-2, 1.75, 1.5, 1.25, 1, 0.75, 0.5, 0.25]


@pytest.mark.parametrize(
    ("script", "array", "says"),
    [
        ("dynamic_quant_v2.py", np.zeros(3), "161002"),
        ("dynamic_quant_v2.py", np.array(["a"]), "could not convert string"),
        ("ascend_anti_quant.py", np.zeros((2, 2), np.float32), "161002"),
        ("ascend_anti_quant.py", None, "No such file"),
    ],
)
def test_a_bad_input_ends_with_one_message_and_no_traceback(
    tmp_path: Path, script: str, array: ref.Array | None, says: str
) -> None:
    if array is not None:
        np.save(tmp_path / "x.npy", array)
    _, errors = run(script, "--input", tmp_path / "x.npy", status=1)
    assert errors.startswith(f"{script}: ")
    assert says in errors
    assert "Traceback" not in errors
