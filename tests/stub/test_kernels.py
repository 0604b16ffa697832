"""Kernels in Python: what they are called with, when, and what becomes of what they raise."""

from __future__ import annotations

import gc
import itertools
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from runtime.conftest import Hold

import ascend_ops as ao
from ascend_ops.dispatch import launch

pytestmark = pytest.mark.stand_in(reason="kernels in Python exist on the stand-in only")

X = np.arange(12, dtype=np.float32).reshape(3, 4)


def scale_add(self: Any, other: Any, alpha: float, out: Any) -> None:
    out[...] = self + alpha * other


def called_with(operator: str, args: list[Any], names: str) -> dict[str, Any]:
    """What a kernel that names these parameters gets."""
    got: dict[str, Any] = {}
    space: dict[str, Any] = {"got": got}
    exec(f"def function({names}): got.update(locals())", space)
    with ao.stub.kernel(operator)(space["function"]), ao.Stream() as stream:
        launch(operator, args)
        stream.synchronize()
        stream.close()
    return got


def test_a_function_computes_the_operator() -> None:
    with ao.stub.kernel("aclnnAdd")(scale_add):
        out = ao.empty(X.shape, np.float32)
        launch("aclnnAdd", [ao.asarray(X), ao.asarray(X), 2, out])
        np.testing.assert_array_equal(out.numpy(), 3 * X)


def test_it_is_called_for_generic_operators() -> None:
    with ao.stub.kernel("aclnnAdd")(scale_add):
        np.testing.assert_array_equal(
            ao.ops.add(X, X, 0.5, out=ao.empty(X.shape, np.float32)).numpy(), 1.5 * X
        )


def test_tensors_have_the_strides_of_the_call() -> None:
    seen: list[tuple[int, ...]] = []

    def kernel(self: Any, other: Any, out: Any) -> None:
        seen.extend((self.strides, other.strides, out.strides))
        np.add(self, other, out=out)

    whole = ao.zeros((8, 6), np.float32)
    with ao.stub.kernel("aclnnAdd")(kernel):
        launch(
            "aclnnAdd", [ao.asarray(X).T, ao.asarray(X[0]).broadcast_to((4, 4))[:, :3], 1, whole[::2, 1::2]]
        )
        expected = np.zeros((8, 6), np.float32)
        expected[::2, 1::2] = X.T + X[0][:3]
        np.testing.assert_array_equal(whole.numpy(), expected)
    assert seen == [(4, 16), (0, 4), (48, 8)]


def test_inputs_are_read_only_and_outputs_are_not() -> None:
    def kernel(self: Any, out: Any) -> None:
        assert not self.flags.writeable
        assert out.flags.writeable
        self[...] = 0

    x = ao.asarray(X)
    with ao.stub.kernel("aclnnAbs")(kernel), ao.Stream() as stream:
        launch("aclnnAbs", [x, ao.empty(X.shape, np.float32)])
        with pytest.raises(ao.AclError, match="assignment destination is read-only"):
            stream.synchronize()
        stream.close()


def test_an_operator_in_place_gets_an_array_to_write() -> None:
    def kernel(self_ref: Any, other: Any) -> None:
        self_ref += other

    x = ao.asarray(X)
    with ao.stub.kernel("aclnnInplaceAdd")(kernel):
        launch("aclnnInplaceAdd", [x, ao.asarray(X), 1])
        np.testing.assert_array_equal(x.numpy(), 2 * X)


def test_tiled_storage_comes_as_it_is() -> None:
    matrix = np.arange(20 * 40, dtype=np.float16).reshape(20, 40)
    x = ao.asarray(matrix, format="FRACTAL_NZ")
    got = {}

    def kernel(self: Any) -> None:
        got["x"] = self.copy()

    with ao.stub.kernel("aclnnAbs")(kernel):
        launch("aclnnAbs", [x, ao.empty((20, 40), np.float16)])
        ao.current_stream().synchronize()
    np.testing.assert_array_equal(got["x"], ao.formats.to_nz(matrix))


def test_empty_and_zero_dimensional_tensors_are_arrays() -> None:
    got = called_with(
        "aclnnAdd",
        [ao.empty((0, 3), np.int8), ao.asarray(np.int8(5)), 1, ao.empty((0, 3), np.int8)],
        "self, other",
    )
    assert got["self"].shape == (0, 3)
    assert (got["other"].shape, got["self"].dtype) == ((), np.int8)


def test_attributes_arrive_as_plain_values() -> None:
    x, y = ao.asarray(X), ao.empty((3, 4), np.float16)
    got = called_with("aclnnReduceSum", [x, (0, -1), True, ao.float16, y], "dims, keep_dims, dtype")
    assert got == {"dims": (0, -1), "keep_dims": True, "dtype": ao.float16}


def test_scalars_lists_and_null_arrive_as_plain_values() -> None:
    got = called_with(
        "aclnnClamp",
        [ao.asarray(X), -1.5, None, ao.empty(X.shape, np.float32)],
        "clip_value_min, clip_value_max",
    )
    assert got == {"clip_value_min": -1.5, "clip_value_max": None}
    tensors = [ao.asarray(X), ao.asarray(X + 1)]
    got = called_with("aclnnCat", [tensors, 1, ao.empty((3, 8), np.float32)], "tensors, dim")
    assert got["dim"] == 1
    assert [each.tolist() for each in got["tensors"]] == [X.tolist(), (X + 1).tolist()]


def test_a_list_of_outputs_can_be_written() -> None:
    def kernel(self: Any, out: Any) -> None:
        for part, target in zip(np.split(self, [1]), out, strict=True):
            target[...] = part

    parts = ao.empty((1, 4), np.float32), ao.empty((2, 4), np.float32)
    with ao.stub.kernel("aclnnSplitWithSize")(kernel):
        launch("aclnnSplitWithSize", [ao.asarray(X), [1, 2], 0, list(parts)])
        np.testing.assert_array_equal(np.concatenate([part.numpy() for part in parts]), X)


def test_text_arrives_as_str() -> None:
    args = [ao.asarray(X), "tänh", ao.empty((3, 2), np.float32)]
    assert called_with("aclnnGeluMul", args, "approximate_optional") == {"approximate_optional": "tänh"}
    args[1] = None
    assert called_with("aclnnGeluMul", args, "approximate_optional") == {"approximate_optional": None}


def test_names_of_c_and_all_other_parameters_can_be_asked_for() -> None:
    args = [ao.asarray(X), (0,), True, ao.float32, ao.empty((1, 4), np.float32)]
    got = called_with("aclnnReduceSum", args, "keepDims, **rest")
    assert got["keepDims"] is True
    assert sorted(got["rest"]) == ["dims", "dtype", "out", "self"]


def test_a_parameter_the_operator_lacks_is_refused_at_once() -> None:
    with pytest.raises(
        TypeError, match=r"kernel of aclnnAdd: .* no parameter beta; it has self, other, alpha, out"
    ):
        ao.stub.kernel("aclnnAdd")(lambda self, beta: None)
    with pytest.raises(TypeError, match="by name"):
        ao.stub.kernel("aclnnAdd")(lambda *args: None)
    with pytest.raises(TypeError, match="operator: 'aclnn Add' is not the C name"):
        ao.stub.kernel("aclnn Add")
    with pytest.raises(TypeError, match="3 cannot be called"):
        ao.stub.kernel("aclnnAdd")(3)  # type: ignore[type-var]


def test_a_parameter_with_a_default_is_no_parameter_of_the_operator() -> None:
    def kernel(self: Any, out: Any, factor: int = 3) -> None:
        out[...] = self * factor

    out = ao.empty(X.shape, np.float32)
    with ao.stub.kernel("aclnnAbs")(kernel):
        launch("aclnnAbs", [ao.asarray(X), out])
        np.testing.assert_array_equal(out.numpy(), 3 * X)


def test_it_runs_in_the_stream_s_order(hold: Hold) -> None:
    order: list[float] = []

    def kernel(self: Any, out: Any) -> None:
        order.append(float(self))
        out[...] = self + 1

    with ao.stub.kernel("aclnnAbs")(kernel), ao.Stream() as stream:
        chain = [ao.zeros((), np.float32) for _ in range(20)]
        with hold(stream):
            for source, target in itertools.pairwise(chain):
                launch("aclnnAbs", [source, target])
            assert order == []
        assert float(chain[-1].numpy()) == 19
        stream.close()
    assert order == list(range(19))


def test_streams_run_kernels_side_by_side() -> None:
    meeting = threading.Barrier(2, timeout=30)

    def kernel(self: Any) -> None:
        meeting.wait()

    with ao.stub.kernel("aclnnAbs")(kernel):
        streams = [ao.Stream(), ao.Stream()]
        for stream in streams:
            with stream:
                launch("aclnnAbs", [ao.asarray(X), ao.empty(X.shape, np.float32)])
        for stream in streams:
            stream.close()
    assert not meeting.broken


def test_threads_call_and_register_at_once() -> None:
    wrong = []

    def work(factor: int) -> None:
        with ao.Stream() as stream:
            out = ao.empty(X.shape, np.float32)
            for _ in range(50):
                launch("aclnnAdd", [ao.asarray(X), ao.asarray(X), factor, out])
            if not np.array_equal(out.numpy(), X + factor * X):
                wrong.append(factor)
            stream.close()

    with ao.stub.kernel("aclnnAdd")(scale_add):
        threads = [threading.Thread(target=work, args=(factor,)) for factor in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(50):
            with ao.stub.kernel("aclnnAdd")(scale_add):
                pass
        for thread in threads:
            thread.join()
    assert wrong == []


def broken(self: Any) -> None:
    raise KeyError("what went wrong")


def test_an_exception_becomes_the_stream_s_error_with_its_traceback() -> None:
    with ao.stub.kernel("aclnnAbs")(broken), ao.Stream() as stream:
        launch("aclnnAbs", [ao.asarray(X), ao.empty(X.shape, np.float32)])
        with pytest.raises(ao.AclError) as caught:
            stream.synchronize()
        text = str(caught.value)
        assert "aclnnAbs raised in its Python kernel" in text
        assert "Traceback (most recent call last)" in text
        assert f'File "{__file__}", line {broken.__code__.co_firstlineno + 1}, in broken' in text
        assert "KeyError: 'what went wrong'" in text
        stream.synchronize()  # told once, the stream goes on
        stream.close()


@pytest.mark.parametrize("raised", [SystemExit, KeyboardInterrupt, RecursionError])
def test_no_exception_ends_a_stream_s_thread(raised: type[BaseException]) -> None:
    calls = []

    def kernel(out: Any) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise raised("x" * 20_000 + "the end")

    with ao.stub.kernel("aclnnAbs")(kernel), ao.Stream() as stream:
        for _ in range(2):
            launch("aclnnAbs", [ao.asarray(X), ao.empty(X.shape, np.float32)])
        with pytest.raises(ao.AclError, match="the end"):
            stream.synchronize()
        stream.close()
    assert len(calls) == 2


def refuse_large(self: ao.stub.Spec, alpha: float, out: ao.stub.Spec) -> None:
    assert isinstance(self, ao.stub.Spec)
    assert (self.shape, self.dtype, self.strides) == ((3, 4), ao.float32, (4, 1))
    assert (self.ndim, self.size, self.format) == (2, 12, ao.Format.ND)
    if alpha > 9:
        raise ValueError(f"alpha: {alpha} is more than 9")


def test_a_check_refuses_calls_when_they_are_made() -> None:
    out = ao.empty(X.shape, np.float32)
    with ao.stub.kernel("aclnnAdd", check=refuse_large)(scale_add):
        launch("aclnnAdd", [ao.asarray(X), ao.asarray(X), 9, out])
        with pytest.raises(
            ao.ParameterError, match="aclnnAddGetWorkspaceSize: alpha: 10 is more than 9"
        ) as caught:
            launch("aclnnAdd", [ao.asarray(X), ao.asarray(X), 10, out])
        assert caught.value.code == 161002
        np.testing.assert_array_equal(out.numpy(), 10 * X)


def test_another_exception_of_a_check_comes_with_its_traceback() -> None:
    def check(out: ao.stub.Spec) -> None:
        assert out.ndim == 3, "three axes"

    args = [ao.asarray(X), ao.empty(X.shape, np.float32)]
    expected = r"(?s)in check\n.*AssertionError: three axes"
    with (
        ao.stub.kernel("aclnnAbs", check=check)(lambda out: None),
        pytest.raises(ao.AclError, match=expected),
    ):
        launch("aclnnAbs", args)


def constant(value: float) -> Callable[..., None]:
    def kernel(out: Any) -> None:
        out[...] = value

    return kernel


def result() -> float:
    out = ao.zeros((), np.float32)
    launch("aclnnAbs", [ao.asarray(np.float32(-7)), out])
    return float(out.numpy())


def test_registering_again_replaces_and_leaving_a_block_restores() -> None:
    ao.stub.kernel("aclnnAbs")(constant(1))
    second = ao.stub.kernel("aclnnAbs")(constant(2))
    assert result() == 2
    with ao.stub.kernel("aclnnAbs")(constant(3)) as third:
        assert (result(), third.active, second.active) == (3, True, False)
    assert (result(), third.active, second.active) == (2, False, True)
    third.unregister()  # no longer registered: nothing happens
    assert result() == 2
    ao.stub.unregister("aclnnAbs")
    assert not second.active
    assert result() == 7  # the stand-in's own is back
    with pytest.raises(ValueError, match="no kernel is registered for 'aclnnAbs'"):
        ao.stub.unregister("aclnnAbs")


def test_an_operator_without_a_kernel_says_how_to_give_it_one() -> None:
    with pytest.raises(ao.UnsupportedError, match=r'has no kernel .* @ao\.stub\.kernel\("aclnnRelu6"\)'):
        launch("aclnnRelu6", [ao.zeros(2, np.float32), ao.zeros(2, np.float32)])


def test_it_wins_over_a_kernel_of_the_stand_in_while_it_is_registered() -> None:
    x = np.full((2, 32), 100, np.float16)
    before = [each.numpy() for each in ao.ops.dynamic_quant_v2(x)]

    def fill(y_out: Any, scale_out: Any) -> None:
        y_out[...], scale_out[...] = 5, 6

    with ao.stub.kernel("aclnnDynamicQuantV2")(fill):
        y, scale = ao.ops.dynamic_quant_v2(x)
        assert (set(y.numpy().flat), set(scale.numpy().flat)) == ({5}, {6.0})
    after = [each.numpy() for each in ao.ops.dynamic_quant_v2(x)]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_queued_call_keeps_the_kernel_it_was_made_with(hold: Hold) -> None:
    with ao.Stream() as stream:
        out = ao.zeros((2,), np.float32)
        with hold(stream), ao.stub.kernel("aclnnAbs")(constant(4)):
            launch("aclnnAbs", [ao.zeros((2,), np.float32), out])
        np.testing.assert_array_equal(out.numpy(), [4, 4])
        stream.close()


def test_a_function_is_let_go_once_its_last_call_is_over() -> None:
    function = constant(1)
    gone = weakref.ref(function)
    with ao.stub.kernel("aclnnAbs")(function) as kernel:
        assert result() == 1
    del function, kernel
    gc.collect()
    assert gone() is None


def test_the_decorated_function_can_still_be_called() -> None:
    @ao.stub.kernel("aclnnAdd")
    def add(self: Any, other: Any, out: Any) -> None:
        """Adds."""
        np.add(self, other, out=out)

    out = np.zeros(2)
    add(np.ones(2), other=np.ones(2), out=out)
    assert (out.tolist(), add.__doc__, add.__name__, add.operator) == ([2, 2], "Adds.", "add", "aclnnAdd")
    assert repr(add) == "<kernel of aclnnAdd, active>"
    add.unregister()
    assert repr(add) == "<kernel of aclnnAdd, not registered>"
