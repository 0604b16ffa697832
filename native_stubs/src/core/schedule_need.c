/* Who needs which tasks: what "deferred" lets run, and what makes "shuffle" go on. */
#include "core/clock.h"
#include "core/schedule_state.h"

void stub_schedule_raise(stub_stream *stream, uint64_t count) {
    if (count > stream->seat.needed) {
        stream->seat.needed = count;
        pthread_cond_broadcast(&stream->seat.turn);
    }
}

void stub_schedule_need(stub_stream *stream, uint64_t count) {
    pthread_mutex_lock(&stub_schedule_state.lock);
    stub_schedule_raise(stream, count);
    stub_schedule_pick();
    pthread_mutex_unlock(&stub_schedule_state.lock);
}

static void need_submitted(stub_stream *stream, void *unused) {
    (void)unused;
    stub_schedule_raise(stream, atomic_load(&stream->submitted));
}

void stub_schedule_need_all(void) {
    pthread_mutex_lock(&stub_schedule_state.lock);
    stub_worker_each(need_submitted, NULL);
    stub_schedule_pick();
    pthread_mutex_unlock(&stub_schedule_state.lock);
}

/* A pending record's stream has the record's task in its queue, so it is alive. */
static void need_place(stub_record *record) {
    pthread_mutex_lock(&record->lock);
    stub_stream *stream = atomic_load(&record->stream);
    if (stream != NULL && atomic_load(&record->state) == STUB_RECORD_PENDING) {
        stub_schedule_need(stream, record->task.number + 1);
    }
    pthread_mutex_unlock(&record->lock);
}

/* Either this sees the record's stream, or who queues it there sees that it is awaited. */
void stub_schedule_need_record(stub_record *record) {
    atomic_store(&record->awaited, true);
    if (stub_schedule_is_on()) {
        need_place(record);
    }
}

void stub_schedule_record_queued(stub_record *record, stub_stream *stream) {
    atomic_store(&record->stream, stream);
    if (atomic_load(&record->awaited) && stub_schedule_is_on()) {
        need_place(record);
    }
}

uint64_t stub_schedule_age(void) {
    static _Atomic(uint64_t) newest;
    return atomic_fetch_add_explicit(&newest, 1, memory_order_relaxed) + 1;
}

/* The first of several hints counts. */
static void hint(stub_stream *stream, uint64_t count) {
    stub_seat *seat = &stream->seat;
    pthread_mutex_lock(&stub_schedule_state.lock);
    if (seat->hinted <= seat->needed) {
        seat->hinted_ns = stub_now_ns();
    }
    seat->hinted = count;
    pthread_cond_broadcast(&seat->turn);
    pthread_mutex_unlock(&stub_schedule_state.lock);
}

void stub_schedule_queued(stub_stream *stream, uint64_t number, stub_urgency urgency) {
    switch (urgency) {
    case STUB_NEEDED_AT_ONCE:
        stub_schedule_need(stream, number + 1);
        break;
    case STUB_NEEDED_SOON:
        hint(stream, number + 1);
        break;
    default:
        break;
    }
}
