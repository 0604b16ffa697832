"""Libraries of fake CANN installations: layouts, missing pieces, broken ones, the life of a process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cann.fakehome import FakeHome, error_of, run_python, value_of

DEVICES = "from ascend_ops._cann import rt\nresult = rt.device_count()"


def test_the_layout_of_8_1_loads(fake_home: FakeHome) -> None:
    fake_home.layout_81()
    assert value_of(DEVICES, ASCEND_HOME_PATH=str(fake_home.root)) == 3


def test_the_layout_of_8_5_loads(fake_home: FakeHome) -> None:
    fake_home.layout_85()
    assert value_of(DEVICES, ASCEND_HOME_PATH=str(fake_home.root)) == 3


def test_importing_the_binding_loads_no_library(fake_home: FakeHome) -> None:
    fake_home.layout_81()
    code = (
        "from ascend_ops._cann import api, nn, operators, rt\n"
        "from ascend_ops._cann.processmap import loaded_libraries\n"
        "result = [n for n in loaded_libraries() if 'acl' in n or 'nnop' in n]"
    )
    assert value_of(code, ASCEND_HOME_PATH=str(fake_home.root)) == []


def test_a_function_of_a_later_cann_fails_at_the_call_and_says_since_when(fake_home: FakeHome) -> None:
    fake_home.layout_81()
    code = "from ascend_ops._cann.api import acl\nacl.aclrtGetStreamAvailableNum"
    error = error_of(code, ASCEND_HOME_PATH=str(fake_home.root))
    assert "MissingFunctionError: aclrtGetStreamAvailableNum is in none of" in error
    assert "libascendcl.so. It exists since CANN 8.5." in error


def test_a_function_of_libacl_rt_is_found_in_8_5(fake_home: FakeHome) -> None:
    fake_home.layout_85()
    code = (
        "import ctypes\nfrom ascend_ops._cann.api import acl\n"
        "n = ctypes.c_uint32()\nresult = [acl.aclrtGetStreamAvailableNum(ctypes.byref(n)), n.value]"
    )
    assert value_of(code, ASCEND_HOME_PATH=str(fake_home.root)) == [0, 17]


def test_typed_pointers_refuse_the_wrong_kind_of_output(fake_home: FakeHome) -> None:
    fake_home.layout_81()
    code = (
        "import ctypes\nfrom ascend_ops._cann.api import acl\n"
        "acl.aclrtGetDeviceCount(ctypes.byref(ctypes.c_int64()))"
    )
    assert "ArgumentError: argument 1" in error_of(code, ASCEND_HOME_PATH=str(fake_home.root))


def test_a_name_that_nothing_declares_is_refused(fake_home: FakeHome) -> None:
    fake_home.layout_81()
    code = "from ascend_ops._cann.api import acl\nassert not hasattr(acl, 'aclNothing')\nacl.aclNothing"
    assert "no CANN function 'aclNothing' is known" in error_of(code, ASCEND_HOME_PATH=str(fake_home.root))


def test_dir_lists_runtime_functions_and_operators(fake_home: FakeHome) -> None:
    fake_home.layout_81()
    code = "from ascend_ops._cann.api import acl\nresult = dir(acl)"
    listed = value_of(code, ASCEND_HOME_PATH=str(fake_home.root))
    assert {
        "aclrtMalloc",
        "HcclAllReduce",
        "aclCreateTensor",
        "aclnnEchoGetWorkspaceSize",
        "aclnnEcho",
    } <= set(listed)


def test_a_home_with_a_missing_dependency_names_it(fake_home: FakeHome) -> None:
    fake_home.build("libascend_hal.so", "empty.c")
    fake_home.build("libascendcl.so", "runtime.c", needs=("libascend_hal.so",))
    (fake_home.lib / "libascend_hal.so").unlink()
    error = error_of(DEVICES, ASCEND_HOME_PATH=str(fake_home.root))
    assert "HomeError" in error
    assert "libascend_hal.so belongs to the NPU driver, which is not installed" in error


def test_a_dependency_that_is_there_but_not_found_means_set_env_was_not_sourced(fake_home: FakeHome) -> None:
    fake_home.build("libplain.so", "empty.c")
    library = fake_home.build("libascendcl.so", "runtime.c", "-Wl,-rpath,/nowhere", needs=("libplain.so",))
    # The helper's own run path would find it: cut it out of the finished file.
    data = library.read_bytes()
    library.write_bytes(data.replace(b"$ORIGIN", b"/nowher"))
    error = error_of(DEVICES, ASCEND_HOME_PATH=str(fake_home.root))
    assert "run `source set_env.sh` first" in error
    script = fake_home.root.parent / "set_env.sh"  # as beside ascend-toolkit/latest
    script.touch()
    error = error_of(DEVICES, ASCEND_HOME_PATH=str(fake_home.root))
    assert f"run `source {script}` first" in error


@pytest.mark.parametrize(
    ("content", "advice"),
    [(b"", "empty or cut off"), (b"not an ELF file" * 1000, "not a library for this processor")],
)
def test_a_file_that_is_no_library_is_named(fake_home: FakeHome, content: bytes, advice: str) -> None:
    (fake_home.lib / "libascendcl.so").write_bytes(content)
    error = error_of(DEVICES, ASCEND_HOME_PATH=str(fake_home.root))
    assert "libascendcl.so does not load" in error
    assert advice in error


def test_link_stubs_that_answer_100039_are_explained(fake_home: FakeHome) -> None:
    fake_home.layout_81("-DINIT_STATUS=100039")
    error = error_of(DEVICES, ASCEND_HOME_PATH=str(fake_home.root))
    assert "HomeError: aclInit answered 100039" in error
    assert "is a link stub" in error
    assert "driver" in error


def test_a_failing_aclinit_tells_the_home(fake_home: FakeHome) -> None:
    fake_home.layout_81("-DINIT_STATUS=500000")
    error = error_of(DEVICES, ASCEND_HOME_PATH=str(fake_home.root))
    assert "AclError: aclInit failed with 500000 (ACL_ERROR_INTERNAL_ERROR)" in error
    assert f"home: {fake_home.root}" in error


def test_a_failing_call_carries_the_library_s_text_and_the_arguments(fake_home: FakeHome) -> None:
    fake_home.layout_81()
    error = error_of(
        "from ascend_ops._cann import rt\nrt.set_device(9)", ASCEND_HOME_PATH=str(fake_home.root)
    )
    assert (
        "ParameterError: aclrtSetDevice failed with 107001 (ACL_ERROR_RT_INVALID_DEVICEID): device 9 refused"
    ) in error
    assert "deviceId: 9" in error


def test_finalising_happens_at_exit_when_we_initialised(fake_home: FakeHome) -> None:
    fake_home.layout_81()
    done = run_python(DEVICES, ASCEND_HOME_PATH=str(fake_home.root))
    assert done.stderr.count("aclFinalize was called") == 1


def test_finalising_is_left_to_whoever_initialised_first(fake_home: FakeHome) -> None:
    fake_home.layout_81("-DINIT_STATUS=100002")
    done = run_python(DEVICES, ASCEND_HOME_PATH=str(fake_home.root))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("package", ["torch_npu", "acl"])
def test_finalising_is_left_out_beside_another_user_of_acl(fake_home: FakeHome, package: str) -> None:
    fake_home.layout_81()
    done = run_python(
        f"import sys, types\nsys.modules[{package!r}] = types.ModuleType({package!r})\n{DEVICES}",
        ASCEND_HOME_PATH=str(fake_home.root),
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_is_called_after_finalising(fake_home: FakeHome) -> None:
    fake_home.layout_81()
    code = (
        "from ascend_ops._cann import nn, operators, rt\n"
        "address = rt.malloc(8)\nbound = operators.bind('aclnnPlan')\n"
        "size = bound.arguments([1])\nplan = bound.phase_one(size)\n"
        "rt.finalise()\nrt.finalise()\n"
        "rt.free(address)\nnn.destroy(nn.TensorHandle(1))\nnn.destroy_executor(plan.executor)\nresult = []\n"
        "calls = [rt.device_count, lambda: rt.malloc(8), lambda: operators.bind('aclnnEcho'),\n"
        "         lambda: bound.phase_one(size), lambda: bound.phase_two(plan, None, None),\n"
        "         bound.replay(plan, None, None), lambda: nn.create_int_array([1]),\n"
        "         lambda: nn.create_tensor((), 0, (), 0, 2, (1,), 0)]\n"
        "for call in calls:\n"
        "    try:\n        call()\n"
        "    except RuntimeError as error:\n        result.append(str(error))\n"
    )
    done = run_python(f"import json\n{code}\nprint(json.dumps(result))", ASCEND_HOME_PATH=str(fake_home.root))
    assert done.stdout.count("has been finalised") == 8
    assert done.stderr.splitlines() == ["aclFinalize was called"]


def test_a_forked_child_is_told_to_spawn(fake_home: FakeHome) -> None:
    fake_home.layout_81()
    code = (
        "import os, sys\nfrom ascend_ops._cann import operators, rt\n"
        "address = rt.malloc(8)\nbound = operators.bind('aclnnPlan')\nsize = bound.arguments([1])\n"
        "if os.fork() == 0:\n"
        "    rt.free(address)\n"
        "    for call in (rt.device_count, lambda: bound.phase_one(size)):\n"
        "        try:\n            call()\n"
        "        except RuntimeError as error:\n            print(error, flush=True)\n"
        "    sys.exit(0)\n"
        "os.wait()\nassert rt.device_count() == 3\n"
    )
    done = run_python(code, ASCEND_HOME_PATH=str(fake_home.root))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('get_context("spawn")') == 2
    assert done.stderr.splitlines() == ["aclFinalize was called"]


def test_a_child_forked_before_the_first_use_works(fake_home: FakeHome) -> None:
    fake_home.layout_81()
    code = (
        "import os\nfrom ascend_ops._cann import rt\n"
        "child = os.fork()\nassert rt.device_count() == 3\n"
        "if child:\n    assert os.wait()[1] == 0\n"
    )
    done = run_python(code, ASCEND_HOME_PATH=str(fake_home.root))
    assert done.returncode == 0, done.stderr


def test_a_cann_loaded_before_is_used_and_no_other(fake_home: FakeHome, tmp_path: Path) -> None:
    fake_home.layout_81()
    other = FakeHome(tmp_path / "other", fake_home.compiler).layout_81("-DINIT_STATUS=500000")
    load = f"import ctypes\nctypes.CDLL({str(fake_home.lib / 'libascendcl.so')!r})\n"
    assert value_of(load + DEVICES, ASCEND_HOME_PATH=str(other.root)) == 3
    error = error_of(load + DEVICES, ASCEND_OPS_HOME=str(other.root))
    assert "Two CANN stacks cannot live in one process" in error


def test_the_version_is_read_from_the_files_of_either_layout(fake_home: FakeHome) -> None:
    fake_home.layout_81()
    code = "from ascend_ops._cann import rt\nresult = rt.cann_version()"
    assert value_of(code, ASCEND_HOME_PATH=str(fake_home.root)) is None
    info = fake_home.root / f"{os.uname().machine}-linux"
    info.mkdir()
    (info / "ascend_toolkit_install.info").write_text("package_name=Ascend-cann-toolkit\nversion=8.1.RC1\n")
    assert value_of(code, ASCEND_HOME_PATH=str(fake_home.root)) == "8.1.RC1"
    new = fake_home.root / "share/info/runtime"
    new.mkdir(parents=True)
    (new / "version.info").write_text("Version=8.5.0\nversion_dir=cann-8.5.0\n")
    assert value_of(code, ASCEND_HOME_PATH=str(fake_home.root)) == "8.5.0"
