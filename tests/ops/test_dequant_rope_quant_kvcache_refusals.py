"""dequant_rope_quant_kvcache: every status case of the vectors file, and what is said of bad arguments."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from ops.vectors import Case, load

import ascend_ops as ao
from ascend_ops.dispatch import launch

CASES = load("aclnnDequantRopeQuantKvcache")["status_cases"]
CLASSES = {161001: ao.ParameterError, 161002: ao.ParameterError, 561002: ao.AclError}

# In the order of the C prototype; tensors as (dtype, shape).
BASE: dict[str, Any] = {
    "x": ("int32", (2, 3, 160)),
    "cos": ("float16", (2, 3, 1, 32)),
    "sin": ("float16", (2, 3, 1, 32)),
    "kCacheRef": ("int8", (2, 8, 2, 32)),
    "vCacheRef": ("int8", (2, 8, 2, 32)),
    "indices": ("int32", (2,)),
    "scaleK": ("float32", (64,)),
    "scaleV": ("float32", (64,)),
    "offsetK": None,
    "offsetV": None,
    "weightScale": ("float32", (160,)),
    "activationScale": None,
    "bias": None,
    "sizeSplits": [32, 64, 64],
    "quantMode": "static",
    "layout": "BSND",
    "kvOutput": True,
    "cacheMode": "contiguous",
    "qOut": ("float16", (2, 3, 1, 32)),
    "kOut": ("float16", (2, 3, 2, 32)),
    "vOut": ("float16", (2, 3, 2, 32)),
}
REQUIRED = [
    "x",
    "cos",
    "sin",
    "kCacheRef",
    "vCacheRef",
    "indices",
    "scaleK",
    "scaleV",
    "qOut",
    "kOut",
    "vOut",
]
CHANGES: dict[str, list[dict[str, Any]]] = {
    "base case": [{}],
    "x (or cos, sin, kCacheRef, vCacheRef, indices, scaleK, scaleV, qOut, kOut, vOut) null": [
        {name: None} for name in REQUIRED
    ],
    "sizeSplits null, workspaceSize null or executor null": [{"sizeSplits": None}],
    "all optional tensors and all char* null, x FLOAT16 [2,3,160]": [
        {
            "x": ("float16", (2, 3, 160)),
            "weightScale": None,
            "quantMode": None,
            "layout": None,
            "cacheMode": None,
        }
    ],
    "x FLOAT": [{"x": ("float32", (2, 3, 160))}],
    "x FLOAT16 with cos BFLOAT16": [{"x": ("float16", (2, 3, 160)), "cos": ("bfloat16", (2, 3, 1, 32))}],
    "cos FLOAT16 with sin BFLOAT16": [{"sin": ("bfloat16", (2, 3, 1, 32))}],
    "indices INT64": [{"indices": ("int64", (2,))}],
    "kCacheRef FLOAT16": [{"kCacheRef": ("float16", (2, 8, 2, 32))}],
    "scaleK FLOAT16": [{"scaleK": ("float16", (64,))}],
    "qOut BFLOAT16 while cos is FLOAT16": [{"qOut": ("bfloat16", (2, 3, 1, 32))}],
    "sizeSplits [32,64]": [{"sizeSplits": [32, 64]}],
    "sizeSplits [32,64,32] with a matching x": [{"sizeSplits": [32, 64, 32], "x": ("int32", (2, 3, 128))}],
    "x last dim 192 with sizeSplits [32,64,64]": [{"x": ("int32", (2, 3, 192))}],
    "x rank 4": [{"x": ("int32", (2, 3, 1, 160))}],
    "cos [2,3,32]": [{"cos": ("float16", (2, 3, 32))}],
    "kCacheRef rank 3": [{"kCacheRef": ("int8", (16, 2, 32))}],
    "kCacheRef [2,8,2,32], vCacheRef [2,9,2,32]": [{"vCacheRef": ("int8", (2, 9, 2, 32))}],
    "caches [2,8,8,8] (D not a multiple of 16), cos/sin last dim 8": [
        {
            "kCacheRef": ("int8", (2, 8, 8, 8)),
            "vCacheRef": ("int8", (2, 8, 8, 8)),
            "cos": ("float16", (2, 3, 1, 8)),
            "sin": ("float16", (2, 3, 1, 8)),
        }
    ],
    "caches [1,8,2,32] (C1 < B), contiguous": [
        {"kCacheRef": ("int8", (1, 8, 2, 32)), "vCacheRef": ("int8", (1, 8, 2, 32))}
    ],
    "indices [6], contiguous": [{"indices": ("int32", (6,))}],
    "indices [2], page (needs B*S = 6)": [{"cacheMode": "page"}],
    "scaleK [32]": [{"scaleK": ("float32", (32,))}],
    "scaleK [2,32] (total size 64)": [{"scaleK": ("float32", (2, 32))}],
    "both offsets given, offsetK [32]": [{"offsetK": ("float32", (32,)), "offsetV": ("float32", (64,))}],
    "weightScale null with x INT32": [{"weightScale": None}],
    'cacheMode "ring" (treated as contiguous)': [{"cacheMode": "ring"}],
    'quantMode "dynamic" or layout "TND" (never read)': [{"quantMode": "dynamic"}, {"layout": "TND"}],
    # The binding always passes the workspace that was asked for; the C++ program of this name tries it.
    "phase two: workspace null while workspaceSize > 0": [],
}
TRIED = [(case, change) for case in CASES for change in CHANGES[case["change"]]]
# What C ignores and the Python function refuses.
ONLY_IN_PYTHON = [
    ({"cacheMode": "ring"}, "cache_mode is 'ring'; it must be 'contiguous' or 'page'"),
    ({"cacheMode": ""}, "cache_mode is ''"),
    ({"cacheMode": "pages"}, "cache_mode is 'pages'"),
    ({"quantMode": "dynamic"}, "quant_mode is 'dynamic'; it must be 'static'"),
    ({"quantMode": "Static"}, "quant_mode is 'Static'"),
    ({"layout": "TND"}, "layout is 'TND'; it must be 'BSND'"),
    ({"offsetK": ("float32", (64,))}, "offset_k has no effect without offset_v; give both"),
    ({"offsetV": ("float32", (64,))}, "offset_v has no effect without offset_k; give both"),
]
# Results that the Python function makes itself, and an argument that it needs for them.
IN_PYTHON = [
    (case, change)
    for case, change in TRIED
    if not {"qOut", "kOut", "vOut"} & change.keys() and (None not in change.values() or "x" not in change)
    if change not in [ignored for ignored, _ in ONLY_IN_PYTHON]
]


def tensors(change: dict[str, Any]) -> dict[str, Any]:
    return {
        name: ao.zeros(value[1], value[0]) if isinstance(value, tuple) else value
        for name, value in (BASE | change).items()
    }


def name_of(value: object) -> str:
    return str(value["change"]) if isinstance(value, dict) and "change" in value else str(value)[:40]


def expect(status: int, call: Any) -> None:
    if status == 0:
        call()
        ao.current_stream().synchronize()
        return
    with pytest.raises(CLASSES[status]) as raised:
        call()
    error = raised.value
    assert (error.code, bool(error.message), bool(error.arguments)) == (status, True, True)


def test_every_status_case_of_the_file_is_known_here() -> None:
    assert [case["change"] for case in CASES] == list(CHANGES)


@pytest.mark.parametrize(("case", "change"), TRIED, ids=name_of)
def test_the_operator_answers_the_status_of(case: Case, change: dict[str, Any]) -> None:
    expect(case["status"], lambda: launch("aclnnDequantRopeQuantKvcache", list(tensors(change).values())))


def python_call(a: dict[str, Any], **options: Any) -> Any:
    """The Python function, which makes its results itself."""
    names = ("x", "cos", "sin", "kCacheRef", "vCacheRef", "indices", "scaleK", "scaleV", "sizeSplits")
    return ao.ops.dequant_rope_quant_kvcache(
        *(a[name] for name in names),
        *(a[name] for name in ("offsetK", "offsetV", "weightScale", "activationScale", "bias")),
        quant_mode=a["quantMode"],
        layout=a["layout"],
        kv_output=a["kvOutput"],
        cache_mode=a["cacheMode"],
        **options,
    )


@pytest.mark.parametrize(("case", "change"), IN_PYTHON, ids=name_of)
def test_the_python_function_raises_for(case: Case, change: dict[str, Any]) -> None:
    a = tensors(change)
    needed = [name for name in ("x", "cos", "kCacheRef", "vCacheRef") if a[name] is None]
    if needed:
        with pytest.raises(TypeError, match=needed[0].replace("CacheRef", "_cache")):
            python_call(a)
    else:
        expect(case["status"], lambda: python_call(a))


@pytest.mark.parametrize(("change", "says"), ONLY_IN_PYTHON, ids=name_of)
def test_what_c_ignores_the_python_function_refuses_and_writes_nothing(
    change: dict[str, Any], says: str
) -> None:
    a = tensors(change | {"x": ("float16", (2, 3, 160))})
    launch("aclnnDequantRopeQuantKvcache", list(a.values()))
    a["kCacheRef"] = ao.asarray(np.full((2, 8, 2, 32), 7, np.int8))
    with pytest.raises(ValueError, match=f"^{says}"):
        python_call(a)
    assert (a["kCacheRef"].numpy() == 7).all()


@pytest.mark.parametrize("mode", [None, "contiguous", "Contiguous", "CONTIGUOUS"])
def test_the_contiguous_mode_in_any_spelling(mode: str | None) -> None:
    a = tensors({"x": ("float16", (2, 3, 160)), "quantMode": None, "layout": None, "cacheMode": mode})
    assert python_call(a)[0].shape == (2, 3, 1, 32)


def test_caches_that_share_memory_are_refused() -> None:
    both = ao.zeros((2, 8, 4, 32), "int8")
    shifted = both.reshape(2048)[512:1536].reshape(2, 8, 2, 32)
    halves = both[:, :, :2], both[:, :, 2:]
    for k_cache, v_cache in ((halves[0], halves[0]), (halves[0], both[:, :, 1:3]), (halves[1], shifted)):
        with pytest.raises(ValueError, match=r"^k_cache and v_cache share memory"):
            python_call(tensors({}) | {"kCacheRef": k_cache, "vCacheRef": v_cache})
    results = python_call(tensors({}) | {"kCacheRef": halves[0], "vCacheRef": halves[1]})
    assert results[3] is halves[0]


ARRAY = np.zeros((2, 8, 2, 32), np.int8)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"x": None}, TypeError, r"x is None"),
        ({"x": "text"}, TypeError, r"x: <U4 .*element type"),
        ({"kCacheRef": ARRAY}, TypeError, r"k_cache must be a Tensor, not ndarray: .* in place.* asarray"),
        ({"vCacheRef": ARRAY.tolist()}, TypeError, r"v_cache must be a Tensor, not list"),
        ({"kCacheRef": None}, TypeError, r"k_cache must be a Tensor, not NoneType"),
        ({"indices": [0.5, 1]}, TypeError, r"indices: float64 .*int32 wants integers"),
        ({"indices": [0, 2**40]}, OverflowError, r"indices: .*1099511627776"),
        ({"scaleK": ["one"]}, TypeError, r"scale_k: "),
        ({"scaleK": np.ones(64)}, ao.ParameterError, r"scale_k \(scaleK\): float64 \[64\]"),
        ({"sizeSplits": [32, 64, 64.0]}, TypeError, r"size_splits\[2\] must be an integer, not float"),
        ({"sizeSplits": 160}, TypeError, r"size_splits must be a sequence of integers"),
        ({"sizeSplits": "qkv"}, TypeError, r"size_splits must be a sequence of integers"),
        ({"sizeSplits": {}}, TypeError, r"size_splits must be a sequence of integers"),
        ({"sizeSplits": []}, ao.AclError, r"sizeSplits has 0 values; it must have 3"),
        ({"sizeSplits": [2**62, 64, 64]}, ao.AclError, r"sum of sizeSplits"),
        ({"kvOutput": 1}, TypeError, r"kv_output must be True or False, not int \(1\)"),
        ({"cacheMode": 1}, TypeError, r"cache_mode must be a str or None, not int"),
        ({"quantMode": b"static"}, TypeError, r"quant_mode must be a str or None, not bytes"),
        (
            {"weightScale": np.ones(159, np.float32)},
            ValueError,
            r"weight_scale has 159 elements; x \[2, 3, 160\]",
        ),
        ({"activationScale": [1.0]}, ValueError, r"activation_scale has 1 elements; .* needs 6"),
        ({"bias": np.ones(0, np.int32)}, ValueError, r"bias has 0 elements; .* needs 160"),
        ({"bias": np.ones(160, np.int8)}, ao.ParameterError, r"bias \(biasOptional\): int8"),
    ],
    ids=name_of,
)
def test_dequant_rope_quant_kvcache_says_what_is_wrong_with(
    change: dict[str, Any], error: type, says: str
) -> None:
    with pytest.raises(error, match=says):
        python_call(tensors(change))


def q_of(shape: tuple[int, ...], dtype: str = "float16") -> ao.Tensor:
    return ao.zeros(shape, dtype)


@pytest.mark.parametrize(
    ("kv_output", "out", "error", "says"),
    [
        (
            False,
            lambda: q_of((2, 3, 32)),
            ValueError,
            r"out: q is \[2, 3, 32\]; this call writes \[2, 3, 1, 32\]",
        ),
        (False, lambda: q_of((2, 3, 1, 32), "bfloat16"), ao.ParameterError, r"q \(qOut\): bfloat16"),
        (False, lambda: np.zeros((2, 3, 1, 32)), TypeError, r"out must be a Tensor or a tuple of 1"),
        (False, lambda: (None,), TypeError, r"out: q is None"),
        (True, lambda: q_of((2, 3, 1, 32)), ValueError, r"out has 1 entries; this call writes 3: q, k, v"),
        (True, lambda: 3 * (q_of((2, 3, 1, 32)),), ValueError, r"out: k is \[2, 3, 1, 32\]"),
    ],
)
def test_out_that_does_not_fit_is_refused(kv_output: bool, out: Any, error: type, says: str) -> None:
    with pytest.raises(error, match=says):
        python_call(tensors({"kvOutput": kv_output}), out=out())


def test_a_closed_cache_is_refused() -> None:
    a = tensors({})
    a["vCacheRef"].close()
    with pytest.raises(ValueError, match="aclnnDequantRopeQuantKvcache: v_cache is a closed Tensor"):
        python_call(a)


@pytest.mark.stand_in(reason="hardware writes outside of the caches")
@pytest.mark.parametrize(
    ("indices", "mode", "says"),
    [
        ([0, 6], "contiguous", "indices[1] is 6; with cacheMode contiguous it must be 0 to 5"),
        ([-1, 0], "contiguous", "indices[0] is -1"),
        ([0, 1, 2, 3, -1, 16], "page", "indices[5] is 16; with cacheMode page it must be below 16"),
    ],
)
def test_an_index_outside_of_the_caches_fails_the_stream(indices: list[int], mode: str, says: str) -> None:
    """In a process of its own: the device is lost."""
    script = f"""
import ascend_ops as ao
x, table = ao.zeros((2, 3, 160), "float16"), ao.zeros((2, 3, 1, 32), "float16")
k_cache, v_cache = ao.zeros((2, 8, 2, 32), "int8"), ao.zeros((2, 8, 2, 32), "int8")
scale = ao.zeros(64, "float32")
ao.ops.dequant_rope_quant_kvcache(
    x, table, table, k_cache, v_cache, {indices}, scale, scale, [32, 64, 64], cache_mode="{mode}")
try:
    ao.current_stream().synchronize()
except ao.AscendError as error:
    print(error)
"""
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=env, check=False
    )
    assert says in done.stdout, done.stdout + done.stderr
