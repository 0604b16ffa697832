"""`ops`: the operators of the home in use, and what is known of one of them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from ascend_ops._cann import headers, inventory, libraries, stand_in
from ascend_ops._cann.errors import AscendError
from ascend_ops._cann.homes import find_home
from ascend_ops.cli.patterns import close, selected

_USAGE = "%(prog)s [-h] [--json] [--coverage] [pattern]\n       %(prog)s [-h] [--json] show NAME"


def add_to(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        "ops",
        usage=_USAGE,
        help="the operators of the home in use, or what is known of one",
        description="Lists the operators of the home in use and of custom packages, as their headers declare "
        "them, or shows one. Exit code 0 when there is something to show, 1 when nothing fits.",
    )
    parser.add_argument(
        "words",
        nargs=argparse.REMAINDER,  # so that options may stand between the words
        metavar="pattern | show NAME",
        help="a glob, or a part of the name; names in C (aclnnDynamicQuantV2) and in Python "
        "(dynamic_quant_v2) count alike",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.add_argument(
        "--coverage",
        action="store_true",
        help="what the stand-in computes: operators, dtypes, and the tests that hold them to a reference",
    )
    parser.set_defaults(run=lambda options: run(options, parser))


def run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    words = [word for word in options.words if word not in ("--json", "--coverage")]
    as_json: bool = options.json or "--json" in options.words
    coverage: bool = options.coverage or "--coverage" in options.words
    showing = words[:1] == ["show"]
    unexpected = [word for word in words if word.startswith("-")] or words[1 + showing :]
    if showing and coverage:
        parser.error("--coverage is about the list: it does not go with show")
    if unexpected:
        parser.error(f"unexpected {' '.join(unexpected)!r}; quote a pattern from the shell")
    if showing and len(words) == 1:
        parser.error("show needs the name of an operator")
    try:
        if showing:
            return _show(words[1], as_json)
        return (_covered if coverage else _list)(next(iter(words), None), as_json)
    except AscendError as error:
        print(f"ascend_ops ops: {error}", file=sys.stderr)
        return 1


class Row(NamedTuple):
    """One operator of the list. `library` is that which exports it, None when none does; `kernel` is None
    where that is not the stand-in's."""

    python: str
    name: str
    kernel: bool | None
    output_rule: bool
    library: str | None


def _list(pattern: str | None, as_json: bool) -> int:
    every = headers.operators()
    names = selected(every, pattern)
    if not names:
        print(f"ascend_ops ops: {_nothing(every, pattern)}", file=sys.stderr)
        return 1
    rows = _rows(names)
    print(json.dumps([row._asdict() for row in rows], indent=2) if as_json else _table(rows))
    return 0


def _covered(pattern: str | None, as_json: bool) -> int:
    from ascend_ops.cli import ops_coverage

    every = headers.operators()
    names = selected(every, pattern)
    if not names:
        print(f"ascend_ops ops: {_nothing(every, pattern)}", file=sys.stderr)
        return 1
    rows = ops_coverage.rows(names)
    print(json.dumps([row._asdict() for row in rows], indent=2) if as_json else ops_coverage.as_text(rows))
    return 0


def _rows(names: Sequence[str]) -> list[Row]:
    from ascend_ops.ops import _names
    from ascend_ops.ops.rules import names as ruled_names

    home = find_home()
    providers = inventory.providers(libraries.files("opapi", home))
    ruled = set(ruled_names())
    kernels = stand_in.kernels(home, names, providers)
    return [
        Row(
            _names.operator_name(name),
            name,
            kernels.get(name),
            name in ruled,
            str(providers[name]) if name in providers else None,
        )
        for name in names
    ]


def _nothing(every: set[str], wanted: str | None) -> str:
    if wanted is None:
        return "this home has no operator headers, and the stand-in, whose headers would do, is not installed"
    near = ", ".join(close(every, wanted))
    return f"no operator fits {wanted!r}" + (f"; near to it are {near}" if near else "")


def _table(rows: Sequence[Row]) -> str:
    kernels = any(row.kernel is not None for row in rows)
    titles = ["ao.ops.", "C name", *["kernel"] * kernels, "output rule"]
    lines = [titles, *(_cells(row, kernels) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def _cells(row: Row, kernels: bool) -> list[str]:
    return [row.python, row.name, *[_WORDS[row.kernel]] * kernels, _WORDS[row.output_rule]]


_WORDS = {True: "yes", False: "no", None: "-"}


def _show(name: str, as_json: bool) -> int:
    from ascend_ops.cli.ops_show import as_text, describe

    every = headers.operators()
    c_name = _resolved(every, name)
    if c_name is None:
        near = ", ".join(close(every, name))
        hint = f"Do you mean {near}?" if near else "`python -m ascend_ops ops` lists all."
        print(f"ascend_ops ops: this home has no operator {name!r}. {hint}", file=sys.stderr)
        return 1
    about = describe(c_name)
    print(json.dumps(about.as_dict(), indent=2) if as_json else as_text(about))
    return 0


def _resolved(every: set[str], name: str) -> str | None:
    """The C name of an operator given by either name."""
    from ascend_ops.ops._names import operator_name

    if name in every:
        return name
    return next((each for each in every if operator_name(each) == name), None)
