"""One operator of a prepared call: planned once, run many times.

`Replay` keeps an executor of its own, `Relaunch` plans every run anew where CANN keeps none, `Ordered` is for
operators that are queued in a special order. An operator that tells the shapes of what it found is planned
anew: the descriptors of its last run have these shapes, and nothing says that the next run may find more.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol

from ascend_ops._arguments import Owned
from ascend_ops._cann import nn, operators, watching
from ascend_ops._cann.carguments import CArgument
from ascend_ops._cann.errors import AclError
from ascend_ops._cann.operators import ParamKind, Plan
from ascend_ops.dispatch import Operator, Shapes, Within, passed, use_block
from ascend_ops.runtime import Stream, memory
from ascend_ops.runtime.memory import Block
from ascend_ops.tensor import Tensor

ALIGNMENT: Final = 32  # bytes: of the storage addresses that CANN takes for an executor it keeps


class Step(Protocol):
    """What is common to the three."""

    operator: Operator
    args: list[Any]
    replayed: bool

    def run(self, stream: Stream) -> Shapes | None:
        """Queues it on a stream of the current device; the shapes of what was found, of an operator that
        tells."""

    def accepts(self, place: int, tensor: Tensor) -> bool:
        """Whether `rebind` may follow; otherwise the call has to be prepared anew."""

    def rebind(self, place: int, tensor: Tensor, stream: Stream) -> None:
        """Has runs from now on use `tensor` as the argument at `place`."""

    def close(self) -> None:
        """Gives back what it holds. Queued runs are not disturbed."""


def planned(operator: Operator, args: Sequence[Any], stream: Stream, within: Within | None) -> Step:
    """What runs the operator; checks the arguments as a call does, and queues nothing."""
    destroy_orphans()
    owned: Owned = []
    try:
        bound, slots = operator.find()
        if watching.recorder is not None:
            bound = watching.recorder.timed(bound, args, stream)
        arguments = passed(operator.name, slots, args, stream, owned)
        plan = bound.phase_one(arguments)
    except AclError as error:
        nn.destroy_all(owned)
        raise operator.told(error, args) from None
    except BaseException:
        nn.destroy_all(owned)
        raise
    step: Step
    if not operator.tells and nn.set_repeatable(plan.executor):
        step = Replay(operator, args, arguments, plan, owned)
    else:
        _destroy(plan, owned)
        step = Relaunch(operator, args)
    return step if within is None else Ordered(step, within)


class Replay:
    """Runs a repeatable executor. All descriptors live as long as that, as CANN demands."""

    replayed = True
    _closed = True  # until it is made

    def __init__(
        self, operator: Operator, args: Sequence[Any], arguments: list[CArgument], plan: Plan, owned: Owned
    ) -> None:
        self.operator, self.args = operator, list(args)
        self._arguments, self._plan, self._owned = arguments, plan, owned
        self._closed = False
        tensors = [each if isinstance(each, Tensor) else None for each in args]
        self._makers = [None if each is None else each._made()[0] for each in tensors]
        self._blocks = [None if each is None else each.block for each in tensors]
        self._listed = [blocks_of(each) for each in args]
        self._sharing = {i for i, block in enumerate(self._blocks) if self._blocks.count(block) > 1}
        # Whether arguments may share memory in other ways than by being of one block.
        self._mixed = any(self._listed) or any(each and each.stream is None for each in self._blocks)
        self._setters: dict[int, nn.AddressSetter] = {}
        self._stream: Stream | None = None
        self._workspace: Block | None = None
        self._again: Callable[[], int] = _not_placed

    def run(self, stream: Stream) -> None:
        if stream is not self._stream or stream.closed:
            self._move_to(stream)
        if watching.recorder is None:
            status = self._again()
        else:
            status = watching.recorder.replay(self.operator.bound, self.args, stream, self._again)
        if status:
            raise self.operator.told(self.operator.bound.refused(status, self._plan), self.args)

    def _move_to(self, stream: Stream) -> None:
        """The stream has to wait for the tensors, and gets a workspace in its own order."""
        argument = stream.argument
        for place, block in enumerate(self._blocks):
            for each in self._listed[place] if block is None else (block,):
                use_block(f"{self.operator.name}: {self.operator.argument_name(place)}", each, stream)
        size = self._plan.workspace_size.value
        self._workspace = memory.allocate(size, stream) if size else None
        workspace = self._workspace and self._workspace.argument
        self._again = self.operator.bound.replay(self._plan, workspace, argument)
        self._stream = stream

    def accepts(self, place: int, tensor: Tensor) -> bool:
        """Not if geometries or devices differ, nor where arguments share memory, then or now: operators look
        at that in phase one."""
        old, new = self._blocks[place], tensor._block
        if new is None or old is None or tensor._made()[0] is not self._makers[place]:
            return False  # preparing anew tells what is wrong with it
        if new.stream is not old.stream and new.device_index != old.device_index:
            return False
        if place in self._sharing or (new is not old and new in self._blocks):
            return False
        if new.stream is None:  # memory of somebody else
            self._check_address(place, new)
        if not (self._mixed or new.stream is None):
            return True
        others = [each for i, each in enumerate(self._blocks) if each and i != place]
        others += [block for blocks in self._listed for block in blocks]
        return not any(_overlap(each, block) for each in others for block in (old, new))

    def _check_address(self, place: int, block: Block) -> None:
        if block.address % ALIGNMENT:
            name = self.operator.argument_name(place)
            raise ValueError(
                f"{self.operator.name}: {name} is at {block.address:#x}; a prepared call takes addresses "
                f"that are multiples of {ALIGNMENT} bytes: copy the tensor, or call without preparing"
            )

    def rebind(self, place: int, tensor: Tensor, stream: Stream) -> None:
        block = tensor.block
        if block.stream is not stream:
            use_block(f"{self.operator.name}: {self.operator.argument_name(place)}", block, stream)
        setter = self._setters.get(place) or self._setter(place)
        status = setter(tensor._made()[1])
        if status:
            raise self.operator.told(AclError.from_status("aclSetTensorAddr", status), self.args)
        self.args[place], self._blocks[place] = tensor, block
        self._mixed = self._mixed or block.stream is None

    def _setter(self, place: int) -> nn.AddressSetter:
        """CANN counts the inputs, and the outputs by themselves; those that are both count in both."""
        params = self.operator.bound.signature.params
        written = params[place].role == "out"
        other = "in" if written else "out"
        index = 0
        for param, given in zip(params[:place], self.args, strict=False):
            if param.role != other and param.kind is ParamKind.TENSOR:
                index += 1
            elif param.role != other and param.kind is ParamKind.TENSOR_LIST:
                index += len(given or ())
        handle = self._arguments[place]
        setter = nn.address_setter(self._plan.executor, index, handle, written)
        return self._setters.setdefault(place, setter)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            _destroy(self._plan, self._owned)

    def __del__(self) -> None:
        if not self._closed:  # a finalizer may not call C
            _orphans.append((self._plan, self._owned))


def _not_placed() -> int:
    raise AssertionError("run before the stream is known")


def blocks_of(value: object) -> tuple[Block, ...]:
    """The memory of a list of tensors."""
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], Tensor):
        return tuple(each.block for each in value)
    return ()


def _overlap(one: Block, other: Block) -> bool:
    return one.address < other.address + other.nbytes and other.address < one.address + one.nbytes


def apart(tensors: Iterable[Tensor]) -> bool:
    """Whether no two of the tensors are in the same memory."""
    return not any(itertools.starmap(_overlap, itertools.combinations([each.block for each in tensors], 2)))


_orphans: deque[tuple[Plan, Owned]] = deque()


def _destroy(plan: Plan, owned: Owned) -> None:
    """The executor first: it refers to the descriptors."""
    try:
        operators.drop(plan)
    finally:
        failure = nn.destroy_all(owned)
    if failure is not None:
        raise failure


def destroy_orphans() -> None:
    """Destroys what was dropped without being closed."""
    while _orphans:
        try:
            orphan = _orphans.popleft()
        except IndexError:  # another thread was faster
            return
        _destroy(*orphan)


class Relaunch:
    """Plans every run anew: the operator, or this CANN, keeps no executor."""

    replayed = False

    def __init__(self, operator: Operator, args: Sequence[Any]) -> None:
        self.operator, self.args = operator, list(args)
        self._held = [_held(each) for each in args]

    def run(self, stream: Stream) -> Shapes | None:
        return self.operator.queue(self._held, stream)

    def accepts(self, place: int, tensor: Tensor) -> bool:
        """What the caller checked and the results it allocated hold for this geometry only."""
        old, new = self._held[place], tensor._block
        if new is None or new.device_index != old.block.device_index:
            return False
        others = [each.block for i, each in enumerate(self._held) if isinstance(each, Tensor) and i != place]
        others += [block for each in self._held for block in blocks_of(each)]
        return tensor._made()[0] is old._made()[0] and not any(_overlap(each, new) for each in others)

    def rebind(self, place: int, tensor: Tensor, stream: Stream) -> None:
        self.args[place], self._held[place] = tensor, _held(tensor)

    def close(self) -> None:
        self.args.clear()
        self._held.clear()


def _held(value: Any) -> Any:
    """Tensors of its own over the same memory: the caller may close those that were given."""
    if isinstance(value, Tensor):
        return Tensor(
            value.block, value._layout, value.dtype, value.format, value._storage_shape, value._made()
        )
    if isinstance(value, (list, tuple)):
        return [_held(each) for each in value]
    return value


class Ordered:
    """Runs a step inside of a block that makes the stream to queue on current."""

    def __init__(self, step: Step, within: Within) -> None:
        self.operator, self.args, self.replayed = step.operator, step.args, step.replayed
        self._step, self._within = step, within

    def run(self, stream: Stream) -> Shapes | None:
        with self._within() as inner:
            return self._step.run(inner)

    def accepts(self, place: int, tensor: Tensor) -> bool:
        return False  # the block knows the tensors too

    def rebind(self, place: int, tensor: Tensor, stream: Stream) -> None:
        raise AssertionError("not accepted")

    def close(self) -> None:
        self._step.close()
