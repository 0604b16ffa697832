/* HCCL's answers to wrong arguments, in the order in which CANN looks at them. Every failure names function and
 * argument. */
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "acl/acl.h"
#include "check.h"
#include "hccl/hccl.h"
#include "latch.h"

#define COUNT 4

static aclrtStream stream;    /* on device 0 */
static HcclComm comms[2];     /* devices 0 and 1 */
static void *memory, *remote; /* on devices 0 and 1 */

/* The call failed with that status and its newest text holds both words. */
static void check_refused(int expected, int status, const char *function, const char *argument, int line) {
    const char *text = aclGetRecentErrMsg();
    check_status(expected, status, function, __FILE__, line);
    if (text == NULL || strstr(text, function) == NULL || strstr(text, argument) == NULL) {
        fprintf(stderr, "%s:%d: %s, %s: the text is: %s\n", __FILE__, line, function, argument,
                text == NULL ? "none" : text);
        check_failed();
    }
}

#define REFUSED(status, function, argument, call) check_refused(status, (int)(call), function, argument, __LINE__)

static void *calls_without_a_device(void *unused) {
    int32_t devices[] = {0};
    HcclComm comm;
    HcclRootInfo info = {{0}};
    HcclCommConfig config;
    HcclCommConfigInit(&config);
    REFUSED(HCCL_E_RUNTIME, "HcclCommInitAll", "aclrtSetDevice", HcclCommInitAll(0, NULL, NULL));
    REFUSED(HCCL_E_RUNTIME, "HcclCommInitAll", "aclrtSetDevice", HcclCommInitAll(1, devices, &comm));
    REFUSED(HCCL_E_RUNTIME, "HcclGetRootInfo", "aclrtSetDevice", HcclGetRootInfo(NULL));
    REFUSED(HCCL_E_RUNTIME, "HcclCommInitRootInfo", "aclrtSetDevice", HcclCommInitRootInfo(0, &info, 0, &comm));
    REFUSED(HCCL_E_RUNTIME, "HcclCommInitRootInfoConfig", "aclrtSetDevice",
            HcclCommInitRootInfoConfig(1, &info, 0, &config, &comm));
    REFUSED(HCCL_E_RUNTIME, "HcclCommInitClusterInfo", "aclrtSetDevice", HcclCommInitClusterInfo(NULL, 0, &comm));
    REFUSED(HCCL_E_RUNTIME, "HcclCommInitClusterInfoConfig", "aclrtSetDevice",
            HcclCommInitClusterInfoConfig(NULL, 0, NULL, NULL));
    REFUSED(HCCL_E_RUNTIME, "HcclCommDestroy", "aclrtSetDevice", HcclCommDestroy(NULL));
    return unused;
}

static void init_all_checks_in_order(void) {
    int32_t twice[] = {1, 0, 1}, beyond[] = {0, 8}, negative[] = {-1};
    HcclComm made[3] = {stream, stream, stream};
    REFUSED(HCCL_E_PARA, "HcclCommInitAll", "ndev", HcclCommInitAll(0, NULL, NULL));
    REFUSED(HCCL_E_PTR, "HcclCommInitAll", "comms", HcclCommInitAll(1, NULL, NULL));
    REFUSED(HCCL_E_PTR, "HcclCommInitAll", "devices", HcclCommInitAll(1, NULL, made));
    REFUSED(HCCL_E_PARA, "HcclCommInitAll", "devices[2]", HcclCommInitAll(3, twice, made));
    REFUSED(HCCL_E_INTERNAL, "HcclCommInitAll", "devices[1]", HcclCommInitAll(2, beyond, made));
    REFUSED(HCCL_E_INTERNAL, "HcclCommInitAll", "devices[0]", HcclCommInitAll(1, negative, made));
}

static void root_info_functions_check_in_order(void) {
    HcclRootInfo info = {{0}};
    HcclCommConfig config;
    HcclComm comm;
    HcclCommConfigInit(&config);
    REFUSED(HCCL_E_PTR, "HcclGetRootInfo", "rootInfo", HcclGetRootInfo(NULL));
    REFUSED(HCCL_E_PARA, "HcclCommInitRootInfo", "nRanks", HcclCommInitRootInfo(0, NULL, 0, NULL));
    REFUSED(HCCL_E_PARA, "HcclCommInitRootInfo", "rank", HcclCommInitRootInfo(2, NULL, 2, NULL));
    REFUSED(HCCL_E_PTR, "HcclCommInitRootInfo", "comm", HcclCommInitRootInfo(2, NULL, 1, NULL));
    REFUSED(HCCL_E_PTR, "HcclCommInitRootInfo", "rootInfo", HcclCommInitRootInfo(2, NULL, 1, &comm));
    REFUSED(HCCL_E_PARA, "HcclCommInitRootInfoConfig", "rank", HcclCommInitRootInfoConfig(1, NULL, 1, NULL, NULL));
    REFUSED(HCCL_E_PTR, "HcclCommInitRootInfoConfig", "comm", HcclCommInitRootInfoConfig(1, NULL, 0, NULL, NULL));
    REFUSED(HCCL_E_PTR, "HcclCommInitRootInfoConfig", "rootInfo", HcclCommInitRootInfoConfig(1, NULL, 0, NULL, &comm));
    REFUSED(HCCL_E_PARA, "HcclCommInitRootInfoConfig", "config", HcclCommInitRootInfoConfig(1, &info, 0, NULL, &comm));
}

static void check_config(const char *word, const HcclCommConfig *config) {
    HcclRootInfo info = {{0}};
    HcclComm comm;
    REFUSED(HCCL_E_PARA, "HcclCommInitRootInfoConfig", word, HcclCommInitRootInfoConfig(1, &info, 0, config, &comm));
}

static void a_config_must_be_initialised_and_sensible(void) {
    HcclCommConfig config;
    uint64_t size = 299;
    memset(&config, 0, sizeof config);
    check_config("HcclCommConfigInit", &config);
    HcclCommConfigInit(&config);
    config.reserved[12] = 0; /* version */
    check_config("version 0", &config);
    config.reserved[12] = 5;
    memcpy(config.reserved, &size, sizeof size);
    check_config("299 bytes", &config);
    HcclCommConfigInit(&config);
    config.hcclBufferSize = 0;
    check_config("hcclBufferSize", &config);
    HcclCommConfigInit(&config);
    config.hcclDeterministic = 3;
    check_config("hcclDeterministic", &config);
    HcclCommConfigInit(&config);
    memset(config.hcclCommName, 'n', sizeof config.hcclCommName);
    check_config("hcclCommName", &config);
    HcclCommConfigInit(&config);
    config.aclGraphZeroCopyEnable = 2;
    check_config("aclGraphZeroCopyEnable", &config);
}

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

#define SERVER(id, devices) "{\"server_id\": \"" id "\", \"device\": [" devices "]}"
#define DEVICE(id, rank) "{\"device_id\": \"" id "\", \"device_ip\": \"10.0.0.1\", \"rank_id\": \"" rank "\"}"
#define TABLE(version, count, servers)                                                                                 \
    "{\"status\": \"completed\", \"version\": \"" version "\", \"server_count\": \"" count                             \
    "\",\n \"server_list\": [" servers "]}\n"

static void check_table(const char *path, int expected, const char *word, const char *text) {
    HcclComm comm;
    write_file(path, text);
    REFUSED(expected, "HcclCommInitClusterInfo", word, HcclCommInitClusterInfo(path, 0, &comm));
}

static void a_rank_table_must_be_whole(const char *path) {
    const char *const good = TABLE("1.0", "1", SERVER("a", DEVICE("0", "0") "," DEVICE("1", "1")));
    HcclComm comm;
    check_table(path, HCCL_E_INTERNAL, "JSON", "");
    check_table(path, HCCL_E_INTERNAL, "JSON", "{\"status\": \"completed\"");
    check_table(path, HCCL_E_INTERNAL, "JSON", "{\"status\": \"completed\",}");
    check_table(path, HCCL_E_INTERNAL, "JSON", "{\"status\" \"completed\"}");
    check_table(path, HCCL_E_INTERNAL, "JSON", "{\"status\": [1, 2}");
    check_table(path, HCCL_E_INTERNAL, "JSON", "{} {}");
    check_table(path, HCCL_E_INTERNAL, "completed", "{\"status\": \"initializing\"}");
    check_table(path, HCCL_E_PARA, "version", "{\"status\": \"completed\", \"x\": [true, null, -1.5e3, {}, []]}");
    check_table(path, HCCL_E_PARA, "version", TABLE("2.0", "1", SERVER("a", DEVICE("0", "0"))));
    check_table(path, HCCL_E_PARA, "server_list", TABLE("1.0", "0", ""));
    check_table(path, HCCL_E_PARA, "server_count", TABLE("1.0", "2", SERVER("a", DEVICE("0", "0"))));
    check_table(path, HCCL_E_PARA, "server_id", TABLE("1.0", "1", SERVER("", DEVICE("0", "0"))));
    check_table(path, HCCL_E_PARA, "device list", TABLE("1.0", "1", SERVER("a", "")));
    check_table(path, HCCL_E_PARA, "number", TABLE("1.0", "1", SERVER("a", DEVICE("0", "one"))));
    check_table(path, HCCL_E_PARA, "number", TABLE("1.0", "1", SERVER("a", DEVICE("-1", "0"))));
    check_table(path, HCCL_E_PARA, "twice", TABLE("1.0", "1", SERVER("a", DEVICE("0", "0") "," DEVICE("1", "0"))));
    check_table(path, HCCL_E_PARA, "twice", TABLE("1.0", "1", SERVER("a", DEVICE("0", "0") "," DEVICE("0", "1"))));
    check_table(path, HCCL_E_PARA, "missing", TABLE("1.0", "1", SERVER("a", DEVICE("0", "0") "," DEVICE("1", "2"))));
    check_table(path, HCCL_E_UNAVAIL, "device 1", TABLE("1.0", "1", SERVER("a", DEVICE("1", "0"))));
    write_file(path, good);
    REFUSED(HCCL_E_PARA, "HcclCommInitClusterInfo", "rank", HcclCommInitClusterInfo(path, 2, &comm));
}

static void cluster_info_checks_in_order(void) {
    char path[64];
    HcclComm comm, second;
    HcclCommConfig config;
    memset(&config, 0, sizeof config);
    snprintf(path, sizeof path, "/tmp/test_hccl_statuses_%d.json", (int)getpid());
    REFUSED(HCCL_E_PTR, "HcclCommInitClusterInfo", "clusterInfo", HcclCommInitClusterInfo(NULL, 0, NULL));
    REFUSED(HCCL_E_PTR, "HcclCommInitClusterInfo", "comm", HcclCommInitClusterInfo(path, 0, NULL));
    REFUSED(HCCL_E_INTERNAL, "HcclCommInitClusterInfo", path, HcclCommInitClusterInfo(path, 0, &comm));
    REFUSED(HCCL_E_INTERNAL, "HcclCommInitClusterInfo", ".json", HcclCommInitClusterInfo("/dev/null", 0, &comm));
    REFUSED(HCCL_E_PTR, "HcclCommInitClusterInfoConfig", "config", HcclCommInitClusterInfoConfig(path, 0, NULL, &comm));
    REFUSED(HCCL_E_PARA, "HcclCommInitClusterInfoConfig", "config",
            HcclCommInitClusterInfoConfig(path, 0, &config, &comm));
    a_rank_table_must_be_whole(path);
    write_file(path, TABLE("1.0", "1", SERVER("a", DEVICE("0", "0"))));
    CHECK_STATUS(HCCL_SUCCESS, HcclCommInitClusterInfo(path, 0, &comm));
    REFUSED(HCCL_E_UNAVAIL, "HcclCommInitClusterInfo", "already", HcclCommInitClusterInfo(path, 0, &second));
    CHECK_STATUS(HCCL_SUCCESS, HcclCommDestroy(comm));
    unlink(path);
}

static void questions_check_in_order(void) {
    char name[128];
    uint32_t number = 77;
    HcclResult error = HCCL_E_PARA;
    REFUSED(HCCL_E_PTR, "HcclGetCommName", "comm is NULL", HcclGetCommName(NULL, NULL));
    REFUSED(HCCL_E_PTR, "HcclGetCommName", "commName", HcclGetCommName(comms[0], NULL));
    REFUSED(HCCL_E_PARA, "HcclGetCommName", "comm", HcclGetCommName(stream, name));
    REFUSED(HCCL_E_PTR, "HcclGetRankSize", "comm is NULL", HcclGetRankSize(NULL, &number));
    REFUSED(HCCL_E_PTR, "HcclGetRankSize", "rankSize", HcclGetRankSize(comms[0], NULL));
    REFUSED(HCCL_E_PTR, "HcclGetRankId", "rank", HcclGetRankId(comms[0], NULL));
    REFUSED(HCCL_E_PTR, "HcclGetCommAsyncError", "asyncError", HcclGetCommAsyncError(comms[0], NULL));
    CHECK_STATUS(HCCL_SUCCESS, HcclGetCommName(comms[1], name));
    CHECK_STATUS(HCCL_SUCCESS, HcclGetRankSize(comms[1], &number));
    CHECK(number == 2 && strlen(name) > 0);
    CHECK_STATUS(HCCL_SUCCESS, HcclGetRankId(comms[1], &number));
    CHECK(number == 1);
    CHECK_STATUS(HCCL_SUCCESS, HcclGetCommAsyncError(comms[1], &error));
    CHECK(error == HCCL_SUCCESS);
}

static void a_name_leads_to_the_communicator_of_the_current_device(void) {
    char name[128];
    HcclComm found = NULL;
    CHECK_STATUS(HCCL_SUCCESS, HcclGetCommName(comms[1], name));
    CHECK_STATUS(HCCL_SUCCESS, HcclCommGetHandleWithName(name, &found));
    CHECK(found == comms[0]);
    REFUSED(HCCL_E_PTR, "HcclCommGetHandleWithName", "commName", HcclCommGetHandleWithName(NULL, NULL));
    REFUSED(HCCL_E_PTR, "HcclCommGetHandleWithName", "comm", HcclCommGetHandleWithName(name, NULL));
    REFUSED(HCCL_E_PARA, "HcclCommGetHandleWithName", "nobody", HcclCommGetHandleWithName("nobody", &found));
}

/* With arguments for all that comes later wrong, too, where that can be. */
static void collectives_check_in_order(void) {
    void *none = NULL;
    CHECK_STATUS(0, HcclAllReduce(NULL, NULL, 0, (HcclDataType)99, (HcclReduceOp)99, NULL, NULL));
    CHECK_STATUS(0, HcclAllGather(NULL, NULL, 0, (HcclDataType)99, NULL, NULL));
    CHECK_STATUS(0, HcclReduceScatter(NULL, NULL, 0, (HcclDataType)99, (HcclReduceOp)99, NULL, NULL));
    CHECK_STATUS(0, HcclBroadcast(NULL, 0, (HcclDataType)99, 99, NULL, NULL));
    REFUSED(HCCL_E_PTR, "HcclAllReduce", "stream",
            HcclAllReduce(none, none, COUNT, HCCL_DATA_TYPE_FP32, HCCL_REDUCE_SUM, NULL, NULL));
    REFUSED(HCCL_E_PTR, "HcclAllReduce", "comm",
            HcclAllReduce(none, none, COUNT, HCCL_DATA_TYPE_FP32, HCCL_REDUCE_SUM, NULL, stream));
    REFUSED(HCCL_E_PTR, "HcclAllReduce", "sendBuf",
            HcclAllReduce(none, none, COUNT, HCCL_DATA_TYPE_FP32, HCCL_REDUCE_SUM, comms[0], stream));
    REFUSED(HCCL_E_PTR, "HcclAllReduce", "recvBuf",
            HcclAllReduce(stream, none, COUNT, HCCL_DATA_TYPE_FP32, HCCL_REDUCE_SUM, comms[0], stream));
    REFUSED(HCCL_E_PTR, "HcclBroadcast", "buf", HcclBroadcast(none, COUNT, HCCL_DATA_TYPE_FP32, 0, comms[0], stream));
    REFUSED(HCCL_E_PTR, "HcclBarrier", "stream", HcclBarrier(NULL, NULL));
    REFUSED(HCCL_E_PTR, "HcclBarrier", "comm", HcclBarrier(NULL, stream));
    REFUSED(HCCL_E_PARA, "HcclBarrier", "comm", HcclBarrier(stream, stream));
    REFUSED(HCCL_E_PARA, "HcclAllGather", "count",
            HcclAllGather(memory, memory, UINT64_C(1) << 31, HCCL_DATA_TYPE_INT8, comms[0], stream));
    REFUSED(HCCL_E_PARA, "HcclBroadcast", "root",
            HcclBroadcast(stream, COUNT, HCCL_DATA_TYPE_FP32, 2, comms[0], stream));
}

static HcclResult all_reduce(HcclDataType type, HcclReduceOp op) {
    return HcclAllReduce(memory, memory, COUNT, type, op, comms[0], stream);
}

static void types_and_operators_that_are_not_reduced_are_refused(void) {
    static const int refused[] = {-1, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 17, 18, 255, 256};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        REFUSED(HCCL_E_NOT_SUPPORT, "HcclAllReduce", "dataType", all_reduce((HcclDataType)refused[i], (HcclReduceOp)9));
        REFUSED(HCCL_E_NOT_SUPPORT, "HcclReduceScatter", "dataType",
                HcclReduceScatter(memory, memory, COUNT, (HcclDataType)refused[i], HCCL_REDUCE_SUM, comms[0], stream));
    }
    REFUSED(HCCL_E_NOT_SUPPORT, "HcclAllReduce", "op", all_reduce(HCCL_DATA_TYPE_FP32, (HcclReduceOp)4));
    REFUSED(HCCL_E_NOT_SUPPORT, "HcclAllReduce", "op", all_reduce(HCCL_DATA_TYPE_FP32, (HcclReduceOp)-1));
    REFUSED(HCCL_E_NOT_SUPPORT, "HcclAllReduce", "prod", all_reduce(HCCL_DATA_TYPE_INT16, HCCL_REDUCE_PROD));
    REFUSED(HCCL_E_NOT_SUPPORT, "HcclAllReduce", "prod", all_reduce(HCCL_DATA_TYPE_BFP16, HCCL_REDUCE_PROD));
    REFUSED(HCCL_E_NOT_SUPPORT, "HcclAllGather", "dataType",
            HcclAllGather(memory, memory, COUNT, HCCL_DATA_TYPE_INT128, comms[0], stream));
    REFUSED(HCCL_E_NOT_SUPPORT, "HcclBroadcast", "dataType",
            HcclBroadcast(memory, COUNT, (HcclDataType)13, 0, comms[0], stream));
}

static HcclResult sum(const void *send, const void *receive, uint64_t count, HcclComm comm, aclrtStream on) {
    return HcclAllReduce((void *)(uintptr_t)send, (void *)(uintptr_t)receive, count, HCCL_DATA_TYPE_FP32,
                         HCCL_REDUCE_SUM, comm, on);
}

static void buffers_must_be_memory_of_the_device_and_apart(void) {
    char *bytes = memory;
    void *freed = NULL;
    float host[COUNT] = {0};
    CHECK_STATUS(0, aclrtMalloc(&freed, 64, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_STATUS(0, aclrtFree(freed));
    REFUSED(HCCL_E_PARA, "HcclAllReduce", "sendBuf", sum(host, memory, COUNT, comms[0], stream));
    REFUSED(HCCL_E_PARA, "HcclAllReduce", "recvBuf", sum(memory, host, COUNT, comms[0], stream));
    REFUSED(HCCL_E_PARA, "HcclAllReduce", "allocated", sum(memory, freed, COUNT, comms[0], stream));
    REFUSED(HCCL_E_PARA, "HcclAllReduce", "device 1", sum(remote, memory, COUNT, comms[0], stream));
    REFUSED(HCCL_E_PARA, "HcclAllReduce", "device 1", sum(memory, remote, COUNT, comms[0], stream));
    REFUSED(HCCL_E_PARA, "HcclAllReduce", "beyond", sum(memory, memory, UINT64_C(1) << 29, comms[0], stream));
    REFUSED(HCCL_E_PARA, "HcclAllReduce", "overlap", sum(bytes, bytes + 4, COUNT, comms[0], stream));
    REFUSED(HCCL_E_PARA, "HcclAllReduce", "overlap", sum(bytes + 12, bytes, COUNT, comms[0], stream));
    REFUSED(HCCL_E_PARA, "HcclAllGather", "overlap",
            HcclAllGather(bytes + 4, bytes, COUNT, HCCL_DATA_TYPE_FP32, comms[0], stream));
    REFUSED(HCCL_E_PARA, "HcclReduceScatter", "overlap",
            HcclReduceScatter(bytes, bytes + 16, COUNT, HCCL_DATA_TYPE_FP32, HCCL_REDUCE_SUM, comms[0], stream));
}

static void streams_must_belong_to_the_context_and_the_device(void) {
    aclrtStream dead = new_stream();
    CHECK_STATUS(0, aclrtDestroyStream(dead));
    REFUSED(HCCL_E_RUNTIME, "HcclAllReduce", "destroyed", sum(memory, memory, COUNT, comms[0], dead));
    REFUSED(HCCL_E_PARA, "HcclAllReduce", "is on device 0", sum(memory, memory, COUNT, comms[1], stream));
    CHECK_STATUS(0, aclrtSetDevice(1));
    REFUSED(HCCL_E_RUNTIME, "HcclAllReduce", "context", sum(memory, memory, COUNT, comms[0], stream));
    CHECK_STATUS(0, aclrtResetDevice(1));
    CHECK_STATUS(0, aclrtSetDevice(0));
}

static void error_strings_are_canns(void) {
    static const char *const texts[] = {"no error",
                                        "parameter error",
                                        "empty pointer",
                                        "memory error",
                                        "internal error",
                                        "not support feature",
                                        "not found specific resource",
                                        "resource unavailable",
                                        "call system interface error",
                                        "timeout",
                                        "open file fail",
                                        "tcp connect fail",
                                        "roce connect fail",
                                        "tcp transfer fail",
                                        "roce transfer fail",
                                        "call runtime api fail",
                                        "call driver api fail",
                                        "call profiling api fail",
                                        "call cce api fail",
                                        "call network api fail",
                                        "try again",
                                        "error cqe",
                                        "error communicator suspending"};
    for (int code = 0; code <= HCCL_E_SUSPENDING; code++) {
        CHECK(strcmp(HcclGetErrorString((HcclResult)code), texts[code]) == 0);
    }
    CHECK(strcmp(HcclGetErrorString((HcclResult)-1), "unknown error") == 0);
    CHECK(strcmp(HcclGetErrorString(HCCL_E_RESERVED), "unknown error") == 0);
}

static void deterministic_is_kept_unless_the_environment_says(void) {
    HcclConfigValue value = {3};
    REFUSED(HCCL_E_PARA, "HcclSetConfig", "HCCL_DETERMINISTIC", HcclSetConfig(HCCL_DETERMINISTIC, value));
    REFUSED(HCCL_E_PTR, "HcclGetConfig", "configValue", HcclGetConfig(HCCL_DETERMINISTIC, NULL));
    for (value.value = 2; value.value > 0; value.value--) {
        HcclConfigValue found = {-1};
        CHECK_STATUS(0, HcclSetConfig(HCCL_DETERMINISTIC, value));
        CHECK_STATUS(0, HcclGetConfig(HCCL_DETERMINISTIC, &found));
        CHECK(found.value == value.value);
    }
    setenv("HCCL_DETERMINISTIC", "Strict", 1);
    CHECK_STATUS(0, HcclSetConfig(HCCL_DETERMINISTIC, value));
    CHECK_STATUS(0, HcclGetConfig(HCCL_DETERMINISTIC, &value));
    CHECK(value.value == 2);
    unsetenv("HCCL_DETERMINISTIC");
}

static void destroying_is_refused_while_work_waits_and_for_strangers(void) {
    latch gate = LATCH;
    CHECK_STATUS(HCCL_SUCCESS, HcclCommDestroy(NULL));
    REFUSED(HCCL_E_PARA, "HcclCommDestroy", "comm", HcclCommDestroy(stream));
    CHECK_STATUS(0, aclrtLaunchHostFunc(stream, latch_wait, &gate));
    CHECK_STATUS(0, HcclBarrier(comms[0], stream));
    CHECK_STATUS(HCCL_E_AGAIN, HcclCommDestroy(comms[0]));
    CHECK_STATUS(0, aclrtSetDevice(1));
    aclrtStream other = new_stream();
    CHECK_STATUS(0, HcclBarrier(comms[1], other));
    latch_open(&gate);
    CHECK_STATUS(0, aclrtSynchronizeStream(other));
    CHECK_STATUS(0, aclrtDestroyStream(other));
    CHECK_STATUS(0, aclrtResetDevice(1));
    CHECK_STATUS(0, aclrtSetDevice(0));
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    CHECK_STATUS(0, HcclCommDestroy(comms[0]));
    CHECK_STATUS(0, HcclCommDestroy(comms[1]));
    REFUSED(HCCL_E_PARA, "HcclAllReduce", "comm", sum(memory, memory, COUNT, comms[0], stream));
    REFUSED(HCCL_E_PARA, "HcclCommDestroy", "comm", HcclCommDestroy(comms[0]));
}

static void start(void) {
    int32_t devices[] = {0, 1};
    CHECK_STATUS(0, aclInit(NULL));
    CHECK_STATUS(0, aclrtSetDevice(1));
    CHECK_STATUS(0, aclrtMalloc(&remote, 64, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_STATUS(0, aclrtSetDevice(0));
    CHECK_STATUS(0, aclrtMalloc(&memory, 64, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_STATUS(0, HcclCommInitAll(2, devices, comms));
    stream = new_stream();
}

int main(void) {
    setenv("ASCEND_STUB_HBM", "1G", 1);
    setenv("ASCEND_STUB_DEVICES", "8", 1);
    start();
    in_new_thread(calls_without_a_device, NULL);
    init_all_checks_in_order();
    root_info_functions_check_in_order();
    a_config_must_be_initialised_and_sensible();
    cluster_info_checks_in_order();
    questions_check_in_order();
    a_name_leads_to_the_communicator_of_the_current_device();
    collectives_check_in_order();
    types_and_operators_that_are_not_reduced_are_refused();
    buffers_must_be_memory_of_the_device_and_apart();
    streams_must_belong_to_the_context_and_the_device();
    error_strings_are_canns();
    deterministic_is_kept_unless_the_environment_says();
    destroying_is_refused_while_work_waits_and_for_strangers();
    CHECK_STATUS(0, aclrtFree(memory));
    CHECK_STATUS(0, aclrtFree(remote));
    CHECK_STATUS(0, aclFinalize());
    return 0;
}
