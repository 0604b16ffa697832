"""What nsa_compress refuses: the vectors file's status cases, and what Python must keep from the device."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ops.vectors import Case, load

import ascend_ops as ao
from ascend_ops.dispatch import launch

STATUSES = load("aclnnNsaCompress")["status_cases"]
CLASSES = {161001: ao.ParameterError, 161002: ao.ParameterError, 561103: ao.AclError}
POINTERS = ("null_workspaceSize", "null_executor")  # not Python's to pass; test_nsa_compress.cpp tries them

Spec = tuple[str, tuple[int, ...]]
BASE: dict[str, Any] = {
    "input": ("float16", (64, 4, 32)),
    "weight": ("float16", (32, 4)),
    "ends": [64],
    "layout": "TND",
    "block": 32,
    "stride": 32,
    "type": 0,
    "output": ("float16", (2, 4, 32)),
}
CHANGES: dict[str, dict[str, Any]] = {
    "null_input": {"input": None},
    "null_weight": {"weight": None},
    "null_output": {"output": None},
    "null_actSeqLen": {"ends": None},
    "empty_actSeqLen": {"ends": []},
    "dtype_mismatch": {"weight": ("bfloat16", (32, 4))},
    "weight_rows": {"weight": ("float16", (31, 4))},
    "weight_heads": {"weight": ("float16", (32, 3))},
    "layout_bsh": {"layout": "BSH"},
    "actSeqLenType_1": {"type": 1},
    "head_num_zero": {"input": ("float16", (64, 0, 32)), "weight": ("float16", (32, 0))},
    "block_not_16": {"block": 24, "weight": ("float16", (24, 4))},
    "stride_not_16": {"stride": 24},
    "stride_gt_block": {"stride": 48},
    "dtype_float32": {
        "input": ("float32", (64, 4, 32)),
        "weight": ("float32", (32, 4)),
        "output": ("float32", (2, 4, 32)),
    },
    "empty_T": {"input": ("float16", (0, 4, 32)), "ends": [0]},
}
# These the Python function answers itself, or cannot be asked.
IN_PYTHON = {
    "null_input": (TypeError, "x is None"),
    "null_actSeqLen": (TypeError, "act_seq_len must be a sequence"),
    "empty_actSeqLen": (ValueError, "act_seq_len: the longest of 0 batches"),
    "empty_T": (ValueError, "act_seq_len: the longest of 1 batches has 0 tokens"),
}
NOT_ITS_OWN = ("layout_bsh", "actSeqLenType_1", "null_output")
TRIED = [case for case in STATUSES if case["name"] not in POINTERS]
BY_FUNCTION = [case for case in TRIED if case["name"] not in NOT_ITS_OWN]

X = np.ones((64, 2, 16), np.float16)
W = np.ones((32, 2), np.float16)


def arguments(name: str) -> dict[str, Any]:
    given = BASE | CHANGES[name]
    return {
        key: ao.zeros(value[1], value[0]) if isinstance(value, tuple) else value
        for key, value in given.items()
    }


def expect(status: int, call: Any) -> None:
    with pytest.raises(CLASSES[status]) as raised:
        call()
    error = raised.value
    assert type(error) is CLASSES[status]
    assert (error.code, bool(error.message), bool(error.arguments)) == (status, True, True)


def test_every_status_case_of_the_file_is_tried_here() -> None:
    assert sorted([*CHANGES, *POINTERS]) == sorted(case["name"] for case in STATUSES)


@pytest.mark.parametrize("case", TRIED, ids=lambda case: case["name"])
def test_nsa_compress_answers_the_status_of(case: Case) -> None:
    a = arguments(case["name"])
    order = ("input", "weight", "ends", "layout", "block", "stride", "type", "output")
    expect(case["status"], lambda: launch("aclnnNsaCompress", [a[name] for name in order]))


@pytest.mark.parametrize("case", BY_FUNCTION, ids=lambda case: case["name"])
def test_the_python_function_nsa_compress_raises_for(case: Case) -> None:
    a = arguments(case["name"])

    def call() -> ao.Tensor:
        return ao.ops.nsa_compress(
            a["input"], a["weight"], a["ends"], a["block"], a["stride"], out=a["output"]
        )

    if case["name"] in IN_PYTHON:
        error, says = IN_PYTHON[case["name"]]
        with pytest.raises(error, match=f"^{says}"):
            call()
    else:
        expect(case["status"], call)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"x": None}, TypeError, "x is None"),
        ({"x": "text"}, TypeError, "x: <U4 .*element type"),
        ({"x": X[0]}, ValueError, r"x: float16 \[2, 16\] must have the axes \[T, N, D\]"),
        ({"x": np.ones((64, 2, 24), np.float16)}, ValueError, "x: head size 24 must be a multiple of 16"),
        ({"x": X[..., :1]}, ValueError, "x: head size 1 must be a multiple of 16"),
        ({"x": X[None]}, ValueError, r"x: float16 \[1, 64, 2, 16\] must have the axes"),
        ({"weight": W[0]}, ValueError, r"weight: float16 \[2\] must have the axes \[block_size, N\]"),
        ({"weight": 1.0}, ValueError, r"weight: float16 \[\] must have the axes"),
        ({"weight": [["a"]]}, TypeError, "weight: "),
        ({"act_seq_len": 64}, TypeError, r"act_seq_len must be a sequence of ints .* not int \(64\)"),
        ({"act_seq_len": "64"}, TypeError, "act_seq_len must be a sequence of ints .* not str"),
        ({"act_seq_len": np.array([64.0])}, TypeError, r"act_seq_len must be .* ndarray \(float64 \[1\]\)"),
        ({"act_seq_len": np.array([[64]])}, TypeError, r"act_seq_len must be .* ndarray \(int64 \[1, 1\]\)"),
        ({"act_seq_len": np.array(64)}, TypeError, r"act_seq_len must be .* ndarray \(int64 \[\]\)"),
        ({"act_seq_len": np.array([True])}, TypeError, r"act_seq_len must be .* ndarray \(bool \[1\]\)"),
        ({"act_seq_len": [32, 64.0]}, TypeError, r"act_seq_len\[1\] must be an integer, not float"),
        ({"act_seq_len": [True]}, TypeError, r"act_seq_len\[0\] must be an integer, not True"),
        ({"act_seq_len": [32, 2**63]}, ValueError, r"act_seq_len\[1\] is 9223372036854775808; .*at most 64"),
        ({"act_seq_len": [-1, 64]}, ValueError, r"act_seq_len\[0\] is -1; .*at least 0"),
        ({"act_seq_len": [33, 32]}, ValueError, r"act_seq_len\[1\] is 32; .*at least 33"),
        ({"act_seq_len": [32, 65]}, ValueError, r"act_seq_len\[1\] is 65; .*at most 64 \(the tokens of x\)"),
        ({"act_seq_len": [65, 64]}, ValueError, r"act_seq_len\[0\] is 65"),
        ({"act_seq_len": [20, 40, 64]}, ValueError, r"act_seq_len: the longest of 3 batches has 24 tokens"),
        ({"block_size": 0}, ValueError, "block_size is 0; it must be a positive multiple of 16"),
        ({"block_size": 32.0}, TypeError, "block_size must be an integer"),
        ({"block_size": True}, TypeError, "block_size must be an integer, not True"),
        ({"stride": 0}, ValueError, "stride is 0; it must be a positive multiple of 16"),
        ({"stride": -16}, ValueError, "stride is -16"),
        ({"stride": 2**63}, OverflowError, "stride is 9223372036854775808"),
        ({"out": X}, TypeError, "out: y must be a Tensor .*not ndarray"),
        ({"x": X.astype(np.float32), "weight": W.astype(np.float32)}, ao.AclError, r"float32 \[64, 2, 16\]"),
        ({"weight": W.astype(np.float32)}, ao.ParameterError, r"weight: float32 \[32, 2\]"),
        ({"weight": W[:16]}, ao.ParameterError, r"block_size \(compressBlockSize\): 32"),
        ({"stride": 8}, ao.AclError, r"stride \(compressStride\): 8"),
    ],
    ids=lambda value: repr(value)[:40] if isinstance(value, dict) else "",
)
def test_nsa_compress_says_what_is_wrong_with(change: dict[str, Any], error: type, says: str) -> None:
    given: dict[str, Any] = {"x": X, "weight": W, "act_seq_len": [64]} | change
    with pytest.raises(error, match=says):
        ao.ops.nsa_compress(**given)


def test_prefix_sums_on_the_device_are_refused() -> None:
    with pytest.raises(TypeError, match=r"act_seq_len must be .* on the host, not Tensor"):
        ao.ops.nsa_compress(X, W, ao.asarray(np.array([64])))  # type: ignore[arg-type]


def test_an_output_of_another_shape_is_refused() -> None:
    with pytest.raises(ao.AclError, match="output") as raised:
        ao.ops.nsa_compress(X, W, [64], out=ao.empty((2, 2, 16), "float16"))
    assert raised.value.code == 561103


def test_a_closed_tensor_is_refused() -> None:
    x = ao.asarray(X)
    x.close()
    with pytest.raises(ValueError, match="aclnnNsaCompress: x is a closed Tensor"):
        ao.ops.nsa_compress(x, W, [64])


def test_an_output_over_an_input_is_refused_and_one_beside_it_is_written() -> None:
    room = ao.zeros(2304, "float16")
    x, weight = room[:2048].reshape(64, 2, 16), room[2048:2112].reshape(32, 2)
    beside = room[2112:2208].reshape(3, 2, 16)
    assert ao.ops.nsa_compress(x, weight, [64], out=beside) is beside
    for start, name in ((0, "x"), (2047, "x"), (2048, "weight"), (2111, "weight")):
        over = room[start : start + 96].reshape(3, 2, 16)
        with pytest.raises(ValueError, match=f"^out shares memory with {name}"):
            ao.ops.nsa_compress(x, weight, [64], out=over)


def test_an_output_between_the_elements_of_x_is_written() -> None:
    room = ao.asarray(np.ones((2, 64, 2, 32), np.float16))
    x, out = room[0, :, :, ::2], room[0, :3, :, 1::2]
    assert (ao.ops.nsa_compress(x, W, [64], out=out).numpy() == 32).all()
    with pytest.raises(ValueError, match="out shares memory with x"):
        ao.ops.nsa_compress(x, W, [64], out=room[0, :3, :, :16])


def test_memory_under_two_owners_is_known_by_its_address() -> None:
    x = ao.asarray(X)
    again = ao.from_pointer(x.address, (3, 2, 16), "float16")
    with pytest.raises(ValueError, match="out shares memory with x"):
        ao.ops.nsa_compress(x, W, [64], out=again)
