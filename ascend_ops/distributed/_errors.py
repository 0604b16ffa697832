"""What goes wrong before HCCL is reached."""

from __future__ import annotations

from ascend_ops._cann.errors import AscendError


class RendezvousError(AscendError):
    """The ranks of `init` did not find each other. Says which rank waited for what."""


class RendezvousTimeoutError(RendezvousError, TimeoutError):
    """A rank did not come in time."""
