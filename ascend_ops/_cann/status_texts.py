"""Status codes in words: what happened, and what to do next. Codes without an entry get the text of their
group."""

from __future__ import annotations

from typing import Final

_NULL = "An argument that must not be NULL is NULL."
_SEE_TEXT = "The text from CANN says which argument and what is allowed."
_LOGS = "CANN's log in ~/ascend/log (ASCEND_PROCESS_LOG_PATH) says more."
_RESET = "The device context is unusable from now on: end the process, or reset the device and start over."
_OWN_THREAD = "Every thread starts without one: set the device in this thread first (aclrtSetDevice)."
_LESS_MEMORY = "Free tensors, use smaller batches, or pick a device with more free memory."
_OPP = (
    "Install the operator package (opp kernels) of the same release for this product, and source set_env.sh."
)
_WAITED = "Work on the device takes too long, or hangs: wait longer, or look for the slow operator."
_HANDLE = "Check that it was created by this process and not destroyed before."
_PEERS = "Look at the other ranks' errors first: one that failed or never started leaves the rest waiting."

# What a code means when nothing more is known about it than its number.
GROUPS: Final[dict[str, tuple[str, str]]] = {
    "1xxxxx": ("The call or one of its arguments is wrong.", _SEE_TEXT),
    "2xxxxx": ("A resource is missing or a feature is not supported.", _SEE_TEXT),
    "3xxxxx": ("A lower layer failed.", _LOGS),
    "5xxxxx": ("An internal error in CANN or on the device.", _LOGS),
    "HCCL": ("A collective communication call failed.", _LOGS),
    "other": ("No meaning is known for this status; it may be newer than this package.", _LOGS),
}

TEXTS: Final[dict[int, tuple[str, str]]] = {
    # ACL
    0: ("Success.", ""),
    100000: ("An argument is invalid: NULL, zero where a size is needed, or outside its range.", _SEE_TEXT),
    100001: ("ACL has not been initialised in this process.", "Call aclInit before any other function."),
    100002: ("ACL has been initialised already.", "Nothing to do: the process can go on."),
    100003: (
        "A file is missing or cannot be read.",
        "Check the path, and that ASCEND_HOME_PATH names a CANN.",
    ),
    100024: ("The operator is not known to this CANN.", _OPP),
    100026: ("The data type is not supported here.", "Convert to a type that the text from CANN lists."),
    100036: ("No callback arrived in time.", "Normal for a loop that polls: call again."),
    100037: ("ACL has been finalised already.", "Nothing to do; do not use ACL after this in the process."),
    100039: (
        "This function is not there: a link stub of CANN answered, or the stand-in, which does not have it.",
        "On an NPU machine the driver is missing or LD_LIBRARY_PATH reaches a devlib directory: install the "
        "driver and source set_env.sh. On the stand-in the text names what is missing.",
    ),
    148049: ("ASCEND_OPP_PATH does not name an operator directory.", "Source set_env.sh."),
    200000: ("Memory could not be allocated.", _LESS_MEMORY),
    200001: ("This function is not supported on this product or in this mode.", ""),
    200002: ("No such device, or it is out of order.", "Check `npu-smi info` and ASCEND_RT_VISIBLE_DEVICES."),
    200006: ("This feature is not supported on this product or by this version.", _SEE_TEXT),
    300000: ("A file operation failed.", "Check free space and access rights."),
    500000: (
        "An internal error.",
        "From aclInit it usually means that no NPU driver answers: check `npu-smi info`, and in a container "
        "that the devices and the driver directory are passed in. " + _LOGS,
    ),
    500003: ("The runtime below ACL failed.", _LOGS),
    # Runtime
    107000: (
        "An argument is outside what the runtime accepts, often a size, count, timeout or flag.",
        _SEE_TEXT,
    ),
    107001: (
        "No device has this number.",
        "Numbers start at 0 and count what ASCEND_RT_VISIBLE_DEVICES leaves visible.",
    ),
    107002: ("The calling thread has no device context.", _OWN_THREAD),
    107003: (
        "The stream belongs to another context than the thread's current one.",
        "Use the stream on its own device, or make that device current first.",
    ),
    107004: (
        "The model and the context do not belong together.",
        "Use the model in the context that loaded it.",
    ),
    107005: ("The model and the stream do not belong together.", "Use a stream of the model's device."),
    107006: (
        "An event has no time stamp.",
        "Create both events with timing (ACL_EVENT_TIME_LINE), record them, and wait for them first.",
    ),
    107008: (
        "An address is not aligned as needed.",
        "Use addresses from aclrtMalloc, at multiples of 32 bytes.",
    ),
    107012: ("No stream has subscribed this thread for callbacks.", "Call aclrtSubscribeReport first."),
    107015: (
        "The stream has no thread for callbacks.",
        "Call aclrtSubscribeReport for it, or use aclrtLaunchHostFunc.",
    ),
    107016: ("This kind of memory does not exist on the device.", "Ask for HBM or DDR as the product has."),
    107017: ("A handle is not valid: destroyed, or of another kind.", _HANDLE),
    107019: ("Waiting took longer than the time given.", _WAITED),
    107020: ("A task took longer than the time given.", _WAITED),
    107021: ("The option was never set.", "Set it with aclrtSetSysParamOpt before asking for it."),
    107022: (
        "Tasks of the device were aborted.",
        "Another part of the program asked for it; reset the device and go on.",
    ),
    107027: ("The stream is being captured into a graph.", "End the capture, or use another stream."),
    107030: ("This call cannot be part of a captured graph.", "Move it before or after the capture."),
    207000: ("The runtime does not support this feature on this product or for these arguments.", _SEE_TEXT),
    207001: ("Device memory is exhausted.", _LESS_MEMORY),
    207002: ("Device memory could not be freed.", _HANDLE),
    207003: ("A number overflowed in an AI core.", "Look at the values that go into the operator."),
    207004: (
        "No device is available.",
        "Check `npu-smi info`, the driver, and that ASCEND_RT_VISIBLE_DEVICES is an ascending list without "
        "repeats.",
    ),
    207005: (
        "A device resource could not be had.",
        "Close streams and events, or other processes on this device.",
    ),
    207006: (
        "Permission denied.",
        "Join the group that owns /dev/davinci* (HwHiAiUser), or pass the devices in.",
    ),
    207007: ("The device has no event left.", "Close events that are no longer needed."),
    207008: ("The device has no stream left.", "Close streams that are no longer needed."),
    207018: ("The device ran out of memory while executing.", _LESS_MEMORY),
    507000: ("An internal error of the runtime.", _LOGS),
    507007: (
        "The device was not set, or is set no more.",
        "Match every aclrtResetDevice with one earlier aclrtSetDevice.",
    ),
    507008: (
        "The product could not be recognised.",
        "Check that driver and CANN fit together and to this product.",
    ),
    507010: (
        "The device stopped answering. This process cannot use it any more, only its other devices.",
        "End the process, check `npu-smi info`, have the device reset if it needs that, and start again.",
    ),
    507011: ("The execution of a model failed.", _LOGS),
    507012: ("No report arrived in time.", "Normal for a loop that polls: call again."),
    507014: ("A kernel ran too long on an AI core.", _WAITED + " " + _RESET),
    507015: (
        "A kernel failed on an AI core, typically by an access outside a tensor's memory.",
        "Check shapes, strides, offsets and storage sizes of the operators queued before. " + _RESET,
    ),
    507016: ("A kernel stopped itself on an AI core.", "Its inputs break a condition it checks. " + _RESET),
    507017: ("A kernel ran too long on an AI CPU.", _WAITED),
    507018: (
        "A kernel failed on an AI CPU.",
        "Check the values of index and shape inputs of the operators queued before. " + _RESET,
    ),
    507034: ("A kernel ran too long on a vector core.", _WAITED + " " + _RESET),
    507035: (
        "A kernel failed on a vector core, typically by an access outside a tensor's memory.",
        "Check shapes, strides, offsets and storage sizes of the operators queued before. " + _RESET,
    ),
    507046: ("Synchronizing the stream took longer than the time given.", _WAITED),
    507047: ("Synchronizing the event took longer than the time given.", _WAITED),
    507048: ("A task of several steps (FFTS+) ran too long. Collectives are such tasks.", _PEERS),
    507049: ("A task of several steps (FFTS+) failed. Collectives are such tasks.", _PEERS),
    507053: ("Device memory is faulty or an address outside it was used.", _RESET),
    507054: (
        "HBM reported an uncorrectable error.",
        "The hardware needs attention: reset or replace the device.",
    ),
    507899: (
        "The driver reported an internal error.",
        "Check `npu-smi info`, dmesg, and that the driver fits this CANN.",
    ),
    507900: ("The AI CPU reported an internal error.", _LOGS),
    # aclnn
    161001: (_NULL, "Give every required tensor, and a workspace when its size is not 0."),
    161002: (
        "The operator does not accept this combination of shapes, data types, formats or attributes.",
        _SEE_TEXT,
    ),
    361001: (
        "A call of the operator library into the runtime failed.",
        "Is the device set in this thread? On the stand-in a kernel in Python may have raised; its traceback "
        "is in the text. " + _LOGS,
    ),
    561000: (
        "An internal error of the operator library.",
        "From aclSetAclOpExecutorRepeatable: this operator cannot be made repeatable.",
    ),
    561001: ("The output shape could not be derived.", "Check the input shapes against each other. " + _LOGS),
    561002: (
        "No way was found to split the work over the cores.",
        "Shapes this large or odd may not be supported. " + _LOGS,
    ),
    561003: ("No kernel fits this data type, format and product.", "Use a supported data type, or: " + _OPP),
    561101: ("The executor could not be made.", _LOGS),
    561102: (
        "The executor was not handed back by phase one.",
        "Call GetWorkspaceSize first, its operator next.",
    ),
    561103: (
        "An inner step of the operator came back with nothing, often because it refused the shapes.",
        "Compare the tensors' shapes with the operator's document; in aclSet... calls, check that executor "
        "and tensors belong together.",
    ),
    561107: ("The operator directory was not found.", "Source set_env.sh (ASCEND_OPP_PATH)."),
    561112: ("The kernel package is not installed.", _OPP),
    # HCCL
    1: ("A parameter is invalid.", "Check rank, size, counts and the communicator."),
    2: (_NULL, "HCCL needs a real stream; it does not take the default stream (NULL)."),
    3: ("Memory could not be allocated.", _LESS_MEMORY),
    4: ("An internal error of HCCL.", _LOGS),
    5: ("HCCL does not support this data type, operation or feature on this product.", ""),
    6: ("Something that was looked up is not there.", "Check the communicator's name and the rank numbers."),
    7: ("A resource is not available.", _LOGS),
    8: ("A system call failed.", "Check limits on open files and on locked memory. " + _LOGS),
    9: ("Other ranks did not answer in time.", _PEERS),
    10: ("A file could not be opened.", "Check the cluster description file and access rights."),
    11: (
        "A TCP connection to another rank failed.",
        "Check addresses, firewalls, HCCL_IF_IP, HCCL_SOCKET_IFNAME.",
    ),
    12: ("An RDMA connection to another rank failed.", "Check the NPU network cards (hccn_tool)."),
    13: ("A TCP transfer to another rank failed.", _PEERS),
    14: ("An RDMA transfer to another rank failed.", _PEERS),
    15: ("A runtime call inside HCCL failed.", "Is the device set in this thread? " + _LOGS),
    16: ("A driver call inside HCCL failed.", _LOGS),
    19: ("The network failed.", "Check the NPU network cards and cables."),
    20: ("The communicator is still in use.", "Synchronize its streams, then try again."),
    21: ("Another rank reported an error.", _PEERS),
    22: ("The communicator is suspended.", "Resume it (HcclCommResume)."),
    24: ("Device memory is exhausted.", _LESS_MEMORY),
}
