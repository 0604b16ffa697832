"""Device, streams, events and the stream-ordered memory pool on top of `_cann.rt`.

This room knows addresses and bytes, not shapes or element types.
"""

from ascend_ops.runtime.device import Device, current_device, ensure_current
from ascend_ops.runtime.event import Event
from ascend_ops.runtime.stream import Stream, current_stream, default_stream

__all__ = [
    "Device",
    "Event",
    "Stream",
    "current_device",
    "current_stream",
    "default_stream",
    "ensure_current",
]
