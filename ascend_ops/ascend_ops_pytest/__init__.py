"""The pytest plugin: the fixture `ascend_checks`.

It is installed beside the package: every pytest run of an environment loads its plugins, and importing the
package would bring NumPy along. So nothing of that is imported before the fixture is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ascend_ops.stub import Checks


@pytest.fixture
def ascend_checks() -> Iterator[Checks]:
    """Fails the test for the mistakes that the stand-in's checks find in it; see `ascend_ops.stub.checks`,
    whose block this is. `ascend_checks.take()` accepts those that were made on purpose. On a real CANN
    nothing is checked and the test runs as it is."""
    from ascend_ops import stub
    from ascend_ops._cann.stub_checks import available

    found = stub.checks()
    if not available():
        yield found
        return
    with found:
        yield found
        reports = found.take()
    if reports:
        pytest.fail(str(stub.CheckError(reports)), pytrace=False)
