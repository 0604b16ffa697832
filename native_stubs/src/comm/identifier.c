/* See identifier.h. */
#include "comm/identifier.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LOOPBACK "127.0.0.1"
#define BASE_PORT "60000"

static uint64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Later than every earlier answer, even when the clock is set back. */
static uint64_t unique_us(void) {
    static _Atomic(uint64_t) latest;
    uint64_t previous = atomic_load(&latest);
    uint64_t next = 0;
    do {
        const uint64_t now = now_us();
        next = now > previous ? now : previous + 1;
    } while (!atomic_compare_exchange_weak(&latest, &previous, next));
    return next;
}

void stub_make_identifier(int device, char identifier[STUB_IDENTIFIER_BYTES]) {
    const char *address = getenv("HCCL_IF_IP");
    const char *port = getenv("HCCL_IF_BASE_PORT");
    snprintf(identifier, STUB_IDENTIFIER_BYTES, "%.80s_%.5s_%d_%llu", address == NULL ? LOOPBACK : address,
             port == NULL ? BASE_PORT : port, device, (unsigned long long)unique_us());
}
