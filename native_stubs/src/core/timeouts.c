/* See timeouts.h. */
#include "core/timeouts.h"

#include <stdatomic.h>

/* 2^32 ns, with which the documented default and maximum of 1091 s are 254 intervals. */
#define INTERVAL_US UINT64_C(4294967)
#define MAX_INTERVALS 254u

static _Atomic(uint32_t) wait_s;
static _Atomic(uint64_t) execute_us = INTERVAL_US * MAX_INTERVALS;

uint32_t stub_wait_timeout_s(void) {
    return atomic_load(&wait_s);
}

void stub_set_wait_timeout_s(uint32_t seconds) {
    atomic_store(&wait_s, seconds);
}

uint64_t stub_set_execute_timeout_us(uint64_t microseconds) {
    uint64_t intervals = microseconds / INTERVAL_US + (microseconds % INTERVAL_US != 0);
    if (intervals == 0 || intervals > MAX_INTERVALS) {
        intervals = MAX_INTERVALS;
    }
    atomic_store(&execute_us, intervals * INTERVAL_US);
    return intervals * INTERVAL_US;
}

uint64_t stub_execute_timeout_us(void) {
    return atomic_load(&execute_us);
}

uint64_t stub_execute_timeout_interval_us(void) {
    return INTERVAL_US;
}
