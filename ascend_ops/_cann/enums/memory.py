"""Memory: allocation, copies, sharing, atomics."""

from __future__ import annotations

from enum import IntEnum


class MemType(IntEnum):
    """The C enum aclMemType."""

    DEVICE = 0
    HOST = 1
    HOST_COMPILE_INDEPENDENT = 2


class HostRegisterType(IntEnum):
    """The C enum aclrtHostRegisterType."""

    MAPPED = 0
    IOMEMORY = 4
    READONLY = 8


class MallocAttrType(IntEnum):
    """The C enum aclrtMallocAttrType."""

    RSV = 0
    MODULE_ID = 1
    DEVICE_ID = 2
    VA_FLAG = 3


class MemLocationType(IntEnum):
    """The C enum aclrtMemLocationType."""

    HOST = 0
    DEVICE = 1
    UNREGISTERED = 2
    HOST_NUMA = 4
    MANAGED = 3


class MemAllocationType(IntEnum):
    """The C enum aclrtMemAllocationType."""

    PINNED = 0


class MemHandleType(IntEnum):
    """The C enum aclrtMemHandleType."""

    NONE = 0
    POSIX = 2


class MemGranularityOptions(IntEnum):
    """The C enum aclrtMemGranularityOptions."""

    MINIMUM = 0
    RECOMMENDED = 1
    UNDEF = 65535


class CmoType(IntEnum):
    """The C enum aclrtCmoType."""

    PREFETCH = 0
    WRITEBACK = 1
    INVALID = 2
    FLUSH = 3


class MemPgType(IntEnum):
    """The C enum aclrtMemPgType."""

    NORMAL_PAGE_TYPE = 0
    HUGE_PAGE_TYPE = 1
    HUGE1G_PAGE_TYPE = 2


class PhysicalMemType(IntEnum):
    """The C enum aclrtMemType."""

    HBM_TYPE = 0
    DDR_TYPE = 1
    P2P_HBM_TYPE = 2
    P2P_DDR_TYPE = 3


class IpcMemAttrType(IntEnum):
    """The C enum aclrtIpcMemAttrType."""

    LINK = 0


class MemSharedHandleType(IntEnum):
    """The C enum aclrtMemSharedHandleType."""

    DEFAULT = 1
    FABRIC = 2


class ReduceKind(IntEnum):
    """The C enum aclrtReduceKind."""

    SUM = 10
    MAX = 11
    MIN = 12
    EQUAL = 13


class MemAccessFlags(IntEnum):
    """The C enum aclrtMemAccessFlags."""

    NONE = 0
    READ = 1
    READWRITE = 3


class HostMemMapCapability(IntEnum):
    """The C enum aclrtHostMemMapCapability."""

    NOT_SUPPORTED = 0
    SUPPORTED = 1


class MemPoolAttr(IntEnum):
    """The C enum aclrtMemPoolAttr."""

    REUSE_FOLLOW_EVENT_DEPENDENCIES = 1
    REUSE_ALLOW_OPPORTUNISTIC = 2
    REUSE_ALLOW_INTERNAL_DEPENDENCIES = 3
    ATTR_RELEASE_THRESHOLD = 4
    ATTR_RESERVED_MEM_CURRENT = 5
    ATTR_RESERVED_MEM_HIGH = 6
    ATTR_USED_MEM_CURRENT = 7
    ATTR_USED_MEM_HIGH = 8


class MemManagedAdviseType(IntEnum):
    """The C enum aclrtMemManagedAdviseType."""

    SET_READ_MOSTLY = 0
    UNSET_READ_MOSTLY = 1
    SET_PREFERRED_LOCATION = 2
    UNSET_PREFERRED_LOCATION = 3
    SET_ACCESSED_BY = 4
    UNSET_ACCESSED_BY = 5


class MemManagedLocationType(IntEnum):
    """The C enum aclrtMemManagedLocationType."""

    INVALID = 0
    DEVICE = 1
    HOST = 2
    HOST_NUMA = 3
    HOST_NUMA_CURRENT = 4


class MemManagedRangeAttribute(IntEnum):
    """The C enum aclrtMemManagedRangeAttribute."""

    READ_MOSTLY = 1
    PREFERRED_LOCATION = 2
    ACCESSED_BY = 3
    PREFERRED_LOCATION_TYPE = 4
    PREFERRED_LOCATION_ID = 5
    LAST_PREFETCH_LOCATION = 6
    LAST_PREFETCH_LOCATION_TYPE = 7
    LAST_PREFETCH_LOCATION_ID = 8


class AtomicOperationCapability(IntEnum):
    """The C enum aclrtAtomicOperationCapability."""

    SIGNED = 1
    UNSIGNED = 2
    REDUCATION = 4
    SCALAR8 = 8
    SCALAR16 = 16
    SCALAR32 = 32
    SCALAR64 = 64
    SCALAR128 = 128
    VECTOR32X4 = 256
    REDUCTION = 4


class AtomicOperation(IntEnum):
    """The C enum aclrtAtomicOperation."""

    INTEGER_ADD = 0
    INTEGER_MIN = 1
    INTEGER_MAX = 2
    INTEGER_INCREMENT = 3
    INTEGER_DECREMENT = 4
    AND = 5
    OR = 6
    XOR = 7
    EXCHANGE = 8
    CAS = 9
    FLOAT_ADD = 10
    FLOAT_MIN = 11
    FLOAT_MAX = 12
    DMA_ADD = 30
    DMA_MIN = 31
    DMA_MAX = 32
    SIMD_SCALAR_ADD = 40
    SIMD_SCALAR_MIN = 41
    SIMD_SCALAR_MAX = 42
    SIMD_SCALAR_CAS = 43
    SIMD_SCALAR_EXCH = 44


class MemLinkType(IntEnum):
    """The C enum aclrtMemLinkType."""

    LINK_SIO = 0
    LINK_HCCS = 1
    UB_ONE_PORT_PATH = 2
    UB_MULTI_PORT_PATH = 3


class HostRegisterFlag(IntEnum):
    """The C constants ACL_HOST_REG_*."""

    MAPPED = 2
    IOMEMORY = 4
    READONLY = 8
    PINNED = 268435456
