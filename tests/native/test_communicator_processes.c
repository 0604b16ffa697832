/* Communicators whose ranks are processes: the ways in, ranks that never come, and ranks that die. The process of main
 * never calls ACL; ranks are forked from it. */
#include <signal.h>
#include <sys/resource.h>

#include "ranks.h"

static void destroy_comm(rank_state *state) {
    CHECK_STATUS(0, HcclCommDestroy(state->comm));
}

/* ---- ways in ---- */

static void compare_names(rank_state *state) {
    shared_page *page = state->shared;
    char name[COMM_NAME_MAX_LENGTH], *text = (char *)page->words;
    CHECK_STATUS(0, HcclGetCommName(state->comm, name));
    if (state->rank == 0) {
        memcpy(text, name, sizeof page->words - 1);
    }
    meet_outside(state);
    CHECK(strncmp(text, name, sizeof page->words - 1) == 0);
}

static void check_that_nobody_seems_dead(rank_state *state) {
    HcclResult error = HCCL_E_RESERVED;
    CHECK_STATUS(0, HcclGetCommAsyncError(state->comm, &error));
    CHECK(error == HCCL_SUCCESS);
}

static void join_two_and_sum(rank_state *state) {
    CHECK_STATUS(0, join_as(state, state->rank, state->size));
    HcclComm first = state->comm;
    compare_names(state);
    CHECK_STATUS(0, join_as(state, state->rank, state->size));
    for (int i = 0; i < 20; i++) {
        check_sums(state);
    }
    destroy_comm(state);
    state->comm = first;
    check_sums(state);
    check_that_nobody_seems_dead(state);
    meet_outside(state); /* a rank that ends is a rank that has died */
    destroy_comm(state);
}

/* Each process sees one device, as device 0, and they are of different sizes. */
static int32_t show_one_device(uint32_t rank) {
    static const char *const sizes[] = {"64M", "1G", "32M"};
    char device[2] = {(char)('2' + (int)rank), '\0'};
    setenv("ASCEND_RT_VISIBLE_DEVICES", device, 1);
    setenv("ASCEND_STUB_HBM", sizes[rank], 1);
    return 0;
}

/* Two processes with two ranks each: threads of one process leave at different times. */
static void join_and_leave_one_by_one(rank_state *state) {
    shared_page *page = state->shared;
    CHECK_STATUS(0, HcclCommInitRootInfo(state->size, &page->info, state->rank, &state->comm));
    check_that_nobody_seems_dead(state);
    for (int i = 0; i < 20; i++) {
        check_sums(state);
    }
    if (state->rank % 2 == 0) {
        destroy_comm(state);
    }
    pthread_barrier_wait(&page->meeting_of_pairs);
    if (state->rank % 2 == 1) {
        check_that_nobody_seems_dead(state);
    }
    pthread_barrier_wait(&page->meeting_of_pairs);
    if (state->rank % 2 == 1) {
        destroy_comm(state);
    }
}

static void be_two_ranks(rank_state *state) {
    rank_state both = *state;
    both.size = 2 * state->size;
    if (state->rank == 0) {
        CHECK_STATUS(0, HcclGetRootInfo(&((shared_page *)state->shared)->info));
    }
    meet_outside(state);
    run_some_threads(2 * state->rank, 2, both, NULL, join_and_leave_one_by_one);
}

static char table_path[64];

static void write_rank_table(uint32_t size) {
    FILE *table = fopen(table_path, "w");
    fprintf(table,
            "{\"status\": \"completed\", \"version\": \"1.0\", \"server_count\": \"1\", \"server_list\": "
            "[{\"server_id\": \"pid %d\", \"device\": [",
            (int)getpid());
    for (uint32_t rank = 0; rank < size; rank++) {
        fprintf(table, "%s{\"device_id\": \"%u\", \"rank_id\": \"%u\"}", rank == 0 ? "" : ", ", rank, rank);
    }
    fprintf(table, "]}]}\n");
    fclose(table);
}

static void join_by_rank_table(rank_state *state) {
    for (int i = 0; i < 3; i++) { /* one after the other */
        CHECK_STATUS(0, HcclCommInitClusterInfo(table_path, state->rank, &state->comm));
        check_sums(state);
        destroy_comm(state);
    }
}

static void ranks_of_a_rank_table_meet(void) {
    snprintf(table_path, sizeof table_path, "/tmp/ascend-stub-rank-table-%d.json", (int)getpid());
    write_rank_table(3);
    CHECK(run_processes(3, join_by_rank_table) == 0);
    unlink(table_path);
}

/* ---- meetings that fail ---- */

static void miss_a_rank(rank_state *state) {
    const double start = seconds();
    CHECK_STATUS(HCCL_E_TIMEOUT, join_as(state, state->rank, 3));
    const double waited = seconds() - start;
    CHECK(waited > 0.9 && waited < 3);
    CHECK_TEXT("rank(s) 2 did not join within 1 s");
}

static void ranks_that_never_come_are_a_timeout(void) {
    setenv("ASCEND_STUB_CONNECT_TIMEOUT", "1", 1);
    CHECK(run_processes(2, miss_a_rank) == 0);
    unsetenv("ASCEND_STUB_CONNECT_TIMEOUT");
}

static void disagree_about_the_number(rank_state *state) {
    CHECK_STATUS(HCCL_E_PARA, join_as(state, state->rank, 3 + state->rank));
    CHECK_TEXT("the other says there are");
}

static void take_the_same_rank(rank_state *state) {
    CHECK_STATUS(HCCL_E_PARA, join_as(state, 1, 2));
    CHECK_TEXT("both say they are rank 1");
}

static void take_the_same_device(rank_state *state) {
    CHECK_STATUS(0, aclrtSetDevice(5));
    CHECK_STATUS(HCCL_E_PARA, join_as(state, state->rank, 2));
    CHECK_TEXT("both are on device 5");
    CHECK_STATUS(0, aclrtResetDevice(5));
    CHECK_STATUS(0, aclrtSetDevice((int32_t)state->rank));
}

static void use_a_dead_root(rank_state *state) {
    if (state->rank == 0) {
        CHECK_STATUS(0, HcclGetRootInfo(&((shared_page *)state->shared)->info));
        meet_outside(state);
        raise(SIGKILL);
    }
    shared_page *page = state->shared;
    meet_outside(state);
    const double start = seconds();
    CHECK_STATUS(HCCL_E_TCP_CONNECT, HcclCommInitRootInfo(2, &page->info, 1, &state->comm));
    CHECK(seconds() - start < 5);
    memset(&page->info, 'x', sizeof page->info);
    CHECK_STATUS(HCCL_E_PARA, HcclCommInitRootInfo(2, &page->info, 1, &state->comm));
    CHECK_TEXT("rootInfo does not hold");
}

static char state_of(pid_t process) {
    char path[64], state = '?';
    snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
    FILE *file = fopen(path, "r");
    CHECK(file != NULL && fscanf(file, "%*d (%*[^)]) %c", &state) == 1);
    fclose(file);
    return state;
}

/* Asleep for good, that is: in the one long wait that it comes to. */
static void wait_until_asleep(pid_t process) {
    for (int in_a_row = 0; in_a_row < 40; usleep(5000)) {
        in_a_row = state_of(process) == 'S' ? in_a_row + 1 : 0;
    }
}

/* Rank 1 dies while rank 0 waits for it and rank 2, who has not come yet. */
static void die_before_all_have_come(rank_state *state) {
    shared_page *page = state->shared;
    if (state->rank == 0) {
        CHECK_STATUS(0, HcclGetRootInfo(&page->info));
    }
    meet_outside(state);
    if (state->rank == 1) {
        if (fork() == 0) { /* its executioner */
            wait_until_asleep(getppid());
            kill(getppid(), SIGKILL);
            _exit(0);
        }
    }
    CHECK_STATUS(HCCL_E_REMOTE, HcclCommInitRootInfo(3, &page->info, state->rank, &state->comm));
    CHECK_TEXT("rank 1 (process ");
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they need the address space themselves */
static void lack_address_space(rank_state *state) {
    if (state->rank == 1) {
        unsigned long pages = 0;
        FILE *file = fopen("/proc/self/statm", "r");
        CHECK(file != NULL && fscanf(file, "%lu", &pages) == 1);
        fclose(file);
        const rlim_t bytes = pages * (rlim_t)sysconf(_SC_PAGESIZE) + (16 << 20);
        setrlimit(RLIMIT_AS, &(struct rlimit){bytes, bytes});
    }
    CHECK_STATUS(HCCL_E_MEMORY, join_as(state, state->rank, 2));
    CHECK_TEXT("Set ASCEND_STUB_HBM");
}

static void memory_that_cannot_be_mapped_is_reported_by_all(void) {
    CHECK(run_processes(2, lack_address_space) == 0);
}
#else
static void memory_that_cannot_be_mapped_is_reported_by_all(void) {}
#endif

/* ---- ranks that die, hang, or leave ---- */

static void expect_dead_rank(rank_state *state, double within) {
    const double start = seconds();
    CHECK_STATUS(ACL_ERROR_RT_SUSPECT_REMOTE_ERROR, aclrtSynchronizeStream(state->stream));
    CHECK(seconds() - start < within);
    CHECK_TEXT(") has ended; a communicator does not survive that");
    renew_stream(state);
}

static void kill_a_rank(rank_state *state) {
    CHECK_STATUS(0, join_as(state, state->rank, state->size));
    check_sums(state);
    if (state->rank == 2) {
        meet_outside(state);
        usleep(100000); /* the others are waiting by now */
        raise(SIGKILL);
    }
    CHECK_STATUS(0, queue_sum(state));
    meet_outside(state);
    expect_dead_rank(state, 3);
    HcclResult error = HCCL_SUCCESS;
    CHECK_STATUS(0, HcclGetCommAsyncError(state->comm, &error));
    CHECK(error == HCCL_E_REMOTE);
    CHECK_STATUS(0, queue_sum(state));
    expect_dead_rank(state, 1);
    destroy_comm(state);
}

/* Rank 1 comes only after rank 0 has given up; then they go on together. */
static void come_too_late(rank_state *state) {
    CHECK_STATUS(0, join_as(state, state->rank, state->size));
    if (state->rank == 0) {
        CHECK_STATUS(0, queue_sum(state));
        CHECK_STATUS(ACL_ERROR_RT_STREAM_SYNC_TIMEOUT, aclrtSynchronizeStreamWithTimeout(state->stream, 50));
        CHECK_STATUS(ACL_ERROR_RT_FFTS_PLUS_TIMEOUT, aclrtSynchronizeStream(state->stream));
        CHECK_TEXT("has waited 0.5 s for rank(s) 1");
    }
    meet_outside(state);
    if (state->rank == 1) {
        CHECK_STATUS(0, queue_sum(state));
        CHECK_STATUS(ACL_ERROR_RT_FFTS_PLUS_TIMEOUT, aclrtSynchronizeStream(state->stream));
        CHECK_TEXT("HCCL_EXEC_TIMEOUT");
    }
    renew_stream(state);
    check_sums(state);
    destroy_comm(state);
}

static void a_rank_that_never_calls_is_a_timeout(void) {
    setenv("HCCL_EXEC_TIMEOUT", "0.5", 1);
    CHECK(run_processes(2, come_too_late) == 0);
    unsetenv("HCCL_EXEC_TIMEOUT");
}

/* A process may end while its worker waits for another rank, which is told. */
static void exit_while_waiting(rank_state *state) {
    shared_page *page = state->shared;
    CHECK_STATUS(0, join_as(state, state->rank, state->size));
    if (state->rank == 0) {
        page->words[0] = (uint64_t)getpid();
        meet_outside(state);
        CHECK_STATUS(0, queue_sum(state));
        CHECK_STATUS(ACL_ERROR_RT_STREAM_SYNC_TIMEOUT, aclrtSynchronizeStreamWithTimeout(state->stream, 50));
        exit(check_failures != 0);
    }
    meet_outside(state);
    while (kill((pid_t)page->words[0], 0) == 0) { /* until the parent has seen its end */
        usleep(1000);
    }
    CHECK_STATUS(0, queue_sum(state));
    CHECK_STATUS(ACL_ERROR_RT_SUSPECT_REMOTE_ERROR, aclrtSynchronizeStream(state->stream));
    CHECK_TEXT("rank 0 (process ");
    renew_stream(state);
    destroy_comm(state);
}

/* ---- settings ---- */

static void refuse_malformed_variables(rank_state *state) {
    static const char *const malformed[][2] = {{"HCCL_CONNECT_TIMEOUT", "119"},
                                               {"HCCL_CONNECT_TIMEOUT", "7201"},
                                               {"HCCL_CONNECT_TIMEOUT", "two"},
                                               {"ASCEND_STUB_CONNECT_TIMEOUT", "0"},
                                               {"HCCL_EXEC_TIMEOUT", "-1"},
                                               {"HCCL_EXEC_TIMEOUT", "1e3"},
                                               {"HCCL_EXEC_TIMEOUT", "2147483648"},
                                               {"HCCL_IF_IP", "300.1.1.1"},
                                               {"HCCL_SOCKET_FAMILY", "AF_UNIX"},
                                               {"HCCL_IF_BASE_PORT", "1023"},
                                               {"HCCL_IF_BASE_PORT", "65521"},
                                               {"HCCL_WHITELIST_DISABLE", "2"},
                                               {"HCCL_BUFFSIZE", "0"},
                                               {"HCCL_DETERMINISTIC", "yes"},
                                               {"HCCL_HOST_SOCKET_PORT_RANGE", "9-1"},
                                               {"HCCL_HOST_SOCKET_PORT_RANGE", "1,"}};
    HcclRootInfo *info = &((shared_page *)state->shared)->info;
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        setenv(malformed[i][0], malformed[i][1], 1);
        CHECK_STATUS(HCCL_E_PARA, HcclGetRootInfo(info));
        CHECK_TEXT(malformed[i][0]);
        unsetenv(malformed[i][0]);
    }
}

static void accept_valid_variables(rank_state *state) {
    static const char *const valid[][2] = {
        {"HCCL_CONNECT_TIMEOUT", "7200"}, {"HCCL_EXEC_TIMEOUT", "0"},
        {"HCCL_IF_IP", "fe80::1%eth0"},   {"HCCL_SOCKET_FAMILY", "AF_INET6"},
        {"HCCL_IF_BASE_PORT", "65520"},   {"HCCL_WHITELIST_DISABLE", "0"},
        {"HCCL_BUFFSIZE", "1"},           {"HCCL_DETERMINISTIC", "STRICT"},
        {"HCCL_SOCKET_IFNAME", "^=eth0"}, {"HCCL_HOST_SOCKET_PORT_RANGE", "60000,60050-60100"}};
    char name[COMM_NAME_MAX_LENGTH];
    for (size_t i = 0; i < sizeof valid / sizeof *valid; i++) {
        setenv(valid[i][0], valid[i][1], 1);
    }
    CHECK_STATUS(0, join_as(state, 0, 1));
    CHECK_STATUS(0, HcclGetCommName(state->comm, name));
    CHECK(strncmp(name, "fe80::1%eth0_65520_0_", 21) == 0);
    check_sums(state);
    destroy_comm(state);
}

int main(void) {
    CHECK(run_processes(1, join_two_and_sum) == 0);
    CHECK(run_processes(2, join_two_and_sum) == 0);
    CHECK(run_processes(4, join_two_and_sum) == 0);
    CHECK(run_prepared_processes(3, show_one_device, join_two_and_sum) == 0);
    CHECK(run_processes(2, be_two_ranks) == 0);
    ranks_of_a_rank_table_meet();
    memory_that_cannot_be_mapped_is_reported_by_all();
    ranks_that_never_come_are_a_timeout();
    CHECK(run_processes(2, disagree_about_the_number) == 0);
    CHECK(run_processes(2, take_the_same_rank) == 0);
    CHECK(run_processes(2, take_the_same_device) == 0);
    CHECK(run_processes(2, use_a_dead_root) == 1u << 0);
    CHECK(run_processes(2, die_before_all_have_come) == 1u << 1);
    CHECK(run_processes(3, kill_a_rank) == 1u << 2);
    a_rank_that_never_calls_is_a_timeout();
    CHECK(run_processes(2, exit_while_waiting) == 0);
    CHECK(run_processes(1, refuse_malformed_variables) == 0);
    CHECK(run_processes(1, accept_valid_variables) == 0);
    return 0;
}
