"""Operators and parameters in Python: "aclnnAddRmsNorm" is add_rms_norm, "selfRef" is self_ref."""

from __future__ import annotations

import keyword

from ascend_ops._cann import words
from ascend_ops._cann.words import is_c_name

__all__ = ["is_c_name", "operator_name", "snake"]


def snake(name: str) -> str:
    """A parameter's C name in Python: "keepDim" -> "keep_dim". Python's keywords end in "_": "lambda_"."""
    plain = words.snake(name)
    return f"{plain}_" if keyword.iskeyword(plain) else plain


def operator_name(c_name: str) -> str:
    """The name of an operator in `ao.ops`: "aclnnAddRmsNorm" -> "add_rms_norm"."""
    return snake(words.without_prefix(c_name))
