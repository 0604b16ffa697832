"""aclnnDequantRopeQuantKvcache."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from reference.arrays import F32, Array


class RopeResult(NamedTuple):
    """k and v are as if wanted; the caches are updated copies."""

    q: Array
    k: Array
    v: Array
    k_cache: Array
    v_cache: Array


def dequant_rope_quant_kvcache(
    x: Array,
    cos: Array,
    sin: Array,
    caches: tuple[Array, Array],
    indices: Array,
    scales: tuple[Array, Array],
    offsets: tuple[Array | None, Array | None] = (None, None),
    weight_scale: Array | None = None,
    activation_scale: Array | None = None,
    bias: Array | None = None,
    *,
    page: bool = False,
) -> RopeResult:
    """The whole operator, tensor by tensor, every operation rounded once in the type of its class.

    The number of q columns is what k and v leave. Of tokens with the same page the last one stays.
    """
    rows, heads, d = caches[0].shape[1:]
    lead, kv = x.shape[:-1], heads * d
    tokens = x.reshape(-1, x.shape[-1])
    if any(offset is None for offset in offsets):  # one alone does not count
        offsets = (None, None)
    with np.errstate(all="ignore"):
        values = _dequantised(tokens, weight_scale, activation_scale, bias)
        split = np.split(values, [x.shape[-1] - 2 * kv, x.shape[-1] - kv], axis=1)
        parts = [part.reshape(len(tokens), part.shape[1] // d, d) for part in split]
        q, k = (_rotated(part, cos.reshape(-1, 1, d), sin.reshape(-1, 1, d)) for part in parts[:2])
        codes = [
            _quantised(part.astype(F32), scale.reshape(heads, d), offset)
            for part, scale, offset in zip((k, parts[2]), scales, offsets, strict=True)
        ]
        outputs = [part.astype(cos.dtype).reshape(*lead, *part.shape[1:]) for part in (q, k, parts[2])]
    slots = indices if page else _contiguous_slots(indices, x.shape, rows)
    updated = [_written(cache, code, slots) for cache, code in zip(caches, codes, strict=True)]
    return RopeResult(*outputs, *updated)


def _dequantised(
    tokens: Array, weight_scale: Array | None, activation_scale: Array | None, bias: Array | None
) -> Array:
    """float32 of an int32 matrix product; other inputs stay as they are."""
    if tokens.dtype != np.int32:
        return tokens
    assert weight_scale is not None
    if bias is not None and bias.dtype == np.int32:
        tokens = tokens + bias  # wraps
    values = tokens.astype(F32) * weight_scale
    if activation_scale is not None:
        values = values * activation_scale.reshape(-1, 1)
    if bias is not None and bias.dtype != np.int32:
        values = values + bias.astype(F32)
    return values


def _rotated(part: Array, cos: Array, sin: Array) -> Array:
    """Half-split rotation: in float16 where the tables are, else in float32."""
    kind = np.float16 if cos.dtype == np.float16 else F32
    z, c, s = part.astype(kind), cos.astype(kind), sin.astype(kind)
    half = z.shape[-1] // 2
    turned = np.concatenate([z[..., half:] * -s[..., :half], z[..., :half] * s[..., half:]], axis=-1)
    return np.asarray(turned + z * c)


def _quantised(values: Array, scale: Array, offset: Array | None) -> Array:
    scaled = values / scale
    if offset is not None:
        scaled = scaled + offset.reshape(scale.shape)
    return np.clip(np.nan_to_num(np.rint(scaled), nan=0.0), -128, 127).astype(np.int8)


def _contiguous_slots(indices: Array, shape: tuple[int, ...], rows: int) -> Array:
    """Flat cache row of each token: `shape[1]` of them from indices[b] on in batch b."""
    length = shape[1] if len(shape) == 3 else 1
    starts = np.arange(shape[0]) * rows + indices
    return np.asarray((starts[:, None] + np.arange(length)).reshape(-1))


def _written(cache: Array, codes: Array, slots: Array) -> Array:
    result = cache.copy()
    flat = result.reshape(cache.shape[0] * cache.shape[1], *cache.shape[2:])
    for slot, code in zip(slots, codes, strict=True):
        if slot >= 0:
            flat[slot] = code
    return result
