"""One operator call: arguments -> descriptors -> phase one -> workspace -> phase two, queued, not waited for.

Every argument is checked before the first C call. Descriptors are destroyed as soon as phase two has
returned. Device memory is not held here: its block knows the streams that use it and outlives their work,
whenever the tensor dies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ascend_ops._arguments import CValue, Owned, Slot, TensorList, described, slots_of
from ascend_ops._cann import custom, nn
from ascend_ops._cann.errors import AclError
from ascend_ops._cann.operators import BoundOperator, bind
from ascend_ops.runtime import Stream, current_stream, ensure_current, memory
from ascend_ops.runtime.device import activated
from ascend_ops.runtime.memory import Block
from ascend_ops.tensor import Tensor


@dataclass(frozen=True, slots=True)
class Operator:
    """What is known of an operator before it is called."""

    name: str
    bound: BoundOperator
    slots: tuple[Slot, ...]


_operators: dict[tuple[str, tuple[str, ...]], Operator] = {}
custom.on_change(_operators.clear)


def launch(
    name: str, args: Sequence[Any], stream: Stream | None = None, *, names: tuple[str, ...] = ()
) -> None:
    """Queues the operator `name` ("aclnnAbs") on `stream` (default: the current one) and returns.

    `args` are in C order, without workspaceSize and executor: Tensor, numbers, bool, str, element types,
    sequences (arrays and lists), None for NULL. Everything passed may be dropped or closed right after the
    call. `names` are what errors call the arguments, where the caller's own are not those of C.

    TypeError, ValueError or OverflowError, naming the argument, for what the C parameter cannot take, for
    closed tensors and tensors of another device. AclError, with all arguments described, when the library
    refuses the call.
    """
    stream = stream or current_stream()
    if ensure_current() == stream.device_index:
        _launch(_operators.get((name, names)) or _prepare(name, names), args, stream)
        return
    with activated(stream.device_index):
        _launch(_operators.get((name, names)) or _prepare(name, names), args, stream)


def _prepare(name: str, names: tuple[str, ...]) -> Operator:
    bound = bind(name)
    slots = slots_of(name, bound.signature.params, names)
    return _operators.setdefault((name, names), Operator(name, bound, slots))


def _launch(operator: Operator, args: Sequence[Any], stream: Stream) -> None:
    values, blocks = _checked(operator, args, stream)
    owned: Owned = []
    try:
        for block in blocks:
            block.use_on(stream)
        _queue(operator.bound, _created(operator.slots, values, owned), stream)
    except AclError as error:
        error.arguments = (*error.arguments, *map(described, operator.slots, args))
        raise
    finally:
        failure = _destroyed(owned)
    if failure is not None:
        raise failure


def _checked(operator: Operator, args: Sequence[Any], stream: Stream) -> tuple[list[Any], list[Block]]:
    """The arguments in the form the next steps want, and the memory that must outlive the call."""
    slots = operator.slots
    if len(args) != len(slots):
        names = ", ".join(slot.name for slot in slots)
        raise TypeError(f"{operator.name} takes {len(slots)} arguments ({names}); {len(args)} were given")
    stream.handle  # noqa: B018 - refuses a closed stream
    values = []
    blocks = []
    for slot, given in zip(slots, args, strict=True):
        value = slot.check(slot, given)
        values.append(value)
        if isinstance(value, Tensor):
            blocks.append(_memory_of(slot.label, value, stream))
        elif isinstance(value, TensorList):
            blocks += [_memory_of(f"{slot.label}[{i}]", each, stream) for i, each in enumerate(value)]
    return values, blocks


def _memory_of(label: str, tensor: Tensor, stream: Stream) -> Block:
    try:
        block = tensor.block
    except ValueError:
        raise ValueError(f"{label} is a closed Tensor; close() gave up its memory") from None
    if block.device_index != stream.device_index:
        raise ValueError(
            f"{label} is on device {block.device_index}, but the call is queued on {stream!r}; "
            "an operator's tensors and its stream must be of one device"
        )
    return block


def _created(slots: Sequence[Slot], values: Sequence[Any], owned: Owned) -> list[CValue]:
    """The C arguments; `owned` lists the descriptors made so far, also when one cannot be made."""
    return [
        value if value is None or slot.create is None else slot.create(value, owned)
        for slot, value in zip(slots, values, strict=True)
    ]


def _queue(bound: BoundOperator, args: Sequence[CValue], stream: Stream) -> None:
    workspace_size, executor = _phase_one(bound, args)
    try:
        # Goes back to the pool on return: what takes it next on this stream runs behind this operator.
        workspace = memory.allocate(workspace_size, stream)
    except BaseException:
        nn.destroy_executor(executor)
        raise
    bound.phase_two(workspace.address, workspace_size, executor, stream.handle)


def _phase_one(bound: BoundOperator, args: Sequence[CValue]) -> tuple[int, int]:
    try:
        return bound.phase_one(args)
    except AclError as error:
        error.arguments = ()  # handles; the caller knows what they stand for
        raise


def _destroyed(owned: Owned) -> AclError | None:
    """Destroys all descriptors, whichever fails; returns the first failure."""
    failure = None
    while owned:
        destroy, handle = owned.pop()
        try:
            destroy(handle)
        except AclError as error:
            failure = failure or error
    return failure
