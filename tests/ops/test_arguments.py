"""What the operator functions accept, and what they say to the rest: which argument, and what is allowed."""

from __future__ import annotations

import inspect
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import ascend_ops as ao
from ascend_ops.dispatch import Operator
from ascend_ops.ops import _matmul, attention, kv_cache, quantization

X = np.arange(8, dtype=np.float16).reshape(4, 2)
Q = np.arange(32, dtype=np.int8).reshape(2, 16)


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        (ao.int8, "int8"),
        (ao.int4, "int4"),
        (ao.int32, "int32"),
        (np.int8, "int8"),
        (np.dtype("int32"), "int32"),
        (ml_dtypes.int4, "int4"),
        ("int4", "int4"),
        ("ACL_INT8", "int8"),
        (ao.DataType.INT4, "int4"),
        (2, "int8"),
        (29, "int4"),
        (np.int64(3), "int32"),
    ],
)
def test_dst_type_may_be_spelled(spelling: object, name: str) -> None:
    y, _ = ao.ops.dynamic_quant_v2(ao.zeros((3, 16), "float16"), dst_type=spelling)
    assert (str(y.dtype), y.shape) == (name, (3, 2 if name == "int32" else 16))


def test_lists_take_the_element_type_that_belongs_there() -> None:
    y, scale = ao.ops.dynamic_quant_v2(X, [[0, 1], [2, 3]], [2, 4])
    assert y.numpy().tolist() == [[0, 127], [0, 127], [68, 127], [73, 127]]
    assert scale.dtype == "float32"
    back = ao.ops.ascend_anti_quant(Q, 16 * [2], 16 * [1], "bfloat16")
    np.testing.assert_array_equal(back.numpy().astype(int), (Q.astype(int) + 1) * 2)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"x": None}, TypeError, r"x is None"),
        ({"x": "text"}, TypeError, r"x: <U4 .*element type"),
        ({"x": [[1, 2], [3]]}, ValueError, r"x: "),
        ({"x": np.array([[object()]])}, TypeError, r"x: object .*element type"),
        ({"x": np.zeros((2, 2), "datetime64[s]")}, TypeError, r"x: datetime64"),
        ({"x": np.zeros((2, 2), np.longdouble)}, TypeError, r"x: .*element type"),
        ({"x": X, "smooth_scales": ["a", "b"]}, TypeError, r"smooth_scales: "),
        ({"x": X, "group_index": [2.5, 4.0]}, TypeError, r"group_index: float64 .*int32 wants integers"),
        ({"x": X, "group_index": [2, 2**40]}, OverflowError, r"group_index: .*1099511627776"),
        ({"x": X, "dst_type": 99}, ValueError, r"dst_type is 99"),
        ({"x": X, "dst_type": "int5"}, TypeError, r"dst_type: 'int5'"),
        ({"x": X, "dst_type": True}, TypeError, r"dst_type"),
        ({"x": X, "dst_type": "int32"}, ValueError, r"x: its last axis has 2 elements; .*multiples of 8"),
        ({"x": X, "symmetric": 1}, TypeError, r"symmetric must be True or False, not int \(1\)"),
        ({"x": X, "out": ao.DType}, TypeError, r"out must be a Tensor or a tuple of 2"),
        ({"x": X, "out": (None,)}, ValueError, r"out has 1 entries; this call writes 2: y, scale"),
        ({"x": X, "out": (X, None)}, TypeError, r"out: y must be a Tensor .*not ndarray"),
        ({"x": X.astype(np.float64)}, ao.ParameterError, r"x: float64 \[4, 2\]"),
        ({"x": np.float16(3)}, ao.ParameterError, r"x: float16 \[\]"),
        ({"x": X, "group_index": [[2, 4]], "smooth_scales": X[:2]}, ao.ParameterError, r"groupIndex"),
    ],
)
def test_dynamic_quant_v2_says_what_is_wrong_with(arguments: dict[str, Any], error: type, says: str) -> None:
    with pytest.raises(error, match=says):
        ao.ops.dynamic_quant_v2(**arguments)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"x": None, "scale": [1.0]}, TypeError, r"x is None"),
        ({"x": Q, "scale": None}, ao.ParameterError, r"scale: NULL"),
        ({"x": Q, "scale": ["one"]}, TypeError, r"scale: "),
        ({"x": Q, "scale": 2.0}, ao.ParameterError, r"scale: float32 \[\]"),
        ({"x": Q, "scale": [1.0], "sqrt_mode": 1}, TypeError, r"sqrt_mode must be True or False, not int"),
        ({"x": Q, "scale": [1.0], "dst_type": None}, TypeError, r"dst_type"),
        ({"x": Q, "scale": [1.0], "dst_type": "float32"}, ao.ParameterError, r"out \(y\): float32 \[2, 16\]"),
        ({"x": Q, "scale": [1.0], "out": Q}, TypeError, r"out: y must be a Tensor"),
        ({"x": Q.astype(np.int64), "scale": [1.0]}, ao.ParameterError, r"x: int64 \[2, 16\]"),
    ],
)
def test_ascend_anti_quant_says_what_is_wrong_with(arguments: dict[str, Any], error: type, says: str) -> None:
    with pytest.raises(error, match=says):
        ao.ops.ascend_anti_quant(**arguments)


def test_a_shape_no_device_can_hold_is_out_of_memory_not_a_crash() -> None:
    huge = ao.zeros((1, 16), "float16").broadcast_to((2**40, 16))
    with pytest.raises(ao.OutOfMemoryError):
        ao.ops.dynamic_quant_v2(huge)
    with pytest.raises(ValueError, match="too large"):
        ao.ops.ascend_anti_quant(ao.zeros((1, 16), "int8").broadcast_to((2**58, 16)), [1.0])


def test_results_may_be_chained_without_waiting() -> None:
    y, scale = ao.ops.dynamic_quant_v2(np.full((2, 8), 127, np.float16))
    for _ in range(20):
        back = ao.ops.ascend_anti_quant(y, scale[:1])
        y, scale = ao.ops.dynamic_quant_v2(back)
    assert scale.numpy().tolist() == [1, 1]
    assert (y.numpy() == 127).all()


@pytest.mark.parametrize(
    ("name", "operator"),
    [
        ("dynamic_quant_v2", quantization._QUANT),
        ("ascend_anti_quant", quantization._ANTI_QUANT),
        ("nsa_compress", attention._NSA_COMPRESS),
        ("dequant_rope_quant_kvcache", kv_cache._ROPE),
        ("quant_matmul_all_reduce_v2", _matmul._MATMUL),
    ],
)
def test_errors_call_the_arguments_what_the_function_calls_them(name: str, operator: Operator) -> None:
    params, names = ao.ops.signature(name).params, operator.names
    assert len(names) == len(params)
    own = set(inspect.signature(getattr(ao.ops, name)).parameters)
    results = {"y", "scale", "offset", "q", "k", "v"}
    assert own <= {*names, "symmetric", "out"}
    fixed = {param.c_name for param in params} & {
        "layoutOptional",
        "actSeqLenType",
        "reduceOp",
        "commTurn",
        "streamMode",
    }
    assert set(names) <= own | results | fixed


def test_the_argument_dump_has_the_names_of_python_and_of_c() -> None:
    with pytest.raises(ao.ParameterError) as raised:
        ao.ops.dynamic_quant_v2(X, np.ones(3, np.float16))
    assert [line.split(": ")[0] for line in raised.value.arguments] == [
        *("x", "smooth_scales (smoothScalesOptional)", "group_index (groupIndexOptional)"),
        *("dst_type (dstType)", "y (yOut)", "scale (scaleOut)", "offset (offsetOut)"),
    ]


def test_every_public_function_documents_its_source() -> None:
    for name in set(ao.ops.__all__) - {"signature"}:
        assert "Source: CANN operator document aclnn" in (getattr(ao.ops, name).__doc__ or "")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ao.ops.dynamic_quant_v2(X, [1j, 0]), TypeError, "smooth_scales: not convertible to float16"),
        (lambda: ao.ops.dynamic_quant_v2(X, X, [[1], [1, 2]]), ValueError, "group_index: not convertible"),
        (lambda: ao.ops.dynamic_quant_v2(X, X, [2**40]), OverflowError, "group_index: .* to int32"),
        (lambda: ao.ops.ascend_anti_quant(Q, 1j), TypeError, "scale: not convertible to float32"),
        (lambda: ao.ops.ascend_anti_quant(Q, 1.0, sqrt_mode="no"), TypeError, "sqrt_mode must be True or"),
        (lambda: ao.asarray([300], "int8"), OverflowError, "x: not convertible to int8: .*300"),
    ],
)
def test_what_numpy_refuses_names_the_argument(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{message}"):
        call()
