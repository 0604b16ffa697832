"""Device tensors: upload and download of every type, NumPy protocols, foreign memory, bad input."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from ascend_ops import dtypes
from ascend_ops._cann.enums import DataType, Format
from ascend_ops._cann.errors import OutOfMemoryError
from ascend_ops.dtypes import DType
from ascend_ops.runtime import transfer
from ascend_ops.runtime.device import Device
from ascend_ops.runtime.stream import Stream, current_stream
from ascend_ops.tensor import Tensor, asarray, empty, from_pointer, zeros

EXPRESSIBLE = [each for each in dtypes.ALL if each.numpy is not None]
SHAPES = [(), (0,), (1,), (5,), (3, 7), (2, 0, 3), (2, 3, 4)]


def random_values(shape: tuple[int, ...], dtype: DType) -> Any:
    """Every bit pattern of the type may occur (0 and 1 for bool)."""
    host = dtype.host()
    limit = 2 if dtype == dtypes.bool_ else 1 << min(dtype.bits, 8)
    raw = np.random.default_rng(0).integers(0, limit, (*shape, host.itemsize), np.uint8)
    return raw.reshape(-1).view(host).reshape(shape)


@pytest.mark.parametrize("dtype", EXPRESSIBLE, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_download_gives_back_what_was_uploaded(shape: tuple[int, ...], dtype: DType) -> None:
    values = random_values(shape, dtype)
    tensor = asarray(values)
    assert (tensor.shape, tensor.dtype, tensor.ndim, tensor.size) == (shape, dtype, len(shape), values.size)
    assert tensor.nbytes == -(-values.size * dtype.bits // 8)
    result = tensor.numpy()
    assert (result.shape, result.dtype) == (shape, values.dtype)
    assert result.tobytes() == values.tobytes()
    result[...] = values  # the caller's own, writable


@pytest.mark.parametrize("dtype", EXPRESSIBLE, ids=str)
def test_zeros_are_zero_bits(dtype: DType) -> None:
    assert not any(zeros((3, 5), dtype).numpy().tobytes())


def test_int4_takes_half_a_byte_on_the_device() -> None:
    tensor = asarray(np.array([1, -1, 7], ml_dtypes.int4))
    assert transfer.download(tensor.block, 0, 2).tolist() == [0xF1, 0x07]


def test_types_without_host_form_are_moved_as_bytes() -> None:
    tensor = empty((4,), "hifloat8")
    tensor.view("uint8").copy_from([1, 2, 3, 4])
    assert tensor.view("uint8").numpy().tolist() == [1, 2, 3, 4]
    with pytest.raises(TypeError, match="hifloat8"):
        tensor.numpy()
    with pytest.raises(TypeError, match="hifloat8"):
        asarray([1.0], "hifloat8")


@pytest.mark.parametrize(
    ("x", "dtype", "expected"),
    [
        ([1, 2], None, np.array([1, 2])),
        (1.5, None, np.array(1.5)),
        (True, None, np.array(True)),
        (np.float32(2), None, np.array(2, np.float32)),
        ([[1.5, 2]], "bfloat16", np.array([[1.5, 2]], ml_dtypes.bfloat16)),
        (np.array([1.25, -3]), dtypes.float8_e4m3fn, np.array([1.25, -3], ml_dtypes.float8_e4m3fn)),
        (np.array([-8, 7]), "int4", np.array([-8, 7], ml_dtypes.int4)),
        ([1 + 2j], np.complex64, np.array([1 + 2j], np.complex64)),
        (np.array([1, 2], ">i4"), None, np.array([1, 2], np.int32)),
        (range(3), np.int8, np.arange(3, dtype=np.int8)),
    ],
)
def test_array_likes_are_converted(x: Any, dtype: Any, expected: Any) -> None:
    result = asarray(x, dtype).numpy()
    assert result.dtype == expected.dtype
    assert result.tobytes() == expected.tobytes()


def test_fortran_order_negative_strides_and_readonly_sources_are_uploaded_in_c_order() -> None:
    base = np.arange(24, dtype=np.int16).reshape(4, 6)
    for source in (np.asfortranarray(base), base[::-1, ::-2], base.T, np.broadcast_to(base[0], (3, 6))):
        assert asarray(source).numpy().tolist() == source.tolist()


@pytest.mark.parametrize("size", [100, transfer.STAGED_BYTES + 8])
def test_source_may_change_as_soon_as_the_call_returns(size: int) -> None:
    source = np.full(size, 1, np.uint8)
    with Stream() as stream:
        tensor = asarray(source)
        source[:] = 2
        target = zeros((size,), "uint8")
        target.copy_from(source)
        source[:] = 3
        assert (tensor.numpy() == 1).all()
        assert (target.numpy() == 2).all()
    stream.close()


@pytest.mark.parametrize(
    "x",
    [
        np.array(["a"]),
        np.array([b"a"]),
        np.array([None]),
        np.array([1], "datetime64[s]"),
        np.array([1], "timedelta64[s]"),
        np.zeros(2, [("a", "f4")]),
        ["text"],
        b"",
        None,
        object(),
    ],
    ids=repr,
)
@pytest.mark.parametrize("dtype", [None, "float16"])
def test_elements_cann_has_not_are_refused(x: Any, dtype: Any) -> None:
    with pytest.raises(TypeError, match=r"x: .* is not an element type of CANN"):
        asarray(x, dtype)


def test_ragged_lists_are_refused() -> None:
    with pytest.raises(ValueError, match="x: not convertible"):
        asarray([[1], [1, 2]])


@pytest.mark.parametrize("x", [[8], [-9], np.array([100]), [7.5], [float("nan")]])
def test_values_that_int4_does_not_hold_are_refused(x: Any) -> None:
    with pytest.raises(ValueError, match=r"x: values from .*; int4 holds -8 to 7"):
        asarray(x, "int4")


def test_python_numbers_out_of_range_are_refused_as_numpy_does() -> None:
    with pytest.raises(OverflowError):
        asarray([300], "int8")


@pytest.mark.parametrize("make", [empty, zeros])
@pytest.mark.parametrize(
    ("shape", "dtype", "error", "text"),
    [
        ((-1,), "int8", ValueError, "shape: .* has the length -1"),
        ((2**63,), "int8", ValueError, "from 0 to 2"),
        ((2**40, 2**40), "int8", ValueError, "no device can address"),
        ((0, 2**60), "float64", ValueError, "no device can address"),
        ((1.5,), "int8", TypeError, "shape: expected an integer or a sequence of integers"),
        ("12", "int8", TypeError, "shape: expected"),
        (None, "int8", TypeError, "shape: expected"),
        ((2,), object, TypeError, "dtype: .* is not an element type"),
        ((2,), None, TypeError, "dtype: None is not"),
    ],
)
def test_bad_shape_or_dtype_is_refused_by_name(
    make: Any, shape: Any, dtype: Any, error: Any, text: str
) -> None:
    with pytest.raises(error, match=text):
        make(shape, dtype)


def test_more_than_the_device_has_is_out_of_memory() -> None:
    with pytest.raises(OutOfMemoryError):
        empty((2**50,), "float32")


def test_large_but_empty_is_fine() -> None:
    tensor = zeros((0, 2**40), "float64")
    assert (tensor.size, tensor.nbytes, tensor.address) == (0, 0, 0)
    assert tensor.numpy().shape == (0, 2**40)
    tensor.copy_from(1)


def test_shape_may_be_an_integer() -> None:
    assert empty(3, "int8").shape == empty(np.int64(3), "int8").shape == (3,)


def test_asarray_returns_a_tensor_of_the_right_dtype_itself() -> None:
    tensor = asarray([1, 2])
    assert asarray(tensor) is tensor
    assert asarray(tensor, np.int64) is tensor
    with pytest.raises(ValueError, match=r"dtype: .* is not converted to float32 here; call a cast operator"):
        asarray(tensor, np.float32)


def test_array_protocol() -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    tensor = asarray(values)
    assert np.asarray(tensor).tolist() == values.tolist()
    assert np.array(tensor, dtype=np.int8).dtype == np.int8
    assert tensor.__array__(np.float64, copy=True).dtype == np.float64
    with pytest.raises(ValueError, match="copy: False is impossible"):
        tensor.__array__(copy=False)


@pytest.mark.parametrize(
    ("value", "dtype", "kind"),
    [
        (3, "int4", int),
        (3, "uint8", int),
        (True, "bool", bool),
        (1.5, "float16", float),
        (1.5, "bfloat16", float),
        (1.5, "float4_e2m1fn", float),
        (1 + 2j, "complex64", complex),
    ],
)
def test_item_is_a_python_number(value: Any, dtype: str, kind: type) -> None:
    item = asarray([value], dtype).item()
    assert item == value
    assert type(item) is kind


def test_item_and_truth_need_exactly_one_element() -> None:
    assert asarray([[2]])
    assert not asarray(0)
    for x in ([], [1, 2]):
        with pytest.raises(ValueError, match=r"has \d elements; item\(\) needs exactly one"):
            bool(asarray(x))


def test_length_and_iteration_follow_the_first_axis() -> None:
    rows = list(asarray([[1, 2], [3, 4]]))
    assert [row.numpy().tolist() for row in rows] == [[1, 2], [3, 4]]
    with pytest.raises(TypeError, match="0-d"):
        len(asarray(1))
    with pytest.raises(TypeError, match="0-d"):
        iter(asarray(1))


def test_views_share_memory_and_outlive_the_tensor() -> None:
    tensor = asarray(np.arange(12).reshape(3, 4))
    view = tensor[1:, ::2]
    assert view.address == tensor.address
    tensor.copy_from(np.arange(100, 112).reshape(3, 4))
    del tensor
    gc.collect()
    assert view.numpy().tolist() == [[104, 106], [108, 110]]


def test_view_of_words_as_nibbles_and_back() -> None:
    words = asarray(np.array([[0x76543210, -1]], np.int32))
    nibbles = words.view(dtypes.int4)
    assert nibbles.shape == (1, 16)
    assert nibbles.numpy().astype(int).tolist() == [[0, 1, 2, 3, 4, 5, 6, 7] + [-1] * 8]
    assert nibbles[0, 8:].view("int32").numpy().tolist() == [-1]
    assert words.view("float32").shape == (1, 2)


def test_copy_from_broadcasts_and_converts() -> None:
    tensor = zeros((2, 3), "float16")
    tensor.copy_from([1, 2, 3])
    assert tensor.numpy().tolist() == [[1, 2, 3]] * 2
    tensor.T[1:].copy_from(np.array([[7], [8]]))
    assert tensor.numpy().tolist() == [[1, 7, 8]] * 2
    with pytest.raises(ValueError, match=r"array: shape \(4,\) cannot be broadcast to the tensor's \(2, 3\)"):
        tensor.copy_from([1, 2, 3, 4])
    with pytest.raises(TypeError, match="array: <U1 is not"):
        tensor.copy_from(["a"])


def test_copy_from_leaves_the_other_half_of_a_byte_alone() -> None:
    tensor = asarray(np.array([1, 2, 3, 4, 5], ml_dtypes.int4))
    tensor[1:4].copy_from(7)
    tensor[4:].copy_from(-1)
    assert tensor.numpy().astype(int).tolist() == [1, 7, 7, 7, -1]


def test_copy_into_a_broadcast_view_is_refused() -> None:
    view = zeros((1, 3), "int8").broadcast_to((4, 3))
    with pytest.raises(ValueError, match="several positions in one element"):
        view.copy_from(1)


def test_closed_tensor_names_itself_in_every_use() -> None:
    tensor = asarray([[1, 2]])
    view = tensor[0]
    tensor.close()
    tensor.close()
    assert tensor.closed
    for use in (
        tensor.numpy,
        tensor.item,
        lambda: tensor[0],
        lambda: tensor.T,
        lambda: tensor.address,
        lambda: tensor.device,
        lambda: tensor.copy_from(1),
        lambda: asarray(tensor),
        lambda: np.asarray(tensor),
        tensor._descriptor,
    ):
        with pytest.raises(ValueError, match=r"<Tensor int64 \(1, 2\), closed>|has 2 elements"):
            use()
    assert view.numpy().tolist() == [1, 2]


def test_tensors_are_not_copied_or_pickled() -> None:
    tensor = asarray([1])
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match=r"cannot be copied or pickled; send \.numpy\(\)"):
            attempt(tensor)


def test_tensor_shows_what_it_is_without_its_elements() -> None:
    tensor = zeros((2, 3), "bfloat16")
    assert repr(tensor) == "<Tensor bfloat16 (2, 3), device 0>"
    assert repr(tensor.T) == "<Tensor bfloat16 (3, 2), strides (1, 3), device 0>"
    assert repr(empty((16, 16), "float16", "FRACTAL_NZ")) == "<Tensor float16 (16, 16), FRACTAL_NZ, device 0>"


def test_tensor_of_another_device_is_read_from_any_thread() -> None:
    if Device.count() < 2:
        pytest.skip("needs two devices")
    with Device(1):
        tensor = asarray([1, 2, 3])
    assert tensor.device == Device(1)
    assert tensor[1:].numpy().tolist() == [2, 3]
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(tensor.numpy().tolist()))
    thread.start()
    thread.join()
    assert results == [[1, 2, 3]]
    with pytest.raises(ValueError, match="cannot use memory of device 1"):
        tensor.copy_from(0)


def test_from_pointer_shows_foreign_memory_with_its_strides() -> None:
    lender = asarray(np.arange(12, dtype=np.int32))
    column = from_pointer(lender.address + 4, (3, 2), np.int32, strides=(4, 2), owner=lender)
    assert column.numpy().tolist() == [[1, 3], [5, 7], [9, 11]]
    column.copy_from(0)
    assert lender.numpy().tolist() == [0, 0, 2, 0, 4, 0, 6, 0, 8, 0, 10, 0]
    assert from_pointer(lender.address, (12,), "int32").numpy()[2] == 2
    assert from_pointer(0, (0, 3), "int32").numpy().shape == (0, 3)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (("0x10", (1,), "int8"), TypeError, "address: expected an integer, got str"),
        ((0, (1,), "int8"), ValueError, "address: 0x0 is not the address of 1 bytes"),
        ((-512, (1,), "int8"), ValueError, "address: -0x200 is not"),
        ((2**64 - 1, (4,), "int8"), ValueError, "address: 0xffffffffffffffff is not the address of 4 bytes"),
        ((2**64, (1,), "int8"), ValueError, "is not the address"),
        ((512, (2, 2), "int8", (1,)), ValueError, r"strides: \(1,\); give one per axis"),
        ((512, (2,), "int8", (-1,)), ValueError, "none negative"),
        ((512, (2,), "int8", None, None, "ND", (2,)), ValueError, "storage_shape: .* for private formats"),
    ],
)
def test_bad_foreign_memory_is_refused(arguments: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        from_pointer(*arguments)


def test_descriptor_of_a_contiguous_tensor_is_its_whole_storage() -> None:
    tensor = zeros((2, 3), "float16")
    told = tensor._descriptor()
    assert told == ((2, 3), DataType.FLOAT16, (3, 1), 0, Format.ND, (6,), tensor.address)


@pytest.mark.parametrize(("shape", "storage"), [((), (1,)), ((0, 3), (0,))])
def test_descriptor_of_scalar_and_empty_tensors(shape: tuple[int, ...], storage: tuple[int, ...]) -> None:
    assert zeros(shape, "float16")._descriptor().storage_shape == storage


def test_private_format_keeps_its_storage_and_refuses_what_needs_elements() -> None:
    tensor = empty((33, 40), "float16", format="FRACTAL_NZ")
    told = tensor.T._descriptor()
    assert (told.shape, told.strides, told.storage_shape) == ((40, 33), (1, 40), (3, 3, 16, 16))
    assert told.format == Format.FRACTAL_NZ
    assert not tensor.contiguous
    assert tensor.block.nbytes == 3 * 3 * 16 * 16 * 2
    for use in (lambda: tensor[0], lambda: tensor.reshape(-1), lambda: tensor.copy_from(0)):
        with pytest.raises(ValueError, match="FRACTAL_NZ"):
            use()


def test_tensor_class_is_what_the_makers_return() -> None:
    assert all(isinstance(each, Tensor) for each in (asarray(1), empty(1, "int8"), zeros(1, "int8")))
    assert asarray(1).block.stream is current_stream()
