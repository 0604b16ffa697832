"""Kernels in Python for the CPU stand-in, for operators it has no kernel for (custom ones above all).

    @ao.stub.kernel("aclnnScaleAdd")
    def scale_add(self, other, alpha, out):
        out[...] = self + alpha * other

On a real CANN nothing of this has an effect.
"""

from ascend_ops.stub._kernel import Kernel, kernel, unregister
from ascend_ops.stub._values import Spec

__all__ = ["Kernel", "Spec", "kernel", "unregister"]
