"""Quantization and dequantization: what the outputs look like, and what the operators compute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, cast, overload

from ascend_ops import dtypes
from ascend_ops._arguments import element_type
from ascend_ops.dispatch import Operator
from ascend_ops.dtypes import DType
from ascend_ops.ops._inputs import flag, outputs, required, tensor
from ascend_ops.prepared import PreparedCall, preparable
from ascend_ops.tensor import Tensor, new

if TYPE_CHECKING:
    from ascend_ops.ops._inputs import TensorLike

PACKED = 8  # int4 elements in one int32

_QUANT = Operator(
    "aclnnDynamicQuantV2",
    ("x", "smooth_scales", "group_index", "dst_type", "y", "scale", "offset"),
    reads_only=True,
)
_ANTI_QUANT = Operator(
    "aclnnAscendAntiQuant", ("x", "scale", "offset", "dst_type", "sqrt_mode", "out"), reads_only=True
)

Pair = tuple[Tensor, Tensor]
Triple = tuple[Tensor, Tensor, Tensor]


class DynamicQuantV2(Protocol):
    """`dynamic_quant_v2` as type checkers see it: `symmetric` says how many results there are."""

    @overload
    def __call__(
        self,
        x: TensorLike,
        smooth_scales: TensorLike | None = ...,
        group_index: TensorLike | None = ...,
        dst_type: object = ...,
        symmetric: Literal[True] = ...,
        *,
        out: Pair | None = ...,
    ) -> Pair: ...
    @overload
    def __call__(
        self,
        x: TensorLike,
        smooth_scales: TensorLike | None = ...,
        group_index: TensorLike | None = ...,
        dst_type: object = ...,
        *,
        symmetric: Literal[False],
        out: Triple | None = ...,
    ) -> Triple: ...
    @overload
    def __call__(
        self,
        x: TensorLike,
        smooth_scales: TensorLike | None,
        group_index: TensorLike | None,
        dst_type: object,
        symmetric: Literal[False],
        *,
        out: Triple | None = ...,
    ) -> Triple: ...
    @overload
    def __call__(
        self,
        x: TensorLike,
        smooth_scales: TensorLike | None = ...,
        group_index: TensorLike | None = ...,
        dst_type: object = ...,
        symmetric: bool = ...,
        *,
        out: Pair | Triple | None = ...,
    ) -> Pair | Triple: ...

    def prepare(self, *args: Any, **named: Any) -> PreparedCall[Any]: ...


def _dynamic_quant_v2(
    x: TensorLike,
    smooth_scales: TensorLike | None = None,
    group_index: TensorLike | None = None,
    dst_type: object = dtypes.int8,
    symmetric: bool = True,
    *,
    out: Any = None,
) -> Any:
    """Quantizes every row (token) of `x` with a scale of its own. Returns (y, scale), or (y, scale, offset)
    when not symmetric. Queued on the current stream.

    With H the length of the last axis and S the number of rows, the product of the other lengths:

    x              float16 or bfloat16, [..., H], 2 to 8 axes; a Tensor with any strides or an array-like
    smooth_scales  dtype of x, [H]; with group_index [E, H], one row per expert, E <= 1024
    group_index    int32 [E], the cumulative end rows of the experts: row r (rows counted in C order) is
                   smoothed with the first expert e for which group_index[e] > r. The last value is S. Without
                   smooth_scales it has no effect.
    dst_type       int8, int4 (H even), or int32 for eight int4 in a word, the first in the lowest bits (H a
                   multiple of 8); as ao.int8, a NumPy dtype, a name or an aclDataType code. Products other
                   than Atlas A2/A3 know others.
    symmetric      whether 0 maps to 0; otherwise a row's range maps to the whole range of the type
    out            tensors to write instead of new ones: (y, scale) or (y, scale, offset)

    y              dst_type, shape of x; for int32 [..., H // 8]
    scale, offset  float32, x.shape[:-1]

    On Atlas A2/A3, in float32 with one rounding per operation and V = x * smooth_scales (or x), C = 127 for
    int8 and 7 for int4, R = 2 C + 1, every row by itself:

        symmetric      q = C / max|V|;  y = round(V * q);  scale = 1 / q (to 1 ulp).  x is about y * scale
        asymmetric     scale = max((max V - min V) / R, 1e-12);  offset = C - max V / scale
                       y = round(V * (1 / scale) + offset).  x is about (y - offset) * scale

    round is half to even, then saturating to -C-1 .. C. A row of zeros gives y 0 and scale 0, asymmetric y C
    and scale 1e-12. An infinity in a symmetric row makes its scale infinite and its y 0; rows with a NaN are
    unspecified. Without elements in x nothing runs, and scale and offset (which have elements when H is 0)
    are left as they are.

    Raises TypeError, ValueError or OverflowError, naming the argument, for what cannot become a tensor of
    CANN, for H not a multiple of 8 with int32, for closed tensors and tensors of another device;
    ParameterError (161002) for dtypes, ranks and shapes other than above; AclError (561103) when
    smooth_scales or group_index do not fit each other or x; OutOfMemoryError when the device is full.

    Source: CANN operator document aclnnDynamicQuantV2.
    """
    x_in = tensor("x", x)
    element = None if x_in is None else x_in.dtype
    smooth = tensor("smooth_scales", smooth_scales, element)
    group = tensor("group_index", group_index, dtypes.int32)
    target = element_type("dst_type", dst_type)
    names = ("y", "scale") if flag("symmetric", symmetric) else ("y", "scale", "offset")
    results = _quantized(required("x", x_in), target, len(names)) if out is None else outputs(out, names)
    y, scale, offset = (*results, None)[:3]
    _QUANT.launch((x_in, smooth, group, int(target.code), y, scale, offset))
    return tuple(results)


dynamic_quant_v2 = cast(DynamicQuantV2, preparable(_dynamic_quant_v2))


def _quantized(x: Tensor, target: DType, count: int) -> tuple[Tensor, ...]:
    *rows, length = x.shape or (1,)  # the library refuses 0-d
    if target is dtypes.int32:
        if length % PACKED:
            raise ValueError(
                f"x: its last axis has {length} elements; dst_type int32 packs {PACKED} int4 into one, "
                f"so it takes multiples of {PACKED}"
            )
        length //= PACKED
    shape = (*rows, length) if x.shape else ()
    per_row = tuple(rows)
    y, scale = new(shape, target), new(per_row, dtypes.float32)
    return (y, scale) if count == 2 else (y, scale, new(per_row, dtypes.float32))


@preparable
def ascend_anti_quant(
    x: TensorLike,
    scale: TensorLike,
    offset: TensorLike | None = None,
    dst_type: object = dtypes.float16,
    sqrt_mode: bool = False,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Dequantizes: y = (x + offset) * scale, with `sqrt_mode` times scale once more. Queued on the current
    stream.

    x          int8, int4 (even last axis), or int32 holding eight int4 each, the first in the lowest bits;
               up to 8 axes; a Tensor with any strides (int4: contiguous) or an array-like
    scale      float32 or bfloat16, [1] or [L], L the length of the last axis of y
    offset     dtype and shape of scale; None for none
    dst_type   float16 or bfloat16; as ao.float16, a NumPy dtype, a name or an aclDataType code
    sqrt_mode  whether `scale` is the square root of the scale that is meant, and multiplied in twice
    out        tensor to write instead of a new one

    Returns y: dst_type, the shape of x; for int32 the last axis is 8 times as long, and 0-d becomes [8].

    On Atlas A2/A3, in float32 with one rounding per operation, in this order: t = x + offset (or x), r = t *
    scale, with sqrt_mode r = r * scale, y = r rounded half to even. What is too large for float16 becomes
    infinite (65504 on products that saturate); infinite or NaN scales follow IEEE arithmetic. Without
    elements in x nothing runs.

    Raises TypeError, ValueError or OverflowError, naming the argument, for what cannot become a tensor of
    CANN, for closed tensors and tensors of another device; ParameterError (161002) for dtypes, ranks and
    shapes other than above; OutOfMemoryError when the device is full.

    Source: CANN operator document aclnnAscendAntiQuant.
    """
    x_in = tensor("x", x)
    scale_in = tensor("scale", scale, dtypes.float32)
    offset_in = tensor("offset", offset, dtypes.float32 if scale_in is None else scale_in.dtype)
    target = element_type("dst_type", dst_type)
    is_root = flag("sqrt_mode", sqrt_mode)
    if out is None:
        y: Tensor | None = new(_dequantized_shape(required("x", x_in)), target)
    else:
        (y,) = outputs((out,), ("y",))
    _ANTI_QUANT.launch((x_in, scale_in, offset_in, int(target.code), is_root, y))
    assert y is not None  # the library refuses NULL
    return y


def _dequantized_shape(x: Tensor) -> tuple[int, ...]:
    if x.dtype is not dtypes.int32:
        return x.shape
    *rows, length = x.shape or (1,)
    return (*rows, length * PACKED)
