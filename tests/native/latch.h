/* What holds a stream still without sleeping: a gate that host functions wait at, and a counter they bump. */
#ifndef ASCEND_TESTS_LATCH_H
#define ASCEND_TESTS_LATCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "acl/acl.h"
#include "check.h"

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    int arrived;
} latch;

#define LATCH {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0}

/* Host function: waits until the latch is opened. */
static inline void latch_wait(void *argument) {
    latch *gate = (latch *)argument;
    pthread_mutex_lock(&gate->lock);
    gate->arrived++;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->open) {
        pthread_cond_wait(&gate->changed, &gate->lock);
    }
    pthread_mutex_unlock(&gate->lock);
}

static inline void latch_open(latch *gate) {
    pthread_mutex_lock(&gate->lock);
    gate->open = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

/* Waits until that many have arrived at the latch. */
static inline void latch_await(latch *gate, int arrived) {
    pthread_mutex_lock(&gate->lock);
    while (gate->arrived < arrived) {
        pthread_cond_wait(&gate->changed, &gate->lock);
    }
    pthread_mutex_unlock(&gate->lock);
}

/* Host function: adds one to an int. */
static inline void count_up(void *argument) {
    __atomic_fetch_add((int *)argument, 1, __ATOMIC_RELAXED);
}

static inline int counted(int *counter) {
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static inline aclrtStream new_stream(void) {
    aclrtStream stream = NULL;
    CHECK_STATUS(0, aclrtCreateStream(&stream));
    return stream;
}

/* Runs a function in a thread of its own and waits for it. */
static inline void in_new_thread(void *(*function)(void *), void *argument) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, function, argument) == 0);
    pthread_join(thread, NULL);
}

#endif
