"""Generates C from data at build time (Python standard library only).

generate.py operators OPERATORS FUNCTIONS HEADERS INCLUDE SOURCE  aclnnop headers, libopapi's entry points
generate.py doors FAMILY SINCE STEM INCLUDE HEADER...             exported functions of hand-written headers
generate.py function-doors FAMILY FUNCTIONS STEM                  those of libopapi that are no operators
generate.py later SINCE OPERATORS FUNCTIONS SOURCE                which functions came after the first release
"""

import json
import re
import sys
from pathlib import Path

from doors import generate_doors, generate_function_doors
from files import load, write
from later import generate_later, since_of

KINDS = {
    "aclTensor *": "STUB_TENSOR",
    "aclTensorList *": "STUB_TENSOR_LIST",
    "aclScalar *": "STUB_SCALAR",
    "aclScalarList *": "STUB_SCALAR_LIST",
    "aclIntArray *": "STUB_INT_ARRAY",
    "aclFloatArray *": "STUB_FLOAT_ARRAY",
    "aclBoolArray *": "STUB_BOOL_ARRAY",
    "char *": "STUB_TEXT",
    "bool": "STUB_FLAG",
    "float": "STUB_REAL",
    "double": "STUB_REAL",
    **dict.fromkeys(["int8_t", "int", "int32_t", "int64_t", "uint64_t", "aclDataType"], "STUB_INT"),
}
FIELDS = {
    "STUB_TENSOR": "tensor",
    "STUB_TENSOR_LIST": "tensors",
    "STUB_SCALAR": "scalar",
    "STUB_SCALAR_LIST": "scalars",
    "STUB_INT_ARRAY": "ints",
    "STUB_FLOAT_ARRAY": "floats",
    "STUB_BOOL_ARRAY": "bools",
    "STUB_TEXT": "text",
    "STUB_FLAG": "flag",
    "STUB_REAL": "real",
    "STUB_INT": "integer",
}
ROLES = {"in": "STUB_IN", "out": "STUB_OUT", "inout": "STUB_INOUT"}
TAIL = ["uint64_t *workspaceSize", "aclOpExecutor **executor"]
FOLDER = "aclnnop/"
PHASE_TWO = "void *workspace, uint64_t workspaceSize, aclOpExecutor *executor, aclrtStream stream"


def kind_of(ctype):
    return KINDS[ctype.removeprefix("const ")]


def role_of(param):
    role = param[2].rstrip("?") if len(param) > 2 else "in"
    return ROLES[role]


def joined(ctype, name):
    return f"{ctype}{name}" if ctype.endswith("*") else f"{ctype} {name}"


def phase_one(name, operator):
    params = [joined(p[0], p[1]) for p in operator["params"]] + TAIL
    return f"aclnnStatus {name}GetWorkspaceSize({', '.join(params)})"


def phase_two(name):
    return f"aclnnStatus {name}({PHASE_TWO})"


def declarations(name, operator):
    """The two prototypes, one parameter a line; a tensor's role stands behind it as a comment."""
    params = [(joined(p[0], p[1]), f" /* {p[2]} */" if len(p) > 2 else "") for p in operator["params"]]
    lines = [f"    {text},{role}" for text, role in params] + [f"    {TAIL[0]},", f"    {TAIL[1]});"]
    one = "\n".join([f"ACL_FUNC_VISIBILITY aclnnStatus {name}GetWorkspaceSize(", *lines])
    return f"{one}\nACL_FUNC_VISIBILITY {phase_two(name)};\n"


def function_declaration(name, function):
    params = ", ".join(joined(*param) for param in function["params"]) or "void"
    return f"ACL_FUNC_VISIBILITY {returned(function)} {name}({params});\n"


def returned(function):
    return function.get("returns", "aclnnStatus")


def guarded(header, body):
    guard = re.sub(r"\W", "_", header).upper() + "_"
    return f"""/* Generated from the catalogue. */
#ifndef {guard}
#define {guard}

{body}
#endif
"""


def header_text(header, lines, functions, operators):
    texts = [function_declaration(*function) for function in functions]
    texts += [declarations(*operator) for operator in operators]
    body, beside = "\n".join(texts), "".join(f"\n{line}" for line in lines)
    text = f"""#include "aclnn/aclnn_base.h"
#include "aclnnop/aclnn_util.h"
{beside}
#ifdef __cplusplus
extern "C" {{
#endif

{body}
#ifdef __cplusplus
}}
#endif
"""
    return guarded(header, text)


def collection_text(header, members):
    return guarded(header, "".join(f'#include "{member}"\n' for member in members))


def line_text(line):
    """A line beside the prototypes: C++ only where C has no such thing."""
    text = f"{line['text']}\n"
    return f"#ifdef __cplusplus\n{text}#endif\n" if line.get("language") == "C++" else text


def entry_points(name, operator):
    params = [f'{{"{p[1]}", {kind_of(p[0])}, {role_of(p)}}}' for p in operator["params"]]
    values = [f"{{.{FIELDS[kind_of(p[0])]} = {p[1]}}}" for p in operator["params"]]
    return f"""
extern const stub_kernel stub_kernel_{name} STUB_OPTIONAL;
static const stub_param params_{name}[] = {{{", ".join(params)}}};
static const stub_operator operator_{name} = {{"{name}", params_{name}, {len(params)}, &stub_kernel_{name}}};
{phase_one(name, operator)} {{
    const stub_value stub_args[] = {{{", ".join(values)}}};
    return stub_cann_phase_one(&operator_{name}, stub_args, workspaceSize, executor, {since_of(operator)});
}}
{phase_two(name)} {{
    return stub_cann_phase_two(&operator_{name}, workspace, workspaceSize, executor, stream,
                               {since_of(operator)});
}}
"""


def kernel_question(names):
    rows = "".join(f"        &operator_{name},\n" for name in names)
    return f"""
/* Whether this library computes an operator, for tools that list them; false for unknown names. */
STUB_EXPORT bool stub_has_kernel(const char *name);
bool stub_has_kernel(const char *name) {{
    static const stub_operator *const operators[] = {{
{rows}    }};
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {{
        if (strcmp(operators[i]->name, name) == 0) {{
            return operators[i]->kernel != NULL;
        }}
    }}
    return false;
}}
"""


def source_text(headers, operators):
    includes = "".join(f'#include "{header}"\n' for header in headers)
    prologue = f"""/* Generated from the catalogue: packs each call's arguments into one record. */
#include <stddef.h>
#include <string.h>

#include "nnopbase/call.h"
{includes}
#define STUB_OPTIONAL __attribute__((weak, visibility("hidden")))
"""
    entries = "".join(entry_points(name, operator) for name, operator in operators)
    return prologue + entries + kernel_question([name for name, _ in operators])


def by_header(entries):
    headers = {}
    for name, entry in entries:
        headers.setdefault(entry["header"], []).append((name, entry))
    return headers


def lines_of_headers(entries):
    lines = {}
    for entry in entries:
        for header in entry["headers"]:
            lines.setdefault(FOLDER + header, []).append(line_text(entry))
    return lines


def write_header(include, header, text):
    """CANN shows its headers in a second folder too; there is one text, so that a program may use both."""
    name = header.removeprefix(FOLDER)
    write(include / FOLDER / name, text)
    write(include / FOLDER / "level2" / name, f'#include "../{name}"\n')


def generate_operators(catalogue, functions, headers, include, source):
    operators, beside = load(catalogue), by_header(load(functions))
    of_header = by_header(operators)
    extra = json.loads(Path(headers).read_text(encoding="utf-8"))
    lines = lines_of_headers(extra["lines"])
    for header in of_header | beside:
        text = header_text(header, lines.get(header, []), beside.get(header, []), of_header.get(header, []))
        write_header(Path(include), header, text)
    for name, members in extra["collections"].items():
        write_header(Path(include), FOLDER + name, collection_text(FOLDER + name, members))
    write(Path(source), source_text(sorted(of_header), operators))


COMMANDS = {
    "operators": generate_operators,
    "doors": generate_doors,
    "function-doors": generate_function_doors,
    "later": generate_later,
}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
