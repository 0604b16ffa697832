"""Calls that type checkers must accept, with the types of their results. Not run: .ci/run checks them."""

from __future__ import annotations

import numpy as np
from typing_extensions import assert_type

import ascend_ops as ao


def elementwise(x: ao.Tensor, y: ao.Tensor) -> None:
    assert_type(ao.ops.abs(x), ao.Tensor)
    assert_type(ao.ops.add(x, y, 1), ao.Tensor)
    assert_type(ao.ops.add(x, other=y, alpha=np.float32(2), out=x), ao.Tensor)
    assert_type(ao.ops.add(np.ones(3), [1.0, 2.0, 3.0], alpha=True), ao.Tensor)
    assert_type(ao.ops.adds(self=x, other=2j, alpha=1), ao.Tensor)
    assert_type(ao.ops.clamp(x, 0, None), ao.Tensor)


def attributes(x: ao.Tensor, weight: ao.Tensor) -> None:
    assert_type(ao.ops.cast(x, "float16"), ao.Tensor)
    assert_type(ao.ops.cast(x, dtype=ao.bfloat16), ao.Tensor)
    assert_type(ao.ops.cast(x, np.float32), ao.Tensor)
    assert_type(ao.ops.arange(0, 10, 2.5), ao.Tensor)
    assert_type(ao.ops.permute(x, (1, 0)), ao.Tensor)
    assert_type(ao.ops.permute(x, np.array([1, 0])), ao.Tensor)
    assert_type(ao.ops.softmax(x, dim=np.int64(-1)), ao.Tensor)
    one = [1, 1]
    assert_type(ao.ops.convolution(x, weight, None, one, [0, 0], one, False, [0], 1, 0, output=x), ao.Tensor)


def lists(x: ao.Tensor, y: ao.Tensor) -> None:
    assert_type(ao.ops.cat([x, y], 0), ao.Tensor)
    assert_type(ao.ops.cat(tensors=(x, np.zeros(3)), dim=0), ao.Tensor)


def several_results(x: ao.Tensor, values: ao.Tensor, indices: ao.Tensor) -> None:
    pair = ao.ops.sort(x, True, -1, descending=False)
    assert_type(pair, tuple[ao.Tensor, ao.Tensor])
    ao.ops.sort(x, True, -1, False, out=(values, indices))
    ao.ops.sort(x, True, -1, False, values_out=values, indices_out=indices)


def in_place(x: ao.Tensor, y: ao.Tensor) -> None:
    assert_type(ao.ops.inplace_add(x, y, 1), ao.Tensor)
    assert_type(ao.ops.inplace_adds(self_ref=x, other=1, alpha=1), ao.Tensor)


def optional_before_required(x: ao.Tensor, scale: ao.Tensor, bias: ao.Tensor) -> None:
    ao.ops.ada_layer_norm(x, scale, scale, epsilon=1e-5)
    ao.ops.ada_layer_norm(x, scale, scale, bias_optional=bias, epsilon=1e-5)
    ao.ops.ada_layer_norm(x, scale, scale, None, bias, 1e-5)


def outputs_under_either_name(x: ao.Tensor, out: ao.Tensor) -> None:
    assert_type(ao.ops.acosh_grad(x, x, dx=out), ao.Tensor)
    assert_type(ao.ops.acosh_grad(x, x, out=out), ao.Tensor)
    assert_type(ao.ops.mrgba_custom(x, x, out=out), ao.Tensor)


def written_by_hand(x: ao.Tensor) -> None:
    assert_type(ao.ops.dynamic_quant_v2(x), tuple[ao.Tensor, ao.Tensor])
    assert_type(ao.ops.dynamic_quant_v2(x, symmetric=False), tuple[ao.Tensor, ao.Tensor, ao.Tensor])


def signatures() -> None:
    assert_type(ao.ops.signature("aclnnAdd").c_name, str)


def prepared(x: ao.Tensor, out: ao.Tensor) -> None:
    call = ao.ops.abs.prepare(x, out=out)
    assert_type(call, ao.PreparedCall[ao.Tensor])
    assert_type(call(), ao.Tensor)
    assert_type(call(self=out), ao.Tensor)
    assert_type(ao.ops.acosh_grad.prepare(x, x, out=out)(), ao.Tensor)
    assert_type(ao.ops.ascend_anti_quant.prepare(x, [1.0]).results, ao.Tensor)
    ao.CallSequence([call, ao.ops.dynamic_quant_v2.prepare(x, symmetric=False)])()
