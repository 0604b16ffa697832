/* The public headers have CANN's memory layout and numbers. It is all decided while compiling, as C11 and as C++11;
 * the expected numbers were measured on CANN's own headers. */
#include <stddef.h>

#include "acl/acl.h"
#include "acl/acl_platform.h"
#include "acl/acl_rt_memory_soma.h"
#include "aclnn/aclnn_base.h"
#include "aclnn/opdev/op_errno.h"
#include "hccl/hccl.h"

#ifdef __cplusplus
#define CHECK(condition) static_assert(condition, #condition)
#else
#define CHECK(condition) _Static_assert(condition, #condition)
#endif
#define SIZE(type, bytes) CHECK(sizeof(type) == (bytes))
#define AT(type, field, bytes) CHECK(offsetof(type, field) == (bytes))
#define IS(name, value) CHECK((long long)(name) == (value))

/* Scalars and handles */
SIZE(aclError, 4);
SIZE(aclnnStatus, 4);
SIZE(HcclResult, 4);
SIZE(aclDataType, 4);
SIZE(aclFormat, 4);
SIZE(aclFloat16, 2);
SIZE(bool, 1);
SIZE(aclrtStream, 8);
SIZE(aclTensor *, 8);
SIZE(HcclComm, 8);
SIZE(size_t, 8);

/* Runtime structs that CANN 8.1 has */
SIZE(aclCANNPackageVersion, 512);
AT(aclCANNPackageVersion, version, 0);
AT(aclCANNPackageVersion, majorVersion, 128);
AT(aclCANNPackageVersion, minorVersion, 192);
AT(aclCANNPackageVersion, releaseVersion, 256);
AT(aclCANNPackageVersion, patchVersion, 320);
AT(aclCANNPackageVersion, reserved, 384);
SIZE(aclrtMemLocation, 8);
AT(aclrtMemLocation, id, 0);
AT(aclrtMemLocation, type, 4);
SIZE(aclrtPtrAttributes, 28);
AT(aclrtPtrAttributes, pageSize, 8);
AT(aclrtPtrAttributes, rsv, 12);
SIZE(aclrtMallocAttribute, 12);
AT(aclrtMallocAttribute, value, 4);
SIZE(aclrtMallocConfig, 16);
AT(aclrtMallocConfig, numAttrs, 8);
SIZE(aclrtPhysicalMemProp, 32);
AT(aclrtPhysicalMemProp, memAttr, 8);
AT(aclrtPhysicalMemProp, location, 12);
AT(aclrtPhysicalMemProp, reserve, 24);
SIZE(aclrtUtilizationInfo, 24);
AT(aclrtUtilizationInfo, utilizationExtend, 16);
SIZE(aclrtMemUceInfo, 128);
AT(aclrtMemUceInfo, len, 8);
SIZE(aclrtLaunchKernelCfg, 16);
SIZE(aclrtLaunchKernelAttr, 20);
AT(aclrtLaunchKernelAttr, value, 4);
SIZE(aclrtBinaryLoadOptions, 16);
SIZE(aclrtBinaryLoadOption, 20);
AT(aclrtBinaryLoadOption, value, 4);

/* Runtime structs of later versions */
SIZE(aclrtUuid, 16);
SIZE(aclrtMemcpyBatchAttr, 32);
AT(aclrtMemcpyBatchAttr, srcLoc, 8);
SIZE(aclrtStreamAttrValue, 16);
SIZE(aclrtIpcEventHandle, 64);
SIZE(aclrtMemUsageInfo, 112);
AT(aclrtMemUsageInfo, curMemSize, 32);
SIZE(aclrtPlaceHolderInfo, 8);
SIZE(aclrtTimeoutUs, 8);
SIZE(aclrtErrorInfo, 2576);
AT(aclrtErrorInfo, detail, 8);
SIZE(aclrtMemPoolProps, 56);
SIZE(aclmdlRIKernelTaskParams, 88);
SIZE(aclmdlRITaskParams, 200);
AT(aclmdlRITaskParams, kernelTaskParams, 72);
SIZE(dim3, 12);

/* HCCL */
SIZE(HcclRootInfo, 4108);
SIZE(HcclConfigValue, 4);
SIZE(HcclSendRecvItem, 32);
AT(HcclSendRecvItem, buf, 8);
AT(HcclSendRecvItem, count, 16);
AT(HcclSendRecvItem, dataType, 24);
AT(HcclSendRecvItem, remoteRank, 28);
SIZE(HcclCommConfig, 2248);
AT(HcclCommConfig, hcclBufferSize, 24);
AT(HcclCommConfig, hcclDeterministic, 28);
AT(HcclCommConfig, hcclCommName, 32);
AT(HcclCommConfig, hcclUdi, 160);
AT(HcclCommConfig, hcclOpExpansionMode, 288);
AT(HcclCommConfig, hcclRdmaTrafficClass, 292);
AT(HcclCommConfig, hcclRdmaServiceLevel, 296);
AT(HcclCommConfig, hcclWorldRankID, 300);
AT(HcclCommConfig, hcclJobID, 304);
AT(HcclCommConfig, aclGraphZeroCopyEnable, 312);
AT(HcclCommConfig, hcclExecTimeOut, 316);
AT(HcclCommConfig, hcclAlgo, 320);
AT(HcclCommConfig, hcclRetryEnable, 1920);
AT(HcclCommConfig, hcclRetryParams, 1970);
AT(HcclCommConfig, hcclBufferName, 2098);
AT(HcclCommConfig, hcclQos, 2228);
AT(HcclCommConfig, hcclSymWinMaxMemSizePerRank, 2232);
AT(HcclCommConfig, hcclChannelSqDepth, 2240);

/* Numbers with gaps, opposite orders or look-alikes */
IS(ACL_DT_UNDEFINED, -1);
IS(ACL_INT16, 6);
IS(ACL_BOOL, 12);
IS(ACL_BF16, 27);
IS(ACL_INT4, 29);
IS(ACL_COMPLEX32, 33);
IS(ACL_HIFLOAT4, 42);
IS(ACL_FORMAT_FRACTAL_NZ, 29);
IS(ACL_FRACTAL_Z_3D, 33);
IS(ACL_FORMAT_FRACTAL_NZ_C0_16, 50);
IS(ACL_FORMAT_FRACTAL_NZ_C0_8, 54);
IS(HCCL_DATA_TYPE_BFP16, 11);
IS(HCCL_DATA_TYPE_HIF8, 14);
IS(HCCL_E_IN_STATUS, 1041);
IS(ACL_DEVICE, 0);
IS(ACL_HOST, 1);
IS(ACL_EVENT_STATUS_COMPLETE, 0);
IS(ACL_EVENT_STATUS_NOT_READY, 1);
IS(ACL_EVENT_RECORDED_STATUS_NOT_READY, 0);
IS(ACL_EVENT_RECORDED_STATUS_COMPLETE, 1);
IS(ACL_EVENT_WAIT_STATUS_COMPLETE, 0);
IS(ACL_EVENT_WAIT_STATUS_RESERVED, 0xFFFF);
IS(ACL_STREAM_STATUS_COMPLETE, 0);
IS(ACL_STREAM_STATUS_NOT_READY, 1);
IS(ACL_STREAM_STATUS_RESERVED, 0xFFFF);
IS(ACL_RT_DEVICE_STATUS_END, 0xFFFF);
IS(ACL_CALLBACK_NO_BLOCK, 0);
IS(ACL_MEMCPY_DEVICE_TO_DEVICE, 3);
IS(ACL_MEMCPY_DEFAULT, 4);
IS(ACL_MEMCPY_INTER_DEVICE_TO_DEVICE, 7);
IS(ACL_MEM_MALLOC_NORMAL_ONLY, 2);
IS(ACL_MEM_MALLOC_HUGE1G_ONLY_P2P, 7);
IS(ACL_MEM_TYPE_LOW_BAND_WIDTH, 0x100);
IS(ACL_MEM_TYPE_HIGH_BAND_WIDTH, 0x1000);
IS(ACL_MEM_ACCESS_USER_SPACE_READONLY, 0x100000);
IS(ACL_HBM_MEM, 1);
IS(ACL_HBM_MEM_P2P_HUGE1G, 11);
IS(ACL_MEM_P2P_HUGE1G, 17);
IS(ACL_MEM_LOCATION_TYPE_UNREGISTERED, 2);
IS(ACL_MEM_LOCATION_TYPE_MANAGED, 3);
IS(ACL_MEM_LOCATION_TYPE_HOST_NUMA, 4);
IS(ACL_HOST_REGISTER_MAPPED, 0);
IS(ACL_HOST_REG_MAPPED, 2);
IS(ACL_STREAM_DEVICE_USE_ONLY, 0x20);
IS(ACL_EVENT_TIME_LINE, 8);
IS(ACL_EVENT_EXTERNAL, 0x20);
IS(ACL_EVENT_IPC, 0x40);
IS(ACL_STOP_ON_FAILURE, 1);
IS(ACL_OPT_STRONG_CONSISTENCY, 2);
IS(ACL_OPT_ENABLE_KERNEL_EARLY_START, 3);
IS(ACL_DEVICE_INFO_UNDEFINED, -1);
IS(ACL_REG_TYPE_ACL_RETR, 7);
IS(ACL_REG_TYPE_OTHER, 0xFFFF);
IS(ACL_MODEL_RI_CAPTURE_MODE_RELAXED, 2);
IS(ACL_MODEL_RI_CAPTURE_STATUS_INVALIDATED, 2);

/* Status codes, one of each family */
IS(ACL_SUCCESS, 0);
IS(ACL_ERROR_REPEAT_INITIALIZE, 100002);
IS(ACL_ERROR_COMPILING_STUB_MODE, 100039);
IS(ACL_ERROR_FEATURE_UNSUPPORTED, 200006);
IS(ACL_ERROR_RT_CONTEXT_NULL, 107002);
IS(ACL_ERROR_RT_STREAM_SYNC_TIMEOUT, 507046);
IS(ACL_ERROR_GE_PARAM_INVALID, 145000);
IS(ACLNN_ERR_PARAM_NULLPTR, 161001);
IS(ACLNN_ERR_INNER_FIND_KERNEL_ERROR, 561003);

int main(void) {
    return 0;
}
