"""Device arrays: the class and the functions that make them."""

from ascend_ops._creation import asarray, empty, from_pointer, new, zeros
from ascend_ops._tensor import Descriptor, Tensor

__all__ = ["Descriptor", "Tensor", "asarray", "empty", "from_pointer", "new", "zeros"]
