"""Products of floats with quantised weights. Taken where the documents are silent: a weight is
(weight + offset) * scale in fp32, rounded once to the type of x."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from kernels.arrays import Array, blank, covers, host_dtype, layout, random, wide
from kernels.matmuls import assert_product, examples

import ascend_ops as ao
from ascend_ops.ops._names import operator_name

OPERATORS = [
    pytest.param(name, id=name, marks=covers(name, "float16 bfloat16"))
    for name in (
        "aclnnWeightQuantBatchMatmulV2",
        "aclnnWeightQuantBatchMatmulV3",
        "aclnnWeightQuantBatchMatmulNz",
    )
]


def call(
    operator: str, x: ao.Tensor, weight: ao.Tensor, scale: ao.Tensor, y: ao.Tensor, **given: Any
) -> None:
    named = {f"{name}_optional": given.get(name) for name in ("antiquant_offset", "bias")}
    named |= {"quant_scale_optional": None, "quant_offset_optional": None}
    if operator.endswith("V3"):
        named["inner_precise"] = 0
    run = getattr(ao.ops, operator_name(operator))
    run(x, weight, scale, antiquant_group_size=given.get("group", 0), y=y, **named)


def passed(rng: np.random.Generator, weight: Array, kind: str) -> ao.Tensor:
    """The weight [k, n] as it is or as a view of its transpose; int4 as such, or eight in an int32."""
    flips = bool(rng.integers(2))
    stored = np.ascontiguousarray(weight.T) if flips else weight
    if kind == "int4":
        tensor = ao.asarray(stored.astype(ml_dtypes.int4))
    elif kind == "int32":
        nibbles = (stored & 15).astype(np.uint8)
        packed = nibbles[..., 0::2] | nibbles[..., 1::2] << 4
        tensor = ao.asarray(np.ascontiguousarray(packed).view(np.int32))
    else:
        tensor = ao.asarray(stored, format="FRACTAL_NZ" if kind == "tiles" else "ND")
    return tensor.T if flips else tensor


@pytest.mark.parametrize("kind", ["int8", "int4", "int32", "tiles"])
@pytest.mark.parametrize("operator", OPERATORS)
def test_quantised_weights(operator: str, kind: str) -> None:
    if operator.endswith("Nz"):
        kind = "tiles"

    def check(rng: np.random.Generator) -> None:
        for dtype in ("float16", "bfloat16"):
            m, k, n = int(rng.integers(1, 9)), 8 * int(rng.integers(2, 12)), 8 * int(rng.integers(2, 9))
            group = int(rng.choice([0, 32])) if k > 32 else 0
            rows = -(-k // group) if group else 1
            limit = 8 if kind.startswith("int4") or kind == "int32" else 128
            weight = rng.integers(-limit, limit, (k, n), np.int8)
            columns = 1 if not group and rng.random() < 0.3 else n
            scale = random(rng, (rows, columns), dtype, 0.01, 0.1)
            offset = np.rint(wide(random(rng, (rows, columns), dtype))).astype(host_dtype(dtype))
            has_offset = bool(rng.integers(2))
            bias = (
                random(rng, (n,), "float32" if dtype == "bfloat16" else dtype) if rng.random() < 0.5 else None
            )
            x, y = random(rng, (m, k), dtype, -2, 2), blank(rng, (m, n), dtype)
            flat = not group and rng.random() < 0.5

            def tensor(values: Array, flat: bool = flat) -> ao.Tensor:
                return ao.asarray(values[0] if flat else values)

            call(
                operator,
                layout(rng, x),
                passed(rng, weight, kind),
                tensor(scale),
                y,
                antiquant_offset=tensor(offset) if has_offset else None,
                bias=None if bias is None else ao.asarray(bias),
                group=group,
            )
            spread = [np.repeat(wide(each), group or k, 0)[:k].astype(np.float32) for each in (scale, offset)]
            floats = (weight.astype(np.float32) + spread[1] * has_offset) * spread[0]
            assert_product(
                y, x, floats.astype(host_dtype(dtype)), dtype, 1, 0 if bias is None else wide(bias)
            )

    examples(check, 3)


X, W = np.zeros((2, 64), np.float16), np.zeros((64, 8), np.int8)
S = np.ones(8, np.float16)
INVALID, NO_KERNEL = 161002, 561003


@pytest.mark.parametrize(
    ("x", "weight", "scale", "group", "code", "text"),
    [
        (X.astype(np.float32), W, S, 0, INVALID, "data type of x"),
        (X, W[:32], S, 0, INVALID, "different inner lengths"),
        (X, W, S[:3], 0, INVALID, "antiquantScale is"),
        (X, W, np.ones((2, 8), np.float16), 33, INVALID, "antiquantGroupSize is 33"),
        (X, W, np.ones(8, np.uint64), 0, NO_KERNEL, "no kernel for a packed antiquantScale"),
    ],
)
def test_what_does_not_fit_is_refused(
    x: Array, weight: Array, scale: Array, group: int, code: int, text: str
) -> None:
    with pytest.raises(ao.AclError, match=text) as refusal:
        call(
            "aclnnWeightQuantBatchMatmulV2",
            ao.asarray(x),
            ao.asarray(weight),
            ao.asarray(scale),
            ao.empty((2, 8), "float16"),
            group=group,
        )
    assert refusal.value.code == code
