"""Operators' headers as CANN writes them: the right signature from each style and from all that exist."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cann.headers import NAME, PARAMS, STYLES

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
