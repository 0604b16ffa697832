"""What `doctor` finds out about operators: numbers, collisions, differences from the stand-in's catalogue."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from ascend_ops._cann import inventory, libraries
from ascend_ops._cann.collisions import Collision, collisions
from ascend_ops._cann.custom import custom_packages
from ascend_ops._cann.errors import HomeError
from ascend_ops._cann.homes import Home, make_home, stub_home
from ascend_ops._cann.inventory import Declared
from ascend_ops.cli.diff import change_as_dict


@dataclass(frozen=True)
class Catalogue:
    """The installed headers against the stand-in's: names in only one, and entries of `diff` for those whose
    signature differs ("before" is the stand-in's)."""

    only_installed: list[str]
    only_in_catalogue: list[str]
    changed: list[dict[str, Any]]


@dataclass(frozen=True)
class OperatorReport:
    """How many operators the headers of the home and its custom packages declare and their libraries export,
    and how many of these each library provides (a call goes to the first that has the operator); the names of
    those with only one of the two; collisions between libraries. `catalogue` is None where the home is the
    stand-in, or one of the two has no headers."""

    declared: int = 0
    exported: int = 0
    provided_by: dict[str, int] = field(default_factory=dict)
    not_exported: list[str] = field(default_factory=list)
    not_declared: list[str] = field(default_factory=list)
    collisions: list[dict[str, Any]] = field(default_factory=list)
    catalogue: Catalogue | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def examine_operators(home: Home) -> OperatorReport:
    """Reads headers and symbol tables; loads nothing. AscendError when a header cannot be read."""
    installed = inventory.declared(home.operator_headers)
    folders = [package.include for package in custom_packages(home)]
    custom = inventory.declared(each for folder in folders for each in (folder, folder / "aclnnop"))
    declared = installed.keys() | custom.keys()
    providers = inventory.providers(libraries.files("opapi", home))
    exported = providers.keys()
    return OperatorReport(
        declared=len(declared),
        exported=len(exported),
        provided_by=dict(Counter(map(str, providers.values())).most_common()),
        not_exported=sorted(declared - exported),
        not_declared=sorted(exported - declared),
        collisions=[_collision(each) for each in collisions(home)],
        catalogue=None if home.stand_in else _catalogue(installed),
    )


def _catalogue(installed: dict[str, Declared]) -> Catalogue | None:
    try:
        known = inventory.declared(make_home(stub_home(), "").operator_headers)
    except HomeError:
        return None
    if not installed or not known:
        return None
    difference = inventory.compare(known, installed)
    return Catalogue(
        list(difference.added),
        list(difference.removed),
        [change_as_dict(each) for each in difference.changed],
    )


def _collision(found: Collision) -> dict[str, Any]:
    return {
        "name": found.name,
        "taken": str(found.taken),
        "hidden": str(found.hidden),
        "same_signature": found.same_signature,
        "prototype": _prototype(found.mine),
        "hidden_prototype": _prototype(found.other),
    }


def _prototype(declared: Declared | None) -> str | None:
    return None if declared is None else str(declared.declaration)


def problems(report: OperatorReport) -> list[str]:
    """What may go wrong, each with the next step to take."""
    return [_collision_problem(each) for each in report.collisions if not each["same_signature"]]


def _collision_problem(collision: dict[str, Any]) -> str:
    name, taken, hidden = collision["name"], collision["taken"], collision["hidden"]
    both = f"{name} is in {taken} and in {hidden}"
    if collision["prototype"] is None:
        return (
            f"{both}; the first is called, but its package has no header for it, so that it gets the "
            "arguments of the second. Put a header into the package's op_api/include, or rename the "
            "operator."
        )
    if collision["hidden_prototype"] is None:
        return f"{both}; the first is called, as its header says. Nothing declares the second."
    return (
        f"{both} with another signature; ascend_ops calls the first as its own header says, but C++ code "
        "that was built with the other header passes wrong arguments. Rename the operator, or build that "
        "code with the package's header."
    )
