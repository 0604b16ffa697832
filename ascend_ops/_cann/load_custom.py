"""`ao.load_custom`: custom operators at run time, besides those the environment names."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

from ascend_ops._cann import custom, inventory, libraries, stub_kernels
from ascend_ops._cann.custom import CustomPackage
from ascend_ops._cann.errors import HomeError


def load_custom(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Adds a package of custom operators in front of all others and returns their C names.

    `path` is a vendor's directory as CANN lays it out (op_api/lib/libcust_opapi.so, op_api/include) or a
    library, whose headers are in `../include`. From then on calls find its operators first, also those it
    redefines, by the signatures of its own headers. Operator objects taken from `ao.ops` before keep the
    signature they were made with: take them anew. Loading a package again puts it in front again.

    The library may be linked to CANN's without a run path: it finds those of the home in use. On the stand-in
    one that does not load (because it is made for an NPU) is passed over with a RuntimeWarning: register
    kernels for its operators with `ao.stub.kernel`.

    Raises ValueError when there is no package at `path`, HomeError when its library does not load.
    """
    package = custom.package_at(Path(path).expanduser().absolute())
    if package.library.is_file():
        _open(package)
    custom.add(package)
    return tuple(sorted(_operators(package)))


def _open(package: CustomPackage) -> None:
    try:
        libraries.open_library(package.library)
    except HomeError as error:
        if not (stub_kernels.available() and package.include.is_dir()):
            raise
        warnings.warn(f"only the headers of {package.root} are used: {error}", RuntimeWarning, stacklevel=3)


def _operators(package: CustomPackage) -> set[str]:
    declared = inventory.declared([package.include, package.include / "aclnnop"])
    return set(declared) if declared else set(inventory.exported(package.library))
