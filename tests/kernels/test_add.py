"""Sums and their scalar and in-place forms."""

from __future__ import annotations

from kernels.arrays import COMPLEXES, NUMBERS, Array
from kernels.maps import MapCase, check, parametrize


def add(x: Array, y: Array, alpha: float) -> Array:
    return (x | y) if x.dtype == bool else x + alpha * y


CASES = [
    MapCase("aclnnAdd", add, f"{NUMBERS} {COMPLEXES}", tensors=2, values=(1,)),
    MapCase("aclnnAdds", add, f"{NUMBERS} {COMPLEXES}".replace(" bool", ""), values=(2, 3)),
    MapCase("aclnnInplaceAdd", add, f"{NUMBERS} {COMPLEXES}", tensors=2, values=(1,), inplace=True),
]


@parametrize(CASES)
def test_sums(case: MapCase) -> None:
    check(case)
