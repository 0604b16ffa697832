"""Calls of operators that are made from their declarations: results, outputs, streams and devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import reference as ref
from hypothesis import given, settings
from hypothesis import strategies as st

import ascend_ops as ao
from ascend_ops.dispatch import Operator
from ascend_ops.ops import _generic
from ascend_ops.ops._binding import Binding

quantize = _generic.find("aclnnDynamicQuantV2")
dequantize = _generic.find("aclnnAscendAntiQuant")
compress = _generic.find("aclnnNsaCompress")

X = np.random.default_rng(5).standard_normal((6, 16)).astype(np.float16)
Q = np.random.default_rng(6).integers(-128, 128, (4, 8)).astype(np.int8)
SCALE = np.array([0.5], np.float32)


def outputs_for(x: np.ndarray[Any, Any]) -> dict[str, ao.Tensor]:
    """What aclnnDynamicQuantV2 writes."""
    rows = x.shape[:-1]
    names = ("scale_out", "offset_out")
    return {"y_out": ao.zeros(x.shape, "int8")} | {name: ao.zeros(rows, "float32") for name in names}


def assert_symmetric(y: ao.Tensor, scale: ao.Tensor, x: np.ndarray[Any, Any]) -> None:
    expected_y, expected_scale, _, before = ref.dynamic_quant_v2(x)
    assert (np.abs(y.numpy().astype(int) - expected_y) <= ref.near_tie(before)).all()
    np.testing.assert_allclose(scale.numpy(), expected_scale, rtol=4e-7, atol=0)


def assert_asymmetric(results: tuple[ao.Tensor, ...], x: np.ndarray[Any, Any]) -> None:
    y, scale, offset, before = ref.dynamic_quant_v2(x, symmetric=False)
    assert (np.abs(results[0].numpy().astype(int) - y) <= ref.near_tie(before)).all()
    np.testing.assert_allclose(results[1].numpy(), scale, rtol=4e-7, atol=0)
    np.testing.assert_allclose(results[2].numpy(), offset, rtol=4e-7, atol=4e-7 * 127)


@pytest.fixture
def launches(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[Any]]]:
    """What was to be launched; nothing is."""
    seen: list[tuple[str, list[Any]]] = []

    def launch(self: Operator, args: Sequence[Any]) -> None:
        seen.append((self.name, list(args)))

    monkeypatch.setattr(Operator, "launch", launch)
    return seen


def test_given_outputs_are_written_and_returned_in_the_order_of_c() -> None:
    out = outputs_for(X)
    result = quantize(X, dst_type=2, scale_out=out["scale_out"], y_out=out["y_out"], offset_out=None)
    assert result == (out["y_out"], out["scale_out"], None)
    assert_symmetric(out["y_out"], out["scale_out"], X)


def test_outputs_may_be_given_together() -> None:
    out = tuple(outputs_for(X).values())
    assert quantize(X, dst_type=2, out=out) == out
    assert_asymmetric(out, X)


def test_names_of_c_are_taken_as_well() -> None:
    out = outputs_for(X)
    y, scale, _ = quantize(
        x=X,
        smoothScalesOptional=None,
        dstType=2,
        yOut=out["y_out"],
        scaleOut=out["scale_out"],
        offsetOut=None,
    )
    assert_symmetric(y, scale, X)


def test_inputs_and_attributes_may_be_given_by_position() -> None:
    y = ao.zeros(Q.shape, "float16")
    assert dequantize(Q, SCALE, None, 1, False, out=y) is y
    assert y.numpy().tobytes() == ref.ascend_anti_quant(Q, SCALE, None, "float16", False).tobytes()


def test_a_single_output_may_be_called_out_whatever_its_name() -> None:
    first, second = ao.zeros(Q.shape, "float16"), ao.zeros(Q.shape, "float16")
    assert dequantize(Q, SCALE, dst_type=1, sqrt_mode=True, y=first) is first
    assert dequantize(Q, SCALE, dst_type=1, sqrt_mode=True, out=second) is second
    np.testing.assert_array_equal(first.numpy(), second.numpy())


def test_outputs_with_a_rule_are_allocated() -> None:
    y = dequantize(Q, SCALE, dst_type=ao.bfloat16, sqrt_mode=False)
    assert (y.dtype, y.shape) == (ao.bfloat16, (4, 8))
    assert y.numpy().tobytes() == ref.ascend_anti_quant(Q, SCALE, None, "bfloat16", False).tobytes()
    assert_asymmetric(quantize(X, dst_type=ao.int8), X)


def test_some_outputs_may_be_given_and_the_others_allocated() -> None:
    mine = ao.zeros((6,), "float32")
    y, scale, offset = quantize(X, dst_type=2, scale_out=mine, offset_out=None)
    assert (scale, offset) == (mine, None)
    assert_symmetric(y, mine, X)


def test_lists_become_tensors_and_arrays_as_their_parameters_ask() -> None:
    x = np.random.default_rng(7).standard_normal((48, 2, 16)).astype(np.float16)
    weight = np.random.default_rng(8).standard_normal((32, 2)).astype(np.float16)
    y = ao.zeros((1, 2, 16), "float16")
    assert compress(x, weight, [48], "TND", 32, 32, 0, out=y) is y
    np.testing.assert_array_equal(y.numpy(), ao.ops.nsa_compress(x, weight, [48], 32, 32).numpy())


def test_numbers_become_scalars_and_0d_tensors(launches: list[tuple[str, list[Any]]]) -> None:
    out = ao.empty((3,), "float64")
    ao.ops.add([1.0, 2.0, 3.0], 2.5, 1, out=out)
    ((name, (x, other, alpha, written)),) = launches
    assert (name, alpha, written) == ("aclnnAdd", 1, out)
    assert (x.dtype, x.numpy().tolist()) == (ao.float64, [1.0, 2.0, 3.0])
    assert (other.dtype, other.shape, other.numpy()) == (ao.float64, (), 2.5)


def test_element_types_may_be_given_where_c_takes_their_code(launches: list[tuple[str, list[Any]]]) -> None:
    ao.ops.cast(X, "float32", out=ao.empty(X.shape, "float32"))
    quantize(X, dst_type=ao.int8, out=tuple(outputs_for(X).values()))
    assert [launch[1][position] for launch, position in zip(launches, (1, 3), strict=True)] == ["float32", 2]


def test_what_is_written_in_place_is_returned(launches: list[tuple[str, list[Any]]]) -> None:
    x = ao.zeros((2, 3), "float32")
    assert ao.ops.inplace_add(x, x, 1) is x
    assert ao.ops.inplace_add(selfRef=x, other=x, alpha=1) is x
    assert launches == [("aclnnInplaceAdd", [x, x, 1])] * 2


def test_outputs_come_before_what_is_written_in_place(launches: list[tuple[str, list[Any]]]) -> None:
    operator = _generic.find("aclnnDequantRopeQuantKvcache")
    roles = [param.role for param in operator.signature.params]
    assert {"in", "out", "inout"} == set(roles)
    given = {
        param.c_name: ao.zeros((1,), "int8")
        for param in operator.signature.params
        if param.role != "in" and param.ctype.endswith("*")
    }
    rest = {param.c_name: None for param in operator.signature.inputs if param.role == "in"}
    rest |= {p.c_name: VALUES[p.kind.name] for p in operator.signature.inputs if p.kind.name in VALUES}
    result = operator(**given, **rest)
    names = [p.c_name for role in ("out", "inout") for p in operator.signature.params if p.role == role]
    assert [id(each) for each in result] == [id(given[name]) for name in names]


VALUES = {"INT": 1, "BOOL": True, "REAL": 0.5, "DTYPE": ao.float16, "STRING": "x", "INT_ARRAY": [1]}


def test_lists_of_tensors_are_taken_and_returned_as_tuples(launches: list[tuple[str, list[Any]]]) -> None:
    x, y = ao.zeros((2,), "float32"), ao.zeros((3,), "float32")
    assert _generic.find("aclnnForeachACosInplace")([x, y]) == (x, y)
    assert ao.ops.cat([[1.0, 2.0], y], 0, out=x) is x
    (_, (in_place,)), (_, (inputs, dim, out)) = launches
    assert (in_place, dim, out) == ((x, y), 0, x)
    assert inputs[0].numpy().tolist() == [1.0, 2.0]
    assert inputs[1] is y


def test_a_list_of_outputs_is_one_output(launches: list[tuple[str, list[Any]]]) -> None:
    x, parts = ao.zeros((4,), "float32"), [ao.zeros((2,), "float32") for _ in range(2)]
    assert ao.ops.split_tensor(x, 2, 0, out=parts) == tuple(parts)
    made = ao.ops.split_tensor(x, 2, 0)
    assert [(each.shape, each.dtype) for each in made] == [((2,), ao.float32)] * 2
    assert [launch[1][-1] for launch in launches] == [tuple(parts), made]


def test_an_output_called_out_is_told_from_all_outputs(launches: list[tuple[str, list[Any]]]) -> None:
    x, out, mean = (ao.zeros((4,), "float32") for _ in range(3))
    assert ao.ops.layer_norm(x, [4], None, None, 1e-5, out=out, mean_out_optional=mean)[:2] == (out, mean)
    assert ao.ops.layer_norm(x, [4], eps=1e-5, out=(out, mean, None)) == (out, mean, None)
    assert [launch[1][5:7] for launch in launches] == [[out, mean]] * 2


@settings(max_examples=60, deadline=None)
@given(
    c_name=st.sampled_from(["aclnnAdd", "aclnnLayerNorm", "aclnnInplaceAddmm", "aclnnDynamicQuantV2"]),
    data=st.data(),
)
def test_the_way_an_argument_is_given_does_not_matter(c_name: str, data: st.DataObject) -> None:
    signature = ao.ops.signature(c_name)
    values = {param.c_name: object() for param in signature.params}
    by_position = data.draw(st.integers(0, len(signature.inputs)))
    named = data.draw(st.permutations([*signature.inputs[by_position:], *signature.outputs]))
    spelling = data.draw(st.lists(st.booleans(), min_size=len(named), max_size=len(named)))
    bound = Binding(signature).bind(
        [values[param.c_name] for param in signature.inputs[:by_position]],
        {p.c_name if in_c else p.name: values[p.c_name] for p, in_c in zip(named, spelling, strict=True)},
    )
    assert bound == list(values.values())


def test_calls_are_queued_on_the_current_stream() -> None:
    with ao.Stream() as stream:
        y = dequantize(Q, SCALE, dst_type=1, sqrt_mode=False)
        back = quantize(y, dst_type=2, out=tuple(outputs_for(Q).values()))
        stream.synchronize()
    expected = ref.ascend_anti_quant(Q, SCALE, None, "float16", False)
    np.testing.assert_array_equal(y.numpy(), expected)
    assert back[0].numpy().any()


def test_arguments_may_be_dropped_right_after_the_call() -> None:
    with ao.Stream() as stream:
        results = [
            dequantize(np.full((64, 64), i, np.int8), SCALE, dst_type=1, sqrt_mode=False) for i in range(20)
        ]
        stream.synchronize()
    assert [y.numpy()[0, 0] for y in results] == [i / 2 for i in range(20)]


@pytest.mark.skipif("ao.Device.count() < 2")
def test_calls_go_to_the_current_device() -> None:
    with ao.Device(1):
        y = dequantize(Q, SCALE, dst_type=1, sqrt_mode=False)
        assert y.block.device_index == 1
        np.testing.assert_array_equal(y.numpy(), ref.ascend_anti_quant(Q, SCALE, None, "float16", False))
    with pytest.raises(ValueError, match="is on device 1"):
        dequantize(y, SCALE, dst_type=1, sqrt_mode=False, out=ao.zeros(y.shape, "float16"))
