"""Parses C function declarations as CANN's headers write them; `vocabulary.py` says what their types are."""

from __future__ import annotations

import functools
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


# Comments, literals (so that a comment sign inside them does not count), and preprocessor lines with their
# continuations.
_NOISE: Final = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'"""
    r"|(?m:^[ \t]*\#[ \t]*(?:include|import|define|undef|if|ifdef|ifndef|elif|else|endif|pragma|error"
    r"|warning|line)\b(?:\\\n|/\*.*?\*/|(?!/\*)[^\n])*)",
    re.DOTALL,
)
# The first group only says where to look closer, which is quick.
_DAMAGE: Final = re.compile(r"(?=[/*#\"'@`<>])(?:/\*|\*/|#|(?<!\")\"(?!\")|'|@|`|<<|>>)")
_ATTRIBUTE: Final = re.compile(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)|\[\[[^\]]*\]\]")
# Macros with arguments in front of a declaration, for instance ACL_DEPRECATED_MESSAGE("...").
_MACRO_CALL: Final = re.compile(r"\b[A-Z][A-Z0-9_]+\s*\([^()]*\)")
_MACRO_NAME: Final = re.compile(r"\b(?:[A-Z][A-Z0-9]*_)+(?:API|VISIBILITY|EXPORT|DEPRECATED|WEAK)\b|\bweak\b")
_FUNCTION: Final = re.compile(
    r"(?P<returns>[A-Za-z_][\w\s*]*?[\s*])(?P<name>[A-Za-z_]\w*)\s*\((?P<params>[^()]*)\)\s*(?:noexcept\s*)?[;{]"
)
# One parameter in C: a type of one name or of the built-in words, stars, a name, brackets, a default value.
_PARAMETER: Final = re.compile(
    r"(?:(?:const|volatile|struct|enum|union)\s+)*"
    r"(?:(?:unsigned|signed|short|long)(?:\s+(?:int|char|short|long))*|(?!const\b)[A-Za-z_]\w*)"
    r"(?:\s+const\b)?(?:\s*\*\s*(?:(?:const|restrict|__restrict)\b\s*)*)*"
    r"\s*(?:[A-Za-z_]\w*\s*)?(?:\[\s*\w*\s*\]\s*)*(?:=[\s\w.+\-\"':]+)?"
)
_BEFORE_A_USE: Final = ("=", "(", ",", "!", "&", "|", "?", ":", "return")
_WORD: Final = re.compile(r"\w+")
_STORAGE: Final = re.compile(r"\b(?:extern|static|inline|struct|enum|union|volatile|restrict|__restrict)\b")
_NOT_NAMES: Final = {"*", "const", "enum", "signed", "struct", "unsigned"}


def clean(text: str) -> str:
    """The text without comments, preprocessor lines, attributes and visibility macros."""
    text = _NOISE.sub(lambda match: '""' if match[0].startswith('"') else " ", text)
    return _MACRO_NAME.sub(" ", _MACRO_CALL.sub(" ", _ATTRIBUTE.sub(" ", text)))


def parse(text: str) -> Iterator[Declaration]:
    """Every function declared in a piece of header text; all else is skipped."""
    return map(_declaration, _functions(clean(text)))


def _functions(cleaned: str) -> Iterator[re.Match[str]]:
    for match in _FUNCTION.finditer(cleaned):
        if match["returns"].split()[0] not in {"return", "typedef", "else"}:
            yield match


def _declaration(match: re.Match[str]) -> Declaration:
    return Declaration(match["name"], normalise(match["returns"]), *_parameters(match["params"]))


def find_declaration(text: str, name: str, source: object) -> Declaration | None:
    """The declaration of one function in the text of a header; None when nothing in it declares the function.

    Strict where `parse` skips, so that a damaged header never gives a wrong signature: AscendError, naming
    `source`, when comments or literals do not close, when the text names the function in a way that is
    neither a declaration nor a use of it, and when it declares it twice with different types.
    """
    if name not in text:
        return None
    cleaned = clean(text)
    try:
        _check_intact(text, cleaned)
        found = _declarations_of(name, cleaned)
    except ValueError as error:
        raise AscendError(f"{source}: cannot read the declaration of {name}: {error}") from None
    return found[0] if found else None


def _check_intact(text: str, cleaned: str) -> None:
    damage = _DAMAGE.search(cleaned)
    if damage:
        line = cleaned[cleaned.rfind("\n", 0, damage.start()) + 1 :].partition("\n")[0]
        raise ValueError(f"{damage[0]!r} does not belong there: {line.strip()!r}")
    if text.count("/*") == text.count("*/"):
        return
    for match in _NOISE.finditer(text):
        if match[0].startswith("/*") and "/*" in match[0][2:]:
            raise ValueError(f"a comment begins inside a comment: {match[0].splitlines()[0]!r}")


def _declarations_of(name: str, cleaned: str) -> list[Declaration]:
    matches = {match.start("name"): match for match in _functions(cleaned) if match["name"] == name}
    for mention in (word for word in _WORD.finditer(cleaned) if word[0] == name):
        if mention.start() not in matches and not _is_used(cleaned[: mention.start()]):
            line = cleaned[mention.start() :].partition(";")[0]
            raise ValueError(f"this is no declaration: {' '.join(line.split())!r}")
    for match in matches.values():
        _check_parameters(match["params"])
    found = [_declaration(match) for match in matches.values()]
    if len({tuple(param.ctype for param in each.params) for each in found}) > 1:
        raise ValueError(f"it is declared in two ways: {'; '.join(map(str, found))}")
    return found


def _is_used(before: str) -> bool:
    """Whether a name behind this text is part of an expression."""
    return before.rstrip().endswith(_BEFORE_A_USE)


def _check_parameters(text: str) -> None:
    for piece in text.split(",") if text.strip() else []:
        if not _PARAMETER.fullmatch(piece.strip()) and piece.strip() != "...":
            raise ValueError(f"{' '.join(piece.split())!r} is no parameter")


def parse_one(text: str) -> Declaration:
    """The single declaration of `text`."""
    declarations = list(parse(text))
    if len(declarations) != 1:
        raise AscendError(f"expected one C function declaration, found {len(declarations)} in {text!r}")
    return declarations[0]


@functools.lru_cache(maxsize=1024)  # CANN's headers have a few dozen types, in thousands of places
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
