"""Views: random chains of slicing, transposing, reshaping and broadcasting mean what they mean in NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ascend_ops import dtypes
from ascend_ops._layout import Layout
from ascend_ops.dtypes import DType
from ascend_ops.tensor import Tensor, asarray

Array = npt.NDArray[Any]
Step = tuple[str, Any]


def some(*names: str) -> st.SearchStrategy[DType]:
    """Those of the types that the installed ml_dtypes can express."""
    return st.sampled_from([each for each in map(dtypes.dtype, names) if each.numpy is not None])


SHAPES = st.lists(st.integers(0, 5), max_size=4).map(tuple)


@st.composite
def slices(draw: st.DrawFn, length: int) -> slice:
    bound = st.none() | st.integers(-length - 1, length + 1)
    return slice(draw(bound), draw(bound), draw(st.none() | st.integers(1, 3)))


@st.composite
def keys(draw: st.DrawFn, shape: tuple[int, ...]) -> Any:
    items: list[Any] = []
    for length in shape[: draw(st.integers(0, len(shape)))]:
        if draw(st.booleans()):
            items.append(None)
        positions = st.integers(-length, length - 1) if length else st.nothing()
        items.append(draw(slices(length) | positions))
    if draw(st.booleans()):
        items.append(Ellipsis)
    return tuple(items)


@st.composite
def steps(draw: st.DrawFn, shape: tuple[int, ...]) -> Step:
    """One operation that NumPy accepts on an array of that shape."""
    kind = draw(st.sampled_from(["index", "transpose", "reshape", "broadcast_to"]))
    if kind == "index":
        return kind, draw(keys(shape))
    if kind == "transpose":
        return kind, tuple(draw(st.permutations(range(len(shape)))))
    if kind == "broadcast_to":
        stretched = (draw(st.integers(0, 3)) if n == 1 else n for n in shape)
        return kind, (*draw(st.lists(st.integers(1, 3), max_size=1)), *stretched)
    return kind, draw(factorings(math.prod(shape)))


@st.composite
def factorings(draw: st.DrawFn, size: int) -> tuple[int, ...]:
    """A shape of `size` elements, sometimes with one -1."""
    if size == 0:
        return tuple(draw(st.permutations((0, 2, 3))))
    lengths = [1]
    rest = size
    while rest > 1:
        lengths.append(draw(st.sampled_from([n for n in range(2, rest + 1) if rest % n == 0])))
        rest //= lengths[-1]
    shape = draw(st.permutations(lengths))
    hidden = draw(st.integers(-1, len(shape) - 1))
    return tuple(-1 if i == hidden else n for i, n in enumerate(shape))


def in_numpy(array: Array, step: Step) -> Array:
    kind, argument = step
    if kind == "index":
        dots = () if Ellipsis in argument else (Ellipsis,)  # keeps NumPy from making a scalar of one element
        view: Array = array[argument + dots]
        return view
    if kind == "broadcast_to":
        return np.broadcast_to(array, argument)
    return np.transpose(array, argument) if kind == "transpose" else array.reshape(argument)


def in_layout(layout: Layout, step: Step) -> Layout:
    kind, argument = step
    result: Layout = getattr(layout, kind)(argument)
    return result


def in_tensor(tensor: Tensor, step: Step) -> Tensor:
    kind, argument = step
    if kind == "index":
        return tensor[argument]
    result: Tensor = getattr(tensor, kind)(argument)
    return result


def elements(layout: Layout, storage: Array) -> Array:
    """What the layout's definition picks out of a flat storage."""
    positions = np.full(layout.shape, layout.offset, np.int64)
    for axis, (length, stride) in enumerate(zip(layout.shape, layout.strides, strict=True)):
        along = [1] * len(layout.shape)
        along[axis] = length
        positions = positions + (np.arange(length) * stride).reshape(along)
    picked: Array = storage[positions]
    return picked


def walk(data: st.DataObject, view: Array, ours: Any, apply: Callable[[Any, Step], Any]) -> tuple[Array, Any]:
    """Applies a few random steps to both; a reshape that NumPy can only do by copying must be refused."""
    for _ in range(data.draw(st.integers(0, 4), "steps")):
        step = data.draw(steps(view.shape), "step")
        after = in_numpy(view, step)
        if step[0] == "reshape" and after.size and not np.shares_memory(after, view):
            with pytest.raises(ValueError, match="no view of shape"):
                apply(ours, step)
            continue
        view, ours = after, apply(ours, step)
    return view, ours


@given(shape=SHAPES, data=st.data())
def test_layout_picks_the_elements_that_numpy_views_show(shape: tuple[int, ...], data: st.DataObject) -> None:
    storage = np.arange(math.prod(shape))
    view, layout = walk(data, storage.reshape(shape), Layout.contiguous(shape), in_layout)
    assert layout.shape == view.shape
    assert elements(layout, storage).tolist() == view.tolist()
    if view.size:
        picked = view.reshape(-1)
        assert layout.stop == picked.max() + 1
        assert layout.overlaps or np.unique(picked).size == picked.size
        expected = picked.tolist() == list(range(layout.offset, layout.offset + picked.size))
        assert layout.is_contiguous == (expected or picked.size == 1)


@settings(deadline=None, max_examples=60)
@given(
    shape=SHAPES,
    dtype=some("float16", "bfloat16", "int64", "int4", "float6_e3m2fn"),
    data=st.data(),
)
def test_downloaded_view_is_the_numpy_view(shape: tuple[int, ...], dtype: DType, data: st.DataObject) -> None:
    values = (np.arange(math.prod(shape)) % 8).reshape(shape).astype(dtype.host())
    view, tensor = walk(data, values, asarray(values), in_tensor)
    assert tensor.shape == view.shape
    result = tensor.numpy()
    assert result.flags.c_contiguous
    assert result.dtype == values.dtype
    assert result.tobytes() == view.tobytes()


@settings(deadline=None, max_examples=60)
@given(
    shape=SHAPES,
    dtype=some("float32", "int4", "uint1", "float6_e2m3fn"),
    data=st.data(),
)
def test_writing_into_a_view_changes_those_elements_only(
    shape: tuple[int, ...], dtype: DType, data: st.DataObject
) -> None:
    values = np.zeros(shape, dtype.host())
    tensor = asarray(values)
    view, target = walk(data, values, tensor, in_tensor)
    if not view.flags.writeable:
        return  # a broadcast
    target.copy_from(1)
    view[...] = 1
    assert tensor.numpy().tobytes() == values.tobytes()


@settings(deadline=None, max_examples=60)
@given(shape=SHAPES, dtype=some("float16", "int4", "float6_e3m2fn"), data=st.data())
def test_descriptor_names_an_aligned_piece_of_storage_that_just_holds_the_view(
    shape: tuple[int, ...], dtype: DType, data: st.DataObject
) -> None:
    tensor = asarray(np.zeros(shape, dtype.host()))
    _, view = walk(data, np.zeros(shape), tensor, in_tensor)
    told = view._descriptor()
    start_bits = (told.address - tensor.address) * 8
    assert told.address % 32 == 0
    assert len(told.storage_shape) == 1
    if view.size:
        assert start_bits // dtype.bits + told.offset == view.offset
        reach = sum((n - 1) * s for n, s in zip(told.shape, told.strides, strict=True))
        assert told.offset + reach + 1 == told.storage_shape[0]
        assert start_bits + told.storage_shape[0] * dtype.bits <= tensor.nbytes * 8


@pytest.mark.parametrize(
    ("key", "error", "text"),
    [
        ([0, 1], TypeError, "list on axis 0; views take integers, slices"),
        (np.array([0]), TypeError, "ndarray on axis 0"),
        (np.array([True, False]), TypeError, "numpy"),
        (True, TypeError, "bool on axis 0"),
        (1.0, TypeError, "float on axis 0"),
        (slice(None, None, -1), ValueError, "step -1 on axis 0; device views need positive steps"),
        (2, IndexError, "2 is outside axis 0 of length 2"),
        ((0, -4), IndexError, "-4 is outside axis 1 of length 3"),
        ((0, 0, 0), IndexError, "3 indices for a tensor of 2 axes"),
        ((Ellipsis, Ellipsis), IndexError, "only one"),
    ],
)
def test_index_beyond_basic_slicing_is_refused(key: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        Layout.contiguous((2, 3)).index(key)


@pytest.mark.parametrize(
    ("method", "argument", "text"),
    [
        ("transpose", (0, 0), "not a permutation of the 2 axes"),
        ("transpose", (0,), "not a permutation"),
        ("reshape", (4,), "6 elements cannot take the shape"),
        ("reshape", (-1, -1), "6 elements cannot take the shape"),
        ("reshape", (-6, -1), "6 elements cannot take the shape"),
        ("broadcast_to", (2, 4), "cannot be broadcast to"),
        ("broadcast_to", (3,), "cannot be broadcast to"),
    ],
)
def test_impossible_view_is_refused(method: str, argument: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        getattr(Layout.contiguous((2, 3)), method)(argument)


def test_rescale_counts_narrow_elements_in_wide_containers() -> None:
    words = Layout.contiguous((4, 8)).index((slice(1, None, 2), slice(2, 4)))
    nibbles = words.rescale(32, 4)
    assert (nibbles.shape, nibbles.strides, nibbles.offset) == ((2, 16), (128, 1), 80)
    assert nibbles.rescale(4, 32) == words


@pytest.mark.parametrize(
    ("layout", "widths"),
    [
        (Layout.contiguous((2, 3)), (4, 8)),  # an odd row
        (Layout.contiguous((2, 4)).index((slice(None), slice(1, 3))), (4, 8)),  # starts inside a byte
        (Layout.contiguous((2, 4)).transpose(()), (8, 4)),  # last axis has gaps
        (Layout.contiguous(()), (8, 4)),
    ],
)
def test_rescale_refuses_what_does_not_fit(layout: Layout, widths: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="dtype: "):
        layout.rescale(*widths)
