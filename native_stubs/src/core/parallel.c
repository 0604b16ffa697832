/* The pool of helper threads behind stub_parallel. It starts with the first work that is worth sharing; a forked child
 * has none of it and works alone. */
#include "core/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "core/context.h"
#include "core/fork.h"
#include "core/settings.h"
#include "core/thread.h"

#define MAX_HELPERS (STUB_MAX_THREADS - 1u)

typedef struct job {
    void (*piece)(void *state, size_t index);
    void *state;
    size_t count;
    atomic_size_t next; /* the first piece that nobody has taken */
    unsigned helpers;   /* helpers inside; under the lock, as is the list */
    struct job *newer;
} job;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER; /* helpers wait here for a job */
static pthread_cond_t left = PTHREAD_COND_INITIALIZER; /* callers, for the last helper to leave */
static job *oldest;                                    /* jobs that may still have pieces */
static pthread_t helpers[MAX_HELPERS];
static unsigned helper_count, idle; /* idle: helpers that wait and that nobody has woken; under the lock */
static bool stopping;

unsigned stub_parallel_threads(void) {
    return (unsigned)stub_get_settings()->thread_count;
}

static void do_pieces(job *mine) {
    for (size_t i; (i = atomic_fetch_add_explicit(&mine->next, 1, memory_order_relaxed)) < mine->count;) {
        mine->piece(mine->state, i);
    }
}

/* Under the lock. */
static void unlist(const job *gone) {
    for (job **link = &oldest; *link != NULL; link = &(*link)->newer) {
        if (*link == gone) {
            *link = gone->newer;
            return;
        }
    }
}

/* Under the lock: the oldest job with pieces left; those without leave the list. */
static job *find_job(void) {
    while (oldest != NULL && atomic_load_explicit(&oldest->next, memory_order_relaxed) >= oldest->count) {
        oldest = oldest->newer;
    }
    return oldest;
}

/* Under the lock. A helper that wakes by itself counts as idle once too often, which costs a signal to nobody. */
static void wait_for_work(void) {
    idle++;
    pthread_cond_wait(&work, &lock);
}

/* Under the lock: how many helpers to wake. Those that are busy look for work when they are done. */
static size_t claim_helpers(size_t wanted) {
    const size_t claimed = wanted < idle ? wanted : idle;
    idle -= (unsigned)claimed;
    return claimed;
}

static void *help(void *unused) {
    pthread_mutex_lock(&lock);
    while (!stopping) {
        job *found = find_job();
        if (found == NULL) {
            wait_for_work();
            continue;
        }
        found->helpers++;
        pthread_mutex_unlock(&lock);
        do_pieces(found);
        pthread_mutex_lock(&lock);
        if (--found->helpers == 0) {
            pthread_cond_broadcast(&left);
        }
    }
    pthread_mutex_unlock(&lock);
    return unused;
}

static void start_helpers(void) {
    stub_watch_forks(); /* a child has none of these threads */
    const unsigned wanted = stub_parallel_threads() - 1;
    while (helper_count < wanted && helper_count < MAX_HELPERS &&
           stub_thread_start(&helpers[helper_count], help, NULL) == 0) {
        helper_count++;
    }
}

/* Under the lock. */
static void list(job *mine) {
    job **link = &oldest;
    while (*link != NULL) {
        link = &(*link)->newer;
    }
    *link = mine;
}

static void publish(job *mine) {
    pthread_mutex_lock(&lock);
    if (helper_count == 0 && !stopping) {
        start_helpers();
    }
    list(mine);
    size_t woken = claim_helpers(mine->count - 1);
    pthread_mutex_unlock(&lock);
    for (; woken > 0; woken--) {
        pthread_cond_signal(&work);
    }
}

static void wait_for_helpers(job *mine) {
    pthread_mutex_lock(&lock);
    unlist(mine);
    while (mine->helpers > 0) {
        pthread_cond_wait(&left, &lock);
    }
    pthread_mutex_unlock(&lock);
}

void stub_parallel(size_t count, void (*piece)(void *state, size_t index), void *state) {
    job mine = {.piece = piece, .state = state, .count = count};
    if (count < 2 || stub_parallel_threads() < 2 || stub_is_forked_child()) {
        do_pieces(&mine);
        return;
    }
    publish(&mine);
    do_pieces(&mine);
    wait_for_helpers(&mine);
}

/* A helper finishes its piece first; work that goes on during exit() is done by its own thread alone. */
__attribute__((destructor)) static void stop_helpers(void) {
    if (stub_is_forked_child()) {
        return;
    }
    pthread_mutex_lock(&lock);
    stopping = true;
    pthread_cond_broadcast(&work);
    pthread_mutex_unlock(&lock);
    for (unsigned i = 0; i < helper_count; i++) {
        pthread_join(helpers[i], NULL);
    }
}
