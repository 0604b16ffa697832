"""What only the CPU stand-in has.

Kernels in Python, for operators it has no kernel for (custom ones above all); no effect on a real CANN:

    @ao.stub.kernel("aclnnScaleAdd")
    def scale_add(self, other, alpha, out):
        out[...] = self + alpha * other

Checks for mistakes that hardware hides:

    with ao.stub.checks():
        ...

Faults on demand:

    with ao.stub.fault("aclrtMalloc", from_=3, count=1):
        ...

Schedules that show missing synchronisation:

    with ao.stub.schedule("deferred"):
        ...
"""

from ascend_ops._cann.stub_checks import Report
from ascend_ops.stub._checks import CheckError, Checks, checks
from ascend_ops.stub._fault import Fault, fault
from ascend_ops.stub._kernel import Kernel, kernel, unregister
from ascend_ops.stub._schedule import Schedule, schedule, step
from ascend_ops.stub._values import Spec

__all__ = [
    "CheckError",
    "Checks",
    "Fault",
    "Kernel",
    "Report",
    "Schedule",
    "Spec",
    "checks",
    "fault",
    "kernel",
    "schedule",
    "step",
    "unregister",
]
