/* The operations of one rank, one after the other in the order of their tickets, whatever streams they are on. */
#ifndef ASCEND_STUB_COMM_TURNS_H
#define ASCEND_STUB_COMM_TURNS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct stub_given_up stub_given_up;

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t given;                                       /* the newest ticket */
    uint64_t finished;                                    /* all tickets up to this one are over */
    bool running;                                         /* finished + 1 has its turn */
    stub_given_up *waiting;                               /* tickets given up before their turn */
    void (*skip)(void *owner, uint64_t ticket, int kind); /* called in turn, under the lock, for a ticket given up */
    void *owner;
} stub_turns;

void stub_turns_init(stub_turns *turns, void (*skip)(void *owner, uint64_t ticket, int kind), void *owner);
void stub_turns_free(stub_turns *turns);

uint64_t stub_turns_give(stub_turns *turns);
bool stub_turns_all_over(stub_turns *turns);

typedef enum { STUB_TURN_TAKEN, STUB_TURN_INTERRUPTED, STUB_TURN_TIMED_OUT } stub_turn_result;

/* Waits for a ticket's turn until that time (stub_now_ns); whoever has it must finish it. */
stub_turn_result stub_turns_take(stub_turns *turns, uint64_t ticket, uint64_t deadline_ns);
bool stub_turns_has(stub_turns *turns, uint64_t ticket);
void stub_turns_finish(stub_turns *turns, uint64_t ticket);

/* The ticket is not going to have a turn; `kind` is told to `skip`. Never waits. */
void stub_turns_give_up(stub_turns *turns, uint64_t ticket, int kind);

#endif
