/* See turns.h. */
#include "comm/turns.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/stream_state.h"

/* How long a wait lasts before it looks whether it is still wanted. */
#define SLICE_MS 50

struct stub_given_up {
    stub_given_up *next;
    uint64_t ticket;
    int kind;
};

void stub_turns_init(stub_turns *turns, void (*skip)(void *owner, uint64_t ticket, int kind), void *owner) {
    pthread_mutex_init(&turns->lock, NULL);
    stub_condition_init(&turns->changed);
    turns->skip = skip;
    turns->owner = owner;
}

void stub_turns_free(stub_turns *turns) {
    while (turns->waiting != NULL) {
        stub_given_up *next = turns->waiting->next;
        free(turns->waiting);
        turns->waiting = next;
    }
    pthread_cond_destroy(&turns->changed);
    pthread_mutex_destroy(&turns->lock);
}

uint64_t stub_turns_give(stub_turns *turns) {
    pthread_mutex_lock(&turns->lock);
    const uint64_t ticket = ++turns->given;
    pthread_mutex_unlock(&turns->lock);
    return ticket;
}

bool stub_turns_all_over(stub_turns *turns) {
    pthread_mutex_lock(&turns->lock);
    const bool over = turns->finished == turns->given;
    pthread_mutex_unlock(&turns->lock);
    return over;
}

/* Under the lock. */
static stub_turn_result wait_for_turn(stub_turns *turns, uint64_t ticket, uint64_t deadline_ns) {
    while (turns->finished + 1 != ticket || turns->running) {
        if (stub_worker_interrupted()) {
            return STUB_TURN_INTERRUPTED;
        }
        if (stub_now_ns() >= deadline_ns) {
            return STUB_TURN_TIMED_OUT;
        }
        const stub_deadline slice = stub_deadline_after(SLICE_MS);
        stub_condition_wait(&turns->changed, &turns->lock, &slice);
    }
    turns->running = true;
    return STUB_TURN_TAKEN;
}

stub_turn_result stub_turns_take(stub_turns *turns, uint64_t ticket, uint64_t deadline_ns) {
    pthread_mutex_lock(&turns->lock);
    const stub_turn_result result = wait_for_turn(turns, ticket, deadline_ns);
    pthread_mutex_unlock(&turns->lock);
    return result;
}

bool stub_turns_has(stub_turns *turns, uint64_t ticket) {
    pthread_mutex_lock(&turns->lock);
    const bool has = turns->running && turns->finished + 1 == ticket;
    pthread_mutex_unlock(&turns->lock);
    return has;
}

/* Under the lock: takes the ticket out of those given up. */
static bool take_given_up(stub_turns *turns, uint64_t ticket, int *kind) {
    for (stub_given_up **link = &turns->waiting; *link != NULL; link = &(*link)->next) {
        if ((*link)->ticket == ticket) {
            stub_given_up *found = *link;
            *kind = found->kind;
            *link = found->next;
            free(found);
            return true;
        }
    }
    return false;
}

/* Under the lock. */
static void skip_given_up(stub_turns *turns) {
    int kind = 0;
    while (!turns->running && take_given_up(turns, turns->finished + 1, &kind)) {
        turns->skip(turns->owner, turns->finished + 1, kind);
        turns->finished++;
    }
    pthread_cond_broadcast(&turns->changed);
}

void stub_turns_finish(stub_turns *turns, uint64_t ticket) {
    pthread_mutex_lock(&turns->lock);
    turns->finished = ticket;
    turns->running = false;
    skip_given_up(turns);
    pthread_mutex_unlock(&turns->lock);
}

/* A ticket that was forgotten would keep all later ones waiting. */
static stub_given_up *new_entry(void) {
    stub_given_up *entry = malloc(sizeof *entry);
    while (entry == NULL) {
        usleep(1000);
        entry = malloc(sizeof *entry);
    }
    return entry;
}

void stub_turns_give_up(stub_turns *turns, uint64_t ticket, int kind) {
    stub_given_up *entry = new_entry();
    pthread_mutex_lock(&turns->lock);
    *entry = (stub_given_up){.next = turns->waiting, .ticket = ticket, .kind = kind};
    turns->waiting = entry;
    skip_given_up(turns);
    pthread_mutex_unlock(&turns->lock);
}
