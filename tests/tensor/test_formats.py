"""Formats: names, the storage of FRACTAL_NZ, and arrays to and from it."""

from __future__ import annotations

import hashlib
import itertools
import json
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ascend_ops as ao
from ascend_ops import dtypes, formats
from ascend_ops._cann.enums import Format
from ascend_ops.dtypes import Array

VECTORS = Path(__file__).parents[1] / "vectors" / "aclnnQuantMatmulAllReduceV2.vectors.json"


@pytest.mark.parametrize("spec", [Format.FRACTAL_NZ, 29, "FRACTAL_NZ", "ACL_FORMAT_FRACTAL_NZ", "fractal_nz"])
def test_spec_resolves(spec: Any) -> None:
    assert formats.format(spec) is Format.FRACTAL_NZ


@pytest.mark.parametrize("spec", ["nonsense", 1234, None, 2.0])
def test_unknown_spec_is_refused_with_the_choices(spec: Any) -> None:
    with pytest.raises(ValueError, match=r"layout: .* is not a format; use one of .*NCHW, NHWC, ND"):
        formats.format(spec, "layout")


@pytest.mark.parametrize(
    ("shape", "dtype", "storage"),
    [
        ((33, 40), dtypes.float16, (3, 3, 16, 16)),
        ((16, 32), dtypes.int8, (1, 1, 16, 32)),
        ((5, 64, 65), dtypes.int4, (5, 2, 4, 16, 64)),
        ((16, 8), dtypes.int32, (1, 1, 16, 8)),
    ],
)
def test_fractal_nz_storage_is_tiles_of_16_rows_of_32_bytes(
    shape: tuple[int, ...], dtype: dtypes.DType, storage: tuple[int, ...]
) -> None:
    assert formats.storage_shape(shape, dtype, Format.FRACTAL_NZ) == storage


def test_base_formats_store_the_logical_shape() -> None:
    assert formats.storage_shape((2, 3, 4, 5), dtypes.float32, Format.NCHW) == (2, 3, 4, 5)


def test_formats_whose_storage_is_unknown_are_refused() -> None:
    with pytest.raises(ValueError, match="from_pointer with storage_shape"):
        formats.storage_shape((2, 3, 4, 5), dtypes.float16, Format.NC1HWC0)


def test_fractal_nz_needs_a_matrix() -> None:
    with pytest.raises(ValueError, match="at least 2 axes"):
        formats.storage_shape((5,), dtypes.float16, Format.FRACTAL_NZ)


def test_tiles_need_a_whole_number_of_elements_in_a_row() -> None:
    with pytest.raises(ValueError, match="32 bytes are no whole number of elements of float6_e3m2fn"):
        formats.storage_shape((16, 16), dtypes.float6_e3m2fn, Format.FRACTAL_NZ)


def element_at(storage: Array, row: int, column: int) -> Any:
    """As the operator document says it, for the last two axes."""
    width = storage.shape[-1]
    return storage[..., column // width, row // 16, row % 16, column % width]


def test_int8_elements_lie_where_the_vectors_say() -> None:
    published = json.loads(VECTORS.read_text())["helpers"]["nz_int8_element_order"]
    rows, columns = published["nd_shape"]
    matrix = (np.arange(rows * columns) % 127).astype(np.int8).reshape(rows, columns)
    storage = formats.to_nz(matrix)
    assert list(storage.shape) == published["nz_shape"]
    flat = storage.reshape(-1)
    assert [int(flat[each["flat"]]) for each in published["flat_index_of_element"]] == [
        each["value"] for each in published["flat_index_of_element"]
    ]
    assert hashlib.sha256(storage.tobytes()).hexdigest() == published["sha256_of_int8_storage"]
    assert (formats.from_nz(storage, (rows, columns)) == matrix).all()


DTYPES = [np.float16, ml_dtypes.bfloat16, np.int8, np.float32, ml_dtypes.int4, np.uint64]
SIZES = st.integers(0, 70)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=2), SIZES, SIZES, st.sampled_from(DTYPES), st.booleans())
def test_tiles_hold_every_element_in_its_place_and_zeros_elsewhere(
    outer: list[int], m: int, n: int, dtype: Any, transposed: bool
) -> None:
    count = int(np.prod([*outer, m, n]))
    matrix = (np.arange(count) % 7 + 1).astype(dtype).reshape(*outer, m, n)  # no zeros
    given_matrix = np.ascontiguousarray(matrix.swapaxes(-1, -2)).swapaxes(-1, -2) if transposed else matrix
    storage = formats.to_nz(given_matrix)
    assert storage.dtype == matrix.dtype
    assert storage.flags.c_contiguous
    assert storage.shape == formats.storage_shape(matrix.shape, dtypes.dtype(dtype), Format.FRACTAL_NZ)
    for row, column in itertools.product({0, m // 2, m - 1}, {0, n // 2, n - 1}):
        if 0 <= row < m and 0 <= column < n:
            assert (element_at(storage, row, column) == matrix[..., row, column]).all()
    assert int((storage.astype(np.float32) != 0).sum()) == count
    back = formats.from_nz(storage, matrix.shape)
    assert back.dtype == matrix.dtype
    assert back.flags.c_contiguous
    assert back.tobytes() == matrix.tobytes()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([1, 2, 15, 16, 17, 40]), st.sampled_from([1, 2, 16, 33]), st.sampled_from(DTYPES))
def test_a_tensor_in_fractal_nz_keeps_its_values_also_transposed(m: int, n: int, dtype: Any) -> None:
    matrix = (np.arange(m * n) % 8).astype(dtype).reshape(m, n)
    tensor = ao.asarray(matrix, format="FRACTAL_NZ")
    assert (tensor.shape, tensor.dtype, tensor.format) == ((m, n), dtype, Format.FRACTAL_NZ)
    assert tensor.numpy().tobytes() == matrix.tobytes()
    assert tensor.T.numpy().tobytes() == matrix.T.tobytes()
    assert tensor.T.T.numpy().tobytes() == matrix.tobytes()
    # What tells operators which way the tiles lie, lengths of 1 included.
    told = tensor.T._descriptor()
    assert (told.shape, told.strides) == ((n, m), (1, n))
    assert told.storage_shape == tensor._descriptor().storage_shape


def test_a_stack_of_matrices_in_fractal_nz_may_be_permuted() -> None:
    stack = np.arange(2 * 3 * 20 * 40, dtype=np.float32).reshape(2, 3, 20, 40).astype(np.float16)
    tensor = ao.asarray(stack, format="FRACTAL_NZ").transpose(1, 0, 3, 2)
    np.testing.assert_array_equal(tensor.numpy(), stack.transpose(1, 0, 3, 2))


def test_foreign_tiles_are_read_by_their_shape_and_strides() -> None:
    matrix = np.arange(20 * 40, dtype=np.int16).astype(np.int8).reshape(20, 40)
    own = ao.asarray(matrix, format="FRACTAL_NZ")
    borrowed = ao.from_pointer(own.address, (40, 20), "int8", (1, 40), own, "FRACTAL_NZ")
    assert borrowed._descriptor()[:6] == own.T._descriptor()[:6]
    np.testing.assert_array_equal(borrowed.numpy(), matrix.T)
    odd = ao.from_pointer(own.address, (20, 40), "int8", (41, 1), own, "FRACTAL_NZ")
    with pytest.raises(ValueError, match=r"not that of int8 \(20, 40\) with strides \(41, 1\)"):
        odd.numpy()


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: formats.to_nz(np.zeros(5, np.int8)), ValueError, "array: format FRACTAL_NZ needs"),
        (lambda: formats.to_nz(np.zeros((2, 2), "U1")), TypeError, "array: <U1 is not an element type"),
        (lambda: formats.from_nz(np.zeros((1, 1, 16, 32), np.int8), (5,)), ValueError, "shape: format FRAC"),
        (lambda: formats.from_nz(np.zeros((1, 1, 16, 32), np.int8), (17, 5)), ValueError, r"\(1, 2, 16, 32"),
        (lambda: formats.from_nz(np.zeros((1, 1, 16, 32), np.int8), (-1, 5)), ValueError, "shape: .*-1"),
        (lambda: ao.asarray([1], format="FRACTAL_NZ"), ValueError, "at least 2 axes"),
        (lambda: ao.asarray([[1]], format="NC1HWC0"), ValueError, "NC1HWC0"),
        (lambda: ao.asarray([[1]], format="tiles"), ValueError, "format: 'tiles' is not a format"),
        (lambda: ao.asarray(ao.asarray([[1]]), format="FRACTAL_NZ"), ValueError, "trans_matmul_weight"),
    ],
)
def test_refusals_say_what_is_wrong(call: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        call()


def test_a_tensor_in_the_wanted_format_is_returned_as_it_is() -> None:
    tensor = ao.asarray(np.zeros((3, 5), np.int8), format="FRACTAL_NZ")
    assert ao.asarray(tensor) is tensor
    assert ao.asarray(tensor, "int8", "FRACTAL_NZ") is tensor


def test_base_formats_only_name_the_axes() -> None:
    array = np.arange(24, dtype=np.int8).reshape(1, 2, 3, 4)
    tensor = ao.asarray(array, format="NCHW")
    assert tensor.format == Format.NCHW
    np.testing.assert_array_equal(tensor.numpy(), array)
