/* The listeners' threads; see root.h. */
#include "comm/root.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "comm/meeting.h"
#include "core/context.h"
#include "core/error.h"
#include "core/fork.h"
#include "core/thread.h"

typedef struct root {
    struct root *next;
    pthread_t thread;
    stub_meeting meeting;
} root;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static root *roots; /* that are at work; under the lock */
static bool exiting;

static bool is_exiting(void) {
    pthread_mutex_lock(&lock);
    const bool result = exiting;
    pthread_mutex_unlock(&lock);
    return result;
}

static void unlist(const root *gone) {
    root **link = &roots;
    while (*link != gone) {
        link = &(*link)->next;
    }
    *link = gone->next;
}

static void *listen_for_ranks(void *argument) {
    root *own = argument;
    stub_meeting_hold(&own->meeting, is_exiting);
    pthread_mutex_lock(&lock);
    const bool joined = exiting; /* by stop_roots, which frees it too */
    if (!joined) {
        unlist(own);
        pthread_detach(own->thread);
    }
    pthread_mutex_unlock(&lock);
    if (!joined) {
        free(own);
    }
    return NULL;
}

/* The thread needs the lock before it looks at what it is given here. */
static HcclResult start(root *own) {
    stub_watch_forks();
    pthread_mutex_lock(&lock);
    const int failed = exiting ? ECANCELED : stub_thread_start(&own->thread, listen_for_ranks, own);
    if (failed == 0) {
        own->next = roots;
        roots = own;
    }
    pthread_mutex_unlock(&lock);
    if (failed != 0) {
        close(own->meeting.listener);
        free(own);
        return (HcclResult)stub_fail(HCCL_E_SYSCALL, "the thread that waits for the ranks cannot be started: %s.",
                                     strerror(failed));
    }
    return HCCL_SUCCESS;
}

static HcclResult fail_listening(void) {
    if (errno == EADDRINUSE) {
        return HCCL_E_UNAVAIL;
    }
    return (HcclResult)stub_fail(HCCL_E_SYSCALL, "the socket where the ranks meet cannot be opened: %s.",
                                 strerror(errno));
}

HcclResult stub_root_open(const char *place, const char *identifier) {
    const int listener = stub_wire_listen(place);
    if (listener < 0) {
        return fail_listening();
    }
    root *own = calloc(1, sizeof *own);
    if (own == NULL) {
        close(listener);
        return (HcclResult)stub_fail(HCCL_E_MEMORY, "the host has no memory for a communicator.");
    }
    stub_meeting_open(&own->meeting, listener, identifier);
    return start(own);
}

/* Listeners end within a slice and are joined, so that nothing runs any more. */
__attribute__((destructor)) static void stop_roots(void) {
    if (stub_is_forked_child()) {
        return;
    }
    pthread_mutex_lock(&lock);
    exiting = true;
    root *one = roots;
    pthread_mutex_unlock(&lock);
    while (one != NULL) {
        root *next = one->next;
        pthread_join(one->thread, NULL);
        free(one);
        one = next;
    }
}
