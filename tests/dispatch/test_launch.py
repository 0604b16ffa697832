"""One call: what is checked before C, what C is given, and that nothing is left over however it ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dispatch.conftest import Calls

import ascend_ops as ao
from ascend_ops._cann import nn, rt
from ascend_ops._cann.lifecycle import untyped
from ascend_ops._cann.operators import BoundOperator, Plan, drop
from ascend_ops.dispatch import launch
from ascend_ops.runtime import memory

QUANT = "aclnnDynamicQuantV2"
ANTI_QUANT = "aclnnAscendAntiQuant"
STAND_IN = pytest.mark.stand_in(reason="CANN has kernels for these operators")


def quant_arguments(**changes: Any) -> tuple[Any, ...]:
    arguments = {
        "x": ao.asarray(np.arange(8, dtype=np.float16).reshape(4, 2)),
        "smooth": ao.asarray(np.arange(4, dtype=np.float16).reshape(2, 2)),
        "group": ao.asarray(np.array([2, 4], np.int32)),
        "dst": 2,
        "y": ao.empty((4, 2), ao.int8),
        "scale": ao.empty(4, ao.float32),
        "offset": ao.empty(4, ao.float32),
    }
    return tuple((arguments | changes).values())


def test_a_call_makes_its_descriptors_and_destroys_them(calls: Calls) -> None:
    arguments = quant_arguments()
    launch(QUANT, arguments)
    assert (calls["create_tensor"], calls["destroy_tensor"], calls["phase_two"]) == (6, 6, 1)
    assert arguments[4].numpy().tolist() == [[-128, 127]] * 4


def test_null_arguments_need_no_descriptor(calls: Calls) -> None:
    launch(QUANT, quant_arguments(smooth=None, group=None, offset=None))
    assert (calls["create_tensor"], calls["phase_two"]) == (3, 1)


def test_one_tensor_may_be_several_arguments(calls: Calls) -> None:
    one = ao.asarray(np.array([1], np.float32))
    y = ao.empty((2, 3), "float16")
    launch(ANTI_QUANT, (ao.asarray(np.ones((2, 3), np.int8)), one, one, 1, False, y))
    assert y.numpy().tolist() == [[2, 2, 2]] * 2


def test_an_empty_tensor_takes_both_phases_too(calls: Calls) -> None:
    x, y, scale = ao.empty((0, 2), "float16"), ao.empty((0, 2), "int8"), ao.empty(0, "float32")
    launch(QUANT, (x, None, None, 2, y, scale, None))
    assert calls["phase_two"] == 1


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"x": np.zeros((4, 2))}, TypeError, "aclnnDynamicQuantV2: x must be a Tensor or None, not ndarray"),
        ({"dst": 2.0}, TypeError, "aclnnDynamicQuantV2: dstType must be an integer, not float"),
        ({"dst": True}, TypeError, "aclnnDynamicQuantV2: dstType must be an integer, not bool"),
        ({"dst": 2**63}, OverflowError, "aclnnDynamicQuantV2: dstType is 9223372036854775808"),
        ({"offset": "no"}, TypeError, "aclnnDynamicQuantV2: offsetOut must be a Tensor or None, not str"),
        ({"surplus": 1}, TypeError, r"takes 7 arguments \(x, smooth.*offsetOut\); 8 were given"),
    ],
)
def test_a_bad_argument_is_named_before_phase_one(
    calls: Calls, changes: dict[str, Any], error: type, says: str
) -> None:
    arguments = quant_arguments(**changes)
    with pytest.raises(error, match=says):
        launch(QUANT, arguments)
    assert calls["phase_one"] == 0


def test_a_closed_tensor_is_named_before_phase_one(calls: Calls) -> None:
    arguments = quant_arguments()
    arguments[5].close()
    with pytest.raises(ValueError, match="aclnnDynamicQuantV2: scaleOut is a closed Tensor"):
        launch(QUANT, arguments)
    assert calls["phase_one"] == 0


def test_a_closed_stream_is_refused_before_any_c_call(calls: Calls) -> None:
    stream = ao.Stream()
    arguments = quant_arguments()
    stream.close()
    with pytest.raises(ValueError, match="Stream is closed"):
        launch(QUANT, arguments, stream)
    assert not calls


@pytest.mark.skipif("ao.Device.count() < 2")
def test_a_tensor_of_another_device_is_named_before_phase_one(calls: Calls) -> None:
    with ao.Device(1):
        foreign = ao.empty(4, "float32")
    with pytest.raises(ValueError, match="scaleOut is on device 1, but the call is queued on <"):
        launch(QUANT, quant_arguments(scale=foreign))
    assert calls["phase_one"] == 0


@pytest.mark.skipif("ao.Device.count() < 2")
def test_a_stream_of_another_device_takes_the_call_there(calls: Calls) -> None:
    with ao.Device(1):
        stream, arguments = ao.Stream(), quant_arguments()
    launch(QUANT, arguments, stream)
    assert ao.current_device().index == 0
    assert arguments[4].numpy().tolist() == [[-128, 127]] * 4
    stream.close()


def test_a_refused_call_describes_all_arguments(calls: Calls) -> None:
    with pytest.raises(ao.ParameterError) as raised:
        launch(QUANT, quant_arguments(y=ao.empty((4, 4), "int8")[:, ::2], group=None))
    assert calls["phase_two"] == 0
    assert raised.value.function == "aclnnDynamicQuantV2GetWorkspaceSize"
    assert raised.value.arguments == (
        "x: float16 [4, 2] strides (2, 1) ND",
        "smoothScalesOptional: float16 [2, 2] strides (2, 1) ND",
        "groupIndexOptional: NULL",
        "dstType: 2",
        "yOut: int8 [4, 2] strides (4, 2) ND",
        "scaleOut: float32 [4] strides (1,) ND",
        "offsetOut: float32 [4] strides (1,) ND",
    )
    assert "smoothScalesOptional: float16 [2, 2]" in str(raised.value)


def fail(function: str, code: int) -> Any:
    def failing(*_: Any) -> Any:
        raise ao.AclError(function, code)

    return failing


@pytest.mark.parametrize("last", [1, 2, 6])
def test_when_a_descriptor_cannot_be_made_the_earlier_ones_go(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, last: int
) -> None:
    counted = nn._creators[nn.TensorHandle]

    def create_tensor(*args: Any) -> nn.Handle:
        return nn.TensorHandle() if calls["create_tensor"] == last - 1 else counted(*args)

    monkeypatch.setitem(nn._creators, nn.TensorHandle, create_tensor)
    with pytest.raises(ao.ParameterError, match="aclCreateTensor"):
        launch(QUANT, quant_arguments())
    assert (calls["destroy_tensor"], calls["phase_one"]) == (last - 1, 0)


@pytest.fixture
def needs_workspace(monkeypatch: pytest.MonkeyPatch) -> int:
    """Has every operator ask for a workspace of so many bytes."""
    counted, nbytes = BoundOperator.phase_one, 1_000_000

    def phase_one(self: BoundOperator, args: Any) -> Plan:
        plan = counted(self, args)
        plan.workspace_size.value = nbytes
        return plan

    monkeypatch.setattr(BoundOperator, "phase_one", phase_one)
    return nbytes


def test_without_memory_for_the_workspace_the_executor_goes(
    calls: Calls, needs_workspace: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = quant_arguments()
    monkeypatch.setattr(memory, "allocate", fail("aclrtMalloc", 207001))
    with pytest.raises(ao.AclError, match="aclrtMalloc") as raised:
        launch(QUANT, arguments)
    assert raised.value.arguments[0] == "x: float16 [4, 2] strides (2, 1) ND"
    assert (calls["destroy_executor"], calls["phase_two"], calls["destroy_tensor"]) == (1, 0, 6)


def test_without_a_workspace_no_memory_is_asked_for(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = (
        ao.zeros((4, 32), "int8"),
        ao.zeros(1, "float32"),
        None,
        1,
        False,
        ao.empty((4, 32), "float16"),
    )
    monkeypatch.setattr(memory, "allocate", fail("aclrtMalloc", 207001))
    launch(ANTI_QUANT, arguments)
    assert calls["phase_two"] == 1


def test_the_executor_of_a_failed_phase_two_is_not_destroyed_again(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = quant_arguments()
    counted = BoundOperator.phase_two

    def phase_two(self: BoundOperator, *args: Any) -> None:
        counted(self, *args)
        raise ao.AclError(QUANT, 561000)

    monkeypatch.setattr(BoundOperator, "phase_two", phase_two)
    with pytest.raises(ao.AclError, match="561000"):
        launch(QUANT, arguments)
    assert (calls["destroy_executor"], calls["phase_two"]) == (0, 1)


def test_a_descriptor_that_cannot_be_destroyed_does_not_keep_the_others(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = untyped["aclDestroyTensor"]

    def destroy_tensor(handle: nn.Handle) -> int:
        counted(handle)
        return 161001 if calls["destroy_tensor"] == 2 else 0

    monkeypatch.setitem(untyped, "aclDestroyTensor", destroy_tensor)
    arguments = quant_arguments()
    with pytest.raises(ao.AclError, match="aclDestroyTensor"):
        launch(QUANT, arguments)
    assert arguments[4].numpy().tolist() == [[-128, 127]] * 4


def test_workspaces_come_from_the_pool_and_return_to_it(
    calls: Calls, needs_workspace: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def phase_two(self: BoundOperator, plan: Plan, workspace: Any, stream: Any) -> None:
        seen.append((repr(workspace), plan.workspace_size.value))
        drop(plan)

    monkeypatch.setattr(BoundOperator, "phase_two", phase_two)
    arguments = quant_arguments()
    launch(QUANT, arguments)
    launch(QUANT, arguments)
    assert seen[0] == seen[1]
    assert "0x" in seen[0][0]
    assert seen[0][1] == needs_workspace


def test_an_operator_the_cann_lacks_is_named() -> None:
    with pytest.raises(ao.MissingFunctionError, match="aclnnNoSuchOperator"):
        launch("aclnnNoSuchOperator", ())


@STAND_IN
def test_lists_are_handed_over_with_their_elements(calls: Calls) -> None:
    parts = [ao.zeros((2, 3), "float32") for _ in range(3)]
    with pytest.raises(ao.ParameterError) as raised:
        launch("aclnnCat", (parts, 0, ao.empty((5, 3), "float32")))
    assert (calls["create_tensor"], calls["destroy_tensor"], calls["destroy_tensor_list"]) == (4, 1, 1)
    assert raised.value.arguments[0].startswith("tensors: [float32 [2, 3] strides (3, 1) ND, float32")


@STAND_IN
def test_scalars_and_arrays_become_descriptors(calls: Calls) -> None:
    x, out = ao.zeros((2, 3), "float32"), ao.empty((2, 2), "float32")
    with pytest.raises(ao.ParameterError):
        launch("aclnnAdds", (x, 2.5, 1, out))
    assert (calls["create_scalar"], calls["destroy_scalar"]) == (2, 2)
    with pytest.raises(ao.ParameterError):
        launch("aclnnPermute", (x, (1, 0), out))
    assert (calls["create_int_array"], calls["destroy_int_array"]) == (1, 1)


def test_a_closed_tensor_in_a_list_is_named_by_its_index(calls: Calls) -> None:
    parts = [ao.zeros((2, 3), "float32") for _ in range(3)]
    parts[1].close()
    with pytest.raises(ValueError, match=r"aclnnCat: tensors\[1\] is a closed Tensor"):
        launch("aclnnCat", (parts, 0, ao.empty((6, 3), "float32")))
    assert not calls


def test_when_a_list_cannot_be_made_its_elements_go(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nn, "create_tensor_list", fail("aclCreateTensorList", 161002))
    with pytest.raises(ao.AclError, match="aclCreateTensorList"):
        launch("aclnnCat", ([ao.zeros(3, "float32")] * 3, 0, ao.empty(9, "float32")))
    assert (calls["create_tensor"], calls["destroy_tensor"]) == (3, 3)


def test_many_calls_leave_no_device_memory_behind() -> None:
    x = ao.zeros((64, 64), "float16")
    ao.ops.dynamic_quant_v2(x)
    ao.current_stream().synchronize()
    before = memory.stats()
    for _ in range(300):
        ao.ops.dynamic_quant_v2(x, symmetric=False)
    ao.current_stream().synchronize()
    after = memory.stats()
    assert after.in_use == before.in_use
    assert after.reserved <= before.reserved + (1 << 20)
    assert rt.get_device() == 0
