/* Vector clocks; see clocks.h. */
#include "check/clocks.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 8u

stub_clock *stub_clock_retain(stub_clock *clock) {
    if (clock != NULL) {
        atomic_fetch_add_explicit(&clock->references, 1, memory_order_relaxed);
    }
    return clock;
}

void stub_clock_release(stub_clock *clock) {
    if (clock != NULL && atomic_fetch_sub_explicit(&clock->references, 1, memory_order_acq_rel) == 1) {
        free(clock);
    }
}

uint64_t stub_clock_at(const stub_clock *clock, uint32_t slot) {
    return clock != NULL && slot < clock->count ? clock->over[slot] : 0;
}

uint64_t stub_ticking_at(const stub_ticking *clock, uint32_t slot) {
    return slot < clock->count ? clock->over[slot] : 0;
}

static bool make_room(stub_ticking *clock, uint32_t slots) {
    if (slots <= clock->count) {
        return true;
    }
    uint32_t count = clock->count == 0 ? FIRST_SLOTS : clock->count;
    while (count < slots) {
        count *= 2;
    }
    uint64_t *over = realloc(clock->over, count * sizeof *over);
    if (over != NULL) {
        memset(over + clock->count, 0, (count - clock->count) * sizeof *over);
        clock->over = over;
        clock->count = count;
    }
    return over != NULL;
}

static void has_changed(stub_ticking *clock) {
    stub_clock_release(clock->shown);
    clock->shown = NULL;
}

bool stub_ticking_raise(stub_ticking *clock, uint32_t slot, uint64_t over) {
    if (stub_ticking_at(clock, slot) >= over) {
        return true;
    }
    if (!make_room(clock, slot + 1)) {
        return false;
    }
    clock->over[slot] = over;
    has_changed(clock);
    return true;
}

static bool join(stub_ticking *clock, const uint64_t *over, uint32_t count) {
    while (count > 0 && over[count - 1] == 0) {
        count--;
    }
    if (!make_room(clock, count)) {
        return false;
    }
    bool changed = false;
    for (uint32_t i = 0; i < count; i++) {
        if (over[i] > clock->over[i]) {
            clock->over[i] = over[i];
            changed = true;
        }
    }
    if (changed) {
        has_changed(clock);
    }
    return true;
}

bool stub_ticking_join(stub_ticking *clock, const stub_clock *other) {
    return other == NULL || other == clock->shown || join(clock, other->over, other->count);
}

bool stub_ticking_join_ticking(stub_ticking *clock, const stub_ticking *other) {
    return join(clock, other->over, other->count);
}

stub_clock *stub_ticking_show(stub_ticking *clock) {
    if (clock->shown == NULL) {
        stub_clock *shown = malloc(sizeof *shown + clock->count * sizeof *shown->over);
        if (shown == NULL) {
            return NULL;
        }
        atomic_init(&shown->references, 1);
        shown->count = clock->count;
        if (clock->count != 0) {
            memcpy(shown->over, clock->over, clock->count * sizeof *shown->over);
        }
        clock->shown = shown;
    }
    return stub_clock_retain(clock->shown);
}

void stub_ticking_free(stub_ticking *clock) {
    stub_clock_release(clock->shown);
    free(clock->over);
    *clock = (stub_ticking){0};
}
