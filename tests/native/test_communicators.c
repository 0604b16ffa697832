/* Communicators whose ranks are threads of one process: names, order, failures that leave the communicator usable, and
 * that nothing stays behind. */
#include <dirent.h>

#include "latch.h"
#include "ranks.h"

static void create_all(uint32_t size, HcclComm *comms) {
    int32_t devices[MOST_RANKS];
    for (uint32_t rank = 0; rank < size; rank++) {
        devices[rank] = (int32_t)rank;
    }
    CHECK_STATUS(0, HcclCommInitAll(size, devices, comms));
}

static void with_all(uint32_t size, rank_body *body, void *shared) {
    HcclComm comms[MOST_RANKS];
    create_all(size, comms);
    run_threads(size, comms, body, shared);
}

static void destroy_comm(rank_state *state) {
    CHECK_STATUS(0, HcclCommDestroy(state->comm));
}

/* ---- ways to make them ---- */

static void check_identity(rank_state *state) {
    uint32_t value = 99;
    CHECK_STATUS(0, HcclGetRankId(state->comm, &value));
    CHECK(value == state->rank);
    CHECK_STATUS(0, HcclGetRankSize(state->comm, &value));
    CHECK(value == state->size);
}

static void sums_are_right_and_ranks_know_who_they_are(rank_state *state) {
    check_identity(state);
    for (int i = 0; i < 20; i++) {
        check_sums(state);
    }
    destroy_comm(state);
}

static void one_process_can_make_all_ranks(void) {
    static const uint32_t sizes[] = {1, 2, 4, 8};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        with_all(sizes[i], sums_are_right_and_ranks_know_who_they_are, NULL);
    }
}

static void join_and_sum(rank_state *state) {
    const HcclRootInfo *infos = state->shared; /* two of them */
    HcclComm second = NULL;
    CHECK_STATUS(0, HcclCommInitRootInfo(state->size, &infos[0], state->rank, &state->comm));
    CHECK_STATUS(0, HcclCommInitRootInfo(state->size, &infos[1], state->rank, &second));
    check_sums(state);
    destroy_comm(state);
    state->comm = second;
    check_sums(state);
    destroy_comm(state);
}

static void threads_can_share_root_infos(void) {
    HcclRootInfo infos[2];
    CHECK_STATUS(0, HcclGetRootInfo(&infos[0]));
    CHECK_STATUS(0, HcclGetRootInfo(&infos[1]));
    run_threads(4, NULL, join_and_sum, infos);
}

static void ranks_share_a_name_that_no_other_communicator_has(void) {
    HcclComm first[2], second[2];
    char names[3][COMM_NAME_MAX_LENGTH];
    create_all(2, first);
    create_all(2, second);
    CHECK_STATUS(0, HcclGetCommName(first[0], names[0]));
    CHECK_STATUS(0, HcclGetCommName(first[1], names[1]));
    CHECK_STATUS(0, HcclGetCommName(second[0], names[2]));
    CHECK(strcmp(names[0], names[1]) == 0 && strcmp(names[0], names[2]) != 0);
    for (int i = 0; i < 2; i++) {
        CHECK_STATUS(0, HcclCommDestroy(first[i]));
        CHECK_STATUS(0, HcclCommDestroy(second[i]));
    }
    CHECK_STATUS(HCCL_E_PARA, HcclCommDestroy(first[0]));
    CHECK_TEXT("has been destroyed");
    CHECK_STATUS(HCCL_E_PARA, HcclGetCommName(names, names[0]));
    CHECK_TEXT("no communicator");
}

static void a_name_serves_one_communicator_of_a_device(void) {
    HcclRootInfo infos[2];
    HcclCommConfig config;
    HcclComm first = NULL, second = NULL;
    HcclCommConfigInit(&config);
    strcpy(config.hcclCommName, "mine");
    CHECK_STATUS(0, HcclGetRootInfo(&infos[0]));
    CHECK_STATUS(0, HcclGetRootInfo(&infos[1]));
    CHECK_STATUS(0, HcclCommInitRootInfoConfig(1, &infos[0], 0, &config, &first));
    CHECK_STATUS(HCCL_E_PARA, HcclCommInitRootInfoConfig(1, &infos[1], 0, &config, &second));
    CHECK_TEXT("has a communicator named \"mine\" already");
    CHECK_STATUS(0, HcclCommDestroy(first));
    CHECK_STATUS(0, HcclCommInitRootInfoConfig(1, &infos[1], 0, &config, &second));
    CHECK_STATUS(0, HcclCommDestroy(second));
}

/* ---- order ---- */

/* The first operation's stream is held on one rank: the second, on a free stream, must wait for it. */
static void two_streams(rank_state *state) {
    latch gate = LATCH;
    aclrtStream second = new_stream();
    float *target = NULL;
    CHECK_STATUS(0, aclrtMalloc((void **)&target, COUNT * sizeof(float), ACL_MEM_MALLOC_HUGE_FIRST));
    if (state->rank == 0) {
        CHECK_STATUS(0, aclrtLaunchHostFunc(state->stream, latch_wait, &gate));
    }
    CHECK_STATUS(0, queue_sum(state));
    CHECK_STATUS(
        0, HcclAllReduce(state->receive, target, COUNT, HCCL_DATA_TYPE_FP32, HCCL_REDUCE_MAX, state->comm, second));
    if (state->rank == 0) {
        CHECK_STATUS(ACL_ERROR_RT_STREAM_SYNC_TIMEOUT, aclrtSynchronizeStreamWithTimeout(second, 30));
    }
    latch_open(&gate);
    CHECK_STATUS(0, aclrtSynchronizeStream(second));
    CHECK_STATUS(0, aclrtSynchronizeStream(state->stream));
    check_sum(state);
    float *sums = state->receive;
    state->receive = target; /* the maximum of equal sums */
    check_sum(state);
    state->receive = sums;
    CHECK_STATUS(0, aclrtDestroyStream(second));
    CHECK_STATUS(0, aclrtFree(target));
    destroy_comm(state);
}

/* ---- failures ---- */

typedef struct {
    pthread_barrier_t meeting;
} meeting_place;

static void meet_threads(rank_state *state) {
    pthread_barrier_wait(&((meeting_place *)state->shared)->meeting);
}

static void with_all_meeting(uint32_t size, rank_body *body) {
    meeting_place place;
    pthread_barrier_init(&place.meeting, NULL, size);
    with_all(size, body, &place);
    pthread_barrier_destroy(&place.meeting);
}

static void expect_failure(rank_state *state, int status, const char *words) {
    const double start = seconds();
    CHECK_STATUS(status, aclrtSynchronizeStream(state->stream));
    CHECK(seconds() - start < 5);
    CHECK_TEXT(words);
    renew_stream(state);
}

static void disagree_three_times(rank_state *state) {
    const bool odd = state->rank == 1;
    CHECK_STATUS(0, queue_sum_on(state, odd ? COUNT / 2 : COUNT, state->stream));
    expect_failure(state, ACL_ERROR_RT_FFTS_PLUS_EXCEPTION, "HcclAllReduce of 500 FP32 (SUM)");
    CHECK_STATUS(0, HcclAllReduce(state->send, state->receive, COUNT, odd ? HCCL_DATA_TYPE_INT32 : HCCL_DATA_TYPE_FP32,
                                  HCCL_REDUCE_MAX, state->comm, state->stream));
    expect_failure(state, ACL_ERROR_RT_FFTS_PLUS_EXCEPTION, "HcclAllReduce of 1000 INT32 (MAX)");
    CHECK_STATUS(0, odd ? queue_sum(state)
                        : HcclBroadcast(state->send, COUNT, HCCL_DATA_TYPE_FP32, 2, state->comm, state->stream));
    expect_failure(state, ACL_ERROR_RT_FFTS_PLUS_EXCEPTION,
                   odd ? "HcclBroadcast of 1000 FP32 from root 2, this rank 1 calls HcclAllReduce"
                       : "rank 1 (process ");
    check_sums(state);
    destroy_comm(state);
}

/* Rank 0 aborts its stream while it waits for rank 1, which comes too late. */
static void abort_while_waiting(rank_state *state) {
    if (state->rank == 0) {
        CHECK_STATUS(0, queue_sum(state));
        CHECK_STATUS(0, queue_sum(state));
        CHECK_STATUS(ACL_ERROR_RT_STREAM_SYNC_TIMEOUT, aclrtSynchronizeStreamWithTimeout(state->stream, 50));
        CHECK_STATUS(HCCL_E_AGAIN, HcclCommDestroy(state->comm));
        CHECK_TEXT("in flight");
        const double start = seconds();
        CHECK_STATUS(0, aclrtStreamAbort(state->stream));
        CHECK(seconds() - start < 2);
        renew_stream(state);
    }
    meet_threads(state);
    if (state->rank == 1) {
        CHECK_STATUS(0, queue_sum(state));
        expect_failure(state, ACL_ERROR_RT_SUSPECT_REMOTE_ERROR, "rank 0 ");
        CHECK_STATUS(0, queue_sum(state));
        expect_failure(state, ACL_ERROR_RT_SUSPECT_REMOTE_ERROR, "rank 0 ");
    }
    check_sums(state);
    destroy_comm(state);
}

/* What a stream has not started when it is destroyed by force never runs; the others hear of it. */
static void drop_before_it_runs(rank_state *state) {
    if (state->rank == 0) {
        latch gate = LATCH;
        CHECK_STATUS(0, aclrtLaunchHostFunc(state->stream, latch_wait, &gate));
        latch_await(&gate, 1);
        CHECK_STATUS(0, queue_sum(state));
        CHECK_STATUS(0, aclrtDestroyStreamForce(state->stream));
        latch_open(&gate);
        CHECK_STATUS(0, aclrtCreateStream(&state->stream));
        check_sums(state); /* waits its turn, so that the gate is not needed any more */
    } else {
        CHECK_STATUS(0, queue_sum(state));
        expect_failure(state, ACL_ERROR_RT_SUSPECT_REMOTE_ERROR, "rank 0 ");
        check_sums(state);
    }
    destroy_comm(state);
}

static void leave_early(rank_state *state) {
    if (state->rank == 0) {
        destroy_comm(state);
        return;
    }
    CHECK_STATUS(0, queue_sum(state));
    expect_failure(state, ACL_ERROR_RT_SUSPECT_REMOTE_ERROR, "rank 0 ");
    destroy_comm(state);
}

/* ---- forked children ---- */

static int in_forked_child;

/* LeakSanitizer asks before it searches: in a forked child, what the parent's other threads hold looks lost. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void) {
    return in_forked_child;
}

static int use_in_forked_child(HcclComm comm) {
    HcclRootInfo info;
    in_forked_child = 1;
    CHECK(HcclGetRootInfo(&info) != HCCL_SUCCESS);
    CHECK_TEXT("spawn");
    CHECK(HcclCommDestroy(comm) != HCCL_SUCCESS);
    CHECK_TEXT("spawn");
    return check_failures;
}

static void a_forked_child_is_refused_and_harms_nobody(void) {
    HcclComm comms[2];
    create_all(2, comms);
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        exit(use_in_forked_child(comms[0]));
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    run_threads(2, comms, sums_are_right_and_ranks_know_who_they_are, NULL);
}

/* ---- nothing left ---- */

static int count_entries(const char *path) {
    DIR *folder = opendir(path);
    int count = 0;
    while (folder != NULL && readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

static int count_mappings(const char *words) {
    char line[1024];
    int count = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps) != NULL) {
        count += strstr(line, words) != NULL;
    }
    fclose(maps);
    return count;
}

/* A listener's thread ends a moment after the communicator is made. */
static bool entries_become(const char *path, int expected) {
    for (int i = 0; i < 200 && count_entries(path) != expected; i++) {
        usleep(10000);
    }
    return count_entries(path) == expected;
}

static void nothing_is_left_when_all_is_destroyed(void) {
    const int files = count_entries("/proc/self/fd");
    const int threads = count_entries("/proc/self/task");
    CHECK(count_mappings("ascend-stub-hccl") == 0);
    one_process_can_make_all_ranks();
    threads_can_share_root_infos();
    CHECK(entries_become("/proc/self/fd", files));
    CHECK(entries_become("/proc/self/task", threads));
    CHECK(count_mappings("ascend-stub-hccl") == 0);
}

int main(void) {
    CHECK_STATUS(0, aclInit(NULL));
    CHECK_STATUS(0, aclrtSetDevice(0));
    one_process_can_make_all_ranks();
    threads_can_share_root_infos();
    ranks_share_a_name_that_no_other_communicator_has();
    a_name_serves_one_communicator_of_a_device();
    with_all(2, two_streams, NULL);
    with_all(3, disagree_three_times, NULL);
    with_all_meeting(2, abort_while_waiting);
    with_all(2, drop_before_it_runs, NULL);
    with_all(2, leave_early, NULL);
    a_forked_child_is_refused_and_harms_nobody();
    nothing_is_left_when_all_is_destroyed();
    CHECK_STATUS(0, aclrtResetDevice(0));
    CHECK_STATUS(0, aclFinalize());
    return 0;
}
