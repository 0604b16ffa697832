/* See record.h. */
#include "core/record.h"

#include <stdlib.h>

#include "check/order.h"
#include "core/schedule.h"

stub_record *stub_record_new(void) {
    stub_record *record = calloc(1, sizeof *record);
    if (record != NULL) {
        atomic_init(&record->references, 1);
        pthread_mutex_init(&record->lock, NULL);
        stub_condition_init(&record->changed);
    }
    return record;
}

stub_record *stub_record_retain(stub_record *record) {
    atomic_fetch_add_explicit(&record->references, 1, memory_order_relaxed);
    return record;
}

void stub_record_release(stub_record *record) {
    if (record == NULL || atomic_fetch_sub_explicit(&record->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    stub_clock_release(record->clock);
    pthread_cond_destroy(&record->changed);
    pthread_mutex_destroy(&record->lock);
    free(record);
}

static void settle(stub_record *record, stub_record_state state, int status) {
    pthread_mutex_lock(&record->lock);
    if (atomic_load_explicit(&record->state, memory_order_relaxed) == STUB_RECORD_PENDING) {
        record->status = status;
        record->timestamp_ns = state == STUB_RECORD_COMPLETE && record->timed ? stub_now_ns() : 0;
        atomic_store_explicit(&record->state, state, memory_order_release);
        pthread_cond_broadcast(&record->changed);
    }
    pthread_mutex_unlock(&record->lock);
    if (stub_schedule_is_on()) {
        stub_schedule_look_again();
    }
}

void stub_record_complete(stub_record *record) {
    settle(record, STUB_RECORD_COMPLETE, 0);
}

void stub_record_drop(stub_record *record, int status) {
    settle(record, STUB_RECORD_DROPPED, status);
}

void stub_record_poke(stub_record *record) {
    pthread_mutex_lock(&record->lock);
    pthread_cond_broadcast(&record->changed);
    pthread_mutex_unlock(&record->lock);
}

static bool is_pending(stub_record *record) {
    return atomic_load_explicit(&record->state, memory_order_acquire) == STUB_RECORD_PENDING;
}

stub_wait_result stub_record_wait(stub_record *record, const stub_deadline *deadline,
                                  bool (*interrupted)(const stub_stream *), const stub_stream *stream) {
    if (!is_pending(record)) {
        return STUB_WAIT_DONE;
    }
    stub_wait_result result = STUB_WAIT_DONE;
    pthread_mutex_lock(&record->lock);
    while (is_pending(record) && result == STUB_WAIT_DONE) {
        if (interrupted != NULL && interrupted(stream)) {
            result = STUB_WAIT_INTERRUPTED;
        } else if (!stub_condition_wait(&record->changed, &record->lock, deadline)) {
            result = is_pending(record) ? STUB_WAIT_EXPIRED : STUB_WAIT_DONE;
        }
    }
    pthread_mutex_unlock(&record->lock);
    return result;
}
