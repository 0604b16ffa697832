"""The words of a C name, by which CANN names headers and Python names operators.

One rule: words begin at capitals. A run of capitals is one word, whose last letter begins the next word when
a small letter follows ("NLLLoss" is nll_loss). A version is a word ("AdamWV2" is adam_w_v2), the D of a
dimension is none ("Sampler2D" is sampler2d).
"""

from __future__ import annotations

import re
from typing import Final

_VERSION: Final = r"(?<=[A-Za-z0-9])(?=V\d)"
_RUN: Final = r"(?<=[A-Z])(?=[A-Z][a-z])"
_CAPITAL: Final = r"(?<=[a-z0-9])(?=[A-Z])(?!(?<=\d)D(?![a-z]))"
_BOUNDARY: Final = re.compile(f"{_VERSION}|{_RUN}|{_CAPITAL}")
_PREFIX: Final = re.compile(r"acl(?:nn)?(?=[A-Z])")


def snake(name: str) -> str:
    """A name in small letters, its words joined by "_": "keepDim" -> "keep_dim"."""
    return _BOUNDARY.sub("_", name).lower()


def is_c_name(name: str) -> bool:
    """Whether a name is written as operators are in C: "aclnnAdd", "aclStft"."""
    return _PREFIX.match(name) is not None


def without_prefix(c_name: str) -> str:
    """What an operator's name says: "aclnnAdd" -> "Add"."""
    return _PREFIX.sub("", c_name)
