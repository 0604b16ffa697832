"""What `doctor` prints about operators."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ascend_ops.cli.report_operators import Catalogue, OperatorReport


def operator_sections(report: OperatorReport, verbose: bool) -> list[list[str]]:
    """One list of lines per section; an empty one has nothing to tell."""
    return [
        list(_counts(report, verbose)),
        list(_collisions(report.collisions, verbose)),
        [] if report.catalogue is None else list(_catalogue(report.catalogue, verbose)),
    ]


def _counts(report: OperatorReport, verbose: bool) -> Iterator[str]:
    if not report.declared and not report.exported:
        return
    yield "Operators"
    yield f"  declared  {report.declared} (headers of the home and of custom packages)"
    yield f"  exported  {report.exported}"
    yield from (f"    {count:>6} by {library}" for library, count in report.provided_by.items())
    yield from _names("declared, but not exported:", report.not_exported, verbose)
    yield from _names("exported, but not declared:", report.not_declared, verbose)


def _names(title: str, names: Sequence[str], verbose: bool) -> Iterator[str]:
    if names:
        yield f"  {title} {len(names)}"
        yield from (f"    {name}" for name in names if verbose)


def _collisions(collisions: Sequence[dict[str, Any]], verbose: bool) -> Iterator[str]:
    if not collisions:
        return
    yield "Operators of custom packages in place of others"
    for each in collisions:
        signature = _SIGNATURES[each["same_signature"]]
        yield f"  {each['name']}: {each['taken']}, not {each['hidden']} ({signature})"
        if verbose and not each["same_signature"]:
            yield from _prototypes(each["prototype"], each["hidden_prototype"])


_SIGNATURES = {True: "same signature", False: "another signature", None: "one of them has no header"}


def _prototypes(mine: str | None, other: str | None) -> Iterator[str]:
    yield f"    it is {mine or 'not declared'}"
    yield f"    not   {other or 'declared'}"


def _catalogue(catalogue: Catalogue, verbose: bool) -> Iterator[str]:
    yield "Against the stand-in's catalogue"
    if not (catalogue.changed or catalogue.only_installed or catalogue.only_in_catalogue):
        yield "  no difference"
    yield from _names("only in this home:", catalogue.only_installed, verbose)
    yield from _names("only in the catalogue:", catalogue.only_in_catalogue, verbose)
    if catalogue.changed:
        yield f"  other signature: {len(catalogue.changed)}"
    for change in catalogue.changed if verbose else ():
        yield f"    {change['name']}"
        yield from _prototypes(change["after"]["prototype"], change["before"]["prototype"])
