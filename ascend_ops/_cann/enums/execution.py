"""Streams, events, notifies, kernels."""

from __future__ import annotations

from enum import IntEnum


class TsId(IntEnum):
    """The C enum aclrtTsId."""

    AICORE = 0
    AIVECTOR = 1
    RESERVED = 2


class EventStatus(IntEnum):
    """The C enum aclrtEventStatus."""

    COMPLETE = 0
    NOT_READY = 1
    RESERVED = 2


class EventWaitStatus(IntEnum):
    """The C enum aclrtEventWaitStatus."""

    COMPLETE = 0
    NOT_READY = 1
    RESERVED = 65535


class CallbackBlockType(IntEnum):
    """The C enum aclrtCallbackBlockType."""

    NO_BLOCK = 0
    BLOCK = 1


class GroupAttr(IntEnum):
    """The C enum aclrtGroupAttr."""

    AICORE_INT = 0
    AIV_INT = 1
    AIC_INT = 2
    SDMANUM_INT = 3
    ASQNUM_INT = 4
    GROUPID_INT = 5


class StreamConfigAttr(IntEnum):
    """The C enum aclrtStreamConfigAttr."""

    WORK_ADDR_PTR = 0
    WORK_SIZE = 1
    FLAG = 2
    PRIORITY = 3


class BinaryLoadOptionType(IntEnum):
    """The C enum aclrtBinaryLoadOptionType."""

    LAZY_LOAD = 1
    LAZY_MAGIC = 2
    MAGIC = 2
    CPU_KERNEL_MODE = 3


class LaunchKernelAttrId(IntEnum):
    """The C enum aclrtLaunchKernelAttrId."""

    SCHEM_MODE = 1
    LOCAL_MEMORY_SIZE = 2
    ENGINE_TYPE = 3
    BLOCKDIM_OFFSET = 4
    BLOCK_TASK_PREFETCH = 5
    DATA_DUMP = 6
    TIMEOUT = 7
    TIMEOUT_US = 8
    DYN_UBUF_SIZE = 2
    ENABLE_PROFILING = 9


class EngineType(IntEnum):
    """The C enum aclrtEngineType."""

    AIC = 0
    AIV = 1


class StreamAttr(IntEnum):
    """The C enum aclrtStreamAttr."""

    FAILURE_MODE = 1
    FLOAT_OVERFLOW_CHECK = 2
    USER_CUSTOM_TAG = 3
    CACHE_OP_INFO = 4
    PRIORITY = 5


class RandomNumFuncType(IntEnum):
    """The C enum aclrtRandomNumFuncType."""

    DROPOUT_BITMASK = 0
    UNIFORM_DIS = 1
    NORMAL_DIS = 2
    TRUNCATED_NORMAL_DIS = 3


class DeviceTaskAbortStage(IntEnum):
    """The C enum aclrtDeviceTaskAbortStage."""

    PRE = 0
    POST = 1


class UpdateTaskAttrId(IntEnum):
    """The C enum aclrtUpdateTaskAttrId."""

    RANDOM_TASK = 1
    AIC_AIV_TASK = 2


class StreamState(IntEnum):
    """The C enum aclrtStreamState."""

    CREATE_POST = 1
    DESTROY_PRE = 2


class FuncAttribute(IntEnum):
    """The C enum aclrtFuncAttribute."""

    KERNEL_TYPE = 1
    KERNEL_RATIO = 2
    KERNEL_SCHED_MODE = 3


class KernelType(IntEnum):
    """The C enum aclrtKernelType."""

    AICORE = 0
    CUBE = 1
    VECTOR = 2
    MIX = 3
    AICPU = 100


class CntNotifyRecordMode(IntEnum):
    """The C enum aclrtCntNotifyRecordMode."""

    SET_VALUE_MODE = 0
    ADD_MODE = 1
    BIT_OR_MODE = 2
    BIT_AND_MODE = 4


class CntNotifyWaitMode(IntEnum):
    """The C enum aclrtCntNotifyWaitMode."""

    LESS_MODE = 0
    EQUAL_MODE = 1
    BIGGER_MODE = 2
    BIGGER_OR_EQUAL_MODE = 3
    EQUAL_WITH_BITMASK_MODE = 4


class RegisterCallbackType(IntEnum):
    """The C enum aclRegisterCallbackType."""

    ACL_MODEL = 0
    ACL_OP_EXECUTOR = 1
    ACL_OP_CBLAS = 2
    ACL_OP_COMPILER = 3
    ACL_TDT_CHANNEL = 4
    ACL_TDT_QUEUE = 5
    ACL_DVPP = 6
    ACL_RETR = 7
    OTHER = 65535


class StreamFlag(IntEnum):
    """The C constants ACL_STREAM_*."""

    FAST_LAUNCH = 1
    FAST_SYNC = 2
    PERSISTENT = 4
    HUGE = 8
    CPU_SCHEDULE = 16
    DEVICE_USE_ONLY = 32


class EventRecordFlag(IntEnum):
    """The C constants ACL_EVENT_RECORD_*."""

    DEFAULT = 0
    EXTERNAL = 1


class EventWaitFlag(IntEnum):
    """The C constants ACL_EVENT_WAIT_*."""

    DEFAULT = 0
    EXTERNAL = 1


class StreamFailureMode(IntEnum):
    """The C constants ACL_*."""

    CONTINUE_ON_FAILURE = 0
    STOP_ON_FAILURE = 1


class StreamWaitValue(IntEnum):
    """The C constants ACL_STREAM_WAIT_VALUE_*."""

    GEQ = 0
    EQ = 1
    AND = 2
    NOR = 3


class NotifyFlag(IntEnum):
    """The C constants ACL_NOTIFY_*."""

    DEFAULT = 0
    DEVICE_USE_ONLY = 1
