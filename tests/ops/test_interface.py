"""`ops/__init__.pyi` is what the generator writes, and its calls are those understood at run time."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import ascend_ops as ao
from ascend_ops.ops import _generic, _interface
from ascend_ops.ops._binding import MISSING
from ascend_ops.ops._generic import Operator
from ascend_ops.ops._signature import Parameter

pytestmark = pytest.mark.stand_in(reason="the file describes the operators of the stand-in's headers")

Call = tuple[int, frozenset[str]]  # how many by position, which by name

STUB = ast.parse(_interface.FILE.read_text(encoding="utf-8"))
BY_HAND: list[str] = vars(ao.ops)["__all__"]
# Those that launch operators and do nothing else.
PREPARABLE = {
    *("ascend_anti_quant", "dequant_rope_quant_kvcache", "dynamic_quant_v2", "nsa_compress"),
    *("quant_matmul_all_reduce_v2", "trans_quant_param_v2"),
}


def functions() -> dict[str, list[ast.FunctionDef]]:
    """The calls of every operator of the file: a function, or an object whose class has overloads."""
    found = {node.name: [node] for node in STUB.body if isinstance(node, ast.FunctionDef)}
    classes = {node.name: node for node in STUB.body if isinstance(node, ast.ClassDef)}
    for node in STUB.body:
        if isinstance(node, ast.AnnAssign) and (kind := classes.get(ast.unparse(node.annotation))):
            found[ast.unparse(node.target)] = [*overloads(kind)]
    return found


def overloads(kind: ast.ClassDef) -> Iterator[ast.FunctionDef]:
    """As if they were functions: without the object itself."""
    for node in kind.body:
        assert isinstance(node, ast.FunctionDef)
        assert [*map(ast.unparse, node.decorator_list)] == ["overload"]
        assert node.args.args.pop(0).arg == "_operator"
        yield node


FUNCTIONS = functions()


def generated() -> Iterator[tuple[Operator, list[ast.FunctionDef]]]:
    for name, overloads in FUNCTIONS.items():
        if name not in BY_HAND:
            yield getattr(ao.ops, name), overloads


def required(node: ast.FunctionDef) -> frozenset[str]:
    """What a call must give."""
    args = node.args
    plain = args.args[: len(args.args) - len(args.defaults)]
    named = [arg for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True) if default is None]
    return frozenset(arg.arg for arg in (*plain, *named))


def stub_understands(overloads: list[ast.FunctionDef], call: Call) -> bool:
    """By Python's rules for calls, whether one of the overloads takes it."""
    count, named = call
    for node in overloads:
        names = [arg.arg for arg in node.args.args]
        by_position = frozenset(names[:count])
        allowed = {*names[count:], *(arg.arg for arg in node.args.kwonlyargs)}
        if count <= len(names) and named <= allowed and required(node) <= by_position | named:
            return True
    return False


def run_time_understands(operator: Operator, call: Call) -> bool:
    """Whether the call is bound to parameters and no output lacks that no rule can make."""
    count, named = call
    outputs = operator.signature.outputs
    given: dict[str, Any] = dict.fromkeys(named, 0)
    if len(outputs) > 1 and named & {"out", *names(outputs)} == {"out"}:
        given["out"] = (0,) * len(outputs)
    try:
        values = operator._binding.bind((0,) * count, given)
    except TypeError:
        return False
    lacking = [p for p, value in zip(operator.signature.params, values, strict=True) if value is MISSING]
    return all(param.optional or param.c_name in operator.rules for param in lacking)


def calls(operator: Operator) -> Iterator[Call]:
    """As many arguments by position as there may be, and one more; what else is needed by name, all or none
    of what is not, one of the needed left out, one too many; outputs under their names or together."""
    inputs, outputs = operator.signature.inputs, operator.signature.outputs
    each = names(outputs)
    needed = frozenset(p.name for p in outputs if not p.optional and p.c_name not in operator.rules)
    for count in range(len(inputs) + 2):
        rest = inputs[count:]
        least = names(param for param in rest if not param.optional)
        for given in ({*needed}, {*each}, {"out"}, set[str]()):
            yield count, least | given
        yield count, names(rest) | each
        yield count, least | needed | {"no_such_name"}
        for name in least | needed:
            yield count, (least | needed) - {name}


def names(params: Any) -> frozenset[str]:
    return frozenset(param.name for param in params)


def test_the_file_is_what_the_generator_writes() -> None:
    wanted = _interface.text()
    assert _interface.FILE.read_text(encoding="utf-8") == wanted, f"out of date; run {_interface.COMMAND}"


def test_the_command_writes_the_file_and_its_check_tells_whether_that_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ASCEND_OPS_HOME", "stub")
    monkeypatch.setattr(_interface, "FILE", tmp_path / "__init__.pyi")
    monkeypatch.setattr(_interface, "text", lambda: "as it should be\n")
    assert _interface.main(["--check"]) == 1
    assert _interface.COMMAND in capsys.readouterr().err
    assert not _interface.FILE.exists()
    assert _interface.main([]) == 0
    assert _interface.FILE.read_text() == "as it should be\n"
    assert _interface.main(["--check"]) == 0
    _interface.FILE.write_text("as it was\n")
    assert _interface.main(["--check"]) == 1


def test_it_has_every_operator() -> None:
    assert sorted({*FUNCTIONS, *imported()}) == sorted({*_generic.names(), *BY_HAND})


def test_every_operator_has_prepare() -> None:
    bases = {node.name: ast.unparse(node.bases[0]) for node in STUB.body if isinstance(node, ast.ClassDef)}
    for node in STUB.body:
        if isinstance(node, ast.FunctionDef) and node.name != "signature":
            assert [*map(ast.unparse, node.decorator_list)] == ["preparable"]
        elif isinstance(node, ast.AnnAssign) and (base := bases.get(ast.unparse(node.annotation))):
            assert base.startswith("_Overloaded["), base
    for name in BY_HAND:
        assert hasattr(getattr(ao.ops, name), "prepare") == (name in PREPARABLE), name


def test_functions_written_by_hand_have_the_types_of_their_modules() -> None:
    assert imported() == {name: getattr(ao.ops, name).__module__ for name in BY_HAND if name != "signature"}
    (stub,) = FUNCTIONS["signature"]
    assert [arg.arg for arg in stub.args.args] == [*inspect.signature(ao.ops.signature).parameters]


def imported() -> dict[str, str | None]:
    """The functions that the file takes from other modules, under their names there, and these modules."""
    lines = [node for node in STUB.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: node.module for node in lines for alias in node.names if alias.asname == alias.name}


def test_parameters_are_those_of_the_run_time_signatures() -> None:
    for operator, overloads in generated():
        expected = [*inspect.signature(operator).parameters]
        for node in overloads:
            found = [arg.arg for arg in (*node.args.args, *node.args.kwonlyargs)]
            assert found == [name for name in expected if name in found], operator
        together = {arg.arg for node in overloads for arg in (*node.args.args, *node.args.kwonlyargs)}
        assert together == {*expected}, operator


def test_optional_parameters_have_the_default_none() -> None:
    for operator, overloads in generated():
        optional = {param.name for param in operator.signature.inputs if param.optional}
        defaults = {name: default for node in overloads for name, default in shown_defaults(node)}
        assert {name for name in names(operator.signature.inputs) if name in defaults} == optional, operator
        assert {defaults[name] for name in optional} <= {"None"}, operator


def shown_defaults(node: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    args = node.args
    for arg, default in zip(reversed(args.args), reversed(args.defaults), strict=False):
        yield arg.arg, ast.unparse(default)
    for arg, named in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        if named is not None:
            yield arg.arg, ast.unparse(named)


def test_it_takes_the_calls_that_are_understood_at_run_time_and_no_others() -> None:
    for operator, overloads in generated():
        for call in calls(operator):
            assert stub_understands(overloads, call) == run_time_understands(operator, call), (operator, call)


def test_there_are_as_many_results_as_the_operator_returns() -> None:
    for operator, overloads in generated():
        for node in overloads:
            assert node.returns is not None
            assert [*results(node.returns)] == [*map(result, operator.signature.results)], operator


def results(returns: ast.expr) -> Iterator[str]:
    """Tensor, or tuple for a list, for each result; None beside it is a matter of the rules."""
    text = ast.unparse(returns)
    if text == "None":
        return
    several = text.startswith("tuple[") and not text.startswith("tuple[Tensor, ...]")
    assert not several or isinstance(returns, ast.Subscript)
    each = returns.slice.elts if several else [returns]  # type: ignore[attr-defined]
    yield from (ast.unparse(one).removesuffix(" | None") for one in each)


def result(param: Parameter) -> str:
    return "tuple[Tensor, ...]" if param.kind.name == "TENSOR_LIST" else "Tensor"
