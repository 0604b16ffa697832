"""When the stand-in's streams run their tasks: orders that hardware may choose and seldom does."""

from __future__ import annotations

import operator

from ascend_ops._cann import stub_schedules
from ascend_ops._cann.homes import find_home
from ascend_ops.runtime._lifetime import at_shutdown


class Schedule:
    """A block in which tasks run when its schedule says; `schedule` makes it. Attribute: `words`."""

    def __init__(self, words: str) -> None:
        self.words = words
        self._before: list[str] = []

    def __enter__(self) -> Schedule:
        before = stub_schedules.words()
        stub_schedules.use(self.words)
        self._before.append(before)
        return self

    def __exit__(self, *_: object) -> None:
        before = self._before.pop()
        if stub_schedules.reachable():
            stub_schedules.use(before)

    def __repr__(self) -> str:
        return f"<schedule {self.words!r}>"


def schedule(words: str) -> Schedule:
    """A block in which streams run their tasks in an order that shows missing synchronisation, repeatably:

        with ao.stub.schedule("deferred"):
            ...

    - `"eager"`: before the call that queues a task returns, unless the task has to wait for other work.
      A failing task fails right behind its call.
    - `"deferred"`: as late as legal. A task starts when somebody waits for it (a stream, an event, a
      device, a full queue) or asks about it. A read by the host or by another stream that nothing orders
      behind the task then finds what was there before.
    - `"shuffle:7"`: like deferred, but while anybody waits, one task at a time of all streams, in an order
      that the seed draws among those that are ready. One thread that queues and waits gets the same order
      each time; other seeds give other orders.
    - `"hold"`: when `step` says so. Synchronising waits until then, queries answer "not ready".
    - `""`: as soon as the stream gets to it, as without a block.

    Collectives are needed at once, since other processes wait for them. User code (host functions,
    callbacks, kernels in Python) starts a tenth of a second after it was queued at the latest, because the
    host may wait for what it does.

    All threads are concerned, and tasks that are queued and have not started too. Behind the block the
    schedule from before counts again; nothing is waited for.

    MissingFunctionError on a real CANN, ParameterError for other words, both when the block is entered.
    """
    if not isinstance(words, str):
        raise TypeError(f'words: expected a schedule, as in "deferred", got {words!r}')
    return Schedule(words)


def step(tasks: int | None = None) -> int:
    """Under `schedule("hold")`: lets that many tasks run (default: until none is ready), the oldest first,
    one after the other, and waits for them. Returns how many ran: fewer, when no more were ready.

    A task is ready when those before it on its stream have run and the event that it waits for is recorded.
    A collective counts when it has begun to wait for the other ranks. ValueError for a negative number.
    """
    if tasks is None:
        return stub_schedules.step(stub_schedules.ALL)
    number = operator.index(tasks)
    if not 0 <= number <= stub_schedules.ALL:
        raise ValueError(f"tasks: expected a number of tasks, 0 to 2**64 - 1, got {number}")
    return stub_schedules.step(number)


@at_shutdown
def _let_go() -> None:
    """Whoever leaves work held would make the interpreter wait for it."""
    if find_home().stand_in and stub_schedules.words() == "hold":
        stub_schedules.use("")
