"""`python -m ascend_ops run`: its arguments, and the variables that it sets."""

from __future__ import annotations

from pathlib import Path

import pytest

from ascend_ops._cann.errors import HomeError
from ascend_ops.cli import main, run


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("-n", "4"), "-n is 4; every rank needs a device of its own and there are 3: give 1 to 3"),
        (("-n", "0"), "-n is 0"),
        (("-n", "3", "--devices", "0,2"), "-n is 3; every rank needs a device of its own and there are 2"),
        (("--devices", "0,3"), "--devices is 0,3; give device numbers from 0 to 2, in ascending order"),
        (("--devices", "1,0"), "--devices is 1,0; give"),
        (("--devices", "1,1"), "--devices is 1,1; give"),
        (("--devices", "a"), "--devices is 'a'; give numbers with commas between"),
        (("/no/such/file.py",), "there is no file '/no/such/file.py'"),
        (("-m", "nomod.x"), "there is no module 'nomod.x'"),
        (("-m", ".x"), "there is no module '.x'"),
    ],
)
def test_wrong_usage_is_code_2_with_the_reason(
    options: tuple[str, ...],
    text: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(run.Device, "count", lambda: 3)
    assert main(["run", *options, __file__]) == 2
    assert text in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [(), ("-n", "1"), ("--",)])
def test_a_script_must_be_given(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run.Device, "count", lambda: 3)
    assert main(["run", *arguments]) == 2
    assert "SCRIPT is missing" in capsys.readouterr().err


@pytest.mark.parametrize("before", [[], ["--"]])
def test_a_scripts_arguments_stay_as_they_are(
    before: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    monkeypatch.setattr(run.Device, "count", lambda: 3)
    script = tmp_path / "script.py"
    script.write_text("import sys; print(sys.argv[1:])")
    assert main(["run", "-n", "1", *before, str(script), "--", "a", "-n", "--"]) == 0
    assert capfdbinary.readouterr().out == b"[0] ['--', 'a', '-n', '--']\n"


def test_a_cann_that_cannot_be_used_is_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def count() -> int:
        raise HomeError("no CANN here")

    monkeypatch.setattr(run.Device, "count", count)
    assert main(["run", "-n", "1", __file__]) == 1
    assert capsys.readouterr().err == "ascend_ops run: no CANN here\n"


def test_a_module_can_be_run(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(run.Device, "count", lambda: 1)
    assert main(["run", "-m", "this"]) == 0
    assert b"[0] The Zen of Python" in capfdbinary.readouterr().out


def test_environments_leave_out_what_another_launcher_said() -> None:
    base = {"TORCHELASTIC_RUN_ID": "x", "RANK": "7", "PYTHONUNBUFFERED": "", "OTHER": "kept"}
    first, second = run.environments(base, 2, ["4", "6"], 1234)
    assert second == first | {"RANK": "1", "LOCAL_RANK": "1"}
    assert first == {
        "RANK": "0",
        "LOCAL_RANK": "0",
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": "1234",
        "PYTHONUNBUFFERED": "",
        "ASCEND_RT_VISIBLE_DEVICES": "4,6",
        "OTHER": "kept",
    }
