/* See clock.h. */
#include "core/clock.h"

#include <errno.h>

#define NS_PER_S INT64_C(1000000000)

uint64_t stub_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * (uint64_t)NS_PER_S + (uint64_t)now.tv_nsec;
}

stub_deadline stub_deadline_after(int64_t milliseconds) {
    stub_deadline deadline = {.finite = milliseconds >= 0};
    if (deadline.finite) {
        clock_gettime(CLOCK_MONOTONIC, &deadline.at);
        int64_t ns = deadline.at.tv_nsec + milliseconds % 1000 * 1000000;
        deadline.at.tv_sec += milliseconds / 1000 + ns / NS_PER_S;
        deadline.at.tv_nsec = ns % NS_PER_S;
    }
    return deadline;
}

void stub_condition_init(pthread_cond_t *condition) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

bool stub_condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, const stub_deadline *deadline) {
    if (!deadline->finite) {
        pthread_cond_wait(condition, lock);
        return true;
    }
    return pthread_cond_timedwait(condition, lock, &deadline->at) != ETIMEDOUT;
}
