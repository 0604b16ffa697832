/* HcclGetErrorString. */
#include <stddef.h>

#include "core/release.h"
#include "hccl/hccl.h"

const char *HcclGetErrorString(HcclResult code) {
    static const char *const texts[] = {
        [HCCL_SUCCESS] = "no error",
        [HCCL_E_PARA] = "parameter error",
        [HCCL_E_PTR] = "empty pointer",
        [HCCL_E_MEMORY] = "memory error",
        [HCCL_E_INTERNAL] = "internal error",
        [HCCL_E_NOT_SUPPORT] = "not support feature",
        [HCCL_E_NOT_FOUND] = "not found specific resource",
        [HCCL_E_UNAVAIL] = "resource unavailable",
        [HCCL_E_SYSCALL] = "call system interface error",
        [HCCL_E_TIMEOUT] = "timeout",
        [HCCL_E_OPEN_FILE_FAILURE] = "open file fail",
        [HCCL_E_TCP_CONNECT] = "tcp connect fail",
        [HCCL_E_ROCE_CONNECT] = "roce connect fail",
        [HCCL_E_TCP_TRANSFER] = "tcp transfer fail",
        [HCCL_E_ROCE_TRANSFER] = "roce transfer fail",
        [HCCL_E_RUNTIME] = "call runtime api fail",
        [HCCL_E_DRV] = "call driver api fail",
        [HCCL_E_PROFILING] = "call profiling api fail",
        [HCCL_E_CCE] = "call cce api fail",
        [HCCL_E_NETWORK] = "call network api fail",
        [HCCL_E_AGAIN] = "try again",
        [HCCL_E_REMOTE] = "error cqe",
        [HCCL_E_SUSPENDING] = "error communicator suspending",
        [HCCL_E_OPRETRY_FAIL] = "retry constraint",
        [HCCL_E_OOM] = "out of memory",
    };
    const size_t count = stub_release() >= 805 ? sizeof texts / sizeof texts[0] : HCCL_E_SUSPENDING + 1;
    return (int)code >= 0 && (size_t)code < count ? texts[code] : "unknown error";
}
