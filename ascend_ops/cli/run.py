"""`run`: one process per rank on this machine, for programs that call `ascend_ops.distributed.init`."""

from __future__ import annotations

import argparse
import importlib.util
import os
import socket
import sys
from pathlib import Path
from typing import Any

from ascend_ops._cann import homes
from ascend_ops._cann.errors import AscendError
from ascend_ops.runtime import Device

_VISIBLE = "ASCEND_RT_VISIBLE_DEVICES"


def add_to(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        "run",
        help="start a script once per device, as ranks of one job",
        description="Starts a script in N processes with RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, "
        "MASTER_ADDR and MASTER_PORT set, as ascend_ops.distributed.init() and others read them. The first "
        "rank that fails ends the others. Exit code: 0, or that of this rank (128 + n for signal n).",
        usage="%(prog)s [-h] [-n N] [--devices LIST] [--prefix | --no-prefix] [-m] SCRIPT ...",
    )
    parser.add_argument("-n", type=int, metavar="N", help="number of ranks (default: one per device)")
    parser.add_argument(
        "--devices",
        metavar="LIST",
        help="devices to use, ascending, for instance 0,2,3; rank i gets the i-th (default: 0 to N-1)",
    )
    parser.add_argument(
        "--prefix",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="put the rank in front of every line of output, and keep lines whole",
    )
    parser.add_argument("-m", dest="module", action="store_true", help="SCRIPT is the name of a module")
    parser.add_argument(  # in one, because argparse takes a "--" behind an argument of its own for itself
        "command",
        nargs=argparse.REMAINDER,
        metavar="SCRIPT ...",
        help="a Python file, or a module with -m, and its arguments",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ascend_ops.cli.run_ranks import Job  # signals and processes; not for the other commands

    try:
        visible = _visible(options.devices)
        ranks = _ranks(options.n, visible)
        script = _script(options.command, options.module)
    except ValueError as error:
        return _refused(error, 2)
    except AscendError as error:
        return _refused(error, 1)
    command = [sys.executable, *(["-m"] if options.module else []), *script]
    base = {**os.environ, **_shared_home()}
    return Job(options.prefix).run(command, environments(base, ranks, visible, _free_port()))


def _script(command: list[str], is_module: bool) -> list[str]:
    """The script, which must be there, and its arguments."""
    name, *arguments = (command[1:] if command[:1] == ["--"] else command) or [""]
    if not name:
        raise ValueError("SCRIPT is missing; give a Python file, or -m and a module")
    if is_module and not _is_module(name):
        raise ValueError(f"there is no module {name!r}; Python looks for it in {', '.join(sys.path)}")
    if not is_module and not Path(name).is_file():
        raise ValueError(f"there is no file {name!r}; give a Python file, or -m and a module")
    return [name, *arguments]


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):  # a package that is not there; a name that is none
        return False


def environments(
    base: dict[str, str], ranks: int, visible: list[str] | None, port: int
) -> list[dict[str, str]]:
    """The variables of each rank. What another launcher has set for this process does not hold for them."""
    common = {name: value for name, value in base.items() if not name.startswith("TORCHELASTIC_")}
    common |= {"WORLD_SIZE": str(ranks), "LOCAL_WORLD_SIZE": str(ranks)}
    common |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    common.setdefault("PYTHONUNBUFFERED", "1")
    if visible is not None:
        common[_VISIBLE] = ",".join(visible)
    return [{**common, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(ranks)]


def _visible(text: str | None) -> list[str] | None:
    """The value of ASCEND_RT_VISIBLE_DEVICES that leaves the chosen devices, None for all."""
    if text is None:
        return None
    try:
        chosen = [int(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(
            f"--devices is {text!r}; give numbers with commas between, for instance 0,1"
        ) from None
    count = Device.count()
    if chosen != sorted(set(chosen)) or not 0 <= chosen[0] <= chosen[-1] < count:
        raise ValueError(
            f"--devices is {text}; give device numbers from 0 to {count - 1}, in ascending order, none twice"
        )
    known = os.environ.get(_VISIBLE)
    names = known.split(",") if known else [str(i) for i in range(count)]
    return [names[i].strip() for i in chosen]


def _ranks(asked: int | None, visible: list[str] | None) -> int:
    count = Device.count() if visible is None else len(visible)
    if asked is None:
        return count
    if not 0 < asked <= count:
        raise ValueError(
            f"-n is {asked}; every rank needs a device of its own and there are {count}: give 1 to {count}"
        )
    return asked


def _shared_home() -> dict[str, str]:
    """Lets the launcher's line about the stand-in, where there was no choice, be the only one."""
    return {homes.SETTING: "stub"} if homes.find_home().origin == "stand-in" else {}


def _free_port() -> int:
    """A port that is free now. Should somebody take it before rank 0 does, the ranks meet at the next."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _refused(error: Exception, code: int) -> int:
    print(f"ascend_ops run: {error}", file=sys.stderr)
    return code
