"""Arguments of every data type as kernels in Python get them: on the product that has them all, in a process
of its own, since a process plays one product."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import ascend_ops as ao
from ascend_ops.dispatch import launch

pytestmark = pytest.mark.stand_in(reason="kernels in Python exist on the stand-in only")


def every_type_is_read_and_written_through_views(dtype: ao.DType) -> None:
    """A row of a matrix, whose neighbours share bytes with it when elements are small."""
    host = (np.arange(15).reshape(3, 5) % 2).astype(dtype.numpy)
    source, target = ao.asarray(host), ao.asarray(np.zeros((3, 5), dtype.numpy))

    def kernel(self: Any, out: Any) -> None:
        assert self.dtype == dtype.numpy
        out[...] = self

    with ao.stub.kernel("aclnnAbs")(kernel):
        launch("aclnnAbs", [source[1], target[2]])
        launch("aclnnAbs", [source[:, 3], target[:, 0]])
        expected = np.zeros((3, 5), dtype.numpy)
        expected[2], expected[:, 0] = host[1], host[:, 3]
        assert target.numpy().tobytes() == expected.tobytes()


def types_without_arrays_come_as_integers(dtype: ao.DType) -> None:
    same = {8: ao.uint8, 32: ao.uint32, 4: ao.int4}[dtype.bits]
    out = ao.asarray(np.zeros(4), same)

    def kernel(self: Any, out: Any) -> None:
        assert out.dtype == f"u{max(1, dtype.bits // 8)}"
        out[...] = self[::-1]

    with ao.stub.kernel("aclnnAbs")(kernel):
        launch("aclnnAbs", [ao.asarray([1, 2, 3, 4], same).view(dtype), out.view(dtype)])
        assert out.numpy().tolist() == [4, 3, 2, 1]


def in_a_process(**environment: str) -> subprocess.CompletedProcess[str]:
    """This file as a program."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    return subprocess.run([sys.executable, __file__], env=environment, capture_output=True, text=True)


def test_kernels_get_every_type_that_the_product_has() -> None:
    done = in_a_process(ASCEND_STUB_SOC="Ascend950")
    assert done.returncode == 0, done.stderr
    told = done.stdout.split()
    assert {"float16", "float8_e5m2", "float4_e2m1fn", "hifloat8", "complex32", "hifloat4"} <= set(told)


def test_types_that_the_product_does_not_have_are_refused() -> None:
    x = ao.asarray(np.ones(4), ao.uint8).view(ao.hifloat8)
    with (
        ao.stub.kernel("aclnnAbs")(lambda self, out: None),
        pytest.raises(ao.ParameterError, match=r"of self \(HIFLOAT8 \[4\]\) is not supported on Atlas A2"),
    ):
        launch("aclnnAbs", [x, x])


if __name__ == "__main__":
    for each in ao.dtypes.ALL:
        if each.numpy is not None:
            every_type_is_read_and_written_through_views(each)
        elif each.bits in (4, 8, 32):
            types_without_arrays_come_as_integers(each)
        print(each)
