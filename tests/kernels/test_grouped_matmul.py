"""Products of groups of rows, each with a matrix of its own: lists of tensors and single ones, every form of
the group list, floats, int8 with its scales, and weights of int8 and int4.

CANN's pages on these operators have no text for Atlas A2 and A3 now; what is allowed together was read from
the checks of its op_api. Rows that belong to no group keep what they hold."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from kernels.arrays import FLOATS, Array, assert_close, covers, host_dtype, layout, random, wide
from kernels.matmuls import assert_product, dequantised, examples, int_product, packed_scale

import ascend_ops as ao
from ascend_ops.ops._names import operator_name

ENDS, COUNTS, SPARSE = 0, 1, 2
VERSIONS = {
    "aclnnGroupedMatmul": 1,
    "aclnnGroupedMatmulV2": 2,
    "aclnnGroupedMatmulV3": 3,
    "aclnnGroupedMatmulV4": 4,
    "aclnnGroupedMatmulV5": 5,
}


def call(
    operator: str,
    x: list[ao.Tensor],
    weight: list[ao.Tensor],
    y: list[ao.Tensor],
    split: int,
    kind: int,
    groups: Any,
    **given: Any,
) -> None:
    """Whatever the version wants, in its names."""
    version = VERSIONS.get(operator, 5)
    act, list_type = given.pop("act", 0), given.pop("list_type", ENDS)
    named: dict[str, Any] = {f"{name}_optional": value for name, value in given.items()}
    named |= {"group_list_optional": groups, "split_item": split}
    if version >= 2:
        named["group_type"] = kind
    if version >= 3 and groups is not None:
        named["group_list_optional"] = ao.asarray(np.asarray(groups, np.int64))
    if version >= 4:
        named |= {"group_list_type": list_type, "act_type": act, "out": y}
        named |= {"activation_feature_out_optional": None, "dyn_quant_scale_out_optional": None}
    else:
        named["y"] = y
    if version >= 5:
        named["tuning_config_optional"] = None
    if operator.endswith("Nz"):
        named["quant_group_size"] = 0
    getattr(ao.ops, operator_name(operator))(x, weight, **named)


def counts(rng: np.random.Generator) -> list[int]:
    return [int(rng.choice([0, 1, rng.integers(2, 9)])) for _ in range(int(rng.integers(1, 5)))]


def group_list(rng: np.random.Generator, sizes: list[int], version: int) -> tuple[Array, int]:
    kind = int(rng.integers(2)) if version >= 4 else ENDS
    return np.asarray(np.cumsum(sizes) if kind == ENDS else sizes, np.int64), kind


def transposed(rng: np.random.Generator, weight: Array) -> ao.Tensor:
    """As it is, or as a view of its stored transpose."""
    if rng.random() < 0.5:
        return ao.asarray(weight)
    axes = [*range(weight.ndim - 2), weight.ndim - 1, weight.ndim - 2]
    return ao.asarray(np.ascontiguousarray(weight.transpose(axes))).transpose(*axes)


def bias_type(dtype: str) -> str:
    return "float32" if dtype == "bfloat16" else dtype


def mark(names: str, dtypes: str) -> list[Any]:
    return [pytest.param(each, id=each, marks=covers(each, dtypes)) for each in names.split()]


@pytest.mark.parametrize(
    "operator", mark("aclnnGroupedMatmulV3 aclnnGroupedMatmulV4 aclnnGroupedMatmulV5", FLOATS)
)
def test_one_tensor_of_rows_and_one_of_weights(operator: str) -> None:
    def check(rng: np.random.Generator) -> None:
        for dtype in FLOATS.split():
            sizes, k, n = counts(rng), int(rng.integers(1, 30)), int(rng.integers(1, 20))
            m, extra = sum(sizes), int(rng.integers(3))
            x, weight = (
                random(rng, (m + extra, k), dtype, -2, 2),
                random(rng, (len(sizes), k, n), dtype, -2, 2),
            )
            bias = random(rng, (len(sizes), n), bias_type(dtype)) if rng.random() < 0.5 else None
            out = layout(rng, np.full((m + extra, n), 7, host_dtype(dtype)))
            groups, kind = group_list(rng, sizes, VERSIONS[operator])
            given = {} if bias is None else {"bias": [ao.asarray(bias)]}
            call(
                operator,
                [layout(rng, x)],
                [transposed(rng, weight)],
                [out],
                3,
                0,
                groups,
                list_type=kind,
                **given,
            )
            starts = np.cumsum([0, *sizes])
            for i in range(len(sizes)):
                rows = slice(int(starts[i]), int(starts[i + 1]))
                plus = 0 if bias is None else wide(bias[i])
                assert_product(ao.asarray(out.numpy()[rows]), x[rows], weight[i], dtype, 1, plus)
            assert (out.numpy()[m:] == 7).all()

    examples(check, 3)


@pytest.mark.parametrize(
    "operator", [*mark("aclnnGroupedMatmul", "float16 bfloat16"), *mark("aclnnGroupedMatmulV2", FLOATS)]
)
@pytest.mark.parametrize("separate", ["all", "x", "y", "weight"])
def test_lists_of_tensors(operator: str, separate: str) -> None:
    """x and y are lists, or one of them is one tensor, or both are."""

    def check(rng: np.random.Generator) -> None:
        for dtype in FLOATS.split()[operator.endswith("Matmul") :]:
            sizes = [max(each, 1) for each in counts(rng)] + [2]
            k, n = int(rng.integers(1, 30)), int(rng.integers(1, 20))
            xs = [random(rng, (m, k), dtype, -2, 2) for m in sizes]
            weights = [random(rng, (k, n), dtype, -2, 2) for _ in sizes]
            x_apart, y_apart = separate in ("all", "x"), separate in ("all", "y")
            x = [ao.asarray(each) for each in (xs if x_apart else [np.concatenate(xs)])]
            y = [ao.zeros((m, n), dtype) for m in (sizes if y_apart else [sum(sizes)])]
            groups = None if separate == "all" else [int(each) for each in np.cumsum(sizes)]
            call(
                operator,
                x,
                [ao.asarray(each) for each in weights],
                y,
                0 if y_apart else 2,
                -1 if separate == "all" else 0,
                groups,
            )
            got = [each.numpy() for each in y]
            parts = got if y_apart else np.split(got[0], np.cumsum(sizes)[:-1])
            for part, left, right in zip(parts, xs, weights, strict=True):
                assert_product(ao.asarray(part), left, right, dtype)

    examples(check, 2)


def test_rows_of_more_than_two_axes() -> None:
    rng = np.random.default_rng(1)
    x, weight = random(rng, (2, 3, 5), "float32"), random(rng, (5, 4), "float32")
    y = ao.zeros((2, 3, 4), "float32")
    call("aclnnGroupedMatmulV4", [ao.asarray(x)], [ao.asarray(weight)], [y], 0, -1, None)
    assert_product(y, x, weight, "float32")


def test_groups_of_the_inner_axis() -> None:
    rng = np.random.default_rng(2)
    sizes, m, n = [3, 0, 6], 4, 5
    x, weight = random(rng, (m, 9), "float32"), random(rng, (9, n), "float32")
    y = ao.asarray(np.full((3, m, n), np.nan, np.float32))
    stored = ao.asarray(np.ascontiguousarray(x.T)).T
    call("aclnnGroupedMatmulV4", [stored], [ao.asarray(weight)], [y], 3, 2, np.cumsum(sizes))
    starts = np.cumsum([0, *sizes])
    for i in range(3):
        inner = slice(int(starts[i]), int(starts[i + 1]))
        assert_product(ao.asarray(y.numpy()[i]), x[:, inner], weight[inner], "float32")


def test_only_some_groups() -> None:
    rng = np.random.default_rng(3)
    x, weight = random(rng, (6, 5), "float16"), random(rng, (4, 5, 3), "float16")
    y = ao.zeros((6, 3), "float16")
    pairs = [[2, 4], [0, 1], [1, 0], [3, 0]]
    call("aclnnGroupedMatmulV4", [ao.asarray(x)], [ao.asarray(weight)], [y], 3, 0, pairs, list_type=SPARSE)
    assert_product(ao.asarray(y.numpy()[:4]), x[:4], weight[2], "float16")
    assert_product(ao.asarray(y.numpy()[4:5]), x[4:5], weight[0], "float16")
    assert not y.numpy()[5:].any()


# out, type of the scale, of the bias, whether there is a scale per token
KINDS = [
    ("int8", "uint64", "int32", False),
    ("bfloat16", "bfloat16", "int32", False),
    ("bfloat16", "bfloat16", "bfloat16", True),
    ("float16", "float32", None, True),
    ("float16", "float32", "int32", False),
    ("int32", None, "int32", False),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(map(str, kind)))
@pytest.mark.parametrize(
    "operator", mark("aclnnGroupedMatmulV4 aclnnGroupedMatmulV5 aclnnGroupedMatmulWeightNz", "int8")
)
def test_int8_groups(operator: str, kind: tuple[Any, ...]) -> None:
    out, scale_type, bias_kind, has_token = kind

    def check(rng: np.random.Generator) -> None:
        sizes, k, n = counts(rng), int(rng.integers(1, 70)), int(rng.integers(1, 40))
        m, e = sum(sizes), len(sizes)
        x = rng.integers(-128, 128, (m, k), np.int8)
        weight = rng.integers(-128, 128, (e, k, n), np.int8)
        if operator.endswith("Nz") or rng.random() < 0.3:
            right = ao.asarray(weight, format="FRACTAL_NZ")
        else:
            right = transposed(rng, weight)
        given: dict[str, Array] = {}
        scale = rng.uniform(0.001, 0.01, (e, n))
        offset = rng.integers(-50, 50, (e, n)) if out == "int8" else None
        if scale_type is not None:
            given["scale"] = (
                packed_scale(scale, offset)
                if scale_type == "uint64"
                else scale.astype(host_dtype(scale_type))
            )
        if bias_kind is not None:
            given["bias"] = random(rng, (e, n), bias_kind, -100, 100)
        if has_token:
            given["per_token_scale"] = rng.uniform(0.5, 2, m).astype(np.float32)
        y = ao.zeros((m, n), out)
        groups, list_type = group_list(rng, sizes, 4)
        lists = {name: [ao.asarray(value)] for name, value in given.items()}
        call(operator, [ao.asarray(x)], [right], [y], 3, 0, groups, list_type=list_type, **lists)
        starts = np.cumsum([0, *sizes])
        for i in range(e):
            rows = slice(int(starts[i]), int(starts[i + 1]))
            expected = dequantised(
                int_product(x[rows], weight[i]),
                out,
                given["scale"][i] if "scale" in given else np.ones(n, np.float32),
                given["bias"][i] if "bias" in given else None,
                given["per_token_scale"][rows] if has_token else None,
                None if offset is None else offset[i].astype(np.float32),
            )
            np.testing.assert_array_equal(y.numpy()[rows], expected)

    examples(check, 2)


def gelu_tanh(x: Array) -> Array:
    return np.asarray(0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))))


ACTIVATIONS = {
    1: lambda x: np.maximum(x, 0),
    2: gelu_tanh,
    4: lambda x: x / (1 + np.exp(-1.702 * x)),
    5: lambda x: x / (1 + np.exp(-x)),
}


@pytest.mark.parametrize("act", ACTIVATIONS)
def test_activations(act: int) -> None:
    rng = np.random.default_rng(act)
    x, weight = rng.integers(-128, 128, (7, 9), np.int8), rng.integers(-128, 128, (2, 9, 40), np.int8)
    scale, token = rng.uniform(1e-4, 1e-3, (2, 40)).astype(np.float32), np.ones(7, np.float32)
    y = ao.zeros((7, 40), "float16")
    lists = {"scale": [ao.asarray(scale)], "per_token_scale": [ao.asarray(token)]}
    call("aclnnGroupedMatmulV4", [ao.asarray(x)], [ao.asarray(weight)], [y], 3, 0, [3, 7], act=act, **lists)
    for rows, i in ((slice(0, 3), 0), (slice(3, 7), 1)):
        plain = int_product(x[rows], weight[i]) * scale[i].astype(np.float64)
        assert_close(y.numpy()[rows], ACTIVATIONS[act](plain), "float16", absolute=1e-6)


def dequantised_weight(weight: Array, scale: Array, offset: Array, dtype: str) -> Array:
    """(weight + offset) * scale, one pair for each column of as many rows as a group has; rounded once."""
    rows = weight.shape[0] // scale.shape[0]
    scale, offset = (np.repeat(wide(each), rows, 0).astype(np.float32) for each in (scale, offset))
    return np.asarray(((weight.astype(np.float32) + offset) * scale).astype(host_dtype(dtype)))


@pytest.mark.parametrize("kind", ["int8", "int4", "int32"])
@covers("aclnnGroupedMatmulV4", "float16 bfloat16")
def test_quantised_weights(kind: str) -> None:
    def check(rng: np.random.Generator) -> None:
        for dtype in ("float16", "bfloat16"):
            sizes, inner = counts(rng), int(rng.integers(1, 4)) if kind != "int8" else 1
            k, n, e = inner * 4, 8 * int(rng.integers(1, 4)), len(sizes)
            x = random(rng, (sum(sizes), k), dtype, -2, 2)
            limit = 128 if kind == "int8" else 8
            weight = rng.integers(-limit, limit, (e, k, n), np.int8)
            scale = random(rng, (e, inner, n), dtype, 0.01, 0.1)
            offset = np.rint(wide(random(rng, (e, inner, n), dtype, -4, 4))).astype(host_dtype(dtype))
            y = ao.zeros((sum(sizes), n), dtype)
            shape = (e, n) if inner == 1 else (e, inner, n)
            lists = {
                "antiquant_scale": [ao.asarray(scale.reshape(shape))],
                "antiquant_offset": [ao.asarray(offset.reshape(shape))],
            }
            call(
                "aclnnGroupedMatmulV4",
                [ao.asarray(x)],
                [packed(rng, weight, kind)],
                [y],
                3,
                0,
                np.cumsum(sizes),
                **lists,
            )
            starts = np.cumsum([0, *sizes])
            for i in range(e):
                rows = slice(int(starts[i]), int(starts[i + 1]))
                exact = dequantised_weight(weight[i], scale[i], offset[i], dtype)
                assert_product(ao.asarray(y.numpy()[rows]), x[rows], exact, dtype)

    examples(check, 2)


def packed(rng: np.random.Generator, weight: Array, kind: str) -> ao.Tensor:
    if kind == "int8":
        return transposed(rng, weight)
    if kind == "int4":
        return ao.asarray(weight.astype(ml_dtypes.int4))
    nibbles = (weight & 15).astype(np.uint8)
    return ao.asarray(np.ascontiguousarray(nibbles[..., 0::2] | nibbles[..., 1::2] << 4).view(np.int32))


X, W = np.zeros((4, 8), np.float32), np.zeros((2, 8, 6), np.float32)
INVALID, NO_KERNEL, BAD_ACCESS = 161002, 561003, 507015


@pytest.mark.parametrize(
    ("x", "weight", "split", "kind", "groups", "code", "text"),
    [
        (X, W, 3, 1, [2, 4], INVALID, "groupType must be"),
        (X, W, 0, 0, [2, 4], INVALID, "splitItem must be"),
        (X, W, 3, 0, [2, 4, 4], INVALID, "3 groups; there are 2"),
        (X, W, 3, 0, None, INVALID, "groupListOptional is NULL"),
        (X, W.transpose(0, 2, 1), 3, 0, [2, 4], INVALID, r"x .* weight .* of group 0 do not fit"),
        (X, W.astype(np.int8), 3, 0, [2, 4], INVALID, "do not go together"),
        (X.astype(np.int8), np.zeros((2, 8, 6), ml_dtypes.int4), 3, 0, [2, 4], NO_KERNEL, "no kernel for x"),
    ],
)
def test_what_does_not_fit_is_refused(
    x: Array, weight: Array, split: int, kind: int, groups: Any, code: int, text: str
) -> None:
    y = [ao.zeros((4, 6), "float32")]
    with pytest.raises(ao.AclError, match=text) as refusal:
        call("aclnnGroupedMatmulV4", [ao.asarray(x)], [ao.asarray(weight)], y, split, kind, groups)
    assert refusal.value.code == code


def test_a_group_list_beyond_the_rows_touches_no_memory() -> None:
    stream = ao.Stream()
    with stream:
        y = [ao.zeros((4, 6), "float32")]
        call("aclnnGroupedMatmulV4", [ao.asarray(X)], [ao.asarray(W)], y, 3, 0, [2, 5])
        with pytest.raises(ao.AscendError, match="do not fit into the 4 rows") as failure:
            stream.synchronize()
    stream.close()
    assert failure.value.code == BAD_ACCESS
