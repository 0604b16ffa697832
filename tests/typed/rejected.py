"""Calls that type checkers must refuse, each for one reason. Not run: .ci/run checks them, and that each
error which is ignored here occurs."""

from __future__ import annotations

import ascend_ops as ao


def names(x: ao.Tensor) -> None:
    ao.ops.ad(x, x, 1)  # type: ignore[attr-defined]
    ao.ops.add(x, x, 1, beta=1)  # type: ignore[call-arg]
    ao.ops.sort(x, True, -1, False, values=x)  # type: ignore[call-arg]
    ao.ops.inplace_adds(selfRef=x, other=1, alpha=1)  # type: ignore[call-arg]
    ao.ops.dynamic_quant_v2(x, smooth_scale=x)  # type: ignore[call-overload]


def number_of_arguments(x: ao.Tensor) -> None:
    ao.ops.add(x, x)  # type: ignore[call-arg]
    ao.ops.add(x, x, 1, x)  # type: ignore[call-arg]
    ao.ops.softmax(x)  # type: ignore[call-arg]


def types(x: ao.Tensor) -> None:
    ao.ops.softmax(x, 1.5)  # type: ignore[arg-type]
    ao.ops.sort(x, "yes", 0, False)  # type: ignore[arg-type]
    ao.ops.permute(x, 1)  # type: ignore[arg-type]
    ao.ops.permute(x, [0.5])  # type: ignore[list-item]
    ao.ops.adds(x, "two", 1)  # type: ignore[arg-type]
    ao.ops.cast(x, None)  # type: ignore[arg-type]
    ao.ops.cat(x, 0)  # type: ignore[arg-type]


def written(x: ao.Tensor) -> None:
    ao.ops.inplace_add([1.0], x, 1)  # type: ignore[arg-type]
    ao.ops.abs(x, out=[1.0])  # type: ignore[arg-type]
    ao.ops.sort(x, True, -1, False, out=x)  # type: ignore[arg-type]


def results(x: ao.Tensor) -> None:
    ao.ops.inplace_add(x, x, 1) + x  # type: ignore[operator]
    ao.ops.sort(x, True, -1, False).numpy()  # type: ignore[attr-defined]


def optional_before_required(x: ao.Tensor) -> None:
    ao.ops.ada_layer_norm(x, x, x)  # type: ignore[call-overload]


def without_output_rule(x: ao.Tensor) -> None:
    ao.ops.mrgba_custom(x, x)  # type: ignore[call-arg]
