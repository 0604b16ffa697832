/* Ranks for the tests of communicators: as threads of this process, or as processes that share a page of memory. */
#ifndef ASCEND_TESTS_RANKS_H
#define ASCEND_TESTS_RANKS_H

#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "acl/acl.h"
#include "check.h"
#include "hccl/hccl.h"

#define MOST_RANKS 8
#define COUNT 1000 /* elements of the operations */

typedef struct {
    uint32_t rank, size;
    HcclComm comm;
    aclrtStream stream;
    float *send, *receive; /* device memory */
    void *shared;          /* the test's */
} rank_state;

typedef void rank_body(rank_state *state);

static inline double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The newest error text has the words. */
static inline void check_text(const char *words, const char *file, int line) {
    const char *text = aclGetRecentErrMsg();
    if (text == NULL || strstr(text, words) == NULL) {
        fprintf(stderr, "%s:%d: no \"%s\" in: %s\n", file, line, words, text == NULL ? "(no text)" : text);
        check_failed();
    }
}

#define CHECK_TEXT(words) check_text(words, __FILE__, __LINE__)

/* A stream and buffers on the current device; element i of `send` is rank + i. */
static inline void rank_open(rank_state *state) {
    float values[COUNT];
    for (int i = 0; i < COUNT; i++) {
        values[i] = (float)((int)state->rank + i);
    }
    CHECK_STATUS(0, aclrtCreateStream(&state->stream));
    CHECK_STATUS(0, aclrtMalloc((void **)&state->send, sizeof values, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_STATUS(0, aclrtMalloc((void **)&state->receive, sizeof values, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_STATUS(0, aclrtMemcpy(state->send, sizeof values, values, sizeof values, ACL_MEMCPY_HOST_TO_DEVICE));
}

static inline void rank_close(rank_state *state) {
    CHECK_STATUS(0, aclrtDestroyStream(state->stream));
    CHECK_STATUS(0, aclrtFree(state->send));
    CHECK_STATUS(0, aclrtFree(state->receive));
}

static inline HcclResult queue_sum_on(rank_state *state, uint64_t count, aclrtStream stream) {
    return HcclAllReduce(state->send, state->receive, count, HCCL_DATA_TYPE_FP32, HCCL_REDUCE_SUM, state->comm, stream);
}

static inline HcclResult queue_sum(rank_state *state) {
    return queue_sum_on(state, COUNT, state->stream);
}

static inline void check_sum(rank_state *state) {
    float values[COUNT];
    int wrong = 0;
    CHECK_STATUS(0, aclrtMemcpy(values, sizeof values, state->receive, sizeof values, ACL_MEMCPY_DEVICE_TO_HOST));
    for (int i = 0; i < COUNT; i++) {
        wrong += values[i] != (float)(state->size * (state->size - 1) / 2 + state->size * (uint32_t)i);
    }
    CHECK(wrong == 0);
}

/* A sum over all ranks, start to end. */
static inline void check_sums(rank_state *state) {
    CHECK_STATUS(0, aclrtMemset(state->receive, COUNT * sizeof(float), 0xff, COUNT * sizeof(float)));
    CHECK_STATUS(0, queue_sum(state));
    CHECK_STATUS(0, aclrtSynchronizeStream(state->stream));
    check_sum(state);
}

/* After an operation that failed: its stream keeps the error. */
static inline void renew_stream(rank_state *state) {
    CHECK_STATUS(0, aclrtDestroyStream(state->stream));
    CHECK_STATUS(0, aclrtCreateStream(&state->stream));
}

/* ---- threads ---- */

typedef struct {
    rank_state state;
    rank_body *body;
} rank_thread;

static inline void *run_rank_thread(void *argument) {
    rank_thread *thread = (rank_thread *)argument;
    CHECK_STATUS(0, aclrtSetDevice((int32_t)thread->state.rank));
    rank_open(&thread->state);
    thread->body(&thread->state);
    rank_close(&thread->state);
    CHECK_STATUS(0, aclrtResetDevice((int32_t)thread->state.rank));
    return NULL;
}

/* Some ranks of a communicator, as threads; rank r is on device r. */
static inline void run_some_threads(uint32_t first, uint32_t count, rank_state state, HcclComm *comms,
                                    rank_body *body) {
    rank_thread threads[MOST_RANKS];
    pthread_t ids[MOST_RANKS];
    for (uint32_t i = 0; i < count; i++) {
        threads[i].state = state;
        threads[i].state.rank = first + i;
        threads[i].state.comm = comms == NULL ? NULL : comms[i];
        threads[i].body = body;
        CHECK(pthread_create(&ids[i], NULL, run_rank_thread, &threads[i]) == 0);
    }
    for (uint32_t i = 0; i < count; i++) {
        pthread_join(ids[i], NULL);
    }
}

/* All of them; comms may be NULL. */
static inline void run_threads(uint32_t size, HcclComm *comms, rank_body *body, void *shared) {
    const rank_state state = {.size = size, .shared = shared};
    run_some_threads(0, size, state, comms, body);
}

/* ---- processes ---- */

/* Memory that forked processes share, with room for the root info and a place to meet. */
typedef struct {
    HcclRootInfo info;
    pthread_barrier_t meeting, meeting_of_pairs; /* of one thread per process, and of two */
    uint64_t words[MOST_RANKS];
} shared_page;

static inline shared_page *new_shared_page(uint32_t ranks) {
    void *memory = mmap(NULL, sizeof(shared_page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shared_page *page = (shared_page *)memory;
    pthread_barrierattr_t attributes;
    pthread_barrierattr_init(&attributes);
    pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&page->meeting, &attributes, ranks);
    pthread_barrier_init(&page->meeting_of_pairs, &attributes, 2 * ranks);
    pthread_barrierattr_destroy(&attributes);
    return page;
}

static inline void meet_outside(rank_state *state) {
    pthread_barrier_wait(&((shared_page *)state->shared)->meeting);
}

typedef int32_t rank_prepare(uint32_t rank);

static inline int32_t device_as_rank(uint32_t rank) {
    return (int32_t)rank;
}

static inline void run_rank_process(rank_state *state, rank_prepare *prepare, rank_body *body) {
    alarm(60); /* a test that hangs ends */
    check_failures = 0;
    const int32_t device = prepare(state->rank);
    CHECK_STATUS(0, aclInit(NULL));
    CHECK_STATUS(0, aclrtSetDevice(device));
    rank_open(state);
    body(state);
    rank_close(state);
    CHECK_STATUS(0, aclrtResetDevice(device));
    CHECK_STATUS(0, aclFinalize());
    exit(check_failures != 0);
}

/* Rank r is a process on device r, or on the device that `prepare` says, which may set the rank's environment. The
 * calling process must not have called ACL. Returns which ranks were killed, a bit
 * each. */
static inline unsigned run_prepared_processes(uint32_t size, rank_prepare *prepare, rank_body *body) {
    shared_page *page = new_shared_page(size);
    pid_t children[MOST_RANKS];
    unsigned killed = 0;
    fflush(NULL);
    for (uint32_t rank = 0; rank < size; rank++) {
        rank_state state = {.rank = rank, .size = size, .shared = page};
        children[rank] = fork();
        if (children[rank] == 0) {
            run_rank_process(&state, prepare, body);
        }
    }
    for (uint32_t rank = 0; rank < size; rank++) {
        int status = -1;
        CHECK(children[rank] > 0 && waitpid(children[rank], &status, 0) == children[rank]);
        CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
        killed |= WIFSIGNALED(status) ? 1u << rank : 0;
    }
    munmap(page, sizeof *page);
    return killed;
}

static inline unsigned run_processes(uint32_t size, rank_body *body) {
    return run_prepared_processes(size, device_as_rank, body);
}

/* All ranks of a run_processes join one communicator. */
static inline HcclResult join_as(rank_state *state, uint32_t rank, uint32_t size) {
    shared_page *page = (shared_page *)state->shared;
    if (state->rank == 0) {
        CHECK_STATUS(0, HcclGetRootInfo(&page->info));
    }
    meet_outside(state);
    return HcclCommInitRootInfo(size, &page->info, rank, &state->comm);
}

#endif
