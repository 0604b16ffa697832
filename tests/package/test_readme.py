"""What the README promises: its commands are one line each, its Python runs, its variables exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def test_the_first_two_shell_blocks_are_one_command_line_each() -> None:
    first, second = (block.splitlines() for block in blocks("sh")[:2])
    assert len(first) == len(second) == 1
    assert "examples/" in first[0]
    assert "pytest" in second[0]


def test_the_python_of_the_readme_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", blocks("python")[0]], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "[" in done.stdout


def test_the_python_for_several_cards_runs_under_the_launcher(tmp_path: Path) -> None:
    script = tmp_path / "several.py"
    script.write_text(blocks("python")[1], encoding="utf-8")
    launcher = [sys.executable, "-m", "ascend_ops", "run", "-n", "2", str(script)]
    done = subprocess.run(launcher, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == [
        f"[{rank}] rank {rank} of 2 on Device({rank}): [1.]" for rank in (0, 1)
    ]


def test_the_kernel_in_python_is_accepted() -> None:
    code = "import ascend_ops as ao\n" + blocks("python")[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_variable_of_the_stand_in_is_documented_and_read() -> None:
    sources = [*ROOT.glob("native_stubs/src/**/*.c"), *ROOT.glob("ascend_ops/**/*.py")]
    read = {
        name
        for path in sources
        for name in re.findall(r"\"(ASCEND_STUB_\w+)\"", path.read_text(encoding="utf-8"))
    }
    assert read == set(re.findall(r"`(ASCEND_STUB_\w+)`", README))


def test_the_top_level_holds_only_what_the_design_allows() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = {line.split("/")[0] for line in listed.stdout.splitlines()} or set(os.listdir(ROOT))
    folders = {"ascend_ops", "native_stubs", "tests", "examples"}
    files = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"}
    generated = {"build", "dist"}
    assert {name for name in names if not name.startswith(".")} - folders - files - generated == set()
