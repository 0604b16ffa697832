"""Rotary embedding into a quantized KV cache: what the outputs look like, and what the operator computes."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from ascend_ops import dtypes
from ascend_ops.dispatch import Operator
from ascend_ops.dtypes import DType
from ascend_ops.ops._inputs import Outputs, flag, outputs, required, tensor, tensors
from ascend_ops.ops._overlap import share_memory
from ascend_ops.prepared import preparable
from ascend_ops.tensor import Tensor, new

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ascend_ops.ops._inputs import TensorLike

Shape = tuple[int, ...]
RopeResults: TypeAlias = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]
CACHE_MODES = ("contiguous", "page")
_ROPE = Operator(
    "aclnnDequantRopeQuantKvcache",
    (
        *("x", "cos", "sin", "k_cache", "v_cache", "indices", "scale_k", "scale_v", "offset_k", "offset_v"),
        *("weight_scale", "activation_scale", "bias", "size_splits", "quant_mode", "layout", "kv_output"),
        *("cache_mode", "q", "k", "v"),
    ),
    reads_only=True,
)


@preparable
def dequant_rope_quant_kvcache(
    x: TensorLike,
    cos: TensorLike,
    sin: TensorLike,
    k_cache: Tensor,
    v_cache: Tensor,
    indices: TensorLike,
    scale_k: TensorLike,
    scale_v: TensorLike,
    size_splits: Sequence[int] | npt.NDArray[np.integer],
    offset_k: TensorLike | None = None,
    offset_v: TensorLike | None = None,
    weight_scale: TensorLike | None = None,
    activation_scale: TensorLike | None = None,
    bias: TensorLike | None = None,
    *,
    quant_mode: str | None = "static",
    layout: str | None = "BSND",
    kv_output: bool = False,
    cache_mode: str | None = "contiguous",
    out: Tensor | tuple[Tensor, ...] | None = None,
) -> RopeResults:
    """Dequantizes a fused QKV projection, rotates q and k, quantizes k and v to int8 and writes them into the
    KV caches. Returns (q, k, v, k_cache, v_cache). Queued on the current stream.

    With B batches, S tokens each (T = B * S), Nq heads for q and Nkv for k and v, D elements in a head and
    H = (Nq + 2 * Nkv) * D:

    x                 int32, float16 or bfloat16, [B, S, H] or [B, H] (then S is 1): q, k and v side by side.
                      A Tensor with any strides or an array-like, as are all inputs but the caches. CANN's
                      page allows H up to 4096, a multiple of 64.
    cos, sin          float16 or bfloat16, the dtype of x unless that is int32; [B, S, 1, D], for x [B, H]
                      [B, D]. All D entries count: the halves of a table need not be equal.
    k_cache, v_cache  int8 Tensors [C1, C2, Nkv, D], D a multiple of 16. Updated in place and returned: the
                      very objects, no copies, which is why arrays are refused (`asarray` makes Tensors).
                      They share no memory. CANN before 8.5 wants them contiguous.
    indices           int32; contiguous mode: [B], the cache row of each batch's first token; page mode: [T],
                      the row of each token in the cache seen as [C1 * C2, Nkv, D], negative for none
    scale_k, scale_v  float32, Nkv * D elements in any shape
    size_splits       [Nq * D, Nkv * D, Nkv * D]
    offset_k          float32, as scale_k; both offsets or none (CANN ignores one without the other)
    offset_v          likewise
    weight_scale      float32 [H]; needed when x is int32
    activation_scale  float32 [T]
    bias              float32, float16, bfloat16 or int32 [H]; a list becomes float32. weight_scale,
                      activation_scale and bias have no effect unless x is int32.
    quant_mode        "static" or None, which is the same; CANN does not read it
    layout            "BSND" or None, which is the same; CANN does not read it
    kv_output         whether k and v are wanted outside of the caches, too
    cache_mode        "contiguous" or None: token s of batch b goes to cache[b, indices[b] + s], C1 >= B;
                      "page": to cache row indices[token]. In any letter case. CANN takes all other text for
                      "contiguous"; here it is refused.
    out               tensors to write instead of new ones: (q, k, v), or q without kv_output

    q     dtype of cos, [B, S, Nq, D] or [B, Nq, D]
    k, v  dtype of cos, [B, S, Nkv, D] or [B, Nkv, D]; without kv_output empty Tensors of shape (0,)

    On Atlas A2/A3, step by step, each operation rounded once:

        dequantize  f = x * weight_scale * activation_scale + bias in float32, from left to right; an int32
                    bias is added to x first, so it is scaled where a bias of floats is not. x of float16 and
                    bfloat16 stays as it is.
        rotate      q and k, head by head, with h = D / 2: out[d] = z[d] * cos[d] - z[d + h] * sin[d] in the
                    first half, z[d] * cos[d] + z[d - h] * sin[d] in the second (half split, not interleaved).
                    With float16 tables z and every product and sum are rounded to float16. With bfloat16
                    tables all is float32; q and k are rounded when they are written.
        quantize    k and v: saturate(round(value / scale + offset)) to -128 .. 127, half to even, NaN to 0.
                    value is k as rotated: rounded with float16 tables, unrounded with bfloat16 ones; and v as
                    dequantized, unrounded (v is rounded only as an output).

    Cache rows that no token is written to keep their contents. Without elements in x nothing runs. CANN
    checks no index: one outside of the caches overwrites other memory; the stand-in refuses it when the
    stream is waited for (507015). Of tokens with the same page, any may be the last to write (the stand-in's
    is the last token). Columns behind the last multiple of 64 in Nkv * D are left unscaled by the NPU.

    Raises TypeError, ValueError or OverflowError, naming the argument, for what cannot become a tensor of
    CANN, for caches that are no Tensors, for closed tensors and tensors of another device; ValueError for
    what CANN does not check but reaches out of bounds with (a weight_scale, activation_scale or bias with too
    few elements, an `out` of another shape) or takes for something else: other modes and layouts, one offset
    without the other, caches that share memory. ParameterError (161002) for other dtypes; AclError (561002)
    for other shapes and a missing weight_scale; OutOfMemoryError when the device is full.

    Source: CANN operator document aclnnDequantRopeQuantKvcache.
    """
    _check_choices(cache_mode, layout, quant_mode)
    _check_offsets(offset_k, offset_v)
    x_in = required("x", tensor("x", x))
    table = dtypes.bfloat16 if x_in.dtype is dtypes.bfloat16 else dtypes.float16
    cos_in = required("cos", tensor("cos", cos, table))
    caches = _caches(k_cache, v_cache)
    sin_in, rows = tensor("sin", sin, cos_in.dtype), tensor("indices", indices, dtypes.int32)
    quantizers = tensors(
        {"scale_k": scale_k, "scale_v": scale_v, "offset_k": offset_k, "offset_v": offset_v}, dtypes.float32
    )
    dequantizers = tensors(
        {"weight_scale": weight_scale, "activation_scale": activation_scale, "bias": bias}, dtypes.float32
    )
    splits = _splits(size_splits)
    if x_in.dtype is dtypes.int32:
        _check_reach(x_in.shape, splits, dequantizers)
    wanted = flag("kv_output", kv_output)
    shapes = _output_shapes(x_in.shape, caches[0].shape, splits)
    q, k, v = _outputs(out, shapes if wanted else shapes[:1], cos_in.dtype)
    attributes = (size_splits, quant_mode, layout, wanted, cache_mode)
    _ROPE.launch((x_in, cos_in, sin_in, *caches, rows, *quantizers, *dequantizers, *attributes, q, k, v))
    return q, k, v, *caches


def _caches(k_cache: object, v_cache: object) -> tuple[Tensor, Tensor]:
    caches = _cache("k_cache", k_cache), _cache("v_cache", v_cache)
    if share_memory(*caches):
        raise ValueError(
            "k_cache and v_cache share memory: k and v would overwrite each other; give two caches"
        )
    return caches


def _cache(name: str, value: object) -> Tensor:
    if isinstance(value, Tensor):
        return value
    raise TypeError(
        f"{name} must be a Tensor, not {type(value).__name__}: it is updated in place, so make one with "
        "asarray and keep it"
    )


def _check_choices(cache_mode: object, layout: object, quant_mode: object) -> None:
    """CANN takes a word that it does not know for the default, and writes the wrong rows of the caches."""
    if isinstance(cache_mode, str) and cache_mode.lower() not in CACHE_MODES:
        raise ValueError(f"cache_mode is {cache_mode!r}; it must be 'contiguous' or 'page'")
    for name, given, allowed in (("layout", layout, "BSND"), ("quant_mode", quant_mode, "static")):
        if isinstance(given, str) and given != allowed:
            raise ValueError(f"{name} is {given!r}; it must be {allowed!r}, CANN knows no other")


def _check_offsets(offset_k: object, offset_v: object) -> None:
    if (offset_k is None) != (offset_v is None):
        given, lacking = ("offset_v", "offset_k") if offset_k is None else ("offset_k", "offset_v")
        raise ValueError(f"{given} has no effect without {lacking}; give both (zeros for none) or neither")


def _check_reach(x: Shape, splits: Sequence[int], parameters: Sequence[Tensor | None]) -> None:
    """CANN reads as many elements of these as x has columns and tokens, also behind their ends."""
    if not x or sum(splits) != x[-1]:  # the library is going to refuse that
        return
    columns, tokens = x[-1], math.prod(x[:-1])
    needs = {"weight_scale": columns, "activation_scale": tokens, "bias": columns}
    for (name, least), given in zip(needs.items(), parameters, strict=True):
        if given is not None and given.shape != (least,) and given.size < least:
            raise ValueError(f"{name} has {given.size} elements; x {list(x)} needs {least}")


def _splits(size_splits: object) -> Sequence[int]:
    """As ints; none where the call is going to refuse them."""
    given = size_splits.tolist() if hasattr(size_splits, "tolist") else size_splits
    if isinstance(given, (list, tuple)) and all(type(size) is int for size in given):
        return given
    if isinstance(given, Sequence) and all(hasattr(size, "__index__") for size in given):
        return [operator.index(size) for size in given]
    return []


def _output_shapes(x: Shape, cache: Shape, splits: Sequence[int]) -> tuple[Shape, Shape, Shape]:
    """Of q, k and v; any where the library is going to refuse what they should follow from."""
    if len(cache) != 4 or cache[3] == 0 or len(x) < 2 or not splits:
        return (0,), (0,), (0,)
    heads = max(min(splits[0], x[-1]), 0) // cache[3]
    written = (*x[:-1], *cache[2:])
    return (*x[:-1], heads, cache[3]), written, written


def _outputs(out: Tensor | Outputs | None, shapes: Sequence[Shape], dtype: DType) -> list[Tensor]:
    """q, k and v: new, or the caller's; k and v empty where `shapes` has none for them."""
    names = ("q", "k", "v")[: len(shapes)]
    if out is None:
        made = [new(shape, dtype) for shape in shapes]
    else:
        given = outputs((out,) if isinstance(out, Tensor) else out, names)
        made = [_writable(*each) for each in zip(names, given, shapes, strict=True)]
    return made + [new((0,), dtype) for _ in range(3 - len(shapes))]


def _writable(name: str, value: Tensor | None, shape: Shape) -> Tensor:
    if value is None:
        raise TypeError(f"out: {name} is None; give a Tensor for each result, or no out at all")
    if value.shape != shape:
        raise ValueError(f"out: {name} is {list(value.shape)}; this call writes {list(shape)}")
    return value
