"""`doctor`: which CANN is used and why, what it offers, what is missing and what to do about it."""

from __future__ import annotations

import argparse
import json
from typing import Any

from ascend_ops.cli.doctor_operators import operator_sections
from ascend_ops.cli.report import Report, examine


def add_to(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        "doctor",
        help="which CANN is used and why, devices, memory, and what is missing",
        description="Looks at the CANN in use here. Exit code 0 when operators can run, 1 when not.",
    )
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="name the operators behind the numbers, and show prototypes",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    report = examine()
    print(json.dumps(report.as_dict(), indent=2) if options.json else as_text(report, options.verbose))
    return 0 if report.ok else 1


def as_text(report: Report, verbose: bool = False) -> str:
    sections = [
        _home(report),
        _steps(report),
        _libraries(report),
        *operator_sections(report.operators, verbose),
        _devices(report),
        _problems(report),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines)


def _home(report: Report) -> list[str]:
    if report.root is None:
        return ["Home      none can be used"]
    kind = "CPU stand-in" if report.stand_in else "CANN"
    return [
        f"Home      {report.root} ({kind})",
        f"Chosen    {report.origin}",
        f"Version   {report.cann_version or 'unknown'}",
        f"Product   {report.soc_name or 'unknown'}",
        *(f"Custom    {package}" for package in report.custom_packages),
    ]


def _steps(report: Report) -> list[str]:
    lines = [f"  {'*' if step.taken else '-'} {step.name}: {step.reason}" for step in report.steps]
    return ["Where it was looked for", *lines] if lines else []


def _libraries(report: Report) -> list[str]:
    lines = [
        f"  {entry.family:<9} {entry.path}{'' if entry.loads else ' (does not load)'}"
        for entry in report.libraries
    ]
    return ["Libraries", *lines] if lines else []


def _devices(report: Report) -> list[str]:
    lines = [f"  {d.id}: {_gib(d.free)} free of {_gib(d.total)}" for d in report.devices]
    return ["Devices", *lines] if lines else []


def _problems(report: Report) -> list[str]:
    if report.ok and not report.problems:
        return ["Operators can run here."]
    title = "Operators can run here, but:" if report.ok else "Operators cannot run here:"
    return [title, *(f"  - {problem.replace(chr(10), chr(10) + '    ')}" for problem in report.problems)]


def _gib(nbytes: int) -> str:
    return f"{nbytes / 2**30:.1f} GiB"
