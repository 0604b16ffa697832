/* A process that is killed in the middle of its work leaves nothing behind that the next one finds. The process of main
 * never calls ACL; ranks are forked from it. */
#include <dirent.h>
#include <signal.h>

#include "ranks.h"

enum { TASKS = 200, KEPT = 20 };

static void die(void) {
    kill(getpid(), SIGKILL);
    pause();
}

/* Dies with most of its work queued and some of it running. */
static void copy_and_die(rank_state *state) {
    aclrtEvent begun;
    CHECK_STATUS(0, aclrtCreateEventWithFlag(&begun, ACL_EVENT_SYNC));
    for (int i = 0; i < TASKS; i++) {
        CHECK_STATUS(0, aclrtMemcpyAsync(state->receive, COUNT * sizeof(float), state->send, COUNT * sizeof(float),
                                         ACL_MEMCPY_DEVICE_TO_DEVICE, state->stream));
        if (i == KEPT) {
            CHECK_STATUS(0, aclrtRecordEvent(begun, state->stream));
        }
    }
    CHECK_STATUS(0, aclrtSynchronizeEvent(begun));
    die();
}

/* So do all ranks, each when it has seen some sums. */
static void sum_and_die(rank_state *state) {
    aclrtEvent begun;
    CHECK_STATUS(0, aclrtCreateEventWithFlag(&begun, ACL_EVENT_SYNC));
    CHECK_STATUS(0, join_as(state, state->rank, state->size));
    for (int i = 0; i < TASKS; i++) {
        CHECK_STATUS(0, queue_sum(state));
        if (i == KEPT) {
            CHECK_STATUS(0, aclrtRecordEvent(begun, state->stream));
        }
    }
    CHECK_STATUS(0, aclrtSynchronizeEvent(begun));
    die();
}

/* The first rank dies while it waits in an operation; the second is told. */
static void one_dies_in_a_sum(rank_state *state) {
    CHECK_STATUS(0, join_as(state, state->rank, state->size));
    check_sums(state);
    if (state->rank == 0) {
        CHECK_STATUS(0, queue_sum(state));
        CHECK_STATUS(ACL_ERROR_RT_STREAM_SYNC_TIMEOUT, aclrtSynchronizeStreamWithTimeout(state->stream, 20));
        meet_outside(state);
        die();
    }
    meet_outside(state);
    int status = 0;
    while (status == 0) { /* the last moments of rank 0 may suffice for its sum */
        CHECK_STATUS(0, queue_sum(state));
        status = aclrtSynchronizeStream(state->stream);
    }
    CHECK_TEXT("rank 0");
    renew_stream(state);
    CHECK_STATUS(0, HcclCommDestroy(state->comm));
}

static void join_and_sum(rank_state *state) {
    CHECK_STATUS(0, join_as(state, state->rank, state->size));
    for (int i = 0; i < 3; i++) {
        check_sums(state);
    }
    meet_outside(state); /* a rank that ends is a rank that has died */
    CHECK_STATUS(0, HcclCommDestroy(state->comm));
}

/* Entries of a directory with the word in their names. */
static int count_entries(const char *path, const char *word) {
    DIR *directory = opendir(path);
    int count = 0;
    if (directory == NULL) {
        return 0;
    }
    for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        count += entry->d_name[0] != '.' && strstr(entry->d_name, word) != NULL;
    }
    closedir(directory);
    return count;
}

int main(void) {
    char own[] = "/tmp/killed-processes-XXXXXX";
    CHECK(mkdtemp(own) != NULL);
    setenv("TMPDIR", own, 1);
    const int shared = count_entries("/dev/shm", "ascend");
    CHECK(run_processes(1, copy_and_die) == 1);
    CHECK(run_processes(2, sum_and_die) == 3);
    CHECK(run_processes(2, one_dies_in_a_sum) == 1);
    CHECK(run_processes(2, join_and_sum) == 0);
    CHECK(count_entries("/dev/shm", "ascend") == shared);
    CHECK(count_entries(own, "") == 0);
    CHECK(rmdir(own) == 0);
    return 0;
}
