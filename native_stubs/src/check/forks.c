/* See forks.h: around a fork the forking thread holds all of the locks. */
#include "check/forks.h"

#include <stdlib.h>

#define MOST_LOCKS 8

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t *locks[MOST_LOCKS];
static int lock_count;

static void before_fork(void) {
    pthread_mutex_lock(&list_lock);
    for (int i = 0; i < lock_count; i++) {
        pthread_mutex_lock(locks[i]);
    }
}

static void after_fork(void) {
    for (int i = lock_count; i-- > 0;) {
        pthread_mutex_unlock(locks[i]);
    }
    pthread_mutex_unlock(&list_lock);
}

static void watch(void) {
    pthread_atfork(before_fork, after_fork, after_fork);
}

void stub_lock_survives_forks(pthread_mutex_t *lock) {
    pthread_once(&once, watch);
    pthread_mutex_lock(&list_lock);
    if (lock_count == MOST_LOCKS) {
        abort(); /* a room of ours that needs a larger list */
    }
    locks[lock_count++] = lock;
    pthread_mutex_unlock(&list_lock);
}
