"""`ao.profile`: a timeline of calls, operators, copies and memory, and its summary.

`session.py` is what users see; `stand_in.py` and `recorder.py` are the two sources of a timeline, the
stand-in's own trace and what Python records on every other CANN; `timeline.py` is the file format of both,
`summary.py` reads it. Nothing of this is imported before it is used.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ascend_ops._profile.session import Profile

__all__ = ["profile"]


def profile(path: str | os.PathLike[str] | None = None) -> Profile:
    """Records a timeline of what the process does inside the block, in all threads:

        with ao.profile("trace.json") as p:
            y, scale = ao.ops.dynamic_quant_v2(x)
        print(p.summary())

    The file has Chrome's trace format, which Perfetto (ui.perfetto.dev) and chrome://tracing open: calls with
    their arguments on a row per thread, operators, copies and collectives on a row per stream of each device,
    arrows from the call that queued something to where it ran, and the device's memory in use. "%p" in `path`
    becomes the number of the process; without a path the file lives as long as the profile.

    On the stand-in this is its own trace, which sees C code too. On any other CANN it is what Python calls,
    except for `ao.acl`, with the time of what runs on devices taken from a pair of events around it; that is
    kept in memory until the end of the block.

    The end of the block waits for the devices and raises AclError when work on them failed. When the block
    raises, nothing is waited for, and work that is not over is not in the file; there is one in any case.

    AscendError when a profile is running already (or ASCEND_STUB_TRACE traces the process), OSError for a
    file that cannot be written.
    """
    from ascend_ops._profile.session import Profile

    return Profile(path)
