"""Parses C function declarations as CANN's headers write them; `vocabulary.py` says what their types are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ascend_ops._cann.errors import AscendError


@dataclass(frozen=True)
class Parameter:
    """One parameter; `ctype` has single spaces and the stars together, as in "const aclTensor *"."""

    name: str
    ctype: str


@dataclass(frozen=True)
class Declaration:
    name: str
    returns: str
    params: tuple[Parameter, ...]
    variadic: bool = False

    def __str__(self) -> str:
        inside = [f"{p.ctype}{'' if p.ctype.endswith('*') else ' '}{p.name}" for p in self.params]
        return f"{self.returns} {self.name}({', '.join(inside + ['...'] * self.variadic) or 'void'})"


# Comments, preprocessor lines with their continuations, and string literals; a literal is matched so that a
# comment sign inside it does not count.
_NOISE: Final = re.compile(
    r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|(?m:^[ \t]*\#(?:\\\n|[^\n])*)", re.DOTALL
)
_ATTRIBUTE: Final = re.compile(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)|\[\[[^\]]*\]\]")
# Macros with arguments in front of a declaration, for instance ACL_DEPRECATED_MESSAGE("...").
_MACRO_CALL: Final = re.compile(r"\b[A-Z][A-Z0-9_]+\s*\([^()]*\)")
_MACRO_NAME: Final = re.compile(r"\b(?:[A-Z][A-Z0-9]*_)+(?:API|VISIBILITY|EXPORT|DEPRECATED|WEAK)\b|\bweak\b")
_FUNCTION: Final = re.compile(
    r"(?P<returns>[A-Za-z_][\w\s*]*?[\s*])(?P<name>[A-Za-z_]\w*)\s*\((?P<params>[^()]*)\)\s*[;{]"
)
_STORAGE: Final = re.compile(r"\b(?:extern|static|inline|struct|enum|union|volatile|restrict|__restrict)\b")
_NOT_NAMES: Final = {"*", "const", "enum", "signed", "struct", "unsigned"}


def clean(text: str) -> str:
    """The text without comments, preprocessor lines, attributes and visibility macros."""
    text = _NOISE.sub(lambda match: '""' if match[0].startswith('"') else " ", text)
    return _MACRO_NAME.sub(" ", _MACRO_CALL.sub(" ", _ATTRIBUTE.sub(" ", text)))


def parse(text: str) -> Iterator[Declaration]:
    """Every function declared in a piece of header text; all else is skipped."""
    for match in _FUNCTION.finditer(clean(text)):
        returns = normalise(match["returns"])
        if returns and returns.split()[0] not in {"return", "typedef", "else"}:
            yield Declaration(match["name"], returns, *_parameters(match["params"]))


def parse_one(text: str) -> Declaration:
    """The single declaration of `text`."""
    declarations = list(parse(text))
    if len(declarations) != 1:
        raise AscendError(f"expected one C function declaration, found {len(declarations)} in {text!r}")
    return declarations[0]


def normalise(ctype: str) -> str:
    """A C type in one spelling: "aclTensor const*" and "const  aclTensor *" are both "const aclTensor *".

    A const that applies to the argument itself ("void *const") is dropped: it has no meaning for a caller.
    """
    words = re.findall(r"\w+|\*", _STORAGE.sub(" ", ctype))
    star = words.index("*") if "*" in words else len(words)
    base, stars = words[:star], words[star:]
    if "const" in base:
        base = [*(["const"] if stars else []), *(word for word in base if word != "const")]
    pointer = re.sub(r"const$", "", "".join(stars)).replace("const*", "const *")
    return " ".join([*base, pointer] if pointer else base)


def _parameters(text: str) -> tuple[tuple[Parameter, ...], bool]:
    pieces = [piece.split("=")[0].strip() for piece in text.split(",")]
    if pieces in ([""], ["void"]):
        return (), False
    variadic = pieces[-1] == "..."
    named = pieces[:-1] if variadic else pieces
    return tuple(_parameter(piece, index) for index, piece in enumerate(named)), variadic


def _parameter(text: str, index: int) -> Parameter:
    text, arrays = re.subn(r"\[[^\]]*\]", "", text)
    words = re.findall(r"\w+|\*", text)
    named = len([word for word in words if word not in _NOT_NAMES]) > 1
    ctype = " ".join(words[:-1] if named else words) + " *" * arrays
    return Parameter(words[-1] if named else f"argument{index}", normalise(ctype))
