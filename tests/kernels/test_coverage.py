"""Every kernel has its test, and the published table says which."""

from __future__ import annotations

import pytest
from kernels import coverage

from ascend_ops._cann import headers, inventory, libraries, stand_in
from ascend_ops._cann.homes import find_home


def test_the_tables_are_what_the_tests_cover() -> None:
    table = coverage.rows()
    assert coverage.TABLE.read_text() == coverage.as_json(table), "run: python tests/kernels/coverage.py"
    assert coverage.DOCUMENT.read_text() == coverage.as_document(table), (
        "run: python tests/kernels/coverage.py"
    )


@pytest.mark.stand_in(reason="its kernels")
def test_operators_with_kernels_are_those_with_tests() -> None:
    home = find_home()
    names = sorted(headers.operators())
    kernels = stand_in.kernels(home, names, inventory.providers(libraries.files("opapi", home)))
    computed = {name for name, has in kernels.items() if has}
    assert computed == coverage.rows().keys() & set(names)
