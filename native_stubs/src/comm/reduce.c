/* Data types of HCCL, and the choice of a reduction. */
#include "comm/reduce.h"

#include "core/cpu.h"

size_t stub_hccl_type_bytes(int32_t data_type) {
    static const uint8_t bytes[] = {
        [HCCL_DATA_TYPE_INT8] = 1,    [HCCL_DATA_TYPE_UINT8] = 1,   [HCCL_DATA_TYPE_HIF8] = 1,
        [HCCL_DATA_TYPE_FP8E4M3] = 1, [HCCL_DATA_TYPE_FP8E5M2] = 1, [HCCL_DATA_TYPE_FP8E8M0] = 1,
        [HCCL_DATA_TYPE_INT16] = 2,   [HCCL_DATA_TYPE_UINT16] = 2,  [HCCL_DATA_TYPE_FP16] = 2,
        [HCCL_DATA_TYPE_BFP16] = 2,   [HCCL_DATA_TYPE_INT32] = 4,   [HCCL_DATA_TYPE_UINT32] = 4,
        [HCCL_DATA_TYPE_FP32] = 4,    [HCCL_DATA_TYPE_INT64] = 8,   [HCCL_DATA_TYPE_UINT64] = 8,
        [HCCL_DATA_TYPE_FP64] = 8,
    };
    return data_type >= 0 && (size_t)data_type < sizeof bytes ? bytes[data_type] : 0;
}

stub_reduction stub_find_reduction(int32_t data_type, int32_t reduce_op) {
    stub_reduction found = NULL;
#if defined(__x86_64__)
    if (stub_cpu_level() == STUB_CPU_AVX2) {
        found = stub_reduction_avx2(data_type, reduce_op);
    }
#endif
    return found != NULL ? found : stub_reduction_baseline(data_type, reduce_op);
}
