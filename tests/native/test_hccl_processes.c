/* Ranks as processes: the root info goes through pipes, as MPI would carry it, or a rank table says who is who. */
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>

#include "acl/acl.h"
#include "check.h"
#include "hccl/hccl.h"

enum { RANKS = 8, TABLE_RANKS = 3, LARGE = 300007 };

static char table_path[64];
static int from_root[RANKS][2];

/* Rank 0 tells, the others hear. */
static void share_root_info(int rank, HcclRootInfo *info) {
    if (rank == 0) {
        CHECK_STATUS(0, HcclGetRootInfo(info));
        for (int i = 1; i < RANKS; i++) {
            CHECK(write(from_root[i][1], info, sizeof *info) == (ssize_t)sizeof *info);
        }
        return;
    }
    for (size_t done = 0; done < sizeof *info;) {
        const ssize_t got = read(from_root[rank][0], (char *)info + done, sizeof *info - done);
        CHECK(got > 0);
        done += got > 0 ? (size_t)got : sizeof *info;
    }
}

static void *device_values(const float *values, size_t count) {
    void *memory = NULL;
    CHECK_STATUS(0, aclrtMalloc(&memory, count * sizeof *values, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_STATUS(
        0, aclrtMemcpy(memory, count * sizeof *values, values, count * sizeof *values, ACL_MEMCPY_HOST_TO_DEVICE));
    return memory;
}

static void take_values(void *memory, float *values, size_t count) {
    CHECK_STATUS(
        0, aclrtMemcpy(values, count * sizeof *values, memory, count * sizeof *values, ACL_MEMCPY_DEVICE_TO_HOST));
    CHECK_STATUS(0, aclrtFree(memory));
}

/* Example 01 of the communication library: every rank sends 0 to 7. */
static void add_up_small(HcclComm comm, aclrtStream stream) {
    float values[RANKS];
    for (int i = 0; i < RANKS; i++) {
        values[i] = (float)i;
    }
    void *send = device_values(values, RANKS), *receive = device_values(values, RANKS);
    CHECK_STATUS(0, HcclAllReduce(send, receive, RANKS, HCCL_DATA_TYPE_FP32, HCCL_REDUCE_SUM, comm, stream));
    CHECK_STATUS(0, aclrtSynchronizeStreamWithTimeout(stream, 30000));
    take_values(send, values, RANKS);
    take_values(receive, values, RANKS);
    for (int i = 0; i < RANKS; i++) {
        CHECK(values[i] == (float)(RANKS * i));
    }
}

static void add_up_large(int rank, int ranks, HcclComm comm, aclrtStream stream) {
    static float values[LARGE];
    for (int i = 0; i < LARGE; i++) {
        values[i] = (float)(i % 1000 + rank);
    }
    void *memory = device_values(values, LARGE);
    CHECK_STATUS(0, HcclAllReduce(memory, memory, LARGE, HCCL_DATA_TYPE_FP32, HCCL_REDUCE_SUM, comm, stream));
    CHECK_STATUS(0, HcclBarrier(comm, stream));
    CHECK_STATUS(0, aclrtSynchronizeStreamWithTimeout(stream, 30000));
    take_values(memory, values, LARGE);
    int wrong = 0;
    for (int i = 0; i < LARGE; i++) {
        wrong += values[i] != (float)(ranks * (i % 1000) + ranks * (ranks - 1) / 2);
    }
    CHECK(wrong == 0);
}

/* Broadcast, gather and reduce-scatter of each rank's number. */
static void pass_numbers(int rank, int ranks, HcclComm comm, aclrtStream stream) {
    float own = (float)rank, all[RANKS], sum = 0.0f;
    void *one = device_values(&own, 1), *every = device_values(all, RANKS), *part = device_values(&own, 1);
    CHECK_STATUS(0, HcclAllGather(one, every, 1, HCCL_DATA_TYPE_FP32, comm, stream));
    CHECK_STATUS(0, HcclReduceScatter(every, part, 1, HCCL_DATA_TYPE_FP32, HCCL_REDUCE_SUM, comm, stream));
    CHECK_STATUS(0, HcclBroadcast(one, 1, HCCL_DATA_TYPE_FP32, (uint32_t)(ranks - 1), comm, stream));
    CHECK_STATUS(0, aclrtSynchronizeStreamWithTimeout(stream, 30000));
    take_values(one, &own, 1);
    take_values(every, all, (size_t)ranks);
    take_values(part, &sum, 1);
    CHECK(own == (float)(ranks - 1) && sum == (float)(ranks * rank));
    for (int i = 0; i < ranks; i++) {
        CHECK(all[i] == (float)i);
    }
}

static void use(int rank, int ranks, HcclComm comm, const char *expected_name) {
    char name[128];
    uint32_t size = 0, id = RANKS;
    aclrtStream stream = NULL;
    CHECK_STATUS(0, HcclGetCommName(comm, name));
    CHECK(strcmp(name, expected_name) == 0);
    CHECK_STATUS(0, HcclGetRankSize(comm, &size));
    CHECK_STATUS(0, HcclGetRankId(comm, &id));
    CHECK(size == (uint32_t)ranks && id == (uint32_t)rank);
    CHECK_STATUS(0, aclrtCreateStream(&stream));
    if (ranks == RANKS) {
        add_up_small(comm, stream);
    }
    add_up_large(rank, ranks, comm, stream);
    pass_numbers(rank, ranks, comm, stream);
    CHECK_STATUS(0, aclrtDestroyStream(stream));
    CHECK_STATUS(0, HcclCommDestroy(comm));
}

static void start_rank(int rank) {
    CHECK_STATUS(0, aclInit(NULL));
    CHECK_STATUS(0, aclrtSetDevice(rank));
}

static void end_rank(int rank) {
    CHECK_STATUS(0, aclrtResetDevice(rank));
    CHECK_STATUS(0, aclFinalize());
}

/* Every second rank has the config of CANN 8.1, which knows less. */
static void join_with_a_root_info(int rank) {
    HcclComm comm = NULL;
    HcclRootInfo info;
    HcclCommConfig config;
    const uint64_t old_size = 300;
    const uint32_t old_version = 5;
    start_rank(rank);
    share_root_info(rank, &info);
    HcclCommConfigInit(&config);
    if (rank % 2 != 0) {
        memset((char *)&config + old_size, 0xFF, sizeof config - old_size);
        memcpy(config.reserved, &old_size, sizeof old_size);
        memcpy(config.reserved + 12, &old_version, sizeof old_version);
    }
    config.hcclBufferSize = 1024;
    config.hcclDeterministic = 1;
    strcpy(config.hcclCommName, "comm_1");
    CHECK_STATUS(0, HcclCommInitRootInfoConfig(RANKS, &info, (uint32_t)rank, &config, &comm));
    use(rank, RANKS, comm, "comm_1");
    end_rank(rank);
}

static void join_with_a_rank_table(int rank) {
    HcclComm comm = NULL;
    start_rank(rank);
    CHECK_STATUS(0, HcclCommInitClusterInfo(table_path, (uint32_t)rank, &comm));
    use(rank, TABLE_RANKS, comm, "hccl_world_group");
    end_rank(rank);
}

static void run_processes(int count, void (*body)(int rank)) {
    pid_t children[RANKS];
    fflush(NULL);
    for (int i = 0; i < count; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            body(i);
            exit(check_failures != 0);
        }
    }
    for (int i = 0; i < count; i++) {
        int status = -1;
        CHECK(children[i] > 0 && waitpid(children[i], &status, 0) == children[i]);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

static void eight_processes_with_a_root_info_agree(void) {
    for (int i = 0; i < RANKS; i++) {
        CHECK(pipe(from_root[i]) == 0);
    }
    run_processes(RANKS, join_with_a_root_info);
    for (int i = 0; i < RANKS; i++) {
        close(from_root[i][0]);
        close(from_root[i][1]);
    }
}

/* Ranks 2 and 0 on one server and rank 1 on another, which for the stand-in is the same machine. */
static void processes_with_a_rank_table_agree(void) {
    snprintf(table_path, sizeof table_path, "/tmp/test_hccl_processes_%d.json", (int)getpid());
    FILE *file = fopen(table_path, "w");
    CHECK(file != NULL);
    fputs("{ \"status\": \"completed\", \"version\": \"1.0\", \"server_count\": \"2\", \"server_list\": [\n"
          "  { \"server_id\": \"10.0.0.10\", \"host_nic_ip\": \"reserve\", \"device\": [\n"
          "    { \"device_id\": \"2\", \"device_ip\": \"192.168.1.2\", \"rank_id\": \"2\" },\n"
          "    { \"device_id\": \"0\", \"device_ip\": \"192.168.1.0\", \"rank_id\": \"0\" } ] },\n"
          "  { \"device\": [ { \"rank_id\": \"1\", \"device_id\": \"1\" } ], \"server_id\": \"10.0.0.11\" } ] }\n",
          file);
    fclose(file);
    run_processes(TABLE_RANKS, join_with_a_rank_table);
    unlink(table_path);
}

int main(void) {
    setenv("ASCEND_STUB_HBM", "1G", 1);
    setenv("ASCEND_STUB_DEVICES", "8", 1);
    eight_processes_with_a_root_info_agree();
    processes_with_a_rank_table_agree();
    return 0;
}
