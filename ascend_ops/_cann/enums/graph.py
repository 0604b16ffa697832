"""Captured graphs and conditional tasks."""

from __future__ import annotations

from enum import IntEnum


class GraphCaptureMode(IntEnum):
    """The C enum aclmdlRICaptureMode."""

    GLOBAL = 0
    THREAD_LOCAL = 1
    RELAXED = 2


class GraphCaptureStatus(IntEnum):
    """The C enum aclmdlRICaptureStatus."""

    NONE = 0
    ACTIVE = 1
    INVALIDATED = 2


class Condition(IntEnum):
    """The C enum aclrtCondition."""

    EQUAL = 0
    NOT_EQUAL = 1
    GREATER = 2
    GREATER_OR_EQUAL = 3
    LESS = 4
    LESS_OR_EQUAL = 5


class CompareDataType(IntEnum):
    """The C enum aclrtCompareDataType."""

    INT32 = 0
    INT64 = 1


class GraphTaskType(IntEnum):
    """The C enum aclmdlRITaskType."""

    DEFAULT = 0
    KERNEL = 1
    EVENT_RECORD = 2
    EVENT_WAIT = 3
    EVENT_RESET = 4
    VALUE_WRITE = 5
    VALUE_WAIT = 6


class GraphCondHandleFlag(IntEnum):
    """The C enum aclmdlRICondHandleFlag."""

    DEFAULT = 1


class GraphCondTaskType(IntEnum):
    """The C enum aclmdlRICondTaskType."""

    IF = 0
    WHILE = 1
    SWITCH = 2
