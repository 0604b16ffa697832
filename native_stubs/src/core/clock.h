/* Monotonic time and condition variables that wait until a deadline. */
#ifndef ASCEND_STUB_CORE_CLOCK_H
#define ASCEND_STUB_CORE_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

typedef struct {
    bool finite; /* false: never expires */
    struct timespec at;
} stub_deadline;

uint64_t stub_now_ns(void);

/* A deadline that many milliseconds from now; -1 never expires. */
stub_deadline stub_deadline_after(int64_t milliseconds);

void stub_condition_init(pthread_cond_t *condition);

/* False when the deadline has passed. Spurious wake-ups are the caller's business, as with pthread_cond_wait. */
bool stub_condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, const stub_deadline *deadline);

#endif
