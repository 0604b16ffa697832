"""Which CANN release a home holds."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path

from ascend_ops._cann import libraries
from ascend_ops._cann.errors import AscendError
from ascend_ops._cann.homes import find_home

# Relative to the installation, newest layout first; 8.1 keeps one file per package, and an install record.
_FILES = (
    "share/info/runtime/version.info",
    "share/info/toolkit/version.info",
    "runtime/version.info",
    "toolkit/version.info",
    "version.info",
    "*-linux/ascend_toolkit_install.info",
)
_VERSION = re.compile(r"^\s*(?:version|Version|runtime_running_version)\s*=\s*\[?([^\]\s:]+)", re.MULTILINE)
_PACKAGE_CANN = 0  # ACL_PKG_NAME_CANN
_STRUCT_SIZE = 512  # aclCANNPackageVersion, which starts with the version as char[128]


def cann_version() -> str | None:
    """The release of the CANN in use, for instance "8.1.RC1"; None when nothing tells."""
    return version_in_files(find_home().root) or _version_from_library()


def version_in_files(root: Path) -> str | None:
    """The release that the version files of an installation name."""
    for pattern in _FILES:
        for path in sorted(root.glob(pattern)):
            match = _VERSION.search(path.read_text(errors="replace"))
            if match:
                return match[1]
    return None


def _version_from_library() -> str | None:
    try:
        (function,) = libraries.find("runtime", "aclsysGetCANNVersion")
    except AscendError:
        return None
    libraries.set_types(function, ctypes.c_int, [ctypes.c_int, ctypes.c_void_p])
    buffer = ctypes.create_string_buffer(_STRUCT_SIZE)
    if function(_PACKAGE_CANN, buffer):
        return None
    return buffer.value.decode("utf-8", "replace") or None
