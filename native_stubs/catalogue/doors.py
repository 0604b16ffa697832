"""Generates the exported functions of a library: doors that anybody may watch, before the stand-in's own.

The functions in src/ are written under CANN's names and compiled under others (stub_do_<name>, by the pragmas
of STEM_renames.h); a door has CANN's name, tests one flag and goes on. What src/ does not define answers "not
implemented".
"""

import json
import re
from pathlib import Path

from files import load, write

OBJECTS = {
    "aclrtContext": "CONTEXT",
    "aclrtStream": "STREAM",
    "aclrtEvent": "EVENT",
    "HcclComm": "COMMUNICATOR",
    "aclTensor *": "TENSOR",
    "aclScalar *": "SCALAR",
    "aclIntArray *": "INT_ARRAY",
    "aclFloatArray *": "FLOAT_ARRAY",
    "aclBoolArray *": "BOOL_ARRAY",
    "aclTensorList *": "TENSOR_LIST",
    "aclScalarList *": "SCALAR_LIST",
    "aclOpExecutor *": "EXECUTOR",
    "aclDataBuffer *": "DATA_BUFFER",
}
STRUCTS = (
    "aclmdlRICondTaskParams",
    "aclrtIpcEventHandle",
    "aclrtMemManagedLocation",
    "dim3",
    "HcclConfigValue",
)
STATUSES = ("aclError", "aclnnStatus", "HcclResult")
POINTER_TYPES = ("aclrtAllocatorDesc", "aclrtBinary")
FIRST_RELEASE = 801

# What a function that src/ lacks returns.
UNSUPPORTED = "stub_unsupported({name})"
HCCL_NOT_SUPPORTED = f"({UNSUPPORTED}, 5)"


class Function:
    """A prototype: name, return type, parameters as (type, name, declaration)."""

    def __init__(self, returns, name, params):
        self.name = name
        self.returns = normal(returns)
        self.declarations = [] if params.strip() == "void" else split(params)
        self.params = [parameter(text) for text in self.declarations]

    @property
    def is_watched(self):
        """Not those that only compute, or that a door cannot pass on."""
        return "..." not in self.declarations and self.returns not in ("float", "aclFloat16")

    @property
    def returns_pointer(self):
        return self.returns.endswith("*") or self.returns in POINTER_TYPES

    def prototype(self, name):
        separator = "" if self.returns.endswith("*") else " "
        return f"{self.returns}{separator}{name}({', '.join(self.declarations) or 'void'})"


def normal(ctype):
    return re.sub(r"\s*\*\s*", "*", " ".join(ctype.split())).replace("*", " *").replace("* *", "**").strip()


def split(params):
    """Parameters at commas outside of parentheses, as text."""
    parts, depth = [""], 0
    for char in params:
        depth += (char == "(") - (char == ")")
        parts = [*parts, ""] if char == "," and depth == 0 else [*parts[:-1], parts[-1] + char]
    return [" ".join(part.split()) for part in parts]


def parameter(text):
    """(type, name) of a parameter; an array is a pointer."""
    match = re.fullmatch(r"(.*?)(\w+)\s*(\[\w*\])?", text)
    if match is None:
        return ("...", "")
    ctype, name, array = match.groups()
    return (normal(ctype + ("*" if array else "")), name)


def without_const(ctype):
    return normal(re.sub(r"\bconst\b", " ", ctype))


def object_of(ctype):
    """The kind of handle that a parameter of this type is, and whether the function writes it."""
    plain = without_const(ctype)
    if plain in OBJECTS:
        return OBJECTS[plain], False
    pointed = plain[:-1].strip() if plain.endswith("*") and not ctype.startswith("const") else ""
    return OBJECTS.get(pointed, "NONE"), pointed in OBJECTS


def declared_functions(text):
    text = re.sub(r"/\*.*?\*/|//[^\n]*|^[ \t]*#(?:\\\n|[^\n])*", " ", text, flags=re.DOTALL | re.MULTILINE)
    pattern = r"ACL_FUNC_VISIBILITY\s+([\w\s]+?\**)\s*\b(\w+)\s*\(((?:[^()]|\([^()]*\))*)\)\s*;"
    return [Function(returns, name, params) for returns, name, params in re.findall(pattern, text)]


def unsupported_result(function, family):
    """(C type, expression) of the answer "not implemented"."""
    if function.returns_pointer:
        return "void *", f"({UNSUPPORTED}, NULL)"
    if function.returns == "void":
        return "void", f"(void){UNSUPPORTED}"
    if function.returns in STATUSES:
        return "int", HCCL_NOT_SUPPORTED if family == "HCCL" else UNSUPPORTED
    ctype = {"aclFloat16": "uint16_t"}.get(function.returns, function.returns)
    return ctype, f"({UNSUPPORTED}, ({ctype})0)"


def symbol(function):
    """Under which name src/ defines it."""
    return f"stub_do_{function.name}" if function.is_watched else function.name


def unsupported(function, family):
    ctype, value = unsupported_result(function, family)
    statement = value.replace("{name}", f'"{function.name}"')
    name, keyword = symbol(function), "" if ctype == "void" else "return "
    visible = "STUB_HIDDEN_WEAK" if function.is_watched else "STUB_WEAK"
    return f"{visible} {ctype} {name}(void);\n{ctype} {name}(void) {{\n    {keyword}{statement};\n}}\n"


def params_row(params):
    rows = ", ".join(
        f'{{"{name}", STUB_OBJECT_{kind}, {str(out).lower()}}}'
        for (name, (kind, out)) in ((name, object_of(ctype)) for ctype, name in params)
    )
    return rows or "{0}"


def returned(function):
    if function.returns in STATUSES:
        return "STATUS", "(uint64_t)(int64_t)"
    return ("POINTER", "(uintptr_t)") if function.returns_pointer else ("VALUE", "(uint64_t)")


def made(function):
    return OBJECTS.get(without_const(function.returns), "NONE")


def value(ctype, name):
    """A parameter as a watcher sees it: structures passed by value are 0."""
    return "0" if ctype in STRUCTS else f"(uint64_t)(uintptr_t){name}"


def door(function, family, since):
    name, names = function.name, ", ".join(param[1] for param in function.params)
    values = ", ".join(value(*param) for param in function.params) or "0"
    kind, cast = returned(function)
    void = function.returns == "void"
    call = f"stub_do_{name}({names})"
    back = (
        ""
        if void
        else f" ({function.returns})" + ("(uintptr_t)" if kind == "POINTER" else "") + "stub_door.result"
    )
    watched = call if void else f"stub_door.result = {cast}{call}"
    keyword = "" if void else "return "
    return f"""
static const stub_function_param params_{name}[] = {{{params_row(function.params)}}};
static const stub_function function_{name} = {{"{name}", params_{name}, {len(function.params)},
    STUB_FAMILY_{family}, STUB_RETURNS_{kind}, STUB_OBJECT_{made(function)}, {since}}};
{function.prototype(f"stub_do_{name}")};
STUB_APART static {function.prototype(f"watched_{name}")} {{
    const uint64_t stub_args[] = {{{values}}};
    stub_visit stub_door = {{.function = &function_{name}, .args = stub_args}};
    if (stub_visit_enter(&stub_door)) {{
        {watched};
        stub_visit_leave(&stub_door);
    }}
    return{back};
}}
{function.prototype(name)} {{
    if (stub_is_watched()) {{
        {keyword}watched_{name}({names});{" return;" if void else ""}
    }}
    {keyword}{call};
}}
"""


def release(text):
    major, minor = text.split(".")
    return int(major) * 100 + int(minor)


def releases(since):
    """Function name to the release that brought it, for all that came after the first."""
    data = json.loads(Path(since).read_text(encoding="utf-8"))
    return {name: release(text) for text, names in data.items() for name in names}


def doors_text(functions, family, since, headers):
    includes = "".join(f'#include "{header}"\n' for header in headers)
    watched = [function for function in functions if function.is_watched]
    doors = [door(function, family, since.get(function.name, FIRST_RELEASE)) for function in watched]
    return f"""/* Generated: the exported functions. See catalogue/doors.py. */
#include <stddef.h>
#include <stdint.h>

{includes}#include "watch/watch.h"

#define STUB_APART __attribute__((noinline, cold)) /* so that a door needs no stack */
{"".join(doors)}"""


def unsupported_text(functions, family):
    """A text of its own: these definitions ignore the arguments that callers pass, which the C calling
    conventions of the supported machines allow."""
    bodies = "\n".join(unsupported(function, family) for function in functions)
    return f"""/* Generated: what no source file of this library defines ends here. */
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

#define STUB_WEAK __attribute__((weak, visibility("default")))
#define STUB_HIDDEN_WEAK __attribute__((weak, visibility("hidden")))

{bodies}"""


def renames_text(functions):
    lines = (f"#pragma redefine_extname {f.name} {symbol(f)}\n" for f in functions if f.is_watched)
    return "/* Generated: under which names src/ is compiled. */\n" + "".join(lines)


def write_doors(stem, family, functions, since, headers):
    """STEM.c (doors), STEM_unsupported.c and STEM_renames.h."""
    write(Path(f"{stem}.c"), doors_text(functions, family, since, headers))
    write(Path(f"{stem}_unsupported.c"), unsupported_text(functions, family))
    write(Path(f"{stem}_renames.h"), renames_text(functions))


def generate_doors(family, since, stem, include, *headers):
    """For what hand-written headers declare."""
    found = {}
    for header in headers:
        text = (Path(include) / header).read_text(encoding="utf-8")
        found.update({function.name: function for function in declared_functions(text)})
    write_doors(stem, family, [found[name] for name in sorted(found)], releases(since), headers)


def generate_function_doors(family, catalogue, stem):
    """For the catalogue's functions that are no operators."""
    entries = load(catalogue)
    functions = [
        Function(
            entry.get("returns", "aclnnStatus"), name, ", ".join(map(" ".join, entry["params"])) or "void"
        )
        for name, entry in entries
    ]
    since = {name: release(entry["since"].rstrip("+")) for name, entry in entries}
    write_doors(stem, family, functions, since, sorted({entry["header"] for _, entry in entries}))
