"""One operator call: arguments -> descriptors -> phase one -> workspace -> phase two, queued, not waited for.

Phase two of operators whose results have a shape that only the data tells waits; then their descriptors have
that shape. Descriptors are made for one call and destroyed as soon as its phase two has returned. Device
memory is not held here: its block knows the streams that use it and outlives their work, whenever the tensor
dies.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

from ascend_ops import _kept
from ascend_ops._arguments import (
    Owned,
    Slot,
    TensorList,
    described,
    make_integers,
    refuse_tensor,
    remember,
    slots_of,
)
from ascend_ops._cann import custom, nn, operators, watching
from ascend_ops._cann.carguments import CArgument
from ascend_ops._cann.errors import AclError
from ascend_ops._cann.operators import BoundOperator, Plan
from ascend_ops._layout import Shape
from ascend_ops.runtime import Stream, current_stream, ensure_current, memory
from ascend_ops.runtime.device import activated
from ascend_ops.runtime.memory import Block
from ascend_ops.tensor import Tensor

# A block that makes the stream to queue on current, where the operator has to be ordered in a special way.
Within = Callable[[], AbstractContextManager[Stream]]
Handles = dict[Hashable, nn.Handle]  # by what makes them
Shapes = tuple[Shape, ...]
Recorder = Callable[["Operator", Sequence[Any], Stream, Within | None], None]


class _Recording(threading.local):
    """Who takes the calling thread's calls instead of their being queued."""

    recorder: Recorder | None = None


recording: Final = _Recording()


Found = tuple[BoundOperator, tuple[Slot, ...]]


class Operator:
    """An operator that can be launched; it is looked up in the home in use when it first is.

    `name` is that of C ("aclnnAbs"), `names` are what errors call the arguments where the caller's own are
    not those of C. `reads_only` says that CANN's sources show no write into the descriptors it is given, as
    there are in other operators: then those of tensors are used again by the next call with the same ones.
    `tells` are the places of outputs whose shape only the data tells: launching waits for them.
    """

    __slots__ = ("__weakref__", "_found", "name", "names", "reads_only", "tells")

    def __init__(
        self, name: str, names: tuple[str, ...] = (), reads_only: bool = False, tells: tuple[int, ...] = ()
    ) -> None:
        self.name, self.names, self.reads_only, self.tells = name, names, reads_only, tells
        self._found: Found | None = None
        _operators.add(self)

    def find(self) -> Found:
        """Its C functions, and how its arguments are converted. MissingFunctionError where this CANN has no
        such operator."""
        found = self._found
        if found is None:
            bound = operators.bind(self.name)
            slots = slots_of(self.name, bound.signature.params, self.names, bound.makers)
            found = self._found = bound, slots
        return found

    def forget(self) -> None:
        """Has the operator looked up anew."""
        self._found = None

    @property
    def bound(self) -> BoundOperator:
        """Its C functions."""
        return self.find()[0]

    def argument_name(self, place: int) -> str:
        """What errors call the argument at `place`."""
        return self.find()[1][place].name

    def launch(
        self, args: Sequence[Any], stream: Stream | None = None, within: Within | None = None
    ) -> Shapes | None:
        """Queues the operator on `stream` (default: the current one, or that of the block `within`) and
        returns; an operator that `tells` waits for the stream and returns the shapes of what was found.

        `args` are in C order, without workspaceSize and executor: Tensor, numbers, bool, str, element types,
        sequences (arrays and lists), None for NULL. Everything passed may be dropped or closed right after
        the call.

        TypeError, ValueError or OverflowError, naming the argument, for what the C parameter cannot take, for
        closed tensors and tensors of another device. AclError, with all arguments described, when the library
        refuses the call.
        """
        if recording.recorder is not None:
            recording.recorder(self, args, stream or current_stream(), within)
            return None
        if within is not None:
            with within() as stream:
                return self.queue(args, stream)
        if stream is None:
            return self.queue(args, current_stream())
        if ensure_current() == stream.device_index:
            return self.queue(args, stream)
        with activated(stream.device_index):
            return self.queue(args, stream)

    def queue(self, args: Sequence[Any], stream: Stream) -> Shapes | None:
        """As `launch`, on a stream of the current device."""
        kept = _kept.local.kept if self.reads_only else None
        if kept is None or kept.busy:
            return self._queue(args, stream, None)
        kept.busy = True
        try:
            kept.make_room()
            return self._queue(args, stream, kept.handles)
        finally:
            kept.busy = False

    def _queue(self, args: Sequence[Any], stream: Stream, kept: Handles | None) -> Shapes | None:
        bound, slots = self._found or self.find()
        if watching.recorder is not None:
            bound = watching.recorder.timed(bound, args, stream)
        owned: Owned = []
        found = None
        try:
            arguments = passed(self.name, slots, args, stream, owned, kept)
            _queue(bound, bound.phase_one(arguments), stream)
            if self.tells:
                found = tuple(nn.view_shape(arguments[place]) for place in self.tells)
        except AclError as error:
            raise self.told(error, args) from None
        finally:
            failure = nn.destroy_all(owned) if owned else None
        if failure is not None:
            raise failure
        return found

    def told(self, error: AclError, args: Sequence[Any]) -> AclError:
        """The error of one of the two calls, with the arguments described."""
        error.arguments = (*error.arguments, *map(described, self.find()[1], args))
        return error


_operators: weakref.WeakSet[Operator] = weakref.WeakSet()


def _forget_all() -> None:
    for operator in tuple(_operators):
        operator.forget()


custom.on_change(_forget_all)

_by_name: dict[str, Operator] = {}


def launch(name: str, args: Sequence[Any], stream: Stream | None = None) -> None:
    """Queues the operator `name` ("aclnnAbs"), whose arguments errors call as C does; see
    `Operator.launch`."""
    operator = _by_name.get(name) or _by_name.setdefault(name, Operator(name))
    operator.launch(args, stream)


def passed(
    name: str,
    slots: Sequence[Slot],
    args: Sequence[Any],
    stream: Stream,
    owned: Owned,
    kept: Handles | None = None,
) -> list[CArgument]:
    """The C arguments; `owned` lists the descriptors made so far, also when one cannot be made, but not those
    of tensors that come from `kept` or go there."""
    if len(args) != len(slots):
        names = ", ".join(slot.name for slot in slots)
        raise TypeError(f"{name} takes {len(slots)} arguments ({names}); {len(args)} were given")
    stream.argument  # noqa: B018 - refuses a closed stream
    result: list[CArgument] = []
    for slot, given in zip(slots, args, strict=True):
        if type(given) is Tensor and slot.is_tensor:  # most are
            if (block := given._block) is None or block.stream is not stream:
                use(slot.label, given, stream)
            making = given._making or given._made()
            if kept is None or (handle := kept.get(making)) is None:
                maker, address = making
                if not (handle := maker(address)):
                    refuse_tensor(given)
                if kept is None:
                    owned.append(handle)
                else:
                    kept[making] = handle
            result.append(handle)
        elif given is None and slot.is_tensor:
            result.append(None)
        elif type(given) is slot.kept and given in slot.made:
            result.append(slot.made[given])
        elif kept is not None and slot.make is make_integers and given is not None:
            result.append(_kept_integers(slot.check(slot, given), kept))
        else:
            result.append(_made(slot, given, stream, owned))
    return result


def _kept_integers(values: Sequence[int], kept: Handles) -> nn.Handle:
    key = nn.IntArrayHandle, tuple(values)
    handle = kept.get(key)
    if handle is None:
        handle = kept[key] = nn.create_int_array(values)
    return handle


def _made(slot: Slot, given: Any, stream: Stream, owned: Owned) -> CArgument:
    """The C argument of anything."""
    value = slot.check(slot, given)
    if value is None:
        return None
    if isinstance(value, TensorList):
        for i, each in enumerate(value):
            use(f"{slot.label}[{i}]", each, stream)
    elif isinstance(value, Tensor):
        use(slot.label, value, stream)
    argument = slot.make(slot, value, owned)
    remember(slot, given, argument)
    return argument


def use(label: str, tensor: Tensor, stream: Stream) -> None:
    """Says that work on `stream` is about to use the tensor that is the argument `label`."""
    try:
        block = tensor.block
    except ValueError:
        raise ValueError(f"{label} is a closed Tensor; close() gave up its memory") from None
    use_block(label, block, stream)


def use_block(label: str, block: Block, stream: Stream) -> None:
    """As `use`, for the tensor's memory."""
    if block.device_index != stream.device_index:
        raise ValueError(
            f"{label} is on device {block.device_index}, but the call is queued on {stream!r}; "
            "an operator's tensors and its stream must be of one device"
        )
    block.use_on(stream)


def _queue(bound: BoundOperator, plan: Plan, stream: Stream) -> None:
    size = plan.workspace_size.value
    if not size:
        bound.phase_two(plan, None, stream.argument)
        return
    try:
        # Goes back to the pool on return: what takes it next on this stream runs behind this operator.
        workspace = memory.allocate(size, stream)
    except BaseException:
        operators.drop(plan)
        raise
    bound.phase_two(plan, workspace.argument, stream.argument)
