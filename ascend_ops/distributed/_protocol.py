"""What the ranks say to each other when they look for rank 0: a few bytes over TCP.

Rank 0 speaks first, so that a port of somebody else is found out without sending it anything:

    rank 0  MAGIC token                         to whoever connects
    rank r  MAGIC token r                       when the token is that of its own job
    rank 0  kind length body                    INFO once all ranks have come; or a text that says why not

The token is a hash of what the ranks of one job have in common. It tells jobs apart; it keeps no secret.
"""

from __future__ import annotations

import hashlib
import struct
from typing import Final

from ascend_ops.distributed._environment import Place

MAGIC: Final = b"ascend-ops rdv1\n"
TOKEN_BYTES: Final = 32
GREETING_BYTES: Final = len(MAGIC) + TOKEN_BYTES
HELLO: Final = struct.Struct(f"!{GREETING_BYTES}sI")
FRAME: Final = struct.Struct("!BI")
INFO: Final = 1
REFUSAL: Final = 2
TIMEOUT: Final = 3
LONGEST_BODY: Final = 1 << 16

CANDIDATES: Final = 8
_FIRST_PORT, _PORTS = 20000, 12000  # below the range that systems take ports for outgoing connections from


def greeting(place: Place, sequence: int) -> bytes:
    """What rank 0 says first. `sequence` counts the meetings of this job."""
    return MAGIC + _digest(place, f"{place.world_size} {sequence}")


def ports(place: Place) -> list[int]:
    """Where rank 0 may be found: it takes the first that is free."""
    if place.port is None:
        start = _FIRST_PORT + int.from_bytes(_digest(place, "ports")[:4], "big") % _PORTS
    else:
        start = place.port + place.taken
    return [port if port < 65536 else port - 65536 + 1024 for port in range(start, start + CANDIDATES)]


def frame(kind: int, body: bytes) -> bytes:
    return FRAME.pack(kind, min(len(body), LONGEST_BODY)) + body[:LONGEST_BODY]


def where(place: Place) -> str:
    """The candidates in words."""
    candidates = ports(place)
    return f"{place.address}, ports {candidates[0]} to {candidates[-1]}"


def _digest(place: Place, text: str) -> bytes:
    return hashlib.sha256(f"{place.job}\n{place.port}\n{text}".encode()).digest()
