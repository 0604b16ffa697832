"""A damaged header gives the right signature or an error that names it, never a wrong signature.

Damage is what turns C into something else: missing, added and changed punctuation, truncation, marks of a
merge. What leaves correct C (another name, a parameter less, `=`, `//`) is another header, not damage.
"""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest
from cann.headers import NAME, PARAMS, STYLES
from hypothesis import given, settings
from hypothesis import strategies as st

from ascend_ops._cann import headers, operators
from ascend_ops._cann.declarations import find_declaration
from ascend_ops._cann.errors import AscendError, MissingFunctionError

HEADER = Path("include/aclnnop/aclnn_blend.h")
PUNCTUATION = ',;(){}*/"[]#'
ADDED = ",;(){}[]*#\"'<>@&:.!\0`\N{REPLACEMENT CHARACTER}"
MARKS = ("<<<<<<< ours\n", "=======\n", ">>>>>>> theirs\n")


def read(text: str) -> operators.Signature:
    """The operator's signature as read from a header of this text."""

    def find(name: str) -> object:
        declaration = find_declaration(text, name, HEADER)
        return None if declaration is None else (declaration, HEADER)

    read_anew = getattr(operators.signature, "__wrapped__", operators.signature)
    unknown = mock.patch.object(headers, "documented", return_value=(None, {}))
    with mock.patch.object(headers, "find", find), unknown:
        signature = read_anew("aclnnBlend")
    assert isinstance(signature, operators.Signature)
    return signature


def right_or_refused(text: str) -> str | None:
    """What the error says; None when the signature was read. Fails when that is a wrong one."""
    try:
        signature = read(text)
    except AscendError as error:
        missing = isinstance(error, MissingFunctionError)  # nothing is left that looks like the function
        return str(error) if missing or str(HEADER) in str(error) else pytest.fail(f"no header: {error}")
    assert [(p.name, p.ctype) for p in signature.params] == PARAMS[:-2]
    return None


styles = pytest.mark.parametrize("style", STYLES)


@styles
def test_without_damage_the_signature_is_right(style: str) -> None:
    assert right_or_refused(STYLES[style]) is None


@styles
def test_a_header_may_end_anywhere(style: str) -> None:
    text = STYLES[style]
    ends = {right_or_refused(text[:end]) is None for end in range(len(text))}
    assert ends == {True, False}


@styles
def test_any_punctuation_may_be_missing(style: str) -> None:
    text = STYLES[style]
    for i, character in enumerate(text):
        if character in PUNCTUATION:
            right_or_refused(text[:i] + text[i + 1 :])


@styles
def test_the_marks_of_a_merge_are_refused_inside_the_declaration(style: str) -> None:
    lines = STYLES[style].splitlines(keepends=True)
    first = next(i for i, line in enumerate(lines) if NAME in line and not line.startswith((" *", "/*")))
    for i in range(len(lines)):
        for mark in MARKS:
            refused = right_or_refused("".join([*lines[:i], mark, *lines[i:]])) is not None
            assert refused or not first < i <= first + 2


@styles
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_characters_may_be_added_dropped_and_changed(style: str, data: st.DataObject) -> None:
    text = STYLES[style]
    for _ in range(data.draw(st.integers(1, 3))):
        i = data.draw(st.integers(0, len(text) - 1))
        keep = data.draw(st.booleans()) or text[i] not in PUNCTUATION
        text = text[:i] + data.draw(st.sampled_from(ADDED)) + text[i + (not keep) :]
    right_or_refused(text)


@pytest.mark.parametrize(
    ("written", "damaged", "says"),
    [
        ("const aclTensor *self,", "const aclTensor *self", "is no parameter"),
        ("bool keepDim", "bool kind keepDim", "'bool kind keepDim' is no parameter"),
        ("aclOpExecutor **executor);", "aclOpExecutor **executor", "this is no declaration: 'aclnnBlendGetW"),
        ("double eps", "Epsilon eps", "no way to pass eps, a 'Epsilon'"),
        ("double eps", "double *eps", "no way to pass eps, a 'double *'"),
        ("uint64_t *workspaceSize,\n", "", "does not end in"),
        (" * mode : optional\n */", " * mode : optional\n", "a comment begins inside a comment"),
        ("    bool keepDim", "    #bool keepDim", "'#' does not belong there"),
        ("#endif\n\n#endif", "#endif /* end", "'/*' does not belong there"),
    ],
)
def test_the_error_names_the_header_and_what_is_wrong(written: str, damaged: str, says: str) -> None:
    text = STYLES["generated"]
    assert written in text
    error = right_or_refused(text.replace(written, damaged, 1))
    assert error is not None
    assert says in error
