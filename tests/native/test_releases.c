/* What is different between the releases that ASCEND_STUB_CANN names. A process plays one release, so each has a child;
 * what a child expects is written as releases from which, or up to which, something holds. */
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "abs_call.h"
#include "aclnnop/aclnn_nsa_compress.h"
#include "ascend_stub/version.h"
#include "hccl/hccl.h"

enum { LATER = ACL_ERROR_COMPILING_STUB_MODE };

static int release; /* 801 and so on, what this process plays */

static int since(int first, int then, int before) {
    return release >= first ? then : before;
}

static void functions_are_missing_until_they_come(void) {
    uint64_t left = 0;
    CHECK(stub_function_exists("aclrtMalloc") && stub_function_exists("no function of CANN's"));
    CHECK(stub_function_exists("aclFinalizeReference") == (release >= 805));
    CHECK(stub_function_exists("HcclGroupStart") == (release >= 900));
    CHECK(stub_function_exists("aclrtMemsetD32") == (release >= 901));
    CHECK(stub_function_exists("aclrtRecordEventWithFlag") == (release >= 902));
    CHECK(stub_library_exists("libhccl.so") && stub_library_exists("libhcomm.so") == (release >= 805));
    CHECK_STATUS(since(805, ACL_SUCCESS, LATER), aclFinalizeReference(&left));
    if (release < 805) {
        CHECK(strstr(aclGetRecentErrMsg(), "aclFinalizeReference came with CANN 8.5") != NULL);
        CHECK_STATUS(HCCL_E_NOT_SUPPORT, HcclCommWorkingDevNicSet(NULL, NULL, NULL, 0));
    } else {
        CHECK_STATUS(ACL_SUCCESS, aclInit(NULL));
    }
}

static void operators_are_missing_until_they_come(void) {
    CHECK(stub_function_exists("aclnnAbs"));
    CHECK(stub_function_exists("aclnnNsaCompress") == (release >= 805));
    CHECK(stub_function_exists("aclnnNsaCompressGetWorkspaceSize") == (release >= 805));
    CHECK_STATUS(since(805, 161001, LATER),
                 aclnnNsaCompressGetWorkspaceSize(NULL, NULL, NULL, NULL, 0, 0, 0, NULL, NULL, NULL));
    CHECK_STATUS(since(805, 161001, LATER), aclnnNsaCompress(NULL, 0, NULL, NULL));
}

/* The operators of a custom library have nothing to do with the release, whatever their names are. */
static void operators_from_outside_always_exist(void) {
    static const stub_operator outside = {"aclnnNsaCompress", NULL, 0, &nothing};
    uint64_t size = 0;
    aclOpExecutor *executor = NULL;
    CHECK_STATUS(0, stub_phase_one(&outside, NULL, &size, &executor));
    CHECK_STATUS(0, stub_phase_two(&outside, NULL, 0, executor, NULL));
}

static void versions_are_those_of_the_release(void) {
    static const char *const texts[] = {"8.1.RC1", "8.5.0", "9.0.0", "9.1.0"};
    const int index = release == 801 ? 0 : release == 805 ? 1 : release == 900 ? 2 : 3;
    int32_t major = 0, minor = 0, patch = -1, number = 0;
    char text[128] = "", package[] = "runtime";
    aclCANNPackageVersion version;
    CHECK_STATUS(ACL_SUCCESS, aclrtGetVersion(&major, &minor, &patch));
    CHECK(major == 1 && patch == 0 && minor == (release == 801 ? 13 : release == 805 ? 16 : 17));
    CHECK_STATUS(ACL_SUCCESS, aclsysGetCANNVersion(ACL_PKG_NAME_CANN, &version));
    CHECK(strcmp(version.version, texts[index]) == 0);
    CHECK(version.majorVersion[0] == texts[index][0] && version.minorVersion[0] == texts[index][2]);
    CHECK(strcmp(version.releaseVersion, texts[index] + 4) == 0);
    CHECK_STATUS(since(805, ACL_SUCCESS, LATER), aclsysGetVersionStr(package, text));
    CHECK_STATUS(since(805, ACL_SUCCESS, LATER), aclsysGetVersionNum(package, &number));
    CHECK(release < 805 || (strcmp(text, texts[index]) == 0 && number % 1000 == 0));
    CHECK(release < 805 || number / 100000 == (texts[index][0] - '0') * 100 + texts[index][2] - '0');
}

static void copies_of_nothing_succeed_from_9_1_on(void) {
    const int expected = since(901, ACL_SUCCESS, ACL_ERROR_RT_PARAM_INVALID);
    char host[8];
    void *device = NULL;
    CHECK_STATUS(ACL_SUCCESS, aclrtMalloc(&device, 8, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_STATUS(expected, aclrtMemcpy(device, 8, host, 0, ACL_MEMCPY_HOST_TO_DEVICE));
    CHECK_STATUS(expected, aclrtMemcpyAsync(device, 8, host, 0, ACL_MEMCPY_HOST_TO_DEVICE, NULL));
    CHECK_STATUS(expected, aclrtMemset(device, 8, 0, 0));
    CHECK_STATUS(expected, aclrtMemsetAsync(device, 8, 0, 0, NULL));
    /* then the pointers are looked at first */
    CHECK_STATUS(since(901, ACL_SUCCESS, ACL_ERROR_INVALID_PARAM),
                 aclrtMemcpy(NULL, 8, host, 0, ACL_MEMCPY_HOST_TO_DEVICE));
    CHECK_STATUS(since(901, ACL_SUCCESS, ACL_ERROR_INVALID_PARAM), aclrtMemset(NULL, 8, 0, 0));
    CHECK_STATUS(ACL_SUCCESS, aclrtFree(device));
}

/* Before 9.1 whatever is asked of a destroyed stream happens on the default stream. */
static void destroyed_streams_are_recognised_from_9_1_on(void) {
    const int expected = since(901, ACL_ERROR_RT_INVALID_HANDLE, ACL_SUCCESS);
    aclrtStream stream = NULL;
    void *device = NULL;
    unsigned char byte = 0;
    CHECK_STATUS(ACL_SUCCESS, aclrtMalloc(&device, 8, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_STATUS(ACL_SUCCESS, aclrtMemset(device, 8, 1, 8));
    CHECK_STATUS(ACL_SUCCESS, aclrtCreateStream(&stream));
    CHECK_STATUS(ACL_SUCCESS, aclrtDestroyStream(stream));
    CHECK_STATUS(expected, aclrtMemsetAsync(device, 8, 7, 8, stream));
    CHECK_STATUS(expected, aclrtSynchronizeStream(stream));
    CHECK_STATUS(expected, aclrtDestroyStream(stream));
    CHECK_STATUS(expected, aclrtDestroyStreamForce(stream));
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpy(&byte, 1, device, 1, ACL_MEMCPY_DEVICE_TO_HOST));
    CHECK(byte == (release >= 901 ? 1 : 7));
    CHECK_STATUS(ACL_SUCCESS, aclrtFree(device));
    CHECK_STATUS(ACL_ERROR_RT_INVALID_HANDLE, aclrtSynchronizeStream(&byte)); /* never was a stream */
}

static void destroyed_events_are_recognised_from_9_1_on(void) {
    const int expected = since(901, ACL_ERROR_RT_INVALID_HANDLE, ACL_SUCCESS);
    aclrtEvent event = NULL, start = NULL;
    aclrtEventRecordedStatus status = ACL_EVENT_RECORDED_STATUS_NOT_READY;
    float ms = -1.0f;
    CHECK_STATUS(ACL_SUCCESS, aclrtCreateEvent(&start));
    CHECK_STATUS(ACL_SUCCESS, aclrtRecordEvent(start, NULL));
    CHECK_STATUS(ACL_SUCCESS, aclrtSynchronizeStream(NULL));
    CHECK_STATUS(ACL_SUCCESS, aclrtCreateEvent(&event));
    CHECK_STATUS(ACL_SUCCESS, aclrtDestroyEvent(event));
    CHECK_STATUS(expected, aclrtRecordEvent(event, NULL));
    CHECK_STATUS(expected, aclrtStreamWaitEvent(NULL, event));
    CHECK_STATUS(expected, aclrtSynchronizeEvent(event));
    CHECK_STATUS(expected, aclrtQueryEventStatus(event, &status));
    CHECK_STATUS(expected, aclrtEventElapsedTime(&ms, start, event));
    CHECK_STATUS(expected, aclrtDestroyEvent(event));
    CHECK_STATUS(expected, aclrtDestroyEvent(event));
    CHECK(release >= 901 || status == ACL_EVENT_RECORDED_STATUS_COMPLETE);
    CHECK_STATUS(ACL_SUCCESS, aclrtDestroyEvent(start));
    CHECK_STATUS(ACL_ERROR_RT_INVALID_HANDLE, aclrtSynchronizeEvent(&ms)); /* never was an event */
}

static void destroyed_contexts_are_recognised_from_9_1_on(void) {
    aclrtContext mine = NULL, context = NULL;
    int32_t device = -1;
    CHECK_STATUS(ACL_SUCCESS, aclrtGetCurrentContext(&mine));
    CHECK_STATUS(ACL_SUCCESS, aclrtCreateContext(&context, 0));
    CHECK_STATUS(ACL_SUCCESS, aclrtDestroyContext(context));
    CHECK_STATUS(since(901, ACL_ERROR_RT_PARAM_INVALID, ACL_SUCCESS), aclrtSetCurrentContext(context));
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtGetDevice(&device));
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtDestroyContext(context));
    CHECK_STATUS(ACL_SUCCESS, aclrtSetCurrentContext(mine));
}

static void flags_and_numbers_come_with_their_release(void) {
    aclrtEvent event = NULL;
    aclrtStream stream = NULL;
    size_t free_bytes = 0, total = 0;
    int64_t value = -1;
    CHECK_STATUS(since(805, ACL_SUCCESS, ACL_ERROR_RT_PARAM_INVALID),
                 aclrtCreateEventWithFlag(&event, ACL_EVENT_DEVICE_USE_ONLY));
    CHECK_STATUS(since(805, ACL_SUCCESS, ACL_ERROR_RT_PARAM_INVALID),
                 aclrtCreateEventExWithFlag(&event, ACL_EVENT_IPC));
    CHECK_STATUS(ACL_SUCCESS, aclrtCreateEventWithFlag(&event, ACL_EVENT_EXTERNAL));
    /* a flag that is not known is ignored */
    CHECK_STATUS(since(805, ACL_ERROR_RT_FEATURE_NOT_SUPPORT, ACL_SUCCESS),
                 aclrtCreateStreamWithConfig(&stream, 0, ACL_STREAM_PERSISTENT));
    CHECK_STATUS(ACL_SUCCESS, aclrtGetMemInfo(ACL_HBM_MEM_P2P_HUGE1G, &free_bytes, &total));
    CHECK_STATUS(since(805, ACL_SUCCESS, ACL_ERROR_RT_INVALID_MEMORY_TYPE),
                 aclrtGetMemInfo(ACL_MEM_NORMAL, &free_bytes, &total));
    CHECK_STATUS(ACL_SUCCESS, aclrtSetSysParamOpt(ACL_OPT_ENABLE_DEBUG_KERNEL, 0));
    CHECK_STATUS(since(805, ACL_SUCCESS, ACL_ERROR_INVALID_PARAM), aclrtSetSysParamOpt((aclSysParamOpt)2, 1));
    const int early_start = release == 900 ? ACL_SUCCESS : ACL_ERROR_INVALID_PARAM;
    CHECK_STATUS(early_start, aclrtSetSysParamOpt((aclSysParamOpt)3, 1));
    CHECK_STATUS(early_start, aclrtGetSysParamOpt((aclSysParamOpt)3, &value));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtCtxSetSysParamOpt((aclSysParamOpt)3, 1));
    CHECK(aclDataTypeSize((aclDataType)42) == (release == 900 ? 1u : 8u));
}

static void unregistered_memory_has_a_type_of_its_own_since_8_5(void) {
    aclrtPtrAttributes attributes;
    CHECK_STATUS(ACL_SUCCESS, aclrtPointerGetAttributes(&attributes, &attributes));
    CHECK((int)attributes.location.type == since(805, 2, ACL_MEM_LOCATION_TYPE_HOST));
}

/* A stream that does not get anywhere before the event is recorded. Since 8.5 a pageable copy would wait for that. */
static aclrtStream held_stream(aclrtEvent *gate) {
    aclrtStream stream = NULL;
    CHECK_STATUS(ACL_SUCCESS, aclrtCreateStream(&stream));
    CHECK_STATUS(ACL_SUCCESS, aclrtCreateEventWithFlag(gate, ACL_EVENT_SYNC));
    if (release < 805) {
        CHECK_STATUS(ACL_SUCCESS, aclrtStreamWaitEvent(stream, *gate));
    }
    return stream;
}

/* Since 8.5 the call returns when the bytes have been copied; 8.1 reads them when the stream gets there. */
static void pageable_memory_is_copied_at_once_since_8_5(void) {
    static unsigned char source[64], result[64];
    aclrtEvent gate = NULL;
    aclrtStream stream = held_stream(&gate);
    void *device = NULL;
    CHECK_STATUS(ACL_SUCCESS, aclrtMalloc(&device, 64, ACL_MEM_MALLOC_HUGE_FIRST));
    memset(source, 1, 64);
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpyAsync(device, 64, source, 64, ACL_MEMCPY_HOST_TO_DEVICE, stream));
    memset(source, 2, 64);
    CHECK_STATUS(ACL_SUCCESS, aclrtRecordEvent(gate, NULL));
    CHECK_STATUS(ACL_SUCCESS, aclrtSynchronizeStream(stream));
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpyAsync(result, 64, device, 64, ACL_MEMCPY_DEVICE_TO_HOST, stream));
    CHECK_STATUS(ACL_SUCCESS, aclrtSynchronizeStream(stream));
    CHECK(result[0] == since(805, 1, 2) && result[63] == result[0]);
}

/* In 8.1 the memory may be gone: an error of the stream, no crash. */
static void pageable_memory_may_go_too_early_in_8_1(void) {
    const size_t size = 1 << 16;
    aclrtEvent gate = NULL;
    aclrtStream stream = held_stream(&gate);
    void *device = NULL;
    char *source = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(source != MAP_FAILED);
    CHECK_STATUS(ACL_SUCCESS, aclrtMalloc(&device, size, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpyAsync(device, size, source, size, ACL_MEMCPY_HOST_TO_DEVICE, stream));
    CHECK(mprotect(source, size, PROT_NONE) == 0); /* as munmap, but nobody else gets the place */
    CHECK_STATUS(ACL_SUCCESS, aclrtRecordEvent(gate, NULL));
    CHECK_STATUS(since(805, ACL_SUCCESS, ACL_ERROR_RT_DRV_INTERNAL_ERROR), aclrtSynchronizeStream(stream));
    munmap(source, size);
}

static void data_types_come_with_their_release(void) {
    CHECK_STATUS(0, plan_abs(ACL_FLOAT, ACL_FLOAT));
    CHECK_STATUS(since(805, 0, 161002), plan_abs(ACL_FLOAT8_E5M2, ACL_FLOAT8_E5M2));
    CHECK_STATUS(since(900, 0, 161002), plan_abs((aclDataType)42, (aclDataType)42));
    if (release < 805) {
        CHECK_STATUS(161002, plan_abs(ACL_HIFLOAT8, ACL_HIFLOAT8));
        CHECK(strstr(aclGetRecentErrMsg(), "Ascend 950 has it, since CANN 8.5") != NULL);
    }
}

static HcclResult create_with(const HcclCommConfig *config) {
    HcclRootInfo root;
    HcclComm comm = NULL;
    CHECK_STATUS(HCCL_SUCCESS, HcclGetRootInfo(&root));
    const HcclResult status = HcclCommInitRootInfoConfig(1, &root, 0, config, &comm);
    if (status == HCCL_SUCCESS) {
        CHECK_STATUS(HCCL_SUCCESS, HcclCommDestroy(comm));
    }
    return status;
}

/* A release reads the fields that it knows. */
static void communicator_configurations_are_read_as_far_as_known(void) {
    HcclCommConfig config;
    HcclCommConfigInit(&config);
    config.aclGraphZeroCopyEnable = 9; /* since 8.5 */
    CHECK_STATUS(since(805, HCCL_E_PARA, HCCL_SUCCESS), create_with(&config));
    HcclCommConfigInit(&config);
    const uint64_t first_size = 300;
    memcpy(&config, &first_size, sizeof first_size); /* what 8.1 wrote, but for the version: too short since 8.5 */
    CHECK_STATUS(since(805, HCCL_E_PARA, HCCL_SUCCESS), create_with(&config));
    HcclCommConfigInit(&config);
    config.hcclDeterministic = 2; /* strict, on the A2 only */
    CHECK_STATUS(HCCL_E_PARA, create_with(&config));
    CHECK(HcclGetCommConfigCapability() == (uint32_t)since(805, 8, 5));
}

static void hccl_knows_what_its_release_knows(void) {
    const HcclConfigValue strict = {2};
    int32_t device = 0;
    HcclComm comm = NULL;
    void *buffer = NULL;
    aclrtStream stream = NULL;
    CHECK(strcmp(HcclGetErrorString(HCCL_E_SUSPENDING), "unknown error") != 0);
    CHECK((strcmp(HcclGetErrorString(HCCL_E_OOM), "unknown error") == 0) == (release < 805));
    CHECK_STATUS(since(805, HCCL_E_NOT_SUPPORT, HCCL_E_PARA), HcclSetConfig(HCCL_DETERMINISTIC, strict));
    CHECK_STATUS(HCCL_SUCCESS, HcclCommInitAll(1, &device, &comm));
    CHECK_STATUS(ACL_SUCCESS, aclrtMalloc(&buffer, 64, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_STATUS(ACL_SUCCESS, aclrtCreateStream(&stream));
    CHECK_STATUS(since(900, HCCL_SUCCESS, HCCL_E_NOT_SUPPORT),
                 HcclBroadcast(buffer, 64, HCCL_DATA_TYPE_FP8E4M3, 0, comm, stream));
    CHECK_STATUS(HCCL_SUCCESS, HcclBroadcast(buffer, 64, HCCL_DATA_TYPE_INT8, 0, comm, stream));
    CHECK_STATUS(ACL_SUCCESS, aclrtSynchronizeStream(stream));
    CHECK_STATUS(HCCL_SUCCESS, HcclCommDestroy(comm));
}

static void check_release(void) {
    CHECK_STATUS(ACL_SUCCESS, aclInit(NULL));
    CHECK_STATUS(ACL_SUCCESS, aclrtSetDevice(0));
    CHECK_STATUS(0, stub_register_kernel("aclnnAbs", &nothing, NULL, NULL));
    functions_are_missing_until_they_come();
    operators_are_missing_until_they_come();
    operators_from_outside_always_exist();
    versions_are_those_of_the_release();
    copies_of_nothing_succeed_from_9_1_on();
    destroyed_streams_are_recognised_from_9_1_on();
    destroyed_events_are_recognised_from_9_1_on();
    destroyed_contexts_are_recognised_from_9_1_on();
    flags_and_numbers_come_with_their_release();
    unregistered_memory_has_a_type_of_its_own_since_8_5();
    pageable_memory_is_copied_at_once_since_8_5();
    data_types_come_with_their_release();
    communicator_configurations_are_read_as_far_as_known();
    hccl_knows_what_its_release_knows();
    pageable_memory_may_go_too_early_in_8_1();
}

static void play(const char *text, int number) {
    int status = 0;
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        check_failures = 0;                        /* its own */
        setenv("ASCEND_STUB_SOC", "Ascend950", 1); /* which has all data types */
        setenv("ASCEND_STUB_HBM", "64M", 1);
        setenv("ASCEND_STUB_CANN", text, 1);
        release = number;
        check_release();
        exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "ASCEND_STUB_CANN=%s: status 0x%x\n", text, status);
        check_failed();
    }
}

int main(void) {
    play("8.1", 801);
    play("8.5.0", 805);
    play("9.0", 900);
    play("9.1.0-beta.1", 901);
    play("9.2", 902);
    play("", 902);
    play("8", 902); /* reported and ignored */
    return 0;
}
