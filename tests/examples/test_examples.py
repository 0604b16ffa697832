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


def run(script: str, *arguments: object, status: int = 0, launcher: tuple[str, ...] = ()) -> tuple[str, str]:
    """(stdout, stderr without the note about the stand-in)."""
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, *launcher, str(EXAMPLES / script), *map(str, arguments)],
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


def means(output: str) -> list[float]:
    return [float(value) for value in re.findall(r"^mean result\[\d+\] is: (\S+)$", output, re.MULTILINE)]


def test_nsa_compress_prints_the_official_samples_results() -> None:
    output, errors = run("nsa_compress.py")
    assert errors == ""
    assert output.splitlines()[:2] == ["mean result[0] is: 32.000000", "mean result[1] is: 32.000000"]
    assert means(output) == [32.0] * 256
    assert "result float16 [2, 4, 32]" in output


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_nsa_compress_works_on_arrays_of_the_users(tmp_path: Path, dtype: type) -> None:
    # The page's second example: 30 and 78, the last three tokens in no window.
    tokens = np.broadcast_to(np.arange(35).reshape(35, 1, 1), (35, 2, 16)).astype(dtype)
    weight = np.zeros((16, 2), dtype)
    weight[0], weight[15] = 1, 2
    for name, array in {"x.npy": tokens, "w.npy": weight, "y.npy": np.zeros(1)}.items():
        np.save(tmp_path / name, array)
    arguments = (
        "--input",
        tmp_path / "x.npy",
        "--weight",
        tmp_path / "w.npy",
        "--output",
        tmp_path / "y.npy",
    )
    output, _ = run("nsa_compress.py", *arguments)
    assert means(output) == [30.0] * 32 + [78.0] * 32
    assert (np.load(tmp_path / "y.npy") == [[[30]], [[78]]]).all()


ROPE = "dequant_rope_quant_kvcache.py"


def test_dequant_rope_quant_kvcache_prints_the_official_samples_results() -> None:
    output, errors = run(ROPE)
    assert errors == ""
    lines = output.splitlines()
    assert lines[0] == "mean result[0] is: 2"
    assert set(means(output)) == {2, 5}
    for name, value in (("k_cache", 2), ("v_cache", 5)):
        assert f"{name} row 1280: {[value] * 4} .. {[value] * 4}" in lines
        assert f"{name} [320, 1280, 1, 128]: 320 rows written, others kept" in lines
    # 6 * -2**-24 + 6 * 2**-24 in the first half of a head, 12 * 2**-24 in the second.
    assert lines[-3:] == [
        "q float16 [320, 1, 8, 128]: 0 .. 7.15256e-07",
        "k float16 [320, 1, 1, 128]: 0 .. 7.15256e-07",
        "v float16 [320, 1, 1, 128]: 6 .. 6",
    ]


def test_dequant_rope_quant_kvcache_writes_the_pages_it_is_told_to() -> None:
    output, _ = run(ROPE, "--page", 7, -1, 3, "--cos", 1, "--sin", 0.5, "--no-offsets", "--dtype", "bfloat16")
    # k is 6 * 1 - 6 * 0.5, then 6 * 1 + 6 * 0.5, and v 6; halved: 1.5, 4.5 (to even) and 3.
    for row in (3, 7):
        assert f"k_cache row {row}: [2, 2, 2, 2] .. [4, 4, 4, 4]" in output
        assert f"v_cache row {row}: [3, 3, 3, 3] .. [3, 3, 3, 3]" in output
    assert output.count("2 rows written, others kept") == 2
    assert "k bfloat16 [3, 1, 1, 128]: 3 .. 9" in output


@pytest.mark.stand_in(reason="an NPU does not check indices")
def test_dequant_rope_quant_kvcache_ends_with_one_message_for_a_page_that_is_not_there() -> None:
    _, errors = run(ROPE, "--page", 5000, status=1)
    assert errors.startswith(f"{ROPE}: ")
    assert "507015" in errors.splitlines()[0]
    assert "indices[0] is 5000" in errors


TWO_RANKS = ("-m", "ascend_ops", "run", "-n", "2")


@pytest.mark.parametrize("form", ["ND", "FRACTAL_NZ"])
def test_quant_matmul_all_reduce_v2_gives_132_on_each_of_two_threads(form: str) -> None:
    output, errors = run("quant_matmul_all_reduce_v2.py", "--format", form)
    assert errors == ""
    assert output.splitlines() == [f"rank {i} of 2: output float16 [32, 128], all 132" for i in range(2)]


def test_quant_matmul_all_reduce_v2_gives_132_on_each_of_two_processes() -> None:
    output, errors = run("quant_matmul_all_reduce_v2.py", launcher=TWO_RANKS)
    assert errors == ""
    for i in range(2):
        assert f"rank {i} of 2: output float16 [32, 128], all 132" in output


def test_quant_matmul_all_reduce_v2_gives_the_520_of_the_samples_up_to_8_5() -> None:
    output, _ = run("quant_matmul_all_reduce_v2.py", "--ranks", 8, "--x3", 2.0**-24)
    assert output.splitlines() == [f"rank {i} of 8: output float16 [32, 128], all 520" for i in range(8)]


@pytest.mark.parametrize(("ranks", "says"), [(3, "561002"), (0, "0 ranks were asked for")])
def test_quant_matmul_all_reduce_v2_says_which_numbers_of_ranks_there_are(ranks: int, says: str) -> None:
    _, errors = run("quant_matmul_all_reduce_v2.py", "--ranks", ranks, status=1)
    assert says in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("script", "array", "says"),
    [
        ("dynamic_quant_v2.py", np.zeros(3), "161002"),
        ("dynamic_quant_v2.py", np.array(["a"]), "could not convert string"),
        ("ascend_anti_quant.py", np.zeros((2, 2), np.float32), "161002"),
        ("ascend_anti_quant.py", None, "No such file"),
        ("nsa_compress.py", np.zeros(3), "x: float16 [3]"),
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
