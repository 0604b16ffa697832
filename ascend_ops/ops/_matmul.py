"""The quantized matrix product over several devices; `matmul_helpers` prepares its weights and scales."""

from __future__ import annotations

import functools
import math
import reprlib
from typing import TYPE_CHECKING, NamedTuple

from ascend_ops import dtypes, formats
from ascend_ops._layout import COPY_ADVICE
from ascend_ops.dispatch import Operator
from ascend_ops.distributed import Communicator
from ascend_ops.ops._inputs import outputs, required, tensor
from ascend_ops.prepared import preparable
from ascend_ops.runtime import ensure_current
from ascend_ops.runtime.device import activated
from ascend_ops.tensor import Tensor, empty

if TYPE_CHECKING:
    from ascend_ops.ops._inputs import TensorLike

REDUCE_OP, COMM_TURN, STREAM_MODE = "sum", 0, 1  # the only values that CANN takes
_MATMUL = Operator(
    "aclnnQuantMatmulAllReduceV2",
    (
        *("x1", "x2", "bias", "x3", "dequant_scale", "pertoken_scale", "group"),
        *("reduceOp", "commTurn", "streamMode", "out"),
    ),
)


@preparable
def quant_matmul_all_reduce_v2(
    x1: TensorLike,
    x2: TensorLike,
    dequant_scale: TensorLike,
    bias: TensorLike | None = None,
    x3: TensorLike | None = None,
    pertoken_scale: TensorLike | None = None,
    group: Communicator | str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Multiplies int8 matrices on every rank, dequantizes, adds, and sums the results of all ranks. Every
    rank of the group calls it, with the same m, n and type of the result. Queued on the current stream of the
    group's device.

    With m the product of the lengths of x1 but the last, which is k:

    x1              int8, [m, k] or [b, s, k], contiguous; k <= 65535
    x2              int8, [k, n]: contiguous, or the transpose (.T) of a contiguous [n, k]; in ND or in
                    FRACTAL_NZ (asarray(x, format="FRACTAL_NZ") or trans_matmul_weight; A2 only)
    dequant_scale   [1] for all columns, [n] or [1, n] for each: bfloat16; float32 with pertoken_scale (which
                    numbers and lists become, too); uint64 or int64 as packed by trans_quant_param or
                    trans_quant_param_v2
    bias            int32, [n]
    x3              type and shape of the result; each rank adds its own, before the sum
    pertoken_scale  float32, [m]
    group           a Communicator, or a group's name on the current device; of 1, 2, 4 or 8 ranks on A2
    out             tensor to write instead of a new one

    Inputs are Tensors of the group's device or array-likes, which are uploaded to it. All but x2, and out,
    are contiguous. bias, x3, dequant_scale
    and pertoken_scale are this rank's and may differ between ranks.

    Returns x1.shape[:-1] + (n,), the same on every rank: bfloat16 if dequant_scale is bfloat16, else float16.

    On Atlas A2, with T the type of the result and every rounding half to even:

        acc    = int32(sum over k of x1 * x2) + bias     exact, wraps modulo 2**32
        y      = T(float32(acc) * scale)                 packed scales: bits 31..13 as float32, the rest is 0
        y      = T(float32(acc) * scale * pertoken)      in float32, from left to right
        y      = T(y + x3)                               y was rounded before
        result = y of rank 0 + y of rank 1 + ...         in T

    The device fixes the order of the sum only when it is told to be deterministic; the stand-in adds in the
    order of the ranks and rounds every partial sum to T.

    Raises TypeError, ValueError or OverflowError, naming the argument, for what cannot become a tensor of
    CANN, for a group that is none or closed, for closed tensors and tensors of another device, for a
    dequant_scale of numbers or lists without pertoken_scale, for strided tensors (x2: other strides than
    above), and for what CANN does not check: shapes that do not fit an x2 in FRACTAL_NZ, others in it.
    ParameterError (161002) for other dtypes and shapes than above; AclError for limits and combinations that
    the device refuses (561002) and for the name of no group. Ranks that do not agree, or one that is missing,
    are an error on every rank when the stream is waited for.

    Source: CANN operator document aclnnQuantMatmulAllReduceV2.
    """
    device, name = _group(group)
    with activated(device):
        call = _uploaded(x1, x2, dequant_scale, bias, x3, pertoken_scale)
        if out is None:
            y = empty(_result_shape(call), _result_type(call.dequant_scale))
        else:
            outputs((out,), ("out",))
            y = out
        given = {name: each for name, each in (*call._asdict().items(), ("out", y)) if each is not None}
        _check_tensors(given, device)
        _check_weight(given)
        args = (*call, name, REDUCE_OP, COMM_TURN, STREAM_MODE, y)
        if isinstance(group, Communicator):
            _MATMUL.launch(args, within=functools.partial(group.ordered, *given.values()))
        else:
            _MATMUL.launch(args)
        return y


class _Call(NamedTuple):
    """The tensors of one call in C's order, by their names in Python."""

    x1: Tensor | None
    x2: Tensor | None
    bias: Tensor | None
    x3: Tensor | None
    dequant_scale: Tensor | None
    pertoken_scale: Tensor | None


def _group(group: Communicator | str | None) -> tuple[int, str]:
    """The device and the name of the group."""
    if isinstance(group, str):
        return ensure_current(), group
    if not isinstance(group, Communicator):
        raise TypeError(
            f"group must be a Communicator or the name of one, not {type(group).__name__} "
            f"({reprlib.repr(group)}); distributed.init() and distributed.init_all() make communicators"
        )
    if group.closed:
        raise ValueError(f"group: {group!r} was closed; make a new communicator")
    return group.device.index, group.name


def _uploaded(
    x1: TensorLike,
    x2: TensorLike,
    dequant_scale: TensorLike,
    bias: TensorLike | None,
    x3: TensorLike | None,
    pertoken_scale: TensorLike | None,
) -> _Call:
    if pertoken_scale is None and not (dequant_scale is None or hasattr(dequant_scale, "dtype")):
        raise TypeError(
            "dequant_scale: give uint64 from trans_quant_param, bfloat16, or float32 with pertoken_scale, "
            f"not {type(dequant_scale).__name__} ({reprlib.repr(dequant_scale)}), which could be any of them"
        )
    scale = tensor("dequant_scale", dequant_scale, dtypes.float32)
    return _Call(
        tensor("x1", x1, dtypes.int8),
        tensor("x2", x2, dtypes.int8),
        tensor("bias", bias, dtypes.int32),
        tensor("x3", x3, _result_type(scale)),
        scale,
        tensor("pertoken_scale", pertoken_scale, dtypes.float32),
    )


def _result_type(scale: Tensor | None) -> dtypes.DType:
    is_wide = scale is not None and scale.dtype is dtypes.bfloat16
    return dtypes.bfloat16 if is_wide else dtypes.float16


def _result_shape(call: _Call) -> tuple[int, ...]:
    x1, x2 = required("x1", call.x1), required("x2", call.x2)
    return (*x1.shape[:-1], *x2.shape[-1:])


def _check_tensors(given: dict[str, Tensor], device: int) -> None:
    for name, each in given.items():
        if each.closed:
            raise ValueError(f"{name} is a closed Tensor; close() gave up its memory")
        if each.device.index != device:
            raise ValueError(
                f"{name} is on device {each.device.index}, but group is on device {device}; the tensors of a "
                "rank must be on its communicator's device"
            )
        if name != "x2" and not formats.is_base(each.format):
            raise ValueError(f"{name} is in {each.format.name}; x2 alone may be in FRACTAL_NZ, give ND")
        if name != "x2" and not each.contiguous:
            raise ValueError(
                f"{name} has the strides {each.strides} with the shape {each.shape}; only x2 may be a view "
                f"that is not contiguous: {COPY_ADVICE}"
            )


def _check_weight(given: dict[str, Tensor]) -> None:
    """What CANN does not look at: it would read wrong elements or past the end."""
    if not {"x1", "x2"} <= given.keys() or given["x1"].ndim < 2 or given["x2"].ndim != 2:
        return  # refused by the library
    x2 = given["x2"]
    if not formats.is_base(x2.format):
        _check_shapes(given)
    elif not (x2.contiguous or x2.T.contiguous):
        raise ValueError(
            f"x2 has the strides {x2.strides} with the shape {x2.shape}; it must be contiguous, or the .T of "
            "a contiguous tensor"
        )


def _check_shapes(given: dict[str, Tensor]) -> None:
    *rows, k = given["x1"].shape
    n = given["x2"].shape[1]
    allowed: dict[str, tuple[tuple[int, ...], ...]] = {
        "x2": ((k, n),),
        "bias": ((n,),),
        "x3": ((*rows, n),),
        "dequant_scale": ((1,), (n,), (1, n)),
        "pertoken_scale": ((math.prod(rows),),),
        "out": ((*rows, n),),
    }
    for name, shapes in allowed.items():
        if name in given and given[name].shape not in shapes:
            raise ValueError(
                f"{name} has the shape {given[name].shape}; with x1 {given['x1'].shape} and x2 "
                f"{given['x2'].shape} it must be {' or '.join(map(str, shapes))}"
            )
