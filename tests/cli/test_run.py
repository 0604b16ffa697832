"""`python -m ascend_ops run`: several processes as one, what they print and how they end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ascend_ops._cann import homes
from ascend_ops._cann.errors import HomeError
from ascend_ops.cli import run, run_ranks
from ascend_ops.cli.run_output import Lines
from ascend_ops.cli.run_ranks import Job

Launch = Callable[..., "subprocess.Popen[bytes]"]
Run = Callable[..., tuple[int, bytes, bytes]]


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    """`launch(script, "-n", "2", arguments=[...])` starts the launcher on a script."""
    if os.environ["ASCEND_OPS_HOME"] == "stub":
        try:
            homes.stub_home()
        except HomeError as error:
            pytest.skip(f"no stand-in: {error}")
    started = []

    def start(
        script: str, *options: str, arguments: tuple[str, ...] = (), **variables: str
    ) -> subprocess.Popen[bytes]:
        path = tmp_path / "script.py"
        path.write_text(textwrap.dedent(script))
        process = subprocess.Popen(
            [sys.executable, "-m", "ascend_ops", "run", *options, str(path), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} | variables,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def finish(launch: Launch) -> Run:
    """As `launch`, and waits for (exit status, stdout, stderr)."""

    def end(*script: str, arguments: tuple[str, ...] = (), **variables: str) -> tuple[int, bytes, bytes]:
        process = launch(*script, arguments=arguments, **variables)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    return end


@pytest.fixture
def job(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """As `finish`, with the launcher in this process, which saves its start."""

    def run_here(script: str, ranks: int, prefix: bool = True) -> tuple[int, bytes, bytes]:
        path = tmp_path / "script.py"
        path.write_text(textwrap.dedent(script))
        variables = run.environments(dict(os.environ), ranks, None, 1)
        return Job(prefix).run([sys.executable, "-I", str(path)], variables), *capfdbinary.readouterr()

    return run_here


def of_rank(rank: int, output: bytes) -> list[bytes]:
    """A rank's lines, without the prefix."""
    prefix = b"[%d] " % rank
    return [line.removeprefix(prefix) for line in output.split(b"\n")[:-1] if line.startswith(prefix)]


def test_ranks_get_their_variables_and_arguments_and_lines_get_the_rank(finish: Run) -> None:
    script = """
        import os, sys
        names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
        print(*(os.environ[name] for name in names), *sys.argv[1:], sys.stdin.read())
        print("to stderr", file=sys.stderr)
        os.write(1, b"\\xff\\x00 raw\\rbytes\\n\\nlast")
    """
    arguments = ("-n", "9", "--", "--devices", "x y", "-m")
    code, out, err = finish(script, "-n", "2", arguments=arguments, TORCHELASTIC_USE_AGENT_STORE="True")
    assert code == 0
    ports = set()
    for rank in range(2):
        first, *others = of_rank(rank, out)
        found = re.fullmatch(rb"(\d) \1 2 2 127\.0\.0\.1 (\d+) -n 9 -- --devices x y -m ", first)
        assert found, first
        assert int(found[1]) == rank
        ports.add(found[2])
        assert others == [b"\xff\x00 raw\rbytes", b"", b"last"]
        assert of_rank(rank, err) == [b"to stderr"]
    assert len(ports) == 1


def test_lines_of_several_ranks_stay_whole(job: Run) -> None:
    script = """
        import os
        rank = os.environ["RANK"].encode()
        for _ in range(200):
            os.write(1, rank * 700)
            os.write(1, rank * 800 + b"\\n")
    """
    code, out, _ = job(script, 3)
    assert code == 0
    lines = out.splitlines()
    assert sorted(lines) == sorted(
        b"[%d] " % rank + b"%d" % rank * 1500 for rank in range(3) for _ in range(200)
    )


def test_without_prefix_output_is_passed_through(job: Run) -> None:
    code, out, err = job("import os; os.write(1, b'a' + os.environ['RANK'].encode())", 2, prefix=False)
    assert (code, sorted([out[:2], out[2:]]), err) == (0, [b"a0", b"a1"], b"")


def test_output_comes_while_the_ranks_run(launch: Launch) -> None:
    process = launch("print('now'); import time; time.sleep(60)", "-n", "1")
    assert process.stdout is not None
    started = time.monotonic()
    assert process.stdout.readline() == b"[0] now\n"
    assert time.monotonic() - started < 30
    process.terminate()
    assert process.wait(30) == 128 + signal.SIGTERM


@pytest.mark.parametrize(
    ("failure", "status", "told"),
    [
        ("sys.exit(7)", 7, b"rank 1 failed with exit status 7; ending the others"),
        ("raise KeyError", 1, b"rank 1 failed with exit status 1; ending the others"),
        ("os.kill(os.getpid(), 9)", 137, b"rank 1 was killed by signal 9 (SIGKILL); ending the others"),
    ],
    ids=["exit", "exception", "signal"],
)
def test_the_first_failure_ends_the_others_and_gives_its_status(
    failure: str, status: int, told: bytes, job: Run
) -> None:
    script = f"""
        import os, sys, time
        if os.environ["RANK"] == "1":
            {failure}
        time.sleep(60)
    """
    started = time.monotonic()
    code, _, err = job(script, 3)
    assert err.splitlines()[-1].endswith(told)
    assert (code, told in err) == (status, True)
    assert err.count(b"ascend_ops run: rank") == 1
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_launcher_ends_all_ranks_and_what_they_started(number: int, launch: Launch) -> None:
    script = """
        import os, subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        print(os.getpid(), child.pid)
        time.sleep(60)
    """
    process = launch(script, "-n", "2")
    pids = started_pids(process, 2)
    process.send_signal(number)
    assert process.wait(30) == 128 + number
    assert process.stderr is not None
    assert (
        process.stderr.read().splitlines()[-1]
        == f"ascend_ops run: got {signal.Signals(number).name}; ending all ranks".encode()
    )
    assert all_gone(pids)


def test_ranks_that_do_not_end_are_killed_at_once_when_asked_again(launch: Launch) -> None:
    script = """
        import os, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print(os.getpid())
        time.sleep(60)
    """
    process = launch(script, "-n", "2")
    pids = started_pids(process, 2)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(4) == 143
    assert all_gone(pids)


def test_ranks_that_do_not_end_are_killed_after_a_while(job: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_ranks.PATIENCE == 5
    monkeypatch.setattr(run_ranks, "PATIENCE", 0.5)
    script = """
        import os, signal, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print(os.getpid())
        time.sleep(0.3 if os.environ["RANK"] == "0" else 60)
        sys.exit(4)
    """
    started = time.monotonic()
    code, out, err = job(script, 2)
    assert (code, 0.5 < time.monotonic() - started < 15) == (4, True)
    assert b"rank 1 does not end; killing it" in err
    assert all_gone([int(line.split()[1]) for line in out.splitlines()])


def test_signals_mean_again_what_they_meant_before(job: Run) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)]
    files = len(os.listdir("/proc/self/fd"))
    assert job("", 1)[0] == 0
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)] == before
    assert len(os.listdir("/proc/self/fd")) == files


def test_ranks_die_with_a_launcher_that_is_killed(launch: Launch) -> None:
    process = launch("import os, time; print(os.getpid()); time.sleep(60)", "-n", "2")
    pids = started_pids(process, 2)
    process.kill()
    assert process.wait(30) == -signal.SIGKILL
    assert all_gone(pids)


def started_pids(process: subprocess.Popen[bytes], lines: int) -> list[int]:
    """The process numbers that the ranks print, one line each."""
    assert process.stdout is not None
    return [int(pid) for _ in range(lines) for pid in process.stdout.readline().split()[1:]]


def all_gone(pids: list[int]) -> bool:
    """Whether none of the processes runs any more; gives them a moment."""
    for _ in range(100):
        if not any(running(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


def running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_a_rank_that_ends_while_others_run_on_is_told(job: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_ranks.NOTICE == 5
    monkeypatch.setattr(run_ranks, "NOTICE", 0.3)
    script = "import os, time; time.sleep(0 if os.environ['RANK'] == '1' else 1.5)"
    code, _, err = job(script, 3)
    assert code == 0
    assert err == b"ascend_ops run: rank 1 has ended with status 0; ranks 0, 2 are still running\n"
    assert job("", 2)[2] == b""


@pytest.mark.stand_in(reason="chooses how many devices there are")
def test_the_stand_in_is_announced_once(finish: Run) -> None:
    code, out, err = finish(
        "import ascend_ops as ao; print(ao.Device.count())", "-n", "2", ASCEND_OPS_HOME=""
    )
    assert (code, sorted(out.split(b"\n"))) == (0, [b"", b"[0] 8", b"[1] 8"])
    assert err.count(b"\n") == 1
    assert err.startswith(b"ascend_ops: no CANN found, running on the CPU stand-in")


@pytest.mark.stand_in(reason="chooses how many devices there are")
def test_ranks_compute_together_on_the_devices_that_were_chosen(finish: Run) -> None:
    script = """
        import os
        import numpy as np
        import ascend_ops as ao
        comm = ao.distributed.init()
        print(comm.all_reduce(np.arange(3) + comm.rank).numpy(), comm.device, ao.Device.count())
        print(os.environ["ASCEND_RT_VISIBLE_DEVICES"])
    """
    code, out, err = finish(
        script, "--devices", "0,2", ASCEND_STUB_DEVICES="6", ASCEND_RT_VISIBLE_DEVICES="1,3,5"
    )
    assert code == 0, err
    for rank in range(2):
        assert of_rank(rank, out) == [b"[1 3 5] Device(%d) 2" % rank, b"1,5"]


@pytest.mark.stand_in(reason="a device notices after half an hour")
def test_a_rank_that_fails_in_a_collective_ends_a_run_within_seconds(finish: Run) -> None:
    script = """
        import os
        import numpy as np
        import ascend_ops as ao
        comm = ao.distributed.init()
        if comm.rank == 1:
            os._exit(5)
        comm.all_reduce(np.arange(3)).numpy()
    """
    started = time.monotonic()
    code, _, err = finish(script, "-n", "2")
    assert code in (5, 1)  # whichever is seen first
    assert b"ascend_ops run: rank" in err
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    "pieces", [[b"a\nb", b"c\n", b"d"], [b"\n\n"], [b"x" * 70000, b"y\n"], [b""], [b"a\r\nb\xff\n"]]
)
def test_lines_are_the_same_however_they_arrive(pieces: list[bytes]) -> None:
    source, writer = os.pipe()
    with tempfile.TemporaryFile() as target:
        lines = Lines(source, target.fileno(), b"> ")
        for piece in pieces:
            for start in range(0, len(piece), 30000):
                os.write(writer, piece[start : start + 30000])
                assert lines.pump()
        os.close(writer)
        lines.finish()
        target.seek(0)
        got = target.read()
    whole = b"".join(pieces)
    assert got == b"".join(b"> " + line + b"\n" for line in whole.removesuffix(b"\n").split(b"\n") if whole)
