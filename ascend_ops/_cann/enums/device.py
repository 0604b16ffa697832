"""Devices, process and system options."""

from __future__ import annotations

from enum import IntEnum


class CANNPackageName(IntEnum):
    """The C enum aclCANNPackageName."""

    CANN = 0
    RUNTIME = 1
    COMPILER = 2
    HCCL = 3
    TOOLKIT = 4
    OPP = 5
    OPP_KERNEL = 6
    DRIVER = 7


class LogLevel(IntEnum):
    """The C enum aclLogLevel."""

    DEBUG = 0
    INFO = 1
    WARNING = 2
    ERROR = 3


class SysParamOpt(IntEnum):
    """The C enum aclSysParamOpt."""

    DETERMINISTIC = 0
    ENABLE_DEBUG_KERNEL = 1
    STRONG_CONSISTENCY = 2
    EARLY_START = 3
    ENABLE_KERNEL_EARLY_START = 3


class CannAttr(IntEnum):
    """The C enum aclCannAttr."""

    UNDEFINED = -1
    INF_NAN = 0
    BF16 = 1
    JIT_COMPILE = 2


class DeviceInfo(IntEnum):
    """The C enum aclDeviceInfo."""

    UNDEFINED = -1
    AI_CORE_NUM = 0
    VECTOR_CORE_NUM = 1
    L2_SIZE = 2


class RunMode(IntEnum):
    """The C enum aclrtRunMode."""

    DEVICE = 0
    HOST = 1


class FloatOverflowMode(IntEnum):
    """The C enum aclrtFloatOverflowMode."""

    SATURATION = 0
    INFNAN = 1
    UNDEF = 2


class DeviceStatus(IntEnum):
    """The C enum aclrtDeviceStatus."""

    NORMAL = 0
    ABNORMAL = 1
    END = 65535


class LastErrLevel(IntEnum):
    """The C enum aclrtLastErrLevel."""

    THREAD_LEVEL = 0


class ErrorType(IntEnum):
    """The C enum aclrtErrorType."""

    NO_ERROR = 0
    MEMORY = 1
    L2 = 2
    AICORE = 3
    LINK = 4
    OTHERS = 65535
    L3_PORT = 5


class AicoreErrorType(IntEnum):
    """The C enum aclrtAicoreErrorType."""

    UNKNOWN = 0
    SW = 1
    HW_LOCAL = 2


class DevAttr(IntEnum):
    """The C enum aclrtDevAttr."""

    AICPU_CORE_NUM = 1
    AICORE_CORE_NUM = 101
    CUBE_CORE_NUM = 102
    VECTOR_CORE_NUM = 201
    WARP_SIZE = 202
    MAX_THREAD_PER_VECTOR_CORE = 203
    LOCAL_MEM_PER_VECTOR_CORE = 204
    TOTAL_GLOBAL_MEM_SIZE = 301
    L2_CACHE_SIZE = 302
    SMP_ID = 401
    PHY_CHIP_ID = 402
    SUPER_POD_DEVIDE_ID = 403
    SUPER_POD_SERVER_ID = 404
    SUPER_POD_ID = 405
    CUST_OP_PRIVILEGE = 406
    MAINBOARD_ID = 407
    IS_VIRTUAL = 501
    UBUF_PER_VECTOR_CORE = 204
    SUPER_POD_DEVICE_ID = 403
    MAX_GRID_DIM_X = 205
    MAX_GRID_DIM_Y = 206
    MAX_GRID_DIM_Z = 207
    MAX_BLOCK_PER_GRID = 208
    MAX_THREADS_PER_BLOCK = 209
    MAX_BLOCK_DIM_X = 210
    MAX_BLOCK_DIM_Y = 211
    MAX_BLOCK_DIM_Z = 212
    HD_CONNECT_TYPE = 408
    NPU_ARCH = 601
    DEVICE_FORM_FACTOR = 409


class DevFeatureType(IntEnum):
    """The C enum aclrtDevFeatureType."""

    TSCPU_TASK_UPDATE_SUPPORT_AIC_AIV = 1
    SYSTEM_MEMQ_EVENT_CROSS_DEV = 21


class DevResLimitType(IntEnum):
    """The C enum aclrtDevResLimitType."""

    CUBE_CORE = 0
    VECTOR_CORE = 1


class DeviceState(IntEnum):
    """The C enum aclrtDeviceState."""

    SET_PRE = 0
    SET_POST = 1
    RESET_PRE = 2
    RESET_POST = 3


class ProcessState(IntEnum):
    """The C enum aclrtProcessState."""

    RUNNING = 0
    LOCKED = 1


class SnapShotStage(IntEnum):
    """The C enum aclrtSnapShotStage."""

    LOCK_PRE = 0
    BACKUP_PRE = 1
    BACKUP_POST = 2
    RESTORE_PRE = 3
    RESTORE_POST = 4
    UNLOCK_POST = 5


class HacType(IntEnum):
    """The C enum aclrtHacType."""

    STARS = 0
    AICPU = 1
    AIC = 2
    AIV = 3
    PCIEDMA = 4
    RDMA = 5
    SDMA = 6
    DVPP = 7
    UDMA = 8
    CCU = 9


class DeviceLimit(IntEnum):
    """The C enum aclrtDeviceLimit."""

    SIMT_STACK_SIZE = 0
    SIMT_DVG_WARP_STACK_SIZE = 1
    SIMD_STACK_SIZE = 2
    SIMD_PRINTF_FIFO_SIZE_PER_CORE = 3
    SIMT_PRINTF_FIFO_SIZE = 4


class DevFeature(IntEnum):
    """The C constants ACL_DEV_FEATURE_*."""

    NOT_SUPPORT = 0
    SUPPORT = 1


class DevsTopology(IntEnum):
    """The C constants ACL_RT_DEVS_TOPOLOGY_*."""

    HCCS = 1
    PIX = 2
    PIB = 4
    PHB = 8
    SYS = 16
    SIO = 32
    HCCS_SW = 64


class DeviceFormFactor(IntEnum):
    """The C constants ACL_DEVICE_FORM_FACTOR_*."""

    POD = 0
    A_K = 1
    A_X = 2
    PCIE_CARD = 3


class HostDeviceConnectType(IntEnum):
    """The C constants ACL_HOST_DEVICE_CONNECT_TYPE_*."""

    PCIE = 0
    HCCS = 1
    UB = 2
