/* Collectives are work of streams: calls return at once, operations wait for what is queued before them and for their
 * peers. Ranks are threads with root infos, or one thread for all of them. */
#include <string.h>

#include "hccl/hccl.h"
#include "latch.h"

enum { RANKS = 4, COUNT = 1000 };

typedef struct {
    int rank;
    const HcclRootInfo *info;
    aclrtContext context;
    aclrtStream stream;
    HcclComm comm;
    float *values;
} rank_data;

static void make_rank(rank_data *rank) {
    CHECK_STATUS(0, aclrtCreateContext(&rank->context, rank->rank));
    rank->stream = new_stream();
    CHECK_STATUS(0, aclrtMalloc((void **)&rank->values, COUNT * sizeof(float), ACL_MEM_MALLOC_HUGE_FIRST));
}

static void end_rank(rank_data *rank) {
    CHECK_STATUS(0, aclrtSetCurrentContext(rank->context));
    CHECK_STATUS(0, aclrtFree(rank->values));
    CHECK_STATUS(0, aclrtDestroyStream(rank->stream));
    CHECK_STATUS(0, HcclCommDestroy(rank->comm));
    CHECK_STATUS(0, aclrtDestroyContext(rank->context));
}

static HcclResult add_up(const rank_data *rank) {
    return HcclAllReduce(rank->values, rank->values, COUNT, HCCL_DATA_TYPE_FP32, HCCL_REDUCE_SUM, rank->comm,
                         rank->stream);
}

/* A thread of example 03 of the communication library: its own device, the shared root info. */
static void *run_rank(void *argument) {
    rank_data *rank = argument;
    float host[COUNT], found[COUNT];
    CHECK_STATUS(0, aclrtSetDevice(rank->rank));
    make_rank(rank);
    CHECK_STATUS(0, HcclCommInitRootInfo(RANKS, rank->info, (uint32_t)rank->rank, &rank->comm));
    for (int i = 0; i < COUNT; i++) {
        host[i] = (float)(i + rank->rank);
    }
    CHECK_STATUS(
        0, aclrtMemcpyAsync(rank->values, sizeof host, host, sizeof host, ACL_MEMCPY_HOST_TO_DEVICE, rank->stream));
    CHECK_STATUS(0, add_up(rank));
    CHECK_STATUS(0, add_up(rank));
    CHECK_STATUS(
        0, aclrtMemcpyAsync(found, sizeof found, rank->values, sizeof found, ACL_MEMCPY_DEVICE_TO_HOST, rank->stream));
    CHECK_STATUS(0, aclrtSynchronizeStreamWithTimeout(rank->stream, 10000));
    for (int i = 0; i < COUNT; i++) {
        CHECK(found[i] == (float)(RANKS * (RANKS * i + 0 + 1 + 2 + 3)));
    }
    end_rank(rank);
    CHECK_STATUS(0, aclrtResetDevice(rank->rank));
    return NULL;
}

static void threads_that_share_a_root_info_add_up(void) {
    HcclRootInfo info;
    pthread_t threads[RANKS];
    rank_data ranks[RANKS];
    CHECK_STATUS(0, aclrtSetDevice(0));
    CHECK_STATUS(0, HcclGetRootInfo(&info));
    for (int i = 0; i < RANKS; i++) {
        ranks[i] = (rank_data){.rank = i, .info = &info};
        CHECK(pthread_create(&threads[i], NULL, run_rank, &ranks[i]) == 0);
    }
    for (int i = 0; i < RANKS; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK_STATUS(0, aclrtResetDevice(0));
}

static void make_all(rank_data *ranks) {
    int32_t devices[RANKS];
    HcclComm comms[RANKS];
    for (int i = 0; i < RANKS; i++) {
        devices[i] = i;
    }
    CHECK_STATUS(0, aclrtSetDevice(0));
    CHECK_STATUS(0, HcclCommInitAll(RANKS, devices, comms));
    for (int i = 0; i < RANKS; i++) {
        ranks[i] = (rank_data){.rank = i, .comm = comms[i]};
        make_rank(&ranks[i]);
    }
}

static void end_all(rank_data *ranks) {
    for (int i = 0; i < RANKS; i++) {
        end_rank(&ranks[i]);
    }
    CHECK_STATUS(0, aclrtResetDevice(0));
}

static void synchronize_all(const rank_data *ranks) {
    for (int i = 0; i < RANKS; i++) {
        CHECK_STATUS(0, aclrtSetCurrentContext(ranks[i].context));
        CHECK_STATUS(0, aclrtSynchronizeStreamWithTimeout(ranks[i].stream, 10000));
    }
}

/* Every stream counts behind the barrier; the last rank's stream is held in front of it. */
static void a_barrier_holds_up_streams_and_not_the_caller(void) {
    rank_data ranks[RANKS];
    latch gate = LATCH;
    int passed = 0;
    make_all(ranks);
    for (int i = 0; i < RANKS; i++) {
        CHECK_STATUS(0, aclrtSetCurrentContext(ranks[i].context));
        if (i == RANKS - 1) {
            CHECK_STATUS(0, aclrtLaunchHostFunc(ranks[i].stream, latch_wait, &gate));
        }
        CHECK_STATUS(0, HcclBarrier(ranks[i].comm, ranks[i].stream));
        CHECK_STATUS(0, aclrtLaunchHostFunc(ranks[i].stream, count_up, &passed));
    }
    latch_await(&gate, 1);
    CHECK_STATUS(0, aclrtSetCurrentContext(ranks[0].context));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_SYNC_TIMEOUT, aclrtSynchronizeStreamWithTimeout(ranks[0].stream, 20));
    CHECK(counted(&passed) == 0);
    latch_open(&gate);
    synchronize_all(ranks);
    CHECK(counted(&passed) == RANKS);
    end_all(ranks);
}

/* A rank alternates between two of its streams; equal numbers of the ranks' operations meet all the same. */
static void operations_meet_in_the_order_of_their_calls(void) {
    enum { ROUNDS = 50 };
    rank_data ranks[RANKS];
    const float one = 1.0f;
    float found = 0.0f;
    make_all(ranks);
    for (int i = 0; i < RANKS; i++) {
        CHECK_STATUS(0, aclrtSetCurrentContext(ranks[i].context));
        CHECK_STATUS(0, aclrtMemcpy(ranks[i].values, sizeof one, &one, sizeof one, ACL_MEMCPY_HOST_TO_DEVICE));
    }
    aclrtStream second = new_stream(); /* of the last rank */
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < RANKS; i++) {
            const bool other = i == RANKS - 1 && round % 2 != 0;
            const HcclReduceOp op = round % 2 == 0 ? HCCL_REDUCE_SUM : HCCL_REDUCE_MIN;
            CHECK_STATUS(0, aclrtSetCurrentContext(ranks[i].context));
            CHECK_STATUS(0, HcclAllReduce(ranks[i].values, ranks[i].values, round < 4 ? 1 : COUNT, HCCL_DATA_TYPE_FP32,
                                          round < 4 ? op : HCCL_REDUCE_MAX, ranks[i].comm,
                                          other ? second : ranks[i].stream));
        }
    }
    synchronize_all(ranks);
    CHECK_STATUS(0, aclrtSynchronizeStreamWithTimeout(second, 10000));
    for (int i = 0; i < RANKS; i++) {
        CHECK_STATUS(0, aclrtSetCurrentContext(ranks[i].context));
        CHECK_STATUS(0, aclrtMemcpy(&found, sizeof found, ranks[i].values, sizeof found, ACL_MEMCPY_DEVICE_TO_HOST));
        CHECK(found == RANKS * RANKS);
    }
    CHECK_STATUS(0, aclrtDestroyStream(second));
    end_all(ranks);
}

/* Every rank learns why; the communicators can be used afterwards. */
static void ranks_that_disagree_all_fail(void) {
    rank_data ranks[RANKS];
    make_all(ranks);
    for (int i = 0; i < RANKS; i++) {
        CHECK_STATUS(0, aclrtSetCurrentContext(ranks[i].context));
        CHECK_STATUS(0, HcclBroadcast(ranks[i].values, COUNT, HCCL_DATA_TYPE_FP32, i == 2 ? 1 : 0, ranks[i].comm,
                                      ranks[i].stream));
    }
    for (int i = 0; i < RANKS; i++) {
        CHECK_STATUS(0, aclrtSetCurrentContext(ranks[i].context));
        CHECK(aclrtSynchronizeStreamWithTimeout(ranks[i].stream, 10000) != 0);
        const char *text = aclGetRecentErrMsg();
        CHECK(text != NULL && strstr(text, "HcclBroadcast") != NULL && strstr(text, "root") != NULL);
    }
    end_all(ranks);
}

int main(void) {
    setenv("ASCEND_STUB_HBM", "1G", 1);
    setenv("ASCEND_STUB_DEVICES", "8", 1);
    CHECK_STATUS(0, aclInit(NULL));
    threads_that_share_a_root_info_add_up();
    a_barrier_holds_up_streams_and_not_the_caller();
    operations_meet_in_the_order_of_their_calls();
    ranks_that_disagree_all_fail();
    CHECK_STATUS(0, aclFinalize());
    return 0;
}
