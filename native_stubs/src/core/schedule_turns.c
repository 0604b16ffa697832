/* One task at a time: whose turn it is under "shuffle" and "hold". */
#include "core/clock.h"
#include "core/schedule_state.h"

/* What the workers are at. */
typedef struct {
    stub_stream *chosen; /* one of those that are ready */
    unsigned ready;
    bool busy;          /* one runs a task, or is on its way to the next */
    bool needed;        /* somebody needs a task that has not run */
    uint64_t generator; /* for a choice at random */
} survey;

bool stub_schedule_tries_patience(const stub_stream *stream) {
    const uint64_t since = atomic_load(&stream->seat.in_user_code_ns);
    return since != 0 && stub_now_ns() - since >= STUB_PATIENCE_NS;
}

static bool is_busy(const stub_stream *stream) {
    return atomic_load(&stream->seat.place) == STUB_SEAT_AWAY &&
           atomic_load(&stream->done) < atomic_load(&stream->submitted) && !stub_schedule_tries_patience(stream);
}

static bool is_ready(const stub_stream *stream) {
    const stub_record *record = stream->seat.record;
    switch (atomic_load(&stream->seat.place)) {
    case STUB_SEAT_GATE:
        return true;
    case STUB_SEAT_WAITING:
        return record != NULL && atomic_load(&record->state) != STUB_RECORD_PENDING;
    default:
        return false;
    }
}

/* SplitMix64. */
static uint64_t draw(uint64_t *state) {
    uint64_t value = *state += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

static void look_at(survey *found, stub_stream *stream) {
    found->busy = found->busy || is_busy(stream);
    found->needed = found->needed || atomic_load(&stream->done) < stream->seat.needed;
}

/* Each of those that are ready is chosen with the same probability, in one pass. */
static void survey_at_random(stub_stream *stream, void *argument) {
    survey *found = argument;
    look_at(found, stream);
    if (is_ready(stream) && draw(&found->generator) % ++found->ready == 0) {
        found->chosen = stream;
    }
}

static bool is_older(const stub_stream *left, const stub_stream *right) {
    return left->seat.age != right->seat.age ? left->seat.age < right->seat.age : left->handle.id < right->handle.id;
}

static void survey_by_age(stub_stream *stream, void *argument) {
    survey *found = argument;
    look_at(found, stream);
    if (is_ready(stream) && (found->chosen == NULL || is_older(stream, found->chosen))) {
        found->chosen = stream;
    }
}

static void give_turn(stub_stream *stream) {
    stub_schedule_state.turn = stream;
    pthread_cond_broadcast(&stream->seat.turn);
}

static bool turn_is_taken(void) {
    const stub_stream *turn = stub_schedule_state.turn;
    return turn != NULL && !stub_schedule_tries_patience(turn);
}

/* The generator moves on only with a choice: how often the workers are looked at depends on time. */
void stub_schedule_pick(void) {
    if (stub_schedule_kind_now() != STUB_SCHEDULE_SHUFFLE || turn_is_taken()) {
        return;
    }
    survey found = {.generator = stub_schedule_state.generator};
    stub_worker_each(survey_at_random, &found);
    if (found.chosen != NULL && found.needed && !found.busy) {
        stub_schedule_state.generator = found.generator;
        give_turn(found.chosen);
    }
}

void stub_schedule_end_turn(stub_stream *stream, bool finished) {
    if (stub_schedule_state.turn == stream) {
        stub_schedule_state.turn = NULL;
        stub_schedule_state.ran += finished;
    }
    stub_schedule_pick();
    pthread_cond_broadcast(&stub_schedule_state.changed);
}

/* ---- "hold" ---- */

static bool is_held(void) {
    return stub_schedule_kind_now() == STUB_SCHEDULE_HOLD && !stub_process_is_exiting();
}

static void wait_for_change(void) {
    const stub_deadline slice = stub_deadline_after(STUB_PATIENCE_MS);
    stub_condition_wait(&stub_schedule_state.changed, &stub_schedule_state.lock, &slice);
}

/* The worker with the oldest task of those that are ready once all have come to rest; NULL when there is none. */
static stub_stream *find_oldest(void) {
    while (is_held()) {
        survey found = {0};
        stub_worker_each(survey_by_age, &found);
        if (!found.busy && stub_schedule_state.turn == NULL) {
            return found.chosen;
        }
        wait_for_change();
    }
    return NULL;
}

/* False when no task is ready. */
static bool take_step(void) {
    stub_stream *stream = find_oldest();
    if (stream != NULL) {
        give_turn(stream);
        while (is_held() && stub_schedule_state.turn == stream) {
            wait_for_change();
        }
    }
    return stream != NULL;
}

/* Under the lock. */
static uint64_t take_steps(uint64_t tasks) {
    const uint64_t before = stub_schedule_state.ran;
    while (stub_schedule_state.ran - before < tasks && take_step()) {
    }
    return stub_schedule_state.ran - before;
}

uint64_t stub_schedule_step(uint64_t tasks) {
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    uint64_t ran = 0;
    stub_schedule_read();
    if (stub_worker_stream() != NULL) {
        return 0; /* it would wait for its own task */
    }
    pthread_mutex_lock(&one_at_a_time);
    pthread_mutex_lock(&stub_schedule_state.lock);
    ran = take_steps(tasks);
    pthread_mutex_unlock(&stub_schedule_state.lock);
    pthread_mutex_unlock(&one_at_a_time);
    return ran;
}
