"""A custom package from source to call: built against the stand-in's headers, found in every way CANN has."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cann.fakehome import FAKES, error_of, run_python, value_of

from ascend_ops._cann.errors import HomeError
from ascend_ops._cann.homes import stub_home

pytestmark = pytest.mark.stand_in(reason="the package is built for the stand-in")


SOURCE = FAKES / "custom" / "scale_add.c"
HEADER = FAKES / "custom" / "include" / "aclnn_scale_add.h"

PRELUDE = """
import numpy as np
import ascend_ops as ao
x, other = np.array([1, 2, 3], np.float32), np.array([10, 20, 30], np.float32)

def scale_add():
    out = ao.ops.scale_add(x, other, 0.5, [1, 2], out=ao.empty(3, ao.float32))
    return out.numpy().tolist()

def scaled_abs(*arguments):
    return ao.ops.abs(-x, *arguments, out=ao.empty(3, ao.float32)).numpy().tolist()
"""
SUM = [16.0, 32.0, 48.0]  # x + 0.5 * (1 + 2) * other
BUILT_IN, OWN = ["self", "out"], ["self", "factor", "out"]
ABS = "[p.name for p in ao.ops.signature('aclnnAbs').params]"


@pytest.fixture(scope="module")
def home() -> Path:
    try:
        return stub_home()
    except HomeError:
        pytest.skip("needs the stand-in's headers and libraries")


@pytest.fixture(scope="module")
def package(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vendor's directory; its library has no run path, as those that CANN's tools build."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler to build a custom package")
    root = tmp_path_factory.mktemp("vendors") / "mine"
    library = root / "op_api/lib/libcust_opapi.so"
    library.parent.mkdir(parents=True)
    with_headers_only(root)
    include = [f"-I{path}" for path in (HEADER.parent, home / "include", home / "include/aclnnop")]
    links = [f"-L{home / 'lib64'}", "-lopapi", "-lnnopbase", "-lascendcl"]
    command = [compiler, "-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", str(library)]
    subprocess.run([*command, str(SOURCE), *include, *links], check=True)
    return root


def with_headers_only(root: Path) -> Path:
    (root / "op_api/include").mkdir(parents=True)
    shutil.copy(HEADER, root / "op_api/include")
    return root


def value(home: Path, code: str, **environment: str) -> Any:
    return value_of(f"{PRELUDE}\n{code}", ASCEND_OPS_HOME=str(home), **environment)


def error(home: Path, code: str, **environment: str) -> str:
    return error_of(f"{PRELUDE}\n{code}", ASCEND_OPS_HOME=str(home), **environment)


@pytest.mark.parametrize("way", ["environment", "vendors", "directory", "library"])
def test_a_package_is_found_and_called(home: Path, package: Path, way: str) -> None:
    code, environment = "", {}
    if way == "environment":
        environment["ASCEND_CUSTOM_OPP_PATH"] = str(package)
    elif way == "vendors":
        (package.parent / "config.ini").write_text(f"load_priority={package.name}\n")
        opp = package.parent.parent / "opp"
        opp.mkdir(exist_ok=True)
        (opp / "vendors").symlink_to(package.parent)
        environment["ASCEND_OPP_PATH"] = str(opp)
    else:
        path = package if way == "directory" else package / "op_api/lib/libcust_opapi.so"
        code = f"assert ao.load_custom({str(path)!r}) == ('aclnnAbs', 'aclnnHalfOfInt8', 'aclnnScaleAdd')\n"
    code += f"result = [scale_add(), scaled_abs(2.5), {ABS}]"
    assert value(home, code, **environment) == [SUM, [2.5, 5.0, 7.5], OWN]


def test_a_package_can_be_loaded_after_the_first_use(home: Path, package: Path) -> None:
    """What it redefines is bound anew; before, it was the built-in operator."""
    code = f"""
before = {ABS}
ao.stub.kernel("aclnnAbs")(lambda out: out.fill(-1))
result = [before, scaled_abs()]
ao.stub.unregister("aclnnAbs")
ao.load_custom({str(package)!r})
result += [{ABS}, scaled_abs(2), scale_add()]
"""
    assert value(home, code) == [BUILT_IN, [-1.0] * 3, OWN, [2.0, 4.0, 6.0], SUM]


def test_the_package_loaded_last_comes_first(home: Path, package: Path, tmp_path: Path) -> None:
    second = tmp_path / "second"
    shutil.copytree(package, second)
    header = second / "op_api/include" / HEADER.name
    header.write_text(header.read_text().replace("double factor", "double scale"))
    names = "[p.name for p in ao.ops.signature('aclnnAbs').params][1]"
    code = "result = []\n"
    for path in (package, second, package):
        code += f"ao.load_custom({str(path)!r})\nresult.append({names})\n"
    assert value(home, code) == ["factor", "scale", "factor"]


def test_a_package_may_forward_to_built_in_operators(home: Path, package: Path) -> None:
    code = f"ao.load_custom({str(package)!r})\n"
    code += "out = ao.ops.half_of_int8(np.arange(4, dtype=np.int8), np.full(1, 0.5, np.float32),\n"
    code += "                          y=ao.empty(4, ao.float16))\nresult = out.numpy().tolist()"
    assert value(home, code) == [0.0, 0.5, 1.0, 1.5]


def test_a_refusal_of_a_custom_operator_is_an_error_with_its_text(home: Path, package: Path) -> None:
    code = f"ao.load_custom({str(package)!r})\nx = x.astype(np.float16)\nscale_add()"
    text = error(home, code)
    assert (
        "ParameterError: aclnnScaleAddGetWorkspaceSize failed with 161002 (ACLNN_ERR_PARAM_INVALID): "
        "aclnnScaleAdd takes float tensors of one axis"
    ) in text
    assert "factors: [1, 2]" in text


def test_a_python_kernel_wins_over_a_package_s_own(home: Path, package: Path) -> None:
    code = f"""
ao.load_custom({str(package)!r})
def kernel(factors, alpha, out):
    out[...] = sum(factors) * alpha
with ao.stub.kernel("aclnnScaleAdd")(kernel):
    result = [scale_add()]
result.append(scale_add())
"""
    assert value(home, code) == [[1.5] * 3, SUM]


PYTHON_KERNEL = """
def kernel(x, other, alpha, factors, out):
    assert not x.flags.writeable and out.flags.writeable
    out[...] = x + alpha * sum(factors) * other

def check(alpha):
    if alpha > 1:
        raise ValueError("alpha is more than 1")
"""


def test_an_operator_of_which_there_is_only_a_header_runs_in_python(home: Path, tmp_path: Path) -> None:
    root = with_headers_only(tmp_path / "headers")
    code = f"""{PYTHON_KERNEL}
ao.load_custom({str(root)!r})
result = []
with ao.stub.kernel("aclnnScaleAdd", check=check)(kernel):
    result.append(scale_add())
    with ao.Stream() as stream:
        result.append(scale_add())
    try:
        ao.ops.scale_add(x, other, 1.5, [1], out=ao.empty(3, ao.float32))
    except ao.ParameterError as error:
        result.append(error.message)
try:
    scale_add()
except ao.UnsupportedError as error:
    result.append(error.code)
"""
    refused = "aclnnScaleAddGetWorkspaceSize: alpha is more than 1"
    assert value(home, code) == [SUM, SUM, refused, 561003]


EVERY_KIND = """
#include "aclnn/aclnn_base.h"
aclnnStatus aclnnEveryKindGetWorkspaceSize(
    const aclTensorList *xs, const aclScalar *one, const aclScalarList *many, const aclBoolArray *mask,
    const aclFloatArray *weights, float small, double exact, bool flag, const char *name, int8_t tiny,
    uint64_t large, aclDataType dtype, char *missingOptional, aclTensor *countRef, aclTensor *out,
    uint64_t *workspaceSize, aclOpExecutor **executor);
aclnnStatus aclnnEveryKind(void *workspace, uint64_t workspaceSize, aclOpExecutor *executor,
                           aclrtStream stream);
"""
ONE_EACH = """
got = {}
def kernel(xs, count_ref, out, **others):
    got.update(others)
    count_ref += len(xs)
    np.copyto(out, xs[1])
count, out = ao.asarray(np.int32(40)), ao.empty(3, ao.float32)
with ao.stub.kernel("aclnnEveryKind")(kernel):
    ao.ops.every_kind([other, x], 2.5, [1, -2], [True, False], [0.5], 0.1, 0.1, True, "name", -128, 2**64 - 1,
                      ao.bfloat16, None, count, out=out)
result = [count.numpy().tolist(), out.numpy().tolist(), got.pop("dtype") is ao.bfloat16, got]
"""


def test_every_kind_of_argument_reaches_a_python_kernel_by_a_header_alone(home: Path, tmp_path: Path) -> None:
    (tmp_path / "op_api/include").mkdir(parents=True)
    (tmp_path / "op_api/include/aclnn_every_kind.h").write_text(EVERY_KIND)
    *results, attributes = value(home, ONE_EACH, ASCEND_CUSTOM_OPP_PATH=str(tmp_path))
    assert results == [42, [1.0, 2.0, 3.0], True]
    assert attributes == {
        "one": 2.5,
        "many": [1, -2],
        "mask": [True, False],
        "weights": [0.5],
        "small": 0.10000000149011612,  # the float next to 0.1
        "exact": 0.1,
        "flag": True,
        "name": "name",
        "tiny": -128,
        "large": 2**64 - 1,
        "missing_optional": None,
    }


def test_without_library_and_kernel_the_error_says_what_to_do(home: Path, tmp_path: Path) -> None:
    root = with_headers_only(tmp_path / "headers")
    text = error(home, "scale_add()", ASCEND_CUSTOM_OPP_PATH=str(root))
    assert "MissingFunctionError: aclnnScaleAddGetWorkspaceSize is in none of" in text
    assert "write its kernel in Python for the stand-in: ao.stub.kernel" in text


def test_a_built_in_operator_is_not_called_by_the_header_of_a_package_without_it(
    home: Path, tmp_path: Path
) -> None:
    """The package's header has an argument more; the library that would want it is not there."""
    root = with_headers_only(tmp_path / "headers")
    assert value(home, f"result = {ABS}", ASCEND_CUSTOM_OPP_PATH=str(root)) == BUILT_IN


def test_a_library_of_another_machine_is_passed_over_with_a_warning(home: Path, tmp_path: Path) -> None:
    root = with_headers_only(tmp_path / "npu")
    (root / "op_api/lib").mkdir()
    library = root / "op_api/lib/libcust_opapi.so"
    library.write_bytes(b"made for an NPU")
    code = f"{PRELUDE}{PYTHON_KERNEL}\nao.stub.kernel('aclnnScaleAdd')(kernel)\nprint(scale_add(), {ABS})"
    for load, warned in (
        ("", "custom operators are passed over"),
        ("ao.load_custom({!r})\n", "only the headers"),
    ):
        before = code.replace("\nao.stub", "\n" + load.format(str(root)) + "ao.stub")
        variable = {} if load else {"ASCEND_CUSTOM_OPP_PATH": str(root)}
        done = run_python(before, ASCEND_OPS_HOME=str(home), **variable)
        assert done.stdout.splitlines() == [f"{SUM} {BUILT_IN}"], done.stderr
        assert f"RuntimeWarning: {warned}" in done.stderr
        assert f"{library} does not load" in done.stderr


def test_what_is_no_package_is_refused(home: Path, tmp_path: Path) -> None:
    text = error(home, f"ao.load_custom({str(tmp_path)!r})")
    assert f"ValueError: path: {tmp_path} is no library and has none at op_api/lib/libcust_opapi.so" in text
    (tmp_path / "broken.so").write_bytes(b"")
    text = error(home, f"ao.load_custom({str(tmp_path / 'broken.so')!r})")
    assert f"HomeError: {tmp_path}/broken.so does not load" in text


def test_redefined_operators_are_found_as_collisions(home: Path, package: Path) -> None:
    code = f"""
from ascend_ops._cann.collisions import collisions
from ascend_ops._cann.homes import find_home
ao.load_custom({str(package)!r})
result = [(each.name, str(each.taken), each.same_signature) for each in collisions(find_home())]
"""
    assert value(home, code) == [["aclnnAbs", f"{package}/op_api/lib/libcust_opapi.so", False]]
