"""The C types of CANN's interfaces and what they are in ctypes."""

from __future__ import annotations

import ctypes
from typing import Any, Final

from ascend_ops._cann import ranges
from ascend_ops._cann.declarations import Declaration
from ascend_ops._cann.errors import AscendError

CType = Any  # a ctypes type object; typeshed has no public name for "any of them"


class _Dim3(ctypes.Structure):
    _fields_ = (("x", ctypes.c_uint32), ("y", ctypes.c_uint32), ("z", ctypes.c_uint32))


class _MemManagedLocation(ctypes.Structure):
    _fields_ = (("type", ctypes.c_int), ("id", ctypes.c_int32))


class _IpcEventHandle(ctypes.Structure):
    _fields_ = (("reserved", ctypes.c_char * 64),)


class _CondTaskParams(ctypes.Structure):
    _fields_ = (
        ("handle", ctypes.c_void_p),
        ("type", ctypes.c_int),
        ("size", ctypes.c_uint32),
        ("modelRIArray", ctypes.c_void_p),
    )


class _HcclConfigValue(ctypes.Structure):  # a union of one int32_t in C, passed alike
    _fields_ = (("value", ctypes.c_int32),)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_NUMBERS: Final[dict[str, CType]] = {
    "bool": ctypes.c_bool,
    "char": ctypes.c_char,
    "int": ctypes.c_int,
    "unsigned int": ctypes.c_uint,
    "int8_t": ctypes.c_int8,
    "int16_t": ctypes.c_int16,
    "int32_t": ctypes.c_int32,
    "int64_t": ctypes.c_int64,
    "uint8_t": ctypes.c_uint8,
    "uint16_t": ctypes.c_uint16,
    "uint32_t": ctypes.c_uint32,
    "uint64_t": ctypes.c_uint64,
    "size_t": ctypes.c_size_t,
    "float": ctypes.c_float,
    "double": ctypes.c_double,
    "aclError": ctypes.c_int,
    "aclnnStatus": ctypes.c_int32,
    "aclFloat16": ctypes.c_uint16,
}

_ENUMS: Final = _words("""
    HcclConfig HcclConfigType HcclDataType HcclReduceOp HcclResult aclCANNPackageName aclCannAttr aclDataType
    aclDeviceInfo aclFormat aclLogLevel aclRegisterCallbackType aclSysParamOpt aclmdlRICaptureMode
    aclmdlRICaptureStatus aclmdlRICondHandleFlag aclmdlRITaskType aclplatformCoreType aclplatformDevInfo
    aclrtCallbackBlockType aclrtCmoType aclrtCompareDataType aclrtCondition aclrtDevAttr aclrtDevFeatureType
    aclrtDevResLimitType aclrtDeviceLimit aclrtDeviceStatus aclrtEventRecordedStatus aclrtEventStatus
    aclrtEventWaitStatus aclrtFloatOverflowMode aclrtFuncAttribute aclrtGroupAttr aclrtHacType
    aclrtHostMemMapCapability aclrtHostRegisterType aclrtIpcMemAttrType aclrtLastErrLevel
    aclrtLaunchKernelAttrId aclrtMemAttr aclrtMemGranularityOptions aclrtMemHandleType aclrtMemLinkType
    aclrtMemMallocPolicy aclrtMemManagedAdviseType aclrtMemManagedRangeAttribute aclrtMemPoolAttr
    aclrtMemSharedHandleType aclrtMemcpyKind aclrtReduceKind aclrtRunMode aclrtSnapShotStage aclrtStreamAttr
    aclrtStreamConfigAttr aclrtStreamStatus aclrtTsId HcclCommStatus
""")

_HANDLES: Final = _words("""
    HcclComm HcclCommSymWindow HcclConn aclmdlRI aclmdlRICondHandle aclmdlRITask aclrtAllocator
    aclrtAllocatorDesc aclrtArgsHandle aclrtBinHandle aclrtBinary aclrtCntNotify aclrtContext
    aclrtDrvMemHandle aclrtEvent aclrtFuncHandle aclrtLabel aclrtLabelList aclrtMbuf aclrtMemPool aclrtNotify
    aclrtParamHandle aclrtStream aclrtTaskGrp
""")

# Pass a CFUNCTYPE object and keep it alive as long as C may call it.
_CALLBACKS: Final = _words("""
    HcclCommStateCallback aclFinalizeCallbackFunc aclInitCallbackFunc aclrtAllocatorAllocAdviseFunc
    aclrtAllocatorAllocFunc aclrtAllocatorFreeFunc aclrtAllocatorGetAddrFromBlockFunc aclrtCallback
    aclrtDeviceStateCallback aclrtDeviceTaskAbortCallback aclrtExceptionInfoCallback aclrtHostFunc
    aclrtOpExceptionCallback aclrtSnapShotCallBack aclrtStreamStateCallback
""")

_STRUCTURES: Final[dict[str, CType]] = {
    "HcclConfigValue": _HcclConfigValue,
    "aclmdlRICondTaskParams": _CondTaskParams,
    "aclrtIpcEventHandle": _IpcEventHandle,
    "aclrtMemManagedLocation": _MemManagedLocation,
    "dim3": _Dim3,
}

_BY_VALUE: Final[dict[str, CType]] = {
    **_NUMBERS,
    **_STRUCTURES,
    **dict.fromkeys(_ENUMS, ctypes.c_int),
    **dict.fromkeys(_HANDLES + _CALLBACKS, ctypes.c_void_p),
}

# What an integer argument may be, by the ctypes type it becomes.
LIMITS: Final[dict[CType, ranges.Limits]] = {
    ctypes.c_int8: ranges.INT8,
    ctypes.c_int16: ranges.INT16,
    ctypes.c_int32: ranges.INT32,
    ctypes.c_int64: ranges.INT64,
    ctypes.c_uint8: ranges.UINT8,
    ctypes.c_uint16: ranges.UINT16,
    ctypes.c_uint32: ranges.UINT32,
    ctypes.c_uint64: ranges.UINT64,
}


def ctype_of(ctype: str, *, typed_pointers: bool = True) -> CType:
    """The ctypes type of a normalised C type.

    With `typed_pointers`, a pointer to a number or to a handle accepts only that; otherwise every pointer is
    a c_void_p, which also takes integer addresses.
    """
    if ctype in {"const char *", "char *"}:
        return ctypes.c_char_p
    if ctype.endswith("*"):
        return _pointer(ctype) if typed_pointers else ctypes.c_void_p
    try:
        return _BY_VALUE[ctype]
    except KeyError:
        raise AscendError(
            f"cannot pass the C type {ctype!r} by value: this binding does not know it"
        ) from None


def signature_of(declaration: Declaration, *, typed_pointers: bool = True) -> tuple[CType, list[CType]]:
    """(restype, argtypes) of a function."""
    result = None if declaration.returns == "void" else _result(declaration.returns)
    try:
        return result, [ctype_of(p.ctype, typed_pointers=typed_pointers) for p in declaration.params]
    except AscendError as error:
        raise AscendError(f"{declaration.name}: {error}") from None


def _pointer(ctype: str) -> CType:
    target = ctype.removesuffix("*").removesuffix("const ").strip().removeprefix("const ")
    if target.endswith("*") or target in _HANDLES:
        return ctypes.POINTER(ctypes.c_void_p)
    if target in _NUMBERS or target in _ENUMS or target in _STRUCTURES:
        return ctypes.POINTER(_BY_VALUE[target])
    return ctypes.c_void_p


def _result(ctype: str) -> CType:
    return ctypes.c_void_p if ctype.endswith("*") and ctype != "const char *" else ctype_of(ctype)
