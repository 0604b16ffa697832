"""The C parser, on the oddities of real headers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ascend_ops._cann.declarations import Declaration, Parameter, normalise, parse, parse_one
from ascend_ops._cann.errors import AscendError


def types_of(text: str) -> list[str]:
    return [p.ctype for p in parse_one(text).params]


def test_a_declaration_gives_name_result_and_parameters() -> None:
    declaration = parse_one(
        "ACLNN_API aclnnStatus aclnnAbsGetWorkspaceSize(const aclTensor* self, aclTensor *out);"
    )
    assert declaration == Declaration(
        "aclnnAbsGetWorkspaceSize",
        "aclnnStatus",
        (Parameter("self", "const aclTensor *"), Parameter("out", "aclTensor *")),
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("const  aclTensor\t*", "const aclTensor *"),
        ("aclTensor const *", "const aclTensor *"),
        ("const aclTensor *const", "const aclTensor *"),
        ("void*", "void *"),
        ("void * *", "void **"),
        ("const void **", "const void **"),
        ("const aclTensor *const *", "const aclTensor *const *"),
        ("const int32_t", "int32_t"),
        ("struct HcclComm *", "HcclComm *"),
        ("unsigned  int", "unsigned int"),
    ],
)
def test_one_type_has_one_spelling(written: str, meant: str) -> None:
    assert normalise(written) == meant


@pytest.mark.parametrize(
    "prefix",
    [
        "ACL_FUNC_VISIBILITY",
        'extern "C"',
        '__attribute__((visibility("default")))',
        '__attribute__ ((visibility("default")))',
        'ACL_DEPRECATED_MESSAGE("use aclnnAbsV2 (the new one) instead") ACL_FUNC_VISIBILITY',
        "[[deprecated]]",
        "extern",
        "enum Reduction { None = 0, Mean = 1 };",
        "typedef enum { A, B } Kind;",
        "#endif/** closes the guard */\n",
        "// ACLNN_API int commented_out(int a);\n",
        "/* int commented_out(int a); */",
        "#define F(x) \\\n  int f(int x);\n",
        '#ifdef __cplusplus\nextern "C" {\n#endif\n',
    ],
)
def test_what_stands_before_a_declaration_is_left_out(prefix: str) -> None:
    declaration = parse_one(f"{prefix} aclnnStatus aclnnAbs(void *workspace);")
    assert (declaration.name, declaration.returns) == ("aclnnAbs", "aclnnStatus")


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("int f();", []),
        ("int f(void);", []),
        ("int f(const char *name /* of it */, // why\n  bool on);", ["const char *", "bool"]),
        ("int f(int64_t n = 0, bool on = true);", ["int64_t", "bool"]),
        ("int f(const int64_t dims[], int32_t pair[2]);", ["const int64_t *", "int32_t *"]),
        ("int f(int64_t, const char *);", ["int64_t", "const char *"]),
        ("int f(const char *format, ...);", ["const char *"]),
        ("int\nf\n(\nuint64_t*size,aclOpExecutor**executor\n)\n;", ["uint64_t *", "aclOpExecutor **"]),
        ("inline int f(int a) { return a; }", ["int"]),
    ],
)
def test_parameters_of_every_form_are_read(text: str, types: list[str]) -> None:
    assert types_of(text) == types


def test_a_variadic_function_is_marked() -> None:
    assert parse_one("void aclAppLog(int level, const char *format, ...);").variadic


def test_two_functions_after_one_another_are_both_found() -> None:
    text = "int first(int a);\n/** about second(x); */\nint second(int b);\n"
    assert [d.name for d in parse(text)] == ["first", "second"]


def test_function_pointers_and_calls_are_not_declarations() -> None:
    text = "typedef void (*aclrtCallback)(void *userData);\nint g(int a) { return f(a); }"
    assert [d.name for d in parse(text)] == ["g"]


def test_text_without_a_declaration_is_refused() -> None:
    with pytest.raises(AscendError, match="found 0"):
        parse_one("#define NOTHING 1")


NAMES = st.from_regex(r"[a-z][A-Za-z0-9]{0,12}", fullmatch=True).map(lambda name: f"p{name}")
TYPES = st.sampled_from(
    ["int64_t", "bool", "double", "const aclTensor *", "aclTensorList *", "char *", "void **"]
)
SPACES = st.sampled_from([" ", "\n", "\t ", " /* , ( */ ", " // ; )\n"])


@settings(max_examples=40)
@given(
    params=st.lists(st.tuples(NAMES, TYPES), max_size=8, unique_by=lambda p: p[0]), space=SPACES, gap=SPACES
)
def test_any_declaration_survives_any_layout(params: list[tuple[str, str]], space: str, gap: str) -> None:
    written = ",".join(f"{gap}{ctype.replace(' ', space)}{space}{name}{gap}" for name, ctype in params)
    parsed = parse_one(f"aclnnStatus{space}aclnnX{gap}({written}){gap};")
    assert [(p.name, p.ctype) for p in parsed.params] == params


@settings(max_examples=40)
@given(params=st.lists(st.tuples(NAMES, TYPES), max_size=5, unique_by=lambda p: p[0]))
def test_printing_and_parsing_a_declaration_gives_it_back(params: list[tuple[str, str]]) -> None:
    declaration = Declaration("f", "int", tuple(Parameter(name, ctype) for name, ctype in params))
    assert parse_one(f"{declaration};") == declaration
