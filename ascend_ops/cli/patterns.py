"""Operators by a pattern, as the commands take it: a glob, or a part of the name in C or in Python."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from fnmatch import fnmatchcase

from ascend_ops.ops._names import operator_name


def matches(c_name: str, pattern: str) -> bool:
    """Whether an operator fits; case does not count. "*quant*v2", "DynamicQuant" and "dynamic_quant" all fit
    aclnnDynamicQuantV2."""
    wanted = pattern.lower()
    glob = any(sign in wanted for sign in "*?[")
    names = (c_name.lower(), operator_name(c_name))
    return any(fnmatchcase(name, wanted) if glob else wanted in name for name in names)


def selected(c_names: Iterable[str], pattern: str | None) -> list[str]:
    """Those that fit the pattern, all without one, sorted."""
    return sorted(name for name in c_names if pattern is None or matches(name, pattern))


def close(c_names: Iterable[str], wanted: str) -> list[str]:
    """Up to five operators whose name looks like `wanted`, the likeliest first."""
    by_key = {operator_name(name): name for name in c_names}
    key = operator_name(wanted) if wanted.startswith("acl") else wanted.lower()
    return [by_key[name] for name in difflib.get_close_matches(key, by_key, n=5, cutoff=0.6)]
