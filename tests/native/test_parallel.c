/* The pool of threads that kernels and collectives share their work with: every piece once, whoever asks and whenever.
 * The stand-in's own functions, which no public call shows. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

#define MANY 1000
#define CALLERS 8

static void (*parallel)(size_t count, void (*piece)(void *state, size_t index), void *state);
static unsigned (*parallel_threads)(void);

static void nap(void) {
    const struct timespec length = {0, 200000};
    nanosleep(&length, NULL);
}

/* ---- pieces ---- */

static void count_call(void *state, size_t index) {
    atomic_uint *calls = state;
    atomic_fetch_add(&calls[index], 1);
}

static void check_calls(size_t count) {
    atomic_uint calls[MANY] = {0};
    parallel(count, count_call, calls);
    for (size_t i = 0; i < MANY; i++) {
        CHECK(calls[i] == (i < count ? 1u : 0u));
    }
}

typedef struct {
    pthread_t caller;
    atomic_uint by_caller, by_others;
} crew;

static void note_thread(void *state, size_t index) {
    crew *seen = state;
    (void)index;
    nap();
    atomic_fetch_add(pthread_equal(pthread_self(), seen->caller) ? &seen->by_caller : &seen->by_others, 1);
}

/* ---- what is true of the pool ---- */

static void every_piece_is_called_once(void) {
    static const size_t counts[] = {0, 1, 2, 3, 7, 64, MANY};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        check_calls(counts[i]);
    }
}

static void pieces_are_shared(unsigned threads) {
    crew seen = {.caller = pthread_self()};
    parallel(100, note_thread, &seen);
    CHECK(seen.by_caller + seen.by_others == 100);
    CHECK((seen.by_others > 0) == (threads > 1));
    CHECK(parallel_threads() == threads);
}

/* What pieces wrote without atomics is there for the caller. */
static void write_index(void *state, size_t index) {
    ((size_t *)state)[index] = index;
}

static void results_are_visible_when_the_call_returns(void) {
    size_t written[MANY];
    for (int round = 0; round < 100; round++) {
        memset(written, 0, sizeof written);
        parallel(MANY, write_index, written);
        for (size_t i = 0; i < MANY; i++) {
            CHECK(written[i] == i);
        }
    }
}

static void *call_often(void *unused) {
    for (size_t i = 0; i < 100; i++) {
        check_calls(i % 5 * 10);
    }
    return unused;
}

static void many_threads_may_call_at_once(void) {
    pthread_t callers[CALLERS];
    for (int i = 0; i < CALLERS; i++) {
        CHECK_STATUS(0, pthread_create(&callers[i], NULL, call_often, NULL));
    }
    for (int i = 0; i < CALLERS; i++) {
        CHECK_STATUS(0, pthread_join(callers[i], NULL));
    }
}

static void share_again(void *state, size_t index) {
    (void)state;
    (void)index;
    check_calls(20);
}

static void a_piece_may_share_its_own_work(void) {
    parallel(20, share_again, NULL);
}

static void check_child(pid_t child, const char *what) {
    int status = -1;
    const bool passed = child > 0 && waitpid(child, &status, 0) == child && status == 0;
    if (!passed) {
        fprintf(stderr, "%s: the child ended with status %#x\n", what, (unsigned)status);
    }
    CHECK(passed);
}

static void a_forked_child_works_alone(void) {
    check_calls(MANY);
    const pid_t child = fork();
    if (child == 0) {
        alarm(60);
        check_calls(MANY);
        _exit(check_failures != 0);
    }
    check_child(child, "work after fork");
}

static void *work_for_ever(void *unused) {
    for (;;) {
        crew seen = {.caller = pthread_self()};
        parallel(10, note_thread, &seen);
    }
    return unused;
}

/* In a child: the pool ends while others work. */
static void exit_in_the_middle(void) {
    pthread_t worker;
    alarm(60);
    check_calls(MANY);
    CHECK_STATUS(0, pthread_create(&worker, NULL, work_for_ever, NULL));
    nap();
    exit(0);
}

/* ---- */

static void test_everything(unsigned threads) {
    every_piece_is_called_once();
    pieces_are_shared(threads);
    results_are_visible_when_the_call_returns();
    many_threads_may_call_at_once();
    a_piece_may_share_its_own_work();
    a_forked_child_works_alone();
}

/* The settings are read once per process. */
static void in_child(unsigned threads, bool exits_early) {
    char text[16];
    snprintf(text, sizeof text, "%u", threads);
    const pid_t child = fork();
    if (child == 0) {
        setenv("ASCEND_STUB_THREADS", text, 1);
        if (exits_early) {
            exit_in_the_middle();
        }
        test_everything(threads);
        exit(0);
    }
    check_child(child, exits_early ? "exit in the middle" : text);
}

static void find(void *library, const char *name, void *function) {
    void *found = library != NULL ? dlsym(library, name) : NULL;
    CHECK(found != NULL);
    memcpy(function, &found, sizeof found);
}

int main(void) {
    void *library = dlopen("libascend_stub.so", RTLD_NOW);
    find(library, "stub_parallel", &parallel);
    find(library, "stub_parallel_threads", &parallel_threads);
    if (check_failures == 0) {
        in_child(1, false);
        in_child(2, false);
        in_child(5, false);
        in_child(4, true);
    }
    return 0;
}
