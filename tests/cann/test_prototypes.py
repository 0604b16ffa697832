"""The table of runtime prototypes against the headers, and its ctypes meaning."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ascend_ops._cann import enums, prototypes, status
from ascend_ops._cann.declarations import Declaration, parse, parse_one
from ascend_ops._cann.errors import AscendError
from ascend_ops._cann.vocabulary import ctype_of, signature_of

HEADERS = Path(__file__).parents[2] / "native_stubs" / "include"


def declared() -> dict[str, Declaration]:
    return {d.name: d for path in sorted(HEADERS.rglob("*.h")) for d in parse(path.read_text())}


def shape(declaration: Declaration) -> tuple[str, list[str], bool]:
    return declaration.returns, [p.ctype for p in declaration.params], declaration.variadic


def test_every_prototype_parses_and_has_ctypes_types() -> None:
    table = prototypes.table()
    assert len(table) == 492
    for name, prototype in table.items():
        assert prototype.declaration.name == name
        result, arguments = signature_of(prototype.declaration)
        assert len(arguments) == len(prototype.declaration.params)
        assert result is not None or prototype.declaration.returns == "void"


def test_prototypes_agree_with_the_headers_of_the_stand_in() -> None:
    headers = declared()
    common = headers.keys() & prototypes.table().keys()
    assert len(common) > 100
    different = {n for n in common if shape(headers[n]) != shape(prototypes.table()[n].declaration)}
    assert {n: (shape(headers[n]), prototypes.table()[n].text) for n in different} == {}


@pytest.mark.parametrize(
    ("name", "family", "since"),
    [
        ("aclInit", "runtime", "8.1"),
        ("aclrtLaunchHostFunc", "runtime", "8.5"),
        ("aclrtRecordEventWithFlag", "runtime", "9.2"),
        ("aclCreateTensor", "nnopbase", "8.1"),
        ("HcclAllReduce", "hccl", "8.1"),
        ("HcclGroupStart", "hccl", "9.0"),
        ("aclplatformGetDeviceInfo", "platform", "9.1"),
    ],
)
def test_a_prototype_tells_its_library_family_and_first_release(name: str, family: str, since: str) -> None:
    prototype = prototypes.find(name)
    assert prototype is not None
    assert (prototype.family, prototype.since) == (family, since)


def test_an_operator_is_not_in_the_table() -> None:
    assert prototypes.find("aclnnAbs") is None


@pytest.mark.parametrize(
    ("ctype", "typed", "loose"),
    [
        ("size_t", ctypes.c_size_t, ctypes.c_size_t),
        ("aclrtMemcpyKind", ctypes.c_int, ctypes.c_int),
        ("aclrtStream", ctypes.c_void_p, ctypes.c_void_p),
        ("aclrtCallback", ctypes.c_void_p, ctypes.c_void_p),
        ("const char *", ctypes.c_char_p, ctypes.c_char_p),
        ("void *", ctypes.c_void_p, ctypes.c_void_p),
        ("void **", ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p),
        ("aclrtStream *", ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p),
        ("uint32_t *", ctypes.POINTER(ctypes.c_uint32), ctypes.c_void_p),
        ("const int64_t *", ctypes.POINTER(ctypes.c_int64), ctypes.c_void_p),
        ("aclrtEventRecordedStatus *", ctypes.POINTER(ctypes.c_int), ctypes.c_void_p),
        ("const aclTensor *const *", ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p),
        ("const aclTensor *", ctypes.c_void_p, ctypes.c_void_p),
    ],
)
def test_a_c_type_becomes_the_ctypes_type_of_its_abi(ctype: str, typed: object, loose: object) -> None:
    assert (ctype_of(ctype), ctype_of(ctype, typed_pointers=False)) == (typed, loose)


@pytest.mark.parametrize(
    ("ctype", "size"),
    [("aclrtIpcEventHandle", 64), ("aclrtMemManagedLocation", 8), ("dim3", 12), ("HcclConfigValue", 4)],
)
def test_a_structure_passed_by_value_has_its_c_size(ctype: str, size: int) -> None:
    assert ctypes.sizeof(ctype_of(ctype)) == size


def test_a_type_of_unknown_size_is_refused_with_the_function_s_name() -> None:
    with pytest.raises(AscendError, match=r"aclNew: cannot pass the C type 'aclNewStruct' by value"):
        signature_of(parse_one("aclError aclNew(aclNewStruct config);"))


def c_names() -> dict[str, int]:
    """C name -> value of what Python knows under a derived or the same name."""
    names = {f"ACL_{m.name}": int(m) for m in enums.DataType if m != enums.DataType.UNDEFINED}
    names |= {f"ACL_FORMAT_{m.name}": int(m) for m in enums.Format if m.name != "FRACTAL_Z_3D"}
    names |= {f"ACL_MEMCPY_{m.name}": int(m) for m in enums.MemcpyKind}
    names |= {f"ACL_EVENT_{m.name}": int(m) for m in enums.EventFlag}
    names |= {f"HCCL_REDUCE_{m.name}": int(m) for m in enums.HcclReduceOp}
    names |= {f"HCCL_DATA_TYPE_{m.name}": int(m) for m in enums.HcclDataType}
    for codes in (
        status.AclStatus,
        status.RuntimeStatus,
        status.GraphStatus,
        status.AclnnStatus,
        status.HcclStatus,
    ):
        names |= {name: int(member) for name, member in codes.__members__.items()}
    return names


def test_enums_and_status_codes_have_the_values_a_compiler_sees(tmp_path: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler to read the headers")
    words = {word for path in HEADERS.rglob("*.h") for word in re.findall(r"\w+", path.read_text())}
    known = {name: value for name, value in c_names().items() if name in words}
    assert len(known) > 250
    lines = [f'#include "{header}"' for header in ("acl/acl.h", "aclnn/opdev/op_errno.h", "hccl/hccl.h")]
    lines += [f'_Static_assert((int){name} == {value}, "{name}");' for name, value in known.items()]
    source = tmp_path / "values.c"
    source.write_text("\n".join(lines) + "\n")
    command = [compiler, "-std=gnu11", "-fsyntax-only", f"-I{HEADERS}", str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_enums_made_on_demand_are_found_by_name() -> None:
    assert enums.HcclReduceOp.MIN == 3
    assert enums.SysParamOpt.DETERMINISTIC == 0
    assert all(issubclass(getattr(enums, name), int) for name in enums.__all__)
    with pytest.raises(AttributeError, match="NoSuchEnum"):
        _ = enums.NoSuchEnum
