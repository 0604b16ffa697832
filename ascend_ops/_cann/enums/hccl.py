"""Collectives and communicators."""

from __future__ import annotations

from enum import IntEnum


class HcclReduceOp(IntEnum):
    """The C enum HcclReduceOp."""

    SUM = 0
    PROD = 1
    MAX = 2
    MIN = 3
    RESERVED = 255


class HcclDataType(IntEnum):
    """The C enum HcclDataType."""

    INT8 = 0
    INT16 = 1
    INT32 = 2
    FP16 = 3
    FP32 = 4
    INT64 = 5
    UINT64 = 6
    UINT8 = 7
    UINT16 = 8
    UINT32 = 9
    FP64 = 10
    BFP16 = 11
    INT128 = 12
    RESERVED = 255
    HIF8 = 14
    FP8E4M3 = 15
    FP8E5M2 = 16
    FP8E8M0 = 17


class HcclConfig(IntEnum):
    """The C enum HcclConfig."""

    DETERMINISTIC = 0
    RESERVED = 1


class HcclCommConfigCapability(IntEnum):
    """The C enum HcclCommConfigCapability."""

    BUFFER_SIZE = 0
    DETERMINISTIC = 1
    COMM_NAME = 2
    OP_EXPANSION_MODE = 3
    SUPPORT_INIT_BY_ENV = 4
    WORLD_RANKID = 5
    JOBID = 6
    ACLGRAPH_ZEROCOPY_ENABLE = 7
    EXEC_TIMEOUT = 8
    ALGO = 9
    RETRY = 10
    BUFFER_NAME = 11


class HcclSendRecvType(IntEnum):
    """The C enum HcclSendRecvType."""

    SEND = 0
    RECV = 1
    RESERVED = 2


class HcclCommStatus(IntEnum):
    """The C enum HcclCommStatus."""

    READY = 0
    SUSPENDING = 1
    INVALID = 254
    RESERVED = 255


class HcclCommStatePhase(IntEnum):
    """The C enum HcclCommStatePhase."""

    INVALID = -1
    DESTROY_PRE = 0
    DESTROY_POST = 1
    RESUME_PRE = 2
    RESUME_POST = 3


class HcclOpExpansionMode(IntEnum):
    """The C enum HcclOpExpansionMode."""

    INVALID = -1
    AI_CPU = 0
    AIV = 1
    HOST = 2
    HOST_TS = 3
    CCU_MS = 4
    CCU_SCHED = 5
    AIV_ONLY = 6


class HcclConfigType(IntEnum):
    """The C enum HcclConfigType."""

    INVALID = -1
    OP_EXPANSION_MODE = 0
