"""Operators by the files of a home: exported functions read from libraries, declarations from headers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from cann.fakehome import FakeHome
from hypothesis import given
from hypothesis import strategies as st

from ascend_ops._cann import inventory
from ascend_ops._cann.declarations import parse_one
from ascend_ops._cann.elf import exported_functions
from ascend_ops._cann.errors import AscendError
from ascend_ops._cann.inventory import Declared

DECLARED = st.sampled_from(
    [
        Declared(parse_one(f"int f({params}, uint64_t *size, aclOpExecutor **executor);"), Path("f.h"))
        for params in ("int x", "int y", "float x", "int x, int y", "const aclTensor *x", "aclTensor *x")
    ]
)
OFFERS = st.dictionaries(st.sampled_from("abcde"), DECLARED)


def test_exported_functions_are_those_that_binutils_finds(fake_home: FakeHome) -> None:
    nm = shutil.which("nm")
    if nm is None:
        pytest.skip("needs binutils to compare with")
    fake_home.layout_81()
    for library in fake_home.lib.glob("*.so"):
        listing = subprocess.run(
            [nm, "-D", "--defined-only", library], capture_output=True, text=True, check=True
        )
        rows = [line.split() for line in listing.stdout.splitlines()]
        wanted = {name.partition("@")[0] for *_, kind, name in rows if kind in "TWi"}
        assert exported_functions(library) == wanted, library
        assert wanted or library.name != "libopapi.so"


def test_an_operator_is_exported_when_both_phases_are(fake_home: FakeHome) -> None:
    fake_home.layout_81()
    assert inventory.exported(fake_home.lib / "libopapi.so") == {"aclnnEcho", "aclnnPlan", "aclnnHalf"}
    half = fake_home.build("libhalf.so", "operators.c", "-DHALF", needs=("libascendcl.so",))
    assert inventory.exported(half) == {"aclnnEcho", "aclnnPlan"}


def test_a_library_cut_off_anywhere_is_an_error_or_read_whole(fake_home: FakeHome, tmp_path: Path) -> None:
    fake_home.layout_81()
    whole = (fake_home.lib / "libopapi.so").read_bytes()
    wanted = exported_functions(fake_home.lib / "libopapi.so")
    cut = tmp_path / "cut.so"
    for length in [*range(200), *range(200, len(whole), 97)]:
        cut.write_bytes(whole[:length])
        with pytest.raises(AscendError, match=r"cut\.so cannot be read as a shared library"):
            exported_functions(cut)
    cut.write_bytes(whole)
    assert exported_functions(cut) == wanted


@pytest.mark.parametrize("content", [b"", b"GROUP ( libm.so.6 )\n", b"\x7fELF\x01\x01" + b"\0" * 64])
def test_what_is_no_library_of_64_bits_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.so").write_bytes(content)
    with pytest.raises(AscendError, match="no 64-bit little-endian ELF file"):
        inventory.exported(tmp_path / "x.so")
    assert inventory.providers([tmp_path / "x.so", tmp_path / "absent.so"]) == {}


@given(OFFERS, OFFERS)
def test_a_comparison_the_other_way_round_is_its_mirror(
    a: dict[str, Declared], b: dict[str, Declared]
) -> None:
    there, back = inventory.compare(a, b), inventory.compare(b, a)
    assert (there.added, there.removed, there.same) == (back.removed, back.added, back.same)
    mirrored = [(each.name, each.after, each.before, each.types) for each in back.changed]
    assert [(each.name, each.before, each.after, each.types) for each in there.changed] == mirrored
    assert len(there.added) + len(there.removed) + len(there.changed) + there.same == len(a.keys() | b.keys())


@given(OFFERS)
def test_nothing_differs_from_itself(a: dict[str, Declared]) -> None:
    assert inventory.compare(a, dict(a)) == inventory.Comparison((), (), (), len(a))
