"""What the hardware is made of."""

from __future__ import annotations

from enum import IntEnum


class PlatformDevInfo(IntEnum):
    """The C enum aclplatformDevInfo."""

    AICORE_CNT = 0
    AICORE_UB_SIZE = 1
    CUBE_CORE_CNT = 2
    VECTOR_CORE_CNT = 3
    L2_SIZE = 4
    MEMORY_SIZE = 5
    CUBE_FREQ = 6
    VEC_FREQ = 7
    BT_SIZE = 8
    L0_A_SIZE = 9
    L0_B_SIZE = 10
    L0_C_SIZE = 11
    L1_SIZE = 12
    SOC_VERSION = 13
    AIC_VERSION = 14
    NPU_ARCH = 15
    MEMORY_TYPE = 16


class PlatformCoreType(IntEnum):
    """The C enum aclplatformCoreType."""

    AI_CORE = 0
    VECTOR_CORE = 1


class PlatformNpuArch(IntEnum):
    """The C enum aclplatformNpuArch."""

    DAV_1001 = 1001
    DAV_2002 = 2002
    DAV_2102 = 2102
    DAV_2201 = 2201
    DAV_3002 = 3002
    DAV_3003 = 3003
    DAV_3004 = 3004
    DAV_3102 = 3102
    DAV_3113 = 3113
    DAV_3505 = 3505
    DAV_3510 = 3510
    DAV_5102 = 5102
    DAV_RESV = 65535
    DAV_5162 = 5162


class PlatformLocalMemType(IntEnum):
    """The C enum aclplatformLocalMemType."""

    L0_A = 0
    L0_B = 1
    L0_C = 2
    L1 = 3
    L2 = 4
    UB = 5
    HBM = 6
