"""Operators' headers as CANN writes them: the right signature from each style and from all that exist."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cann.headers import NAME, PARAMS, STYLES

from ascend_ops._cann import homes, operators
from ascend_ops._cann.declarations import Declaration, find_declaration, parse
from ascend_ops._cann.errors import AscendError
from ascend_ops._cann.homes import stub_home

CATALOGUE = Path(__file__).parents[2] / "native_stubs" / "catalogue" / "operators.json"
TOOLKIT = Path(os.environ.get("ASCEND_TOOLKIT_HOME", "/usr/local/Ascend/ascend-toolkit/latest"))
FOLDERS = ("include", "*-linux/include", "opp/built-in/op_impl/ai_core/tbe/op_api/include")


def declared(text: str, name: str = NAME) -> Declaration:
    declaration = find_declaration(text, name, "aclnn_blend.h")
    assert declaration is not None
    return declaration


def catalogue() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, entry in json.loads(CATALOGUE.read_text(encoding="utf-8")).items():
        if not entry.get("experimental"):
            yield name, entry


@pytest.mark.parametrize("style", STYLES)
def test_the_signature_is_read_from_every_style(style: str) -> None:
    declaration = declared(STYLES[style])
    assert declaration.returns.split()[-1] == "aclnnStatus"
    assert [(p.name, p.ctype) for p in declaration.params] == PARAMS


@pytest.mark.parametrize("style", STYLES)
def test_both_phases_are_found_among_all_declarations(style: str) -> None:
    names = [declaration.name for declaration in parse(STYLES[style])]
    assert names.count(NAME) == names.count("aclnnBlend") == 1
    assert [p.name for p in declared(STYLES[style], "aclnnBlend").params] == [
        "workspace",
        "workspaceSize",
        "executor",
        "stream",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "aclnnStatus aclnnOther(int a); /* not aclnnBlendGetWorkspaceSize(int a); */",
        "// aclnnStatus aclnnBlendGetWorkspaceSize(int a);\n",
        '#define CALL aclnnBlendGetWorkspaceSize(1)\n#pragma message("aclnnBlendGetWorkspaceSize(1)")\n',
        "int aclnnInplaceBlendGetWorkspaceSize(int a); int aclnnBlendGetWorkspaceSizeV2(int a);",
        "inline int f(int a) { return aclnnBlendGetWorkspaceSize(a); }",
        "inline int f(int a) { int b = aclnnBlendGetWorkspaceSize(a); return b; }",
    ],
)
def test_a_header_that_only_mentions_a_function_does_not_declare_it(text: str) -> None:
    assert find_declaration(text, NAME, "aclnn_blend.h") is None


def test_a_declaration_may_be_repeated_but_not_contradicted() -> None:
    twice = "int f(int64_t a, bool);\nint f(int64_t, bool on);"
    assert [p.ctype for p in declared(twice, "f").params] == ["int64_t", "bool"]
    either = "#if NEW\nint f(int64_t a);\n#else\nint f(double a);\n#endif"
    with pytest.raises(
        AscendError, match=r"x\.h: .*f: it is declared in two ways: int f\(int64_t a\); int f\(dou"
    ):
        find_declaration(either, "f", "x.h")


def test_every_header_of_the_stand_in_gives_the_signature_of_the_catalogue() -> None:
    include = stub_home() / "include"
    for name, entry in catalogue():
        text = (include / entry["header"]).read_text(encoding="utf-8")
        params = [[p.ctype, p.name] for p in declared(text, f"{name}GetWorkspaceSize").params]
        assert params[:-2] == [param[:2] for param in entry["params"]], name
        assert [ctype for ctype, _ in params[-2:]] == ["uint64_t *", "aclOpExecutor **"], name


@pytest.mark.parametrize(
    ("operator", "header", "respelt"),
    [
        (
            "aclnnMoeTokenUnpermuteGrad",
            "aclnn_moe_token_unpermute_grad.h",
            ("permutedTokens,", "permuteTokens,"),
        ),
        ("aclnnIsClose", "aclnn_isclose.h", ("equal_nan", "equalNan")),
        ("aclnnInplaceAdd", "aclnn_add.h", ("selfRef", "ref")),
        ("aclnnGroupedMatmulV5", "aclnn_grouped_matmul_v5.h", ("Optional", "")),
    ],
)
def test_a_header_without_comments_and_with_other_names_gives_the_documented_signature(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operator: str, header: str, respelt: tuple[str, str]
) -> None:
    """CANN's headers do not tell what is an output, and its releases spell parameters in several ways."""
    signature = operators.signature.__wrapped__
    expected = signature(operator).params
    text = (stub_home() / "include/aclnnop" / header).read_text(encoding="utf-8")
    here = tmp_path / "include/aclnnop" / header
    here.parent.mkdir(parents=True)
    here.write_text(re.sub(r"/\*.*?\*/", "", text).replace(*respelt))
    monkeypatch.setattr(homes, "_found", homes.make_home(tmp_path, "test"))
    assert signature(operator) == operators.Signature(operator, expected, here)


@pytest.mark.parametrize(
    ("declared", "documented", "named"),
    [
        ("int64_t a, int64_t other", "int64_t a, int64_t b", ["a", "b"]),
        ("const aclTensor *x, aclTensor *z", "const aclTensor *x, const aclTensor *y", ["x", "y"]),
        ("int64_t b, int64_t a", "int64_t a, int64_t b", ["b", "a"]),
        ("int64_t b, int64_t c", "int64_t a, int64_t b", ["b", "c"]),
        ("int64_t a, int64_t c", "int64_t a, double b", ["a", "c"]),
        ("int64_t a, int64_t c", "int64_t a", ["a", "c"]),
    ],
)
def test_a_name_changes_only_where_the_types_agree_and_none_has_moved(
    declared: str, documented: str, named: list[str]
) -> None:
    (here,), (there,) = (list(parse(f"int f({params});")) for params in (declared, documented))
    assert [each.name for each in operators._named(list(here.params), list(there.params))] == named


@pytest.mark.skipif(not TOOLKIT.is_dir(), reason="no CANN on this machine (ASCEND_TOOLKIT_HOME)")
def test_every_header_of_an_installed_cann_agrees_with_the_catalogue() -> None:
    """In the types, but for const: CANN has changed names and constness, never a type."""
    paths = [path for folder in FOLDERS for path in TOOLKIT.glob(f"{folder}/aclnnop/**/*.h")]
    known = {f"{name}GetWorkspaceSize": entry["params"] for name, entry in catalogue()}
    seen = set()
    for path in paths:
        text = path.read_text(errors="replace")
        for name in {each.name for each in parse(text)} & set(known):
            types = [p.ctype.removeprefix("const ") for p in declared(text, name).params]
            assert types[:-2] == [param[0].removeprefix("const ") for param in known[name]], name
            seen.add(name)
    assert len(seen) > 500
