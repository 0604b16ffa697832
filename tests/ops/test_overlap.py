"""Which tensors share memory: against the addresses of all their elements, and what is not plain elements."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import ascend_ops as ao
from ascend_ops.ops._overlap import share_memory

SHAPE = (4, 3, 6)
CUTS = st.tuples(*(st.slices(n).filter(lambda cut: (cut.step or 1) > 0) for n in SHAPE))
VIEWS = st.tuples(CUTS, st.permutations(range(3)))


@settings(max_examples=100, deadline=None)
@given(first=VIEWS, second=VIEWS, dtypes=st.tuples(*2 * [st.sampled_from(["int8", "float16", "float32"])]))
def test_views_share_memory_when_an_element_is_in_both(
    first: tuple[tuple[slice, ...], list[int]],
    second: tuple[tuple[slice, ...], list[int]],
    dtypes: tuple[str, str],
) -> None:
    room = ao.zeros(4 * 72, "uint8")
    tensors, addresses = [], []
    for (cut, order), dtype in zip((first, second), dtypes, strict=True):
        width = ao.dtype(dtype).bits // 8
        tensors.append(room.view(dtype)[:72].reshape(SHAPE)[cut].transpose(*order))
        starts = np.arange(72).reshape(SHAPE)[cut].ravel() * width
        addresses.append({int(start) + byte for start in starts for byte in range(width)})
    assert share_memory(*tensors) == bool(addresses[0] & addresses[1])
    assert share_memory(*tensors[::-1]) == bool(addresses[0] & addresses[1])


def test_nothing_is_shared_with_closed_tensors_or_none() -> None:
    x = ao.zeros(4, "int8")
    view = x[:2]
    assert share_memory(x, view)
    view.close()
    assert not share_memory(x, view)
    assert not share_memory(None, x)
    assert not share_memory(x, None)


def test_packed_elements_and_tiles_count_as_the_bytes_from_the_first_to_the_last() -> None:
    int4 = ao.zeros(256, "int8").view("int4")
    assert share_memory(int4, int4)
    assert not share_memory(int4[:64], int4[128:])
    tiles = ao.empty((16, 32), "int8", "FRACTAL_NZ")
    assert share_memory(tiles, tiles.T)
    assert share_memory(tiles, ao.from_pointer(tiles.address + 511, 1, "int8"))
    assert not share_memory(tiles, ao.from_pointer(tiles.address + 512, 1, "int8"))
