"""`diff`: what two CANN versions offer, from their headers alone."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ascend_ops._cann import inventory
from ascend_ops._cann.errors import AscendError, HomeError
from ascend_ops._cann.homes import make_home, stub_home
from ascend_ops._cann.inventory import Change, Comparison, Declared


def add_to(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        "diff",
        help="operators that two CANN versions have added, removed or changed",
        description="Compares the operators that the headers of two homes declare. Loads no library. Exit "
        "code 0 when they are the same, 1 when they differ, 2 when they cannot be compared.",
    )
    parser.add_argument(
        "before", metavar="HOME_A", help="a CANN directory, or the word stub for the stand-in"
    )
    parser.add_argument("after", metavar="HOME_B", help="likewise")
    parser.add_argument("pattern", nargs="?", help="a glob, or a part of the operators' names")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    parser.set_defaults(run=run)


class Side(NamedTuple):
    root: Path
    operators: dict[str, Declared]


def run(options: argparse.Namespace) -> int:
    try:
        before, after = _side(options.before), _side(options.after)
        before, after = _narrowed(before, after, options.pattern)
    except AscendError as error:
        print(f"ascend_ops diff: {error}", file=sys.stderr)
        return 2
    difference = inventory.compare(before.operators, after.operators)
    if options.json:
        print(json.dumps(as_dict(before, after, difference), indent=2))
    else:
        print("\n".join(_lines(before, after, difference)))
    return 1 if difference.added or difference.removed or difference.changed else 0


def _side(text: str) -> Side:
    root = stub_home() if text == "stub" else Path(text).expanduser()
    if not root.is_dir():
        raise HomeError(f"{text!r} is not a directory; give one that holds CANN's include/, or the word stub")
    operators = inventory.declared(make_home(root, "").operator_headers)
    if not operators:
        raise HomeError(
            f"{root} has no operator headers (include/aclnnop); install CANN's toolkit package there"
        )
    return Side(root, operators)


def _narrowed(before: Side, after: Side, pattern: str | None) -> tuple[Side, Side]:
    if pattern is None:
        return before, after
    from ascend_ops.cli.patterns import selected

    wanted = selected(before.operators.keys() | after.operators.keys(), pattern)
    if not wanted:
        raise AscendError(f"no operator of either home fits {pattern!r}; `ops PATTERN` lists those of one")
    narrow = [
        Side(root, {name: all_[name] for name in wanted if name in all_}) for root, all_ in (before, after)
    ]
    return narrow[0], narrow[1]


def _lines(before: Side, after: Side, difference: Comparison) -> Iterator[str]:
    yield f"--- {before.root}: {len(before.operators)} operators"
    yield f"+++ {after.root}: {len(after.operators)} operators"
    lines = [(name, [f"+ {name}"]) for name in difference.added]
    lines += [(name, [f"- {name}"]) for name in difference.removed]
    lines += [(change.name, changed_lines(change)) for change in difference.changed]
    for _, each in sorted(lines):
        yield from each
    added, removed, changed = map(len, (difference.added, difference.removed, difference.changed))
    yield f"{added} added, {removed} removed, {changed} changed, {difference.same} the same"


def changed_lines(change: Change) -> list[str]:
    """An operator with two declarations, both shown."""
    what = "other types" if change.types else "other names or const only"
    return [
        f"~ {change.name}: {what}",
        f"    - {change.before.declaration}",
        f"    + {change.after.declaration}",
    ]


def as_dict(before: Side, after: Side, difference: Comparison) -> dict[str, Any]:
    """For JSON."""
    return {
        "before": {"root": str(before.root), "operators": len(before.operators)},
        "after": {"root": str(after.root), "operators": len(after.operators)},
        "added": [_entry(name, after.operators[name]) for name in difference.added],
        "removed": [_entry(name, before.operators[name]) for name in difference.removed],
        "changed": [change_as_dict(change) for change in difference.changed],
        "same": difference.same,
    }


def change_as_dict(change: Change) -> dict[str, Any]:
    """For JSON."""
    sides = {"before": _entry(change.name, change.before), "after": _entry(change.name, change.after)}
    return {"name": change.name, "types_differ": change.types, **sides}


def _entry(name: str, declared: Declared) -> dict[str, str]:
    return {"name": name, "prototype": str(declared.declaration), "header": str(declared.header)}
