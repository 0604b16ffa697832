"""What `doctor` finds out. Each look is made even when the one before failed, so that one run tells
everything."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from ascend_ops._cann import libraries, rt
from ascend_ops._cann.custom import custom_packages
from ascend_ops._cann.errors import AscendError, HomeError
from ascend_ops._cann.homes import Home, Step, find_home
from ascend_ops.cli import report_operators
from ascend_ops.cli.report_operators import OperatorReport

_NEEDED = {
    "runtime": "nothing can run",
    "nnopbase": "no operator can run",
    "opapi": "no operator can run",
    "hccl": "collective communication is not available",
}


class LibraryState(NamedTuple):
    family: str
    path: str
    loads: bool


class DeviceState(NamedTuple):
    """Memory in bytes."""

    id: int
    free: int
    total: int


@dataclass
class Report:
    """`ok` says whether operators can run; `problems` are sentences that end in the next step to take."""

    ok: bool = True
    root: str | None = None
    origin: str = ""
    stand_in: bool = False
    cann_version: str | None = None
    soc_name: str = ""
    steps: list[Step] = field(default_factory=list)
    custom_packages: list[str] = field(default_factory=list)
    libraries: list[LibraryState] = field(default_factory=list)
    operators: OperatorReport = field(default_factory=OperatorReport)
    devices: list[DeviceState] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: named tuples become objects."""
        rows = {
            name: [row._asdict() for row in getattr(self, name)] for name in ("steps", "libraries", "devices")
        }
        return {**asdict(self), **rows}

    def fail(self, problem: object) -> None:
        self.ok = False
        self.problems.append(str(problem))


def examine() -> Report:
    """Looks at the home, loads its libraries and asks every device for its memory."""
    report = Report()
    try:
        home = find_home()
    except HomeError as error:
        report.steps = [Step(*step) for step in error.steps]
        report.fail(error)
        return report
    _examine_home(report, home)
    _examine_libraries(report, home)
    _examine_operators(report, home)
    if report.ok:
        _examine_devices(report)
    return report


def _examine_home(report: Report, home: Home) -> None:
    report.root, report.origin, report.stand_in = str(home.root), home.origin, home.stand_in
    report.steps = list(home.steps)
    report.custom_packages = [f"{package.root} (from {package.origin})" for package in custom_packages(home)]
    if not home.operator_headers:
        report.problems.append(
            "This home has no operator headers (include/aclnnop); operators are called as the stand-in's "
            "headers declare them. Install CANN's toolkit package for operators that those do not know."
        )


def _examine_libraries(report: Report, home: Home) -> None:
    custom = {package.library for package in custom_packages(home)}  # passed over where they do not load
    for family, consequence in _NEEDED.items():
        paths = libraries.files(family, home)
        if not paths:
            missing = f"This home has no {family} library: {consequence}. Install the complete CANN toolkit."
            (report.problems.append if family == "hccl" else report.fail)(missing)
        for path in paths:
            try:
                libraries.open_library(path)
            except AscendError as error:
                (report.problems.append if path in custom else report.fail)(str(error))
                report.libraries.append(LibraryState(family, str(path), False))
            else:
                report.libraries.append(LibraryState(family, str(path), True))


def _examine_operators(report: Report, home: Home) -> None:
    try:
        report.operators = report_operators.examine_operators(home)
    except AscendError as error:
        report.problems.append(f"The operators cannot be listed: {error}")
    else:
        report.problems += report_operators.problems(report.operators)


def _examine_devices(report: Report) -> None:
    try:
        report.cann_version = rt.cann_version()
        report.soc_name = rt.soc_name()
        count = rt.device_count()
    except AscendError as error:
        report.fail(error)
        return
    if count == 0:
        report.fail("No device is visible. Check `npu-smi info` and ASCEND_RT_VISIBLE_DEVICES.")
    for device in range(count):
        try:
            report.devices.append(_device(device))
        except AscendError as error:
            report.fail(f"Device {device}: {error}")


def _device(device: int) -> DeviceState:
    rt.set_device(device)
    try:
        return DeviceState(device, *rt.mem_info())
    finally:
        rt.reset_device(device)
