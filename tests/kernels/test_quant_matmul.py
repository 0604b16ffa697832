"""Products of int8 and int4 matrices: exact sums, then fp32 steps in the order of the documents' formulas.

Taken where the documents are silent: an INT32 result is the sums with their bias (its scale is not used, as
in CANN's kernels); the offset of INT8 results is the tensor's, or else the one inside of the packed scale;
FLOAT16 results of packed scales saturate."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from kernels.arrays import Array, blank, covers, host_dtype, layout, random
from kernels.matmuls import dequantised, examples, int_product, packed_scale

import ascend_ops as ao
from ascend_ops.ops._names import operator_name

# out, type of the scale, type of the bias, whether there is a scale per token, whether an offset
KINDS = [
    ("float16", "uint64", "int32", False, False),
    ("int8", "uint64", "int32", False, True),
    ("int8", "uint64", None, False, False),
    ("bfloat16", "float32", "float32", False, False),
    ("bfloat16", "bfloat16", "bfloat16", False, False),
    ("int32", "float32", "int32", False, False),
    ("bfloat16", "float32", "int32", True, False),
    ("bfloat16", "bfloat16", "float32", True, False),
    ("float16", "float32", "float16", True, False),
    ("float16", "float32", None, True, False),
]


def layout_of_weight(rng: np.random.Generator, weight: Array, tiled: bool) -> tuple[ao.Tensor, bool]:
    """The weight [.., k, n] as it may be passed, and whether as its transpose."""
    flips, view = bool(rng.integers(2)), bool(rng.integers(2))
    stored = np.ascontiguousarray(np.swapaxes(weight, -1, -2)) if flips else weight
    if not tiled:
        tensor = layout(rng, stored) if weight.ndim > 2 else ao.asarray(stored)
    else:
        tensor = ao.asarray(stored, format="FRACTAL_NZ")
    if flips and view and weight.ndim == 2:
        return tensor.T, False
    return tensor, flips


def parameters(
    rng: np.random.Generator, kind: tuple[Any, ...], m: int, n: int, k: int
) -> dict[str, Array | None]:
    out, scale_type, bias_type, has_token, has_offset = kind
    scale = rng.uniform(0.5, 2, 1 if rng.random() < 0.3 else n) / (100 * np.sqrt(k + 1))
    offset = rng.integers(-100, 100, n).astype(np.float32) if out == "int8" else None
    bias = None
    if bias_type is not None and rng.random() < 0.7:
        bias = random(
            rng, (n,), bias_type, -5000 if bias_type == "int32" else -2, 5000 if bias_type == "int32" else 2
        )
    if scale_type == "uint64":
        scale = scale * (100 if out == "float16" else 1)
        # Packed with the offset, or without one.
        inside = None if offset is None or has_offset or len(scale) != n else offset
        packed = packed_scale(scale, inside)
        return {"scale": packed, "bias": bias, "token": None, "offset": offset if has_offset else inside}
    token = rng.uniform(0.5, 2, m).astype(np.float32) if has_token else None
    return {"scale": scale.astype(host_dtype(scale_type)), "bias": bias, "token": token, "offset": None}


def run(
    operator: str,
    x: ao.Tensor,
    weight: ao.Tensor,
    flips: tuple[bool, bool],
    given: dict[str, Any],
    out: ao.Tensor,
) -> None:
    call = getattr(ao.ops, operator_name(operator))
    tensors = {name: None if value is None else ao.asarray(value) for name, value in given.items()}
    named: dict[str, Any] = {"out": out, "bias": tensors["bias"]}
    if operator in ("aclnnQuantMatmulV5", "aclnnQuantMatmulWeightNz"):
        named |= {"x1_scale": tensors["token"], "x2_scale": tensors["scale"], "x2_offset": tensors["offset"]}
        named |= dict.fromkeys(("x1_offset", "y_scale", "y_offset")) | {"group_size": 0}
    else:
        named |= {"scale": tensors["scale"], "offset": tensors["offset"]}
        if operator == "aclnnQuantMatmulV4":
            named["pertoken_scale_optional"] = tensors["token"]
    call(x, weight, transpose_x1=flips[0], transpose_x2=flips[1], **named)


def sizes(rng: np.random.Generator) -> tuple[int, int, int]:
    return int(rng.integers(1, 12)), int(rng.integers(1, 80)), int(rng.integers(1, 50))


CASES = [
    pytest.param(operator, kind, id=f"{operator}-{'-'.join(map(str, kind))}", marks=covers(operator, "int8"))
    for operator in (
        "aclnnQuantMatmulV3",
        "aclnnQuantMatmulV4",
        "aclnnQuantMatmulV5",
        "aclnnQuantMatmulWeightNz",
    )
    for kind in KINDS
    if not (kind[3] and operator == "aclnnQuantMatmulV3")
]


@pytest.mark.parametrize(("operator", "kind"), CASES)
def test_int8_products(operator: str, kind: tuple[Any, ...]) -> None:
    def check(rng: np.random.Generator) -> None:
        m, k, n = sizes(rng)
        tiled = operator.endswith("Nz") or rng.random() < 0.3
        batch = [] if tiled or rng.random() < 0.6 else [int(rng.integers(1, 4))]
        x = rng.integers(-128, 128, (*batch, m, k), np.int8)
        weight = rng.integers(-128, 128, (*([] if rng.random() < 0.5 else batch), k, n), np.int8)
        flip = bool(rng.integers(2))
        left = layout(rng, np.ascontiguousarray(np.swapaxes(x, -1, -2)) if flip else x)
        right, flips = layout_of_weight(rng, weight, tiled)
        given = parameters(rng, kind, m, n, k)
        out = blank(rng, (*batch, m, n), kind[0])
        # An offset inside of a packed scale is not passed beside it.
        passed = given if kind[4] else {**given, "offset": None}
        run(operator, left, right, (flip, flips), passed, out)
        expected = dequantised(int_product(x, weight), kind[0], **given)
        np.testing.assert_array_equal(out.numpy(), expected)

    examples(check, 3)


def to_int4(values: Array, as_words: bool) -> ao.Tensor:
    """Values in -8 .. 7, packed along the last axis: as INT4, or eight in an INT32."""
    nibbles = (values & 15).astype(np.uint8)
    packed = nibbles[..., 0::2] | nibbles[..., 1::2] << 4
    if as_words:
        return ao.asarray(np.ascontiguousarray(packed).view(np.int32))
    return ao.asarray(values.astype(ml_dtypes.int4))


INT4_KINDS = [KINDS[0], KINDS[6], KINDS[7], KINDS[8]]


@pytest.mark.parametrize("as_words", [False, True])
@pytest.mark.parametrize("kind", INT4_KINDS, ids=lambda kind: "-".join(map(str, kind)))
@covers("aclnnQuantMatmulV4 aclnnQuantMatmulV5", "int4")
def test_int4_products(kind: tuple[Any, ...], as_words: bool) -> None:
    def check(rng: np.random.Generator) -> None:
        m, k, n = int(rng.integers(1, 6)), 8 * int(rng.integers(1, 6)), 8 * int(rng.integers(1, 4))
        x, weight = rng.integers(-8, 8, (m, k), np.int8), rng.integers(-8, 8, (k, n), np.int8)
        flips = bool(rng.integers(2))
        right = to_int4(np.ascontiguousarray(weight.T) if flips else weight, as_words)
        given, out = parameters(rng, kind, m, n, k), blank(rng, (m, n), kind[0])
        operator = "aclnnQuantMatmulV4" if rng.random() < 0.5 else "aclnnQuantMatmulV5"
        run(operator, to_int4(x, as_words), right, (False, flips), given, out)
        np.testing.assert_array_equal(out.numpy(), dequantised(int_product(x, weight), kind[0], **given))

    examples(check, 3)


@covers("aclnnQuantMatmul aclnnQuantMatmulV2", "int8")
def test_the_first_versions() -> None:
    def check(rng: np.random.Generator) -> None:
        m, k, n = sizes(rng)
        x, weight = rng.integers(-128, 128, (2, m, k), np.int8), rng.integers(-128, 128, (2, k, n), np.int8)
        bias = rng.integers(-5000, 5000, n, np.int32)
        out = ao.ops.quant_matmul(x, weight, bias, 0.01, out=ao.empty((2, m, n), "float16"))
        scale = np.full(n, 0.01, np.float32)
        sums = int_product(x, weight)
        np.testing.assert_array_equal(out.numpy(), dequantised(sums, "float16", scale, bias))
        padded = packed_scale(rng.uniform(0.001, 0.1, -(-n // 16) * 16))
        out = ao.ops.quant_matmul_v2(
            np.ascontiguousarray(np.swapaxes(x, 1, 2)),
            weight,
            bias,
            padded,
            True,
            False,
            out=ao.empty((2, m, n), "float16"),
        )
        np.testing.assert_array_equal(out.numpy(), dequantised(sums, "float16", padded[:n], bias))

    examples(check)


def v4(x1: Any, x2: Any, scale: Any, out: ao.Tensor, **given: Any) -> ao.Tensor:
    """quant_matmul_v4, neither operand transposed."""
    given = {"offset": None, "pertoken_scale_optional": None, "bias": None, **given}
    ao.ops.quant_matmul_v4(x1, x2, scale, transpose_x1=False, transpose_x2=False, out=out, **given)
    return out


def test_results_of_packed_scales_saturate_and_others_do_not() -> None:
    x, weight = np.full((1, 100), 127, np.int8), np.full((100, 2), 127, np.int8)
    weight[:, 1] = -127
    scale = np.float32([1.0])
    packed = v4(x, weight, packed_scale(scale), ao.empty((1, 2), "float16"))
    assert packed.numpy().tolist() == [[65504, -65504]]
    plain = v4(x, weight, scale, ao.empty((1, 2), "float16"), pertoken_scale_optional=scale)
    assert plain.numpy().tolist() == [[np.inf, -np.inf]]


def test_one_bias_for_each_matrix_of_a_batch() -> None:
    rng = np.random.default_rng(4)
    x, weight = rng.integers(-128, 128, (3, 2, 9), np.int8), rng.integers(-128, 128, (3, 9, 5), np.int8)
    bias, scale = rng.integers(-500, 500, (3, 1, 5), np.int32), packed_scale(np.full(5, 0.01))
    out = v4(x, weight, scale, ao.empty((3, 2, 5), "float16"), bias=bias)
    np.testing.assert_array_equal(out.numpy(), dequantised(int_product(x, weight), "float16", scale, bias))


X, W = np.zeros((2, 8), np.int8), np.zeros((8, 4), np.int8)
F32, U64 = np.ones(4, np.float32), np.ones(4, np.uint64)
INVALID, NO_KERNEL = 161002, 561003


@pytest.mark.parametrize(
    ("given", "out", "code", "text"),
    [
        ({"x1": X, "x2": X, "scale": U64}, "float16", INVALID, "inner dimensions differ"),
        ({"x1": X, "x2": W, "scale": F32[:3]}, "bfloat16", INVALID, r"scale is .* must be \[4\] or \[1\]"),
        ({"x1": X, "x2": W, "scale": F32}, "int8", INVALID, "an unpacked scale gives"),
        ({"x1": X, "x2": W, "scale": U64}, "bfloat16", INVALID, "a packed scale gives"),
        ({"x1": X, "x2": W, "scale": U64, "bias": F32}, "float16", INVALID, "the bias is ACL_INT32"),
        ({"x1": X, "x2": W.astype(np.float32), "scale": U64}, "float16", INVALID, "data type of x2"),
        (
            {"x1": X, "x2": W, "scale": F32, "pertoken_scale_optional": F32},
            "bfloat16",
            INVALID,
            "pertokenScaleOptional is",
        ),
    ],
)
def test_what_does_not_fit_is_refused(given: dict[str, Any], out: str, code: int, text: str) -> None:
    with pytest.raises(ao.AclError, match=text) as refusal:
        v4(**given, out=ao.empty((2, 4), out))
    assert refusal.value.code == code


def test_quantisation_in_groups_is_refused_by_name() -> None:
    named: dict[str, Any] = dict.fromkeys(
        ("x1_scale", "x1_offset", "x2_offset", "y_scale", "y_offset", "bias")
    )
    with pytest.raises(ao.AclError, match="no kernel for quantisation in groups") as refusal:
        ao.ops.quant_matmul_v5(
            X,
            W,
            x2_scale=F32,
            transpose_x1=False,
            transpose_x2=False,
            group_size=32,
            out=ao.empty((2, 4), "bfloat16"),
            **named,
        )
    assert refusal.value.code == NO_KERNEL
