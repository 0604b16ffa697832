"""What only the stand-in can be asked, for reports: calls treat every home alike."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Mapping
from pathlib import Path

from ascend_ops._cann import libraries
from ascend_ops._cann.homes import Home


def kernels(home: Home, names: Iterable[str], providers: Mapping[str, Path]) -> dict[str, bool]:
    """Whether the stand-in computes each operator, as the release that it plays; `providers` are the
    libraries they come from. Leaves out operators of custom packages, whose code is their own, and on
    another home all."""
    if not home.stand_in:
        return {}
    questions = libraries.find("opapi", "stub_has_kernel", "stub_function_exists")
    for question in questions:
        libraries.set_types(question, ctypes.c_bool, [ctypes.c_char_p])
    own = (name for name in names if name in providers and providers[name].parent in home.lib)
    return {name: all(question(name.encode()) for question in questions) for name in own}
