"""Which shared libraries this process has loaded, and from where. Reads /proc; loads nothing."""

from __future__ import annotations

import re
from pathlib import Path

_LIBRARY = re.compile(r"(/\S.*?\.so(?:\.[\d.]+)?)$", re.MULTILINE)


def loaded_libraries() -> dict[str, Path]:
    """File name -> path of every mapped shared library; empty where /proc is not available."""
    try:
        text = Path("/proc/self/maps").read_text()
    except OSError:
        return {}
    return {path.name: path for path in map(Path, dict.fromkeys(_LIBRARY.findall(text)))}


def is_link_stub(path: Path) -> bool:
    """Whether a path lies in one of the places where CANN keeps its link-time stubs."""
    return "devlib" in path.parts or path.parent.parts[-2:] == ("lib64", "stub")
