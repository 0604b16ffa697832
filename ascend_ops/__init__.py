"""Huawei CANN operators (aclnn) as Python calls, on an Ascend NPU or on the CPU stand-in.

    import numpy as np
    import ascend_ops as ao

    x = ao.asarray(np.random.randn(4, 4096).astype(np.float16))    # host -> device
    y, scale = ao.ops.dynamic_quant_v2(x)                           # queued on the current stream
    print(y.numpy(), scale.numpy())                                 # waits, device -> host

Nothing is loaded and no device is touched by the import; the first call does it.
"""

from ascend_ops import distributed, formats, ops, stub
from ascend_ops._cann.api import acl
from ascend_ops._cann.enums import DataType, Format
from ascend_ops._cann.errors import (
    AclError,
    AscendError,
    DeviceTimeoutError,
    HomeError,
    MissingFunctionError,
    OutOfMemoryError,
    ParameterError,
    UnsupportedError,
)
from ascend_ops._cann.load_custom import load_custom
from ascend_ops._profile import profile
from ascend_ops.dtypes import (
    DType,
    bfloat16,
    bool_,
    complex32,
    complex64,
    complex128,
    dtype,
    float4_e1m2,
    float4_e2m1fn,
    float6_e2m3fn,
    float6_e3m2fn,
    float8_e4m3fn,
    float8_e5m2,
    float8_e8m0fnu,
    float16,
    float32,
    float64,
    hifloat4,
    hifloat8,
    int4,
    int8,
    int16,
    int32,
    int64,
    uint1,
    uint8,
    uint16,
    uint32,
    uint64,
)
from ascend_ops.prepared import CallSequence, PreparedCall
from ascend_ops.runtime import Device, Event, Stream, current_device, current_stream, default_stream, memory
from ascend_ops.tensor import Tensor, asarray, empty, from_pointer, zeros

__version__ = "0.1.0"

__all__ = [
    "AclError",
    "AscendError",
    "CallSequence",
    "DType",
    "DataType",
    "Device",
    "DeviceTimeoutError",
    "Event",
    "Format",
    "HomeError",
    "MissingFunctionError",
    "OutOfMemoryError",
    "ParameterError",
    "PreparedCall",
    "Stream",
    "Tensor",
    "UnsupportedError",
    "acl",
    "asarray",
    "bfloat16",
    "bool_",
    "complex32",
    "complex64",
    "complex128",
    "current_device",
    "current_stream",
    "default_stream",
    "distributed",
    "dtype",
    "empty",
    "float4_e1m2",
    "float4_e2m1fn",
    "float6_e2m3fn",
    "float6_e3m2fn",
    "float8_e4m3fn",
    "float8_e5m2",
    "float8_e8m0fnu",
    "float16",
    "float32",
    "float64",
    "formats",
    "from_pointer",
    "hifloat4",
    "hifloat8",
    "int4",
    "int8",
    "int16",
    "int32",
    "int64",
    "load_custom",
    "memory",
    "ops",
    "profile",
    "stub",
    "uint1",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "zeros",
]
