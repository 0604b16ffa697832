"""The functions a shared library exports, read from its file: nothing is loaded, so no driver is needed."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from ascend_ops._cann.errors import AscendError

_MAGIC: Final = b"\x7fELF\x02\x01"  # 64 bits, little-endian: x86-64 and aarch64
_HEADER: Final = struct.Struct("<40xQ10xHH2x")  # where the section headers are, size and number of them
_SECTION: Final = struct.Struct("<4xI16xQQI12x8x")  # type, file offset, size, index of the linked section
_SYMBOL: Final = struct.Struct("<IBxH16x")  # name's offset, binding and type, section
_DYNAMIC_SYMBOLS: Final = 11
_FUNCTIONS: Final = (2, 10)  # STT_FUNC, STT_GNU_IFUNC


class _Section(NamedTuple):
    kind: int
    offset: int
    size: int
    link: int


def exported_functions(library: Path) -> frozenset[str]:
    """Names of the functions a 64-bit shared library defines for others. AscendError if it is none."""
    try:
        with library.open("rb") as file:
            return frozenset(_functions(file))
    except (OSError, ValueError, IndexError, struct.error) as error:
        raise AscendError(f"{library} cannot be read as a shared library of this machine: {error}") from None


def _functions(file: BinaryIO) -> list[str]:
    sections = _sections(file)
    table = next((section for section in sections if section.kind == _DYNAMIC_SYMBOLS), None)
    if table is None:
        raise ValueError("it has no table of dynamic symbols")
    symbols, names = _read(file, table), _read(file, sections[table.link])
    return [
        names[start : names.index(b"\0", start)].decode("utf-8", "replace")
        for start, info, section in _SYMBOL.iter_unpack(symbols)
        if section and info & 15 in _FUNCTIONS
    ]


def _sections(file: BinaryIO) -> list[_Section]:
    header = file.read(64)
    if not header.startswith(_MAGIC):
        raise ValueError("it is no 64-bit little-endian ELF file")
    offset, size, count = _HEADER.unpack(header)
    if count and size != _SECTION.size:
        raise ValueError(f"its section headers have {size} bytes, expected {_SECTION.size}")
    file.seek(offset)
    return [_Section(*entry) for entry in _SECTION.iter_unpack(file.read(size * count))]


def _read(file: BinaryIO, section: _Section) -> bytes:
    file.seek(section.offset)
    data = file.read(section.size)
    if len(data) != section.size:
        raise ValueError("it is cut off")
    return data
