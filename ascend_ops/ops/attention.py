"""Attention: what the outputs look like, and what the operators compute."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ascend_ops._cann import ranges
from ascend_ops.dispatch import Operator
from ascend_ops.ops._inputs import outputs, required, tensor
from ascend_ops.ops._overlap import share_memory
from ascend_ops.prepared import preparable
from ascend_ops.tensor import Tensor, new

if TYPE_CHECKING:
    import numpy.typing as npt

    from ascend_ops.ops._inputs import TensorLike

PREFIX_SUMS = 0  # actSeqLenType
HEAD_STEP = 16  # the device moves heads in pieces of so many elements
_NSA_COMPRESS = Operator(
    "aclnnNsaCompress",
    ("x", "weight", "act_seq_len", "layoutOptional", "block_size", "stride", "actSeqLenType", "out"),
    reads_only=True,
)


@preparable
def nsa_compress(
    x: TensorLike,
    weight: TensorLike,
    act_seq_len: Sequence[int] | npt.NDArray[np.integer],
    block_size: int = 32,
    stride: int = 16,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Compresses a K or V sequence for native sparse attention: every row of the result is the weighted sum
    of one window of tokens (a sum, not a mean). Queued on the current stream.

    With T tokens in all batches together, N heads of D elements, and L = block_size:

    x            float16 or bfloat16, [T, N, D], D a multiple of 16; a Tensor with any strides or an
                 array-like. CANN's page allows N up to 128, D up to 256 and L up to 128.
    weight       dtype of x, [L, N]: one factor for each place in a window and each head
    act_seq_len  the tokens of batches 0 to b added up, for each batch b; ints or an integer array on the
                 host. Never decreasing, the last one T (tokens behind it are in no window).
    block_size   tokens in a window, a multiple of 16
    stride       tokens from the start of one window to that of the next, a multiple of 16, at most L
    out          tensor to write instead of a new one; it shares no memory with x and weight

    Returns y: dtype of x, [rows, N, D]. A batch of `length` tokens has (length - L) // stride + 1 rows, none
    when it is shorter than L; windows do not reach into the next batch, and the tokens behind a batch's last
    whole window are left out.

        y[r, n, d] = sum over j of x[start + j, n, d] * weight[j, n]        j = 0 .. L - 1

    where start is the first token of row r's window: that of its batch plus stride times the row's number in
    the batch. Products (exact) and sums are float32; the order of the sums is the library's. On Atlas A2/A3
    the result is rounded to the nearest, halves away from zero (not to even, as PyTorch does); what is too
    large becomes infinite, infinities and NaNs follow IEEE arithmetic.

    Raises TypeError, ValueError or OverflowError, naming the argument, for what cannot become a tensor of
    CANN, for closed tensors and tensors of another device; and for what CANN does not check but reads out of
    bounds with, or computes wrongly: other numbers of axes, a D that is no multiple of 16, a block_size or
    stride below 1, an act_seq_len that decreases, goes beyond T or gives no row at all, an `out` that shares
    memory with x or weight. ParameterError (161002) when dtypes differ or weight does not fit x or
    block_size; AclError (561103) for other dtypes, a block_size or stride that is no multiple of 16, a stride
    above L, and an `out` of another shape; OutOfMemoryError when the device is full.

    Source: CANN operator document aclnnNsaCompress.
    """
    x_in = required("x", tensor("x", x))
    weight_in = tensor("weight", weight, x_in.dtype)
    _check_axes("x", x_in, "[T, N, D]")
    _check_axes("weight", weight_in, "[block_size, N]")
    if x_in.shape[-1] % HEAD_STEP:
        raise ValueError(f"x: head size {x_in.shape[-1]} must be a multiple of {HEAD_STEP}")
    block, step = _positive("block_size", block_size), _positive("stride", stride)
    ends = _prefix_sums(act_seq_len, x_in.shape[0])
    rows = _row_count(ends, block, step)
    if out is None:
        y: Tensor | None = new((rows, *x_in.shape[1:]), x_in.dtype)
    else:
        (y,) = outputs((out,), ("y",))
        _check_apart(y, {"x": x_in, "weight": weight_in})
    args = (x_in, weight_in, ends, "TND", block, step, PREFIX_SUMS, y)
    _NSA_COMPRESS.launch(args)
    assert y is not None  # the library refuses NULL
    return y


def _check_axes(name: str, value: Tensor | None, axes: str) -> None:
    """CANN reads the lengths of these axes whether they are there or not."""
    if value is not None and len(value.shape) != axes.count(",") + 1:
        raise ValueError(f"{name}: {value.dtype} {list(value.shape)} must have the axes {axes}")


def _check_apart(out: Tensor | None, inputs: dict[str, Tensor | None]) -> None:
    for name, each in inputs.items():
        if share_memory(out, each):
            raise ValueError(
                f"out shares memory with {name}, which is read while out is written; give another tensor"
            )


def _positive(name: str, value: object) -> int:
    number = _integer(name, value)
    if number < 1:
        raise ValueError(f"{name} is {number}; it must be a positive multiple of 16")
    return number


def _integer(name: str, value: object) -> int:
    if type(value) is int and abs(value) <= ranges.INT64[1]:
        return value
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be an integer, not {value}")
    return ranges.checked(name, value, ranges.INT64)


def _prefix_sums(value: object, tokens: int) -> list[int]:
    """`value` as ints. The operator would read past the tokens of x, or before them, with what is refused."""
    ends = [
        each if type(each) is int else _integer(f"act_seq_len[{i}]", each)
        for i, each in enumerate(_items(value))
    ]
    before = 0
    for i, end in enumerate(ends):
        if not before <= end <= tokens:
            raise ValueError(
                f"act_seq_len[{i}] is {end}; it holds running totals of the batches' lengths, so it must be "
                f"at least {before} (what comes before it) and at most {tokens} (the tokens of x)"
            )
        before = end
    return ends


def _items(value: object) -> Sequence[object]:
    if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "iu":
        items: list[object] = value.tolist()
        return items
    if isinstance(value, (list, tuple)):
        return value
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return value
    given = f"{value.dtype} {list(value.shape)}" if isinstance(value, np.ndarray) else reprlib.repr(value)
    raise TypeError(
        "act_seq_len must be a sequence of ints or an integer array of one axis on the host, "
        f"not {type(value).__name__} ({given})"
    )


def _row_count(ends: Sequence[int], block: int, step: int) -> int:
    lengths = [end - start for start, end in pairwise((0, *ends))]
    rows = sum((length - block) // step + 1 for length in lengths if length >= block)
    if rows == 0:
        raise ValueError(
            f"act_seq_len: the longest of {len(lengths)} batches has {max(lengths, default=0)} tokens, less "
            f"than block_size ({block}), so the result would have no row; CANN does not compute that"
        )
    return rows
