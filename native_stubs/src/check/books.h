/* The checks' books: one per stream and one of the host's own accesses, with the tasks that may still matter.
 *
 * A task is pending from when it is queued, and kept from when its bytes have been touched until everything that could
 * race with it has been compared: until the host and every pending task of other streams know that it is over. All of
 * this under one lock, a leaf: stub_books_lock. */
#ifndef ASCEND_STUB_CHECK_BOOKS_H
#define ASCEND_STUB_CHECK_BOOKS_H

#include "check/check.h"
#include "check/clocks.h"

typedef struct stub_check_task stub_check_task;

/* One access of a task, in a tree of all of them while it is in the books. */
typedef struct stub_touch {
    struct stub_touch *left, *right;
    uintptr_t end, reach; /* of the access, of the furthest in the subtree */
    uint64_t number;
    uint32_t priority;
    bool linked;
    stub_check_task *task;
    const stub_access *access;
    stub_check_memory memory; /* as it was when the task was queued; address 0: unknown */
} stub_touch;

typedef struct {
    stub_check_task *first, *last;
} stub_task_list;

typedef struct stub_book {
    struct stub_book *next_alike;      /* of the same hash */
    struct stub_book *next, *previous; /* all */
    uint32_t stream, slot;
    bool numbered, ended;
    uint64_t first, base; /* the task of number `first` has the position `base`; valid once numbered */
    stub_ticking clock;   /* of the task that started last */
    stub_clock *follows;  /* what the next task queued comes after */
    stub_clock *joined;   /* the latest of the host's clocks that is in `clock` */
    stub_task_list pending, kept;
    size_t kept_count, prune_at;
} stub_book;

/* What the checks hold of a queued task; watched->check. */
struct stub_check_task {
    stub_watched *watched;
    stub_book *book;                  /* NULL outside of the books, which hold a reference to `watched` */
    stub_check_task *previous, *next; /* in its list */
    uint64_t position;                /* in its slot */
    uint64_t sequence;                /* in the order of queueing, over all streams */
    stub_clock *seen, *follows;       /* what was over when it was queued: seen by the host, and for its stream */
    bool started, touched;
    bool by_host;
    uint64_t likeness; /* of tasks that touch the same bytes from the same place */
    size_t count;
    stub_touch touches[];
};

/* Whether anybody asks for the books. */
static inline bool stub_books_matter(void) {
    return stub_checks(STUB_CHECK_RACES) || stub_checks(STUB_CHECK_LIFETIME);
}

/* With the memory of its accesses looked up. No lock is held. NULL without memory. */
stub_check_task *stub_check_task_new(stub_watched *watched);

void stub_books_lock(void);
void stub_books_unlock(void);

/* ---- under the lock ---- */

stub_book *stub_book_find(uint32_t stream);
stub_book *stub_book_of(uint32_t stream); /* made on first use; NULL without memory */
stub_book *stub_book_host(void);

/* Memory has run out: what comes before what is no longer known, so nothing is, until the checks are set again. */
void stub_books_give_up(void);
void stub_books_forget(void);

/* A position beyond which nothing has been given out is cut. */
uint64_t stub_book_position(const stub_book *book, uint64_t number);

/* A task becomes pending, and is kept. `stub_book_add` is for what is kept at once. */
void stub_book_queue(stub_book *book, stub_check_task *task, uint64_t number);
void stub_book_keep(stub_check_task *task);
void stub_book_add(stub_book *book, stub_check_task *task, uint64_t position);
void stub_book_drop(stub_check_task *task);

/* Drops what can no longer race with anything. */
void stub_book_prune(stub_book *book);
void stub_book_end(stub_book *book, bool dropped);

/* All touches whose ranges meet [begin, end); the visitor may not link or unlink any. */
typedef void stub_touch_visitor(stub_touch *touch, void *argument);
void stub_touches_in(uintptr_t begin, uintptr_t end, stub_touch_visitor *visitor, void *argument);
void stub_touch_link(stub_touch *touch);
void stub_touch_unlink(stub_touch *touch);

/* Of tasks of one name from one place. */
static inline uint64_t stub_place_key(const stub_watched *watched) {
    uint64_t key = (uintptr_t)watched->place * UINT64_C(0x9E3779B97F4A7C15) ^ (uintptr_t)watched->name;
    key = (key ^ key >> 33) * UINT64_C(0xFF51AFD7ED558CCD);
    key = (key ^ key >> 33) * UINT64_C(0xC4CEB9FE1A85EC53);
    return key ^ key >> 33 ^ 1;
}

static inline bool stub_is_same_memory(const stub_check_memory *a, const stub_check_memory *b) {
    return a->generation == b->generation && a->address == b->address;
}

static inline bool stub_task_is_over(const stub_check_task *task, const stub_ticking *clock) {
    return task->position < stub_ticking_at(clock, task->book->slot);
}

#endif
