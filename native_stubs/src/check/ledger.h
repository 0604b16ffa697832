/* What the API has made and is alive, and the latest that ended. For the files of this room. All functions are
 * thread-safe: the checks' lock is taken inside, and facts are copies. */
#ifndef ASCEND_STUB_CHECK_LEDGER_H
#define ASCEND_STUB_CHECK_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "check/check.h"
#include "check/place.h"
#include "watch/objects.h"

typedef struct {
    stub_object_kind kind;
    uintptr_t address;
    size_t size;
    uint64_t generation;
    const char *made_by, *ended_by; /* ended_by: NULL while alive */
    const stub_place *made, *ended;
    bool repeatable; /* executors */
} stub_facts;

/* Forgets everything: what happened while nobody looked makes it worthless. */
void stub_ledger_clear(void);

/* A new object in the place of whatever was known there; its generation, 0 without memory. */
uint64_t stub_ledger_add(const stub_facts *made);

/* What is known of an object, alive or ended. */
bool stub_ledger_find(stub_object_kind kind, const void *handle, stub_facts *facts);

/* The object that a need means, even when its address belongs to another by now. */
bool stub_ledger_find_generation(const stub_need *need, stub_facts *facts);

/* The memory that contains an address: device memory also when it was freed. */
bool stub_ledger_find_memory(uintptr_t address, stub_facts *facts);

typedef enum { STUB_UNKNOWN, STUB_ENDED_NOW, STUB_ENDED_BEFORE } stub_ending;

/* Ends an object; `facts` as they were before. */
stub_ending stub_ledger_end(stub_object_kind kind, const void *handle, const char *by, const stub_place *place,
                            stub_facts *facts);

/* Undoes that, when the call that meant to end it failed. */
void stub_ledger_revive(stub_object_kind kind, const void *handle, uint64_t generation);

/* Calls `still` for each live object of a kind, under the lock, and ends those for which it is false. */
void stub_ledger_sweep(stub_object_kind kind, bool (*still)(const void *handle), const char *by,
                       const stub_place *place);

void stub_ledger_set_repeatable(const void *executor);

/* Gives the needs (malloc) to an executor. */
void stub_ledger_set_needs(const void *executor, stub_need *needs, size_t count);
/* A copy to be freed; NULL when there are none. */
stub_need *stub_ledger_needs(const void *executor, size_t *count);

/* The generation that the next object gets. */
uint64_t stub_ledger_mark(void);

typedef struct {
    uint64_t made, destroyed; /* since checks were turned on */
} stub_tally;
void stub_ledger_tallies(stub_tally tallies[STUB_OBJECT_COUNT]);

/* Live objects made since a mark that no report has named yet, oldest first, in memory to be freed; they count as named
 * from now on. */
stub_facts *stub_ledger_leaks(uint64_t mark, size_t *count);

#endif
