"""Faults on demand: calls that fail, work that fails or never ends, lost devices, memory that runs out.

Each is there from its making until `remove`, or until the end of its block:

    with ao.stub.fault("aclrtMalloc", from_=3, count=1) as fault:
        ...
    assert fault.hits == 1

Only the stand-in has them: on a real CANN making one raises MissingFunctionError.
"""

from __future__ import annotations

from ascend_ops._cann import stub_faults


class Fault:
    """A fault that was asked for. Attributes: `rule` (in the language of ASCEND_STUB_FAULT), `active`."""

    def __init__(self, rule: str) -> None:
        self._number, self._hits = stub_faults.add(rule), 0
        self.rule, self.active = rule, True

    @property
    def hits(self) -> int:
        """How often it has struck."""
        if self.active:
            self._hits = stub_faults.hits(self._number)
        return self._hits

    def remove(self) -> None:
        """Ends it: work that hangs goes on, a lost device answers again. May be repeated."""
        if self.active:
            self._hits = self.hits
            self.active = False
            stub_faults.remove(self._number)

    def __enter__(self) -> Fault:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def __repr__(self) -> str:
        return f"<fault {self.rule!r}{'' if self.active else ', removed'}>"


class Faults:
    """Makes faults; `ao.stub.fault` is the only one there is.

    Functions are named as in C; `*`, `?` and `[...]` stand for others, as in "aclnn*GetWorkspaceSize". A name
    that nothing calls is never struck: look at `hits`.
    """

    def __call__(
        self,
        function: str,
        *,
        status: int | None = None,
        from_: int = 1,
        count: int | None = None,
        probability: float | None = None,
        seed: int | None = None,
        device: int | None = None,
    ) -> Fault:
        """Calls of `function` fail, from the `from_`-th on, `count` of them (default: all), with `status`.

        Without a `status` they answer what is usual for the function: 207001 from allocations, 507899 from
        other functions of the runtime, 561000 from phase one of an operator and 361001 from phase two, 15
        from HCCL, NULL where a pointer is returned. A call that fails so does nothing else; phase two
        consumes its executor, as it does in CANN.

        With a `probability` each call decides by itself: the n-th one of a `seed` (default 0) always alike.
        `device` leaves the calls for other devices alone.

        Raises ParameterError, which is a ValueError, for what cannot be; so do the others.
        """
        return _fault(function, **_chance(status, from_, count, probability, seed, device))

    def task(
        self,
        function: str,
        *,
        status: int | None = None,
        from_: int = 1,
        count: int | None = None,
        probability: float | None = None,
        seed: int | None = None,
        device: int | None = None,
    ) -> Fault:
        """As `fault`, but the calls succeed and the work that they queue fails instead, when its turn comes:
        with 507015 (operators) or 507899 by default. The stream keeps the error, and waiting raises it."""
        return _fault(function, **_chance(status, from_, count, probability, seed, device), task="")

    def hang(
        self, function: str, *, from_: int = 1, count: int | None = None, device: int | None = None
    ) -> Fault:
        """The work that calls of `function` queue never ends: not before its stream is aborted or destroyed
        by force, its device is reset by force or lost, or the fault is removed (then it runs)."""
        return _fault(function, **_chance(None, from_, count, None, None, device), hang="")

    def device_lost(
        self, device: int = 0, *, from_: int = 1, status: int | None = None, forever: bool = False
    ) -> Fault:
        """The device stops answering at the `from_`-th call that needs it.

        From then on those calls fail with `status` (default 507010, operators 361001, HCCL 15), and so does
        what is queued. Descriptors, frees, destructions and resets go on working. A device that was reset
        (by its last reset, or by force) is back when it is set again; if `forever` aclrtSetDevice fails too.
        """
        options = {"device": device, "from": from_, "status": status, "forever": "" if forever else None}
        return _fault("device-lost", **options)

    def memory(self, limit: int | str, *, device: int | None = None) -> Fault:
        """Device memory is `limit` bytes ("512M"), what is in use already included: more is refused with
        207001."""
        return _fault("memory", limit=limit, device=device)


def _chance(
    status: int | None,
    from_: int,
    count: int | None,
    probability: float | None,
    seed: int | None,
    device: int | None,
) -> dict[str, int | float | None]:
    chance = {"probability": probability, "seed": seed, "device": device}
    return {"status": status, "from": from_, "count": count, **chance}


def _fault(name: str, **options: int | float | str | None) -> Fault:
    given = {option: value for option, value in options.items() if value is not None}
    texts = [option if value == "" else f"{option}={value}" for option, value in given.items()]
    return Fault(f"{name}:{','.join(texts)}")


fault = Faults()
