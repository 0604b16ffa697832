"""Moving elements: in pieces, in rows, whole; what NumPy would give comes out, whichever way they go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ascend_ops import _elements, asarray, dtypes, empty, from_pointer, zeros
from ascend_ops._cann import rt
from ascend_ops.dtypes import DType

DTYPES = [dtypes.int8, dtypes.bfloat16, dtypes.float32, dtypes.int4, dtypes.uint1, dtypes.float6_e3m2fn]


@pytest.fixture
def tiny_pieces() -> Iterator[None]:
    """Small arrays take the ways of large ones, and rows cost nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_elements, "SMALL_BYTES", 4)
        patch.setattr(_elements, "PIECE_BYTES", 24)
        patch.setattr(_elements, "ROW_BYTES", 0)
        yield


def values(shape: tuple[int, ...], dtype: DType) -> Any:
    limit = 1 << min(dtype.bits, 7)
    raw = np.random.default_rng(len(shape)).integers(0, limit, shape, np.uint8)
    return raw.view(dtype.host()) if dtype.host().itemsize == 1 else raw.astype(dtype.host())


@st.composite
def geometries(draw: st.DrawFn) -> tuple[tuple[int, ...], list[int], tuple[slice, ...]]:
    """A shape, a permutation of its axes and slices of the permuted ones."""
    shape = tuple(draw(st.lists(st.integers(1, 7), min_size=1, max_size=4)))
    order = draw(st.permutations(range(len(shape))))
    parts = []
    for axis in order:
        first = draw(st.integers(0, shape[axis] - 1))
        parts.append(slice(first, draw(st.integers(first + 1, shape[axis])), draw(st.integers(1, 3))))
    return shape, list(order), tuple(parts)


@pytest.mark.usefixtures("tiny_pieces")
@settings(deadline=None, max_examples=60)
@given(geometry=geometries(), dtype=st.sampled_from(DTYPES))
def test_views_are_read_and_written_as_numpy_does(geometry: Any, dtype: DType) -> None:
    shape, order, parts = geometry
    array = values(shape, dtype)
    tensor = asarray(array)
    view, target = array.transpose(order)[parts], tensor.transpose(order)[parts]
    assert target.numpy().tobytes() == view.tobytes()
    new = values(view.shape[::-1], dtype).T
    target.copy_from(new)
    view[...] = new
    assert target.numpy().tobytes() == view.tobytes()
    assert tensor.numpy().tobytes() == array.tobytes()


@pytest.mark.usefixtures("tiny_pieces")
@settings(deadline=None, max_examples=30)
@given(geometry=geometries(), dtype=st.sampled_from(DTYPES))
def test_host_arrays_with_gaps_are_uploaded_in_c_order(geometry: Any, dtype: DType) -> None:
    shape, order, parts = geometry
    source = values(shape, dtype).transpose(order)[parts]
    assert asarray(source).numpy().tobytes() == source.tobytes()


@pytest.mark.usefixtures("tiny_pieces")
def test_overlapping_windows_are_read() -> None:
    lender = asarray(np.arange(40, dtype=np.int16))
    windows = from_pointer(lender.address, (36, 5), "int16", strides=(1, 1), owner=lender)
    assert windows.numpy().tolist() == [[i + j for j in range(5)] for i in range(36)]
    assert asarray([[7]], "int8").broadcast_to((30, 2)).numpy().tolist() == [[7, 7]] * 30


@pytest.mark.parametrize("dtype", [dtypes.float16, dtypes.int4], ids=str)
@pytest.mark.parametrize("turned", [False, True])
def test_large_arrays_are_moved_whole(dtype: DType, turned: bool) -> None:
    array = values((1500, 1101), dtype)
    source = array.T if turned else array
    tensor = asarray(source)
    assert tensor.numpy().tobytes() == source.tobytes()
    assert tensor.T.numpy().tobytes() == source.T.tobytes()
    tensor.T[3:, 5:].copy_from(source.T[:-3, :-5])
    assert tensor.T[3:, 5:].numpy().tobytes() == source.T[:-3, :-5].tobytes()


class Counter:
    """How many bytes plain copies and copies of rows moved."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.plain = self.rows = 0
        memcpy, memcpy_2d = rt.memcpy, rt.memcpy_2d

        def count_plain(*arguments: Any) -> None:
            self.plain += arguments[3]
            memcpy(*arguments)

        def count_rows(*arguments: Any) -> None:
            self.rows += arguments[4] * arguments[5]
            memcpy_2d(*arguments)

        patch.setattr(rt, "memcpy", count_plain)
        patch.setattr(rt, "memcpy_2d", count_rows)


def test_only_the_rows_of_a_view_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    array = values((6, 5, 2000), dtypes.bfloat16)
    tensor = asarray(array)
    counter = Counter(monkeypatch)
    last = tensor[:, -1]
    assert last.numpy().tobytes() == array[:, -1].tobytes()
    last.copy_from(array[:, 0])
    assert (counter.plain, counter.rows) == (0, 2 * last.nbytes)
    assert tensor[:, -1, :1000].numpy().tobytes() == array[:, 0, :1000].tobytes()
    assert counter.plain == 0
    monkeypatch.undo()
    array[:, -1] = array[:, 0]
    assert tensor.numpy().tobytes() == array.tobytes()


def test_narrow_rows_are_copied_with_what_is_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    array = values((300, 4), dtypes.float32)
    tensor = asarray(array)
    counter = Counter(monkeypatch)
    assert tensor[:, 1].numpy().tobytes() == array[:, 1].tobytes()
    assert counter.rows == 0
    assert counter.plain <= array.nbytes


def test_rows_wider_than_one_copy_of_rows_takes_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    array = np.arange(3 * 2_600_000, dtype=np.uint16).reshape(3, 2_600_000)
    tensor = asarray(array)
    part = slice(50, 2_550_100)
    assert (tensor[:, part].numpy() == array[:, part]).all()
    monkeypatch.setattr(_elements, "MOST_ROWS", 1)
    tensor[::2, :9].copy_from(7)
    array[::2, :9] = 7
    assert (tensor.numpy() == array).all()


@pytest.mark.parametrize("size", [1, 8 << 10, 2 << 20])
def test_a_contiguous_array_is_copied_once(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    array, tensor = np.ones(size, np.float32), empty((size,), "float32")
    counter = Counter(monkeypatch)
    for _ in range(2):
        asarray(array)
        tensor.copy_from(array)
        assert tensor.numpy().nbytes == array.nbytes
        tensor.block.synchronize()
    assert (counter.plain, counter.rows) == (6 * array.nbytes, 0)


def test_the_second_half_of_the_last_byte_is_not_taken_for_padding() -> None:
    tensor = asarray(np.array([1, 2], ml_dtypes.int4))
    tensor[:1].copy_from(7)
    assert tensor.numpy().astype(int).tolist() == [7, 2]
    three = asarray(np.array([1, 2, 3], ml_dtypes.int4))
    three.copy_from([4, 5, 6])
    assert three.numpy().astype(int).tolist() == [4, 5, 6]


def test_reading_a_tensor_gives_the_caller_an_array_of_its_own() -> None:
    tensor = zeros((2, 3), ml_dtypes.bfloat16)
    first = tensor.numpy()
    first[...] = 1
    assert not tensor.numpy().any()
