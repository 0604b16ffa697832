/* The gate that a worker passes before each task, and what it tells the schedule. */
#include "core/clock.h"
#include "core/schedule_state.h"

static bool is_dropping(const stub_stream *stream) {
    return stub_stream_is_interrupted(stream);
}

/* Under the lock, like what follows: the worker may go on with a task that it has begun. */
static bool may_go_on(const stub_stream *stream) {
    const stub_schedule_kind kind = stub_schedule_kind_now();
    const bool in_turns = kind == STUB_SCHEDULE_SHUFFLE || kind == STUB_SCHEDULE_HOLD;
    return !in_turns || stub_schedule_state.turn == stream || is_dropping(stream);
}

static bool may_start(const stub_stream *stream) {
    if (stub_schedule_kind_now() != STUB_SCHEDULE_DEFERRED) {
        return may_go_on(stream);
    }
    return atomic_load_explicit(&stream->done, memory_order_relaxed) < stream->seat.needed || is_dropping(stream);
}

static bool has_hint(const stub_seat *seat) {
    return seat->hinted > seat->needed && stub_schedule_kind_now() != STUB_SCHEDULE_HOLD;
}

static void follow_hint(stub_stream *stream) {
    stub_seat *seat = &stream->seat;
    if (has_hint(seat) && stub_now_ns() - seat->hinted_ns >= STUB_PATIENCE_NS) {
        stub_schedule_raise(stream, seat->hinted);
    }
}

/* Others may lose their patience without telling anybody. */
static stub_deadline look_again(const stub_seat *seat) {
    const bool looks = has_hint(seat) || stub_schedule_kind_now() == STUB_SCHEDULE_SHUFFLE;
    return stub_deadline_after(looks ? STUB_PATIENCE_MS : -1);
}

static void wait_at_gate(stub_stream *stream, bool (*may_pass)(const stub_stream *)) {
    stub_seat *seat = &stream->seat;
    atomic_store(&seat->place, STUB_SEAT_GATE);
    pthread_cond_broadcast(&stub_schedule_state.changed);
    stub_schedule_pick();
    while (!may_pass(stream)) {
        const stub_deadline deadline = look_again(seat);
        stub_condition_wait(&seat->turn, &stub_schedule_state.lock, &deadline);
        follow_hint(stream);
        stub_schedule_pick();
    }
    atomic_store(&seat->place, STUB_SEAT_AWAY);
}

bool stub_schedule_enter(stub_stream *stream) {
    const stub_task *task = stream->batch;
    const bool user_code = task->urgency == STUB_NEEDED_SOON;
    pthread_mutex_lock(&stub_schedule_state.lock);
    stream->seat.age = task->age;
    atomic_store(&stream->seat.in_user_code_ns, 0);
    wait_at_gate(stream, may_start);
    atomic_store(&stream->seat.in_user_code_ns, user_code ? stub_now_ns() : 0);
    pthread_mutex_unlock(&stub_schedule_state.lock);
    return !stub_process_is_exiting();
}

void stub_schedule_leave(stub_stream *stream) {
    pthread_mutex_lock(&stub_schedule_state.lock);
    atomic_store(&stream->seat.place, STUB_SEAT_AWAY);
    atomic_store(&stream->seat.in_user_code_ns, 0);
    stub_schedule_end_turn(stream, true);
    pthread_mutex_unlock(&stub_schedule_state.lock);
}

/* Sequentially consistent with stub_schedule_set: either that saw the worker's last task done, or this sees that a
 * schedule is on. */
void stub_schedule_look_again(void) {
    pthread_mutex_lock(&stub_schedule_state.lock);
    stub_schedule_pick();
    pthread_cond_broadcast(&stub_schedule_state.changed);
    pthread_mutex_unlock(&stub_schedule_state.lock);
}

/* Who waits in "eager" need not wait any longer. */
static void tell_eager(stub_stream *stream) {
    pthread_mutex_lock(&stream->lock);
    pthread_cond_broadcast(&stream->progress);
    pthread_mutex_unlock(&stream->lock);
}

void stub_schedule_wait_begins(stub_stream *stream, stub_record *record) {
    if (!stub_schedule_is_on()) {
        atomic_store(&stream->seat.place, STUB_SEAT_WAITING);
        return;
    }
    pthread_mutex_lock(&stub_schedule_state.lock);
    atomic_store(&stream->seat.place, STUB_SEAT_WAITING);
    stream->seat.record = record;
    stub_schedule_end_turn(stream, record == NULL);
    pthread_mutex_unlock(&stub_schedule_state.lock);
    tell_eager(stream);
}

void stub_schedule_wait_ends(stub_stream *stream) {
    if (!stub_schedule_is_on() && stream->seat.record == NULL) {
        atomic_store(&stream->seat.place, STUB_SEAT_AWAY);
        return;
    }
    pthread_mutex_lock(&stub_schedule_state.lock);
    stream->seat.record = NULL;
    wait_at_gate(stream, may_go_on);
    pthread_mutex_unlock(&stub_schedule_state.lock);
}

void stub_schedule_wake(stub_stream *stream) {
    pthread_mutex_lock(&stub_schedule_state.lock);
    pthread_cond_broadcast(&stream->seat.turn);
    pthread_cond_broadcast(&stub_schedule_state.changed);
    pthread_mutex_unlock(&stub_schedule_state.lock);
}

/* ---- "eager" ---- */

/* The worker waits for something, which may be the caller. */
static bool is_stuck(const stub_stream *stream) {
    return atomic_load(&stream->seat.place) == STUB_SEAT_WAITING || stub_schedule_tries_patience(stream);
}

void stub_schedule_run_at_once(stub_stream *stream, uint64_t number) {
    if (stub_schedule_kind_now() != STUB_SCHEDULE_EAGER || stub_worker_stream() != NULL) {
        return;
    }
    stream->pins++;
    while (!stub_stream_has_done(stream, number + 1) && !is_stuck(stream) && !is_dropping(stream) &&
           stub_schedule_kind_now() == STUB_SCHEDULE_EAGER) {
        const stub_deadline slice = stub_deadline_after(STUB_PATIENCE_MS);
        if (stub_stream_ask_wake(stream, number + 1)) {
            stub_condition_wait(&stream->progress, &stream->lock, &slice);
        }
    }
    stub_stream_unpin(stream);
}
