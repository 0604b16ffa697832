/* Which schedule is in force: the environment, stub_schedule_set and stub_schedule_get. */
#include "core/schedule.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/schedule_state.h"

#define ALLOWED "eager, deferred, shuffle:<seed> (a whole number from 0 to 2^64 - 1), hold"
#define SHUFFLE "shuffle:"

_Atomic(stub_schedule_kind) stub_schedule_now = STUB_SCHEDULE_UNREAD;
stub_schedule stub_schedule_state = {.lock = PTHREAD_MUTEX_INITIALIZER};
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const char *const words[] = {
    [STUB_SCHEDULE_DEFAULT] = "",  [STUB_SCHEDULE_EAGER] = "eager",   [STUB_SCHEDULE_DEFERRED] = "deferred",
    [STUB_SCHEDULE_HOLD] = "hold", [STUB_SCHEDULE_SHUFFLE] = SHUFFLE,
};
#define KINDS (sizeof words / sizeof *words)

static bool parse_seed(const char *text, uint64_t *seed) {
    char *end = NULL;
    errno = 0;
    *seed = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
}

static bool parse(const char *text, stub_schedule_kind *kind, uint64_t *seed) {
    if (strncmp(text, SHUFFLE, strlen(SHUFFLE)) == 0) {
        *kind = STUB_SCHEDULE_SHUFFLE;
        return parse_seed(text + strlen(SHUFFLE), seed);
    }
    for (size_t i = 0; i < KINDS; i++) {
        if (strcmp(text, words[i]) == 0) {
            *kind = (stub_schedule_kind)i;
            return true;
        }
    }
    return false;
}

static void read_environment(void) {
    const char *text = getenv("ASCEND_STUB_SCHEDULE");
    stub_schedule_kind kind = STUB_SCHEDULE_DEFAULT;
    stub_condition_init(&stub_schedule_state.changed);
    if (text != NULL && !parse(text, &kind, &stub_schedule_state.seed)) {
        fprintf(stderr, "ascend-ops stand-in: ASCEND_STUB_SCHEDULE=\"%s\" is ignored; allowed: %s\n", text, ALLOWED);
        kind = STUB_SCHEDULE_DEFAULT;
    }
    stub_schedule_state.generator = stub_schedule_state.seed;
    atomic_store(&stub_schedule_now, kind);
}

stub_schedule_kind stub_schedule_read(void) {
    pthread_once(&once, read_environment);
    return atomic_load(&stub_schedule_now);
}

/* Tasks that were queued to run soon are needed under a schedule that asks; a worker that is in the middle of one may
 * be in user code. */
static void take_over(stub_stream *stream, void *argument) {
    const bool ran_freely = *(const bool *)argument;
    const uint64_t submitted = atomic_load(&stream->submitted);
    if (ran_freely) {
        stub_schedule_raise(stream, submitted);
        if (atomic_load(&stream->done) < submitted && atomic_load(&stream->seat.place) == STUB_SEAT_AWAY) {
            atomic_store(&stream->seat.in_user_code_ns, stub_now_ns());
        }
    }
    pthread_cond_broadcast(&stream->seat.turn);
}

/* Under the lock. Somebody who was given the turn and has not started must not keep it. */
static void change(stub_schedule_kind kind, uint64_t seed) {
    const stub_schedule_kind before = atomic_load(&stub_schedule_now);
    bool ran_freely = before == STUB_SCHEDULE_DEFAULT || before == STUB_SCHEDULE_EAGER;
    stub_stream *turn = stub_schedule_state.turn;
    if (turn != NULL && atomic_load(&turn->seat.place) != STUB_SEAT_AWAY) {
        stub_schedule_state.turn = NULL;
    }
    stub_schedule_state.seed = stub_schedule_state.generator = seed;
    atomic_store(&stub_schedule_now, kind);
    stub_worker_each(take_over, &ran_freely);
    stub_schedule_pick();
    pthread_cond_broadcast(&stub_schedule_state.changed);
}

aclError stub_schedule_set(const char *schedule) {
    stub_schedule_kind kind = STUB_SCHEDULE_DEFAULT;
    uint64_t seed = 0;
    if (schedule == NULL || !parse(schedule, &kind, &seed)) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "stub_schedule_set: schedule is \"%s\"; allowed: %s, or \"\".",
                         schedule == NULL ? "(NULL)" : schedule, ALLOWED);
    }
    stub_schedule_read();
    pthread_mutex_lock(&stub_schedule_state.lock);
    change(kind, seed);
    pthread_mutex_unlock(&stub_schedule_state.lock);
    return ACL_SUCCESS;
}

size_t stub_schedule_get(char *schedule, size_t size) {
    stub_schedule_read();
    pthread_mutex_lock(&stub_schedule_state.lock);
    const stub_schedule_kind kind = stub_schedule_kind_now();
    const uint64_t seed = stub_schedule_state.seed;
    pthread_mutex_unlock(&stub_schedule_state.lock);
    char number[24] = "";
    if (kind == STUB_SCHEDULE_SHUFFLE) {
        snprintf(number, sizeof number, "%" PRIu64, seed);
    }
    return (size_t)snprintf(schedule, size, "%s%s", words[kind], number);
}
