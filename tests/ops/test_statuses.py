"""Every status case of the two vector files: the C status, and the exception of the Python function."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from ops import cases
from ops.vectors import Case, load

import ascend_ops as ao
from ascend_ops.dispatch import launch

QUANT = load("aclnnDynamicQuantV2")["status_cases"]
ANTI_QUANT = load("aclnnAscendAntiQuant")["status_cases"]
# The one left out needs a process of its own.
HERE = [case for case in ANTI_QUANT if case["change"] != cases.INFERENCE_CARD]
WITH_OUT = [case for case in HERE if case["change"] != "y null"]  # out=None asks for a new tensor

CLASSES = {161001: ao.ParameterError, 161002: ao.ParameterError, 561103: ao.AclError}


def tensors(base: cases.Change, change: cases.Change) -> dict[str, Any]:
    """The arguments of a case, tensors filled with zeros."""
    return {
        name: ao.zeros(value[1], value[0]) if isinstance(value, tuple) else value
        for name, value in {**base, **change}.items()
    }


def expect(status: int, call: Any) -> None:
    if status == 0:
        call()
        ao.current_stream().synchronize()
        return
    with pytest.raises(CLASSES[status]) as raised:
        call()
    error = raised.value
    assert type(error) is CLASSES[status]
    assert (error.code, bool(error.message), bool(error.arguments)) == (status, True, True)


def quant_arguments(a: dict[str, Any]) -> tuple[Any, ...]:
    return a["x"], a["smooth"], a["group"], a["dst"], a["y"], a["scale"], a["offset"]


def anti_quant_arguments(a: dict[str, Any]) -> tuple[Any, ...]:
    return a["x"], a["scale"], a["offset"], a["dst"], a["sqrt"], a["y"]


def test_every_status_case_of_the_files_is_tried_here() -> None:
    assert [case["change"] for case in QUANT] == list(cases.QUANT)
    assert [case["change"] for case in ANTI_QUANT] == list(cases.ANTI_QUANT)


@pytest.mark.parametrize("case", QUANT, ids=lambda case: case["change"])
def test_dynamic_quant_v2_answers_the_status_of(case: Case) -> None:
    arguments = quant_arguments(tensors(cases.QUANT_BASE, cases.QUANT[case["change"]]))
    expect(case["status"], lambda: launch("aclnnDynamicQuantV2", arguments))


@pytest.mark.parametrize("case", QUANT, ids=lambda case: case["change"])
def test_the_python_function_dynamic_quant_v2_raises_for(case: Case) -> None:
    a = tensors(cases.QUANT_BASE, cases.QUANT[case["change"]])
    symmetric = a["offset"] is None
    out = (a["y"], a["scale"]) if symmetric else (a["y"], a["scale"], a["offset"])

    def call() -> Any:
        return ao.ops.dynamic_quant_v2(a["x"], a["smooth"], a["group"], a["dst"], symmetric, out=out)

    if a["dst"] == 99:
        with pytest.raises(ValueError, match="dst_type is 99"):
            call()
    else:
        expect(case["status"], call)


@pytest.mark.parametrize("case", HERE, ids=lambda case: case["change"])
def test_ascend_anti_quant_answers_the_status_of(case: Case) -> None:
    a = tensors(cases.ANTI_QUANT_BASE, cases.ANTI_QUANT[case["change"]])
    expect(case["status"], lambda: launch("aclnnAscendAntiQuant", anti_quant_arguments(a)))


@pytest.mark.stand_in(reason="chooses the product")
def test_an_atlas_inference_card_refuses_bfloat16_scales() -> None:
    script = (
        "import ascend_ops as ao\n"
        "x, one = ao.zeros((4, 8), 'int8'), ao.zeros(8, 'bfloat16')\n"
        "try: ao.ops.ascend_anti_quant(x, one, one)\n"
        "except ao.ParameterError as error: print(error.code)\n"
    )
    path = os.pathsep.join(filter(None, sys.path))
    env = os.environ | {"ASCEND_STUB_SOC": "Ascend310P3", "PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env, check=True)
    assert done.stdout.split() == ["161002"]


@pytest.mark.parametrize("case", WITH_OUT, ids=lambda case: case["change"])
def test_the_python_function_ascend_anti_quant_raises_for(case: Case) -> None:
    a = tensors(cases.ANTI_QUANT_BASE, cases.ANTI_QUANT[case["change"]])
    expect(
        case["status"],
        lambda: ao.ops.ascend_anti_quant(a["x"], a["scale"], a["offset"], a["dst"], a["sqrt"], out=a["y"]),
    )
