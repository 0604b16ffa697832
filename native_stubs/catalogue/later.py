"""Generates the table of functions that came after the first release; see core/release.h."""

from pathlib import Path

from doors import FIRST_RELEASE, release, releases
from files import load, write


def since_of(entry):
    """`8.5+` says that a header younger than CANN 8.1 was read: the first release it may be of."""
    return release(entry["since"].rstrip("+"))


def later_functions(since, operators, functions):
    """Name to release, of everything exported that is not in the first."""
    found = releases(since)
    found.update({name: since_of(entry) for name, entry in load(functions)})
    for name, entry in load(operators):
        found[name] = found[f"{name}GetWorkspaceSize"] = since_of(entry)
    return {name: number for name, number in sorted(found.items()) if number > FIRST_RELEASE}


def generate_later(since, operators, functions, source):
    rows = "".join(
        f'    {{"{name}", {number}}},\n'
        for name, number in later_functions(since, operators, functions).items()
    )
    text = f"""/* Generated: what came after the first release, in the order of strcmp. */
#include "core/release.h"

const stub_later_function stub_later_functions[] = {{
{rows}}};
const size_t stub_later_function_count = sizeof stub_later_functions / sizeof *stub_later_functions;
"""
    write(Path(source), text)
